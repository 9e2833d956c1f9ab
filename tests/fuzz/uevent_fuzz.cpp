// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/uevent.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const Bytes bytes{reinterpret_cast<const std::byte*>(data), size};
  const auto event = sys::parse_uevent(bytes);
  if (event && (event->action.empty() || !event->devpath.starts_with('/'))) std::abort();
  (void)sys::parse_uevent_file(as_text(bytes));
  return 0;
}
