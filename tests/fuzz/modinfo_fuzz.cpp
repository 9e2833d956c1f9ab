// SPDX-License-Identifier: GPL-2.0-or-later
#include <cstdlib>

#include "init/modules/vermagic.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const Bytes module{reinterpret_cast<const std::byte*>(data), size};
  const auto value = modules::modinfo_value(module, "vermagic");
  if (value && !value->empty()) {
    const auto* first = reinterpret_cast<const std::byte*>(value->data());
    if (first < module.data() || first + value->size() > module.data() + module.size()) std::abort();
  }
  (void)modules::check_vermagic(module, "6.1");
  return 0;
}
