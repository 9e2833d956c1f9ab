// SPDX-License-Identifier: GPL-2.0-or-later
// What a reader process (init/volume/reader_wire.h) answers that is to show a folder as a file system: message after
// message, the last of which is the image or an error. They are foreign bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "base/units.h"
#include "base/wire.h"
#include "init/tree/folder_image.h"

namespace vhdboot::tree {

/// Bytes of the file system; they lie in the message.
struct FolderBytes {
  std::uint64_t offset = 0;
  Bytes bytes;
};
/// Something for a person.
struct FolderSaid {
  std::string path;
  std::string text;
};
/// It is at work, and has looked at so many.
struct FolderGoesOn {
  std::uint64_t files = 0;
};
using FolderAnswer = std::variant<FolderBytes, FolderSaid, FolderGoesOn, FolderImage, Error>;

/// Of one FolderBytes.
inline constexpr std::size_t kMaxFolderBytes = kMiB;
/// Of a message.
inline constexpr std::size_t kMaxFolderAnswer = kMaxFolderBytes + 256 * kKiB;

[[nodiscard]] wire::Message encode(const FolderBytes& bytes);
[[nodiscard]] wire::Message encode(const FolderSaid& said);
[[nodiscard]] wire::Message encode(const FolderGoesOn& goes_on);
[[nodiscard]] wire::Message encode(const FolderImage& image);

/// An error is one of volume::encode(). Corrupt for an answer that no honest reader gives; what it says is fit for a
/// terminal.
[[nodiscard]] Result<FolderAnswer> decode_folder_answer(Bytes message);

}  // namespace vhdboot::tree
