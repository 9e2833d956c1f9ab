// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/core/teardown.h"

#include <cstdlib>

#include "base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::core;
  const auto text = as_text({reinterpret_cast<const std::byte*>(data), size});
  const auto teardown = parse_teardown(text);
  if (!teardown) {
    if (!teardown.error().text.starts_with("the teardown record ")) std::abort();
    return 0;
  }
  const auto again = to_text(*teardown);
  if (!again || parse_teardown(*again) != *teardown) std::abort();
  return 0;
}
