// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/disk_names.h"

#include "base/text.h"

namespace vhdboot::guest {

GuestFile disk_name_rules(const std::vector<std::string>& disks) {
  GuestFile rules{.name = "68-vhdboot-disks.rules",
                  .text = "# From vhdboot, in memory: the further disks of this system.\n"};
  for (std::size_t i = 1; i < disks.size(); ++i) {
    const std::string kernel =
        concat("SUBSYSTEM==\"block\", KERNEL==\"", std::string_view(disks[i]).substr(disks[i].rfind('/') + 1));
    const std::string name = concat("\", SYMLINK+=\"vhdboot/disk", i);
    rules.text += concat(kernel, name, "\"\n", kernel, "p[0-9]*", name, "-part%n\"\n");
  }
  return rules;
}

}  // namespace vhdboot::guest
