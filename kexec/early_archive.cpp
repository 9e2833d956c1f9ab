// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/early_archive.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/cpio.h"
#include "base/cpio_reader.h"
#include "base/text.h"

namespace vhdboot::kexec {
namespace {

constexpr std::size_t kMaxEntries = 256;
constexpr std::string_view kFolder = "kernel";

struct Entry {
  std::string name;
  std::uint64_t next = 0;  // where the next one may begin
};

std::optional<Entry> read_entry(const ByteSource& part, std::uint64_t at) {
  std::array<std::byte, cpio::kHeaderSize> bytes{};
  if (!part.read(at, bytes)) return std::nullopt;
  const auto header = cpio::parse_header(bytes);
  if (!header || !header->has_name()) return std::nullopt;
  std::string name(static_cast<std::size_t>(header->name_size - 1), '\0');
  if (!part.read(at + cpio::kHeaderSize, std::as_writable_bytes(std::span(name)))) return std::nullopt;
  return Entry{.name = std::move(name), .next = at + cpio::kHeaderSize + header->padded_name() + header->padded_size()};
}

bool is_early(std::string_view name) {
  if (name == cpio::kTrailerName || name == ".") return true;
  if (name.starts_with("./")) name.remove_prefix(2);
  return name == kFolder || (name.starts_with(kFolder) && name.substr(kFolder.size()).starts_with('/'));
}

// The first byte from `at` on that is not zero; the end when there is none, or it cannot be read.
std::uint64_t behind_zeros(const ByteSource& part, std::uint64_t at) {
  std::array<std::byte, 4096> window{};
  while (at < part.size()) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(window.size(), part.size() - at));
    const auto bytes = MutableBytes(window).first(count);
    if (!part.read(at, bytes)) return part.size();
    const auto found = std::ranges::find_if(bytes, [](std::byte byte) { return byte != std::byte{0}; });
    at += static_cast<std::uint64_t>(found - bytes.begin());
    if (found != bytes.end()) break;
  }
  return at;
}

}  // namespace

bool is_early_archive(const ByteSource& file, const Range& range) {
  const SliceSource part(file, range.offset, range.length);
  std::uint64_t at = 0;
  bool has_files = false;
  for (std::size_t count = 0; count < kMaxEntries; ++count) {
    const auto entry = read_entry(part, at);
    if (!entry || !is_early(entry->name)) return false;
    has_files = has_files || entry->name.contains('/');
    at = behind_zeros(part, entry->next);
    if (at >= part.size()) return has_files && entry->next <= align_up(part.size(), cpio::kAlignment);
  }
  return false;
}

}  // namespace vhdboot::kexec
