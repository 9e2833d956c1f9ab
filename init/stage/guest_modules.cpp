// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/guest_modules.h"

#include <algorithm>
#include <optional>

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
std::vector<std::string> wanted_modules(const std::vector<sys::DrivenDevice>& chain,
                                        const std::vector<std::string>& engine_modules) {
  std::vector<std::string> wanted;
  for (const sys::DrivenDevice& device : chain) wanted.push_back(device.alias);
  wanted.insert(wanted.end(), engine_modules.begin(), engine_modules.end());
  return wanted;
}

bool is_builtin_driver(const core::ModuleIndex& index, const std::vector<sys::DrivenDevice>& chain,
                       const std::string& alias) {
  const auto device = std::ranges::find(chain, alias, &sys::DrivenDevice::alias);
  return device != chain.end() && core::is_builtin_driver(index, device->driver);
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
  const volume::Kind kind = image.volume->reader->kind();
  const auto chain = sys::device_chain(image.volume->device);
  auto wanted = wanted_modules(chain, core::engine_modules(engine, kind));
  wanted.insert(wanted.end(), request.more.begin(), request.more.end());
  CarriedModules carried;
  std::string reason = "no partition of the guest disk holds a file system that the boot kernel reads";
  std::optional<ModuleFolder> folder;
  if (config.module_source() == core::ModuleSource::Auto)
    folder = find_folder(disk, TRY(root_candidates(disk, config, request.root_option)),
                         TRY(core::module_directories(request.release)), request.release, request.root_flags, reason);
  else
    reason = "as configured";
  if (!folder) {
    report.warn(concat("taking no kernel modules from the guest's root (", reason,
                       "): relying on those in the guest's initrd"));
    carried.wanted = wanted;
    return carried;
  }

  const auto index = TRY_IN("the guest's kernel modules", read_index(*folder));
  TRY(core::check_engine(index, engine, kind, request.release));
  const core::Resolution needed = index.resolve(wanted);
  for (const std::string& missing : needed.missing)
    if (!is_builtin_driver(index, chain, missing))
      report.warn(concat("kernel ", request.release, " has no module for ", missing));
  for (const std::string& file : needed.files)
    carried.files.push_back(TRY_IN("the guest's kernel modules", read_module(*folder, file)));
  return carried;
}

}  // namespace vhdboot::stage
