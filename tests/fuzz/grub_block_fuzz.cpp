// SPDX-License-Identifier: GPL-2.0-or-later
// A variable that is put into GRUB's environment block is read there, what is taken out is gone, and the size stays;
// else the block is refused.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "entry/grub_env.h"
#include "tests/fuzz/check.h"
#include "tools/vhdboot/grub_next.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto cut = text.find('\0');
  const std::string value(cut == std::string_view::npos ? "x" : text.substr(cut + 1));
  const std::string_view block = text.substr(0, cut);
  const auto set = command::with_variable(block, "next_entry", value);
  if (!set) return 0;
  check(set->size() == block.size());
  const auto variables = entry::parse_grub_environment(*set);
  check(variables && variables->contains("next_entry") && variables->find("next_entry")->second == value);
  // What is damaged beside it may refuse the one and not the other.
  const auto without = command::with_variable(*set, "next_entry", std::nullopt);
  if (!without) {
    check(without.error().code == Code::Corrupt);
    return 0;
  }
  check(without->size() == block.size());
  check(!entry::parse_grub_environment(*without)->contains("next_entry"));
  return 0;
}
