// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/grub_cfg.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "entry/grub_words.h"

namespace vhdboot::entry {

namespace {

// A word after its variables were replaced.
struct Word {
  std::string text;
  bool in_doubt = false;  // a variable that is not known stood in it, other than as the device in front of a path
};

using Words = std::vector<Word>;

// Replaces variables, within a budget: values hold values.
class Expansion {
 public:
  /// The words of one token; none for an unquoted variable without a value. False when the budget is spent.
  [[nodiscard]] bool expand(const GrubToken& token, const GrubVariables& locals, const GrubVariables& globals,
                            Words& words) {
    std::optional<Word> word;
    bool doubt = false;  // for a word that has not begun yet
    const auto begun = [&]() -> Word& {
      if (!word) word = Word{.text = {}, .in_doubt = std::exchange(doubt, false)};
      return *word;
    };
    for (const GrubPiece& piece : token.pieces) {
      if (!piece.variable) {
        begun().text += piece.text;
        continue;
      }
      const std::string* value = find(piece.text, locals, globals);
      if (value == nullptr) {
        if (word && word->text.starts_with('(') && !word->text.contains(')')) continue;
        if (word || piece.quoted)
          begun().in_doubt = true;
        else
          doubt = true;
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
    if (word) words.push_back(*std::move(word));
    return true;
  }

 private:
  static const std::string* find(std::string_view name, const GrubVariables& locals, const GrubVariables& globals) {
    for (const GrubVariables* variables : {&locals, &globals})
      if (const auto found = variables->find(name); found != variables->end()) return &found->second;
    return nullptr;
  }

  std::size_t left_ = kMaxGrubExpansion;
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
constexpr std::array<std::string_view, 3> kSetters{"probe", "regexp", "search"};
// These have the variable behind what they look for.
constexpr std::array<std::string_view, 3> kSearches{"search.file", "search.fs_uuid", "search.fs_label"};
constexpr std::array<std::string_view, 4> kWithValue{"--class", "--users", "--hotkey", "--source"};
constexpr std::size_t kMaxDepth = 64;          // of blocks, and of conditions in each
constexpr std::size_t kMaxDefaultName = 4096;  // what is longer names nothing
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
  Reader(std::string_view text, const GrubVariables& environment) : lexer_(text) {
    config_.variables = environment;
    // The entry for the next boot only: taking it without clearing it would take it for ever.
    config_.variables.erase("next_entry");
    if (const auto saved = environment.find("saved_entry"); saved != environment.end())
      config_.variables.insert_or_assign("next_entry", saved->second);
    config_.variables.insert_or_assign(std::string(kIdOption), "--id");
  }

  Result<GrubConfig> read() && {
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
          if (!blocks_.empty()) blocks_.pop_back();
          break;
      }
    }
    finish_command();
    if (const auto name = config_.variables.find("default"); name != config_.variables.end())
      config_.default_name = name->second;
    return std::move(config_);
  }

 private:
  enum class Kind : std::uint8_t { Menuentry, Submenu, Function, Other };
  enum class Branch : std::uint8_t { Then, Else };
  struct Block {
    Kind kind = Kind::Other;
    std::size_t entry = 0;  // of Menuentry and Submenu
    std::vector<Branch> branches;
  };

  Result<void> take_word(const GrubToken& token) {
    if (at_start_ && take_keyword(plain_text(token))) {
      if (branches().size() <= kMaxDepth) return {};
      return fail(Code::Corrupt, "its conditions are nested too deep");
    }
    at_start_ = false;
    if (token.pieces.size() > kMaxGrubPieces)
      return fail(Code::Corrupt, concat("a word in it has more than ", kMaxGrubPieces, " parts"));
    if (command_.size() >= kMaxGrubCommand)
      return fail(Code::Corrupt, concat("a command in it has more than ", kMaxGrubCommand, " words"));
    if (expansion_.expand(token, locals_, config_.variables, command_)) return {};
    return fail(Code::Corrupt, "its variables grow without an end");
  }

  // The conditions in the innermost block.
  std::vector<Branch>& branches() { return blocks_.empty() ? branches_ : blocks_.back().branches; }

  bool take_keyword(std::string_view word) {
    std::vector<Branch>& branches = this->branches();
    if (word == "if" || word == "while" || word == "until") {
      branches.push_back(Branch::Then);
    } else if (word == "for") {
      if (branches.size() < kMaxDepth) branches.push_back(Branch::Then);
      return false;  // what follows is no command
    } else if (word == "else" || word == "elif") {
      if (!branches.empty()) branches.back() = word == "else" ? Branch::Else : Branch::Then;
    } else if (word == "fi" || word == "done") {
      if (!branches.empty()) branches.pop_back();
    } else {
      return word == "then" || word == "do" || word == "!";
    }
    return true;
  }

