// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever stands in the variables and in the files beside the stub, what it hands on fits into a line of the origin
// record, and what it tells systemd are ids.
#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "efi/image_names.h"
#include "efi/one_shot.h"
#include "efi/utf16_text.h"

namespace {

using namespace vhdboot;

void check_line(std::string_view text) {
  if (text.find_first_not_of(' ') == std::string_view::npos) std::abort();
  while (!text.empty()) {
    const auto [value, length] = utf::decode_utf8(text);
    if (length == 0 || efi::is_control(value)) std::abort();
    text.remove_prefix(length);
  }
}

void check_entries(const efi::EntryList& entries) {
  const Bytes bytes = entries.bytes();
  if (bytes.size() % 2 != 0 || bytes.size() > 2 * efi::EntryList::kMaxUnits) std::abort();
  std::size_t length = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    const unsigned unit = *load_le<std::uint16_t>(bytes, i);
    if (unit == 0) {
      if (length <= efi::kFoundByItself.size() + efi::kEntryPrefix.size()) std::abort();
      length = 0;
      continue;
    }
    ++length;
    if (unit > 0x7E || (std::isalnum(static_cast<int>(unit)) == 0 &&
                        std::string_view("+-_.").find(static_cast<char>(unit)) == std::string_view::npos))
      std::abort();
  }
  if (length != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  if (const auto request = efi::parse_one_shot(bytes)) {
    if (request->name.truncated() || request->menu != request->name.empty()) std::abort();
    if (!request->menu) check_line(request->name.view());
  }
  efi::EntryList entries;
  if (const auto name = efi::image_of_config(as_text(bytes))) entries.add(*name);
  if (const auto name = efi::image_of_options(as_text(bytes))) entries.add(*name);
  for (std::string_view rest = as_text(bytes); !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    entries.add(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  check_entries(entries);
  return 0;
}
