// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/grub_cfg.h"

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <list>
#include <map>
#include <ranges>
#include <set>
#include <span>
#include <utility>

#include "base/glob.h"
#include "base/text.h"
#include "entry/grub_words.h"

namespace vhdboot::entry {

namespace {

// In the value of a variable: what stands there is known to GRUB alone.
constexpr char kFoundOut = '\1';

std::string without_marks(std::string value) {
  std::erase(value, kFoundOut);
  return value;
}

// A word after its variables were replaced.
struct Word {
  std::string text;
  bool in_doubt = false;  // a variable that is not known stood in it, other than as the device in front of a path
  bool unknown = false;   // one of those has a value that GRUB alone can find out; others have none
  std::string device{};   // that one is a device of GRUB's: as MenuEntry::volume
  std::string marked{};   // the text with kFoundOut in it, when that is so
};

using Words = std::vector<Word>;

// Replaces variables, within a budget: values hold values.
class Expansion {
 public:
  /// The words of one token; none for an unquoted variable without a value, one for a value that GRUB alone can find
  /// out. `arguments`: $1 and so on, where there are some. False when the budget is spent.
  [[nodiscard]] bool expand(const GrubToken& token, const GrubVariables& variables,
                            std::optional<std::span<const Word>> arguments, Words& words) {
    std::optional<Word> word;
    bool doubt = false;  // for a word that has not begun yet
    bool unknown = false;
    const auto begun = [&]() -> Word& {
      if (!word)
        word = Word{.text = std::string(unknown ? 1 : 0, kFoundOut),
                    .in_doubt = std::exchange(doubt, false),
                    .unknown = std::exchange(unknown, false)};
      return *word;
    };
    const auto end_word = [&] {
      if (unknown) begun();
      doubt = false;
      if (!word) return;
      if (word->unknown) {
        word->marked = word->text;
        word->text = without_marks(std::move(word->text));
      }
      words.push_back(*std::exchange(word, std::nullopt));
    };
    const auto add_doubt = [&](bool quoted, bool is_found_out) {
      if (word || quoted) {
        begun().in_doubt = true;
        word->unknown |= is_found_out;
        if (is_found_out) word->text += kFoundOut;
      } else {
        doubt = true;
        unknown |= is_found_out;
      }
    };
    const auto add = [&](std::string_view value, bool quoted) {
      if (value.size() >= left_) return false;
      left_ -= value.size() + 1;
      if (quoted) begun();
      for (const char c : value) {
        if (c == kFoundOut)
          add_doubt(quoted, true);
        else if (is_blank(c) && !quoted)
          end_word();
        else
          begun().text += c;
      }
      return true;
    };
    for (const GrubPiece& piece : token.pieces) {
      const std::string_view name = piece.text;
      if (!piece.variable) {
        begun().text += name;
      } else if (name == "#") {
        if (arguments && !add(std::to_string(arguments->size()), piece.quoted)) return false;
      } else if (const auto given = named_arguments(name, arguments.value_or(std::span<const Word>()))) {
        for (const Word& argument : *given) {
          if (&argument != &given->front()) {
            if (name == "*" && piece.quoted)
              begun().text += ' ';
            else
              end_word();
          }
          if (argument.in_doubt) add_doubt(piece.quoted, argument.unknown);
          if (!add(argument.text, piece.quoted)) return false;
        }
        if (given->empty() && piece.quoted && name != "@") begun();
      } else if (const std::string* value = find(name, variables)) {
        if (!add(*value, piece.quoted)) return false;
      } else {
        const auto device = found_out_.find(name);
        const bool is_found_out = device != found_out_.end();
        if (word && is_in_device(word->text)) {
          if (is_found_out && !add(device->second, true)) return false;
        } else {
          add_doubt(piece.quoted, is_found_out);
          if (is_found_out && word) word->device = device->second;
        }
      }
    }
    end_word();
    return true;
  }

  /// A variable that a command sets to what it finds: the volume, when it is a device and that is known.
  std::string& found_out(std::string_view name) { return found_out_.try_emplace(std::string(name)).first->second; }

 private:
  // "2": the second one, if there is one; "@" and "*": all. Nothing when it names a variable.
  static std::optional<std::span<const Word>> named_arguments(std::string_view name, std::span<const Word> arguments) {
    if (name == "@" || name == "*") return arguments;
    const auto number = parse_u64(name);
    if (!number) return std::nullopt;
    if (*number == 0 || *number > arguments.size()) return arguments.first(0);
    return arguments.subspan(*number - 1, 1);
  }

  static bool is_in_device(const std::string& text) {
    const std::size_t begin = text.rfind('(');
    return begin != std::string::npos && text.find(')', begin) == std::string::npos;
  }

  static const std::string* find(std::string_view name, const GrubVariables& variables) {
    const auto found = variables.find(name);
    return found == variables.end() ? find_built_in(name) : &found->second;
  }

  // What GRUB has from the start, on a PC with UEFI, when no command has failed; "." for the folder of grub.cfg.
  static const std::string* find_built_in(std::string_view name) {
    static const std::string kYes = "y";
    static const GrubVariables kBuiltIn{
        {"?", "0"}, {"grub_cpu", "x86_64"}, {"grub_platform", "efi"}, {"prefix", "."}, {"config_directory", "."}};
    if (name.starts_with("feature_")) return &kYes;
    const auto found = kBuiltIn.find(name);
    return found == kBuiltIn.end() ? nullptr : &found->second;
  }

