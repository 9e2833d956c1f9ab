// SPDX-License-Identifier: GPL-2.0-or-later
// A grub.cfg, and behind the first NUL a grubenv, which is also every other file: nothing grows beyond its cap, and
// every choice is one of the entries.
#include "entry/grub_cfg.h"

#include "entry/grub_words.h"
#include "tests/fuzz/check.h"

namespace {

class OneFile final : public vhdboot::entry::GrubFileReader {
 public:
  explicit OneFile(std::string_view text) : text_(text) {}
  std::optional<std::string> read(std::string_view, std::string_view, std::size_t cap) override {
    return text_.size() <= cap ? std::optional(std::string(text_)) : std::nullopt;
  }
  std::optional<vhdboot::entry::GrubPlace> find(std::string_view path, std::string_view volume) override {
    return vhdboot::entry::GrubPlace{.volume = std::string(volume), .is_folder = path.ends_with('d')};
  }
  std::vector<std::string> names(std::string_view, std::string_view) override { return {"a", "b.cfg"}; }
  bool is_image(std::string_view path, std::string_view) override { return path.ends_with('i'); }
  std::optional<vhdboot::entry::GrubSlot> next_slot() override {
    return vhdboot::entry::GrubSlot{.device = "hd0,gpt2", .partuuid = "2"};
  }

 private:
  std::string_view text_;
};

}  // namespace

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

  OneFile files(nul == std::string_view::npos ? std::string_view() : input.substr(nul + 1));
  const auto config = parse_grub_cfg(text, environment, &files);
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
  constexpr std::size_t kFiles = 2;
  const auto file = started_file(*config, kFiles);
  check(!file || (*file < kFiles && config->bls_place && started_entry(*config, kFiles) == nullptr));
  const MenuEntry* chosen = default_entry(*config);
  if (chosen == nullptr) {
    check(entry_for("vmlinuz", *config) == nullptr);
    return 0;
  }
  check(!chosen->kernel.empty());
  check(entry_for(menu_file_name(chosen->kernel), *config) == chosen);
  return 0;
}
