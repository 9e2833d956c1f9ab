// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/needed_modules.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "base/quoted.h"
#include "base/text.h"

namespace vhdboot::modules {

namespace {

/// What people call a part of the guest disk.
std::string disk_part(std::string_view module) {
  if (module == "dm_mod") return "device-mapper";
  if (module == "dm_snapshot") return "snapshots of device-mapper";
  if (module == "dm_zero") return "zeroes of device-mapper";
  if (module == "loop") return "loop devices";
  return printable(module);
}

/// Drivers of disks and of what they hang on whose module has another name.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kModulesOfDrivers{{{"sd", "sd_mod"},
                                                                                          {"mmcblk", "mmc_block"},
                                                                                          {"vbd", "xen_blkfront"},
                                                                                          {"xhci_hcd", "xhci_pci"},
                                                                                          {"ufshcd", "ufshcd_pci"}}};

/// The module that has the driver which sysfs calls so.
std::string_view module_of(std::string_view driver) {
  const auto* const known = std::ranges::find(kModulesOfDrivers, driver, [](const auto& pair) { return pair.first; });
  return known != kModulesOfDrivers.end() ? known->second : driver;
}

const WantedModule& named(const ModuleNeeds& needs, const std::string& name) {
  return *std::ranges::find(needs.wanted, name, &WantedModule::name);
}

}  // namespace

std::string describe(const WantedModule& wanted) {
  switch (wanted.purpose) {
    case Purpose::Controller:
      return concat("the controller ", printable(wanted.name), ", here driven by ", printable(wanted.driver));
    case Purpose::Network:
      return concat("the network card ", printable(wanted.name));
    case Purpose::GuestRoot:
      return concat("the guest's root file system: ", printable(wanted.name));
    case Purpose::GuestDisk:
      break;
  }
  return concat("the guest disk: ", disk_part(wanted.name));
}

std::vector<std::string> names(std::span<const WantedModule> wanted) {
  std::vector<std::string> out;
  std::ranges::transform(wanted, std::back_inserter(out), &WantedModule::name);
  return out;
}

std::vector<std::string> request_lines(std::span<const WantedModule> wanted) {
  std::vector<std::string> out;
  for (const WantedModule& one : wanted)
    out.push_back(one.driver.empty() ? one.name : concat(one.name, '\t', module_of(one.driver)));
  return out;
}

ModuleNeeds find_modules(const ModuleIndex& index, std::vector<WantedModule> wanted) {
  Resolution found = index.resolve(names(wanted));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto missing = std::ranges::find(found.missing, wanted[i].name);
    if (missing == found.missing.end() || wanted[i].driver.empty() || !is_builtin_driver(index, wanted[i].driver))
      continue;
    found.missing.erase(missing);
    found.builtin.push_back(wanted[i].driver);
    found.builtin_for.push_back(i);
  }
  return {.wanted = std::move(wanted), .found = std::move(found)};
}

std::string describe(const LoadReason& reason, const ModuleNeeds& needs) {
  std::string purpose = describe(needs.wanted[reason.wanted]);
  switch (reason.by) {
    case LoadReason::By::Dependency:
      return concat("dependency of ", printable(reason.of), ", for ", purpose);
    case LoadReason::By::SoftDependency:
      return concat("soft dependency of ", printable(reason.of), ", for ", purpose);
    case LoadReason::By::Request:
      break;
  }
  return purpose;
}

std::vector<std::string> missing_sentences(const ModuleNeeds& needs, std::string_view release) {
  std::vector<std::string> sentences;
  for (const std::string& missing : needs.found.missing)
    sentences.push_back(concat("kernel ", printable(release), " has no module for ", describe(named(needs, missing))));
  return sentences;
}

Result<void> check_missing(const ModuleNeeds& needs, std::string_view release, bool has_initrd) {
  const auto sentences = missing_sentences(needs, release);
  if (has_initrd || sentences.empty()) return {};
  return fail(Code::Unsupported, concat(sentences.front(),
                                        ", and the guest has no initrd that could bring one: give it an initrd, or say "
                                        "`modules guest` when that kernel has it built in"));
}

Result<void> check_guest_disk_modules(const ModuleIndex& index, std::span<const std::string> needed,
                                      std::string_view release) {
  const auto missing = std::ranges::find_if(needed, [&](const std::string& module) { return !index.has(module); });
  if (missing == needed.end()) return {};
  return fail(Code::Unsupported,
              concat("kernel ", printable(release), " has no ", disk_part(*missing), " (", printable(*missing),
                     "), which the guest disk is made of: start the guest with another kernel"));
}

bool is_builtin_driver(const ModuleIndex& index, std::string_view driver) {
  // A disk that uas drives talks to usb-storage as well.
  if (driver == "uas" && index.is_builtin("usb_storage")) return true;
  return index.is_builtin(module_of(driver));
}

bool has_driver(const ModuleIndex& index, std::string_view driver) {
  return !driver.empty() && (index.has(module_of(driver)) || is_builtin_driver(index, driver));
}

Result<std::vector<std::string>> module_directories(std::string_view release) {
  if (!fits_line(release) || release.find('/') != std::string_view::npos || release == "." || release == "..")
    return fail(Code::Invalid, concat("expected a kernel release, found ", quoted(release)));
  return std::vector{concat("/usr/lib/modules/", release), concat("/lib/modules/", release)};
}

}  // namespace vhdboot::modules
