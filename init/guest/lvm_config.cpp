// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/lvm_config.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "base/text.h"

namespace vhdboot::guest {
namespace {

using disk::LvmSection;
using disk::LvmValue;

constexpr std::string_view kComment = "# From vhdboot, in memory: LVM finds the volume groups of this system's disk.\n";
constexpr std::string_view kMerged = "/run/vhdboot/lvmlocal.conf";

struct Setting {
  std::string_view section;
  std::string_view name;
};
constexpr std::array<Setting, 5> kHiding{Setting{"devices", "filter"},
                                         {"devices", "global_filter"},
                                         {"devices", "devicesfile"},
                                         {"activation", "volume_list"},
                                         {"activation", "auto_activation_volume_list"}};

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

// Of lvmlocal.conf, else of lvm.conf.
const LvmValue* find(const LvmConfig& config, std::string_view section, std::string_view name) {
  const LvmValue* own = find(config.local, section, name);
  return own != nullptr ? own : find(config.usual, section, name);
}

// Without a list everything is activated.
std::string activation(const LvmConfig& config, std::string_view name, const std::vector<std::string>& groups) {
  const LvmValue* own = find(config, "activation", name);
  if (own == nullptr) return "";
  std::vector<std::string> items = own->items;
  for (const std::string& group : groups)
    if (std::ranges::find(items, group) == items.end()) items.push_back(group);
  return concat('\t', name, " = ", list_of(items), '\n');
}

}  // namespace

LvmConfig read_lvm_config(std::string_view usual, std::string_view local) {
  const auto read = [](std::string_view text) { return disk::parse_lvm_text(text).value_or(LvmSection()); };
  return {.usual = read(usual), .local = read(local)};
}

bool hides_devices(const LvmConfig& config) {
  return std::ranges::any_of(kHiding,
                             [&](const Setting& one) { return find(config, one.section, one.name) != nullptr; });
}

std::string lvm_overrides(const LvmConfig& config, const std::vector<std::string>& disks,
                          const std::vector<std::string>& groups) {
  std::vector<std::string> ours;
  for (const std::string& disk : disks) ours.push_back(concat("a|^", disk, "(p[0-9]+)?$|"));
  // The first pattern that matches counts, and what none matches passes.
  std::vector<std::string> global = ours;
  if (const LvmValue* own = find(config, "devices", "global_filter"))
    std::ranges::copy(own->items, std::back_inserter(global));
  global.insert(global.end(), {"a|^/dev/(mapper/|dm-)|", "r|.*|"});
  // Behind this one LVM puts that of lvm.conf; of global_filter it takes the last one alone.
  std::vector<std::string> filter = std::move(ours);
  if (const LvmValue* own = find(config.local, "devices", "filter"))
    std::ranges::copy(own->items, std::back_inserter(filter));
  // A file that is not there: then the filters alone count. `use_devicesfile = 0` has LVM rename the guest's own file.
  std::string text = concat(kComment, "devices {\n\tdevicesfile = \"vhdboot.devices\"\n\tfilter = ", list_of(filter),
                            "\n\tglobal_filter = ", list_of(global), "\n}\n");
  const std::string lists =
      concat(activation(config, "volume_list", groups), activation(config, "auto_activation_volume_list", groups));
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
  std::string names;
  for (const Setting& one : kHiding) names += concat(names.empty() ? "" : "|", one.name);
  const std::string hides = concat("grep -qsE \"^[[:space:]]*([a-z]+/)?(", names, ")[[:space:]]*=\" ");
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
                          kLvmDevicesFile, " || ", hides, kLvmConfig, ' ', kLvmLocalConfig, " || exit 0; cat ",
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
