// SPDX-License-Identifier: GPL-2.0-or-later
// Options are only found where the key stands.
#include <cstdlib>

#include "entry/smbios.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const Bytes table(reinterpret_cast<const std::byte*>(data), size);
  const auto options = entry::stub_options_of_smbios(table);
  if (!options) return 0;
  if (as_text(table).find("io.systemd.stub.kernel-cmdline-extra=") == std::string_view::npos) std::abort();
  for (const char c : *options)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) std::abort();
  return 0;
}
