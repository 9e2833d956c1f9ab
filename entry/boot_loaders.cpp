// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/boot_loaders.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/bytes.h"
#include "base/text.h"
#include "base/units.h"
#include "entry/pe.h"

namespace vhdboot::entry {
namespace {

constexpr const char* kSystemdBoot = "/EFI/systemd/systemd-bootx64.efi";
// What it says of itself in its section .sdmagic (systemd, src/boot/boot.c).
constexpr std::string_view kSystemdBootMark = "#### LoaderInfo: systemd-boot ";
constexpr std::string_view kGrub = "/grubx64.efi";
// The section with its modules, which grub-mkimage makes and nobody else does (util/grub-mkimagexx.c).
constexpr std::string_view kGrubModules = "mods";
constexpr std::uint64_t kMaxProgram = 4 * kMiB;
constexpr std::size_t kMaxFolders = 64;

using Partitions = std::vector<const disk::GuestPartition*>;

template <class Predicate>
bool any_tree(disk::GuestDisk& disk, const Partitions& partitions, const Predicate& predicate) {
  return std::ranges::any_of(partitions, [&](const disk::GuestPartition* partition) {
    const auto tree = disk.mount(*partition);
    return tree && predicate(*tree);
  });
}

}  // namespace

std::vector<std::string> program_folders(const disk::GuestTree& tree) {
  std::vector<std::string> folders = tree.list("/EFI");
  if (folders.size() > kMaxFolders) folders.resize(kMaxFolders);
  for (std::string& folder : folders) folder = concat("/EFI/", folder);
  return folders;
}

bool has_programs(disk::GuestDisk& disk, const Partitions& partitions) {
  const auto is_program = [](const std::string& name) { return to_lower_ascii(name).ends_with(".efi"); };
  return any_tree(disk, partitions, [&](const disk::GuestTree& tree) {
    return std::ranges::any_of(program_folders(tree), [&](const std::string& folder) {
      return std::ranges::any_of(tree.list(folder), is_program);
    });
  });
}

bool has_systemd_boot(disk::GuestDisk& disk, const Partitions& partitions) {
  return any_tree(disk, partitions, [](const disk::GuestTree& tree) {
    if (tree.has(kSystemdBoot)) return true;
    const auto program = tree.read(kFirmwaresOwn, kMaxProgram);
    return program && as_text(*program).contains(kSystemdBootMark);
  });
}

bool has_grub(disk::GuestDisk& disk, const Partitions& partitions) {
  return any_tree(disk, partitions, [](const disk::GuestTree& tree) {
    const auto program = tree.open(kFirmwaresOwn);
    if (const auto pe = program ? parse_pe(**program) : std::unexpected(program.error());
        pe && pe->find(kGrubModules) != nullptr)
      return true;
    return std::ranges::any_of(program_folders(tree),
                               [&](const std::string& folder) { return tree.has(concat(folder, kGrub)); });
  });
}

}  // namespace vhdboot::entry
