// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/persist_units.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "init/guest/run_files.h"

namespace vhdboot::guest {

std::vector<GuestFile> persist_units(std::string_view text, const std::string& device, const std::string& paths,
                                     const std::string& notice) {
  std::string unit = record::mount_unit_name(device);
  unit.resize(unit.rfind('.'));
  std::string mounts;
  std::string above;
  const auto words = split_words(paths);
  for (const std::string_view path : words) {
    mounts += concat(record::mount_unit_name(path), ' ');
    above += concat(path.substr(0, std::max<std::size_t>(1, path.rfind('/'))), ' ');
  }
  std::vector<GuestFile> files;
  for (const GuestFile& section : run_sections(text)) {
    const bool is_of_each = section.name.ends_with("@MOUNT@");
    for (const std::string_view path : words) {
      const std::string mount = record::mount_unit_name(path);
      const std::array<Value, 8> values{{{"@MOUNT@", mount},
                                         {"@PATH@", std::string(path)},
                                         {"@MOUNTS@", mounts},
                                         {"@ABOVE@", above},
                                         {"@PATHS@", paths},
                                         {"@DEVICE@", device},
                                         {"@NOTICE@", notice},
                                         {"@DEVICE_UNIT@", unit}}};
      files.push_back({.name = filled(section.name, values), .text = filled(section.text, values)});
      if (!is_of_each) break;
    }
  }
  return files;
}

}  // namespace vhdboot::guest
