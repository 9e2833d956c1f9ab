// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/guest_disk.h"

#include <fcntl.h>

#include <algorithm>

#include "base/text.h"
#include "init/core/bootable.h"
#include "init/sys/directory.h"
#include "init/sys/mount.h"

namespace vhdboot::stage {
namespace {

Result<Fd> open_in(const Fd& root, const std::string& path, int flags) {
  return sys::open_below(root, path.empty() ? "/" : path, flags);
}

}  // namespace

std::string GuestPartition::description() const {
  return entry == nullptr ? "the guest disk" : concat("partition ", entry->number, " of the guest disk");
}

GuestTree GuestTree::below(std::string_view path) const {
  GuestTree tree = *this;
  tree.folder_ = full_path(path);
  return tree;
}

std::string GuestTree::full_path(std::string_view path) const {
  if (path.empty() || path == "/") return folder_;
  return concat(folder_, path.starts_with('/') ? "" : "/", path);
}

bool GuestTree::has(std::string_view path) const {
  return open_in(*root_, full_path(path), O_PATH).has_value();
}

std::vector<std::string> GuestTree::list(std::string_view path) const {
  auto folder = open_in(*root_, full_path(path), O_RDONLY | O_DIRECTORY);
  return folder ? sys::list_directory(*std::move(folder)) : std::vector<std::string>{};
}

Result<std::unique_ptr<sys::FdSource>> GuestTree::open(std::string_view path) const {
  return sys::FdSource::adopt(TRY(open_in(*root_, full_path(path), O_RDONLY)));
}

Result<std::vector<std::byte>> GuestTree::read(std::string_view path, std::uint64_t cap) const {
  const Fd file = TRY(open_in(*root_, full_path(path), O_RDONLY));
  return sys::read_all(file, cap);
}

Result<std::string> GuestTree::read_text(std::string_view path, std::uint64_t cap) const {
  const auto bytes = TRY_IN(path, read(path, cap));
  return std::string(as_text(bytes));
}

GuestDisk::GuestDisk(const sys::LoopDevice& disk, const core::PartitionTable& table) : table_(table) {
  const auto add = [&](const core::Partition* entry, const std::string& name) {
    auto device = sys::block_device(name);
    if (!device) return;
    sys::Content content = sys::identify(*device);
    partitions_.push_back({entry, *std::move(device), std::move(content)});
  };
  if (table.scheme == core::Scheme::None) add(nullptr, disk.name());
  for (const core::Partition& entry : table.partitions) add(&entry, concat(disk.name(), 'p', entry.number));
}

const GuestPartition* GuestDisk::find(const core::Partition* entry) const {
  const auto found = std::ranges::find(partitions_, entry, &GuestPartition::entry);
  return found == partitions_.end() ? nullptr : &*found;
}

Result<GuestTree> GuestDisk::mount(const GuestPartition& partition, const std::string& root_flags) {
  const std::string& type = partition.content.type;
  const std::string flags = type == "btrfs" ? root_flags : "";
  const auto known = std::ranges::find_if(
      mounted_, [&](const Mounted& mounted) { return mounted.partition == &partition && mounted.root_flags == flags; });
  if (known != mounted_.end()) return GuestTree(partition, known->root);
  const auto options = core::guest_mount_options(type);
  if (!options)
    return fail(Code::Unsupported,
                concat(partition.description(),
                       type.empty() ? " holds no file system that is known" : concat(" holds ", printable(type)),
                       ", which the boot kernel does not read"));
  // The second without options: an old file system may know none of them.
  auto root = sys::mount_detached_read_only(partition.device.path, type, concat(*options, ',', flags));
  if (!root) root = sys::mount_detached_read_only(partition.device.path, type, flags);
  if (!root) return std::unexpected(root.error().within(partition.description()));
  mounted_.push_back({&partition, flags, *std::move(root)});
  return GuestTree(partition, mounted_.back().root);
}

}  // namespace vhdboot::stage
