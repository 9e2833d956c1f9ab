// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/check_modules.h"

#include <string>

#include "base/text.h"
#include "init/blocks/attach_plan.h"
#include "init/stage/guest_modules.h"

namespace vhdboot::vhdtool {

namespace {

// Of an image that lies in place, whatever its extents.
std::vector<std::string> guest_disk_modules() {
  return blocks::modules_of({});
}

}  // namespace

bool check_modules(const modules::ModuleIndex& index, std::string_view release, Findings& findings) {
  const auto needed = guest_disk_modules();
  const auto fits = modules::check_guest_disk_modules(index, needed, release);
  if (!fits) {
    findings.error("modules", fits.error());
    return false;
  }
  std::string names;
  for (const std::string& module : needed) names += concat(names.empty() ? "" : ", ", module);
  findings.ok("modules", concat("kernel ", printable(release), " has what the guest disk is made of: ", names));
  return true;
}

std::vector<modules::WantedModule> wanted_modules(const std::vector<sys::DrivenDevice>& chain,
                                                  const std::string& root_type) {
  return stage::wanted_modules(chain, guest_disk_modules(), root_type);
}

void check_module_files(const std::vector<std::string>& files, const JudgeModule& judge, std::string_view release,
                        Findings& findings) {
  for (const std::string& file : files) {
    const auto fits = judge(file);
    if (fits) continue;
    findings.error("vermagic", concat(printable(fits.error().message()), "; install the guest's kernel package again"));
    return;
  }
  if (!files.empty())
    findings.ok("vermagic",
                concat("the ", files.size(), " modules of it that a boot takes along fit kernel ", printable(release)));
}

void modules_unchecked(std::string_view why, Findings& findings) {
  findings.warning("modules", concat("the guest's kernel modules were not checked: ", why));
}

}  // namespace vhdboot::vhdtool
