// SPDX-License-Identifier: GPL-2.0-or-later
// Shows a person how far an operation is.
#pragma once

#include <chrono>
#include <cstdint>

namespace vhdboot::vhdtool {

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

}  // namespace vhdboot::vhdtool
