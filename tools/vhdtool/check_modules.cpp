// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/check_modules.h"

#include <string>

#include "base/text.h"
#include "init/blocks/attach_plan.h"
#include "init/modules/module_signature.h"
#include "init/stage/guest_modules.h"

namespace vhdboot::vhdtool {

namespace {

// Of an image that lies in place, whatever its extents.
std::vector<std::string> guest_disk_modules() {
  return blocks::modules_of({});
}

void check_signatures(const modules::ModuleNeeds& needs, const std::vector<std::size_t>& without,
                      const kexec::CommandLine& line, std::string_view config, Findings& findings) {
  auto demand = modules::demands_signatures(line, config, false);
  const bool is_certain = demand.has_value();
  if (!is_certain && modules::demands_signatures(line, config, true))
    demand = "where Secure Boot is on, as that locks it";
  if (!demand) return;
  for (const std::size_t index : without) {
    const auto judged = modules::judge_unsigned(needs, index, *demand);
    findings.add("signatures", is_certain && !judged ? Severity::Error : Severity::Warning,
                 judged ? *judged : judged.error().message());
  }
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

void check_module_files(const modules::ModuleNeeds& needs, const JudgeModule& judge, std::string_view release,
                        const kexec::CommandLine& line, const std::function<std::string()>& config,
                        Findings& findings) {
  const std::vector<std::string>& files = needs.found.files;
  std::vector<std::size_t> without;  // a signature
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto is_signed = judge(files[i]);
    if (!is_signed)
      return findings.error(
          "vermagic", concat(printable(is_signed.error().message()), "; install the guest's kernel package again"));
    if (!*is_signed) without.push_back(i);
  }
  if (!files.empty())
    findings.ok("vermagic",
                concat("the ", files.size(), " modules of it that a boot takes along fit kernel ", printable(release)));
  if (!without.empty()) check_signatures(needs, without, line, config(), findings);
}

void modules_unchecked(std::string_view why, Findings& findings) {
  findings.warning("modules", concat("the guest's kernel modules were not checked: ", why));
}

}  // namespace vhdboot::vhdtool
