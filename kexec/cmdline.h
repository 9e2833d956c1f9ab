// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's command line: words as the kernel cuts them (lib/cmdline.c, next_arg), found and changed one by one.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::kexec {

/// A command line that is edited word by word. A word that nobody touches keeps its spelling, quotes included; blanks
/// between words become one space. "--" and everything behind it is kept as it is and never searched or changed: it
/// belongs to init.
/// Names compare as in the kernel: '-' and '_' are the same.
class CommandLine {
 public:
  CommandLine() = default;
  /// Any text is a command line; a quote that is never closed runs to the end, as in the kernel.
  [[nodiscard]] static CommandLine parse(std::string_view text);

  /// Is there a parameter `name`, with or without a value?
  [[nodiscard]] bool has(std::string_view name) const;
  /// The value of the last `name=value`, without its quotes (the kernel lets the last one win).
  [[nodiscard]] std::optional<std::string> find(std::string_view name) const;
  /// The values of all `name=value`, in order.
  [[nodiscard]] std::vector<std::string> find_all(std::string_view name) const;
  /// Removes each `name` and `name=...`; how many there were.
  std::size_t remove(std::string_view name);
  /// Sets `name=value`: in the place of the last one, the others go; at the end when there was none.
  /// Invalid when name or value cannot be written (a double quote, NUL or line break inside, a blank in the name).
  [[nodiscard]] Result<void> set(std::string_view name, std::string_view value);
  /// As set(), but a new one goes to the front. For init= and rdinit=, which make the kernel forget the arguments for
  /// init that stood before them.
  [[nodiscard]] Result<void> set_in_front(std::string_view name, std::string_view value);
  /// What a value becomes; nothing: it stays.
  using Change = std::function<Result<std::optional<std::string>>(const std::string& value)>;
  /// Gives every `name=value` the value that `change` says, each in its place; a word that stays keeps its spelling.
  /// The first error of `change`, or Invalid as set().
  [[nodiscard]] Result<void> change_values(std::string_view name, const Change& change);
  /// Adds the words of `text` behind the last one (before "--"). Parameters of `text` behind a "--" of its own go to
  /// init, behind those that are there.
  void append(std::string_view text);

  /// The words before "--", as they are spelled.
  [[nodiscard]] const std::vector<std::string>& words() const { return words_; }
  /// The whole line.
  [[nodiscard]] std::string text() const;

 private:
  Result<void> put(std::string_view name, std::string_view value, bool front);

  std::vector<std::string> words_;  // spelled as they came
  std::string for_init_;            // what follows "--", without blanks at its front
  bool has_init_part_ = false;
};

}  // namespace vhdboot::kexec
