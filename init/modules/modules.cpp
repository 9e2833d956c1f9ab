// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/modules.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/glob.h"
#include "base/quoted.h"
#include "base/text.h"

namespace vhdboot::modules {

namespace {

constexpr char fold(char c) {
  return c == '-' ? '_' : c;
}

/// '-' and '_' are the same in names.
struct NameHash {
  std::size_t operator()(std::string_view name) const {
    std::uint64_t hash = 0xCBF29CE484222325;  // FNV-1a
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(fold(c))) * 0x100000001B3;
    return hash;
  }
};
struct NameEqual {
  bool operator()(std::string_view a, std::string_view b) const { return std::ranges::equal(a, b, {}, fold, fold); }
};

/// "foo-bar" from "kernel/drivers/foo-bar.ko.xz".
std::string_view name_part(std::string_view path) {
  if (const auto slash = path.rfind('/'); slash != std::string_view::npos) path.remove_prefix(slash + 1);
  return path.substr(0, path.find(".ko"));
}

std::string normalised(std::string_view name) {
  std::string out(name);
  std::ranges::replace(out, '-', '_');
  return out;
}

/// Whether a path in a line of modules.dep has a component "..".
bool climbs(std::string_view line) {
  constexpr std::string_view kBetween = "/: \t";
  for (auto at = line.find(".."); at != std::string_view::npos; at = line.find("..", at + 1)) {
    const bool begins = at == 0 || kBetween.contains(line[at - 1]);
    const bool ends = at + 2 == line.size() || kBetween.contains(line[at + 2]);
    if (begins && ends) return true;
  }
  return false;
}

std::unexpected<Error> bad_line(std::string_view file, std::size_t number, std::string_view what) {
  return fail(Code::Corrupt, concat(file, ':', number, ": ", what));
}

using NameList = std::vector<std::string_view>;

struct SoftDependencies {
  NameList before;
  NameList after;
};

struct Module {
  std::string_view file;
  std::string_view needs;  // files, as in modules.dep: the last one is loaded first
};

struct Alias {
  std::string_view pattern;
  std::string_view module;
};

}  // namespace

std::string module_name(std::string_view path) {
  return normalised(name_part(path));
}

struct ModuleIndex::Tables {
  using Number = std::uint32_t;
  template <class T>
  using ByName = std::unordered_map<std::string_view, T, NameHash, NameEqual>;

  ModuleTexts texts;  // all views point into it
  std::vector<Module> modules;
  ByName<Number> by_name;
  ByName<SoftDependencies> soft;
  std::unordered_set<std::string_view, NameHash, NameEqual> builtin;
  std::unordered_set<std::string_view, NameHash, NameEqual> blacklist;
  std::vector<Alias> aliases;

  Result<void> read_dep();
  void read_alias();
  void read_softdep();
  void read_builtin();
  void read_builtin_modinfo();

  [[nodiscard]] std::optional<Number> find(std::string_view name) const {
    const auto found = by_name.find(name);
    if (found == by_name.end()) return std::nullopt;
    return found->second;
  }
};

Result<void> ModuleIndex::Tables::read_dep() {
  std::size_t number = 0;
  for (const auto raw : split_lines(texts.dep)) {
    ++number;
    const auto line = trim(raw);
    if (line.empty() || line.starts_with('#')) continue;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0)
      return bad_line("modules.dep", number, concat("no module and colon in ", quoted(line)));
    if (modules.size() == kMaxModules)
      return fail(Code::NoMemory, concat("modules.dep: more than ", kMaxModules, " modules"));
    if (climbs(line)) return bad_line("modules.dep", number, concat("a path with .. in ", quoted(line)));
    const Module module{.file = line.substr(0, colon), .needs = line.substr(colon + 1)};
    by_name.emplace(name_part(module.file), static_cast<Number>(modules.size()));
    modules.push_back(module);
  }
  return {};
}

void ModuleIndex::Tables::read_alias() {
  // Tens of thousands of lines: not one allocation for each.
  constexpr std::string_view kKey = "alias ";
  for (const auto line : split_lines(texts.alias)) {
    if (!line.starts_with(kKey)) continue;
    const auto words = line.substr(kKey.size());
    const auto space = words.find(' ');
    if (space == 0 || space >= words.size() - 1 || space > kMaxAliasBytes) continue;
    const auto module = words.substr(space + 1);
    if (module.find(' ') == std::string_view::npos)
      aliases.push_back({.pattern = words.substr(0, space), .module = module});
  }
}