  std::map<std::string, std::string, std::less<>> found_out_;
  std::size_t left_ = kMaxGrubExpansion;
};

constexpr std::size_t kMaxDepth = 64;  // of blocks, and of conditions in each

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& of) {
  return std::ranges::find(of, text) != of.end();
}

using Truth = std::optional<bool>;

Truth inverse(Truth one) {
  return one ? Truth(!*one) : one;
}

Truth both(Truth one, Truth other) {
  return one == false || other == false ? Truth(false) : one && other ? Truth(true) : std::nullopt;
}

Truth either(Truth one, Truth other) {
  return inverse(both(inverse(one), inverse(other)));
}

// The condition of an if, as far as it can be told: strings and numbers, and files that are there. As test_parse() of
// GRUB has it, a word that belongs to no operator is a string, and all of them must hold.
class Test {
 public:
  using HasFile = std::function<Truth(std::string_view operation, const Word& file)>;

  Test(std::span<const Word> words, HasFile has_file) : words_(words), has_file_(std::move(has_file)) {}

  Truth result(std::size_t depth = 0) {
    if (depth == kMaxDepth) words_ = {};
    Truth any = false;
    Truth all = true;
    bool negated = false;
    while (!words_.empty()) {
      const auto [truth, length] = operation();
      const std::string_view word = words_.front().text;
      words_ = words_.subspan(length);
      if (length == 1 && word == ")") break;
      if (length == 1 && word == "!") {
        negated = !negated;
      } else if (length == 1 && word == "-o") {
        any = either(any, std::exchange(all, true));
      } else if (length != 1 || word != "-a") {
        const Truth said = length == 1 && word == "(" ? result(depth + 1) : truth;
        all = both(all, std::exchange(negated, false) ? inverse(said) : said);
      }
    }
    return depth == kMaxDepth ? std::nullopt : either(any, all);
  }

 private:
  // What stands in front, and its length in words.
  [[nodiscard]] std::pair<Truth, std::size_t> operation() const {
    const Word& first = words_.front();
    const std::string_view name = first.text;
    if (words_.size() > 2) {
      const std::string_view between = words_[1].text == "==" ? "=" : std::string_view(words_[1].text);
      if (is_one_of(between, kOperators)) return {compare(first, between, words_[2]), 3};
    }
    if (words_.size() > 1 && (name == "-n" || name == "-z"))
      return {words_[1].unknown ? Truth() : Truth(words_[1].text.empty() == (name == "-z")), 2};
    if (words_.size() > 1 && is_one_of(name, kFileTests)) return {has_file_(name, words_[1]), 2};
    return {first.unknown ? Truth() : Truth(!name.empty()), 1};
  }

  static Truth compare(const Word& a, std::string_view operation, const Word& b) {
    if (a.unknown || b.unknown) return std::nullopt;
    const auto place = static_cast<std::size_t>(std::ranges::find(kOperators, operation) - kOperators.begin());
    constexpr std::size_t kKinds = 6;
    if (place >= 2 * kKinds) return std::nullopt;
    auto order = a.text <=> b.text;
    if (place >= kKinds) {
      const auto one = number(a.text);
      const auto other = number(b.text);
      if (!one || !other) return std::nullopt;
      order = *one <=> *other;
    }
    switch (place % kKinds) {
      case 0:
        return order == 0;
      case 1:
        return order != 0;
      case 2:
        return order < 0;
      case 3:
        return order <= 0;
      case 4:
        return order > 0;
      default:
        return order >= 0;
    }
  }

  // Only what every base has the same digits for.
  static std::optional<std::int64_t> number(std::string_view text) {
    if (text.empty()) return 0;
    const bool is_negative = text.starts_with('-');
    text.remove_prefix(is_negative ? 1 : 0);
    const auto value = parse_u64(text);
    if (!value || *value > std::numeric_limits<std::int64_t>::max() || (text.size() > 1 && text.starts_with('0')))
      return std::nullopt;
    return is_negative ? -static_cast<std::int64_t>(*value) : static_cast<std::int64_t>(*value);
  }

  static constexpr std::array<std::string_view, 4> kFileTests{"-e", "-f", "-s", "-d"};
  // Of strings, of numbers, and those that only GRUB can tell.
  static constexpr std::array<std::string_view, 16> kOperators{
      "=", "!=", "<", "<=", ">", ">=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-pgt", "-plt", "-nt", "-ot"};

  std::span<const Word> words_;
  HasFile has_file_;
};

// The unquoted text of a token that is nothing else: what a keyword has to be.
std::string_view plain_text(const GrubToken& token) {
  if (token.pieces.size() != 1 || token.pieces[0].variable || token.pieces[0].quoted) return {};
  return token.pieces[0].text;
}

constexpr std::array<std::string_view, 4> kLinux{"linux", "linux16", "linuxefi", "linux32"};
constexpr std::array<std::string_view, 3> kInitrd{"initrd", "initrd16", "initrdefi"};
// They succeed when somebody presses a key, or for what a person has wired up.
constexpr std::array<std::string_view, 3> kFailing{"keystatus", "cmostest", "false"};
// Commands that set variables to what they find: those behind --set, or any of their words.
constexpr std::array<std::string_view, 3> kSettersByOption{"probe", "regexp", "smbios"};
constexpr std::array<std::string_view, 8> kSetters{"gptpriority", "getenv",    "read",   "file_env",
                                                   "increment",   "decrement", "setpci", "rdmsr"};
// What names a file system that the guest cannot do without.
constexpr std::array<std::string_view, 4> kRootOptions{"root=", "rootflags=", "mount.usr=", "mount.usrflags="};
constexpr std::array<std::string_view, 4> kWithValue{"--class", "--users", "--hotkey", "--source"};
constexpr std::string_view kIdOption = "menuentry_id_option";

bool is_variable_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && std::ranges::all_of(text, fits);
}

