// SPDX-License-Identifier: GPL-2.0-or-later
// vhdboot-menu [--plain] [--stay] [--beep]: shows the menu on every console and answers what a person wants, then ends;
// with --stay never that nobody has pressed a key, with --beep the selected line can be heard. Process 1 says over a
// socket what there is to choose from, again and again; see init/menu/wire.h.
#include <poll.h>

#include <algorithm>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "init/menu/beeps.h"
#include "init/menu/frame.h"
#include "init/menu/keymap.h"
#include "init/menu/keys.h"
#include "init/menu/plain.h"
#include "init/menu/render.h"
#include "init/menu/wire.h"
#include "init/sys/console.h"
#include "init/sys/file.h"
#include "init/sys/messages.h"
#include "init/sys/process.h"
#include "init/sys/terminal.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;
using Clock = sys::Deadline::Clock;

constexpr auto kToTake = 10s;  // that a line needs at most to take a screen
constexpr auto kToAnswer = 200ms;
// After so long without a key nobody is there: a keyboard may be dead.
constexpr auto kIdle = 5min;

// One of the consoles.
struct Seat {
  std::string name;
  sys::Terminal terminal;
  menu::Screen screen;
  menu::KeyDecoder keys{};
  menu::Frame shown{};
  std::string printed{};  // of Plain: what was said last
  std::string line{};     // of Plain: what has come of a line
};

std::list<Seat> take_seats(bool plain) {
  std::list<Seat> seats;
  for (const std::string& name : sys::console_terminals()) {
    auto terminal = sys::Terminal::open(name, plain ? sys::Terminal::Input::Lines : sys::Terminal::Input::Keys);
    if (!terminal) continue;
    const menu::Capability capability = terminal->capability();
    terminal->bind_buttons();
    if (const auto pixels = sys::frame_buffer_size(); pixels && capability == menu::Capability::Linux)
      (void)terminal->set_font(menu::font_for(pixels->width, pixels->height));
    const auto size = terminal->size(sys::Deadline::in(kToAnswer));
    seats.push_back({.name = name,
                     .terminal = *std::move(terminal),
                     .screen = {.columns = size.columns, .rows = size.rows, .capability = capability}});
  }
  return seats;
}

// The file with the keyboard layouts; empty when there is none.
std::string read_layouts() {
  const auto bytes = sys::read_file("/vhdboot/keymaps", menu::kMaxKeymapsBytes);
  return bytes ? std::string(as_text(*bytes)) : "";
}

class Program {
 public:
  /// `may_start`: what is booted without the menu is started when nobody presses a key.
  Program(bool plain, bool may_start, bool beeps)
      : process1_(Fd(sys::Companion::kSocket)), seats_(take_seats(plain)), may_start_(may_start) {
    if (beeps) beeps_.emplace();
  }

  int run() {
    while (!answered_) {
      if (known_) set_keyboard();
      if (known_) show();
      if (known_ && beeps_) sound();
      wait();
      if (may_start_) count_down();
    }
    for (Seat& seat : seats_)
      if (seat.screen.capability != menu::Capability::Plain)
        (void)seat.terminal.write("\x1b[0m\x1b[2J\x1b[H", sys::Deadline::in(kToTake));
    // The answer comes last: it ends this program.
    seats_.clear();
    if (answer_) (void)process1_.send(menu::encode(*answer_), sys::Deadline::in(kToTake));
    return 0;
  }

 private:
  // As the person expects it, who is about to type.
  void set_keyboard() {
    const std::string& wanted = menu::expected_keymap(state_);
    const std::string layout = menu::layout_called(layouts_, wanted);
    // What is configured and is not there is told once, and not in the place of a countdown.
    if (layout.empty() && !state_.keymap.empty() && !state_.countdown && !std::exchange(told_of_keymap_, true))
      state_.notice = menu::key_bindings(layouts_, wanted).error().message();
    if (layout.empty() || layout == keyboard_) return;
    keyboard_ = layout;
    if (const auto keys = menu::key_bindings(layouts_, layout))
      for (const Seat& seat : seats_) seat.terminal.set_keys(*keys);
  }

  void show() {
    for (Seat& seat : seats_) {
      if (seat.screen.capability == menu::Capability::Plain) {
        std::string text = menu::render_plain(state_);
        // Not for each second that passes: it may be read aloud.
        menu::State still = state_;
        still.countdown.reset();
        std::string said = menu::render_plain(still);
        if (said != seat.printed) (void)seat.terminal.write(concat(text, ' '), sys::Deadline::in(kToTake));
        seat.printed = std::move(said);
        continue;
      }
      menu::Frame frame = menu::render(state_, seat.screen);
      if (frame == seat.shown) continue;
      (void)seat.terminal.write(menu::draw(seat.shown, frame, seat.screen.capability), sys::Deadline::in(kToTake));
      seat.shown = std::move(frame);
    }
  }

  void sound() {
    const auto now = Clock::now();
    beeps_->look(state_, now);
    if (!beeps_->due(now)) return;
    for (const Seat& seat : seats_) (void)seat.terminal.write("\a", sys::Deadline::in(kToTake));
  }

