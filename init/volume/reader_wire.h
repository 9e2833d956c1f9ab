// SPDX-License-Identifier: GPL-2.0-or-later
// What process 1 asks the reader process of a volume, and what that answers, as bytes. The reader may have been taken
// over by the volume that it reads: an answer is foreign bytes, and nothing of it is believed that can be checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/units.h"
#include "base/wire.h"
#include "init/volume/layout.h"
#include "init/volume/path.h"
#include "init/volume/state.h"
#include "init/volume/volume.h"

namespace vhdboot::volume {

enum class Ask : std::uint8_t {
  State,
  Layout,
  Spelling,
  List,
  ReadFile,
  CheckAllocation,
  ShowFolder,  ///< answered by the messages of init/tree/folder_wire.h
};

struct ReaderRequest {
  Ask ask = Ask::State;
  Path path;              ///< of all but State
  std::uint64_t cap = 0;  ///< of ReadFile, in bytes; of ShowFolder, of contents

  friend bool operator==(const ReaderRequest&, const ReaderRequest&) = default;
};

/// What a reader says first, once it has opened the volume. As in HostVolume.
struct VolumeFacts {
  Kind kind = Kind::Ntfs;
  std::string label;
  std::string serial_text;
  std::uint64_t cluster_size = 0;
  std::uint64_t volume_size = 0;

  friend bool operator==(const VolumeFacts&, const VolumeFacts&) = default;
};

using wire::Message;

/// Bytes of the longest message; an answer that would be longer is an error instead.
inline constexpr std::size_t kMaxRequest = 256 * kKiB;
inline constexpr std::size_t kMaxAnswer = 32 * kMiB;
/// Of the text of an error; what is longer is cut.
inline constexpr std::size_t kMaxErrorText = 4096;

/// How many bytes the answer may take.
[[nodiscard]] std::size_t max_answer(const ReaderRequest& request);

[[nodiscard]] Message encode(const ReaderRequest& request);
[[nodiscard]] Result<ReaderRequest> decode_request(Bytes message);

[[nodiscard]] Message encode(const Error& error);
[[nodiscard]] Message encode(const VolumeFacts& facts);
[[nodiscard]] Message encode(const VolumeState& state);
[[nodiscard]] Message encode(const FileLayout& layout);
[[nodiscard]] Message encode(const Path& path);
[[nodiscard]] Message encode(const std::vector<DirEntry>& entries);
[[nodiscard]] Message encode(const std::vector<std::byte>& contents);
[[nodiscard]] Message encode_done();

template <class T>
[[nodiscard]] Message encode_answer(const Result<T>& result) {
  if (!result) return encode(result.error());
  if constexpr (std::is_void_v<T>)
    return encode_done();
  else
    return encode(*result);
}

/// What `volume` answers.
[[nodiscard]] Message answer(HostVolume& volume, const ReaderRequest& request);

/// An answer of either kind.
struct Answer {
  std::optional<Error> error;  ///< what the reader says went wrong, fit for a terminal
  Bytes body;                  ///< else: for one of the functions below
};

/// All below: Corrupt for an answer that no honest reader gives.
[[nodiscard]] Result<Answer> decode_answer(Bytes message);

/// Of a partition of `partition_size` bytes.
[[nodiscard]] Result<VolumeFacts> decode_facts(Bytes body, std::uint64_t partition_size);
[[nodiscard]] Result<VolumeState> decode_state(Bytes body);
/// Extents lie in logical order and as clusters do, all on the volume, no two at one place.
[[nodiscard]] Result<FileLayout> decode_layout(Bytes body, const VolumeFacts& facts);
/// The spelling of `asked`: as many names, each one valid.
[[nodiscard]] Result<Path> decode_spelling(Bytes body, const Path& asked);
[[nodiscard]] Result<std::vector<DirEntry>> decode_list(Bytes body);
[[nodiscard]] Result<std::vector<std::byte>> decode_contents(Bytes body, std::uint64_t cap);
[[nodiscard]] Result<void> decode_done(Bytes body);

}  // namespace vhdboot::volume
