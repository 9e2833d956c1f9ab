// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/other_kernel.h"

#include <algorithm>
#include <array>

#include "base/quoted.h"
#include "base/text.h"
#include "entry/folders.h"
#include "init/guest/run_files.h"
#include "kexec/cmdline.h"

namespace vhdboot::guest {
namespace {

// Its initrd must not wait for the swap space of its own system, and its firmware is beside its modules.
constexpr std::string_view kOptions = "rw noresume firmware_class.path=/run/vhdboot/kernel/usr/lib/firmware";

// What goes into a script and onto a command line is foreign: no other characters are needed.
Result<void> check_plain(std::string_view what, std::string_view text, std::string_view more) {
  const auto is_plain = [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("._+~@:/-").contains(c) || more.contains(c);
  };
  if (std::ranges::all_of(text, is_plain)) return {};
  return fail(Code::Unsupported, concat(what, ' ', quoted(text), " has characters that cannot be passed on"));
}

std::string_view folder_above(std::string_view path) {
  return path.substr(0, path.rfind('/'));
}

}  // namespace

Result<std::string> other_kernel_options(disk::GuestDisk& disk, std::string_view configured) {
  if (kexec::CommandLine::parse(configured).has("root")) return std::string(kOptions);
  const auto roots = entry::root_trees(disk);
  if (roots.size() != 1 || roots.front().partition().identity.uuid.empty())
    return fail(Code::Unsupported, concat("the guest disk has ",
                                          roots.size() == 1 ? "a root file system without a UUID"
                                          : roots.empty()   ? "no root file system"
                                                            : "several root file systems",
                                          ": with `kernel`, say `options root=UUID=...` for the one that is meant"));
  const disk::GuestTree& root = roots.front();
  const std::string folder = root.full_path("");
  const bool is_subvolume = root.partition().type == "btrfs" && !folder.empty();
  if (is_subvolume) TRY(check_plain("the subvolume", folder, ""));
  return concat("root=UUID=", root.partition().identity.uuid, ' ',
                is_subvolume ? concat("rootflags=subvol=", folder, ' ') : "", kOptions);
}

Result<std::vector<GuestFile>> other_kernel_files(const disk::Folder& root, bool makes_folder,
                                                  const ModuleFolder& modules, std::string_view root_flags,
                                                  std::string_view text) {
  if (modules.partition == nullptr || !modules.partition->volume.empty())
    return fail(Code::Unsupported,
                "its modules lie on LVM, and nothing in the guest sets that up: use an image "
                "whose root is on a partition");
  const disk::GuestPartition& partition = *modules.partition;
  const std::string from = modules.tree.full_path("");
  std::string to = concat("/lib/modules/", modules.release);
  const bool has_folder = makes_folder || root.is_folder(to);
  if (!has_folder) to = folder_above(to);
  if (!makes_folder && !root.is_folder(to))
    return fail(Code::Unsupported, concat("the guest has no folder ", to, " to show its modules in: make it there"));
  const auto own = disk::guest_mount_options(partition.type);
  if (!own) return fail(Code::Unsupported, concat("its modules lie on ", printable(partition.type)));
  std::string options = concat("ro", own->empty() ? "" : ",", *own);
  if (partition.type == "btrfs" && !root_flags.empty()) options += concat(',', root_flags);
  TRY(check_plain("its rootflags=", options, ",="));
  TRY(check_plain("the folder of its modules,", from, ""));
  TRY(check_plain("the kernel's release,", modules.release, ""));
  const std::array<Value, 6> values{
      {{"@PARTITION@", partition.is_whole_disk() ? " " : concat('p', partition.entry->number)},
       {"@TYPE@", partition.type},
       {"@OPTIONS@", options},
       {"@FROM@", std::string(has_folder ? std::string_view(from) : folder_above(from))},
       {"@MAKE@", makes_folder ? "mkdir -p" : "test -d"},
       {"@TO@", to}}};
  return run_files(text, values);
}

}  // namespace vhdboot::guest
