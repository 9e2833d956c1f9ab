// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/cpio_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"

namespace vhdboot::cpio {
namespace {

constexpr std::size_t kMagicSize = 6;
constexpr std::size_t kFieldSize = 8;
// Which of the fields behind the magic.
constexpr std::size_t kFileSize = 6;
constexpr std::size_t kNameSize = 11;

std::optional<std::uint64_t> field(std::string_view header, std::size_t number) {
  return parse_u64(header.substr(kMagicSize + number * kFieldSize, kFieldSize), 16);
}

}  // namespace

Result<EntryHeader> parse_header(Bytes header) {
  const std::string_view text = as_text(header);
  const auto size = field(text, kFileSize);
  const auto name_size = field(text, kNameSize);
  if ((!text.starts_with("070701") && !text.starts_with("070702")) || !size || !name_size)
    return fail(Code::Corrupt, "no header of a cpio archive in its newc format");
  return EntryHeader{.name_size = *name_size, .size = *size};
}

void Reader::expect(State state, std::uint64_t size) {
  state_ = state;
  left_ = size;
  taken_.clear();
}

Result<std::size_t> Reader::take(Bytes bytes) {
  std::size_t at = 0;
  for (;;) {
    if (state_ == State::Between) {
      for (; at < bytes.size() && bytes[at] == std::byte{0}; ++at) ++at_;
      if (at == bytes.size()) return at;
      if (follows_entry_ && at_ % kAlignment != 0)
        return fail(Code::Corrupt, "what follows a file in it is not aligned to four bytes");
      if (bytes[at] != std::byte{'0'} || at_ % kAlignment != 0) return at;
      expect(State::Header, kHeaderSize);
    }
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - at));
    const Bytes piece = bytes.subspan(at, count);
    if (state_ != State::Skipped && (state_ != State::Contents || wanted_))
      taken_.insert(taken_.end(), piece.begin(), piece.end());
    at += count;
    at_ += count;
    left_ -= count;
    if (left_ > 0) return at;
    switch (state_) {
      case State::Header:
        TRY(read_header());
        break;
      case State::Name:
        TRY(read_name());
        break;
      case State::Contents:
        end_contents();
        break;
      case State::Skipped:
        // The trailer need not come.
        expect(State::Between, 0);
        break;
      case State::Between:
        break;
    }
  }
}

Result<void> Reader::read_header() {
  header_ = TRY(parse_header(taken_));
  has_begun_ = follows_entry_ = true;
  if (header_.has_name())
    expect(State::Name, header_.padded_name());
  else
    expect(State::Skipped, header_.padded_name() + header_.padded_size());
  return {};
}

Result<void> Reader::read_name() {
  const std::string_view name = as_text(taken_).substr(0, static_cast<std::size_t>(header_.name_size));
  if (name.back() != '\0') return fail(Code::Corrupt, "a name in it has no end");
  name_ = name.substr(0, name.find('\0'));
  if (name_ == kTrailerName) {
    expect(State::Skipped, header_.padded_size());
    return {};
  }
  wanted_ = visitor_.entry(name_, header_.size);
  expect(State::Contents, header_.size);
  return {};
}

void Reader::end_contents() {
  if (wanted_) visitor_.contents(name_, std::exchange(taken_, {}));
  expect(State::Skipped, header_.padded_size() - header_.size);
}

}  // namespace vhdboot::cpio
