// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/change_plan.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "base/fd.h"
#include "base/held_signals.h"
#include "base/text.h"
#include "tools/common/json.h"
#include "tools/common/safe_write.h"
#include "tools/common/space_file.h"

namespace vhdboot::command {
namespace {

std::string_view verb(const Change& change) {
  if (!change.after) return "remove";
  return change.before ? "change" : "create";
}

std::string_view word(Change::Target target) {
  switch (target) {
    case Change::Target::File:
      break;
    case Change::Target::Folder:
      return "folder";
    case Change::Target::Variable:
      return "variable";
  }
  return "file";
}

std::string label(std::string_view name, std::string_view text) {
  constexpr std::size_t kWidth = 9;
  return concat(name, std::string(kWidth - name.size(), ' '), text, '\n');
}

Result<void> make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) < 0 && errno != EEXIST) return fail_errno(concat("making the folder ", path));
  return {};
}

Result<void> remove_folder(const std::string& path) {
  // Somebody else has something in it: then it is needed.
  if (::rmdir(path.c_str()) < 0 && errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST)
    return fail_errno(concat("removing the folder ", path));
  return {};
}

}  // namespace

void Plan::add(Change change) {
  if (change.before != change.after) changes.push_back(std::move(change));
}

std::string plan_text(const Plan& plan) {
  std::string text;
  for (const std::string& fact : plan.facts) text += label("found", fact);
  for (const std::string& warning : plan.warnings) text += label("warning", warning);
  for (const Change& change : plan.changes) {
    const std::string kind = change.target == Change::Target::File ? "" : concat(word(change.target), ' ');
    text += label("will", concat(verb(change), ' ', kind, printable(change.path),
                                 change.what.empty() ? "" : concat(": ", printable(change.what))));
  }
  if (plan.changes.empty()) text += label("will", "change nothing, all of it is there already");
  if (!plan.untouched.empty()) text += label("will not", concat("touch ", plan.untouched));
  return text;
}

std::string plan_json(const Plan& plan, std::string_view schema) {
  tools::JsonWriter json;
  json.begin_object().member("schema", schema).key("changes").begin_array();
  for (const Change& change : plan.changes)
    json.begin_object()
        .member("do", verb(change))
        .member("target", word(change.target))
        .member("path", std::string_view(change.path))
        .member("text", std::string_view(change.what))
        .end_object();
  json.end_array().key("facts").begin_array();
  for (const std::string& fact : plan.facts) json.value(std::string_view(fact));
  json.end_array().key("warnings").begin_array();
  for (const std::string& warning : plan.warnings) json.value(std::string_view(warning));
  json.end_array().end_object();
  return json.text();
}

Result<std::optional<FileBytes>> Changer::present(Change::Target target, const std::string& path) const {
  if (target == Change::Target::Variable) return variables_.read(path, kGlobalVariables);
  struct stat status{};
  if (::lstat(path.c_str(), &status) < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return fail_errno(concat("looking at ", path));
  }
  if (target == Change::Target::Folder) {
    if (!S_ISDIR(status.st_mode)) return fail(Code::Busy, concat(printable(path), " is there and is no folder"));
    return FileBytes();
  }
  if (!S_ISREG(status.st_mode)) return fail(Code::Busy, concat(printable(path), " is there and is no plain file"));
  return TRY_IN(path, read_file(path, kMaxPlannedFile));
}

Result<void> Changer::put(Change::Target target, const std::string& path, const std::optional<FileBytes>& contents) {
  switch (target) {
    case Change::Target::File:
      break;
    case Change::Target::Folder:
      return contents ? make_folder(path) : remove_folder(path);
    case Change::Target::Variable:
      return contents ? variables_.write(path, kGlobalVariables, *contents) : variables_.remove(path, kGlobalVariables);
  }
  return contents ? tools::write_safely(path, *contents) : tools::remove_safely(path);
}

Result<Change> plan_change(const Changer& changer, Change::Target target, const std::string& path,
                           std::optional<FileBytes> after, std::string what) {
  return Change{.target = target,
                .path = path,
                .before = TRY(changer.present(target, path)),
                .after = std::move(after),
                .what = std::move(what)};
}

Result<void> carry_out(Changer& changer, const Plan& plan) {
  for (const Change& change : plan.changes)
    if (TRY(changer.present(change.target, change.path)) != change.before)
      return fail(Code::Busy, concat(printable(change.path), " has changed meanwhile: nothing was done, try again"));
  for (std::size_t i = 0; i < plan.changes.size(); ++i) {
    const Change& change = plan.changes[i];
    auto done = changer.put(change.target, change.path, change.after);
    if (done && HeldSignals::end_waits()) done = std::unexpected(tools::stop_error());
    if (done) continue;
    Error error = done.error().within(change.path);
    std::string left;
    // The one that failed as well: a part of it may have been done.
    for (std::size_t back = i + 1; back-- > 0;) {
      const Change& one = plan.changes[back];
      const auto now = changer.present(one.target, one.path);
      if (now && *now == one.before) continue;
      if (!changer.put(one.target, one.path, one.before)) left += concat(left.empty() ? "" : ", ", printable(one.path));
    }
    error.text +=
        left.empty() ? " (what was done before that is undone)" : concat(" (could not be undone: ", left, ')');
    return std::unexpected(std::move(error));
  }
  return {};
}

}  // namespace vhdboot::command
