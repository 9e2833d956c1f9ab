// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/arrive/range_answers.h"

#include <algorithm>
#include <utility>

#include "base/quoted.h"
#include "base/text.h"

namespace vhdboot::arrive {
namespace {

constexpr std::string_view kBegin = "HTTP/";
constexpr std::string_view kTooMuch = "the server sends more than it was asked for";

/// "bytes 0-4095/1048576".
bool parse_content_range(std::string_view value, AnswerHead& head) {
  constexpr std::string_view kUnit = "bytes ";
  if (!to_lower_ascii(value.substr(0, kUnit.size())).starts_with(kUnit)) return false;
  value.remove_prefix(kUnit.size());
  const std::size_t dash = value.find('-');
  const std::size_t slash = value.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) return false;
  const auto first = parse_u64(value.substr(0, dash));
  const auto last = parse_u64(value.substr(dash + 1, slash - dash - 1));
  const auto size = parse_u64(value.substr(slash + 1));
  if (!first || !last || !size || *last < *first || *last >= *size) return false;
  head.range = Range{*first, *last - *first + 1};
  head.file_size = *size;
  return true;
}

/// The place behind the empty line; nothing when it has not come yet.
std::optional<std::size_t> end_of_head(std::string_view text) {
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    if (text.substr(at + 1).starts_with('\n')) return at + 2;
    if (text.substr(at + 1).starts_with("\r\n")) return at + 3;
  }
  return std::nullopt;
}

/// Why an answer brings nothing.
Error failed(const AnswerHead& head) {
  const auto error = [](Code code, std::string text) { return Error{code, 0, std::move(text)}; };
  const std::string status = concat(" (status ", head.status, ')');
  if (head.status == 200)
    return error(Code::Unsupported,
                 "the server sends no parts of a file: take one that answers ranges, as nginx and Apache do");
  if (head.status / 100 == 3)
    return error(Code::Unsupported,
                 concat("the server sends to another address", status, ": give that one, ", quoted(head.location)));
  if (head.status == 404 || head.status == 410) return error(Code::NotFound, "the server has no such file" + status);
  if (head.status == 416) return error(Code::Corrupt, "the file on the server is empty or was cut off" + status);
  if (head.status / 100 == 4) return error(Code::Unsupported, "the server does not give it to us" + status);
  return error(Code::Io, concat("the server failed", status, ": run it again later"));
}

}  // namespace

Result<AnswerHead> parse_answer_head(std::string_view text) {
  const auto lines = split_lines(text);
  const auto words = lines.empty() ? std::vector<std::string_view>() : split_words(lines.front());
  const std::uint64_t status = words.size() < 2 ? 0 : parse_u64(words[1]).value_or(0);
  if (words.empty() || !words[0].starts_with(kBegin) || status < 100 || status > 599)
    return fail(Code::Corrupt, "the server does not answer as a web server does");
  AnswerHead head{.status = static_cast<unsigned>(status)};
  for (const std::string_view line : std::span(lines).subspan(1)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string name = to_lower_ascii(line.substr(0, colon));
    const std::string_view value = trim(line.substr(colon + 1));
    if (name == "content-range" && !parse_content_range(value, head) && head.status == 206)
      return fail(Code::Corrupt, concat("the server answers with a range that is none: ", quoted(value)));
    if (name == "content-length") head.length = parse_u64(value);
    if (name == "etag") head.tag = value;
    if (name == "last-modified") head.changed = value;
    if (name == "location") head.location = value;
    if (name == "content-encoding") head.encoding = value;
  }
  return head;
}

RangeAnswers::RangeAnswers(std::vector<Range> asked, std::optional<Version> version, Take take)
    : asked_(std::move(asked)), version_(std::move(version)), known_(version_.has_value()), take_(std::move(take)) {}

Result<void> RangeAnswers::begin(std::string_view text) {
  const AnswerHead head = TRY(parse_answer_head(text));
  if (head.status / 100 == 1) {
    if (++informational_ > kMostInformational) return fail(Code::Corrupt, "the server does not come to its answer");
    return {};
  }
  informational_ = 0;
  if (head.status != 206) return std::unexpected(failed(head));
  if (!head.range) return fail(Code::Unsupported, "the server does not say which part of the file it sends");
  if (!head.encoding.empty() && to_lower_ascii(head.encoding) != "identity")
    return fail(Code::Unsupported, concat("the server sends it in another encoding, ", quoted(head.encoding)));
  // Without it nobody could tell an answer that was cut off.
  if (!head.length) return fail(Code::Unsupported, "the server does not say how much it sends");
  Version version{.size = *head.file_size, .tag = head.tag, .changed = head.changed};
  if (version_ && *version_ != version)
    return fail(Code::Unsafe, "the file on the server was changed while it was fetched: run it again");
  Range wanted = asked_[next_];
  if (!known_ && wanted.offset < version.size) wanted.length = std::min(wanted.length, version.size - wanted.offset);
  if (*head.range != wanted || *head.length != wanted.length)
    return fail(Code::Corrupt, concat("the server sends ", *head.length, " bytes from byte ", head.range->offset,
                                      ", asked for ", wanted.length, " from ", wanted.offset));
  version_ = std::move(version);
  body_ = wanted;
  return {};
}

Result<void> RangeAnswers::add(Bytes bytes) {
  while (!bytes.empty()) {
    if (!body_) {
      if (complete()) return fail(Code::Corrupt, std::string(kTooMuch));
      const std::size_t had = head_.size();
      head_ += as_text(bytes.first(std::min(bytes.size(), kMostHead + 1 - had)));
      if (!kBegin.starts_with(head_.substr(0, kBegin.size())))
        return fail(Code::Corrupt,
                    next_ == 0 ? "the server does not answer as a web server does" : std::string(kTooMuch));
      const auto end = end_of_head(head_);
      if (!end && head_.size() > kMostHead) return fail(Code::Corrupt, "the server's answer has no end of its head");
      if (!end) return {};
      const std::string head = head_.substr(0, *end);
      bytes = bytes.subspan(*end - had);
      head_.clear();
      TRY(begin(head));
      continue;
    }
    const auto piece = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), body_->length)));
    TRY(take_(body_->offset, piece));
    bytes = bytes.subspan(piece.size());
    *body_ = {body_->offset + piece.size(), body_->length - piece.size()};
    if (!body_->empty()) continue;
    body_.reset();
    ++next_;
  }
  return {};
}

}  // namespace vhdboot::arrive
