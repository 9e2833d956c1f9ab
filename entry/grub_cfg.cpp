// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/grub_cfg.h"

#include <algorithm>
#include <array>
#include <map>
#include <ranges>
#include <set>
#include <span>
#include <utility>

#include "base/text.h"
#include "entry/grub_words.h"

namespace vhdboot::entry {

namespace {

// A word after its variables were replaced.
struct Word {
  std::string text;
  bool in_doubt = false;  // a variable that is not known stood in it, other than as the device in front of a path
  bool unknown = false;   // one of those has a value that GRUB alone can find out; others have none
};

using Words = std::vector<Word>;

// Replaces variables, within a budget: values hold values.
class Expansion {
 public:
  /// The words of one token; none for an unquoted variable without a value, one for a value that GRUB alone can find
  /// out. False when the budget is spent.
  [[nodiscard]] bool expand(const GrubToken& token, const GrubVariables& variables, Words& words) {
    std::optional<Word> word;
    bool doubt = false;  // for a word that has not begun yet
    bool unknown = false;
    const auto begun = [&]() -> Word& {
      if (!word)
        word = Word{.text = {}, .in_doubt = std::exchange(doubt, false), .unknown = std::exchange(unknown, false)};
      return *word;
    };
    for (const GrubPiece& piece : token.pieces) {
      if (!piece.variable) {
        begun().text += piece.text;
        continue;
      }
      const std::string* value = find(piece.text, variables);
      if (value == nullptr) {
        if (word && word->text.starts_with('(') && !word->text.contains(')')) continue;
        const bool is_found_out = found_out_.contains(piece.text);
        if (word || piece.quoted) {
          begun().in_doubt = true;
          word->unknown |= is_found_out;
        } else {
          doubt = true;
          unknown |= is_found_out;
        }
        continue;
      }
      if (value->size() > left_) return false;
      left_ -= value->size();
      if (piece.quoted) {
        begun().text += *value;
        continue;
      }
      for (const char c : *value) {
        if (!is_blank(c)) {
          begun().text += c;
        } else if (word) {
          words.push_back(*std::exchange(word, std::nullopt));
        }
      }
    }
    if (!word && unknown) word = Word{.text = {}, .in_doubt = true, .unknown = true};
    if (word) words.push_back(*std::move(word));
    return true;
  }

  /// A variable that a command sets to what it finds.
  void is_found_out(std::string_view name) { found_out_.emplace(name); }

 private:
  static const std::string* find(std::string_view name, const GrubVariables& variables) {
    const auto found = variables.find(name);
    return found == variables.end() ? find_built_in(name) : &found->second;
  }

  // What GRUB has from the start, on a PC with UEFI, when no command has failed.
  static const std::string* find_built_in(std::string_view name) {
    static const std::string kYes = "y";
    static const GrubVariables kBuiltIn{{"?", "0"}, {"grub_cpu", "x86_64"}, {"grub_platform", "efi"}};
    if (name.starts_with("feature_")) return &kYes;
    const auto found = kBuiltIn.find(name);
    return found == kBuiltIn.end() ? nullptr : &found->second;
  }

  std::set<std::string, std::less<>> found_out_;
  std::size_t left_ = kMaxGrubExpansion;
};

// The condition of an if, as far as it can be told without a disk: strings and numbers, but no files.
class Test {
 public:
  explicit Test(std::span<const Word> words) : words_(words) {}

  std::optional<bool> result() && { return either(); }

 private:
  using Truth = std::optional<bool>;

  [[nodiscard]] bool at(std::string_view text) const { return !words_.empty() && words_.front().text == text; }
  Word take() {
    if (words_.empty()) return {};
    Word word = words_.front();
    words_ = words_.subspan(1);
    return word;
  }

  Truth either() {
    Truth truth = both();
    while (at("-o")) {
      take();
      const Truth other = both();
      truth = truth == true || other == true ? Truth(true) : truth && other ? Truth(false) : std::nullopt;
    }
    return truth;
  }
  Truth both() {
    Truth truth = one();
    while (at("-a")) {
      take();
      const Truth other = one();
      truth = truth == false || other == false ? Truth(false) : truth && other ? Truth(true) : std::nullopt;
    }
    return truth;
  }
  Truth one() {
    bool negated = false;
    for (; at("!"); take()) negated = !negated;
    const Truth truth = primary();
    return truth ? Truth(*truth != negated) : truth;
  }

