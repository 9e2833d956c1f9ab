// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/root_device.h"

#include <algorithm>
#include <array>

#include "base/quoted.h"
#include "base/text.h"
#include "disk/guest_disk.h"
#include "disk/selector.h"

namespace vhdboot::guest {

namespace {

constexpr std::uint64_t kNoAuto = 1ULL << 63;
constexpr std::string_view kLuks = "crypto_LUKS";
// In the initrd alone: the generator of the main system looks at the disk of what is mounted at "/".
constexpr std::string_view kNoGptAuto = "rd.systemd.gpt_auto=0";
// An MBR without a signature: libblkid, and with it udev, then knows no PARTUUID.
constexpr std::string_view kNoSignature = "00000000-";

// As the kernel takes it: "8:2", "8:2:0", or one number in hexadecimal: "0802", "0x802".
bool is_device_number(std::string_view text) {
  const auto numbers = split(text, ':');
  if (numbers.size() > 1)
    return numbers.size() <= 3 &&
           std::ranges::all_of(numbers, [](auto number) { return parse_u64(number).has_value(); });
  if (text.starts_with("0x")) text.remove_prefix(2);
  return text.size() <= 8 && parse_u64(text, 16);
}

std::string list_of(const DiskFacts& disk) {
  if (disk.scheme == disk::Scheme::None) return "no partition table";
  if (disk.partitions.empty()) return "no partitions";
  std::string out = disk.partitions.size() == 1 ? "only partition " : "the partitions ";
  for (std::size_t i = 0; i < disk.partitions.size(); ++i) out += concat(i == 0 ? "" : ", ", disk.partitions[i].number);
  return out;
}

Result<std::string> name_partition(const DiskFacts& disk, unsigned number, std::string_view text) {
  const auto found = std::ranges::find(disk.partitions, number, &PartitionFacts::number);
  if (found == disk.partitions.end())
    return fail(Code::NotFound, concat("the guest names ", quoted(text), ", but its disk has ", list_of(disk)));
  // What every initrd understands first: tiny-initramfs knows no PARTUUID=. A clone on the same disk has the UUID too.
  if (!found->fs_uuid.empty() && std::ranges::count(disk.partitions, found->fs_uuid, &PartitionFacts::fs_uuid) == 1)
    return concat("UUID=", found->fs_uuid);
  if (!found->partuuid.empty() && !found->partuuid.starts_with(kNoSignature))
    return concat("PARTUUID=", found->partuuid);
  return fail(Code::Unsupported, concat("the guest names ", quoted(text),
                                        ", and that partition has no UUID to find it by: name it by LABEL="));
}

Result<std::string> name_whole_disk(const DiskFacts& disk, std::string_view text) {
  if (disk.scheme != disk::Scheme::None)
    return fail(Code::NotFound, concat("the guest names ", quoted(text), ", the whole disk, but that disk has ",
                                       list_of(disk), ": name one of them"));
  if (disk.fs_uuid.empty())
    return fail(Code::Unsupported, concat("the guest names ", quoted(text), ", and the image holds ",
                                          disk.fs_type.empty() ? "no file system" : "a file system without a UUID"));
  return concat("UUID=", disk.fs_uuid);
}

// The name under which the command line itself has the LUKS volume `uuid` opened; empty when it does not.
std::string luks_name(const kexec::CommandLine& line, std::string_view uuid) {
  for (const std::string_view parameter : {"luks.name", "rd.luks.name"})
    for (const std::string& value : line.find_all(parameter)) {
      const auto equals = value.find('=');
      if (equals == std::string::npos || !equals_ignoring_ascii_case(value.substr(0, equals), uuid)) continue;
      return value.substr(equals + 1);
    }
  return {};
}

// Whether what root= names is not on the guest disk. A label may be, and what LUKS and LVM hold is not known here.
bool is_elsewhere(std::string_view root, const DiskFacts& disk) {
  if (const auto node = disk::parse_device_node(root))
    return !node->partition ||
           std::ranges::find(disk.partitions, *node->partition, &PartitionFacts::number) == disk.partitions.end();
  const auto selector = disk::device_selector(root);
  const auto holds_more = [](const PartitionFacts& one) {
    return one.fs_type == "crypto_LUKS" || one.fs_type == "LVM2_member";
  };
  if (!selector || std::ranges::any_of(disk.partitions, holds_more)) return false;
  const auto has = [&](std::string_view uuid, std::string_view partuuid) {
    return matches(*selector, {.uuid = std::string(uuid), .partuuid = std::string(partuuid)});
  };
  using By = disk::Selector::By;
  return (selector->by == By::Uuid || selector->by == By::PartUuid) && !has(disk.fs_uuid, "") &&
         std::ranges::none_of(disk.partitions,
                              [&](const PartitionFacts& one) { return has(one.fs_uuid, one.partuuid); });
}

// root= is the volume with `file` then.
Result<RootChange> root_in_file(std::string_view file, const DiskFacts& disk) {
  if (disk.scheme != disk::Scheme::None || disk.fs_uuid.empty() || !disk::guest_mount_options(disk.fs_type))
    return fail(Code::Unsupported, concat("the guest's root was the file ", quoted(file),
                                          " on another volume (loop=), and this image is no single file system: give "
                                          "`options root=UUID=...` of the root in it"));
  return RootChange{.root = concat("UUID=", disk.fs_uuid), .append = "", .remove = "loop"};
}

Result<RootChange> discover_root(const kexec::CommandLine& line, const DiskFacts& disk, bool asked_for) {
  const PartitionFacts* root = discoverable_root(disk);
  if (root == nullptr) {
    if (!asked_for) return RootChange{.root = std::nullopt, .append = std::string(kNoGptAuto)};
    return fail(Code::NotFound, concat("the guest looks for its root by partition type (root=gpt-auto), and its disk ",
                                       "has no partition of the type for x86-64 roots: give it a root=UUID=..."));
  }
  if (root->fs_type != kLuks)
    return RootChange{.root = TRY(name_partition(disk, root->number, "gpt-auto")), .append = ""};
  if (root->fs_uuid.empty())
    return fail(Code::Unsupported, concat("the guest's root partition ", root->number,
                                          " is encrypted and its LUKS header has no UUID to open it by"));
  if (const auto name = luks_name(line, root->fs_uuid); !name.empty())
    return RootChange{.root = concat("/dev/mapper/", name), .append = ""};
  return RootChange{.root = "/dev/mapper/root", .append = concat("rd.luks.name=", root->fs_uuid, "=root")};
}

// Whether the guest means some disk or partition, and not where else its root may come from.
bool names_device(std::string_view root) {
  return root.empty() || root == "gpt-auto" || root == "gpt-auto-force" || disk::parse_device_node(root) ||
         disk::device_selector(std::string(root));
}

bool is_bare_root(const kexec::CommandLine& line, const DiskFacts& disk) {
  return disk.holds_system && !disk.fs_uuid.empty() && names_device(line.find("root").value_or("")) &&
         line.find("boot").value_or("local") == "local" && !line.has("casper") && !line.has("roothash") &&
         !line.has("loop");
}

}  // namespace

DiskFacts facts_of(const disk::PartitionTable& table) {
  DiskFacts disk{.scheme = table.scheme, .partitions = {}, .fs_type = {}, .fs_uuid = {}, .holds_system = false};
  for (const disk::Partition& partition : table.partitions)
    disk.partitions.push_back({.number = partition.number,
                               .partuuid = partition.partuuid,
                               .fs_type = {},
                               .fs_uuid = {},
                               .type = partition.type,
                               .attributes = partition.attributes});
  return disk;
}

const PartitionFacts* discoverable_root(const DiskFacts& disk) {
  if (disk.scheme != disk::Scheme::Gpt) return nullptr;
  const auto found = std::ranges::find_if(disk.partitions, [](const PartitionFacts& partition) {
    return partition.type == disk::kRootX8664Type && (partition.attributes & kNoAuto) == 0;
  });
  return found == disk.partitions.end() ? nullptr : &*found;
}

Result<std::optional<std::string>> name_by_content(std::string_view text, const DiskFacts& disk) {
  if (text.starts_with("block:")) text.remove_prefix(6);  // dracut.cmdline(7)
  if (is_device_number(text))
    return fail(Code::Unsupported, concat("the guest names its device by number (", printable(text),
                                          "), which means another device here: name it by UUID= or PARTUUID="));
  for (const std::string_view folder : {"/dev/disk/by-id/", "/dev/disk/by-path/", "/dev/disk/by-diskseq/"})
    if (text.starts_with(folder))
      return fail(Code::Unsupported, concat("the guest names ", quoted(text),
                                            ", which is the disk that it was on "
                                            "before: name it by UUID= or PARTUUID="));
  const auto node = disk::parse_device_node(text);
  if (!node) return std::nullopt;
  if (!disk::is_first_disk(*node))
    return fail(Code::NotFound, concat("the guest names ", quoted(text),
                                       ", a further disk, but only one disk is there, the image: name it by UUID="));
  return node->partition ? TRY(name_partition(disk, *node->partition, text)) : TRY(name_whole_disk(disk, text));
}

Result<RootChange> map_root(const kexec::CommandLine& line, const DiskFacts& disk) {
  const auto root = line.find("root");
  if (const auto file = line.find("loop"); file && file->starts_with('/') && root && is_elsewhere(*root, disk))
    return root_in_file(*file, disk);
  if (is_bare_root(line, disk)) {
    const std::string own = concat("UUID=", disk.fs_uuid);
    return root == own ? RootChange{} : RootChange{.root = own};
  }
  if (root && !root->empty() && *root != "gpt-auto" && *root != "gpt-auto-force") {
    return RootChange{.root = TRY_IN("root=", name_by_content(*root, disk)), .append = ""};
  }
  // systemd-veritysetup-generator(8) makes the root of this hash.
  if (line.find("roothash")) return RootChange{};
  return discover_root(line, disk, root && !root->empty());
}

Result<void> apply(const RootChange& change, kexec::CommandLine& line) {
  if (change.root) TRY(line.set("root", *change.root));
  line.append(change.append);
  if (!change.remove.empty()) line.remove(change.remove);
  return {};
}

}  // namespace vhdboot::guest
