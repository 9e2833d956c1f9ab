// SPDX-License-Identifier: GPL-2.0-or-later
// What is added to a list in JSON is there, and without it the list is what it was.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/check.h"
#include "tools/common/json_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot::tools;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = parse_json(text);
  if (!value) return 0;
  check(value->begin < value->end && value->end <= size);
  if (value->kind != JsonValue::Kind::Array) return 0;
  const auto longer = with_item(text, *value, R"("added")");
  const auto again = parse_json(longer);
  if (!again) return 0;  // the caps
  check(again->items.size() == value->items.size() + 1 && again->find_text("added") != nullptr);
  const auto shorter = parse_json(without_item(longer, *again, value->items.size()));
  check(shorter && shorter->items.size() == value->items.size());
  return 0;
}
