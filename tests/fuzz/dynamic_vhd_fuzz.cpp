// SPDX-License-Identifier: GPL-2.0-or-later
// A dynamic or differencing VHD, as tests/support/sparse_encoding.h writes it. The checksums that only guard what is
// then read are made right first. What is read in one piece and in odd ones must be the same.
#include <cstdlib>
#include <vector>

#include "tests/support/sealed_image.h"
#include "tests/support/sparse_encoding.h"
#include "vhd/disk.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::vhd;

constexpr std::uint64_t kReadCap = 256 * 1024;

void compare(const ByteSource& disk) {
  std::vector<std::byte> whole(static_cast<std::size_t>(std::min(disk.size(), kReadCap)));
  const auto all = disk.read(0, whole);
  if (!all && all.error().code != Code::NotFound) std::abort();
  std::vector<std::byte> part;
  for (std::size_t at = 0; at < whole.size();) {
    part.resize(std::min<std::size_t>(at % 2 == 0 ? 777 : 4096, whole.size() - at));
    const auto read = disk.read(at, part);
    if (all && (!read || !std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(at))))
      std::abort();
    at += part.size();
  }
  part.resize(1);
  if (disk.read(disk.size(), part)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::SparseImage image = test::decode_sparse({reinterpret_cast<const std::byte*>(data), size});
  test::seal_vhd(image);
  unsigned opened = 0;
  const auto itself = [&](std::string_view, std::string_view path) -> Result<OpenedFile> {
    if (local_parent_path(path).find('\\') != std::string::npos) std::abort();
    if (opened++ > 2) return fail(Code::NotFound, "enough");
    return OpenedFile{"parent", std::make_unique<SliceSource>(image, 0, image.size()), 0};
  };
  if (const auto disk = open_disk(image, "fuzz", itself)) compare(**disk);
  if (const auto disk = open_disk(image, "fuzz")) {
    if ((*disk)->info().allocated_blocks > (*disk)->info().blocks) std::abort();
    compare(**disk);
  }
  return 0;
}