// As grub_create_loader_cmdline() writes a word for the kernel.
std::string spell(std::string_view word) {
  std::string out;
  for (const char c : word) {
    if (c == '\\' || c == '\'' || c == '"') out += '\\';
    out += c;
  }
  return word.contains(' ') ? concat('"', out, '"') : out;
}

class Reader {
 public:
  Reader(std::string_view text, const GrubVariables& environment, GrubFileReader* files)
      : lexer_(text), environment_(environment), files_(files) {
    config_.file = "grub.cfg";
    config_.variables.insert_or_assign(std::string(kIdOption), "--id");
  }

  Result<BootMenu> read() && {
    TRY(run(Kind::File, lexer_));
    if (const auto name = config_.variables.find("default"); name != config_.variables.end())
      config_.default_name = without_marks(name->second);
    TRY(run_bodies());
    sort_entries();
    config_.volume = menu_volume_.empty() ? volume_ : menu_volume_;
    for (auto& [name, value] : config_.variables) std::erase(value, kFoundOut);
    return std::move(config_);
  }

 private:
  // Passed: what is not run where it stands.
  enum class Kind : std::uint8_t { File, Function, Menuentry, Submenu, Passed };
  // Whether GRUB gets to where one stands. Unsure: that depends on what only it can find out; of an if with such a
  // condition the else branch counts, and the other ones as long as nothing else is known.
  enum class Branch : std::uint8_t { Taken, Unsure, Skipped };
  struct Condition {
    Branch branch = Branch::Unsure;
    bool was_taken = false;            // one before
    bool is_open = true;               // the condition itself is being read
    bool negated = false;              // by the '!' in front of its last command
    std::optional<bool> holds = true;  // what its last command says
    bool is_loop = false;
    bool wants_list = false;  // a `for`, before that
    // Of a `for` whose list is known: what its variable has yet to be, in reverse, and where its body begins.
    std::string variable{};
    std::vector<std::string> items{};
    std::optional<GrubLexer> body{};
  };
  struct Block {
    Kind kind = Kind::Passed;
    Branch reach = Branch::Taken;  // of what stands behind a `return`
    std::vector<Condition> conditions{};
  };
  // What GRUB runs when the entry is chosen, behind everything around it. A submenu has a context of its own.
  struct Body {
    std::size_t entry = 0;
    GrubLexer text;
    Words arguments;
  };
  // What holds again behind an entry.
  struct Scope {
    std::string volume;
    std::map<std::string, std::optional<std::string>, std::less<>> before{};  // of variables that it sets
  };
  // A kernel that a menuentry may boot.
  struct Variant {
    std::string kernel;
    std::string arguments;
    std::vector<std::string> in_doubt;
    std::vector<std::string> left_out;
    std::vector<std::string> initrds;
  };

  // From there to the end of the block or text.
  Result<void> run(Kind kind, GrubLexer text) {
    if (blocks_.size() > kMaxDepth) return fail(Code::Corrupt, "its blocks are nested too deep");
    const GrubLexer behind = std::exchange(lexer_, text);
    Words command = std::exchange(command_, {});
    blocks_.push_back({.kind = kind});
    const std::size_t depth = blocks_.size();
    at_start_ = true;
    while (const auto token = lexer_.next()) {
      if (token->kind == GrubToken::Kind::Word) {
        TRY(take_word(*token));
        continue;
      }
      if (token->kind == GrubToken::Kind::Open) {
        TRY(open());
        continue;
      }
      TRY(finish_command());
      if (token->kind == GrubToken::Kind::End) continue;
      if (blocks_.size() > depth)
        blocks_.pop_back();
      else if (kind != Kind::File)
        break;
    }
    TRY(finish_command());
    // What is run where it stands is read once, and the body of an entry once more.
    const bool is_deep = menus_ > 2 && kind != Kind::File;
    if (kind == Kind::Function || is_deep) read_again_ += text.left() - lexer_.left();
    blocks_.resize(depth - 1);
    lexer_ = behind;
    command_ = std::move(command);
    return {};
  }

  // Of the menu that was made last.
  Result<void> run_bodies() {
    if (++menus_ > kMaxDepth) return fail(Code::Corrupt, "its submenus are nested too deep");
    for (Body& body : std::exchange(bodies_, {})) {
      const bool is_submenu = config_.entries[body.entry].submenu;
      scopes_.push_back({.volume = volume_});
      if (is_submenu) hide_variables();
      variants_.clear();
      chosen_ = 0;
      open_entry_ = body.entry;
      arguments_ = std::move(body.arguments);
      TRY(run(is_submenu ? Kind::Submenu : Kind::Menuentry, body.text));
      if (is_submenu)
        TRY(run_bodies());
      else
        finish_entry(config_.entries[body.entry]);
      Scope scope = std::move(scopes_.back());
      scopes_.pop_back();
      restore(std::move(scope));
    }
    --menus_;
    return {};
  }

  void restore(Scope scope) {
    volume_ = std::move(scope.volume);
    for (auto& [name, value] : scope.before) put(name, std::move(value));
  }

  // Those that a submenu or another menu does not see.
  void hide_variables() {
    std::vector<std::string> hidden;
    for (const auto& [name, value] : config_.variables)
      if (!exported_.contains(name)) hidden.push_back(name);
    read_again_ += hidden.size();
    for (const std::string& name : hidden) set(name, std::nullopt);
  }

