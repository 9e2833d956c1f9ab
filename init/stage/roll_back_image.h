// SPDX-License-Identifier: GPL-2.0-or-later
// A differencing VHDX forgets what was written to it, before anything runs from it: asked for by a person at the menu.
// Process 1 makes the image's file a device, and the program vhdboot-keeper changes it (vhd/roll_back.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "init/stage/find_image.h"

namespace vhdboot::stage {

/// The file that the image would read as then; empty when it is none that can be rolled back here.
[[nodiscard]] std::string rolls_back_to(const FoundImage& image);

/// The image in that place, after all checks of one that is to be written. Whatever happens on the way, it reads as
/// before or as its parent. What it has written, as a sentence. Unsupported when its file has no free place for this.
[[nodiscard]] Result<std::string> roll_image_back(HostVolumes& volumes, const Sighting& place,
                                                  const ParentVolume& parent_volume);

/// What process 1 asks vhdboot-keeper for.
struct RollBackRequest {
  std::string file;             ///< a device that maps the image's own file
  std::uint64_t file_size = 0;  ///< bytes
  std::string partition;        ///< that it lies on

  friend bool operator==(const RollBackRequest&, const RollBackRequest&) = default;
};

/// The words of a command line behind the program's name, and back. Nothing for other words.
[[nodiscard]] std::vector<std::string> to_words(const RollBackRequest& request);
[[nodiscard]] std::optional<RollBackRequest> parse_roll_back_request(const std::vector<std::string_view>& words);

/// In vhdboot-keeper: does it, answers process 1, and returns the exit status.
[[nodiscard]] int roll_back_for_stage1(const RollBackRequest& request);

}  // namespace vhdboot::stage
