// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/device_chain.h"

#include <climits>
#include <cstdlib>

#include "init/sys/file.h"

namespace vhdboot::sys {

std::vector<DrivenDevice> device_chain(const BlockDevice& device) {
  constexpr std::string_view kRoot = "/sys/devices/";
  std::vector<DrivenDevice> chain;
  for (std::string at = device.sysfs; at.size() > kRoot.size(); at.resize(at.rfind('/'))) {
    std::string alias = read_attribute(at + "/modalias");
    char canonical[PATH_MAX];
    if (alias.empty() || ::realpath((at + "/driver").c_str(), canonical) == nullptr) continue;
    const std::string_view path(canonical);
    const std::string_view driver = path.substr(path.rfind('/') + 1);
    if (driver == "pcieport") continue;
    chain.insert(chain.begin(), {std::move(alias), std::string(driver)});
  }
  return chain;
}

}  // namespace vhdboot::sys
