// SPDX-License-Identifier: GPL-2.0-or-later
// A block that is put into a text and taken out again leaves nothing but the line feed that the last line lacked.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/check.h"
#include "tools/vhdboot/marked_block.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot::command;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto clean = with_block(text, "x", std::nullopt);
  if (!clean) return 0;
  check(with_block(*clean, "x", std::nullopt).value_or("y") == *clean);
  const auto set = with_block(*clean, "x", "lines\n");
  check(set.has_value());
  const auto again = with_block(*set, "x", std::nullopt);
  check(again && (*again == *clean || *again == *clean + "\n"));
  return 0;
}
