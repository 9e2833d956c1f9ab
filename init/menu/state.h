// SPDX-License-Identifier: GPL-2.0-or-later
// The menu as a value: what there is to choose from, and which page of it a person looks at.
//
// The life of a menu, without its terminals:
//
//   State state{.version = "vhdboot 0.3.0", ...};
//   state = with_items(std::move(state), items);            again and again while disks appear
//   for each key:     step = update(std::move(state), key, screen)          (update.h)
//   for each screen:  now = render(state, screen); write(draw(before, now, screen.capability)); before = now
//                                                                           (render.h, draw.h; plain.h for lines)
//   each second without a key:  --state.countdown; when it is 0, or nobody pressed a key for long: timeout(state)
//
// Any text in here may be foreign bytes: what shows it makes it printable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "init/menu/line_edit.h"

namespace vhdboot::menu {

/// With more items than that the last ones are left out.
inline constexpr std::size_t kMaxItems = 512;

/// One of the kernels, or ways to start, of a system.
struct Entry {
  std::string id;
  std::string title;
  std::string release;  ///< of its kernel; empty: not known
  std::string options;  ///< what its kernel gets
};

enum class Readiness : std::uint8_t {
  Ready,
  Refused,    ///< cannot be started: `reason` and `cure` say why and what helps
  NotLooked,  ///< nobody has looked into it yet; it can be tried
  Foreign,    ///< not by vhdboot; cannot be started
};

/// "ready", "refused", "not yet looked at", "not by vhdboot".
[[nodiscard]] std::string_view name(Readiness readiness);

/// One system.
struct Item {
  std::string id;  ///< the same for as long as the menu is open, and no other item's
  std::string title;
  std::uint64_t size = 0;  ///< in bytes; 0: not known
  std::string where;       ///< "Data:/boot/debian.vhd"
  Readiness readiness = Readiness::NotLooked;
  std::string reason;  ///< one sentence
  std::string cure;    ///< lines of text
  std::vector<std::string> details;
  std::vector<Entry> entries;  ///< the first one is started unless another one is chosen; none: not known yet
  std::string keymap;          ///< the keyboard layout that it is set to, as it calls it; empty: not known
  std::string rolls_back_to;   ///< the file that it can be made to read as again; empty: there is none
  bool can_forget = false;     ///< it can run so that nothing is kept, also one that is refused otherwise
  bool can_read_only = false;  ///< it can run read-only

  [[nodiscard]] bool can_start() const { return readiness == Readiness::Ready || readiness == Readiness::NotLooked; }
};

struct Fact {
  std::string name;
  std::string value;
};

/// Why something that was started did not start.
struct Failure {
  std::string sentence;
  std::vector<Fact> facts;
  std::vector<std::string> what_to_do;
};

enum class Page : std::uint8_t { List, Details, Kernels, Edit, RollBack, Log, Help, Failure };

/// A page that is open, and where in it a person is.
struct View {
  Page page = Page::List;
  std::size_t at = 0;  ///< of Kernels: which entry is selected; of other pages: which line is the first that shows
};

struct State {
  // What the caller says, and may change at any time.
  std::string version;                     ///< "vhdboot 0.3.0"
  std::string volumes;                     ///< "Data (NTFS), Ventoy (exFAT)"
  std::vector<std::string> looked_at;      ///< each a place: "Data: all folders"
  std::vector<std::string> not_looked_at;  ///< each with the reason: "nvme0n1p3 (BitLocker)"
  std::vector<std::string> advice;         ///< what to do when there is no item
  std::vector<std::string> log;            ///< lines, the newest last
  bool looking = false;                    ///< disks may still appear
  bool can_shell = true;
  bool can_firmware = false;                ///< the firmware's setup can be asked for
  std::optional<std::string> default_item;  ///< an id
  std::string keymap;                       ///< the keyboard layout that is configured; empty: that of the system
  std::optional<unsigned> countdown;        ///< seconds until timeout(); update() takes it away on any key
  std::string notice;                       ///< one sentence, until the next key

  // What the functions here and in update.h change.
  std::vector<Item> items;
  std::size_t selected = 0;         ///< an index of `items`, when there are some
  std::vector<View> views{View{}};  ///< first the list, last the page that shows
  LineEdit options;                 ///< of page Edit
  std::string edited_entry;         ///< of page Edit: an id
  std::optional<LineEdit> find;     ///< while a person types what to find
  std::size_t number = 0;           ///< while a person types a number
  std::optional<Failure> failure;
  bool touched = false;  ///< a person has pressed a key

  [[nodiscard]] const View& view() const { return views.back(); }
  [[nodiscard]] Page page() const { return views.back().page; }
};

/// `items` in place of those that there were. The selection stays on the same item by its id; it goes to the default
/// one for as long as no key was pressed. Pages of an item that is gone are closed.
[[nodiscard]] State with_items(State state, std::vector<Item> items);

/// Shows why something did not start, over the list. With a failure the menu never ends by itself.
[[nodiscard]] State with_failure(State state, Failure failure);

/// The selected item; nullptr when there is none.
[[nodiscard]] const Item* selected_item(const State& state);

/// The keyboard layout that a person expects here: the configured one, else that of the selected item; empty when
/// nobody knows.
[[nodiscard]] const std::string& expected_keymap(const State& state);

/// The entry of the selected item that Enter and `e` mean: the one selected on page Kernels while that is open, else
/// the first one; nullptr when none is known.
[[nodiscard]] const Entry* entry_in_hand(const State& state);

/// The indexes of the items that show: all, or those with what a person looks for, in letters of either case.
[[nodiscard]] std::vector<std::size_t> listed_items(const State& state);

}  // namespace vhdboot::menu
