// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/companion.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace vhdboot::entry {

namespace {

std::optional<CompanionKind> kind_of_suffix(CompanionFolder folder, std::string_view name) {
  const bool global_addons = folder == CompanionFolder::Addons;
  const bool global_credentials = folder == CompanionFolder::Credentials;
  if (!global_credentials && ends_with_ignoring_ascii_case(name, ".addon.efi")) return CompanionKind::Addon;
  if (global_addons) return std::nullopt;
  if (ends_with_ignoring_ascii_case(name, ".cred"))
    return global_credentials ? CompanionKind::GlobalCredential : CompanionKind::Credential;
  if (global_credentials) return std::nullopt;
  if (ends_with_ignoring_ascii_case(name, ".confext.raw")) return CompanionKind::Confext;
  if (ends_with_ignoring_ascii_case(name, ".raw")) return CompanionKind::Sysext;
  return std::nullopt;
}

bool is_plain(std::string_view name) {
  return name.size() <= kMaxCompanionName &&
         std::ranges::all_of(name, [](char c) { return c >= 0x20 && c < 0x7F && c != '/' && c != '\\'; });
}

// Digits in front of `text`, taken off; false when there are none or too many for 64 bits.
bool take_number(std::string_view& text) {
  const std::size_t length = std::min(text.find_first_not_of("0123456789"), text.size());
  const bool fits = parse_u64(text.substr(0, length)).has_value();
  text.remove_prefix(length);
  return fits;
}

}  // namespace

std::string extra_folder(std::string_view uki_path) {
  constexpr std::string_view kSuffix = ".extra.d";
  const std::size_t plus = uki_path.find('+');
  if (plus == std::string_view::npos) return concat(uki_path, kSuffix);
  std::string_view rest = uki_path.substr(plus + 1);
  bool is_counter = take_number(rest);
  if (is_counter && rest.starts_with('-')) {
    rest.remove_prefix(1);
    is_counter = take_number(rest);
  }
  if (is_counter && (rest.empty() || rest.front() == '.')) return concat(uki_path.substr(0, plus), rest, kSuffix);
  return concat(uki_path, kSuffix);
}

std::optional<CompanionKind> companion_kind(CompanionFolder folder, std::string_view name) {
  if (name.starts_with('.') || !is_plain(name)) return std::nullopt;
  return kind_of_suffix(folder, name);
}

Result<CompanionNames> select_companions(CompanionFolder folder, std::vector<std::string> names) {
  CompanionNames out;
  for (std::string& name : names) {
    if (companion_kind(folder, name)) {
      out.names.push_back(std::move(name));
    } else if (!name.starts_with('.') && kind_of_suffix(folder, name)) {
      // As many as there are files: no more sentences than files that could be taken.
      if (out.warnings.size() < kMaxCompanions)
        out.warnings.push_back(concat(printable(name), " is passed over: its name is not plain ASCII"));
    }
  }
  if (out.names.size() > kMaxCompanions)
    return fail(Code::Unsupported, concat(out.names.size(), " files for the boot entry, at most ", kMaxCompanions,
                                          " are accepted: remove what is not needed"));
  std::ranges::sort(out.names);
  return out;
}

}  // namespace vhdboot::entry
