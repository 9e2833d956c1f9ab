// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/lvm_config.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "disk/lvm_text.h"

namespace vhdboot::guest {
namespace {

using disk::LvmSection;
using disk::LvmValue;

constexpr std::string_view kComment = "# From vhdboot, in memory: LVM finds the volume groups of this system's disk.\n";

LvmSection read(std::string_view text) {
  return disk::parse_lvm_text(text).value_or(LvmSection());
}

const LvmValue* find(const LvmSection& config, std::string_view section, std::string_view name) {
  const LvmSection* in = config.section(section);
  return in == nullptr ? nullptr : in->value(name);
}

std::string list_of(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) {
    out += out.size() == 1 ? " \"" : ", \"";
    for (const char c : item) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + " ]";
}

// LVM puts the filters of lvm.conf behind those of lvmlocal.conf, and the first that matches counts.
std::string filter(const LvmSection& local, std::string_view name, std::string_view disk) {
  std::vector<std::string> items{concat("a|^", disk, "(p[0-9]+)?$|")};
  if (const LvmValue* own = find(local, "devices", name))
    items.insert(items.end(), own->items.begin(), own->items.end());
  return concat('\t', name, " = ", list_of(items), '\n');
}

// Without a list everything is activated; one of lvmlocal.conf stands in for that of lvm.conf.
std::string activation(const LvmSection& config, const LvmSection& local, std::string_view name,
                       const std::vector<std::string>& groups) {
  const LvmValue* own = find(local, "activation", name);
  if (own == nullptr) own = find(config, "activation", name);
  if (own == nullptr) return "";
  std::vector<std::string> items = own->items;
  for (const std::string& group : groups)
    if (std::ranges::find(items, group) == items.end()) items.push_back(group);
  return concat('\t', name, " = ", list_of(items), '\n');
}

}  // namespace

LvmLocalConfig lvm_local_config(std::string_view lvm_config, std::string_view local_config, std::string_view disk,
                                const std::vector<std::string>& groups) {
  const LvmSection config = read(lvm_config);
  local_config = local_config.substr(0, local_config.find(kComment));  // of a try that failed
  const auto parsed = disk::parse_lvm_text(local_config);
  const LvmSection local = parsed.value_or(LvmSection());
  const auto has = [&](std::string_view section, std::string_view name) {
    return find(config, section, name) != nullptr || find(local, section, name) != nullptr;
  };
  LvmLocalConfig made{.text = std::string(parsed ? local_config : ""), .is_needed = has("devices", "devicesfile")};
  if (!made.text.empty() && !made.text.ends_with('\n')) made.text += '\n';
  made.text += concat(kComment, "devices {\n");
  // A file that is not there: then every device counts. `use_devicesfile = 0` has LVM rename the guest's own one. What
  // versions without it do not know, they warn of.
  if (lvm_config.empty() || lvm_config.contains("use_devicesfile"))
    made.text += "\tdevicesfile = \"vhdboot.devices\"\n";
  for (const std::string_view name : {"filter", "global_filter"}) {
    made.text += filter(local, name, disk);
    made.is_needed |= has("devices", name);
  }
  made.text += "}\n";
  const std::string lists = concat(activation(config, local, "volume_list", groups),
                                   activation(config, local, "auto_activation_volume_list", groups));
  made.is_needed |= !lists.empty();
  if (!lists.empty()) made.text += concat("activation {\n", lists, "}\n");
  return made;
}

// No mount unit: systemd says that it cannot make the mount point, or makes it.
GuestFile lvm_config_unit(const LvmLocalConfig& config) {
  return {.name = "vhdboot-lvm.service",
          .text = concat(kComment,
                         "[Unit]\n"
                         "Description=LVM Finds the Volume Groups of This System's Disk\n"
                         "DefaultDependencies=no\n"
                         "ConditionPathExists=!/etc/initrd-release\n"
                         "ConditionPathExists=",
                         kLvmLocalConfig, "\n",
                         config.is_needed ? "" : concat("ConditionPathExists=", kLvmDevicesFile, '\n'),
                         "Before=systemd-udevd.service systemd-udev-trigger.service lvm2-monitor.service\n"
                         "\n"
                         "[Service]\n"
                         "Type=oneshot\n"
                         "RemainAfterExit=yes\n"
                         "ExecStart=/bin/mount --bind ",
                         kLvmLocalInRun, ' ', kLvmLocalConfig, '\n')};
}

}  // namespace vhdboot::guest
