// SPDX-License-Identifier: GPL-2.0-or-later
// A point in time until which to wait for an event.
#pragma once

#include <algorithm>
#include <chrono>

namespace vhdboot::sys {

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  /// By this machine's clock. What waits for devices takes Devices::in().
  static Deadline in(std::chrono::milliseconds time) { return after(Clock::now(), time); }
  static Deadline after(Clock::time_point start, std::chrono::milliseconds time) { return Deadline(start + time); }

  [[nodiscard]] Clock::time_point at() const { return at_; }
  [[nodiscard]] bool passed(Clock::time_point now) const { return now >= at_; }

  /// What poll(2) takes as its time-out; 0 when the deadline has passed.
  [[nodiscard]] int poll_timeout() const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(at_ - Clock::now()).count();
    return static_cast<int>(std::clamp<decltype(left)>(left, 0, 24 * 3600 * 1000));
  }

  friend Deadline earlier(Deadline a, Deadline b) { return a.at_ < b.at_ ? a : b; }

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}
  Clock::time_point at_;
};

}  // namespace vhdboot::sys
