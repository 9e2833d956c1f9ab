// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/core/other_disks.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/text.h"
#include "init/core/root_device.h"

namespace vhdboot::core {
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
                              DeviceOption{.name = "resume"},
                              DeviceOption{.name = "cryptdevice", .end = ':'},
                              DeviceOption{.name = "cryptopts", .begin = "source=", .end = ',', .adds_up = true},
                              DeviceOption{.name = "rd.luks.name", .end = '=', .adds_up = true, .is_uuid = true},
                              DeviceOption{.name = "rd.luks.uuid", .end = '=', .adds_up = true, .is_uuid = true},
                              DeviceOption{.name = "luks.name", .end = '=', .adds_up = true, .is_uuid = true},
                              DeviceOption{.name = "luks.uuid", .end = '=', .adds_up = true, .is_uuid = true}};

std::optional<Selector> selector_of(const DeviceOption& option, std::string_view value) {
  const std::size_t begin = value.find(option.begin);
  if (begin == std::string_view::npos) return std::nullopt;
  value.remove_prefix(begin + option.begin.size());
  if (option.end != '\0') value = value.substr(0, value.find(option.end));
  if (!option.is_uuid) return device_selector(value);
  if (value.starts_with("luks-")) value.remove_prefix(5);
  return value.empty() ? std::nullopt : device_selector(concat("UUID=", value));
}

const OtherDevice* find(const Selector& selector, const std::vector<OtherDevice>& others) {
  const auto found =
      std::ranges::find_if(others, [&](const OtherDevice& one) { return matches(selector, one.identity); });
  return found == others.end() ? nullptr : &*found;
}

std::string also(std::string_view what, const OtherDevice& other) {
  return concat(what, " is also ", other.path, ", ", human_size(other.size));
}

std::unexpected<Error> a_copy(std::string_view what, const OtherDevice& other) {
  return fail(Code::Unsafe, concat(also(what, other),
                                   ": the image is a copy of that disk, and the guest could mount the one for the "
                                   "other. Unplug that disk, or give the image's file system another UUID"));
}

bool has_option(const FstabEntry& entry, std::string_view option) {
  const auto options = split(entry.options, ',');
  return std::ranges::find(options, option) != options.end();
}

// By "noauto" alone; with an automount it is mounted by whoever looks into it.
bool is_never_mounted(const FstabEntry& entry) {
  return has_option(entry, "noauto") && !has_option(entry, "x-systemd.automount");
}

Result<void> check_by_content(const FstabEntry& entry, const Selector& selector, std::string_view what,
                              const std::vector<Identity>& own, const std::vector<OtherDevice>& others) {
  const OtherDevice* other = find(selector, others);
  if (other == nullptr) return {};
  if (std::ranges::any_of(own, [&](const Identity& one) { return matches(selector, one); }))
    return a_copy(what, *other);
  if (entry.type != "swap" || has_option(entry, "nofail")) return {};
  return fail(Code::Unsafe, concat(what, ", swap space, is ", other->path, ", ", human_size(other->size),
                                   ", and not in the image: the guest would write to that disk. Unplug it, or take the "
                                   "line out of the guest's /etc/fstab"));
}

Result<void> check_by_place(const FstabEntry& entry, std::string_view what, const std::vector<OtherDevice>& others) {
  const auto other = std::ranges::find(others, entry.spec, &OtherDevice::path);
  const bool fits =
      other != others.end() && !other->type.empty() && (entry.type == "auto" || entry.type == other->type);
  if (!fits || entry.file == "/" || !parse_device_node(entry.spec)) return {};
  return fail(Code::Unsafe, concat(what, " is on this machine a partition of another disk, ", human_size(other->size),
                                   ", and the guest would take it for its own: name it by UUID= in the guest's "
                                   "/etc/fstab, or unplug that disk"));
}

}  // namespace

Result<void> check_other_disks(const kexec::CommandLine& line, const std::vector<FstabEntry>& fstab,
                               const std::vector<Identity>& own, const std::vector<OtherDevice>& others) {
  for (const DeviceOption& option : kOptions) {
    auto values = line.find_all(option.name);
    if (!option.adds_up && values.size() > 1) values.erase(values.begin(), values.end() - 1);
    for (const std::string& value : values)
      if (const auto selector = selector_of(option, value))
        if (const OtherDevice* other = find(*selector, others))
          return a_copy(concat(option.name, '=', printable(value)), *other);
  }
  for (const FstabEntry& entry : fstab) {
    if (is_never_mounted(entry)) continue;
    const std::string what = concat("line ", entry.line, " of the guest's /etc/fstab: ", printable(entry.spec));
    if (const auto selector = device_selector(entry.spec))
      TRY(check_by_content(entry, *selector, what, own, others));
    else
      TRY(check_by_place(entry, what, others));
  }
  return {};
}

}  // namespace vhdboot::core
