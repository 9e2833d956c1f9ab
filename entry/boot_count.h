// SPDX-License-Identifier: GPL-2.0-or-later
// Boot counting (Boot Loader Specification; systemd's AUTOMATIC_BOOT_ASSESSMENT): an entry with tries left loses one
// when it is started, by a new name, and a guest that comes up well takes the counter out of the name. A boot loader
// tells the guest of it by a volatile EFI variable, which nobody can set any more once a kernel runs (UEFI 2.10, 8.2):
// it is told by a unit of systemd instead.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vhdboot::entry {

/// An entry that was started, on a FAT partition of the guest disk.
struct CountedEntry {
  unsigned partition = 0;
  std::string path;  ///< on that partition, with the counter as it is now: "/loader/entries/arch+2-1.conf"
  friend bool operator==(const CountedEntry&, const CountedEntry&) = default;
};

/// Whether the path can be counted: absolute, with names as the Boot Loader Specification allows them, the last one
/// with a counter. No other may reach a unit file or a shell.
[[nodiscard]] bool is_countable(std::string_view path);

/// What the file at `path` is called after one boot more, in the same folder. Nothing when its name has no tries left,
/// or none that can be counted.
[[nodiscard]] std::optional<std::string> next_boot_path(std::string_view path);

inline constexpr std::string_view kBlessUnit = "vhdboot-bless-boot.service";

/// The unit that takes the counter off once the guest is up (boot-complete.target), whatever it has mounted where.
/// `device`: the partition as the guest's kernel calls it. Invalid for a path that is not countable.
[[nodiscard]] Result<std::string> bless_unit(const CountedEntry& entry, std::string_view device);

}  // namespace vhdboot::entry
