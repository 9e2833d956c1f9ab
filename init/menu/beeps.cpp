// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/beeps.h"

#include <algorithm>

namespace vhdboot::menu {

std::size_t selected_number(const State& state) {
  const Item* item = selected_item(state);
  if (item == nullptr) return 0;
  if (state.page() == Page::List) return state.selected + 1;
  return state.page() == Page::Kernels && !item->entries.empty() ? state.view().at + 1 : 0;
}

void Beeps::look(const State& state, Time now) {
  const std::size_t number = selected_number(state);
  if (number == number_) return;
  left_ = number_ ? number : std::max<std::size_t>(number, 1);
  number_ = number;
  next_ = now;
}

bool Beeps::due(Time now) {
  if (left_ == 0 || now < next_) return false;
  --left_;
  next_ = now + kInterval;
  return true;
}

std::optional<std::chrono::milliseconds> Beeps::wait(Time now) const {
  using std::chrono::milliseconds;
  if (left_ == 0) return std::nullopt;
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(next_ - now));
}

}  // namespace vhdboot::menu
