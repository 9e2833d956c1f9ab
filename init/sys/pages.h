// SPDX-License-Identifier: GPL-2.0-or-later
// Memory in whole pages, for what is too large to be copied about.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::sys {

/// Zeroed memory of this process alone, present from the start; given back when the object ends.
class Pages {
 public:
  Pages() = default;
  /// `size` bytes, of which the first one lies `skew` bytes (less than kPage) into a page. NoMemory when there are not
  /// so many.
  [[nodiscard]] static Result<Pages> allocate(std::uint64_t size, std::uint64_t skew = 0);
  Pages(Pages&& other) noexcept { swap(other); }
  Pages& operator=(Pages&& other) noexcept {
    Pages(std::move(other)).swap(*this);
    return *this;
  }
  ~Pages();

  [[nodiscard]] Bytes bytes() const { return {start_ + skew_, size_}; }
  [[nodiscard]] MutableBytes writable() { return {start_ + skew_, size_}; }

  static constexpr std::size_t kPage = 4096;

 private:
  void swap(Pages& other) noexcept {
    std::swap(start_, other.start_);
    std::swap(skew_, other.skew_);
    std::swap(size_, other.size_);
  }

  std::byte* start_ = nullptr;
  std::size_t skew_ = 0;
  std::size_t size_ = 0;
};

/// Bytes that this kernel has (MemTotal of proc_meminfo(5)); nothing when it does not tell.
[[nodiscard]] std::optional<std::uint64_t> total_memory();

/// Bytes that can be taken without anything being killed for them (MemAvailable of proc_meminfo(5)); nothing when the
/// kernel does not tell.
[[nodiscard]] std::optional<std::uint64_t> available_memory(const std::string& meminfo = "/proc/meminfo");

}  // namespace vhdboot::sys