  // Entries of a submenu behind it, as they are in the text.
  void sort_entries() {
    std::vector<std::vector<std::size_t>> children(config_.entries.size() + 1);  // the last: of the menu itself
    for (std::size_t i = 0; i < config_.entries.size(); ++i)
      children[config_.entries[i].parent.value_or(config_.entries.size())].push_back(i);
    std::vector<std::size_t> open(children.back().rbegin(), children.back().rend());
    std::vector<std::size_t> places(config_.entries.size());
    std::vector<MenuEntry> sorted;
    while (!open.empty()) {
      const std::size_t i = open.back();
      open.pop_back();
      open.insert(open.end(), children[i].rbegin(), children[i].rend());
      places[i] = sorted.size();
      sorted.push_back(std::move(config_.entries[i]));
      if (sorted.back().parent) sorted.back().parent = places[*sorted.back().parent];
    }
    config_.entries = std::move(sorted);
  }

  Result<void> take_word(const GrubToken& token) {
    if (blocks_.back().kind == Kind::Passed) return {};
    if (at_start_) {
      const bool is_keyword = take_keyword(plain_text(token));
      if (conditions().size() > kMaxDepth) return fail(Code::Corrupt, "its conditions are nested too deep");
      if (is_keyword) return {};
    }
    at_start_ = false;
    if (token.pieces.size() > kMaxGrubPieces)
      return fail(Code::Corrupt, concat("a word in it has more than ", kMaxGrubPieces, " parts"));
    const bool has_arguments = in(Kind::Function) || in(Kind::Menuentry) || in(Kind::Submenu);
    if (!expansion_.expand(token, config_.variables,
                           has_arguments ? std::optional<std::span<const Word>>(arguments_) : std::nullopt, command_))
      return fail(Code::Corrupt, "its variables grow without an end");
    if (command_.size() > kMaxGrubCommand)
      return fail(Code::Corrupt, concat("a command in it has more than ", kMaxGrubCommand, " words"));
    return {};
  }

  // Those in the innermost block.
  std::vector<Condition>& conditions() { return blocks_.back().conditions; }

  bool take_keyword(std::string_view word) {
    std::vector<Condition>& conditions = this->conditions();
    if (word == "if") {
      conditions.emplace_back();
    } else if (word == "while" || word == "until" || word == "for") {
      conditions.push_back({.is_open = false, .is_loop = true, .wants_list = word == "for"});
      return word != "for";  // what follows that is no command
    } else if (word == "do") {
      if (!conditions.empty()) begin_loop(conditions.back());
    } else if (word == "fi" || word == "done") {
      if (conditions.empty() || start_turn(conditions.back())) return true;
      if (conditions.back().branch == Branch::Skipped && !conditions.back().was_taken) status_ = true;
      conditions.pop_back();
    } else if (word == "!") {
      if (!conditions.empty()) conditions.back().negated = true;
    } else if (word == "then" || word == "else" || word == "elif") {
      if (!conditions.empty()) turn(word, conditions.back());
    } else {
      return false;
    }
    return true;
  }

  // At its `for`.
  void take_list() {
    if (conditions().empty() || !conditions().back().wants_list) return;
    Condition& loop = conditions().back();
    loop.wants_list = false;
    if (where() == Branch::Skipped || command_.size() < 2 || !is_variable_name(command_[1].text)) return;
    for (const Word& word : std::span(command_).subspan(std::min<std::size_t>(command_.size(), 3)))
      if (!add_items(word, loop.items)) {
        loop.items.clear();
        return forget(command_[1].text);
      }
    std::ranges::reverse(loop.items);
    loop.variable = command_[1].text;
  }

  // A word, or the files that it stands for. False when GRUB alone can tell them.
  bool add_items(const Word& word, std::vector<std::string>& items) {
    const std::string_view text = word.text;
    if (word.in_doubt || text.contains('[')) return false;
    const std::size_t pattern = text.find_first_of("*?");
    if (pattern == std::string_view::npos) {
      items.emplace_back(text);
      return true;
    }
    const std::size_t slash = std::min(text.rfind('/'), text.size());
    if (slash == 0 || slash > pattern || text.starts_with("()") || files_ == nullptr) return false;
    std::size_t count = 0;
    for (const std::string& name : files_->names(text.substr(0, slash), volume_)) {
      read_again_ += name.size();
      if (!glob_matches(text.substr(slash + 1), name)) continue;
      if (count++ == kMaxGrubNames) break;
      items.push_back(concat(text.substr(0, slash + 1), name));
    }
    return count > 0;
  }

  void begin_loop(Condition& loop) {
    if (loop.variable.empty() || loop.body) return;
    loop.body = lexer_;
    loop.branch = Branch::Skipped;
    start_turn(loop);
  }

  bool start_turn(Condition& loop) {
    if (!loop.body || loop.items.empty()) return false;
    if (loop.branch == Branch::Skipped) loop.branch = Branch::Taken;
    read_again_ += loop.body->left() - lexer_.left();
    lexer_ = *loop.body;
    set(loop.variable, std::move(loop.items.back()));
    loop.items.pop_back();
    return true;
  }

  // `break` and `continue`, with how many loops that is for.
  void leave_loop() {
    auto left = command_.size() > 1 ? parse_u64(command_[1].text).value_or(1) : 1;
    Branch worst = Branch::Taken;
    for (Condition& loop : std::views::reverse(conditions())) {
      if (!loop.is_open) worst = std::max(worst, loop.branch);
      if (!loop.is_loop) continue;
      if (worst == Branch::Skipped) return;
      loop.branch = worst == Branch::Taken ? Branch::Skipped : Branch::Unsure;
      if (worst == Branch::Taken && (left > 1 || command_name() == "break")) loop.items.clear();
      if (left-- <= 1) return;
    }
  }

