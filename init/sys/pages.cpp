// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/pages.h"

#include <sys/mman.h>

#include "base/text.h"
#include "base/units.h"
#include "init/sys/file.h"

namespace vhdboot::sys {
namespace {
constexpr int kPopulate = 23;  // MADV_POPULATE_WRITE, Linux 5.14
}

Result<Pages> Pages::allocate(std::uint64_t size, std::uint64_t skew) {
  const std::string what = concat("taking ", human_size(size), " of memory");
  if (skew >= kPage || size > SIZE_MAX - skew) return fail(Code::Invalid, what);
  Pages pages;
  if (size == 0) return pages;
  void* start = ::mmap(nullptr, static_cast<std::size_t>(skew + size), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return fail_errno(what);
  pages.start_ = static_cast<std::byte*>(start);
  pages.skew_ = static_cast<std::size_t>(skew);
  pages.size_ = static_cast<std::size_t>(size);
  // All of it now: it is quicker, and a lack of memory is an error here.
  if (::madvise(start, pages.skew_ + pages.size_, kPopulate) < 0 && errno != EINVAL) return fail_errno(what);
  return pages;
}

namespace {

std::optional<std::uint64_t> read_meminfo(const std::string& meminfo, std::string_view name) {
  constexpr std::uint64_t kMaxMeminfo = 64 * kKiB;
  const auto text = read_text(meminfo, kMaxMeminfo);
  if (!text) return std::nullopt;
  for (const std::string_view line : split_lines(*text)) {
    const auto words = split_words(line);
    if (words.size() < 2 || words[0] != name) continue;
    const auto kibibytes = parse_u64(words[1]);
    return kibibytes ? std::optional(*kibibytes * kKiB) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> total_memory() {
  return read_meminfo("/proc/meminfo", "MemTotal:");
}

std::optional<std::uint64_t> available_memory(const std::string& meminfo) {
  return read_meminfo(meminfo, "MemAvailable:");
}

Pages::~Pages() {
  if (start_ != nullptr) ::munmap(start_, skew_ + size_);
}

}  // namespace vhdboot::sys
