// SPDX-License-Identifier: GPL-2.0-or-later
// What is read of an entry of the firmware's menu is the same when it is written and read again.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/check.h"
#include "tools/vhdboot/boot_option.h"
#include "tools/vhdboot/efi_variables.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::command;
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  check(efi_texts(bytes).size() <= kMaxBootOptions);
  if (const auto numbers = parse_boot_numbers(bytes)) check(pack_boot_numbers(*numbers).size() == size);
  const auto option = parse_boot_option(bytes);
  if (!option) return 0;
  const auto packed = pack_boot_option(*option);
  if (!packed) return 0;
  const auto again = parse_boot_option(*packed);
  check(again && *again == *option);
  return 0;
}
