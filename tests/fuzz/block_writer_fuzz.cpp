// SPDX-License-Identifier: GPL-2.0-or-later
// A VHDX file or a dynamic VHD, as tests/support/sparse_encoding.h writes it, with the checksums made right that only
// guard what is then read. Whatever it says, its writer must not write outside of the file, nor for ever; and an image
// that was read before is read afterwards, each block that was not given a place as it was.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

#include "tests/support/sealed_image.h"
#include "tests/support/sparse_encoding.h"
#include "vhd/disk.h"
#include "vhd/dynamic_vhd_writer.h"
#include "vhd/reblock.h"
#include "vhd/vhdx_writer.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::vhd;

constexpr std::uint64_t kMaxGiven = 5;
constexpr std::uint64_t kMaxProbes = 4096;
// All that may be written: headers and entries, the replay of a log, which is once the file at most, and a new table.
constexpr std::uint64_t kMaxWritten = 4 * test::kMaxDecodedSize;

class GuardedFile final : public ByteFile {
 public:
  explicit GuardedFile(test::SparseImage& image) : image_(image) {}
  [[nodiscard]] std::uint64_t size() const override { return image_.size(); }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    return image_.read(offset, out);
  }
  [[nodiscard]] Result<void> write(std::uint64_t offset, Bytes data) override {
    written_ += data.size();
    if (offset > size() || data.size() > size() - offset || written_ > kMaxWritten) std::abort();
    image_.write(offset, data);
    return {};
  }
  [[nodiscard]] Result<void> resize(std::uint64_t) override { std::abort(); }

 private:
  test::SparseImage& image_;
  std::uint64_t written_ = 0;
};

// A sector of each block; nothing where only a parent has it.
std::optional<std::vector<std::byte>> sector_of(const Disk& disk, std::uint64_t block, std::uint64_t block_size) {
  std::vector<std::byte> sector(static_cast<std::size_t>(std::min(kSectorSize, disk.size() - block * block_size)));
  if (!disk.read(block * block_size, sector)) return std::nullopt;
  return sector;
}

std::vector<BlockPlace> give_places(BlockWriter& writer) {
  std::vector<BlockPlace> given;
  const auto free = writer.free_places(kMaxGiven);
  const std::uint64_t probes = std::min(writer.blocks(), kMaxProbes);
  for (std::uint64_t block = 0; block < probes && given.size() < free.size(); ++block)
    if (!writer.place_of(block)) given.push_back({block, free[given.size()]});
  if (!writer.commit(given)) given.clear();
  return given;
}

void compare(const test::SparseImage& before, const test::SparseImage& after, const std::vector<BlockPlace>& given,
             std::uint64_t block_size) {
  const auto old = open_disk(before, "fuzz");
  const auto now = open_disk(after, "fuzz");
  if (!old) return;
  if (!now || (*old)->size() != (*now)->size()) std::abort();
  const std::uint64_t blocks = std::min(((*old)->size() + block_size - 1) / block_size, kMaxProbes);
  for (std::uint64_t block = 0; block < blocks; ++block) {
    const bool fresh = std::ranges::find(given, block, &BlockPlace::block) != given.end();
    if (!fresh && sector_of(**old, block, block_size) != sector_of(**now, block, block_size)) std::abort();
  }
}

constexpr AttachGuids kGuids{"aaaaaaaa-0000-4000-8000-000000000001"_guid, std::nullopt};
constexpr Guid kLog = "aaaaaaaa-0000-4000-8000-0000000000ff"_guid;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::SparseImage image = test::decode_sparse({reinterpret_cast<const std::byte*>(data), size});
  test::seal_vhdx(image);
  if (image.get<std::uint64_t>(0) != 0x656C696678646876) test::seal_vhd(image);  // "vhdxfile"
  const test::SparseImage before = image.copy();
  GuardedFile file(image);
  if (const auto writer = VhdxWriter::open(file, kGuids, kLog)) {
    const auto given = give_places(**writer);
    const std::uint64_t block_size = (*writer)->block_size();
    compare(before, image, given, block_size);
    if ((*writer)->close()) compare(before, image, given, block_size);
    if (const auto again = VhdxWriter::open(file, kGuids, kLog); again && reblock(file, **again))
      compare(before, image, given, block_size);
  } else if (const auto vhd = DynamicVhdWriter::open(file)) {
    const auto given = give_places(**vhd);
    compare(before, image, given, (*vhd)->block_size());
  }
  return 0;
}
