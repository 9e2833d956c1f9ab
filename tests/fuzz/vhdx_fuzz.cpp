// SPDX-License-Identifier: GPL-2.0-or-later
// A VHDX file, as tests/support/sparse_encoding.h writes it, with the checksums made right that only guard what is then
// read. The file with its log laid over it must be what the updates of the log give one after the other, and reading
// the disk in one piece and in odd ones the same.
#include <cstdlib>
#include <vector>

#include "tests/support/sealed_image.h"
#include "tests/support/sparse_encoding.h"
#include "vhd/disk.h"
#include "vhd/vhdx_log.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::vhd;

constexpr std::uint64_t kReadCap = 256 * 1024;

void check_replay(const ByteSource& file) {
  const auto header = read_vhdx_header(file);
  if (!header) return;
  const auto replay = read_vhdx_log(file, *header);
  if (!replay) return;
  const ReplayedFile replayed(file, *replay);
  if (replayed.size() < file.size()) std::abort();
  std::vector<std::byte> got(kLogSector);
  std::vector<std::byte> expected(kLogSector);
  for (const LogWrite& some : replay->writes) {
    // The last update of a sector counts.
    const std::uint64_t at = some.offset + some.length - kLogSector;
    for (const LogWrite& write : replay->writes) {
      if (at < write.offset || at - write.offset >= write.length) continue;
      expected = write.data.empty() ? std::vector<std::byte>(kLogSector) : write.data;
    }
    if (!replayed.read(at, got) || got != expected) std::abort();
  }
}

void compare(const ByteSource& disk) {
  std::vector<std::byte> whole(static_cast<std::size_t>(std::min(disk.size(), kReadCap)));
  const auto all = disk.read(0, whole);
  if (!all && all.error().code != Code::NotFound) std::abort();
  std::vector<std::byte> part;
  for (std::size_t at = 0; at < whole.size();) {
    part.resize(std::min<std::size_t>(at % 2 == 0 ? 777 : 8192, whole.size() - at));
    const auto read = disk.read(at, part);
    if (all && (!read || !std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(at))))
      std::abort();
    at += part.size();
  }
  part.resize(1);
  const auto last = disk.read(disk.size() - 1, part);
  if (!last && last.error().code != Code::NotFound) std::abort();
  if (disk.read(disk.size(), part)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::SparseImage image = test::decode_sparse({reinterpret_cast<const std::byte*>(data), size});
  test::seal_vhdx(image);
  check_replay(image);
  if (const auto disk = open_disk(image, "fuzz")) {
    if ((*disk)->info().allocated_blocks > (*disk)->info().blocks) std::abort();
    compare(**disk);
  }
  return 0;
}
