// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/arrive/boot_set.h"

#include <algorithm>

#include "base/quoted.h"
#include "base/text.h"

namespace vhdboot::arrive {
namespace {

constexpr std::string_view kName = "vhdboot-boot-set/1 ";

}  // namespace

std::string to_text(const std::vector<Blocks>& blocks, std::uint64_t data_blocks) {
  std::string text = concat(kName, data_blocks, '\n');
  for (const Blocks& run : blocks) text += concat(run.first, ' ', run.count, '\n');
  return text;
}

Result<std::vector<Blocks>> parse_boot_set(std::string_view text, std::uint64_t data_blocks) {
  if (text.size() > kMostBootSetBytes) return fail(Code::Corrupt, "it is too long for a list of what a boot needs");
  if (!text.starts_with(kName)) return fail(Code::Corrupt, "it is no list of what a boot needs");
  std::vector<Blocks> found;
  std::size_t number = 0;
  for (const std::string_view line : split_lines(text)) {
    if (++number == 1) {
      if (parse_u64(line.substr(kName.size())) != data_blocks)
        return fail(Code::Unsafe, concat("it is of an image of ", printable(line.substr(kName.size())),
                                         " blocks, and this one has ", data_blocks));
      continue;
    }
    if (line.empty()) continue;
    const std::size_t blank = std::min(line.find(' '), line.size());
    const std::uint64_t first = parse_u64(line.substr(0, blank)).value_or(data_blocks);
    const std::uint64_t count = parse_u64(line.substr(std::min(blank + 1, line.size()))).value_or(0);
    if (count == 0 || first >= data_blocks || count > data_blocks - first)
      return fail(Code::Corrupt, concat("line ", number, " has no blocks of the image but ", quoted(line)));
    found.push_back({.first = first, .count = count});
  }
  return found;
}

}  // namespace vhdboot::arrive