void ModuleIndex::Tables::read_softdep() {
  for (const auto line : split_lines(texts.softdep)) {
    const auto words = split_words(line);
    if (words.size() < 3 || words[0] != "softdep") continue;
    auto& dependencies = soft[words[1]];
    NameList* list = nullptr;
    for (const auto word : std::span(words).subspan(2)) {
      if (word == "pre:")
        list = &dependencies.before;
      else if (word == "post:")
        list = &dependencies.after;
      else if (list != nullptr)
        list->push_back(word);
    }
  }
}

void ModuleIndex::Tables::read_builtin() {
  for (const auto line : split_lines(texts.builtin))
    if (const auto path = trim(line); !path.empty()) builtin.insert(name_part(path));
}

void ModuleIndex::Tables::read_builtin_modinfo() {
  constexpr std::string_view kAliasKey = "alias";
  for (const auto entry : split(texts.builtin_modinfo, '\0')) {
    const auto dot = entry.find('.');
    const auto equals = entry.find('=');
    if (equals == std::string_view::npos || dot >= equals || dot == 0) continue;
    // Not all that is built in could be a module, and only those are in modules.builtin.
    const auto module = entry.substr(0, dot);
    builtin.insert(module);
    const auto pattern = entry.substr(equals + 1);
    if (entry.substr(dot + 1, equals - dot - 1) == kAliasKey && pattern.size() <= kMaxAliasBytes)
      aliases.push_back({.pattern = pattern, .module = module});
  }
}

ModuleIndex::ModuleIndex(std::unique_ptr<Tables> tables) : tables_(std::move(tables)) {}
ModuleIndex::ModuleIndex(ModuleIndex&&) noexcept = default;
ModuleIndex& ModuleIndex::operator=(ModuleIndex&&) noexcept = default;
ModuleIndex::~ModuleIndex() = default;

Result<ModuleIndex> ModuleIndex::parse(ModuleTexts texts) {
  for (const auto* text :
       {&texts.dep, &texts.alias, &texts.softdep, &texts.builtin, &texts.builtin_modinfo, &texts.blacklist})
    if (text->size() > kMaxIndexBytes)
      return fail(Code::NoMemory, concat("a module index of ", human_size(text->size()), " is larger than the ",
                                         human_size(kMaxIndexBytes), " that are read"));
  auto tables = std::make_unique<Tables>();
  tables->texts = std::move(texts);
  TRY(tables->read_dep());
  tables->read_alias();
  tables->read_softdep();
  tables->read_builtin();
  tables->read_builtin_modinfo();
  for (const auto name : split_lines(tables->texts.blacklist)) tables->blacklist.insert(name);
  return ModuleIndex(std::move(tables));
}

std::optional<std::string_view> ModuleIndex::file(std::string_view name) const {
  const auto number = tables_->find(name);
  if (!number) return std::nullopt;
  return tables_->modules[*number].file;
}

bool ModuleIndex::is_builtin(std::string_view name) const {
  return tables_->builtin.contains(name);
}

