// SPDX-License-Identifier: GPL-2.0-or-later
// Reads the input as a binary index of depmod: what it holds is text within the caps, and of the input.
#include <string_view>

#include "init/modules/depmod_index.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const Bytes bytes{reinterpret_cast<const std::byte*>(data), size};
  const auto entries = modules::read_depmod_index(bytes);
  check(entries || !entries.error().text.empty());
  if (!entries) return 0;
  check(entries->size() <= size);
  for (const modules::IndexEntry& entry : *entries)
    check(entry.key.size() <= modules::kMaxAliasBytes && !entry.key.contains('\0') && !entry.value.contains('\0'));
  for (const char* file :
       {"modules.dep.bin", "modules.alias.bin", "modules.builtin.bin", "modules.builtin.alias.bin"}) {
    const auto text = modules::index_as_text(file, bytes);
    check(!text || text->size() <= modules::kMaxIndexBytes);
  }
  return 0;
}