  // Whether a command that stands here may be skipped when the file is run.
  [[nodiscard]] bool is_conditional() const {
    const auto has_then = [](const std::vector<Branch>& branches) {
      return std::ranges::find(branches, Branch::Then) != branches.end();
    };
    return has_then(branches_) ||
           std::ranges::any_of(blocks_, [&](const Block& block) { return has_then(block.branches); });
  }

  [[nodiscard]] bool in(Kind kind) const { return std::ranges::find(blocks_, kind, &Block::kind) != blocks_.end(); }

  [[nodiscard]] GrubEntry* menuentry() {
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
    } else if ((name == "menuentry" || name == "submenu") && !in(Kind::Function) && !in(Kind::Menuentry)) {
      if (config_.entries.size() == kMaxGrubEntries)
        return fail(Code::Corrupt, concat("it has more than ", kMaxGrubEntries, " entries"));
      block.kind = name == "submenu" ? Kind::Submenu : Kind::Menuentry;
      block.entry = config_.entries.size();
      config_.entries.push_back(make_entry());
      locals_.clear();
    }
    command_.clear();
    at_start_ = true;
    blocks_.push_back(std::move(block));
    if (blocks_.size() > kMaxDepth) return fail(Code::Corrupt, "its blocks are nested too deep");
    return {};
  }

  GrubEntry make_entry() {
    GrubEntry entry;
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
    if (!command_.empty() && !in(Kind::Function)) run();
    command_.clear();
    at_start_ = true;
  }

  void run() {
    const auto name = command_name();
    GrubEntry* entry = menuentry();
    if (name == "set" && command_.size() > 1) {
      assign(command_[1].text);
    } else if (name == "unset" && command_.size() > 1) {
      if (!is_conditional()) scope().erase(command_[1].text);
    } else if (is_one_of(name, kSetters) || is_one_of(name, kSearches)) {
      forget_what_it_sets();
    } else if (name == "blscfg") {
      config_.uses_bls = true;
    } else if (entry != nullptr && is_one_of(name, kLinux)) {
      take_linux(*entry);
    } else if (entry != nullptr && is_one_of(name, kInitrd)) {
      take_initrd(*entry);
    } else if (command_.size() == 1) {
      assign(name);
    }
  }

  // What the command finds out is known to GRUB alone, whatever the variable was before.
  void forget_what_it_sets() {
    if (is_one_of(command_.front().text, kSearches)) {
      if (command_.size() > 2) forget(command_[2].text);
      return;
    }
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
    for (GrubVariables* variables : {&locals_, &config_.variables})
      if (const auto found = variables->find(name); found != variables->end()) variables->erase(found);
  }

  GrubVariables& scope() { return in(Kind::Menuentry) ? locals_ : config_.variables; }

  void assign(std::string_view word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) return;
    const auto name = word.substr(0, equals);
    if (!is_variable_name(name) || name == kIdOption) return;
    // What a submenu sets holds in there only; the default is the menu's.
    const bool uncertain = is_conditional() || in(Kind::Submenu);
    if (uncertain && scope().contains(name)) return;
    scope().insert_or_assign(std::string(name), std::string(word.substr(equals + 1)));
  }

  void take_linux(GrubEntry& entry) {
    if (is_conditional() && !entry.kernel.empty()) return;
    if (command_.size() < 2 || command_[1].in_doubt || command_[1].text.empty()) return;
    entry.kernel = command_[1].text;
    entry.arguments.clear();
    entry.root_in_doubt = false;
    for (const std::string_view name : {"root=", "rootflags="})
      if (is_last_in_doubt(name)) {
        entry.root_in_doubt = true;
        std::erase_if(command_, [&](const Word& word) { return word.text.starts_with(name); });
      }
    for (std::size_t i = 2; i < command_.size(); ++i) {
      if (command_[i].text.empty()) continue;
      if (!entry.arguments.empty()) entry.arguments += ' ';
      entry.arguments += spell(command_[i].text);
    }
  }

  // The last one is what the kernel takes.
  [[nodiscard]] bool is_last_in_doubt(std::string_view name) const {
    const auto last = std::ranges::find_if(command_.rbegin(), command_.rend(),
                                           [&](const Word& word) { return word.text.starts_with(name); });
    return last != command_.rend() && last->in_doubt;
  }

