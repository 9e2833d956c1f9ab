// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/bls.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/glob.h"
#include "base/text.h"
#include "entry/uki.h"

namespace vhdboot::entry {

namespace {

constexpr std::string_view kUkiSuffix = ".efi";
constexpr std::string_view kFileSuffix = ".conf";
constexpr std::uint64_t kMaxTries = std::numeric_limits<std::int32_t>::max();

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool counts_in_version(char c) {
  return is_digit(c) || is_letter(c) || c == '~' || c == '-' || c == '^' || c == '.';
}

// What is left of a version while it is compared.
class VersionCursor {
 public:
  explicit VersionCursor(std::string_view text) : rest_(text) {}

  void skip_separators() {
    while (!rest_.empty() && !counts_in_version(rest_.front())) rest_.remove_prefix(1);
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] bool at(char c) const { return rest_.starts_with(c); }
  [[nodiscard]] bool at_digit() const { return !rest_.empty() && is_digit(rest_.front()); }
  void skip() { rest_.remove_prefix(1); }

  /// The digits or letters in front, taken off.
  std::string_view take(bool (*belongs)(char)) {
    std::size_t length = 0;
    while (length < rest_.size() && belongs(rest_[length])) ++length;
    const auto segment = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return segment;
  }

 private:
  std::string_view rest_;
};

std::strong_ordering compare_numbers(std::string_view a, std::string_view b) {
  const auto without_zeros = [](std::string_view digits) {
    return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
  };
  if (a.empty() != b.empty()) return a.empty() ? std::strong_ordering::less : std::strong_ordering::greater;
  a = without_zeros(a);
  b = without_zeros(b);
  if (a.size() != b.size()) return a.size() <=> b.size();
  return a.compare(b) <=> 0;
}

std::strong_ordering newest_first(std::string_view a, std::string_view b) {
  return compare_versions(b, a);
}

// A boot loader starts its default even so.
bool is_used_up(const BootEntry& entry) {
  return entry.count && entry.count->left == 0 && entry.default_by.empty();
}

// By the names that ostree gave its entries the newest is "ostree-fedora-0", and its version says so.
bool is_of_old_ostree(const BootEntry& entry) {
  return entry.id.starts_with("ostree-") && !entry.version.empty();
}

bool is_for_rescue(const BootEntry& entry) {
  return entry.version.starts_with("0-rescue");
}

std::strong_ordering compare_kernels(const BootEntry& a, const BootEntry& b) {
  if (const auto order = a.system <=> b.system; order != 0) return order;
  if (const auto order = a.default_by.empty() <=> b.default_by.empty(); order != 0) return order;
  if (const auto order = is_for_rescue(a) <=> is_for_rescue(b); order != 0) return order;
  if (const auto order = newest_first(a.version, b.version); order != 0) return order;
  return b.id.compare(a.id) <=> 0;
}

// In one menu as systemd-boot's boot_entry_compare().
std::strong_ordering compare_entries(const BootEntry& a, const BootEntry& b) {
  if (const auto order = is_used_up(a) <=> is_used_up(b); order != 0) return order;
  if (const auto order = a.menu <=> b.menu; order != 0) return order;
  if (a.menu == Menu::Kernels) return compare_kernels(a, b);
  if (const auto order = a.default_by.empty() <=> b.default_by.empty(); order != 0) return order;
  if (const auto order = a.sort_key.empty() <=> b.sort_key.empty(); order != 0) return order;
  if (!a.sort_key.empty()) {
    if (const auto order = a.sort_key.compare(b.sort_key) <=> 0; order != 0) return order;
    if (const auto order = a.machine_id.compare(b.machine_id) <=> 0; order != 0) return order;
    if (const auto order = newest_first(a.version, b.version); order != 0) return order;
  }
  if (is_of_old_ostree(a) && is_of_old_ostree(b))
    if (const auto order = newest_first(a.version, b.version); order != 0) return order;
  if (const auto order = newest_first(to_lower_ascii(a.id), to_lower_ascii(b.id)); order != 0) return order;
  const BootCount count_a = a.count.value_or(BootCount{});
  const BootCount count_b = b.count.value_or(BootCount{});
  if (const auto order = count_b.left <=> count_a.left; order != 0) return order;
  if (const auto order = count_a.done <=> count_b.done; order != 0) return order;
  return a.path.compare(b.path) <=> 0;  // the same order whatever the folder's
}

std::string_view file_name_of(std::string_view path) {
  return path.substr(path.find_last_of('/') + 1);
}

std::string first_value(std::string_view osrel, std::initializer_list<std::string_view> keys) {
  for (const auto key : keys)
    if (auto value = osrel_value(osrel, key); value && !value->empty()) return *std::move(value);
  return {};
}

std::string_view without_suffix(std::string_view name) {
  for (const auto suffix : {kUkiSuffix, kFileSuffix})
    if (ends_with_ignoring_ascii_case(name, suffix)) return name.substr(0, name.size() - suffix.size());
  return name;
}

std::string list_of(const std::vector<BootEntry>& entries) {
  constexpr std::size_t kMost = 8;
  std::string out;
  for (std::size_t i = 0; i < entries.size() && i < kMost; ++i)
    out += concat(i == 0 ? "" : ", ", printable(file_name_of(entries[i].path)));
  if (entries.size() > kMost) out += concat(" and ", entries.size() - kMost, " more");
  return out;
}

}  // namespace

std::strong_ordering compare_versions(std::string_view a_text, std::string_view b_text) {
  VersionCursor a(a_text);
  VersionCursor b(b_text);
  while (true) {
    a.skip_separators();
    b.skip_separators();
    // A pre-release is older than what it precedes, even than nothing: "1.2~rc1" < "1.2".
    if (a.at('~') || b.at('~')) {
      if (a.at('~') != b.at('~')) return b.at('~') <=> a.at('~');
      a.skip();
      b.skip();
      continue;
    }
    if (a.at_end() || b.at_end()) return b.at_end() <=> a.at_end();
    // '-' separates the release, '^' a later snapshot, '.' a point release, in this order of age.
    for (const char mark : {'-', '^', '.'}) {
      if (a.at(mark) != b.at(mark)) return b.at(mark) <=> a.at(mark);
      if (a.at(mark)) {
        a.skip();
        b.skip();
      }
    }
    if (a.at_digit() || b.at_digit()) {
      const auto order = compare_numbers(a.take(is_digit), b.take(is_digit));
      if (order != 0) return order;
    } else {
      const auto order = a.take(is_letter).compare(b.take(is_letter)) <=> 0;
      if (order != 0) return order;
    }
  }
}

EntryName parse_entry_name(std::string_view file_name) {
  const std::string_view stem = without_suffix(file_name);
  const std::string_view suffix = file_name.substr(stem.size());
  EntryName plain{std::string(file_name), std::nullopt};
  const std::size_t plus = stem.find_last_of('+');
  if (plus == std::string_view::npos || plus == 0) return plain;

  const std::string_view counter = stem.substr(plus + 1);
  const std::size_t dash = counter.find('-');
  const auto left = parse_u64(counter.substr(0, dash));
  const auto done = dash == std::string_view::npos ? 0 : parse_u64(counter.substr(dash + 1));
  if (!left || !done || *left > kMaxTries || *done > kMaxTries) return plain;
  return {concat(stem.substr(0, plus), suffix), BootCount{static_cast<unsigned>(*left), static_cast<unsigned>(*done)}};
}

std::optional<std::string> next_boot_name(std::string_view file_name) {
  const auto [id, count] = parse_entry_name(file_name);
  if (!count || count->left == 0) return std::nullopt;
  const std::string_view stem = without_suffix(id);
  return concat(stem, '+', count->left - 1, '-', std::min<std::uint64_t>(count->done + 1ULL, kMaxTries),
                std::string_view(id).substr(stem.size()));
}

bool is_entry_name(std::string_view file_name) {
  return ends_with_ignoring_ascii_case(file_name, kUkiSuffix) && !file_name.starts_with('.');
}

BootEntry uki_entry(UkiFile file) {
  auto [id, count] = parse_entry_name(file_name_of(file.path));
  BootEntry entry;
  entry.title = first_value(file.osrel, {"PRETTY_NAME", "IMAGE_ID", "NAME", "ID"});
  if (entry.title.empty()) entry.title = id;
  entry.sort_key = first_value(file.osrel, {"IMAGE_ID", "ID"});
  entry.version = first_value(file.osrel, {"IMAGE_VERSION", "VERSION", "VERSION_ID", "BUILD_ID"});
  if (entry.version.empty()) entry.version = std::move(file.uname);
  entry.path = std::move(file.path);
  entry.id = std::move(id);
  entry.count = count;
  return entry;
}

std::vector<BootEntry> order_entries(std::vector<BootEntry> entries) {
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    const auto by_entry = compare_entries(entries[a], entries[b]);
    return by_entry != 0 ? by_entry < 0 : a < b;
  });
  std::vector<BootEntry> ordered;
  for (const std::size_t index : order) ordered.push_back(std::move(entries[index]));
  return ordered;
}