  static void turn(std::string_view word, Condition& condition) {
    if (word == "elif") {
      condition = {.was_taken = condition.was_taken || condition.branch == Branch::Taken};
      return;
    }
    if (word == "else") {
      const bool was_taken = condition.was_taken || condition.branch == Branch::Taken;
      condition = {.branch = was_taken ? Branch::Skipped : Branch::Taken, .was_taken = was_taken, .is_open = false};
      return;
    }
    condition.is_open = false;
    condition.branch = condition.was_taken || condition.holds == false ? Branch::Skipped
                       : condition.holds                               ? Branch::Taken
                                                                       : Branch::Unsure;
  }

  // What the command says when nothing has failed.
  [[nodiscard]] Truth status() {
    const auto name = command_name();
    if (name == "return" && command_.size() > 1) return parse_u64(command_[1].text) == 0;
    if (name != "[" && name != "test") return !is_one_of(name, kFailing);
    std::span<const Word> words = std::span(command_).subspan(1);
    if (!words.empty() && words.back().text == "]") words = words.first(words.size() - 1);
    return Test(words, [this](auto operation, const Word& file) { return has_file(operation, file); }).result();
  }

  // A file that is not there may be on GRUB's own disk, or gone since: that tells nothing.
  Truth has_file(std::string_view operation, const Word& file) {
    constexpr std::size_t kLook = 64;  // as many bytes
    if (file.in_doubt || file.text.starts_with("()") || files_ == nullptr) return std::nullopt;
    read_again_ += kLook;
    const auto place = files_->find(file.text, volume_);
    return place ? Truth(operation == "-e" || place->is_folder == (operation == "-d")) : std::nullopt;
  }

  // It is the last one of a condition, as far as is known.
  void take_status() {
    Condition& condition = conditions().back();
    condition.holds = condition.negated && status_ ? !*status_ : status_;
    condition.negated = false;
  }

  // The least certain of all branches around.
  [[nodiscard]] Branch where() const {
    Branch worst = Branch::Taken;
    for (const Block& block : blocks_) {
      worst = std::max(worst, block.kind == Kind::Passed ? Branch::Skipped : block.reach);
      for (const Condition& condition : block.conditions)
        if (!condition.is_open) worst = std::max(worst, condition.branch);
    }
    return worst;
  }

  [[nodiscard]] bool in(Kind kind) const { return std::ranges::find(blocks_, kind, &Block::kind) != blocks_.end(); }

  [[nodiscard]] MenuEntry* menuentry() { return in(Kind::Menuentry) ? &config_.entries[open_entry_] : nullptr; }

  [[nodiscard]] std::string_view command_name() const {
    return command_.empty() ? std::string_view() : std::string_view(command_.front().text);
  }

  // What is in the block is run later, or never.
  Result<void> open() {
    const auto name = command_name();
    if (where() != Branch::Skipped) {
      if (name == "function" && command_.size() > 1)
        functions_.insert_or_assign(command_[1].text, lexer_);
      else if ((name == "menuentry" || name == "submenu") && !in(Kind::Menuentry))
        TRY(define_entry());
    }
    command_.clear();
    at_start_ = true;
    blocks_.push_back({.kind = Kind::Passed});
    if (blocks_.size() > kMaxDepth) return fail(Code::Corrupt, "its blocks are nested too deep");
    return {};
  }

  // To nothing, too; what it was is back behind the entry that is being run.
  void set(std::string_view name, std::optional<std::string> value) {
    GrubVariables& variables = config_.variables;
    const auto found = variables.find(name);
    if (!scopes_.empty() && !scopes_.back().before.contains(name))
      scopes_.back().before.emplace(name,
                                    found == variables.end() ? std::nullopt : std::optional(std::move(found->second)));
    put(name, std::move(value));
  }

  void put(std::string_view name, std::optional<std::string> value) {
    GrubVariables& variables = config_.variables;
    if (value)
      variables.insert_or_assign(std::string(name), *std::move(value));
    else if (const auto found = variables.find(name); found != variables.end())
      variables.erase(found);
  }

  // With the initrd of another branch, which has the same kernel: an attempt to do without one is for the machine that
  // the disk was made for.
  void finish_entry(MenuEntry& entry) {
    if (variants_.empty()) return;
    Variant* variant = &variants_[chosen_];
    if (variant->initrds.empty()) {
      const auto better = std::ranges::find_if(
          variants_, [&](const Variant& other) { return !other.initrds.empty() && other.kernel == variant->kernel; });
      if (better != variants_.end()) variant = &*better;
    }
    entry.kernel = std::move(variant->kernel);
    entry.arguments = std::move(variant->arguments);
    entry.in_doubt = std::move(variant->in_doubt);
    entry.left_out = std::move(variant->left_out);
    entry.initrds = std::move(variant->initrds);
  }

  // Its title is its first argument.
  Result<void> define_entry() {
    if (config_.entries.size() == kMaxGrubEntries)
      return fail(Code::Corrupt, concat("it has more than ", kMaxGrubEntries, " entries"));
    MenuEntry entry;
    entry.submenu = command_name() == "submenu";
    if (in(Kind::Submenu)) entry.parent = open_entry_;
    Words arguments;
    for (std::size_t i = 1; i < command_.size(); ++i) {
      std::string& word = command_[i].text;
      if (is_one_of(word, kWithValue)) {
        ++i;
      } else if (word == "--id") {
        if (++i < command_.size()) entry.id = std::move(command_[i].text);
      } else if (word.starts_with("--id=")) {
        entry.id = word.substr(5);
      } else if (!word.starts_with("--")) {
        arguments.push_back(std::move(command_[i]));
      }
    }
    if (!arguments.empty()) entry.title = arguments.front().text;
    bodies_.push_back({.entry = config_.entries.size(), .text = lexer_, .arguments = std::move(arguments)});
    config_.entries.push_back(std::move(entry));
    return {};
  }

