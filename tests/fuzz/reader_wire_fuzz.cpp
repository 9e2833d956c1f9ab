// SPDX-License-Identifier: GPL-2.0-or-later
// Input: a byte that says what was asked, and what a reader process answers. What is accepted must be possible, and
// come back when it is sent on. The whole input is read as a request, too.
#include <cstdlib>

#include "init/volume/extents.h"
#include "init/volume/reader_wire.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::volume;

constexpr std::uint64_t kPartition = 1 << 30;
constexpr std::uint64_t kCap = 4096;

void require(bool condition) {
  if (!condition) std::abort();
}

/// `value` was taken from `body`: it becomes the same bytes, but for layouts, whose neighbours are merged.
template <class T>
void expect_back(const Result<T>& value, Bytes body) {
  if (!value) {
    require(value.error().code == Code::Corrupt || value.error().code == Code::NoMemory);
    return;
  }
  const Message again = encode_answer(value);
  const auto answer = decode_answer(again);
  require(answer && !answer->error && std::ranges::equal(answer->body, body));
}

void check_facts(Bytes body) {
  const auto facts = decode_facts(body, kPartition);
  expect_back(facts, body);
  if (facts) require(facts->volume_size <= kPartition && facts->cluster_size >= kSectorSize);
}

void check_layout(Bytes body) {
  const VolumeFacts facts{.kind = Kind::Ntfs, .cluster_size = 4096, .volume_size = kPartition - 512};
  const auto layout = decode_layout(body, facts);
  if (!layout) return;
  require(layout->valid_size <= layout->size);
  std::uint64_t next = 0;
  for (const Extent& extent : layout->extents) {
    require(extent.length != 0 && extent.logical >= next && extent.length <= layout->size - extent.logical);
    require(extent.physical >= kSectorSize && extent.physical <= facts.volume_size &&
            extent.length <= facts.volume_size - extent.physical);
    next = extent.logical + extent.length;
    for (const Extent& other : layout->extents)
      require(&other == &extent || other.physical >= extent.physical + extent.length ||
              extent.physical >= other.physical + other.length);
  }
  require(merge_extents(layout->extents) == layout->extents);
  const Message again = encode(*layout);
  require(decode_layout(decode_answer(again)->body, facts) == *layout);
}

void check_request(Bytes message) {
  const auto request = decode_request(message);
  if (request) require(std::ranges::equal(encode(*request), message));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(reinterpret_cast<const std::byte*>(data), size);
  check_request(input);
  if (input.empty()) return 0;
  const auto answer = decode_answer(input.subspan(1));
  if (!answer) return 0;
  if (answer->error) {
    const Message again = encode(*answer->error);
    const auto same = decode_answer(again);
    require(same && same->error && same->error->text == answer->error->text && !same->error->message().empty());
    return 0;
  }
  const Bytes body = answer->body;
  const auto asked = parse_path("/boot/debian.vhd").value();
  switch (std::to_integer<unsigned>(input[0])) {
    case 0:
      expect_back(decode_state(body), body);
      break;
    case 1:
      check_layout(body);
      break;
    case 2:
      expect_back(decode_spelling(body, asked), body);
      break;
    case 3:
      expect_back(decode_list(body), body);
      break;
    case 4:
      expect_back(decode_contents(body, kCap), body);
      break;
    case 5:
      expect_back(decode_done(body), body);
      break;
    default:
      check_facts(body);
  }
  return 0;
}
