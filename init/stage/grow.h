// SPDX-License-Identifier: GPL-2.0-or-later
// What stage 2 and the program that makes new blocks say to each other: the program vhdboot-keeper, which stays in the
// guest; and likewise vhdboot-arrive, which brings the rest of an image. Stage 2 starts it with the words of a request;
// it answers once, with the device of the disk or with what prevents it. When stage 2 sends an empty message, it undoes
// all of it, answers in the same way, and ends. When stage 2 has become another program, nobody says anything any more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "init/record/config.h"
#include "init/sys/deadline.h"
#include "init/sys/messages.h"

namespace vhdboot::stage {

struct GrowRequest {
  std::string file;               ///< a device that maps the image's own file: "/dev/dm-0"
  std::uint64_t file_size = 0;    ///< bytes
  std::string view;               ///< the device of the view, read-only
  std::string partition;          ///< that all of it lies on
  std::uint64_t gate_sector = 0;  ///< of the partition, in the image's own file
  std::string map;                ///< device-mapper name of the disk; those of lower ones have more behind it
  std::string map_uuid;           ///< likewise
};

/// The same for vhdboot-arrive, with what more it needs.
struct ArriveRequest {
  GrowRequest disk;  ///< its view is the device of the map (init/arrive/block_map.h), which is written, too
  std::string tree;  ///< likewise, but read-only
  record::Arrival from;
};

/// The words of a command line behind the program's name, and back. Nothing for other words.
[[nodiscard]] std::vector<std::string> to_words(const GrowRequest& request);
[[nodiscard]] std::optional<GrowRequest> parse_grow_request(const std::vector<std::string_view>& words);
/// Behind those of `disk` stand `tree` and the three words of `from`.
[[nodiscard]] std::optional<ArriveRequest> parse_arrive_request(const std::vector<std::string_view>& words);

[[nodiscard]] Result<void> send_grow_answer(const sys::Messages& to, const Result<std::string>& device);
/// The device, or the error that was sent; those of Messages::receive().
[[nodiscard]] Result<std::string> receive_grow_answer(const sys::Messages& from, sys::Deadline deadline);

}  // namespace vhdboot::stage