  void take_initrd(GrubEntry& entry) {
    if (is_conditional() && !entry.initrds.empty()) return;
    entry.initrds.clear();
    for (std::size_t i = 1; i < command_.size(); ++i)
      if (!command_[i].in_doubt && !command_[i].text.empty()) entry.initrds.push_back(command_[i].text);
  }

  GrubLexer lexer_;
  Expansion expansion_;
  GrubConfig config_;
  GrubVariables locals_;  // of the menuentry that is being read
  std::vector<Block> blocks_;
  std::vector<Branch> branches_;
  Words command_;
  bool at_start_ = true;
};

// The parts of "1>2", of "submenu>entry"; ">>" is a '>' within a title.
std::vector<std::string> path_of(std::string_view name) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '>') {
      parts.back() += name[i];
    } else if (i + 1 < name.size() && name[i + 1] == '>') {
      parts.back() += name[++i];
    } else {
      parts.emplace_back();
    }
  }
  return parts;
}

bool is_called(const GrubEntry& entry, std::string_view name) {
  return !name.empty() && (entry.title == name || entry.id == name);
}

// The entry of that index, title or id in one menu.
std::optional<std::size_t> find_in_menu(const GrubConfig& config, std::optional<std::size_t> menu,
                                        std::string_view name) {
  const auto number = parse_u64(trim(name));
  std::uint64_t position = 0;
  for (std::size_t i = 0; i < config.entries.size(); ++i) {
    if (config.entries[i].parent != menu) continue;
    if (number ? position == *number : is_called(config.entries[i], name)) return i;
    ++position;
  }
  return std::nullopt;
}

std::optional<std::size_t> find_named(const GrubConfig& config) {
  std::optional<std::size_t> found;
  for (const std::string& part : path_of(std::string_view(config.default_name).substr(0, kMaxDefaultName))) {
    if (found && !config.entries[*found].submenu) break;
    const auto next = find_in_menu(config, found, part);
    if (!next) {
      // Without its submenu in front: GRUB would not find it, but it is what was meant.
      const auto named =
          std::ranges::find_if(config.entries, [&](const auto& entry) { return is_called(entry, part); });
      if (named == config.entries.end()) return found;
      return named - config.entries.begin();
    }
    found = next;
  }
  return found;
}

}  // namespace

Result<GrubConfig> parse_grub_cfg(std::string_view text, const GrubVariables& environment) {
  if (text.size() > kMaxGrubConfig)
    return fail(Code::Corrupt,
                concat("a file of ", text.size(), " bytes is no grub.cfg (at most ", kMaxGrubConfig, ")"));
  return Reader(text, environment).read();
}

bool is_recovery(const GrubEntry& entry) {
  const std::string names = to_lower_ascii(concat(entry.title, ' ', entry.id));
  if (names.contains("recovery") || names.contains("rescue")) return true;
  constexpr std::array<std::string_view, 6> kWords{
      "single", "recovery", "rescue", "emergency", "systemd.unit=rescue.target", "systemd.unit=emergency.target"};
  return std::ranges::any_of(split_words(entry.arguments), [&](auto word) { return is_one_of(word, kWords); });
}

const GrubEntry* default_entry(const GrubConfig& config) {
  auto chosen = find_named(config);
  if (!chosen && !config.entries.empty()) chosen = 0;
  // The menu of a submenu shows its first entry first. Entries stand behind their submenu, so this ends.
  while (chosen && config.entries[*chosen].submenu) chosen = find_in_menu(config, chosen, "0");
  if (chosen && !config.entries[*chosen].kernel.empty()) return &config.entries[*chosen];
  const GrubEntry* fallback = nullptr;
  for (const GrubEntry& entry : config.entries) {
    if (entry.kernel.empty()) continue;
    if (!is_recovery(entry)) return &entry;
    if (fallback == nullptr) fallback = &entry;
  }
  return fallback;
}

std::string_view grub_file_name(std::string_view path) {
  const auto name = path.substr(path.find_last_of('/') + 1);
  return name.substr(name.find_last_of(')') + 1);
}

const GrubEntry* entry_for(std::string_view kernel_file_name, const GrubConfig& config) {
  const GrubEntry* usual = default_entry(config);
  if (usual == nullptr || grub_file_name(usual->kernel) == kernel_file_name) return usual;
  for (const GrubEntry& entry : config.entries)
    if (!entry.kernel.empty() && grub_file_name(entry.kernel) == kernel_file_name && !is_recovery(entry)) return &entry;
  return usual;
}

}  // namespace vhdboot::entry
