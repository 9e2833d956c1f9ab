// SPDX-License-Identifier: GPL-2.0-or-later
// What in a report says who or where somebody is.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace vhdboot::command {

/// A word that a person may not want to show, and what kind it is: {"debian-laptop", "host name"}.
struct PrivateWord {
  std::string text;
  std::string kind;
};

struct Redacted {
  std::string text;
  std::map<std::string, std::size_t> counts;  ///< how many different ones of each kind
};

/// `text` with the same stand-in for the same word everywhere, such as <UUID 1>: the words, and all that has the form
/// of a UUID, a volume serial, a partition of an MBR disk or a network address.
[[nodiscard]] Redacted redact(std::string_view text, const std::vector<PrivateWord>& words);

}  // namespace vhdboot::command
