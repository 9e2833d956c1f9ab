// SPDX-License-Identifier: GPL-2.0-or-later
// Input: modules.dep, .alias, .softdep, .builtin, .builtin.modinfo and what is wanted, and the blacklist, with a byte
// FF between them.
#include "init/modules/modules.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/bytes.h"
#include "base/glob.h"
#include "base/text.h"
#include "init/modules/needed_modules.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::modules;
  // Time grows with the product of aliases and names; the stage's own caps are far apart.
  if (size > 8192) return 0;
  const auto pieces = split(as_text({reinterpret_cast<const std::byte*>(data), size}), '\xFF');
  const auto piece = [&pieces](std::size_t i) { return std::string(i < pieces.size() ? pieces[i] : ""); };
  const auto index = ModuleIndex::parse({piece(0), piece(1), piece(2), piece(3), piece(4), piece(6)});
  std::vector<std::string> wanted;
  const std::string words = piece(5);
  for (const auto word : split_words(words)) wanted.emplace_back(word);
  if (wanted.size() >= 2) (void)glob_matches(wanted[0], wanted[1]);
  if (!index) return 0;
  auto result = index->resolve(wanted);
  if (result.reasons.size() != result.files.size() || result.builtin_for.size() != result.builtin.size()) std::abort();
  for (const LoadReason& reason : result.reasons) {
    if (reason.wanted >= wanted.size()) std::abort();
    if ((reason.by == LoadReason::By::Request) != reason.of.empty() && !index->has("")) std::abort();
  }
  for (const std::size_t asked : result.builtin_for)
    if (asked >= wanted.size()) std::abort();
  for (const auto& file : result.files)
    if (!index->has(module_name(file))) std::abort();
  std::ranges::sort(result.files);
  if (std::ranges::adjacent_find(result.files) != result.files.end() && piece(0).find(".ko") != std::string::npos) {
    // A file may be listed twice under one name only when modules.dep itself does so.
    const auto twice = *std::ranges::adjacent_find(result.files);
    if (piece(0).find(twice) == piece(0).rfind(twice)) std::abort();
  }
  (void)check_guest_disk_modules(*index, std::vector<std::string>{"dm_mod", "loop"}, "6.1");
  return 0;
}
