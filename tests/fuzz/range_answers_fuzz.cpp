// SPDX-License-Identifier: GPL-2.0-or-later
// What a web server sends, in pieces whose length is the first byte: only what was asked for is taken, in its order,
// and the same in whatever pieces it comes.
#include <algorithm>
#include <string>

#include "init/arrive/range_answers.h"
#include "tests/fuzz/check.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::arrive;

struct Outcome {
  std::string taken;
  bool fine = true;
  bool complete = false;
};

Outcome read(Bytes bytes, std::size_t piece, std::optional<Version> version) {
  const std::vector<Range> asked{{0, 16}, {32, 1}, {40, 8}};
  std::vector<std::uint64_t> places;
  for (const Range& range : asked)
    for (std::uint64_t at = range.offset; at < range.end(); ++at) places.push_back(at);
  Outcome outcome;
  RangeAnswers answers(asked, version, [&](std::uint64_t offset, Bytes part) -> Result<void> {
    check(!part.empty());
    for (const std::byte byte : part) {
      if (version || outcome.taken.empty()) check(outcome.taken.size() < places.size());
      check(std::ranges::find(places, offset++) != places.end());
      outcome.taken += static_cast<char>(byte);
    }
    return {};
  });
  while (!bytes.empty() && outcome.fine) {
    const Bytes part = bytes.first(std::min(piece, bytes.size()));
    outcome.fine = answers.add(part).has_value();
    bytes = bytes.subspan(part.size());
  }
  outcome.complete = answers.complete();
  if (version && outcome.complete) check(outcome.taken.size() == places.size());
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes bytes(reinterpret_cast<const std::byte*>(data + 1), size - 1);
  for (const auto& version :
       {std::optional<Version>(), std::optional<Version>({.size = 64, .tag = "\"1\"", .changed = ""})}) {
    const Outcome one = read(bytes, bytes.size(), version);
    const Outcome other = read(bytes, std::size_t{data[0]} + 1, version);
    check(one.taken == other.taken && one.fine == other.fine && one.complete == other.complete);
  }
  return 0;
}
