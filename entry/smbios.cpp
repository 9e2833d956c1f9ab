// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/smbios.h"

#include <algorithm>
#include <string_view>

#include "entry/uki.h"

namespace vhdboot::entry {

namespace {

constexpr std::uint8_t kOemStrings = 11;
constexpr std::uint8_t kEndOfTable = 127;
constexpr std::size_t kHeaderSize = 4;  // type, length of the formatted part, handle
constexpr std::string_view kKey = "io.systemd.stub.kernel-cmdline-extra=";

}  // namespace

std::optional<std::string> stub_options_of_smbios(Bytes table) {
  std::string_view rest = as_text(table);
  while (rest.size() >= kHeaderSize) {
    const auto type = static_cast<std::uint8_t>(rest[0]);
    const auto formatted = static_cast<std::uint8_t>(rest[1]);
    if (type == kEndOfTable || formatted < kHeaderSize || formatted > rest.size()) return std::nullopt;
    rest.remove_prefix(formatted);
    // The strings, each with its NUL, and one more NUL; two when there is no string.
    bool any = false;
    while (!rest.empty() && rest.front() != '\0') {
      const std::size_t end = rest.find('\0');
      if (end == std::string_view::npos) return std::nullopt;
      const std::string_view text = rest.substr(0, end);
      if (type == kOemStrings && text.starts_with(kKey)) return clean_cmdline(text.substr(kKey.size()));
      rest.remove_prefix(end + 1);
      any = true;
    }
    rest.remove_prefix(std::min<std::size_t>(any ? 1 : 2, rest.size()));
  }
  return std::nullopt;
}

}  // namespace vhdboot::entry
