// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/arriving_image.h"

#include <array>

#include "base/text.h"
#include "init/arrive/hash_tree.h"
#include "init/arrive/web_address.h"
#include "init/volume/file_source.h"
#include "vhd/incomplete.h"

namespace vhdboot::stage {
namespace {

using arrive::kBlock;

// A file beside the image.
Result<volume::PlacedFile> place(HostVolume& volume, const volume::Path& image, std::string_view suffix) {
  volume::PlacedFile file;
  file.path = TRY(image.sibling(concat(image.name(), suffix)));
  file.layout = TRY(volume.reader->layout(file.path));
  TRY(volume::check_mappable(file.layout, file.path));
  TRY(volume.reader->check_allocation(file.path));
  return file;
}

}  // namespace

std::vector<Range> ArrivingImage::missing() const {
  auto copy = bits;  // only read
  const arrive::BlockMap map(copy, header.data_blocks);
  std::vector<Range> ranges;
  for (std::uint64_t at = map.next(0, false); at < header.data_blocks;) {
    const std::uint64_t end = map.next(at, true);
    ranges.push_back({at * kBlock, (end - at) * kBlock});
    at = map.next(end, false);
  }
  return ranges;
}

Result<std::unique_ptr<const ArrivingImage>> open_arriving(HostVolume& volume, const volume::Path& path,
                                                           const ByteSource& file, const record::Arrival& from) {
  std::array<std::byte, arrive::kTail> tail{};
  if (file.size() < tail.size()) return nullptr;
  TRY(file.read(file.size() - tail.size(), tail));
  // Who has no mark is complete, or none of ours.
  if (!vhd::is_incomplete(tail)) return nullptr;
  const auto mark = vhd::parse_incomplete(tail);
  if (!mark) return fail(Code::Corrupt, "what its end says of it is damaged: fetch it anew");
  (void)TRY_IN("`source`", arrive::parse_web_address(from.source));
  if (!from.address.empty()) (void)TRY_IN("`address`", arrive::parse_host_address(from.address));
  auto map = place(volume, path, ".map");
  if (!map && map.error().code == Code::NotFound) return nullptr;
  auto image = std::make_unique<ArrivingImage>();
  image->from = from;
  image->map = TRY(std::move(map));
  image->tree = TRY(place(volume, path, ".verity"));
  const volume::FileLayout& layout = image->map.layout;
  const volume::FileSource source(*volume.source, layout.extents, layout.size, layout.valid_size);
  const auto head = TRY(read_range(source, {0, kBlock}, kBlock, "the map beside it"));
  image->header = TRY_IN("the map beside it", arrive::parse_map_header(head));
  const std::uint64_t blocks = image->header.data_blocks;
  const arrive::MapLayout parts(blocks);
  if (image->header.size() != file.size() || layout.size != parts.size())
    return fail(Code::Corrupt, "the map beside it is that of another image: fetch it anew");
  const auto copy = TRY_IN("the map beside it", arrive::parse_map_copy(head));
  if (!copy.fits(mark->id, mark->starts))
    return fail(Code::Unsafe,
                "the map beside it is that of another copy of this image, older or newer: put back the "
                "two that belong together, or fetch it anew");
  if (image->header.salt != arrive::salt_of(image->header.size(), image->header.tail))
    return fail(Code::Corrupt, "the map beside it does not fit its root hash: fetch it anew");
  if (image->header.root != arrive::parse_digest(from.root_hash))
    return fail(Code::Unsafe, "it was begun with another root hash than `root-hash` says");
  if (volume.device.logical_block != kSectorSize)
    return fail(Code::Unsupported,
                "it is not complete, which takes a disk of blocks of 512 bytes: bring the rest with "
                "`vhdtool fetch`");
  image->bits = TRY(read_range(source, {kBlock, parts.bits.count * kBlock}, layout.size, "the map beside it"));
  image->contents =
      std::make_unique<arrive::ArrivingSource>(file, arrive::BlockMap(image->bits, blocks), image->header);
  return image;
}

}  // namespace vhdboot::stage
