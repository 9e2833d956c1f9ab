// SPDX-License-Identifier: GPL-2.0-or-later
// raw2vhd on any disk: what is planned stays within the file, makes a valid VHD of the promised size, changes nothing
// else, and leaves nothing to do for a second run.
//
// Input: flags, sectors of the old disk (u16), of the grown file (u16), bytes behind them (u16), then edits of 4 bytes
// (sector u16, place within it in steps of 2, value) in the file.
#include <cstdlib>

#include "tests/unit/vhd/disks.h"
#include "vhd/conversion.h"
#include "vhd/image.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::disk;
using namespace vhdboot::vhd;
using test::SparseFile;

enum Flag : std::uint8_t {
  kPad = 1,
  kRelocate = 2,
  kUuid = 4,
  kHoles = 8,
  kGpt = 16,
  kFooter = 32,
  kRightCrc = 64,
  kBlock4k = 128
};

void require(bool condition) {
  if (!condition) std::abort();
}

void fix_header_crc(SparseFile& file, std::uint32_t block) {
  auto header = file.bytes(block, block);
  static_cast<void>(store_le<std::uint32_t>(header, 16, 0u));
  const auto length = load_le<std::uint32_t>(header, 12).value_or(0);
  if (length <= block) static_cast<void>(store_le<std::uint32_t>(header, 16, crc32(Bytes(header).first(length))));
  file.put(block, header);
}

SparseFile make_file(Bytes input, std::uint8_t flags) {
  const std::uint64_t old_size = std::uint64_t{load_le<std::uint16_t>(input, 1).value_or(0)} * 512;
  const std::uint64_t new_size = std::uint64_t{load_le<std::uint16_t>(input, 3).value_or(0)} * 512;
  const std::uint32_t block = (flags & kBlock4k) != 0 ? 4096 : 512;
  SparseFile file(old_size);
  file.block = (flags & kHoles) != 0 ? 4096 : 0;
  if ((flags & kGpt) != 0 && old_size >= 100 * std::uint64_t{block})
    test::put_gpt(file, {.block = block, .disk_size = old_size, .first = 40, .last = 50});
  if ((flags & kFooter) != 0 && old_size > 0) test::append_footer(file);
  static_cast<void>(file.resize(new_size + load_le<std::uint16_t>(input, 5).value_or(0)));
  for (std::size_t i = 7; i + 4 <= input.size(); i += 4) {
    const std::uint64_t place =
        std::uint64_t{load_le<std::uint16_t>(input, i).value_or(0)} * 512 + std::to_integer<unsigned>(input[i + 2]) * 2;
    if (place < file.size()) file.put(place, input.subspan(i + 3, 1));
  }
  if ((flags & kRightCrc) != 0 && file.size() >= 2 * std::uint64_t{block}) fix_header_crc(file, block);
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 7 || size > 4096) return 0;
  const Bytes input{reinterpret_cast<const std::byte*>(data), size};
  const std::uint8_t flags = data[0];
  SparseFile file = make_file(input, flags);
  const SparseFile before = file;
  ConversionOptions options;
  options.fresh_uuid = "11111111-2222-4333-8444-555555555555"_guid;
  options.now = test::kBirthday + 1;
  options.pad = (flags & kPad) != 0;
  options.relocate_gpt = (flags & kRelocate) != 0;
  if ((flags & kUuid) != 0) options.uuid = test::kLinuxType;

  const auto plan = plan_conversion(file, options);
  require(file.bytes_read < 2 * kMiB + 512 * kKiB);
  if (!plan) return 0;
  require(plan->writes.size() <= 200);
  require(convert(file, *plan).has_value());
  require(file.size() == plan->new_file_size);
  const auto info = identify(file);
  require(info && info->format == Format::FixedVhd && info->payload_size == plan->payload_size);

  SparseFile restored = file;
  static_cast<void>(restored.resize(std::max(before.size(), plan->new_file_size)));
  for (const DiskWrite& write : plan->writes) {
    std::vector<std::byte> old(write.data.size());
    if (write.offset < before.size()) {
      const std::uint64_t there = std::min<std::uint64_t>(old.size(), before.size() - write.offset);
      require(before.read(write.offset, MutableBytes(old).first(static_cast<std::size_t>(there))).has_value());
    }
    restored.put(write.offset, old);
  }
  static_cast<void>(restored.resize(before.size()));
  require(restored == before);

  const auto again = plan_conversion(file, options);
  require(again.has_value() && again->writes.empty());
  return 0;
}