std::string rule_of_default(const BootEntry& first) {
  const std::string rule = !first.default_by.empty()     ? first.default_by
                           : first.menu == Menu::Kernels ? "the newest version"
                                                         : "the order of the Boot Loader Specification";
  return first.no_default.empty() ? rule : concat(rule, ", as ", first.no_default, ", starts no Linux that is known");
}

std::string rule_without_default(std::string_view file, std::string_view name) {
  return concat("the first Linux of ", file, ", whose default, \"", printable(name), "\", starts none that is known");
}

const BootEntry* newer_entry(const BootEntry& booted, const std::vector<BootEntry>& entries) {
  if (!booted.default_by.empty() || booted.menu == Menu::Kernels || booted.sort_key.empty() || booted.version.empty())
    return nullptr;
  const BootEntry* newest = nullptr;
  for (const BootEntry& entry : entries)
    if (entry.menu == booted.menu && entry.machine_id == booted.machine_id && entry.sort_key.empty() &&
        !is_used_up(entry) && compare_versions(entry.version, newest == nullptr ? booted.version : newest->version) > 0)
      newest = &entry;
  return newest;
}

Result<BootEntry> pick_entry(const std::vector<BootEntry>& ordered, std::string_view pattern) {
  if (ordered.empty())
    return fail(Code::NotFound,
                "there is no boot entry: no unified kernel image in /EFI/Linux, no file in "
                "/loader/entries and no kernel in /boot");
  if (pattern.empty()) return ordered.front();
  std::string wanted = to_lower_ascii(pattern);
  std::ranges::replace(wanted, '\\', '/');  // as Windows and UEFI write paths
  for (const auto& entry : ordered) {
    const std::string_view path = entry.path;
    for (const std::string_view name : {std::string_view(entry.id), without_suffix(entry.id), file_name_of(path), path,
                                        path.substr(path.starts_with('/') ? 1 : 0)})
      if (glob_matches(wanted, to_lower_ascii(name))) return entry;
    if (entry.kind != EntryKind::Kernel) continue;
    const std::string_view behind_dash = std::string_view(entry.id).substr(entry.id.find('-') + 1);
    for (const std::string_view version : {std::string_view(entry.version), behind_dash})
      if (glob_matches(wanted, to_lower_ascii(version))) return entry;
  }
  return fail(Code::NotFound,
              concat("no boot entry matches \"", printable(pattern), "\"; there is ", list_of(ordered)));
}

}  // namespace vhdboot::entry
