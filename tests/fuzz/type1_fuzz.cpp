// SPDX-License-Identifier: GPL-2.0-or-later
// A Type #1 entry: the first line is its file name, the others are its contents. An entry that is accepted has safe
// paths, and says the same when it is written out again.
#include "entry/type1.h"

#include "base/text.h"
#include "tests/fuzz/check.h"

namespace {
void check_path(std::string_view path) {
  check(path.size() > 1 && path.starts_with('/'));
  for (const auto component : vhdboot::split(path.substr(1), '/'))
    check(!component.empty() && component != "." && component != "..");
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::entry;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto name = input.substr(0, input.find('\n'));
  const auto text = input.substr(name.size());
  if (const auto next = next_boot_name(name)) {
    const auto before = parse_entry_name(name);
    const auto after = parse_entry_name(*next);
    check(after.id == before.id);
    check(after.count && after.count->left + 1 == before.count->left && after.count->done >= before.count->done);
  }
  const GrubVariables variables{{"kernelopts", "root=x"}, {"tuned_initrd", "/a /b"}};
  GrubSubstitution substitution(variables);
  const auto with_variables = with_grub_variables(parse_entry_file(text), substitution);
  if (!with_variables) {
    check(with_variables.error().code == Code::Unsupported);
    return 0;
  }
  const auto& file = *with_variables;
  const auto path = concat("/loader/entries/", name);
  const auto entry = type1_entry(path, file);
  if (!entry) {
    check(entry.error().code == Code::Corrupt || entry.error().code == Code::Unsupported);
    return 0;
  }
  check(entry->kind == EntryKind::Type1 && entry->path == path && !entry->kernel.empty());
  check_path(entry->kernel);
  std::string written = concat(entry->unified ? "uki " : "linux ", entry->kernel, "\nprofile ", entry->profile, '\n');
  for (const auto& initrd : entry->initrds) {
    check_path(initrd);
    written += concat("initrd ", initrd, '\n');
  }
  for (const auto& extra : entry->extras) {
    check_path(extra);
    written += concat("extra ", extra, '\n');
  }
  // Initrds that it names are in the list already.
  if (!entry->options.empty() && !entry->options.contains("initrd="))
    written += concat("options ", entry->options, '\n');
  const auto again = type1_entry(path, parse_entry_file(written));
  // Blanks at the end of a path are lost when it is a line's end.
  if (!again) return 0;
  check(again->unified == entry->unified && again->profile == entry->profile);
  check(again->initrds.size() == entry->initrds.size() && again->extras.size() == entry->extras.size());
  return 0;
}
