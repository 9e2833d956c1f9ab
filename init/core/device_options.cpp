// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/core/device_options.h"

#include <array>

#include "base/text.h"

namespace vhdboot::core {
namespace {

// Not resume=: with `nohibernate` nobody resumes.
constexpr std::array<std::string_view, 7> kOptions{
    "mount.usr", "systemd.mount-extra", "systemd.swap-extra", "cryptdevice", "cryptkey", "real_root", "crypt_root"};

// A device number would be one of root= alone: in other options "802" is a word like any other.
Result<std::optional<std::string>> renamed(const std::string& value, const DiskFacts& disk) {
  const std::string_view device = std::string_view(value).substr(0, value.find(':'));
  if (!parse_device_node(device)) return std::nullopt;
  auto name = TRY(name_by_content(device, disk));
  if (!name) return std::nullopt;
  return *std::move(name) + value.substr(device.size());
}

}  // namespace

Result<std::vector<RenamedDevice>> rename_devices(kexec::CommandLine& line, const DiskFacts& disk) {
  std::vector<RenamedDevice> changes;
  for (const std::string_view option : kOptions) {
    const auto change = [&](const std::string& value) -> Result<std::optional<std::string>> {
      auto name = TRY_IN(concat(option, '='), renamed(value, disk));
      if (name) changes.push_back({concat(option, '=', value), concat(option, '=', *name)});
      return name;
    };
    TRY(line.change_values(option, change));
  }
  return changes;
}

}  // namespace vhdboot::core