  Result<void> finish_command() {
    if (!command_.empty()) {
      if (where() != Branch::Skipped) status_ = status();
      TRY(run_command());
      if (!conditions().empty() && conditions().back().is_open) take_status();
    }
    if (read_again_ > kMaxGrubLoops) return fail(Code::Corrupt, "its loops, functions and load_env read too much");
    command_.clear();
    at_start_ = true;
    return {};
  }

  Result<void> run_command() {
    const auto name = command_name();
    MenuEntry* entry = menuentry();
    if (name == "set" && command_.size() > 1) {
      assign(command_[1]);
    } else if (name == "unset" && command_.size() > 1) {
      if (where() == Branch::Taken) set(command_[1].text, std::nullopt);
    } else if (name == "gptprio.next") {
      take_next_slot();
    } else if (is_one_of(name, kSetters) || is_one_of(name, kSettersByOption)) {
      forget_what_it_sets();
    } else if (name == "search" || name.starts_with("search.")) {
      search();
    } else if (name == "load_env") {
      load_environment();
    } else if (name == "export") {
      if (where() != Branch::Skipped)
        for (Word& word : command_) exported_.insert(std::move(word.text));
    } else if (name == "for") {
      take_list();
    } else if (name == "break" || name == "continue") {
      leave_loop();
    } else if (name == "return") {
      if (const Kind kind = blocks_.back().kind; kind != Kind::File) leave();
    } else if (name == "setparams" || name == "shift") {
      if (where() != Branch::Skipped) change_arguments();
    } else if (name == "source" || name == "." || name == "configfile" || name == "normal") {
      return run_file();
    } else if (name == "eval") {
      return run_words();
    } else if (name == "blscfg") {
      if (where() != Branch::Skipped && !config_.bls_place) config_.bls_place = config_.entries.size();
    } else if (name == "uki") {  // GRUB 2.14
      config_.shows_images |= where() != Branch::Skipped;
    } else if (entry != nullptr && (is_one_of(name, kLinux) || starts_image())) {
      take_linux(*entry);
    } else if (entry != nullptr && is_one_of(name, kInitrd)) {
      take_initrd();
    } else if (const auto function = functions_.find(name); function != functions_.end()) {
      return call(function->second);
    } else if (command_.size() == 1) {
      assign(command_.front());
    }
    return {};
  }

  Result<void> call(GrubLexer body) {
    constexpr std::size_t kCall = 64;  // as many bytes, for the call itself
    if (where() == Branch::Skipped) return {};
    Words arguments(std::make_move_iterator(command_.begin() + 1), std::make_move_iterator(command_.end()));
    std::swap(arguments_, arguments);
    read_again_ += kCall;
    TRY(run(Kind::Function, body));
    std::swap(arguments_, arguments);
    return {};
  }

  // Out of the function, or the file.
  void leave() {
    const Branch here = where();
    if (here == Branch::Skipped) return;
    blocks_.back().reach = here == Branch::Taken ? Branch::Skipped : Branch::Unsure;
  }

  void change_arguments() {
    if (command_name() == "setparams") {
      arguments_.assign(std::make_move_iterator(command_.begin() + 1), std::make_move_iterator(command_.end()));
      return;
    }
    const auto count = command_.size() > 1 ? parse_u64(command_[1].text).value_or(0) : 1;
    if (count <= arguments_.size()) arguments_.erase(arguments_.begin(), arguments_.begin() + static_cast<long>(count));
  }

  // `configfile` comes back when there is no menu in it.
  Result<void> run_file() {
    if (where() == Branch::Skipped || in(Kind::Menuentry) || command_.size() < 2) return {};
    const std::string_view path = command_[1].text;
    // Of two questions that only GRUB can answer both may lead to it.
    if (command_[1].in_doubt || (where() == Branch::Unsure && !asked_.emplace(path, volume_).second)) return {};
    menu_volume_ = path.starts_with('(') ? path.substr(1, path.find(')') - 1) : volume_;
    config_.leads_to = path.substr(path.starts_with('(') ? std::min(path.find(')'), path.size() - 1) + 1 : 0);
    auto text = files_ != nullptr ? files_->read(path, volume_, kMaxGrubConfig) : std::nullopt;
    if (!text) return {};
    const bool comes_back = command_name() == "source" || command_name() == ".";
    read_again_ += text->size();
    if (!comes_back && where() == Branch::Taken && !in(Kind::Submenu)) return run_menu(*std::move(text));
    TRY(run_text(*std::move(text)));
    if (!comes_back) leave();
    return {};
  }

  // In a context of its own. Once it shows a menu, nothing else is.
  Result<void> run_menu(std::string text) {
    BootMenu around{.entries = std::exchange(config_.entries, {}),
                    .bls_place = std::exchange(config_.bls_place, std::nullopt)};
    std::vector<Body> bodies = std::exchange(bodies_, {});
    scopes_.push_back({.volume = volume_});
    hide_variables();
    TRY(run_text(std::move(text)));
    Scope scope = std::move(scopes_.back());
    scopes_.pop_back();
    if (config_.entries.empty() && !config_.bls_place && !config_.shows_images) {
      config_.entries = std::move(around.entries);
      config_.bls_place = around.bls_place;
      bodies_ = std::move(bodies);
      restore(std::move(scope));
    } else {
      for (Block& block : blocks_) block.reach = Branch::Skipped;
    }
    return {};
  }

