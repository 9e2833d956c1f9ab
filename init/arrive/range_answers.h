// SPDX-License-Identifier: GPL-2.0-or-later
// What a web server answers when it is asked for ranges of one file, one after the other on one connection: heads and
// bodies as they come (RFC 9110, 14; RFC 9112).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/range.h"
#include "base/result.h"

namespace vhdboot::arrive {

/// Of one answer's head; and informational answers (1xx) in front of one.
inline constexpr std::size_t kMostHead = 32 * 1024;
inline constexpr unsigned kMostInformational = 16;

/// What tells that a file on a server is still the same.
struct Version {
  std::uint64_t size = 0;
  std::string tag;      ///< ETag; empty without
  std::string changed;  ///< Last-Modified; empty without
  friend bool operator==(const Version&, const Version&) = default;
};

/// The head of an answer, as far as it matters.
struct AnswerHead {
  unsigned status = 0;
  std::optional<Range> range;              ///< of Content-Range
  std::optional<std::uint64_t> file_size;  ///< of Content-Range
  std::optional<std::uint64_t> length;     ///< Content-Length
  std::string tag, changed, location, encoding;
};

/// `text` up to the empty line. Corrupt: it is none.
[[nodiscard]] Result<AnswerHead> parse_answer_head(std::string_view text);

class RangeAnswers {
 public:
  /// Takes the next bytes of a range, from `offset` of the file.
  using Take = std::function<Result<void>(std::uint64_t offset, Bytes bytes)>;

  /// `version`: what the file has to be. Without it, it is what the first answer says, and the ranges may go past its
  /// end.
  RangeAnswers(std::vector<Range> asked, std::optional<Version> version, Take take);

  /// The next bytes of the connection. What an answer gets that is not the range: NotFound, Unsupported, Unsafe for a
  /// file that has changed, Io, Corrupt. After an error nothing more may be added.
  [[nodiscard]] Result<void> add(Bytes bytes);

  /// Whether all of them have come.
  [[nodiscard]] bool complete() const { return next_ == asked_.size(); }
  /// Once the first head has come.
  [[nodiscard]] const std::optional<Version>& version() const { return version_; }

 private:
  /// Of a head that is complete.
  [[nodiscard]] Result<void> begin(std::string_view head);

  std::vector<Range> asked_;
  std::optional<Version> version_;
  bool known_;  // the version was, before the first answer
  Take take_;
  std::size_t next_ = 0;  // of asked_
  std::string head_;      // what has come of it
  unsigned informational_ = 0;
  std::optional<Range> body_;  // what has still to come
};

}  // namespace vhdboot::arrive
