// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/loader_conf.h"

#include <algorithm>

#include "base/glob.h"
#include "base/text.h"

namespace vhdboot::entry {
namespace {

constexpr std::size_t kMaxPattern = 255;  // of a file name; what is longer names nothing

bool is_meant(const BootEntry& entry, const std::string& pattern) {
  const std::string id = to_lower_ascii(entry.id);
  return glob_matches(pattern, id) || glob_matches(pattern, id.substr(0, id.rfind('.')));
}

}  // namespace

LoaderConf parse_loader_conf(std::string_view text) {
  LoaderConf conf;
  for (const std::string_view raw : split_lines(text)) {
    const std::string_view line = trim(raw);
    const std::size_t blank = line.find_first_of(" \t");
    if (blank == std::string_view::npos || line.starts_with('#')) continue;
    const std::string_view key = line.substr(0, blank);
    const std::string_view value = trim(line.substr(blank));
    std::string* const said = key == "default" ? &conf.usual : key == "preferred" ? &conf.preferred : nullptr;
    if (said != nullptr) *said = value.starts_with('@') || value.size() > kMaxPattern ? "" : to_lower_ascii(value);
  }
  return conf;
}

std::size_t default_of(const LoaderConf& conf, const std::vector<BootEntry>& entries) {
  const auto first = [&](const std::string& pattern, bool with_tries) {
    const auto found = std::ranges::find_if(entries, [&](const BootEntry& entry) {
      return is_meant(entry, pattern) && (!with_tries || !entry.count || entry.count->left > 0);
    });
    return static_cast<std::size_t>(found - entries.begin());
  };
  std::size_t found = entries.size();
  if (!conf.preferred.empty()) found = first(conf.preferred, true);
  if (found == entries.size() && !conf.usual.empty()) found = first(conf.usual, false);
  return found;
}

}  // namespace vhdboot::entry
