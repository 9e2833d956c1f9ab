// SPDX-License-Identifier: GPL-2.0-or-later
// A configuration file (init/record/config.h), changed key by key.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::command {

/// "key=value" of a command line; nothing in place of the value takes the key away.
struct Setting {
  std::string key;
  std::optional<std::string> value;

  friend bool operator==(const Setting&, const Setting&) = default;
};

/// "options=quiet splash", or "options=" to take it away. Invalid without a "=" or a key.
[[nodiscard]] Result<Setting> parse_setting(std::string_view word);

/// The value of the last line with the key; nothing when there is none.
[[nodiscard]] std::optional<std::string> value_of(std::string_view text, std::string_view key);

/// `text` with the settings: in the place of the first line with that key, which then has it once; else at the end.
/// All else stays. Invalid when a boot would not take the result, with the reason; also for a key that it does not
/// know.
[[nodiscard]] Result<std::string> with_settings(std::string_view text, const std::vector<Setting>& settings,
                                                std::string_view file_name);

}  // namespace vhdboot::command
