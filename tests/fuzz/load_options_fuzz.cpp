// SPDX-License-Identifier: GPL-2.0-or-later
#include <cstdlib>

#include "base/bytes.h"
#include "init/record/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::record;
  const auto parsed = parse_load_options(as_text({reinterpret_cast<const std::byte*>(data), size}));
  if (parsed) {
    if (parsed->config.wait() < 1 || parsed->config.wait() > kMaxWaitSeconds) std::abort();
    (void)check(parsed->config);
  } else if (parsed.error().code != Code::Invalid || !parsed.error().text.starts_with("load options: ")) {
    std::abort();
  }
  return 0;
}
