// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/boot_count.h"

#include <algorithm>

#include "base/text.h"
#include "entry/bls.h"

namespace vhdboot::entry {
namespace {

constexpr std::string_view kPlace = "/run/vhdboot/boot";

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("+-_.").contains(c);
}

std::string_view file_name(std::string_view path) {
  return path.substr(path.find_last_of('/') + 1);
}

std::string beside(std::string_view path, std::string_view name) {
  return concat(path.substr(0, path.size() - file_name(path).size()), name);
}

}  // namespace

bool is_countable(std::string_view path) {
  if (path.size() < 2 || path.front() != '/') return false;
  for (const std::string_view name : split(path.substr(1), '/'))
    if (name.empty() || name.front() == '.' || name.front() == '-' || !std::ranges::all_of(name, is_plain))
      return false;
  return parse_entry_name(file_name(path)).count.has_value();
}

std::optional<std::string> next_boot_path(std::string_view path) {
  if (!is_countable(path)) return std::nullopt;
  const auto next = next_boot_name(file_name(path));
  return next ? std::optional(beside(path, *next)) : std::nullopt;
}

Result<std::string> bless_unit(const CountedEntry& entry, std::string_view device) {
  if (!is_countable(entry.path)) return fail(Code::Invalid, concat(printable(entry.path), " has no boot counter"));
  const std::string counted = concat(kPlace, entry.path);
  const std::string good = concat(kPlace, beside(entry.path, parse_entry_name(file_name(entry.path)).id));
  return concat(
      "# From vhdboot, in memory: the boot counter of the entry that was started.\n"
      "[Unit]\n"
      "Description=Mark the Current Boot Loader Entry as Good\n"
      "ConditionPathExists=!/etc/initrd-release\n"
      "DefaultDependencies=no\n"
      "Requires=boot-complete.target\n"
      "After=local-fs.target boot-complete.target\n"
      "Conflicts=shutdown.target\n"
      "Before=shutdown.target\n"
      "\n"
      "[Service]\n"
      "Type=oneshot\n"
      "RemainAfterExit=yes\n"
      "PrivateMounts=yes\n"
      "ExecStart=/bin/sh -ec 'mkdir -p ",
      kPlace, "; mount -t vfat -o nosuid,nodev,noexec ", device, ' ', kPlace, "; if [ -e ", counted, " ]; then mv -n ",
      counted, ' ', good, "; fi; umount ", kPlace, "'\n");
}

}  // namespace vhdboot::entry
