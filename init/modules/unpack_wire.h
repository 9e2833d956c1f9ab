// SPDX-License-Identifier: GPL-2.0-or-later
// What process 1 asks the program that decompresses for it, and what that answers, as bytes: a step of a Decompressor.
// The program may have been taken over by what it decompresses: an answer is foreign bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "base/units.h"
#include "init/modules/decompress.h"

namespace vhdboot::modules {

/// Of a step. With so much more room what was sent is usually taken whole: the rest is sent again.
inline constexpr std::size_t kMostIn = 64 * kKiB;
inline constexpr std::size_t kMostOut = 256 * kKiB;
inline constexpr std::size_t kMostErrorText = 1024;  ///< what is longer is cut

/// Behind it comes the input.
struct StepRequest {
  std::uint32_t in = 0;    ///< bytes
  std::uint32_t room = 0;  ///< bytes

  friend bool operator==(const StepRequest&, const StepRequest&) = default;
};

using RequestHead = std::array<std::byte, 8>;
[[nodiscard]] RequestHead encode(const StepRequest& request);
/// Corrupt beyond the caps.
[[nodiscard]] Result<StepRequest> decode_request(const RequestHead& head);

/// Behind it comes the output, or the text of the error.
using AnswerHead = std::array<std::byte, 10>;
[[nodiscard]] AnswerHead encode_answer(const Result<Decompressor::Step>& done);

struct StepAnswer {
  bool failed = false;
  Decompressor::Step step;    ///< if not
  Code code = Code::Corrupt;  ///< else: of the error
  std::uint32_t follows = 0;  ///< bytes behind the head
};
/// Corrupt for an answer that no honest program gives to `asked`.
[[nodiscard]] Result<StepAnswer> decode_answer(const AnswerHead& head, const StepRequest& asked);
/// The error of an answer behind which `text` came, fit for a terminal.
[[nodiscard]] Error decode_error(const StepAnswer& answer, Bytes text);

}  // namespace vhdboot::modules
