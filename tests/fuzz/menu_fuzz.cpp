// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes are keys and lines at a menu whose items change meanwhile.
#include <algorithm>
#include <cstdint>
#include <string>

#include "init/menu/keys.h"
#include "init/menu/plain.h"
#include "init/menu/render.h"
#include "init/menu/update.h"
#include "tests/fuzz/check.h"

namespace {

using namespace vhdboot::menu;

// Takes a menu from the front of the input, the rest is for hands.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  unsigned number() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<unsigned char>(rest_[0]);
    rest_.remove_prefix(1);
    return value;
  }
  std::string text() {
    const std::size_t length = std::min<std::size_t>(number(), rest_.size());
    const std::string taken(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return taken;
  }
  std::vector<Item> items() {
    std::vector<Item> items;
    for (unsigned left = number() % 40; left > 0; --left) {
      const unsigned flags = number();
      Item item{.id = std::to_string(items.size() + (flags & 1)),
                .title = text(),
                .size = std::uint64_t{flags} << (number() % 64),
                .where = text(),
                .readiness = static_cast<Readiness>(flags >> 1 & 3),
                .can_forget = (flags & 8) != 0,
                .can_read_only = (flags & 16) != 0};
      if ((flags & 32) != 0) item.reason = item.cure = text();
      if ((flags & 4) != 0) item.rolls_back_to = text();
      for (unsigned entry = flags >> 6; entry > 0; --entry)
        item.entries.push_back({.id = std::to_string(entry), .title = text(), .release = "6.1", .options = text()});
      const auto same = std::ranges::find(items, item.id, &Item::id);
      if (same == items.end()) items.push_back(std::move(item));
    }
    return items;
  }

 private:
  std::string_view rest_;
};

void check_action(const State& state, const Action& action) {
  if (action.kind == Action::Kind::RollBack) {
    const auto item = std::ranges::find(state.items, action.item, &Item::id);
    check(item != state.items.end() && !item->rolls_back_to.empty());
  }
  if (action.kind != Action::Kind::Boot) return;
  const auto item = std::ranges::find(state.items, action.boot.item, &Item::id);
  check(item != state.items.end() && item->can_start());
  check(!action.boot.entry || std::ranges::find(item->entries, *action.boot.entry, &Entry::id) != item->entries.end());
  check(action.boot.mode != Mode::Forget || item->can_forget);
  check(action.boot.mode != Mode::ReadOnly || item->can_read_only);
}

void check_frame(const Frame& frame, const Screen& screen) {
  check(frame.columns <= std::max<std::size_t>(screen.columns, 1) && frame.columns <= kMaxColumns);
  check(frame.rows <= std::max<std::size_t>(screen.rows, 1) && frame.rows <= kMaxRows);
  check(frame.cells.size() == frame.columns * frame.rows);
  check(frame.cursor_row < frame.rows && frame.cursor_column < frame.columns);
  check(frame.cells.back() == Cell{});
  for (const Cell& cell : frame.cells) check(cell.character >= U' ' && cell.character < 0x250);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input({reinterpret_cast<const char*>(data), size});
  const Screen screen{.columns = input.number(),
                      .rows = input.number(),
                      .capability = input.number() % 2 == 0 ? Capability::Linux : Capability::Vt};
  State state{.version = "vhdboot", .volumes = input.text(), .looked_at = {input.text()}, .log = {input.text()}};
  state.can_firmware = true;
  state.default_item = "0";
  state = with_items(std::move(state), input.items());

  KeyDecoder decoder;
  Frame before;
  // A screen for each key is slow; that many are enough to get anywhere.
  for (int turn = 0; turn < 200 && !input.empty(); ++turn) {
    const unsigned byte = input.number();
    if (byte == 0xFF) state = with_items(std::move(state), input.items());
    if (byte == 0xFE) state = with_failure(std::move(state), {input.text(), {{"file", input.text()}}, {input.text()}});
    if (byte == 0xFD) state.countdown = input.number();
    Step step{std::move(state), {}};
    if (byte == 0xFC) {
      step = update_plain(std::move(step.state), input.text());
      check_action(step.state, step.action);
    }
    auto key = decoder.feed(static_cast<char>(byte));
    if (!key && byte == 0xFB) key = decoder.pause();
    if (key) step = update(std::move(step.state), *key, screen);
    check_action(step.state, step.action);
    state = std::move(step.state);
    check_action(state, timeout(state));

    const Frame now = render(state, screen);
    check_frame(now, screen);
    check(draw(before, now, screen.capability).empty() == (before == now));
    before = now;
  }
  for (const char c : render_plain(state)) check(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
  return 0;
}
