// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/tool/guest_root.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "init/core/bootable.h"
#include "init/core/decompress.h"
#include "init/core/fstab.h"
#include "init/core/needed_modules.h"
#include "init/core/selector.h"
#include "init/sys/block.h"
#include "init/sys/file.h"
#include "init/sys/loop.h"
#include "init/sys/mount.h"

namespace vhdboot::tool {
namespace {

// Modules are a few MiB at most.
constexpr std::size_t kMaxModuleBytes = 64 * kMiB;

struct Candidate {
  sys::LoopDevice device;
  std::string type;  // of its file system
  unsigned number = 0;
  int rank = 0;
};

// Where in the backing file a partition begins, when it lies there in one piece.
std::optional<std::uint64_t> place_of(const core::Partition& partition, const std::vector<Extent>& extents) {
  for (const Extent& extent : extents)
    if (partition.start >= extent.logical && partition.start - extent.logical < extent.length)
      return partition.length <= extent.length - (partition.start - extent.logical)
                 ? std::optional(extent.physical + (partition.start - extent.logical))
                 : std::nullopt;
  return std::nullopt;
}

Result<std::vector<Candidate>> attach_partitions(const Fd& backing, const std::vector<Extent>& extents,
                                                 const core::PartitionTable& table, const std::string& root,
                                                 const std::optional<core::Selector>& configured, std::string& reason) {
  const auto option = core::parse_root_selector(root);
  const core::Partition* by_type = core::find_by_type(table, core::kRootX8664Type);
  const core::Partition* esp = core::find_esp(table);
  std::vector<Candidate> candidates;
  bool all_seen = true;
  for (const core::Partition& partition : table.partitions) {
    if (&partition == esp && !configured) continue;
    const auto place = place_of(partition, extents);
    if (!place) {
      all_seen = false;
      reason =
          concat("partition ", partition.number,
                 " of the guest disk lies in several pieces: check the file on the mounted volume, without --volume");
      continue;
    }
    auto device = TRY(sys::LoopDevice::attach(backing, "vhdtool check",
                                              {.read_only = true,
                                               .direct_io = false,
                                               .offset = *place,
                                               .size_limit = partition.length,
                                               .block_size = 512,
                                               .auto_clear = true}));
    sys::Content content = sys::identify({.name = {}, .path = device.path(), .numbers = {}, .sysfs = {}});
    content.identity.partuuid = partition.partuuid;
    content.identity.number = partition.number;
    if (configured && !core::matches(*configured, content.identity)) continue;
    const int rank = option && core::matches(*option, content.identity) ? 0 : by_type == &partition ? 1 : 2;
    candidates.push_back({std::move(device), std::move(content.type), partition.number, rank});
  }
  if (configured && candidates.empty() && all_seen)
    return fail(Code::Invalid, concat("root ", core::to_text(*configured), ": the guest disk has no such partition"));
  std::ranges::sort(candidates, {}, [](const Candidate& one) { return std::pair(one.rank, one.number); });
  return candidates;
}

std::optional<Fd> mount_root(const Candidate& candidate, const std::string& root_flags) {
  const auto options = core::guest_mount_options(candidate.type);
  if (!options) return std::nullopt;
  std::vector<std::string> attempts{std::string(*options)};
  // A copy of a file system that is mounted already has its UUID.
  if (candidate.type == "xfs") attempts = {concat(*options, ",nouuid")};
  if (candidate.type == "btrfs" && !root_flags.empty())
    attempts.insert(attempts.begin(), concat(*options, ',', root_flags));
  for (const std::string& attempt : attempts)
    if (auto mount = sys::mount_detached_read_only(candidate.device.path(), candidate.type, attempt))
      return *std::move(mount);
  return std::nullopt;
}

}  // namespace

Result<GuestRoot> GuestRoot::open(const Fd& backing, const std::vector<Extent>& extents,
                                  const core::PartitionTable& table, const BootChoice& choice,
                                  const std::optional<core::Selector>& configured) {
  if (::geteuid() != 0) return fail(Code::Unsupported, "run this as root to have them checked");
  if (choice.release.empty()) return fail(Code::NotFound, "the release of its kernel is not known");
  const auto folders = TRY(core::module_directories(choice.release));
  std::string reason = "no partition of the guest disk holds a file system that this system reads";
  auto candidates = TRY(attach_partitions(backing, extents, table, choice.root, configured, reason));
  for (Candidate& candidate : candidates) {
    const std::string where = concat("partition ", candidate.number, " of the guest disk");
    if (candidate.type.starts_with("crypto_")) reason = concat(where, " is encrypted");
    auto root = mount_root(candidate, choice.root_flags);
    if (!root) continue;
    for (const std::string& folder : folders)
      if (sys::open_below(*root, folder + "/modules.dep", O_RDONLY))
        return GuestRoot(std::move(candidate.device), *std::move(root), folder);
    reason = concat(where, " has no modules of kernel ", printable(choice.release));
  }
  return fail(Code::NotFound, reason);
}

Result<core::ModuleTexts> GuestRoot::module_lists() const {
  const auto read = [&](const char* name) -> Result<std::string> {
    const Fd file = TRY(sys::open_below(root_, concat(folder_, '/', name), O_RDONLY));
    const auto bytes = TRY_IN(name, sys::read_all(file, core::kMaxIndexBytes));
    return std::string(as_text(bytes));
  };
  return core::ModuleTexts{.dep = TRY(read("modules.dep")),
                           .alias = read("modules.alias").value_or(""),
                           .softdep = read("modules.softdep").value_or(""),
                           .builtin = read("modules.builtin").value_or(""),
                           .builtin_modinfo = read("modules.builtin.modinfo").value_or("")};
}

Result<std::vector<std::byte>> GuestRoot::read_module(std::string_view file) const {
  const Fd fd = TRY(sys::open_below(root_, concat(folder_, '/', file), O_RDONLY));
  const auto stored = TRY(sys::read_all(fd, kMaxModuleBytes));
  return core::decompress(stored, kMaxModuleBytes);
}

Result<std::string> GuestRoot::fstab() const {
  const Fd file = TRY(sys::open_below(root_, "/etc/fstab", O_RDONLY | O_NONBLOCK));
  return std::string(as_text(TRY(sys::read_all(file, core::kMaxFstabBytes))));
}

}  // namespace vhdboot::tool
