// SPDX-License-Identifier: GPL-2.0-or-later
// crypttab and debconf's answers: whatever they say, the worst that comes of it is a refusal.
#include "entry/crypttab.h"

#include <cstdlib>

#include "base/bytes.h"
#include "entry/debconf.h"
#include "init/guest/other_disks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  guest::RootTables tables;
  if (auto entries = entry::parse_crypttab(text)) tables.crypttab = *std::move(entries);
  tables.grub_disks = entry::debconf_value(text, "grub-pc/install_devices").value_or("");
  const std::vector<guest::PresentDevice> others{
      {.path = "/dev/sda2", .size = 1, .type = "crypto_LUKS", .identity = {.uuid = "1-2"}}};
  const auto checked = guest::check_other_disks({}, tables, {}, others);
  if (!checked && checked.error().code != Code::Unsafe) std::abort();
  for (const auto& entry : tables.crypttab)
    if (entry.name.empty() || entry.device.empty() || entry.line == 0) std::abort();
  const auto warning = guest::grub_warning(tables);
  if (warning && tables.grub_disks.empty()) std::abort();
  return 0;
}
