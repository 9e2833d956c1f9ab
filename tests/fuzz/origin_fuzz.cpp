// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/origin.h"

#include <cstdlib>

#include "base/bytes.h"
#include "init/record/image_path.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::record;
  const auto origin = parse_origin(as_text({reinterpret_cast<const std::byte*>(data), size})).origin;
  // What was understood is written as it will be understood again.
  if (parse_origin(to_text(origin)).origin != origin) std::abort();
  (void)image_candidates({}, origin);
  return 0;
}
