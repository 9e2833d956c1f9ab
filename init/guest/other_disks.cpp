// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/other_disks.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/text.h"
#include "init/guest/root_device.h"

namespace vhdboot::guest {
namespace {

// An option with a device between `begin` and `end`; the last one counts, unless they add up.
struct DeviceOption {
  std::string_view name;
  std::string_view begin = {};
  char end = '\0';
  bool adds_up = false;
  bool is_uuid = false;  // without a key
};
constexpr std::array kOptions{DeviceOption{.name = "root"},
                              DeviceOption{.name = "mount.usr"},
                              DeviceOption{.name = "cryptdevice", .end = ':'},
                              DeviceOption{.name = "cryptopts", .begin = "source=", .end = ',', .adds_up = true},
                              DeviceOption{.name = "rd.luks.name", .end = '=', .adds_up = true, .is_uuid = true},
                              DeviceOption{.name = "rd.luks.uuid", .end = '=', .adds_up = true, .is_uuid = true},
                              DeviceOption{.name = "luks.name", .end = '=', .adds_up = true, .is_uuid = true},
                              DeviceOption{.name = "luks.uuid", .end = '=', .adds_up = true, .is_uuid = true}};

std::optional<disk::Selector> selector_of(const DeviceOption& option, std::string_view value) {
  const std::size_t begin = value.find(option.begin);
  if (begin == std::string_view::npos) return std::nullopt;
  value.remove_prefix(begin + option.begin.size());
  if (option.end != '\0') value = value.substr(0, value.find(option.end));
  if (!option.is_uuid) return disk::device_selector(value);
  if (value.starts_with("luks-")) value.remove_prefix(5);
  return value.empty() ? std::nullopt : disk::device_selector(concat("UUID=", value));
}

const PresentDevice* find(const disk::Selector& selector, const std::vector<PresentDevice>& others) {
  for (const PresentDevice& other : others)
    if (matches(selector, other.identity)) return &other;
  return nullptr;
}

std::unexpected<Error> refuse(std::string_view what, const PresentDevice& other, std::string_view why) {
  return fail(Code::Unsafe, concat(what, " is also ", other.path, ", ", human_size(other.size), ": ", why));
}

constexpr std::string_view kCopy =
    "the image is a copy of that disk, and the guest could mount the one for the other. Unplug that disk, or give the "
    "image's file system another UUID";
constexpr std::string_view kOwnCopy =
    "the guest would have both, and could mount the one for the other. Take that disk out of the configuration, or "
    "give "
    "its file system another UUID, and its partition too";
constexpr std::string_view kSwap =
    "the image has no such swap space, so the guest would write to that disk. Unplug it, or take the line out of fstab";
constexpr std::string_view kFormatted =
    "the image has no such partition, so the guest would format that disk. Unplug it, or take the line out of crypttab";
constexpr std::string_view kPlace =
    "on this machine the guest would take that disk for its own. Name its own by UUID=, or unplug that disk";

constexpr std::string_view kGroup =
    "the guest could take the one for the other. Unplug that disk, or rename the image's volume group (vgrename)";

constexpr std::string_view kOwnGroup =
    "the guest would have both, and could take the one for the other. Take that disk out of the configuration, or "
    "rename "
    "one of the groups (vgrename)";

// What kernel, udev or LVM put together as soon as they see it, and crypttab may name where nobody can look.
constexpr std::array<std::string_view, 4> kFoundUnnamed{"btrfs", "crypto_LUKS", "LVM2_member", "linux_raid_member"};

// What the others are: disks of this machine, or the guest's own once more.
enum class Others : std::uint8_t { OfMachine, OfGuest };

std::string_view copy_of(Others kind) {
  return kind == Others::OfGuest ? kOwnCopy : kCopy;
}

bool is_of_same_group(const PresentDevice& one, const PresentDevice& other) {
  return !one.group_id.empty() && one.group_id == other.group_id && one.identity.uuid != other.identity.uuid;
}

// The same name, but on the disk of `other` where that is one of the guest.
bool has(const std::vector<PresentDevice>& own, const disk::Selector& selector, const PresentDevice& other,
         Others kind) {
  return std::ranges::any_of(own, [&](const PresentDevice& one) {
    return (kind == Others::OfMachine || one.disk != other.disk) && matches(selector, one.identity);
  });
}

Result<void> check_own(const PresentDevice& own, const std::vector<PresentDevice>& others, Others kind) {
  const bool unnamed = std::ranges::find(kFoundUnnamed, own.type) != kFoundUnnamed.end();
  for (const PresentDevice& other : others) {
    if (kind == Others::OfGuest && other.disk <= own.disk) continue;  // each two of them once
    if (!own.volume_group.empty() && other.volume_group == own.volume_group &&
        (kind == Others::OfMachine || !is_of_same_group(own, other)))
      return fail(Code::Unsafe,
                  concat("the image has the volume group ", own.volume_group, ", and so has ", other.path, ", ",
                         human_size(other.size), ": ", kind == Others::OfGuest ? kOwnGroup : kGroup));
    if (unnamed && other.type == own.type && !own.identity.uuid.empty() && other.identity.uuid == own.identity.uuid)
      return refuse(concat("the ", own.type, " on ", own.path), other, copy_of(kind));
  }
  return {};
}

bool has_option(const auto& entry, std::string_view option) {
  return concat(',', entry.options, ',').contains(concat(',', option, ','));
}

// Names that belong to a disk, or to a place in the machine; of the guest disk only the loop device is one.
bool is_of_hardware(std::string_view name) {
  if (name.starts_with("/dev/loop")) return false;
  for (const std::string_view folder : {"/dev/disk/by-id/", "/dev/disk/by-path/", "/dev/disk/by-diskseq/"})
    if (name.starts_with(folder)) return true;
  return disk::parse_device_node(name).has_value();
}

// By "noauto" alone; with an automount it is mounted by whoever looks into it.
bool is_never_mounted(const entry::FstabEntry& entry) {
  return has_option(entry, "noauto") && !has_option(entry, "x-systemd.automount");
}

bool is_type_of(const entry::FstabEntry& entry, const PresentDevice& other) {
  return !other.type.empty() && (entry.type == "auto" || entry.type == other.type);
}

Result<void> check_entry(const entry::FstabEntry& entry, const std::vector<PresentDevice>& own,
                         const std::vector<PresentDevice>& others, Others kind) {
  const std::string what = concat("line ", entry.line, " of the guest's /etc/fstab: ", printable(entry.spec));
  if (const auto selector = disk::device_selector(entry.spec)) {
    const PresentDevice* other = find(*selector, others);
    if (other == nullptr) return {};
    if (has(own, *selector, *other, kind)) return refuse(what, *other, copy_of(kind));
    if (kind == Others::OfMachine && entry.type == "swap" && !has_option(entry, "nofail"))
      return refuse(what, *other, kSwap);
    return {};
  }
  if (entry.file == "/" || !disk::parse_device_node(entry.spec)) return {};
  for (const PresentDevice& other : others)
    if (other.path == entry.spec && is_type_of(entry, other))
      return refuse(concat(what, ", as the guest calls it,"), other, kPlace);
  return {};
}

Result<void> check_entry(const entry::CrypttabEntry& entry, const std::vector<PresentDevice>& own,
                         const std::vector<PresentDevice>& others, Others kind) {
  const std::string what = concat("line ", entry.line, " of the guest's /etc/crypttab: ", printable(entry.device));
  const bool formats = is_formatted_at_start(entry);
  if (formats && is_of_hardware(entry.device))
    return fail(Code::Unsafe, concat(what, " is formatted whenever the guest starts, and on this machine that may be ",
                                     "another disk. Name it by PARTUUID=, or take the line out"));
  if (const auto selector = disk::device_selector(entry.device)) {
    const PresentDevice* other = find(*selector, others);
    if (other == nullptr) return {};
    if (has(own, *selector, *other, kind)) return refuse(what, *other, copy_of(kind));
    return formats && kind == Others::OfMachine ? refuse(what, *other, kFormatted) : Result<void>();
  }
  for (const PresentDevice& other : others)
    if (other.path == entry.device && other.type == "crypto_LUKS")
      return refuse(concat(what, ", as the guest calls it,"), other, kPlace);
  return {};
}

Result<void> check(const kexec::CommandLine& line, const RootTables& tables, const std::vector<PresentDevice>& own,
                   const std::vector<PresentDevice>& others, Others kind) {
  for (const DeviceOption& option : kOptions) {
    const auto values = line.find_all(option.name);
    for (const std::string& value : values) {
      if (!option.adds_up && &value != &values.back()) continue;
      const auto selector = selector_of(option, value);
      const PresentDevice* other = selector ? find(*selector, others) : nullptr;
      if (other != nullptr && (kind == Others::OfMachine || has(own, *selector, *other, kind)))
        return refuse(concat(option.name, '=', printable(value)), *other, copy_of(kind));
    }
  }
  for (const PresentDevice& one : own) TRY(check_own(one, others, kind));
  for (const entry::FstabEntry& entry : tables.fstab)
    if (!is_never_mounted(entry)) TRY(check_entry(entry, own, others, kind));
  for (const entry::CrypttabEntry& entry : tables.crypttab)
    if (!has_option(entry, "noauto")) TRY(check_entry(entry, own, others, kind));
  return {};
}

}  // namespace

Result<void> check_other_disks(const kexec::CommandLine& line, const RootTables& tables,
                               const std::vector<PresentDevice>& own, const std::vector<PresentDevice>& others) {
  return check(line, tables, own, others, Others::OfMachine);
}

Result<void> check_own_disks(const kexec::CommandLine& line, const RootTables& tables,
                             const std::vector<PresentDevice>& own) {
  return check(line, tables, own, own, Others::OfGuest);
}

std::optional<std::string> grub_warning(const RootTables& tables) {
  std::string disks;
  for (const std::string_view name : split(tables.grub_disks, ','))
    if (is_of_hardware(trim(name))) disks += concat(disks.empty() ? "" : ", ", printable(trim(name)));
  if (disks.empty()) return std::nullopt;
  return concat("an upgrade of grub-pc in the guest would install GRUB on ", disks,
                ", which is a disk of this machine here: run `dpkg-reconfigure grub-pc` there and choose none");
}

}  // namespace vhdboot::guest
