// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/redact.h"

#include <algorithm>

#include "base/guid.h"
#include "base/text.h"
#include "disk/selector.h"

namespace vhdboot::command {
namespace {

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Of what identities are made.
bool may_be_inside(char c) {
  return is_hex(c) || c == '-' || c == ':';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_mac(std::string_view text) {
  if (text.size() != 17) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (i % 3 == 2 ? text[i] != ':' : !is_hex(text[i])) return false;
  return true;
}

std::string_view kind_of(std::string_view text) {
  if (parse_guid(text)) return "UUID";
  if (disk::is_serial(text)) return "volume serial";
  if (disk::is_partuuid(text)) return "partition";
  if (is_mac(text)) return "network address";
  return "";
}

}  // namespace

Redacted redact(std::string_view text, const std::vector<PrivateWord>& words) {
  Redacted made;
  std::map<std::string, std::string> stand_ins;
  const auto put = [&](std::string_view word, std::string_view kind) {
    const auto [found, is_new] = stand_ins.try_emplace(to_lower_ascii(word));
    if (is_new) found->second = concat('<', kind, ' ', ++made.counts[std::string(kind)], '>');
    made.text += found->second;
  };
  for (std::size_t at = 0; at < text.size();) {
    const bool begins = at == 0 || !is_letter(text[at - 1]);
    const std::string_view rest = text.substr(at);
    // Of two that begin here the longer one.
    const PrivateWord* longest = nullptr;
    for (const PrivateWord& word : words) {
      const bool is_here = begins && !word.text.empty() && rest.starts_with(word.text) &&
                           (rest.size() == word.text.size() || !is_letter(rest[word.text.size()]));
      if (is_here && (longest == nullptr || word.text.size() > longest->text.size())) longest = &word;
    }
    if (longest != nullptr) {
      put(longest->text, longest->kind);
      at += longest->text.size();
      continue;
    }
    std::size_t length = 0;
    while (begins && length < rest.size() && may_be_inside(rest[length])) ++length;
    std::string_view word = rest.substr(0, length);
    while (!word.empty() && !is_hex(word.back())) word.remove_suffix(1);
    const bool ends = word.size() == rest.size() || !is_letter(rest[word.size()]);
    if (const auto kind = ends ? kind_of(word) : ""; !kind.empty()) {
      put(word, kind);
      at += word.size();
    } else {
      made.text += text[at++];
    }
  }
  return made;
}

}  // namespace vhdboot::command
