// SPDX-License-Identifier: GPL-2.0-or-later
// What kind of image a file is, and which of its bytes the guest sees as its disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/byte_source.h"
#include "base/guid.h"
#include "base/result.h"
#include "vhd/footer.h"

namespace vhdboot::vhd {

enum class Format {
  Raw,
  FixedVhd,
  DynamicVhd,
  DifferencingVhd,
  Vhdx,
  Qcow2,
  Qed,
  Vdi,
  Vmdk,
  Parallels,
  Compressed,
  Incomplete
};

/// The format's name for people: "dynamic VHD".
[[nodiscard]] std::string_view name(Format format);

struct ImageInfo {
  Format format = Format::Raw;
  std::uint64_t payload_size = 0;  ///< Raw and FixedVhd: the disk is bytes [0, payload_size) of the file; others: 0
  std::optional<Footer> footer;    ///< of the VHD formats

  /// The disk's UUID from the footer; nothing in a raw image.
  [[nodiscard]] std::optional<Guid> uuid() const { return footer ? std::optional(footer->uuid) : std::nullopt; }
};

/// The format of `file`, by its content. Corrupt for a damaged footer, a fixed VHD whose footer names another size than
/// the file has, an empty file, and a raw file whose size is no multiple of 512. Errors name `file_name` where they say
/// what to do.
[[nodiscard]] Result<ImageInfo> recognise(const ByteSource& file, std::string_view file_name = "IMAGE");

/// As recognise(), for who wants the disk itself: only Raw and FixedVhd; every other format is Unsupported, with the
/// command that converts it.
[[nodiscard]] Result<ImageInfo> identify(const ByteSource& file, std::string_view file_name = "IMAGE");

/// Corrupt when the name says VHD and the footer is missing: as a raw disk the image would be larger by it, and a guest
/// could write there. Unsafe when a virtual machine was saved with the disk: it would go on from what it remembers.
/// `file_name` is the last component.
[[nodiscard]] Result<void> check_footer(const ImageInfo& info, std::string_view file_name);

/// The format that the first bytes of `file` name, other than Raw and FixedVhd, which leave no mark there; and
/// Incomplete, which the last ones do (vhd/incomplete.h).
[[nodiscard]] Result<std::optional<Format>> foreign_format(const ByteSource& file);

/// "it is a dynamic VHD; convert it with `qemu-img convert ...`": why `format` is not used as it is and what to do.
[[nodiscard]] std::string conversion_advice(Format format, std::string_view file_name);

}  // namespace vhdboot::vhd
