// SPDX-License-Identifier: GPL-2.0-or-later
// A terminal that knows the few sequences that a menu may send, and takes offence at all others.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "base/text.h"
#include "base/utf.h"
#include "init/menu/frame.h"

namespace vhdboot::menu::test {

class VtEmulator {
 public:
  explicit VtEmulator(const Screen& screen) : shown_(blank_frame(screen)) {
    // What somebody else has left there.
    for (Cell& cell : shown_.cells) cell = {.character = U'#', .style = Style::Reverse};
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      if (bytes.starts_with("\033[")) {
        const std::size_t end = bytes.find_first_not_of("0123456789;", 2);
        if (end == std::string_view::npos) throw std::runtime_error("a sequence without an end");
        sequence(bytes.substr(2, end - 2), bytes[end]);
        bytes.remove_prefix(end + 1);
        continue;
      }
      const auto [value, length] = utf::decode_utf8(bytes);
      if (length == 0 || value < 0x20) throw std::runtime_error("a control character");
      put(value);
      bytes.remove_prefix(length);
    }
  }

  /// The screen, with its cursor.
  [[nodiscard]] const Frame& frame() const { return shown_; }

 private:
  void put(char32_t value) {
    if (row_ >= shown_.rows || column_ >= shown_.columns) throw std::runtime_error("beyond the edge");
    if (row_ + 1 == shown_.rows && column_ + 1 == shown_.columns) throw std::runtime_error("some terminal scrolls");
    shown_.cells[row_ * shown_.columns + column_] = {value, style_};
    ++column_;
    move();
  }

  void sequence(std::string_view parameters, char last) {
    if (last == 'H') {
      const auto numbers = split(parameters, ';');
      row_ = numbers.size() == 2 ? parse_u64(numbers[0]).value() - 1 : 0;
      column_ = numbers.size() == 2 ? parse_u64(numbers[1]).value() - 1 : 0;
      if (row_ >= shown_.rows || column_ >= shown_.columns) throw std::runtime_error("a place beyond the edge");
      move();
    } else if (last == 'K' && parameters.empty()) {
      if (style_ != Style::Plain) throw std::runtime_error("erases with colours");
      for (std::size_t i = column_; i < shown_.columns; ++i) shown_.cells[row_ * shown_.columns + i] = {};
    } else if (last == 'J' && parameters == "2") {
      for (Cell& cell : shown_.cells) cell = {};
    } else if (last == 'm') {
      style_ = style_of(parameters);
    } else {
      throw std::runtime_error(concat("a sequence that nobody knows: ", parameters, last));
    }
  }

  static Style style_of(std::string_view parameters) {
    if (parameters == "0") return Style::Plain;
    if (parameters == "0;1") return Style::Bold;
    if (parameters == "0;7") return Style::Reverse;
    if (parameters == "0;32") return Style::Good;
    if (parameters == "0;1;31") return Style::Bad;
    throw std::runtime_error("a rendition that nobody knows");
  }

  void move() {
    shown_.cursor_row = row_;
    shown_.cursor_column = column_;
  }

  Frame shown_;
  Style style_ = Style::Bold;
  std::size_t row_ = 0;
  std::size_t column_ = 0;
};

}  // namespace vhdboot::menu::test
