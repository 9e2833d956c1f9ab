// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/module_folder.h"

#include <map>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "init/guest/root.h"
#include "init/modules/module_signature.h"
#include "init/modules/needed_modules.h"
#include "init/modules/vermagic.h"

namespace vhdboot::guest {
namespace {

constexpr std::size_t kMaxModuleBytes = 64 * kMiB;

// A place below a root file system with modules, and the root directory of the system that they belong to.
struct Place {
  std::string system;
  std::string above;  // of the folder with modules
};

std::vector<Place> places(const ModuleRequest& request) {
  std::vector<Place> found;
  // NixOS: "/nix/store/...-nixos-system-.../init", and beside it a link.
  if (const std::size_t slash = request.init.rfind('/'); slash != std::string::npos && slash > 0)
    found.push_back({.system = "", .above = concat(request.init.substr(0, slash), "/kernel-modules")});
  for (const std::string& folder : system_folders(request.ostree)) found.push_back({folder, folder});
  return found;
}

// A person may have copied /usr/lib/modules, or one of the folders in it with all that lies above.
Result<ModuleSearch> search_folder(const disk::Folder& folder, const std::vector<std::string>& inside,
                                   const ModuleRequest& request) {
  std::vector<std::string> paths{request.release};
  paths.insert(paths.end(), inside.begin(), inside.end());
  for (const std::string& path : paths) {
    const disk::Folder tree = folder.below(path);
    const auto opened = tree.open("modules.dep");
    if (opened) return ModuleSearch{.folder = ModuleFolder{folder, tree, request.release}, .reason = {}};
    if (opened.error().code != Code::NotFound)
      return std::unexpected(opened.error().within(printable(tree.full_path("modules.dep"))));
  }
  return ModuleSearch{.folder = std::nullopt,
                      .reason = concat("the folder ", printable(folder.full_path("")),
                                       " on the volume has no modules of kernel ", printable(request.release))};
}

}  // namespace

ModuleRequest module_request(std::string release, const kexec::CommandLine& line) {
  const auto value = [&](std::string_view key) { return line.find(key).value_or(""); };
  return {.release = std::move(release),
          .root_option = value("root"),
          .root_flags = value("rootflags"),
          .init = value("init"),
          .ostree = value("ostree")};
}

Result<ModuleSearch> find_module_folder(disk::GuestDisk& disk, const disk::FileTree* host, const record::Config& config,
                                        const ModuleRequest& request) {
  const auto folders = TRY(modules::module_directories(request.release));
  if (config.modules_folder && host == nullptr)
    return ModuleSearch{.folder = std::nullopt, .reason = "the volume with the folder of `modules-from` is not known"};
  if (config.modules_folder) return search_folder(disk::Folder(*host, *config.modules_folder), folders, request);
  const auto candidates = TRY(root_candidates(disk, config, request.root_option));
  std::string reason;
  // What the likeliest root lacks is what a person can mend.
  const auto remember = [&](std::string why) {
    if (reason.empty()) reason = std::move(why);
  };
  for (const disk::GuestPartition* partition : candidates) {
    if (partition->unread) remember(concat(partition->description(), " cannot be read"));
    if (partition->type.starts_with("crypto_")) remember(concat(partition->description(), " is encrypted"));
    const auto root = disk.mount(*partition, request.root_flags);
    // Of a type that is never read nothing was to be expected.
    if (!root && disk::guest_mount_options(partition->type)) remember(root.error().message());
    if (!root) continue;
    for (const std::string_view prefix : disk::kRootFolders)
      for (const Place& place : places(request))
        for (const std::string& folder : folders)
          if (const disk::GuestTree tree = root->below(prefix).below(place.above).below(folder);
              tree.has("modules.dep"))
            return ModuleSearch{.folder = ModuleFolder{root->below(prefix).below(place.system).folder(), tree.folder(),
                                                       request.release, partition},
                                .reason = {}};
    remember(concat(partition->description(), " has no modules of kernel ", request.release));
  }
  remember("no partition of the guest disk holds a file system that the boot kernel reads");
  return ModuleSearch{.folder = std::nullopt, .reason = std::move(reason)};
}

modules::ModprobeConfig read_modprobe(const ModuleFolder& folder, const kexec::CommandLine& line) {
  std::map<std::string, std::string> paths;  // by file name, as they are read in its order
  for (const std::string_view directory : modules::modprobe_directories())
    for (const std::string& name : folder.root.list(directory))
      if (name.ends_with(".conf") && paths.size() < modules::kMaxModprobeFiles)
        paths.emplace(name, concat(directory, '/', name));
  std::vector<std::string> texts;
  std::size_t left = modules::kMaxModprobeTotal;
  for (const auto& [name, path] : paths) {
    texts.push_back(folder.root.read_text(path, std::min(left, modules::kMaxModprobeBytes)).value_or(""));
    left -= texts.back().size();
  }
  return modules::read_modprobe(texts, line);
}

Result<modules::ModuleIndex> read_index(const ModuleFolder& folder, const modules::ModprobeConfig& modprobe) {
  const auto read = [&](std::string_view name) { return folder.tree.read_text(name, modules::kMaxIndexBytes); };
  std::string blacklist;
  for (const std::string& name : modprobe.blacklist) blacklist += concat(name, '\n');
  return modules::ModuleIndex::parse({.dep = TRY(read("modules.dep")),
                                      .alias = modprobe.aliases + read("modules.alias").value_or(""),
                                      .softdep = modprobe.soft_dependencies + read("modules.softdep").value_or(""),
                                      .builtin = read("modules.builtin").value_or(""),
                                      .builtin_modinfo = read("modules.builtin.modinfo").value_or(""),
                                      .blacklist = std::move(blacklist)});
}

std::string read_kernel_config(const ModuleFolder& folder) {
  if (auto text = folder.tree.read_text("config", modules::kMaxKernelConfig)) return *std::move(text);
  return folder.root.read_text(concat("/boot/config-", folder.release), modules::kMaxKernelConfig).value_or("");
}

Result<std::vector<std::byte>> read_module(const ModuleFolder& folder, const std::string& file,
                                           const modules::MakeDecompressor& make) {
  const auto stored = TRY_IN(file, folder.tree.read(file, kMaxModuleBytes));
  auto image = TRY_IN(file, modules::decompress(stored, kMaxModuleBytes, make));
  TRY_IN(file, modules::check_vermagic(image, folder.release));
  return image;
}

}  // namespace vhdboot::guest
