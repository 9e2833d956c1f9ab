// SPDX-License-Identifier: GPL-2.0-or-later
// Input: a request, and what the program that decompresses answers. What is accepted must be possible, and come back
// when it is sent on.
#include <algorithm>
#include <cstdlib>

#include "init/modules/unpack_wire.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::modules;

void require(bool condition) {
  if (!condition) std::abort();
}

template <class Head>
Head take(Bytes& input) {
  Head head{};
  const std::size_t size = std::min(input.size(), head.size());
  std::ranges::copy(input.first(size), head.begin());
  input = input.subspan(size);
  return head;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes input(reinterpret_cast<const std::byte*>(data), size);
  const auto request_head = take<RequestHead>(input);
  const auto request = decode_request(request_head);
  if (!request) return 0;
  require(request->in <= kMostIn && request->room <= kMostOut && encode(*request) == request_head);
  const auto head = take<AnswerHead>(input);
  const auto answer = decode_answer(head, *request);
  if (!answer) {
    require(answer.error().code == Code::Corrupt);
    return 0;
  }
  if (!answer->failed) {
    require(answer->step.taken <= request->in && answer->step.given <= request->room);
    require(answer->follows == answer->step.given && encode_answer(answer->step) == head);
    return 0;
  }
  require(answer->follows > 0 && answer->follows <= kMostErrorText);
  const Error error = decode_error(*answer, input.first(std::min<std::size_t>(input.size(), answer->follows)));
  require(error.code == answer->code && error.sys_errno == 0);
  require(encode_answer(fail(error.code, std::string(answer->follows, 'x'))) == head);
  return 0;
}
