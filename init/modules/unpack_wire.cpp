// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/unpack_wire.h"

#include <algorithm>

#include "base/text.h"
#include "base/wire.h"

namespace vhdboot::modules {
namespace {

enum class Kind : std::uint8_t { GoesOn, Complete, Failed };

// Of an error; the first one for what is none of them.
constexpr std::array kCodes{Code::Io, Code::Corrupt, Code::Unsupported, Code::NoMemory};

template <std::size_t Size>
void store(std::array<std::byte, Size>& head, std::size_t offset, std::size_t value) {
  (void)store_le(MutableBytes(head), offset, static_cast<std::uint32_t>(value));
}

}  // namespace

RequestHead encode(const StepRequest& request) {
  RequestHead head{};
  store(head, 0, request.in);
  store(head, 4, request.room);
  return head;
}

Result<StepRequest> decode_request(const RequestHead& head) {
  wire::Cursor in(head);
  const StepRequest request{.in = in.take<std::uint32_t>(), .room = in.take<std::uint32_t>()};
  if (request.in > kMostIn || request.room > kMostOut) return fail(Code::Corrupt, "no request");
  return request;
}

AnswerHead encode_answer(const Result<Decompressor::Step>& done) {
  AnswerHead head{};
  if (done) {
    head[0] = static_cast<std::byte>(done->complete ? Kind::Complete : Kind::GoesOn);
    store(head, 2, done->taken);
    store(head, 6, done->given);
  } else {
    head[0] = static_cast<std::byte>(Kind::Failed);
    const auto code = std::ranges::find(kCodes, done.error().code);
    head[1] = static_cast<std::byte>(code == kCodes.end() ? 0 : code - kCodes.begin());
    store(head, 6, std::min(done.error().text.size(), kMostErrorText));
  }
  return head;
}

Result<StepAnswer> decode_answer(const AnswerHead& head, const StepRequest& asked) {
  wire::Cursor in(head);
  const auto kind = in.take<std::uint8_t>();
  const std::size_t code = in.take<std::uint8_t>();
  const auto taken = in.take<std::uint32_t>();
  const auto follows = in.take<std::uint32_t>();
  if (kind == static_cast<std::uint8_t>(Kind::Failed)) {
    if (code >= kCodes.size() || taken != 0 || follows == 0 || follows > kMostErrorText)
      return fail(Code::Corrupt, "no error");
    return StepAnswer{.failed = true, .step = {}, .code = kCodes.at(code), .follows = follows};
  }
  if (kind > static_cast<std::uint8_t>(Kind::Complete) || code != 0) return fail(Code::Corrupt, "no answer");
  if (taken > asked.in) return fail(Code::Corrupt, "more taken than there was");
  if (follows > asked.room) return fail(Code::Corrupt, "more given than there is room for");
  return StepAnswer{
      .step = {.taken = taken, .given = follows, .complete = kind == static_cast<std::uint8_t>(Kind::Complete)},
      .follows = follows};
}

Error decode_error(const StepAnswer& answer, Bytes text) {
  return {answer.code, 0, printable(as_text(text))};
}

}  // namespace vhdboot::modules
