// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/check_fstab.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/glob.h"
#include "base/text.h"
#include "entry/fstab.h"
#include "init/guest/other_disks.h"

namespace vhdboot::vhdtool {
namespace {

// Disks and their partitions, by the kernel's count. CD-ROM drives (sr0) are not the guest's disk on any machine.
constexpr std::array<std::string_view, 6> kCounted{"/dev/sd[a-z]*",  "/dev/hd[a-z]*",         "/dev/vd[a-z]*",
                                                   "/dev/xvd[a-z]*", "/dev/nvme[0-9]n[0-9]*", "/dev/mmcblk[0-9]*"};

bool is_counted(const entry::FstabEntry& entry) {
  return std::ranges::any_of(kCounted, [&](std::string_view pattern) { return glob_matches(pattern, entry.spec); });
}

bool is_mounted_at_boot(const entry::FstabEntry& entry) {
  const auto options = split(entry.options, ',');
  return std::ranges::find(options, "noauto") == options.end();
}

}  // namespace

void check_fstab(std::string_view text, Findings& findings) {
  const auto entries = entry::parse_fstab(text);
  if (!entries) {
    findings.warning("fstab", concat("the guest's /etc/fstab was not checked: ", entries.error().message()));
    return;
  }
  bool fine = true;
  for (const entry::FstabEntry& entry : *entries) {
    if (!is_counted(entry) || !is_mounted_at_boot(entry)) continue;
    fine = false;
    findings.warning("fstab", concat("line ", entry.line, " of the guest's /etc/fstab names ", printable(entry.spec),
                                     " (", printable(entry.file), "), which may be a disk of the host in this boot: ",
                                     "write UUID=... there, as `blkid` in the guest tells it"));
  }
  if (fine) findings.ok("fstab", "the guest's /etc/fstab names no disk by the order in which disks are found");
}

void check_tables(const guest::RootTables& tables, Findings& findings) {
  // Without other disks: what is unsafe on every machine.
  const auto checked = guest::check_other_disks({}, {.crypttab = tables.crypttab}, {}, {});
  if (!checked) findings.error("crypttab", checked.error());
  if (const auto warning = guest::grub_warning(tables)) findings.warning("grub-pc", *warning);
}

}  // namespace vhdboot::vhdtool
