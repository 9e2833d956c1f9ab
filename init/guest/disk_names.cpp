// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/disk_names.h"

#include "base/text.h"

namespace vhdboot::guest {

GuestFile disk_name_rules(const std::vector<std::string>& disks) {
  GuestFile rules{.name = "68-vhdboot-disks.rules",
                  .text = "# From vhdboot, in memory: the further disks of this system.\n"};
  for (std::size_t i = 0; i < disks.size(); ++i) {
    const auto add = [&](std::string_view partition, std::string_view behind) {
      rules.text += concat("SUBSYSTEM==\"block\", KERNEL==\"", disks[i].substr(disks[i].rfind('/') + 1), partition,
                           "\", SYMLINK+=\"vhdboot/disk", i + 1, behind, "\"\n");
    };
    add("", "");
    add("p[0-9]*", "-part%n");
  }
  return rules;
}

}  // namespace vhdboot::guest
