// SPDX-License-Identifier: GPL-2.0-or-later
// The first line is a pattern; of the others each is a file name, up to '|', and its os-release with '|' for line ends.
#include <algorithm>
#include <span>

#include "base/text.h"
#include "entry/bls.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::entry;
  const auto lines = split_lines({reinterpret_cast<const char*>(data), size});
  if (lines.empty() || lines.size() > 64) return 0;
  std::vector<BootEntry> files;
  for (const auto line : std::span(lines).subspan(1)) {
    const std::size_t bar = line.find('|');
    std::string osrel(bar == std::string_view::npos ? "" : line.substr(bar + 1));
    std::ranges::replace(osrel, '|', '\n');
    files.push_back(uki_entry({concat("/EFI/Linux/", line.substr(0, bar)), osrel, ""}));
  }
  const auto ordered = order_entries(files);
  check(ordered.size() == files.size());
  std::ranges::reverse(files);
  const auto again = order_entries(files);
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    check(ordered[i].path == again[i].path);
    const auto name = parse_entry_name(ordered[i].path);
    check(!name.count || name.id.size() < ordered[i].path.size());
    if (i == 0) continue;
    const auto forward = compare_versions(ordered[i - 1].version, ordered[i].version);
    const auto backward = compare_versions(ordered[i].version, ordered[i - 1].version);
    check((forward <=> 0) == (0 <=> backward));
  }
  const auto entry = pick_entry(ordered, lines[0]);
  check(entry.has_value() || entry.error().code == Code::NotFound);
  return 0;
}
