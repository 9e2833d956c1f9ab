// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/device_options.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace vhdboot::guest {
namespace {

// Not resume=: with `nohibernate` nobody resumes.
constexpr std::array<std::string_view, 8> kOptions{
    "mount.usr", "systemd.mount-extra", "systemd.swap-extra", "cryptdevice",
    "cryptkey",  "real_root",           "crypt_root",         "cryptopts"};
constexpr std::string_view kWithSource = "cryptopts";

// A device number would be one of root= alone: in other options "802" is a word like any other.
Result<std::optional<std::string>> renamed(const std::string& value, const DiskFacts& disk) {
  const std::string_view device = std::string_view(value).substr(0, value.find(':'));
  if (!disk::parse_device_node(device)) return std::nullopt;
  auto name = TRY(name_by_content(device, disk));
  if (!name) return std::nullopt;
  return *std::move(name) + value.substr(device.size());
}

// "target=root,source=/dev/sda3,...": the device is one among others.
Result<std::optional<std::string>> renamed_source(const std::string& value, const DiskFacts& disk) {
  constexpr std::string_view kSource = ",source=";
  std::size_t begin = concat(',', value).find(kSource);
  if (begin == std::string::npos) return std::nullopt;
  begin += kSource.size() - 1;
  const std::size_t length = std::min(value.find(',', begin), value.size()) - begin;
  auto name = TRY(renamed(value.substr(begin, length), disk));
  if (!name) return std::nullopt;
  return concat(value.substr(0, begin), *name, value.substr(begin + length));
}

}  // namespace

Result<std::vector<RenamedDevice>> rename_devices(kexec::CommandLine& line, const DiskFacts& disk) {
  std::vector<RenamedDevice> changes;
  for (const std::string_view option : kOptions) {
    const auto change = [&](const std::string& value) -> Result<std::optional<std::string>> {
      auto name =
          TRY_IN(concat(option, '='), option == kWithSource ? renamed_source(value, disk) : renamed(value, disk));
      if (name) changes.push_back({concat(option, '=', value), concat(option, '=', *name)});
      return name;
    };
    TRY(line.change_values(option, change));
  }
  return changes;
}

}  // namespace vhdboot::guest
