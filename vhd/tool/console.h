// SPDX-License-Identifier: GPL-2.0-or-later
// What the subcommands say to a person.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace vhdboot::tool {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;

void print(std::string_view text);

/// "vhdtool create: FILE: the sentence" on standard error; returns kFailed.
int complain(std::string_view command, std::string_view file, const Error& error);
/// The same about the command line; returns kWrongUsage.
int complain_usage(std::string_view command, std::string_view text);

/// Shows on standard error how far an operation is: a bar on a terminal, else a line for each tenth.
class ProgressShow {
 public:
  /// `total` in bytes.
  explicit ProgressShow(std::uint64_t total);
  ProgressShow(const ProgressShow&) = delete;
  ProgressShow& operator=(const ProgressShow&) = delete;
  /// Ends the line of the bar.
  ~ProgressShow();

  void add(std::uint64_t bytes);

 private:
  void show();

  std::uint64_t done_ = 0;
  std::uint64_t total_;
  bool terminal_;
  bool shown_ = false;
  unsigned next_tenth_ = 10;  // percent
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace vhdboot::tool
