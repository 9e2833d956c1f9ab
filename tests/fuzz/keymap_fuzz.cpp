// SPDX-License-Identifier: GPL-2.0-or-later
// Keyboard layouts: a name on the first line, as a guest's file has it, and a file of layouts.
#include "init/menu/keymap.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view name = text.substr(0, end);
  const std::string_view layouts = text.substr(std::min(end + 1, text.size()));
  const std::string layout = menu::layout_called(layouts, name);
  const auto bindings = menu::key_bindings(layouts, layout);
  if (bindings)
    for (const menu::KeyBinding& binding : *bindings) check(binding.table <= 4 && binding.key > 0 && binding.key < 128);
  if (!layout.empty() && !bindings) check(bindings.error().code == Code::Corrupt);
  return 0;
}