  Truth primary() {
    const Word first = take();
    const std::string_view name = first.text;
    if (name == "-n" || name == "-z") {
      const Word word = take();
      return word.unknown ? Truth() : Truth(word.text.empty() == (name == "-z"));
    }
    if (name.size() == 2 && name.front() == '-' && !words_.empty()) {
      take();  // -f, -s, ...: of a file
      return std::nullopt;
    }
    if (words_.empty() || at("-a") || at("-o")) return first.unknown ? Truth() : Truth(!name.empty());
    const std::string operation = take().text;
    return compare(first, operation, take());
  }

  static Truth compare(const Word& a, std::string_view operation, const Word& b) {
    if (a.unknown || b.unknown) return std::nullopt;
    if (operation == "=" || operation == "==") return a.text == b.text;
    if (operation == "!=") return a.text != b.text;
    const auto one = parse_u64(a.text);
    const auto other = parse_u64(b.text);
    if (!one || !other) return std::nullopt;
    if (operation == "-eq") return *one == *other;
    if (operation == "-ne") return *one != *other;
    if (operation == "-lt") return *one < *other;
    if (operation == "-le") return *one <= *other;
    if (operation == "-gt") return *one > *other;
    if (operation == "-ge") return *one >= *other;
    return std::nullopt;
  }

  std::span<const Word> words_;
};

// The unquoted text of a token that is nothing else: what a keyword has to be.
std::string_view plain_text(const GrubToken& token) {
  if (token.pieces.size() != 1 || token.pieces[0].variable || token.pieces[0].quoted) return {};
  return token.pieces[0].text;
}

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& of) {
  return std::ranges::find(of, text) != of.end();
}

constexpr std::array<std::string_view, 4> kLinux{"linux", "linux16", "linuxefi", "linux32"};
constexpr std::array<std::string_view, 3> kInitrd{"initrd", "initrd16", "initrdefi"};
// They succeed when somebody presses a key, or for what a person has wired up.
constexpr std::array<std::string_view, 3> kFailing{"keystatus", "cmostest", "false"};
constexpr std::array<std::string_view, 3> kSetters{"probe", "regexp", "search"};
// These have the variable behind what they look for.
constexpr std::array<std::string_view, 3> kSearches{"search.file", "search.fs_uuid", "search.fs_label"};
constexpr std::array<std::string_view, 4> kWithValue{"--class", "--users", "--hotkey", "--source"};
constexpr std::size_t kMaxDepth = 64;  // of blocks, and of conditions in each
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
  Reader(std::string_view text, const GrubVariables& environment, const GrubBlocks& blocks)
      : lexer_(text), environment_(environment), other_environments_(blocks) {
    config_.file = "grub.cfg";
    config_.variables.insert_or_assign(std::string(kIdOption), "--id");
  }

  Result<BootMenu> read() && {
    while (const auto token = lexer_.next()) {
      switch (token->kind) {
        case GrubToken::Kind::Word:
          TRY(take_word(*token));
          break;
        case GrubToken::Kind::End:
          finish_command();
          break;
        case GrubToken::Kind::Open:
          TRY(open());
          break;
        case GrubToken::Kind::Close:
          finish_command();
          close();
          break;
      }
    }
    finish_command();
    while (!blocks_.empty()) close();
    if (const auto name = config_.variables.find("default"); name != config_.variables.end())
      config_.default_name = name->second;
    config_.volume = std::move(volume_);
    return std::move(config_);
  }

