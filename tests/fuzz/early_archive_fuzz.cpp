// SPDX-License-Identifier: GPL-2.0-or-later
// Asks whether the input is an archive of microcode: what is called one begins as one.
#include <string_view>

#include "base/text.h"
#include "kexec/early_archive.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const Bytes bytes{reinterpret_cast<const std::byte*>(data), size};
  const bool is_early = kexec::is_early_archive(MemorySource(bytes), {0, size});
  // Without checksums, or with them.
  if (is_early) check(as_text(bytes).starts_with("070701") || as_text(bytes).starts_with("070702"));
  return 0;
}
