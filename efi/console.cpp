// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/console.h"

#include <array>

#include "efi/utf16_text.h"

namespace vhdboot::efi {

namespace {

constexpr std::size_t kUsualColumns = 80;
constexpr INT32 kMostModes = 64;
constexpr UINTN kMicrosecondsPerSecond = 1'000'000;
constexpr UINT64 kTimerUnitsPerSecond = 10'000'000;  // of 100 ns

// Firmware strings end in NUL; text of any length goes out in pieces.
class Outgoing {
 public:
  explicit Outgoing(SIMPLE_TEXT_OUTPUT_INTERFACE& out) : out_(out) {}
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;
  ~Outgoing() { flush(); }

  void put(char16_t unit) {
    // A pair of surrogates stays together, and the NUL needs a place.
    if (size_ + 2 >= buffer_.size() && !utf::is_low_surrogate(unit)) flush();
    buffer_[size_++] = unit;
  }

 private:
  void flush() {
    buffer_[size_] = 0;
    if (size_ != 0) out_.OutputString(&out_, buffer_.data());
    size_ = 0;
  }

  SIMPLE_TEXT_OUTPUT_INTERFACE& out_;
  std::array<CHAR16, 128> buffer_{};
  std::size_t size_ = 0;
};

}  // namespace

// A boot menu may have left the screen in a graphics mode of its own. EDK2's console does not notice: it fails to clear
// the screen and writes across the menu or outside the picture. It sets its own graphics mode only together with a text
// mode that is not the one it believes in: so there and back.
void Console::leave_graphics() {
  if (out_->Mode == nullptr) return;
  const INT32 current = out_->Mode->Mode < 0 ? 0 : out_->Mode->Mode;
  for (INT32 other = 0; other < out_->Mode->MaxMode && other < kMostModes; ++other)
    if (other != current && !failed(out_->SetMode(out_, static_cast<UINTN>(other)))) break;
  if (failed(out_->SetMode(out_, static_cast<UINTN>(current)))) out_->Reset(out_, FALSE);
}

void Console::clear() {
  if (out_ == nullptr) return;
  leave_graphics();
  out_->SetAttribute(out_, EFI_TEXT_ATTR(EFI_LIGHTGRAY, EFI_BLACK));
  out_->ClearScreen(out_);
  out_->EnableCursor(out_, FALSE);
}

void Console::print(std::string_view text) {
  if (out_ == nullptr) return;
  Outgoing outgoing(*out_);
  for_each_utf16_unit(text, [&](char16_t unit) {
    if (unit == u'\n') outgoing.put(u'\r');
    outgoing.put(unit);
  });
}

void Console::paragraph(std::string_view text) {
  // The last column stays free: a character there already wraps on some consoles.
  const std::size_t width = columns() - 1;
  while (text.size() > width) {
    std::size_t end = text.rfind(' ', width);
    if (end == std::string_view::npos || end == 0) break;  // one long word: the console breaks it
    print(text.substr(0, end));
    print("\n");
    text.remove_prefix(end + 1);
  }
  print(text);
  print("\n");
}

std::size_t Console::columns() const {
  if (out_ == nullptr || out_->Mode == nullptr || out_->Mode->Mode < 0) return kUsualColumns;
  UINTN columns = 0;
  UINTN rows = 0;
  if (failed(out_->QueryMode(out_, static_cast<UINTN>(out_->Mode->Mode), &columns, &rows)) || columns < 20)
    return kUsualColumns;
  return columns;
}

bool Console::read_key() {
  EFI_INPUT_KEY key{};
  return in_ != nullptr && !failed(in_->ReadKeyStroke(in_, &key));
}

bool Console::asked_for_menu() {
  constexpr UINT16 kEsc = 0x17;  // UEFI specification, table "EFI Scan Codes for EFI_SIMPLE_TEXT_INPUT_PROTOCOL"
  bool asked = false;
  read_keys([&](const EFI_INPUT_KEY& key) { asked |= key.ScanCode == kEsc || key.UnicodeChar == u' '; });
  return asked;
}

Console::KeyWait::KeyWait(Console& console) : console_(console) {
  // The key that chose us in a menu may still be waiting.
  console_.read_keys([](const EFI_INPUT_KEY&) {});
  if (failed(console_.boot_.CreateEvent(EVT_TIMER, TPL_APPLICATION, nullptr, nullptr, &timer_))) timer_ = nullptr;
}

Console::KeyWait::~KeyWait() {
  if (timer_ != nullptr) console_.boot_.CloseEvent(timer_);
}

bool Console::KeyWait::one_second() {
  EFI_BOOT_SERVICES& boot = console_.boot_;
  const bool armed = timer_ != nullptr && !failed(boot.SetTimer(timer_, TimerRelative, kTimerUnitsPerSecond));
  std::array<EFI_EVENT, 2> events{timer_, console_.in_ != nullptr ? console_.in_->WaitForKey : nullptr};
  const UINTN count = events[1] != nullptr ? 2 : 1;
  // The keyboard's event also fires for what is no key to us (a modifier alone), so ask for the key, some times.
  for (int i = 0; armed && i < 64; ++i) {
    UINTN index = 0;
    if (failed(boot.WaitForEvent(count, events.data(), &index))) break;
    if (index == 0) return false;
    if (console_.read_key()) return true;
  }
  boot.Stall(kMicrosecondsPerSecond);
  return console_.read_key();
}

}  // namespace vhdboot::efi
