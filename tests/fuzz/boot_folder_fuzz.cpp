// SPDX-License-Identifier: GPL-2.0-or-later
// File names, one a line: what is found is among them, in the same order whatever theirs, rescue last.
#include <algorithm>

#include "base/text.h"
#include "entry/bls.h"
#include "entry/boot_folder.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::entry;
  std::vector<std::string> names;
  for (const auto line : split_lines({reinterpret_cast<const char*>(data), size})) names.emplace_back(line);
  const auto kernels = kernels_among(names);
  const auto is_there = [&](const std::string& name) { return std::ranges::find(names, name) != names.end(); };
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    check(is_there(kernels[i].kernel) && !kernels[i].kernel.starts_with('.'));
    check(!kernels[i].initrd || is_there(*kernels[i].initrd));
    check(std::ranges::all_of(kernels[i].microcode, is_there));
    if (i == 0) continue;
    check(kernels[i - 1].rescue <= kernels[i].rescue);
    if (kernels[i - 1].rescue == kernels[i].rescue)
      check(compare_versions(kernels[i - 1].version, kernels[i].version) >= 0);
  }
  std::ranges::reverse(names);
  check(kernels_among(names) == kernels);
  return 0;
}
