// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/guest_modules.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "base/units.h"
#include "init/core/bootable.h"
#include "init/core/decompress.h"
#include "init/core/needed_modules.h"
#include "init/core/vermagic.h"
#include "init/sys/block.h"
#include "init/sys/device_chain.h"
#include "init/sys/file.h"
#include "init/sys/mount.h"

namespace vhdboot::stage {
namespace {

constexpr char kRootMount[] = "/run/vhdboot/root";
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

// The partitions of the guest disk, the ones that are likely its root first.
Result<std::vector<sys::BlockDevice>> root_candidates(const sys::LoopDevice& disk, const core::PartitionTable& table,
                                                      const core::Config& config, const std::string& root_option) {
  const auto from_option = core::parse_root_selector(root_option);
  const core::Partition* by_type = core::find_by_type(table, core::kRootX8664Type);
  struct Candidate {
    sys::BlockDevice device;
    int rank;
  };
  std::vector<Candidate> candidates;
  for (const core::Partition& partition : table.partitions) {
    auto device = sys::block_device(concat(disk.name(), 'p', partition.number));
    if (!device) continue;
    const core::Identity identity = sys::identify(*device).identity;
    if (config.root) {
      if (core::matches(*config.root, identity)) return std::vector{*std::move(device)};
      continue;
    }
    const bool is_option = from_option && core::matches(*from_option, identity);
    const bool is_type = by_type != nullptr && by_type->number == partition.number;
    candidates.push_back({*std::move(device), is_option ? 0 : is_type ? 1 : 2});
  }
  if (config.root)
    return fail(Code::Invalid, concat("root ", core::to_text(*config.root), ": the guest disk has no such partition"));
  std::ranges::stable_sort(candidates, {}, &Candidate::rank);
  std::vector<sys::BlockDevice> devices;
  for (Candidate& candidate : candidates) devices.push_back(std::move(candidate.device));
  return devices;
}

// A mounted root and the directory in it that holds the modules.
struct ModuleFolder {
  sys::Mount mount;
  Fd root;
  std::string path;
};

std::optional<sys::Mount> mount_root(const sys::BlockDevice& device, const std::string& type,
                                     const std::string& root_flags) {
  const auto known = core::root_mount_options(type);
  if (!known) return std::nullopt;
  std::vector<std::string> attempts{std::string(*known), ""};
  if (type == "btrfs" && !root_flags.empty()) attempts.insert(attempts.begin(), concat(*known, ',', root_flags));
  for (const std::string& options : attempts)
    if (auto mount =
            sys::Mount::mount(device.path, kRootMount, type, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, options))
      return *std::move(mount);
  return std::nullopt;
}

Result<std::optional<ModuleFolder>> find_folder(const std::vector<sys::BlockDevice>& candidates,
                                                const std::string& release, const std::string& root_flags,
                                                std::string& reason) {
  const auto folders = TRY(core::module_directories(release));
  for (const sys::BlockDevice& device : candidates) {
    const std::string type = sys::identify(device).type;
    const std::string where = concat("partition ", device.partition, " of the guest disk");
    if (type.starts_with("crypto_")) reason = concat(where, " is encrypted");
    auto mount = mount_root(device, type, root_flags);
    if (!mount) continue;
    auto root = sys::open_file(mount->target(), O_PATH | O_DIRECTORY);
    if (!root) continue;
    for (const std::string& folder : folders)
      if (sys::open_below(*root, folder + "/modules.dep", O_RDONLY))
        return ModuleFolder{*std::move(mount), *std::move(root), folder};
    reason = concat(where, " has no modules of kernel ", release);
  }
  return std::nullopt;
}

Result<core::ModuleIndex> read_index(const ModuleFolder& folder) {
  const auto read = [&](const char* name) -> Result<std::string> {
    const Fd file = TRY(sys::open_below(folder.root, concat(folder.path, '/', name), O_RDONLY));
    const auto bytes = TRY_IN(name, sys::read_all(file, core::kMaxIndexBytes));
    return std::string(as_text(bytes));
  };
  return core::ModuleIndex::parse({.dep = TRY(read("modules.dep")),
                                   .alias = read("modules.alias").value_or(""),
                                   .softdep = read("modules.softdep").value_or(""),
                                   .builtin = read("modules.builtin").value_or(""),
                                   .builtin_modinfo = read("modules.builtin.modinfo").value_or("")});
}

Result<CarriedModule> read_module(const ModuleFolder& folder, const std::string& file, const std::string& release) {
  const Fd fd = TRY(sys::open_below(folder.root, concat(folder.path, '/', file), O_RDONLY));
  const auto stored = TRY_IN(file, sys::read_all(fd, kMaxModuleBytes));
  CarriedModule module{.name = core::module_name(file),
                       .image = TRY_IN(file, core::decompress(stored, kMaxModuleBytes))};
  TRY_IN(file, core::check_vermagic(module.image, release));
  return module;
}

}  // namespace

Result<CarriedModules> collect_modules(const sys::LoopDevice& disk, const core::PartitionTable& table,
                                       const FoundImage& image, const core::Config& config, const std::string& release,
                                       const std::string& root_option, const std::string& root_flags,
                                       const sys::Reporter& report) {
  const core::Engine engine = config.engine();
  const auto chain = sys::device_chain(image.volume->device);
  const auto wanted = wanted_modules(chain, core::engine_modules(engine, image.volume->reader->kind()));
  CarriedModules carried;
  std::string reason = "no partition of the guest disk holds a file system that the boot kernel reads";
  std::optional<ModuleFolder> folder;
  if (config.module_source() == core::ModuleSource::Auto)
    folder = TRY(find_folder(TRY(root_candidates(disk, table, config, root_option)), release, root_flags, reason));
  else
    reason = "as configured";
  if (!folder) {
    report.warn(concat("taking no kernel modules from the guest's root (", reason,
                       "): relying on those in the guest's initrd"));
    carried.wanted = wanted;
    return carried;
  }

  const auto index = TRY_IN("the guest's kernel modules", read_index(*folder));
  TRY(core::check_engine(index, engine, image.volume->reader->kind(), release));
  const core::Resolution needed = index.resolve(wanted);
  for (const std::string& missing : needed.missing)
    if (!is_builtin_driver(index, chain, missing))
      report.warn(concat("kernel ", release, " has no module for ", missing));
  for (const std::string& file : needed.files)
    carried.files.push_back(TRY_IN("the guest's kernel modules", read_module(*folder, file, release)));
  return carried;
}

}  // namespace vhdboot::stage
