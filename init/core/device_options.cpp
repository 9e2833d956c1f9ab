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

// "target=root,source=/dev/sda3,...": the values of one option, of which one is a device.
Result<std::optional<std::string>> renamed_source(const std::string& value, const DiskFacts& disk) {
  constexpr std::string_view kSource = "source=";
  bool changed = false;
  std::string out;
  for (const std::string_view part : split(value, ',')) {
    if (part.data() != value.data()) out += ',';
    std::optional<std::string> name;
    if (part.starts_with(kSource)) name = TRY(renamed(std::string(part.substr(kSource.size())), disk));
    if (name) out += kSource;
    out += name ? *name : part;
    changed = changed || name;
  }
  return changed ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

Result<std::vector<RenamedDevice>> rename_devices(kexec::CommandLine& line, const DiskFacts& disk) {
  std::vector<RenamedDevice> changes;
  const auto rename = [&](std::string_view option, auto find) -> Result<void> {
    return line.change_values(option, [&](const std::string& value) -> Result<std::optional<std::string>> {
      auto name = TRY_IN(concat(option, '='), find(value, disk));
      if (name) changes.push_back({concat(option, '=', value), concat(option, '=', *name)});
      return name;
    });
  };
  for (const std::string_view option : kOptions) TRY(rename(option, &renamed));
  TRY(rename("cryptopts", &renamed_source));
  return changes;
}

}  // namespace vhdboot::core