 private:
  enum class Kind : std::uint8_t { Menuentry, Submenu, Function, Other };
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
    // Of a `for` whose list is known: what its variable has yet to be, in reverse, where its body begins, and which
    // variables were set in it.
    std::string variable{};
    std::set<std::string, std::less<>> sets{};
    std::vector<std::string> items{};
    std::optional<GrubLexer> body{};
  };
  struct Block {
    Kind kind = Kind::Other;
    std::size_t entry = 0;  // of Menuentry and Submenu
    std::vector<Condition> conditions;
    // What holds again behind a Menuentry or Submenu. GRUB runs the first when a person or the default chooses it, the
    // second in a context of its own.
    std::string volume;
    std::map<std::string, std::optional<std::string>, std::less<>> before;  // of variables that it sets
  };
  // A kernel that a menuentry may boot.
  struct Variant {
    std::string kernel;
    std::string arguments;
    bool root_in_doubt = false;
    std::vector<std::string> initrds;
  };

  Result<void> take_word(const GrubToken& token) {
    if (at_start_) {
      const bool is_keyword = take_keyword(plain_text(token));
      if (conditions().size() > kMaxDepth) return fail(Code::Corrupt, "its conditions are nested too deep");
      if (read_again_ > kMaxGrubLoops) return fail(Code::Corrupt, "its loops and load_env read too much");
      if (is_keyword) return {};
    }
    at_start_ = false;
    if (token.pieces.size() > kMaxGrubPieces)
      return fail(Code::Corrupt, concat("a word in it has more than ", kMaxGrubPieces, " parts"));
    if (command_.size() >= kMaxGrubCommand)
      return fail(Code::Corrupt, concat("a command in it has more than ", kMaxGrubCommand, " words"));
    if (expansion_.expand(token, config_.variables, command_)) return {};
    return fail(Code::Corrupt, "its variables grow without an end");
  }

  // Those in the innermost block.
  std::vector<Condition>& conditions() { return blocks_.empty() ? conditions_ : blocks_.back().conditions; }

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
      if (!conditions.empty() && !start_turn(conditions.back())) conditions.pop_back();
    } else if (word == "!") {
      if (!conditions.empty()) conditions.back().negated = true;
    } else if (word == "then" || word == "else" || word == "elif") {
      if (!conditions.empty()) turn(word, conditions.back());
    } else {
      return false;
    }
    return true;
  }

  // At its `for`. What a list has that is not known, or the names of files, GRUB alone can tell.
  void take_list() {
    if (conditions().empty() || !conditions().back().wants_list) return;
    Condition& loop = conditions().back();
    loop.wants_list = false;
    if (where() == Branch::Skipped || command_.size() < 2 || !is_variable_name(command_[1].text)) return;
    const auto is_known = [](const Word& word) {
      return !word.in_doubt && word.text.find_first_of("*?[") == std::string::npos;
    };
    const auto list = std::span(command_).subspan(std::min<std::size_t>(command_.size(), 3));
    if (!std::ranges::all_of(list, is_known)) return forget(command_[1].text);
    loop.variable = command_[1].text;
    for (auto word = list.rbegin(); word != list.rend(); ++word) loop.items.push_back(std::move(word->text));
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

  // What the last command of a condition says when nothing has failed.
  void take_status() {
    Condition& condition = conditions().back();
    const auto name = command_name();
    if (name == "[" || name == "test") {
      std::span<const Word> words = std::span(command_).subspan(1);
      if (name == "[" && !words.empty()) words = words.first(words.size() - 1);
      condition.holds = Test(words).result();
    } else {
      condition.holds = !is_one_of(name, kFailing);
    }
    if (condition.negated && condition.holds) condition.holds = !*condition.holds;
    condition.negated = false;
  }

  // The least certain of all branches around.
  [[nodiscard]] Branch where() const {
    Branch worst = Branch::Taken;
    const auto look = [&](const std::vector<Condition>& conditions) {
      for (const Condition& condition : conditions)
        if (!condition.is_open) worst = std::max(worst, condition.branch);
    };
    look(conditions_);
    for (const Block& block : blocks_) look(block.conditions);
    return worst;
  }

  [[nodiscard]] bool in(Kind kind) const { return std::ranges::find(blocks_, kind, &Block::kind) != blocks_.end(); }

  [[nodiscard]] MenuEntry* menuentry() {
    const auto found = std::ranges::find(blocks_, Kind::Menuentry, &Block::kind);
    return found == blocks_.end() ? nullptr : &config_.entries[found->entry];
  }

  [[nodiscard]] std::string_view command_name() const {
    return command_.empty() ? std::string_view() : std::string_view(command_.front().text);
  }

  Result<void> open() {
    Block block;
    const auto name = command_name();
    if (name == "function") {
      block.kind = Kind::Function;
    } else if ((name == "menuentry" || name == "submenu") && !in(Kind::Function) && !in(Kind::Menuentry) &&
               where() != Branch::Skipped) {
      if (config_.entries.size() == kMaxGrubEntries)
        return fail(Code::Corrupt, concat("it has more than ", kMaxGrubEntries, " entries"));
      block.kind = name == "submenu" ? Kind::Submenu : Kind::Menuentry;
      block.entry = config_.entries.size();
      config_.entries.push_back(make_entry());
      block.volume = volume_;
      variants_.clear();
      chosen_ = 0;
    }
    command_.clear();
    at_start_ = true;
    blocks_.push_back(std::move(block));
    if (blocks_.size() > kMaxDepth) return fail(Code::Corrupt, "its blocks are nested too deep");
    if (blocks_.back().kind == Kind::Menuentry) forget_turns();
    return {};
  }

  // GRUB runs the entry when the loops around it have ended, with what their last turns have set.
  void forget_turns() {
    std::set<std::string, std::less<>> sets;
    each_loop([&](const Condition& loop) { sets.insert(loop.sets.begin(), loop.sets.end()); });
    read_again_ += sets.size();
    for (const std::string& name : sets) forget(name);
  }

  // The ones around.
  template <class Action>
  void each_loop(const Action& action) {
    const auto look = [&](std::vector<Condition>& conditions) {
      for (Condition& condition : conditions)
        if (!condition.variable.empty()) action(condition);
    };
    look(conditions_);
    for (Block& block : blocks_) look(block.conditions);
  }

  void close() {
    if (blocks_.empty()) return;
    Block block = std::move(blocks_.back());
    blocks_.pop_back();
    if (block.kind == Kind::Menuentry) finish_entry(config_.entries[block.entry]);
    if (block.kind != Kind::Menuentry && block.kind != Kind::Submenu) return;
    volume_ = std::move(block.volume);
    for (auto& [name, value] : block.before) put(name, std::move(value));
  }

  // To nothing, too; what it was is back at the end of the innermost Menuentry or Submenu.
  void set(std::string_view name, std::optional<std::string> value) {
    each_loop([&](Condition& loop) { loop.sets.emplace(name); });
    GrubVariables& variables = config_.variables;
    const auto found = variables.find(name);
    const auto scope = std::ranges::find_if(blocks_.rbegin(), blocks_.rend(), [](const Block& block) {
      return block.kind == Kind::Menuentry || block.kind == Kind::Submenu;
    });
    if (scope != blocks_.rend() && !scope->before.contains(name))
      scope->before.emplace(name, found == variables.end() ? std::nullopt : std::optional(std::move(found->second)));
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
    entry.root_in_doubt = variant->root_in_doubt;
    entry.initrds = std::move(variant->initrds);
  }

  MenuEntry make_entry() {
    MenuEntry entry;
    entry.submenu = command_name() == "submenu";
    const auto parent = std::ranges::find(blocks_.rbegin(), blocks_.rend(), Kind::Submenu, &Block::kind);
    if (parent != blocks_.rend()) entry.parent = parent->entry;
    bool has_title = false;
    for (std::size_t i = 1; i < command_.size(); ++i) {
      std::string& word = command_[i].text;
      if (is_one_of(word, kWithValue)) {
        ++i;
      } else if (word == "--id") {
        if (++i < command_.size()) entry.id = std::move(command_[i].text);
      } else if (word.starts_with("--id=")) {
        entry.id = word.substr(5);
      } else if (!word.starts_with("--") && !has_title) {
        entry.title = std::move(word);
        has_title = true;
      }
    }
    return entry;
  }

  void finish_command() {
    if (!command_.empty() && !in(Kind::Function)) {
      run();
      if (!conditions().empty() && conditions().back().is_open) take_status();
    }
    command_.clear();
    at_start_ = true;
  }

  void run() {
    const auto name = command_name();
    MenuEntry* entry = menuentry();
    if (name == "set" && command_.size() > 1) {
      assign(command_[1].text);
    } else if (name == "unset" && command_.size() > 1) {
      if (where() == Branch::Taken) set(command_[1].text, std::nullopt);
    } else if (is_one_of(name, kSetters) || is_one_of(name, kSearches)) {
      forget_what_it_sets();
    } else if (name == "load_env") {
      load_environment();
    } else if (name == "for") {
      take_list();
    } else if (name == "break" || name == "continue") {
      leave_loop();
    } else if (name == "blscfg") {
      config_.uses_bls = true;
    } else if (entry != nullptr && (is_one_of(name, kLinux) || starts_image())) {
      take_linux(*entry);
    } else if (entry != nullptr && is_one_of(name, kInitrd)) {
      take_initrd();
    } else if (command_.size() == 1) {
      assign(name);
    }
  }

  // What the command finds out is known to GRUB alone, whatever the variable was before.
  void forget_what_it_sets() {
    if (where() == Branch::Skipped) return;
    if (is_one_of(command_.front().text, kSearches)) {
      if (command_.size() > 2) forget(command_[2].text);
      if (command_.size() > 1 && command_.front().text == "search.fs_uuid") volume_ = command_[1].text;
      return;
    }
    const auto has = [&](std::string_view option, std::string_view letter) {
      return std::ranges::any_of(command_,
                                 [&](const Word& word) { return word.text == option || word.text == letter; });
    };
    if (command_.front().text == "search" && has("--fs-uuid", "-u")) volume_ = command_.back().text;
    if (command_.front().text == "search" && has("--label", "-l")) volume_ = concat("LABEL=", command_.back().text);
    for (std::size_t i = 1; i < command_.size(); ++i) {
      std::string_view name = command_[i].text;
      if (name.starts_with("--set="))
        name.remove_prefix(6);
      else if (command_[i - 1].text != "--set" && command_[i - 1].text != "-s")
        continue;
      forget(name.substr(name.find(':') + 1));  // of regexp: "1:name"
    }
  }

  void forget(std::string_view name) {
    set(name, std::nullopt);
    expansion_.is_found_out(name);
  }

  void assign(std::string_view word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) return;
    const auto name = word.substr(0, equals);
    if (!is_variable_name(name) || name == kIdOption) return;
    if (where() == Branch::Skipped) return;
    if (where() == Branch::Unsure && config_.variables.contains(name)) return;
    if (name == "root") volume_ = word.substr(equals + 1);
    set(name, std::string(word.substr(equals + 1)));
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
    const bool is_usual = !file || (file->in_doubt && file->text == "/grubenv");  // below $prefix
    if (!is_usual && !file->in_doubt && other_environments_) {
      other = other_environments_(file->text, volume_);
      read_again_ += kMaxGrubEnvironment;
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
    if (command_.front().text != "chainloader") return false;
    while (command_.size() > 1 && command_[1].text.starts_with('-')) command_.erase(command_.begin() + 1);
    return command_.size() > 1 && to_lower_ascii(command_[1].text).contains("/efi/linux/");
  }

  void take_linux(MenuEntry& entry) {
    if (command_.size() < 2 || command_[1].in_doubt || command_[1].text.empty()) return;
    if (variants_.size() == kMaxDepth) return;
    Variant variant{.kernel = command_[1].text};
    for (const std::string_view name : {"root=", "rootflags="})
      if (is_last_in_doubt(name)) {
        variant.root_in_doubt = true;
        std::erase_if(command_, [&](const Word& word) { return word.text.starts_with(name); });
      }
    for (std::size_t i = 2; i < command_.size(); ++i) {
      if (command_[i].text.empty()) continue;
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
  const GrubBlocks& other_environments_;
  Expansion expansion_;
  BootMenu config_;
  std::string volume_;             // that `search` last looked for
  std::vector<Variant> variants_;  // of the menuentry that is being read
  std::size_t chosen_ = 0;
  std::vector<Block> blocks_;
  std::vector<Condition> conditions_;
  Words command_;
  bool at_start_ = true;
};

}  // namespace

Result<BootMenu> parse_grub_cfg(std::string_view text, const GrubVariables& environment, const GrubBlocks& blocks) {
  if (text.size() > kMaxGrubConfig)
    return fail(Code::Corrupt,
                concat("a file of ", text.size(), " bytes is no grub.cfg (at most ", kMaxGrubConfig, ")"));
  return Reader(text, environment, blocks).read();
}

}  // namespace vhdboot::entry
