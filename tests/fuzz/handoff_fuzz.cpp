// SPDX-License-Identifier: GPL-2.0-or-later
// Input: a handoff. It is read as it is, and once more with a right checksum instead of its last line.
#include "init/blocks/view.h"
#include "init/record/handoff.h"

#include <cstdlib>

#include "base/crc32.h"
#include "base/text.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::blocks;
using namespace vhdboot::record;

void check(std::string_view text) {
  const auto handoff = parse_handoff(text);
  if (!handoff) {
    if (!handoff.error().text.starts_with("the handoff of stage 1 ")) std::abort();
    return;
  }
  const auto again = to_text(*handoff);
  if (!again || parse_handoff(*again) != *handoff) std::abort();
  for (const HandoffFile& file : handoff->files) {
    if (!compare_extents(file, file.size, file.extents)) std::abort();
    if (compare_extents(file, file.size + 1, file.extents)) std::abort();
    if (!is_volume_of(file, file.identity())) std::abort();
  }
  const HandoffFile& image = handoff->files.front();
  const auto view =
      flat_view({.size = image.size, .extents = image.extents},
                {.numbers = "8:1", .size = 1ULL << 40, .logical_block = handoff->guest_block, .cluster_size = 4096},
                handoff->payload_size);
  if (!view) return;
  std::uint64_t end = 0;
  for (const Row& row : view->rows) {
    if (row.start != end || row.length == 0) std::abort();
    end += row.length;
  }
  if (end * kSectorSize < handoff->payload_size) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text({reinterpret_cast<const std::byte*>(data), size});
  check(text);
  std::string sealed(text.substr(0, text.rfind("crc32 ")));
  sealed += concat("crc32 ", to_hex(crc32(as_bytes(sealed)), 8), '\n');
  check(sealed);
  return 0;
}
