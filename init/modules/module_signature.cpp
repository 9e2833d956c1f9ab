// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/module_signature.h"

#include <array>

#include "base/text.h"

namespace vhdboot::modules {
namespace {

constexpr std::string_view kMagic = "~Module signature appended~\n";  // include/linux/module_signature.h

constexpr std::array<std::string_view, 3> kForced{"CONFIG_MODULE_SIG_FORCE=y",
                                                  "CONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY=y",
                                                  "CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY=y"};
// A patch that the distributions share.
constexpr std::string_view kLockedBySecureBoot = "CONFIG_LOCK_DOWN_IN_EFI_SECURE_BOOT=y";

// As the kernel reads a switch (kstrtobool); a bare name is on.
bool is_on(const kexec::CommandLine& line, std::string_view name) {
  if (!line.has(name)) return false;
  const std::string value = line.find(name).value_or("y");
  return value.starts_with('y') || value.starts_with('Y') || value.starts_with('1') || value.starts_with('t') ||
         value.starts_with('T') || equals_ignoring_ascii_case(value.substr(0, 2), "on");
}

}  // namespace

bool is_signed(Bytes module) {
  return as_text(module).ends_with(kMagic);
}

std::optional<std::string> demands_signatures(const kexec::CommandLine& line, std::string_view config,
                                              bool secure_boot) {
  for (const std::string& level : line.find_all("lockdown"))
    if (level == "integrity" || level == "confidentiality") return concat("lockdown=", level, " on its command line");
  if (is_on(line, "module.sig_enforce")) return "module.sig_enforce on its command line";
  for (const std::string_view setting : split_lines(config)) {
    for (const std::string_view forced : kForced)
      if (setting == forced) return concat("it was built with ", forced);
    if (secure_boot && setting == kLockedBySecureBoot) return "Secure Boot is on, which locks it down";
  }
  return std::nullopt;
}

Result<std::string> judge_unsigned(const ModuleNeeds& needs, std::size_t index, std::string_view demand) {
  const LoadReason& reason = needs.found.reasons[index];
  std::string sentence =
      concat("the guest's kernel takes signed modules only (", demand, "), and ",
             printable(module_name(needs.found.files[index])), " (", describe(reason, needs), ") has no signature");
  if (reason.by == LoadReason::By::SoftDependency) return sentence;
  return fail(Code::Unsupported, concat(sentence, ": sign it, or lift that restriction"));
}

}  // namespace vhdboot::modules
