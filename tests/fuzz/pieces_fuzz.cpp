// SPDX-License-Identifier: GPL-2.0-or-later
// The images of a chain, the child first: for each the length (u32) of what follows, and the image of any format as
// tests/support/sparse_encoding.h writes it. The checksums are made right. The bytes of the disk's pieces in the files
// must be those that reading the disk gives.
#include <cstdlib>
#include <vector>

#include "tests/support/piece_check.h"
#include "tests/support/sealed_image.h"
#include "tests/support/sparse_encoding.h"
#include "vhd/disk.h"
#include "vhd/image.h"
#include "vhd/pieces.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::vhd;

constexpr std::size_t kMostImages = 5;
constexpr std::size_t kMostPieces = 4096;

std::vector<test::SparseImage> decode_chain(Bytes in) {
  std::vector<test::SparseImage> images;
  while (const auto length = load_le<std::uint32_t>(in, 0)) {
    in = in.subspan(4);
    const Bytes encoded = in.first(std::min<std::size_t>(*length, in.size()));
    test::SparseImage& image = images.emplace_back(test::decode_sparse(encoded));
    const auto format = foreign_format(image);
    if (format && *format == Format::Vhdx)
      test::seal_vhdx(image);
    else
      test::seal_vhd(image);
    in = in.subspan(encoded.size());
    if (images.size() == kMostImages) break;
  }
  return images;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<test::SparseImage> images = decode_chain({reinterpret_cast<const std::byte*>(data), size});
  if (images.empty()) return 0;
  std::size_t opened = 1;
  const auto next = [&](std::string_view, std::string_view) -> Result<OpenedFile> {
    if (opened == images.size()) return fail(Code::NotFound, "enough");
    const test::SparseImage& image = images[opened++];
    return OpenedFile{"parent", std::make_unique<SliceSource>(image, 0, image.size()), 0};
  };
  const auto disk = open_disk(images.front(), "fuzz", next);
  if (!disk) return 0;
  const auto pieces = pieces_of(**disk);
  if (!pieces || pieces->size() > kMostPieces) return 0;
  std::vector<const ByteSource*> files;
  for (const test::SparseImage& image : images) files.push_back(&image);
  if (!test::piece_fault(**disk, *pieces, files, kSectorSize).empty()) std::abort();
  return 0;
}