  Result<void> run_words() {
    if (where() == Branch::Skipped) return {};
    std::string text;
    for (const Word& word : std::span(command_).subspan(1)) text += concat(word.text, ' ');
    read_again_ += text.size();
    return run_text(std::move(text));
  }

  // Kept: functions and entries have their bodies there.
  Result<void> run_text(std::string text) {
    if (read_again_ > kMaxGrubLoops) return {};
    texts_.push_back(std::move(text));
    return run(Kind::File, GrubLexer(texts_.back()));
  }

  // What the command finds out is known to GRUB alone, whatever the variable was before.
  void forget_what_it_sets() {
    if (where() == Branch::Skipped) return;
    const bool has_option = is_one_of(command_name(), kSettersByOption);
    for (std::size_t i = 1; i < command_.size(); ++i) {
      const std::string_view word = command_[i].text;
      const std::string_view before = command_[i - 1].text;
      const bool is_option = word.starts_with("--set");
      if (has_option && !is_option && before != "--set" && before != "-s") continue;
      const auto name = word.substr(word.find_last_of("=:") + 1);  // of regexp: "1:name"
      if (is_variable_name(name)) forget(name);
    }
  }

  void forget(std::string_view name, std::string volume = {}) {
    set(name, std::nullopt);
    if (volume.size() > kMaxGrubName) volume.clear();
    expansion_.found_out(name) = std::move(volume);
  }

  // "gptprio.next -d DEVICE -u UUID" of CoreOS' GRUB and those that have it from there. It is asked once for a boot,
  // and counts a try down then.
  void take_next_slot() {
    if (where() == Branch::Skipped) return;
    const auto slot = files_ != nullptr ? files_->next_slot() : std::nullopt;
    for (std::size_t i = 1; i < command_.size(); ++i) {
      const std::string_view word = command_[i].text;
      const std::string_view option = word.substr(0, word.find('='));
      const bool is_behind = option == word && i + 1 < command_.size();
      const std::string name(is_behind ? std::string_view(command_[i + 1].text)
                                       : word.substr(std::min(option.size() + 1, word.size())));
      const bool is_device = option == "-d" || option == "--set-device";
      if ((!is_device && option != "-u" && option != "--set-uuid") || !is_variable_name(name)) continue;
      if (is_device || !slot)
        forget(name, slot ? slot->device : "");
      else
        set(name, slot->partuuid);
    }
  }

  // Its options stand anywhere. Without --set it prints what it finds, and no more.
  void search() {
    if (where() == Branch::Skipped) return;
    const std::string_view command = command_name();
    char by = '\0';
    std::string variable;
    const Word* sought = nullptr;
    if (command != "search") {  // "search.fs_uuid NAME VARIABLE HINT..."
      if (command_.size() < 3) return;
      by = command.substr(command.find_last_of("._") + 1).front();
      sought = &command_[1];
      variable = command_[2].text;
    }
    const Word* set_to = nullptr;
    for (std::size_t i = 1; i < command_.size() && command == "search"; ++i) {
      const std::string_view word = command_[i].text;
      if (!word.starts_with('-')) {
        if (sought == nullptr) sought = &command_[i];
        continue;
      }
      const auto option = word.substr(0, word.find('='));
      const auto letters = option == "--fs-uuid"      ? "u"
                           : option.starts_with("--") ? option.substr(2, 1)
                                                      : option.substr(1);
      for (const char c : letters) {
        if (std::string_view("flpu").contains(c)) by = c;
        if (c == 's') variable = "root";
      }
      if (!letters.ends_with('s') && !letters.ends_with('h')) continue;
      const bool is_behind = option == word && i + 1 < command_.size() && !command_[i + 1].text.starts_with('-');
      if (is_behind) ++i;
      if (letters.ends_with('h')) continue;
      if (is_behind) set_to = &command_[i];
      if (is_behind || option != word) variable = is_behind ? command_[i].text : word.substr(option.size() + 1);
    }
    if (sought == nullptr && set_to != nullptr) {  // as GRUB 1.98 had it: "--set NAME"
      sought = set_to;
      variable = "root";
    }
    if (sought == nullptr || variable.empty() || by == '\0') return;
    const std::string& name = sought->text;
    std::string volume;
    if (!sought->in_doubt && !name.empty()) {
      if (by == 'u') volume = name;
      if (by == 'l') volume = concat("LABEL=", name);
      if (by == 'f' && files_ != nullptr) volume = files_->find(concat("()", name), {}).value_or(GrubPlace{}).volume;
    }
    forget(variable, std::move(volume));
  }

