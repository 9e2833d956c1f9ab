// SPDX-License-Identifier: GPL-2.0-or-later
// What process 1 and the program of the menu tell each other: whatever is understood is the same once more.
#include "init/menu/wire.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const Bytes bytes{reinterpret_cast<const std::byte*>(data), size};
  if (const auto state = menu::decode_state(bytes)) {
    check(state->items.size() <= menu::kMaxItems);
    const auto message = menu::encode(*state);
    const auto again = menu::decode_state(message);
    check(again && menu::encode(*again) == message);
  }
  if (const auto answer = menu::decode_answer(bytes)) {
    const auto again = menu::decode_answer(menu::encode(*answer));
    check(again && *again == *answer);
  }
  return 0;
}