std::vector<std::string> ModuleIndex::by_alias(std::string_view alias) const {
  std::vector<std::string> names;
  if (alias.size() > kMaxAliasBytes) return names;
  for (const auto& [pattern, module] : tables_->aliases) {
    if (!glob_matches(pattern, alias, Dashes::AsUnderscores) || !has(module)) continue;
    if (auto name = normalised(module); std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  std::vector<std::string> allowed;
  std::ranges::copy_if(names, std::back_inserter(allowed),
                       [&](const std::string& name) { return !tables_->blacklist.contains(name); });
  if (allowed.empty() && std::ranges::find(names, "uas") != names.end() && has("usb_storage")) return {"usb_storage"};
  return allowed.empty() ? names : allowed;
}

/// The work of one resolve(): a stack instead of recursion, as the depth is the files' to choose.
class ModuleIndex::Walk {
 public:
  explicit Walk(const ModuleIndex& index)
      : index_(index),
        tables_(*index.tables_),
        entered_(tables_.modules.size(), false),
        loaded_(tables_.modules.size(), false) {}

  void want(std::string_view name, std::size_t number) {
    wanted_ = number;
    // As modprobe: a module of that name, else all that have such an alias, and only then what is built in.
    if (!push_provider(name, kRequested)) {
      const bool found = push_aliases(name, kRequested);
      if (index_.is_builtin(name))
        note_builtin(normalised(name));
      else if (!found)
        result_.missing.emplace_back(name);
    }
    run();
  }

  [[nodiscard]] Resolution finish() && { return std::move(result_); }

 private:
  using Number = Tables::Number;

  struct Reason {
    LoadReason::By by;
    Number of;  // not for Request
  };
  static constexpr Reason kRequested{.by = LoadReason::By::Request, .of = 0};

  struct Task {
    Number module;
    bool load;  // else: enter, that is, push what has to come before and behind
    Reason reason;
  };

  bool push_provider(std::string_view name, Reason reason) {
    const auto number = tables_.find(name);
    if (number) stack_.push_back({.module = *number, .load = false, .reason = reason});
    return number.has_value();
  }

  /// False when no module has such an alias.
  bool push_aliases(std::string_view alias, Reason reason) {
    const auto names = index_.by_alias(alias);
    // The first match is to be on top.
    for (auto name = names.rbegin(); name != names.rend(); ++name)
      if (!push_provider(*name, reason) && reason.by == LoadReason::By::Request) note_builtin(*name);
    return !names.empty();
  }

  void push_soft(const NameList& names, Reason reason) {
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
      if (push_provider(*name, reason) || alias_searches_ == kMaxAliasSearches) continue;
      ++alias_searches_;
      push_aliases(*name, reason);
    }
  }

  void note_builtin(std::string name) {
    if (std::ranges::find(result_.builtin, name) != result_.builtin.end()) return;
    result_.builtin.push_back(std::move(name));
    result_.builtin_for.push_back(wanted_);
  }

  void run() {
    while (!stack_.empty()) {
      const auto task = stack_.back();
      stack_.pop_back();
      if (task.load)
        load(task.module, task.reason);
      else
        enter(task.module, task.reason);
    }
  }

  void enter(Number number, Reason reason) {
    if (entered_[number]) return;
    entered_[number] = true;
    const auto& module = tables_.modules[number];
    const auto soft = tables_.soft.find(name_part(module.file));
    const bool has_soft = soft != tables_.soft.end();
    const Reason soft_for{.by = LoadReason::By::SoftDependency, .of = number};
    const Reason hard_for{.by = LoadReason::By::Dependency, .of = number};
    if (has_soft) push_soft(soft->second.after, soft_for);
    stack_.push_back({.module = number, .load = true, .reason = reason});
    if (has_soft) push_soft(soft->second.before, soft_for);
    for (const auto file : split_words(module.needs)) push_provider(name_part(file), hard_for);
  }

  /// With what it cannot do without, even where a soft dependency goes round in a circle.
  void load(Number number, Reason reason) {
    const auto needs = split_words(tables_.modules[number].needs);
    for (auto file = needs.rbegin(); file != needs.rend(); ++file)
      if (const auto needed = tables_.find(name_part(*file)))
        load_one(*needed, {.by = LoadReason::By::Dependency, .of = number});
    load_one(number, reason);
  }

  void load_one(Number number, Reason reason) {
    if (loaded_[number]) return;
    loaded_[number] = true;
    result_.files.emplace_back(tables_.modules[number].file);
    const bool requested = reason.by == LoadReason::By::Request;
    result_.reasons.push_back({.by = reason.by,
                               .wanted = wanted_,
                               .of = requested ? std::string() : module_name(tables_.modules[reason.of].file)});
  }

  static constexpr unsigned kMaxAliasSearches = 256;  // for soft dependencies: each one reads all aliases

  const ModuleIndex& index_;
  const Tables& tables_;
  std::vector<bool> entered_;
  std::vector<bool> loaded_;
  std::vector<Task> stack_;
  unsigned alias_searches_ = 0;
  std::size_t wanted_ = 0;  // index of what is asked for now
  Resolution result_;
};

Resolution ModuleIndex::resolve(std::span<const std::string> wanted) const {
  Walk walk(*this);
  for (std::size_t i = 0; i < wanted.size(); ++i) walk.want(wanted[i], i);
  return std::move(walk).finish();
}

}  // namespace vhdboot::modules