  void assign(const Word& assignment) {
    const std::string_view word = assignment.text;
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) return;
    const auto name = word.substr(0, equals);
    if (!is_variable_name(name) || name == kIdOption) return;
    if (where() == Branch::Skipped) return;
    if (where() == Branch::Unsure && config_.variables.contains(name)) return;
    const auto value = word.substr(equals + 1);
    if (assignment.unknown && value.empty()) return forget(name, assignment.device);
    if (name == "root") volume_ = value.starts_with('(') ? value.substr(1, value.find(')') - 1) : value;
    const std::string_view marked = assignment.marked;
    set(name, std::string(assignment.unknown ? marked.substr(marked.find('=') + 1) : value));
  }

  // Also behind a question whether there is such a file.
  void load_environment() {
    if (where() == Branch::Skipped) return;
    std::set<std::string_view> names;
    std::optional<Word> file;
    for (std::size_t i = 1; i < command_.size(); ++i) {
      constexpr std::string_view kFile = "--file";
      const std::string_view word = command_[i].text;
      if (word == "-f" || word == kFile) {
        if (++i < command_.size()) file = command_[i];
      } else if (word.starts_with("--file=")) {
        file = Word{.text = std::string(word.substr(kFile.size() + 1)), .in_doubt = command_[i].in_doubt};
      } else if (!word.starts_with('-')) {
        names.insert(word);
      }
    }
    std::optional<GrubVariables> other;
    const bool is_usual = !file || file->text == "./grubenv";
    if (!is_usual && !file->in_doubt && files_ != nullptr) {
      const auto text = files_->read(file->text, volume_, kMaxGrubEnvironment);
      if (auto block = text ? parse_grub_environment(*text) : fail(Code::NotFound, "")) other = *std::move(block);
      read_again_ += kMaxGrubEnvironment;
      if (!other && config_.unread.empty() && !file->text.contains('/')) config_.unread = file->text;
    }
    if (!is_usual && !other) return;
    for (const auto& [name, value] : is_usual ? environment_ : *other) {
      read_again_ += name.size() + value.size();
      // next_entry is for the next boot only: taking it without clearing it would take it for ever.
      if ((names.empty() || names.contains(name)) && name != "next_entry" && name != kIdOption) set(name, value);
    }
  }

  // `chainloader` starts any EFI program; in that folder they are unified kernel images. Its options are taken off.
  bool starts_image() {
    constexpr std::size_t kLook = 4096;  // as many bytes
    if (command_.front().text != "chainloader") return false;
    while (command_.size() > 1 && command_[1].text.starts_with('-')) command_.erase(command_.begin() + 1);
    if (command_.size() < 2) return false;
    if (to_lower_ascii(command_[1].text).contains("/efi/linux/")) return true;
    read_again_ += kLook;
    return files_ != nullptr && !command_[1].in_doubt && files_->is_image(command_[1].text, volume_);
  }

  void take_linux(MenuEntry& entry) {
    if (command_.size() < 2 || command_[1].in_doubt || command_[1].text.empty()) return;
    if (variants_.size() == kMaxDepth) return;
    Variant variant{.kernel = command_[1].text};
    for (const std::string_view name : kRootOptions)
      if (is_last_in_doubt(name)) {
        variant.in_doubt.emplace_back(name);
        std::erase_if(command_, [&](const Word& word) { return word.text.starts_with(name); });
      }
    for (std::size_t i = 2; i < command_.size(); ++i) {
      // No value is not what GRUB would pass.
      if (command_[i].unknown && !command_[i].text.empty() && variant.left_out.size() < kMaxDepth)
        variant.left_out.push_back(command_[i].text);
      if (command_[i].text.empty() || command_[i].unknown) continue;
      if (!variant.arguments.empty()) variant.arguments += ' ';
      variant.arguments += spell(command_[i].text);
    }
    entry.volume = volume_;
    variants_.push_back(std::move(variant));
    if (where() == Branch::Taken) chosen_ = variants_.size() - 1;
  }

  // The last one is what the kernel takes.
  [[nodiscard]] bool is_last_in_doubt(std::string_view name) const {
    const auto last = std::ranges::find_if(command_.rbegin(), command_.rend(),
                                           [&](const Word& word) { return word.text.starts_with(name); });
    return last != command_.rend() && last->in_doubt;
  }

  // Behind the branches it is for the kernels of all of them.
  void take_initrd() {
    if (variants_.empty()) return;
    const bool is_for_all = where() == Branch::Taken && conditions().empty();
    std::vector<std::string> initrds;
    for (std::size_t i = 1; i < command_.size(); ++i)
      if (!command_[i].in_doubt && !command_[i].text.empty()) initrds.push_back(command_[i].text);
    for (std::size_t i = is_for_all ? 0 : variants_.size() - 1; i < variants_.size(); ++i)
      if (where() == Branch::Taken || variants_[i].initrds.empty()) variants_[i].initrds = initrds;
  }

  GrubLexer lexer_;
  std::size_t read_again_ = 0;  // bytes
  const GrubVariables& environment_;
  GrubFileReader* files_;
  Expansion expansion_;
  BootMenu config_;
  std::string& volume_ = expansion_.found_out("root");
  std::string menu_volume_;  // of the file that was to be run last
  std::list<std::string> texts_;
  std::map<std::string, GrubLexer, std::less<>> functions_;
  std::set<std::string, std::less<>> exported_{std::string(kIdOption), "root"};
  std::set<std::pair<std::string, std::string>> asked_;
  std::vector<Body> bodies_;  // of the menu that is being made
  std::size_t menus_ = 0;     // around what is run
  std::vector<Scope> scopes_;
  std::size_t open_entry_ = 0;     // that is run
  std::vector<Variant> variants_;  // of the menuentry that is run
  std::size_t chosen_ = 0;
  std::vector<Block> blocks_;
  Words arguments_;
  Words command_;
  std::optional<bool> status_;
  bool at_start_ = true;
};

}  // namespace

Result<BootMenu> parse_grub_cfg(std::string_view text, const GrubVariables& environment, GrubFileReader* files) {
  if (text.size() > kMaxGrubConfig)
    return fail(Code::Corrupt,
                concat("a file of ", text.size(), " bytes is no grub.cfg (at most ", kMaxGrubConfig, ")"));
  return Reader(text, environment, files).read();
}

}  // namespace vhdboot::entry
