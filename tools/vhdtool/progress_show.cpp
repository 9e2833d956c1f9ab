// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/progress_show.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "tools/common/progress.h"

namespace vhdboot::vhdtool {
namespace {

void print_error(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

/// One less than the terminal has, so that no line wraps.
std::size_t columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col - 1u : 79;
}

}  // namespace

ProgressShow::ProgressShow(std::uint64_t total)
    : total_(total), terminal_(::isatty(STDERR_FILENO) == 1), start_(std::chrono::steady_clock::now()), last_(start_) {}

ProgressShow::~ProgressShow() {
  if (terminal_ && shown_) print_error("\n");
}

void ProgressShow::add(std::uint64_t bytes) {
  done_ += bytes;
  if (terminal_) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(250) && done_ < total_) return;
    last_ = now;
    show();
  } else if (tools::percent({done_, total_, 0}) >= next_tenth_) {
    next_tenth_ = tools::percent({done_, total_, 0}) / 10 * 10 + 10;
    show();
  }
}

void ProgressShow::show() {
  shown_ = true;
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start_;
  const tools::Progress progress{done_, total_, spent.count()};
  print_error(terminal_ ? '\r' + progress_bar(progress, columns()) : progress_line(progress) + '\n');
}

}  // namespace vhdboot::vhdtool
