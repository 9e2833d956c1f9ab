// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/size_text.h"

#include <algorithm>

#include "base/text.h"
#include "base/units.h"

namespace vhdboot {
namespace {

constexpr std::uint64_t kLargestFile = std::uint64_t{1} << 62;

/// What `suffix` multiplies by; 0 when it is none.
std::uint64_t factor_of(std::string_view suffix) {
  if (suffix.empty()) return 1;
  const std::string lower = to_lower_ascii(suffix);
  if (lower.size() != 1 && lower.substr(1) != "ib") return 0;
  switch (lower.front()) {
    case 'k':
      return kKiB;
    case 'm':
      return kMiB;
    case 'g':
      return kGiB;
    case 't':
      return kTiB;
    default:
      return 0;
  }
}

}  // namespace

Result<std::uint64_t> parse_bytes(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_u64(text.substr(0, digits));
  const std::uint64_t factor = factor_of(text.substr(digits));
  if (!number || factor == 0)
    return fail(Code::Invalid, concat("\"", printable(text), "\" is no size such as 64G, 512M or 1073741824"));
  if (*number > kLargestFile / factor) return fail(Code::Invalid, concat("no file can have the size ", text));
  return *number * factor;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  const std::uint64_t size = TRY(parse_bytes(text));
  if (size == 0) return fail(Code::Invalid, "a disk of 0 bytes is none");
  if (size % kSectorSize != 0)
    return fail(Code::Invalid,
                concat("the size ", text, " is not a multiple of 512; the next one is ", align_up(size, kSectorSize)));
  return size;
}

Result<std::uint64_t> parse_new_size(std::string_view text, std::uint64_t present) {
  if (!text.starts_with('+')) return parse_size(text);
  return present + TRY(parse_size(text.substr(1)));
}

}  // namespace vhdboot
