// SPDX-License-Identifier: GPL-2.0-or-later
// What a check of an image found.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace vhdboot::vhdtool {

enum class Severity : std::uint8_t {
  Ok,
  Warning,  ///< it boots, but something should be put right, or could not be checked
  Error,    ///< it will not boot
};

struct Finding {
  std::string_view check;  ///< a word for programs: "footer"; of static duration
  Severity severity = Severity::Ok;
  std::string text;  ///< what was found and, unless that is fine, what to do

  friend bool operator==(const Finding&, const Finding&) = default;
};

class Findings {
 public:
  void ok(std::string_view check, std::string text) { add(check, Severity::Ok, std::move(text)); }
  void warning(std::string_view check, std::string text) { add(check, Severity::Warning, std::move(text)); }
  void error(std::string_view check, std::string text) { add(check, Severity::Error, std::move(text)); }
  void error(std::string_view check, const Error& error) { add(check, Severity::Error, error.message()); }
  void add(std::string_view check, Severity severity, std::string text) {
    all_.push_back({check, severity, std::move(text)});
  }

  /// Those of `others`, behind these; errors become warnings where `only_warn` says so.
  void append(const Findings& others, bool only_warn = false) {
    for (const Finding& one : others.all_)
      add(one.check, only_warn && one.severity == Severity::Error ? Severity::Warning : one.severity, one.text);
    open_ = open_ || others.open_;
  }

  /// What of the image is booted, as a person knows it; nothing when nothing is.
  void boots(std::string name) { booted_ = std::move(name); }
  [[nodiscard]] const std::optional<std::string>& booted() const { return booted_; }

  /// Too little could be looked at to say that it boots.
  void leave_open() { open_ = true; }
  [[nodiscard]] bool open() const { return open_; }

  [[nodiscard]] const std::vector<Finding>& all() const { return all_; }
  [[nodiscard]] std::size_t count(Severity severity) const {
    return static_cast<std::size_t>(std::ranges::count(all_, severity, &Finding::severity));
  }
  [[nodiscard]] Severity worst() const {
    return count(Severity::Error) > 0     ? Severity::Error
           : count(Severity::Warning) > 0 ? Severity::Warning
                                          : Severity::Ok;
  }

 private:
  std::vector<Finding> all_;
  std::optional<std::string> booted_;
  bool open_ = false;
};

}  // namespace vhdboot::vhdtool
