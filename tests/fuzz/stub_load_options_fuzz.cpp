// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever the firmware passes, the stub makes one line of valid UTF-8 of it.
#include <algorithm>
#include <cstdlib>

#include "efi/load_options.h"
#include "efi/utf16_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  for (const auto* own_path : {"/boot/debian.efi", ""}) {
    const efi::LoadOptions options = efi::read_load_options(bytes, own_path);
    std::string_view text = options.text.view();
    if (options.too_long && !text.empty()) std::abort();
    if (text.starts_with(' ') || text.ends_with(' ') || options.text.truncated()) std::abort();
    while (!text.empty()) {
      const auto [value, length] = utf::decode_utf8(text);
      if (length == 0 || efi::is_control(value)) std::abort();
      text.remove_prefix(length);
    }
  }
  return 0;
}
