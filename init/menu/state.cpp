// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/state.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace vhdboot::menu {
namespace {

template <class T>
std::optional<std::size_t> index_of(const std::vector<T>& values, std::string_view id) {
  const auto found = std::ranges::find(values, id, &T::id);
  if (found == values.end()) return std::nullopt;
  return static_cast<std::size_t>(found - values.begin());
}

bool contains(std::string_view text, std::string_view lower) {
  return to_lower_ascii(text).find(lower) != std::string::npos;
}

}  // namespace

std::string_view name(Readiness readiness) {
  switch (readiness) {
    case Readiness::Ready:
      return "ready";
    case Readiness::Refused:
      return "refused";
    case Readiness::NotLooked:
      return "not yet looked at";
    case Readiness::Foreign:
      return "not by vhdboot";
  }
  return "";
}

State with_items(State state, std::vector<Item> items) {
  const Item* item = selected_item(state);
  const Entry* entry = entry_in_hand(state);
  const std::string id = item == nullptr ? "" : item->id;
  const std::string title = item == nullptr ? "" : item->title;
  const std::string entry_id = entry == nullptr ? "" : entry->id;
  while (items.size() > kMaxItems) items.pop_back();
  state.items = std::move(items);

  auto selected = index_of(state.items, id);
  if (!selected) {
    const bool of_it = std::ranges::any_of(state.views, [](const View& view) {
      return view.page == Page::Details || view.page == Page::Kernels || view.page == Page::Edit ||
             view.page == Page::RollBack;
    });
    if (of_it) {
      state.views = {View{}};
      state.notice = concat(title, " is no longer there.");
    }
  }
  if (!state.touched && state.default_item) {
    if (const auto index = index_of(state.items, *state.default_item)) selected = index;
  }
  const std::size_t last = state.items.empty() ? 0 : state.items.size() - 1;
  state.selected = selected ? *selected : std::min(state.selected, last);

  for (View& view : state.views) {
    if (view.page == Page::Kernels) view.at = index_of(state.items[state.selected].entries, entry_id).value_or(0);
  }
  return state;
}

State with_failure(State state, Failure failure) {
  state.failure = std::move(failure);
  state.views = {View{}, View{.page = Page::Failure}};
  state.find.reset();
  state.countdown.reset();
  return state;
}

const Item* selected_item(const State& state) {
  return state.selected < state.items.size() ? &state.items[state.selected] : nullptr;
}

const std::string& expected_keymap(const State& state) {
  const Item* item = selected_item(state);
  return state.keymap.empty() && item != nullptr ? item->keymap : state.keymap;
}

const Entry* entry_in_hand(const State& state) {
  const Item* item = selected_item(state);
  if (item == nullptr) return nullptr;
  const auto kernels = std::ranges::find(state.views, Page::Kernels, &View::page);
  const std::size_t index = kernels == state.views.end() ? 0 : kernels->at;
  return index < item->entries.size() ? &item->entries[index] : nullptr;
}

std::vector<std::size_t> listed_items(const State& state) {
  const std::string wanted = state.find ? to_lower_ascii(state.find->text) : std::string();
  std::vector<std::size_t> listed;
  for (std::size_t i = 0; i < state.items.size(); ++i)
    if (contains(state.items[i].title, wanted) || contains(state.items[i].where, wanted)) listed.push_back(i);
  return listed;
}

}  // namespace vhdboot::menu
