// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/guest_modules.h"

#include <optional>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "init/core/bootable.h"
#include "init/core/decompress.h"
#include "init/core/needed_modules.h"
#include "init/core/vermagic.h"
#include "init/stage/guest_root.h"
#include "init/sys/device_chain.h"

namespace vhdboot::stage {
namespace {

constexpr std::size_t kMaxModuleBytes = 64 * kMiB;

// The controllers first: the disk may need a second to appear, and the rest loads meanwhile.
std::vector<core::WantedModule> wanted_modules(const FoundImage& image, core::Engine engine,
                                               const ModuleRequest& request) {
  std::vector<core::WantedModule> wanted;
  for (const sys::DrivenDevice& device : sys::device_chain(image.volume->device))
    wanted.push_back({device.alias, core::Purpose::Controller, device.driver});
  for (const std::string& module : core::engine_modules(engine, image.volume->reader->kind()))
    wanted.push_back({module, core::Purpose::Engine, ""});
  if (!request.root_type.empty()) wanted.push_back({request.root_type, core::Purpose::GuestRoot, ""});
  return wanted;
}

// The folder of a kernel's modules, and what is loaded from where.
struct ModuleFolder {
  GuestTree tree;
  std::string release;
};

std::optional<ModuleFolder> find_folder(GuestDisk& disk, const std::vector<const GuestPartition*>& candidates,
                                        const std::vector<std::string>& folders, const std::string& release,
                                        const std::string& root_flags, std::string& reason) {
  for (const GuestPartition* partition : candidates) {
    if (partition->content.type.starts_with("crypto_")) reason = concat(partition->description(), " is encrypted");
    const auto root = disk.mount(*partition, root_flags);
    if (!root) continue;
    for (const std::string_view prefix : core::kRootFolders)
      for (const std::string& folder : folders)
        if (const GuestTree tree = root->below(prefix).below(folder); tree.has("modules.dep"))
          return ModuleFolder{tree, release};
    reason = concat(partition->description(), " has no modules of kernel ", release);
  }
  return std::nullopt;
}

Result<core::ModuleIndex> read_index(const ModuleFolder& folder) {
  const auto read = [&](std::string_view name) { return folder.tree.read_text(name, core::kMaxIndexBytes); };
  return core::ModuleIndex::parse({.dep = TRY(read("modules.dep")),
                                   .alias = read("modules.alias").value_or(""),
                                   .softdep = read("modules.softdep").value_or(""),
                                   .builtin = read("modules.builtin").value_or(""),
                                   .builtin_modinfo = read("modules.builtin.modinfo").value_or("")});
}

Result<CarriedModule> read_module(const ModuleFolder& folder, const std::string& file) {
  const auto stored = TRY_IN(file, folder.tree.read(file, kMaxModuleBytes));
  CarriedModule module{.name = core::module_name(file),
                       .image = TRY_IN(file, core::decompress(stored, kMaxModuleBytes))};
  TRY_IN(file, core::check_vermagic(module.image, folder.release));
  return module;
}

}  // namespace

Result<CarriedModules> collect_modules(GuestDisk& disk, const FoundImage& image, const core::Config& config,
                                       const ModuleRequest& request, const sys::Reporter& report) {
  const core::Engine engine = config.engine();
  auto wanted = wanted_modules(image, engine, request);
  CarriedModules carried;
  std::string reason = "no partition of the guest disk holds a file system that the boot kernel reads";
  std::optional<ModuleFolder> folder;
  if (config.module_source() == core::ModuleSource::Auto)
    folder = find_folder(disk, TRY(root_candidates(disk, config, request.root_option)),
                         TRY(core::module_directories(request.release)), request.release, request.root_flags, reason);
  else
    reason = "as configured";
  if (!folder) {
    report.warn(concat("taking no kernel modules from the guest's root (", reason, "): ",
                       request.has_initrd ? "relying on those in the guest's initrd"
                                          : "there is no initrd either, relying on what is built into its kernel"));
    carried.wanted = core::names(wanted);
    carried.needs.wanted = std::move(wanted);
    carried.not_read = std::move(reason);
    return carried;
  }

  const auto index = TRY_IN("the guest's kernel modules", read_index(*folder));
  TRY(core::check_engine(index, engine, image.volume->reader->kind(), request.release));
  carried.needs = core::find_modules(index, std::move(wanted));
  TRY(core::check_missing(carried.needs, request.release, request.has_initrd));
  for (const std::string& sentence : core::missing_sentences(carried.needs, request.release)) report.warn(sentence);
  for (const std::string& file : carried.needs.found.files)
    carried.files.push_back(TRY_IN("the guest's kernel modules", read_module(*folder, file)));
  return carried;
}

}  // namespace vhdboot::stage
