// SPDX-License-Identifier: GPL-2.0-or-later
// A grub.cfg, and behind the first NUL a grubenv: nothing grows beyond its cap, and every choice is one of the entries.
#include "entry/grub_cfg.h"

#include "entry/grub_words.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::entry;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto nul = input.find('\0');
  const auto text = input.substr(0, nul);
  const auto environment = nul == std::string_view::npos
                               ? GrubVariables()
                               : parse_grub_environment(input.substr(nul + 1)).value_or(GrubVariables());

  std::size_t held = 0;
  GrubLexer lexer(text);
  while (const auto token = lexer.next())
    for (const auto& piece : token->pieces) held += piece.text.size();
  check(held <= text.size());
  check(environment.size() <= input.size());
  const auto substituted = GrubSubstitution(environment).replace(text);
  check(!substituted || substituted->size() <= text.size() + kMaxGrubSubstitution);
  if (environment.empty()) check(substituted.has_value());

  const auto config = parse_grub_cfg(text, environment);
  if (!config) {
    check(config.error().code == Code::Corrupt);
    return 0;
  }
  for (std::size_t i = 0; i < config->entries.size(); ++i) {
    const MenuEntry& entry = config->entries[i];
    check(!entry.parent || (*entry.parent < i && config->entries[*entry.parent].submenu));
    check(!entry.submenu || entry.kernel.empty());
    check(!entry.kernel.empty() || entry.arguments.empty());
  }
  const MenuEntry* chosen = default_entry(*config);
  if (chosen == nullptr) {
    check(entry_for("vmlinuz", *config) == nullptr);
    return 0;
  }
  check(!chosen->kernel.empty());
  check(entry_for(menu_file_name(chosen->kernel), *config) == chosen);
  return 0;
}
