// SPDX-License-Identifier: GPL-2.0-or-later
// Lists what the input holds as an initrd: nothing but files of the archive is told, and every answer can be used.
#include "base/text.h"
#include "init/modules/codecs.h"
#include "init/modules/initrd_modules.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const Bytes bytes{reinterpret_cast<const std::byte*>(data), size};
  const auto listed = modules::list_initrd(MemorySource(bytes), "6.1", modules::make_decompressor);
  check(listed || !listed.error().text.empty());
  if (listed) {
    for (const std::string_view line : split_lines(listed->texts.dep))
      check(line.contains(".ko") && line.contains(':'));
    const std::vector<modules::WantedModule> wanted{
        {.name = "loop", .purpose = modules::Purpose::GuestDisk, .driver = ""},
        {.name = "pci:v1", .purpose = modules::Purpose::Controller, .driver = "nvme"}};
    const auto lacking = modules::find_lacking(*listed, wanted);
    if (lacking) check(lacking->certain.size() + lacking->maybe.size() <= wanted.size());
  }
  return 0;
}
