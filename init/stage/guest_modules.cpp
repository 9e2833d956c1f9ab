// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/guest_modules.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "init/guest/module_folder.h"
#include "init/modules/initrd_modules.h"
#include "init/modules/module_signature.h"
#include "init/modules/needed_modules.h"
#include "init/sys/volume_tree.h"

namespace vhdboot::stage {
namespace {

// The kernel would refuse them, and stage 2 wait for a disk that never appears.
Result<void> check_signatures(const CarriedModules& carried, std::string_view demand, const sys::Reporter& report) {
  for (std::size_t i = 0; i < carried.files.size(); ++i)
    if (!modules::is_signed(carried.files[i].image))
      report.warn(TRY(modules::judge_unsigned(carried.needs, i, demand)));
  return {};
}

// Whether the guest's initrd brings what is not taken along, because of `reason`. What a person says counts for more.
Result<void> check_initrd(const ModuleUse& use, const std::vector<modules::WantedModule>& wanted,
                          const std::string& release, const std::string& reason, const record::Config& config,
                          const sys::Reporter& report) {
  if (!use.plan.has_initrd) return {};
  const auto doubt = modules::check_initrd(
      modules::list_initrd(kexec::GuestInitrd(use.plan), release, use.decompressors), wanted, release);
  if (!doubt && config.module_source() != record::ModuleSource::Guest)
    return fail(doubt.error().code, concat(doubt.error().message(), "; none is taken along (", reason,
                                           "): ", modules::initrd_remedy(config.modules_folder.has_value())));
  const std::string warning = doubt ? *doubt : doubt.error().message();
  if (!warning.empty()) report.warn(warning);
  return {};
}

}  // namespace

std::vector<modules::WantedModule> wanted_modules(const std::vector<sys::DrivenDevice>& chain,
                                                  const std::vector<std::string>& guest_disk,
                                                  const std::string& root_type,
                                                  const std::vector<sys::DrivenDevice>* more) {
  // The controllers first: the disk may need a second to appear, and the rest loads meanwhile.
  std::vector<modules::WantedModule> wanted;
  for (const auto* devices : {&chain, more})
    for (std::size_t i = 0; devices != nullptr && i < devices->size(); ++i)
      if (const auto& device = (*devices)[i]; devices == &chain || std::ranges::find(chain, device) == chain.end())
        wanted.push_back({device.alias, modules::Purpose::Controller, device.driver});
  for (const std::string& module : guest_disk) wanted.push_back({module, modules::Purpose::GuestDisk, ""});
  if (!root_type.empty()) wanted.push_back({root_type, modules::Purpose::GuestRoot, ""});
  return wanted;
}

Result<CarriedModules> collect_modules(disk::GuestDisk& disk, const FoundImage& image, const record::Config& config,
                                       const guest::ModuleRequest& request, const ModuleUse& use,
                                       const sys::Reporter& report) {
  const HostVolume* other = image.other_volume();
  auto wanted = wanted_modules(image.volume->hardware.chain, use.guest_disk, use.root_type,
                               other == nullptr ? nullptr : &other->hardware.chain);
  if (image.arriving) {
    auto cards = sys::network_cards();
    if (cards.empty())
      return fail(Code::Unsupported,
                  "it is not complete, and this machine has no network card for Ethernet on PCI to bring the rest: use "
                  "`vhdtool fetch`");
    for (std::string& card : cards) wanted.push_back({std::move(card), modules::Purpose::Network, ""});
  }
  CarriedModules carried;
  const sys::VolumeTree host(*image.volume->reader);
  guest::ModuleSearch search{.folder = std::nullopt, .reason = "as configured"};
  if (config.module_source() == record::ModuleSource::Auto)
    search = TRY(guest::find_module_folder(disk, &host, config, request));
  const auto& folder = search.folder;
  if (!folder) {
    report.warn(concat("taking no kernel modules along (", search.reason, "): ",
                       use.plan.has_initrd ? "relying on those in the guest's initrd"
                                           : "there is no initrd either, relying on what is built into its kernel"));
    TRY(check_initrd(use, wanted, request.release, search.reason, config, report));
    carried.wanted = modules::request_lines(wanted);
    carried.needs.wanted = std::move(wanted);
    carried.not_read = std::move(search.reason);
    return carried;
  }

  const auto modprobe = guest::read_modprobe(*folder, use.line);
  const auto index = TRY_IN("the guest's kernel modules", guest::read_index(*folder, modprobe));
  TRY(modules::check_guest_disk_modules(index, use.guest_disk, request.release));
  carried.needs = modules::find_modules(index, std::move(wanted));
  TRY(modules::check_missing(carried.needs, request.release, use.plan.has_initrd));
  for (const std::string& sentence : modules::missing_sentences(carried.needs, request.release)) report.warn(sentence);
  for (const std::string& file : carried.needs.found.files) {
    const std::string name = modules::module_name(file);
    carried.files.push_back(
        {.name = name,
         .image = TRY_IN("the guest's kernel modules", guest::read_module(*folder, file, use.decompressors)),
         .options = modprobe.options_of(name)});
    if (!carried.files.back().options.empty())
      report.log(concat(name, " gets the parameters ", printable(carried.files.back().options)));
    if (std::ranges::find(modprobe.blacklist, name) != modprobe.blacklist.end())
      report.warn(concat(name, " is blacklisted in the guest, but the disk with the image needs it"));
  }
  // How its kernel was configured is a large file.
  if (std::ranges::all_of(carried.files, modules::is_signed, &CarriedModule::image)) return carried;
  const auto demand = modules::demands_signatures(use.line, guest::read_kernel_config(*folder), use.secure_boot);
  if (demand) TRY(check_signatures(carried, *demand, report));
  return carried;
}

}  // namespace vhdboot::stage
