// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/device_chain.h"

#include <climits>
#include <cstdlib>

#include "init/sys/file.h"

namespace vhdboot::sys {

std::vector<std::string> driver_aliases(const BlockDevice& device) {
  constexpr std::string_view kRoot = "/sys/devices/";
  std::vector<std::string> aliases;
  for (std::string at = device.sysfs; at.size() > kRoot.size(); at.resize(at.rfind('/'))) {
    const std::string alias = read_attribute(at + "/modalias");
    char driver[PATH_MAX];
    if (alias.empty() || ::realpath((at + "/driver").c_str(), driver) == nullptr) continue;
    if (std::string_view(driver).ends_with("/pcieport")) continue;
    aliases.insert(aliases.begin(), alias);
  }
  return aliases;
}

}  // namespace vhdboot::sys
