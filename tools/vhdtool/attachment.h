// SPDX-License-Identifier: GPL-2.0-or-later
// The devices that `vhdtool attach` leaves, and how they are found again: what they are called is all that is kept of
// them. One on the other: a loop device over each file, device-mapper over those, a loop device with partitions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace vhdboot::vhdtool {

/// All of its devices have it, with a word behind it but for the disk itself; see sys::DiskNames.
struct AttachmentName {
  std::string text;  ///< "vhdtool-fd02-1a2b": of the file that is the image

  [[nodiscard]] std::string uuid() const { return "VHDTOOL-" + text; }
  /// What the loop device over file `number` of the chain is called.
  [[nodiscard]] std::string file(std::size_t number) const { return text + "-file" + std::to_string(number); }
  [[nodiscard]] bool has(std::string_view device) const {
    return device == text || (device.starts_with(text) && device[text.size()] == '-');
  }
};

/// Of the regular file that is the image, or of one of its loop devices: "disk.vhdx", "/dev/loop3". NotFound when it is
/// not attached.
[[nodiscard]] Result<AttachmentName> find_attachment(const std::string& path);

/// That of the image with these numbers of its file system and of its file.
[[nodiscard]] AttachmentName attachment_name(std::uint64_t file_system, std::uint64_t file);

/// Whether the name of a loop device is one of an attachment.
[[nodiscard]] bool is_attachment(std::string_view device);

/// Undoes it, when all that was written is on stable storage. Busy, with nothing undone, while a file system of the
/// disk is mounted or another device lies on it.
[[nodiscard]] Result<void> detach(const AttachmentName& name);

}  // namespace vhdboot::vhdtool
