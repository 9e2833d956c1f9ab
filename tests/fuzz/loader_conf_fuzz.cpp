// SPDX-License-Identifier: GPL-2.0-or-later
// A loader.conf: what it says is short, and names an entry or none.
#include "entry/loader_conf.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot::entry;
  const LoaderConf conf = parse_loader_conf({reinterpret_cast<const char*>(data), size});
  for (const std::string* said : {&conf.usual, &conf.preferred}) check(said->size() <= 255 && !said->starts_with('@'));
  std::vector<BootEntry> entries(2);
  entries[0].id = "arch-6.1.conf";
  entries[0].count = BootCount{};
  entries[1].id = "Arch.EFI";
  check(default_of(conf, entries) <= entries.size());
  return 0;
}
