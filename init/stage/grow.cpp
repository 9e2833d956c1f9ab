// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/grow.h"

#include "base/text.h"
#include "base/wire.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;

constexpr auto kToTake = 10s;
constexpr std::size_t kMaxText = 4096;

}  // namespace

std::vector<std::string> to_words(const GrowRequest& request) {
  return {request.file,      std::to_string(request.file_size),   request.view,
          request.partition, std::to_string(request.gate_sector), request.map,
          request.map_uuid};
}

std::optional<GrowRequest> parse_grow_request(const std::vector<std::string_view>& words) {
  constexpr std::size_t kWords = 7;
  if (words.size() != kWords) return std::nullopt;
  const auto size = parse_u64(words[1]);
  const auto gate = parse_u64(words[4]);
  if (!size || !gate) return std::nullopt;
  return GrowRequest{.file = std::string(words[0]),
                     .file_size = *size,
                     .view = std::string(words[2]),
                     .partition = std::string(words[3]),
                     .gate_sector = *gate,
                     .map = std::string(words[5]),
                     .map_uuid = std::string(words[6])};
}

std::optional<ArriveRequest> parse_arrive_request(const std::vector<std::string_view>& words) {
  constexpr std::size_t kMore = 4;
  if (words.size() < kMore) return std::nullopt;
  auto disk = parse_grow_request({words.begin(), words.end() - kMore});
  if (!disk) return std::nullopt;
  const auto* const more = &words[words.size() - kMore];
  return ArriveRequest{
      .disk = *std::move(disk),
      .tree = std::string(more[0]),
      .from = {.source = std::string(more[1]), .root_hash = std::string(more[2]), .address = std::string(more[3])}};
}

Result<void> send_grow_answer(const sys::Messages& to, const Result<std::string>& device) {
  wire::Writer out;
  out.bits(device.has_value());
  out.text(device ? *device : device.error().message());
  return to.send(std::move(out).message(), sys::Deadline::in(kToTake));
}

Result<std::string> receive_grow_answer(const sys::Messages& from, sys::Deadline deadline) {
  const auto message = TRY(from.receive(2 * kMaxText, deadline));
  wire::Cursor in(message);
  const bool made = in.take<std::uint8_t>() != 0;
  std::string text = in.text(kMaxText);
  if (made) return text;
  return fail(Code::Io, printable(text));
}

}  // namespace vhdboot::stage
