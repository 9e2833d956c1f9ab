// SPDX-License-Identifier: GPL-2.0-or-later
// The words of GRUB's script language, cut as its lexer does (GRUB manual, "Shell-like scripting"). Nothing is
// executed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vhdboot::entry {

inline constexpr std::size_t kMaxGrubName = 255;     ///< bytes of a variable's name; a longer one is text
inline constexpr std::size_t kMaxGrubPieces = 1024;  ///< of a word

/// A part of a word: text, or the name of a variable whose value stands there.
struct GrubPiece {
  std::string text;
  bool variable = false;
  bool quoted = false;  ///< the value of an unquoted variable is cut at blanks, that of a quoted one is not

  friend bool operator==(const GrubPiece&, const GrubPiece&) = default;
};

struct GrubToken {
  enum class Kind : std::uint8_t {
    Word,
    End,    ///< of a command: a line's end, ';', '&' or '|'
    Open,   ///< '{'
    Close,  ///< '}'
  };
  Kind kind = Kind::Word;
  std::vector<GrubPiece> pieces;  ///< of a word; with more than kMaxGrubPieces it was cut off behind them

  friend bool operator==(const GrubToken&, const GrubToken&) = default;
};

/// Takes the tokens off a text, one by one. Any text has tokens: a quote that is never closed runs to the end.
class GrubLexer {
 public:
  explicit GrubLexer(std::string_view text) : rest_(text) {}

  /// Nothing at the end of the text.
  [[nodiscard]] std::optional<GrubToken> next();
  /// Bytes of the text that are not taken yet.
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

 private:
  void skip_blanks();
  [[nodiscard]] GrubToken take_word();
  void take_single_quoted(GrubToken& word);
  void take_double_quoted(GrubToken& word);
  void take_variable(GrubToken& word, bool quoted);

  std::string_view rest_;
};

/// Takes "$name", "${name}", "$1" or "$?" off the front of `text`, which begins with '$': the name, without the rest.
/// Nothing when no variable stands there, and then nothing is taken.
[[nodiscard]] std::optional<std::string_view> take_grub_variable(std::string_view& text);

}  // namespace vhdboot::entry
