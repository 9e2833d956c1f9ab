// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/selector.h"

#include <optional>

#include "base/guid.h"
#include "base/quoted.h"
#include "base/text.h"

namespace vhdboot::disk {

namespace {

constexpr unsigned kMaxPartitionNumber = 255;

bool all_hex(std::string_view text) {
  for (const char c : text)
    if (guid_detail::digit(c) < 0) return false;
  return !text.empty();
}

/// `prefix` in any case in front of `text`: what follows it.
std::optional<std::string_view> after_key(std::string_view text, std::string_view prefix) {
  if (text.size() < prefix.size() || !equals_ignoring_ascii_case(text.substr(0, prefix.size()), prefix))
    return std::nullopt;
  text.remove_prefix(prefix.size());
  // As blkid prints it: UUID="1234-ABCD".
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

/// The forms with a key; absent when `text` has none of the keys.
Result<std::optional<Selector>> parse_keyed(std::string_view text) {
  if (const auto value = after_key(text, "UUID=")) {
    std::string digits(*value);
    std::erase(digits, '-');
    if (!all_hex(digits))
      return fail(Code::Invalid, concat("expected hexadecimal digits after UUID=, found ", quoted(*value)));
    return Selector{.by = Selector::By::Uuid, .value = std::string(*value)};
  }
  if (const auto value = after_key(text, "PARTUUID=")) {
    if (!is_partuuid(*value))
      return fail(Code::Invalid, concat("expected a GUID or SSSSSSSS-NN after PARTUUID=, found ", quoted(*value)));
    return Selector{.by = Selector::By::PartUuid, .value = std::string(*value)};
  }
  if (const auto value = after_key(text, "LABEL=")) {
    if (value->empty()) return fail(Code::Invalid, "expected a label after LABEL=");
    return Selector{.by = Selector::By::Label, .value = std::string(*value)};
  }
  if (const auto value = after_key(text, "PARTLABEL=")) {
    if (value->empty()) return fail(Code::Invalid, "expected a partition's name after PARTLABEL=");
    return Selector{.by = Selector::By::PartLabel, .value = std::string(*value)};
  }
  return std::nullopt;
}

/// As udev writes what cannot stand in a file name: "\\x20" is a blank.
std::string without_escapes(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto code = text.starts_with("\\x") && text.size() >= 4 ? parse_u64(text.substr(2, 2), 16) : std::nullopt;
    out += code ? static_cast<char>(*code) : text.front();
    text.remove_prefix(code ? 4 : 1);
  }
  return out;
}

}  // namespace

bool is_partuuid(std::string_view text) {
  if (parse_guid(text)) return true;
  return text.size() == 11 && text[8] == '-' && all_hex(text.substr(0, 8)) && all_hex(text.substr(9));
}

bool is_serial(std::string_view text) {
  if (text.size() == 16) return all_hex(text);
  return text.size() == 9 && text[4] == '-' && all_hex(text.substr(0, 4)) && all_hex(text.substr(5));
}

Result<Selector> parse_volume_selector(std::string_view text) {
  if (auto keyed = TRY(parse_keyed(text))) {
    if (keyed->by == Selector::By::Uuid && !is_serial(keyed->value))
      return fail(Code::Invalid, concat("expected the serial of an NTFS (16 digits) or exFAT volume (1234-ABCD) after "
                                        "UUID=, found ",
                                        quoted(keyed->value)));
    return *std::move(keyed);
  }
  if (is_serial(text)) return Selector{.by = Selector::By::Uuid, .value = std::string(text)};
  if (is_partuuid(text)) return Selector{.by = Selector::By::PartUuid, .value = std::string(text)};
  return fail(
      Code::Invalid,
      concat("expected UUID=, PARTUUID=, LABEL=, PARTLABEL=, a serial or a partition UUID, found ", quoted(text)));
}

Result<Selector> parse_root_selector(std::string_view text) {
  if (auto keyed = TRY(parse_keyed(text))) return *std::move(keyed);
  if (text.size() <= 3) {
    if (const auto number = parse_u64(text); number && *number >= 1 && *number <= kMaxPartitionNumber)
      return Selector{.by = Selector::By::Number, .number = static_cast<unsigned>(*number)};
  }
  if (text.size() == 11 && is_partuuid(text)) return Selector{.by = Selector::By::PartUuid, .value = std::string(text)};
  if (is_serial(text) || parse_guid(text)) return Selector{.by = Selector::By::Uuid, .value = std::string(text)};
  return fail(
      Code::Invalid,
      concat("expected UUID=, PARTUUID=, LABEL=, PARTLABEL= or the number of a partition of the guest disk, found ",
             quoted(text)));
}

std::optional<Selector> device_selector(std::string_view name) {
  constexpr std::string_view kLinks = "/dev/disk/by-";
  const bool is_link = name.starts_with(kLinks);
  if (is_link) name.remove_prefix(kLinks.size());
  const std::size_t end = name.find(is_link ? '/' : '=');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view value = name.substr(end + 1);
  // fstab's may have either kind of quotes.
  if (!is_link && value.size() >= 2 && value.front() == '\'' && value.back() == '\'')
    value = value.substr(1, value.size() - 2);
  auto keyed = parse_keyed(concat(name.substr(0, end), '=', is_link ? without_escapes(value) : value));
  return keyed ? *std::move(keyed) : std::nullopt;
}

std::string to_text(const Selector& selector) {
  switch (selector.by) {
    case Selector::By::Uuid:
      return concat("UUID=", selector.value);
    case Selector::By::PartUuid:
      return concat("PARTUUID=", selector.value);
    case Selector::By::Label:
      return concat("LABEL=", selector.value);
    case Selector::By::PartLabel:
      return concat("PARTLABEL=", selector.value);
    case Selector::By::Number:
      break;
  }
  return concat("partition ", selector.number);
}

bool matches(const Selector& selector, const Identity& identity) {
  switch (selector.by) {
    case Selector::By::Uuid:
      return !identity.uuid.empty() && equals_ignoring_ascii_case(selector.value, identity.uuid);
    case Selector::By::PartUuid:
      return !identity.partuuid.empty() && equals_ignoring_ascii_case(selector.value, identity.partuuid);
    case Selector::By::Label:
      return !identity.label.empty() && selector.value == identity.label;
    case Selector::By::PartLabel:
      return !identity.partlabel.empty() && selector.value == identity.partlabel;
    case Selector::By::Number:
      break;
  }
  return selector.number != 0 && selector.number == identity.number;
}

}  // namespace vhdboot::disk