  // For what process 1 says, a key, or the time.
  void wait() {
    std::vector<pollfd> waits{{.fd = process1_.descriptor(), .events = POLLIN, .revents = 0}};
    bool kept = false;
    bool after_escape = false;
    for (const Seat& seat : seats_) {
      waits.push_back({.fd = seat.terminal.descriptor(), .events = POLLIN, .revents = 0});
      kept |= seat.terminal.has_kept();
      after_escape |= seat.keys.after_escape();
    }
    constexpr int kTick = 250;
    int timeout = kept ? 0 : after_escape ? static_cast<int>(menu::kEscapeMilliseconds) : kTick;
    if (const auto next = beeps_ ? beeps_->wait(Clock::now()) : std::nullopt)
      timeout = std::min(timeout, static_cast<int>(next->count()));
    (void)::poll(waits.data(), waits.size(), timeout);
    if (waits.front().revents != 0) listen();
    for (auto seat = seats_.begin(); seat != seats_.end() && !answered_;) {
      const bool gone = !read(*seat);
      seat = gone ? seats_.erase(seat) : std::next(seat);
    }
  }

  void listen() {
    const auto message = process1_.receive(menu::kMaxMessage, sys::Deadline::in(kToTake));
    auto said = message ? menu::decode_state(*message) : std::unexpected(message.error());
    if (!said) {
      answered_ = true;  // process 1 has gone on without us
      return;
    }
    if (!known_) {
      state_ = *std::move(said);
      if (state_.failure) state_ = menu::with_failure(std::move(state_), *state_.failure);
      state_.log = sys::lines_of_stages();
      known_ = true;
      begin_to_count();
      return;
    }
    state_.volumes = std::move(said->volumes);
    state_.looked_at = std::move(said->looked_at);
    state_.not_looked_at = std::move(said->not_looked_at);
    state_.advice = std::move(said->advice);
    state_.looking = said->looking;
    state_.default_item = std::move(said->default_item);
    state_.keymap = std::move(said->keymap);
    state_ = menu::with_items(std::move(state_), std::move(said->items));
  }

  // False when the terminal is gone.
  bool read(Seat& seat) {
    const auto bytes = seat.terminal.read(sys::Deadline::in(0ms));
    if (!bytes) return false;
    if (bytes->empty()) {
      if (!seat.keys.after_escape()) return true;
      if (const auto key = seat.keys.pause()) press(seat, *key);
      return true;
    }
    for (const char byte : *bytes) {
      if (answered_) break;
      if (seat.screen.capability == menu::Capability::Plain)
        take_line(seat, byte);
      else if (const auto key = seat.keys.feed(byte))
        press(seat, *key);
    }
    return true;
  }

  void take_line(Seat& seat, char byte) {
    if (byte != '\n' && byte != '\r') {
      if (seat.line.size() < menu::kMaxText) seat.line += byte;
      return;
    }
    seat.printed.clear();
    follow(seat, menu::update_plain(std::move(state_), std::exchange(seat.line, {})));
  }

  void press(Seat& seat, const menu::Key& key) {
    constexpr char32_t kRedraw = U'l';
    if (key.kind == menu::Key::Kind::Control && key.character == kRedraw) seat.shown = {};
    if (key.kind == menu::Key::Kind::CursorReport) return;
    follow(seat, menu::update(std::move(state_), key, seat.screen));
  }

  void follow(const Seat& seat, menu::Step step) {
    state_ = std::move(step.state);
    state_.countdown.reset();
    may_start_ = false;
    if (step.action.kind != menu::Action::Kind::None) answer({std::move(step.action), seat.name});
  }

  void begin_to_count() { second_ = idle_ = Clock::now(); }

  void count_down() {
    const auto now = Clock::now();
    if (!known_ || answered_) return;
    if (state_.countdown) {
      for (; now - second_ >= 1s && *state_.countdown > 0; second_ += 1s) --*state_.countdown;
      if (*state_.countdown > 0) return;
    } else if (now - idle_ < kIdle) {
      return;
    }
    // From no terminal: nobody has chosen, and process 1 knows what is booted then.
    answer({.action = {.kind = menu::Action::Kind::Boot, .boot = {}}, .terminal = ""});
  }

  void answer(menu::Answer answer) {
    answer_ = std::move(answer);
    answered_ = true;
  }

  sys::Messages process1_;
  std::list<Seat> seats_;
  menu::State state_;
  bool known_ = false;
  bool may_start_;
  std::optional<menu::Beeps> beeps_;
  std::string layouts_ = read_layouts();
  std::string keyboard_;  // the layout that it has now; empty: as the kernel made it
  bool told_of_keymap_ = false;
  bool answered_ = false;
  std::optional<menu::Answer> answer_;
  Clock::time_point second_ = Clock::now();  // when the countdown last changed
  Clock::time_point idle_ = Clock::now();    // since when no key was pressed
};

}  // namespace
}  // namespace vhdboot::stage

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  const auto has = [&](std::string_view word) { return std::ranges::find(words, word) != words.end(); };
  return vhdboot::stage::Program(has("--plain"), !has("--stay"), has("--beep")).run();
}
