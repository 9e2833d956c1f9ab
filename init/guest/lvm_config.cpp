// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/lvm_config.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "disk/lvm_text.h"

namespace vhdboot::guest {
namespace {

using disk::LvmSection;
using disk::LvmValue;

constexpr std::string_view kComment = "# From vhdboot, in memory: LVM finds the volume groups of this system's disk.\n";
constexpr std::string_view kMerged = "/run/vhdboot/lvmlocal.conf";

LvmSection read(std::string_view text) {
  return disk::parse_lvm_text(text).value_or(LvmSection());
}

// LVM joins sections of one name.
const LvmValue* find(const LvmSection& config, std::string_view section, std::string_view name) {
  for (auto in = config.sections.rbegin(); in != config.sections.rend(); ++in)
    if (const LvmValue* value = in->name == section ? in->value(name) : nullptr) return value;
  return nullptr;
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

std::vector<std::string> items_of(const LvmSection& config, const LvmSection& local, std::string_view section,
                                  std::string_view name) {
  const LvmValue* own = find(local, section, name);
  if (own == nullptr) own = find(config, section, name);
  return own == nullptr ? std::vector<std::string>() : own->items;
}

// Without a list everything is activated.
std::string activation(const LvmSection& config, const LvmSection& local, std::string_view name,
                       const std::vector<std::string>& groups) {
  std::vector<std::string> items = items_of(config, local, "activation", name);
  if (items.empty() && find(local, "activation", name) == nullptr && find(config, "activation", name) == nullptr)
    return "";
  for (const std::string& group : groups)
    if (std::ranges::find(items, group) == items.end()) items.push_back(group);
  return concat('\t', name, " = ", list_of(items), '\n');
}

}  // namespace

bool hides_devices(std::string_view lvm_config, std::string_view local_config) {
  const LvmSection config = read(lvm_config);
  const LvmSection local = read(local_config);
  const auto has = [&](std::string_view section, std::string_view name) {
    return find(config, section, name) != nullptr || find(local, section, name) != nullptr;
  };
  return has("devices", "filter") || has("devices", "global_filter") || has("devices", "devicesfile") ||
         has("activation", "volume_list") || has("activation", "auto_activation_volume_list");
}

std::string lvm_overrides(std::string_view lvm_config, std::string_view local_config, std::string_view disk,
                          const std::vector<std::string>& groups) {
  const LvmSection config = read(lvm_config);
  const LvmSection local = read(local_config);
  const std::string ours = concat("a|^", disk, "(p[0-9]+)?$|");
  // The first pattern that matches counts, and what none matches passes.
  std::vector<std::string> global{ours};
  std::ranges::copy(items_of(config, local, "devices", "global_filter"), std::back_inserter(global));
  global.insert(global.end(), {"a|^/dev/(mapper/|dm-)|", "r|.*|"});
  // Behind this one LVM puts that of lvm.conf; of global_filter it takes the last one alone.
  std::vector<std::string> filter{ours};
  if (const LvmValue* own = find(local, "devices", "filter")) std::ranges::copy(own->items, std::back_inserter(filter));
  // A file that is not there: then the filters alone count. `use_devicesfile = 0` has LVM rename the guest's own file.
  std::string text = concat(kComment, "devices {\n\tdevicesfile = \"vhdboot.devices\"\n\tfilter = ", list_of(filter),
                            "\n\tglobal_filter = ", list_of(global), "\n}\n");
  const std::string lists = concat(activation(config, local, "volume_list", groups),
                                   activation(config, local, "auto_activation_volume_list", groups));
  if (!lists.empty()) text += concat("activation {\n", lists, "}\n");
  return text;
}

std::string with_overrides(std::string_view local_config, std::string_view overrides) {
  std::string text(local_config.substr(0, local_config.find(kComment)));
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  return text + std::string(overrides);
}

// No mount unit: systemd says that it cannot make the mount point, or makes it.
std::vector<GuestFile> lvm_units() {
  constexpr std::string_view kHides =
      "grep -qsE \"^[[:space:]]*([a-z]+/)?(global_filter|filter|devicesfile|volume_list|auto_activation_volume_list)"
      "[[:space:]]*=\" ";
  return {{.name = "vhdboot-lvm.service",
           .text = concat(kComment,
                          "[Unit]\n"
                          "Description=LVM Finds the Volume Groups of This System's Disk\n"
                          "DefaultDependencies=no\n"
                          "ConditionPathExists=!/etc/initrd-release\n"
                          "ConditionPathExists=",
                          kLvmLocalConfig,
                          "\n"
                          "Before=systemd-udevd.service systemd-udev-trigger.service lvm2-monitor.service\n"
                          "\n"
                          "[Service]\n"
                          "Type=oneshot\n"
                          "RemainAfterExit=yes\n"
                          "ExecStart=/bin/sh -c 'test -e ",
                          kLvmDevicesFile, " || ", kHides, kLvmConfig, ' ', kLvmLocalConfig, " || exit 0; cat ",
                          kLvmLocalConfig, ' ', kLvmOverrides, " >", kMerged, " && mount --bind ", kMerged, ' ',
                          kLvmLocalConfig, "'\n")},
          {.name = "vhdboot-lvm-done.service",
           .text = concat(kComment,
                          "[Unit]\n"
                          "Description=LVM Has the Configuration of This System Again\n"
                          "DefaultDependencies=no\n"
                          "After=vhdboot-lvm.service local-fs.target\n"
                          "ConditionPathIsMountPoint=",
                          kLvmLocalConfig,
                          "\n"
                          "\n"
                          "[Service]\n"
                          "Type=oneshot\n"
                          "ExecStart=/bin/umount ",
                          kLvmLocalConfig, '\n')}};
}

}  // namespace vhdboot::guest
