// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/try_volume.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/quoted.h"
#include "base/text.h"
#include "base/units.h"
#include "init/volume/path.h"

namespace vhdboot::command {
namespace {

constexpr std::uint64_t kMaxSize = 16ULL << 40;
constexpr std::uint64_t kMaxClusters = 1 << 22;  // the FAT is in memory
constexpr unsigned kLeastClusterShift = 15;
constexpr std::uint32_t kSerial = 0x7E57D15C;
constexpr std::size_t kBootSectors = 12;
constexpr std::uint32_t kFatSector = 2 * kBootSectors;
constexpr std::size_t kEntry = 32;

template <std::unsigned_integral T>
void put(MutableBytes bytes, std::size_t at, T value) {
  (void)store_le(bytes, at, value);
}

std::uint64_t pieces(std::uint64_t size, std::uint64_t piece) {
  return (size + piece - 1) / piece;
}

template <std::unsigned_integral T>
T rotated_sum(T sum, std::byte byte) {
  constexpr int kBits = sizeof(T) * 8;
  return static_cast<T>(static_cast<T>(sum >> 1 | sum << (kBits - 1)) + std::to_integer<T>(byte));
}

// Only for ASCII, in the compressed form: runs that stay as they are.
std::vector<std::byte> upcase_table() {
  std::vector<std::uint16_t> units{0xFFFF, 'a'};
  for (std::uint16_t letter = 'A'; letter <= 'Z'; ++letter) units.push_back(letter);
  units.insert(units.end(), {0xFFFF, static_cast<std::uint16_t>(0x10000 - 'z' - 1)});
  std::vector<std::byte> table(units.size() * 2);
  for (std::size_t i = 0; i < units.size(); ++i) put(table, 2 * i, units[i]);
  return table;
}

char16_t upcase(char16_t unit) {
  return unit >= u'a' && unit <= u'z' ? static_cast<char16_t>(unit - 0x20) : unit;
}

struct Layout {
  unsigned cluster_shift = kLeastClusterShift;
  std::uint32_t clusters = 0;
  std::uint32_t fat_sectors = 0;
  std::uint32_t heap_sector = 0;
  std::uint32_t bitmap_clusters = 0;

  [[nodiscard]] std::uint64_t cluster() const { return 1ULL << cluster_shift; }
  // The first one has number 2.
  [[nodiscard]] std::uint32_t upcase_cluster() const { return 2 + bitmap_clusters; }
  [[nodiscard]] std::uint32_t root_cluster() const { return upcase_cluster() + 1; }
  [[nodiscard]] std::uint32_t file_cluster() const { return root_cluster() + 1; }
  [[nodiscard]] std::uint64_t offset(std::uint32_t number) const {
    return heap_sector * kSectorSize + (number - 2) * cluster();
  }
};

Layout lay_out(std::uint64_t size) {
  Layout layout;
  while (pieces(size, layout.cluster()) > kMaxClusters) ++layout.cluster_shift;
  const auto of_file = static_cast<std::uint32_t>(pieces(size, layout.cluster()));
  // The bitmap counts itself.
  do {
    ++layout.bitmap_clusters;
    layout.clusters = layout.bitmap_clusters + 2 + of_file;
  } while (pieces(layout.clusters, 8) > layout.bitmap_clusters * layout.cluster());
  layout.fat_sectors = static_cast<std::uint32_t>(pieces((layout.clusters + 2ULL) * 4, kSectorSize));
  const std::uint64_t front = (kFatSector + layout.fat_sectors) * kSectorSize;
  layout.heap_sector = static_cast<std::uint32_t>(pieces(front, layout.cluster()) * layout.cluster() / kSectorSize);
  return layout;
}

void put_boot_region(const Layout& layout, MutableBytes region) {
  constexpr std::array<std::uint8_t, 3> kJump{0xEB, 0x76, 0x90};
  for (std::size_t i = 0; i < kJump.size(); ++i) region[i] = std::byte{kJump[i]};
  std::ranges::copy(as_bytes("EXFAT   "), region.begin() + 3);
  put(region, 72, std::uint64_t{layout.heap_sector} + layout.clusters * (layout.cluster() / kSectorSize));
  put(region, 80, kFatSector);
  put(region, 84, layout.fat_sectors);
  put(region, 88, layout.heap_sector);
  put(region, 92, layout.clusters);
  put(region, 96, layout.root_cluster());
  put(region, 100, kSerial);
  put(region, 104, std::uint16_t{0x0100});                                // revision
  put(region, 108, std::uint8_t{9});                                      // bytes per sector
  put(region, 109, static_cast<std::uint8_t>(layout.cluster_shift - 9));  // sectors per cluster
  put(region, 110, std::uint8_t{1});                                      // FATs
  put(region, 111, std::uint8_t{0x80});                                   // drive
  put(region, 112, std::uint8_t{100});                                    // percent in use
  for (std::size_t sector = 0; sector < 9; ++sector) put(region, (sector + 1) * kSectorSize - 2, std::uint16_t{0xAA55});
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < (kBootSectors - 1) * kSectorSize; ++i)
    if (i != 106 && i != 107 && i != 112) sum = rotated_sum(sum, region[i]);
  for (std::size_t i = (kBootSectors - 1) * kSectorSize; i < kBootSectors * kSectorSize; i += 4) put(region, i, sum);
}

void put_fat(const Layout& layout, MutableBytes fat) {
  constexpr std::uint32_t kLast = 0xFFFFFFFF;
  put(fat, 0, std::uint32_t{0xFFFFFFF8});
  put(fat, 4, kLast);
  for (std::uint32_t i = 0; i < layout.bitmap_clusters; ++i)
    put(fat, 4 * (2ULL + i), i + 1 == layout.bitmap_clusters ? kLast : 3 + i);
  put(fat, 4ULL * layout.upcase_cluster(), kLast);
  put(fat, 4ULL * layout.root_cluster(), kLast);
}

void put_root(const Layout& layout, std::u16string_view name, std::uint64_t size, Bytes table, MutableBytes root) {
  put(root, 0, std::uint8_t{0x83});  // the label
  constexpr std::u16string_view kLabel = u"TRY";
  put(root, 1, static_cast<std::uint8_t>(kLabel.size()));
  for (std::size_t i = 0; i < kLabel.size(); ++i) put(root, 2 + 2 * i, static_cast<std::uint16_t>(kLabel[i]));
  const MutableBytes bitmap = root.subspan(kEntry, kEntry);
  put(bitmap, 0, std::uint8_t{0x81});
  put(bitmap, 20, std::uint32_t{2});
  put(bitmap, 24, pieces(layout.clusters, 8));
  const MutableBytes upcased = root.subspan(2 * kEntry, kEntry);
  std::uint32_t table_sum = 0;
  for (const std::byte byte : table) table_sum = rotated_sum(table_sum, byte);
  put(upcased, 0, std::uint8_t{0x82});
  put(upcased, 4, table_sum);
  put(upcased, 20, layout.upcase_cluster());
  put(upcased, 24, std::uint64_t{table.size()});

  constexpr std::size_t kUnitsInEntry = 15;
  constexpr std::uint32_t kTime = (2024 - 1980) << 25 | 1 << 21 | 1 << 16;
  const std::size_t name_entries = pieces(name.size(), kUnitsInEntry);
  const MutableBytes set = root.subspan(3 * kEntry, (2 + name_entries) * kEntry);
  put(set, 0, std::uint8_t{0x85});
  put(set, 1, static_cast<std::uint8_t>(1 + name_entries));
  put(set, 4, std::uint16_t{0x20});  // archive
  for (const std::size_t at : {8, 12, 16}) put(set, at, kTime);
  const MutableBytes stream = set.subspan(kEntry, kEntry);
  std::uint16_t hash = 0;
  for (const char16_t unit : name) {
    const char16_t upper = upcase(unit);
    hash = rotated_sum(hash, static_cast<std::byte>(upper & 0xFF));
    hash = rotated_sum(hash, static_cast<std::byte>(upper >> 8));
  }
  put(stream, 0, std::uint8_t{0xC0});
  put(stream, 1, std::uint8_t{0x03});  // in one piece, without the FAT
  put(stream, 3, static_cast<std::uint8_t>(name.size()));
  put(stream, 4, hash);
  put(stream, 8, size);
  put(stream, 20, layout.file_cluster());
  put(stream, 24, size);
  for (std::size_t i = 0; i < name.size(); ++i) {
    const std::size_t entry = (2 + i / kUnitsInEntry) * kEntry;
    put(set, entry, std::uint8_t{0xC1});
    put(set, entry + 2 + 2 * (i % kUnitsInEntry), static_cast<std::uint16_t>(name[i]));
  }
  std::uint16_t sum = 0;
  for (std::size_t i = 0; i < set.size(); ++i)
    if (i != 2 && i != 3) sum = rotated_sum(sum, set[i]);
  put(set, 2, sum);
}

}  // namespace

Result<TryVolume> lay_out_try_volume(std::string_view name, std::uint64_t size) {
  const volume::Path path = TRY(volume::parse_path(concat('/', name)));
  const auto units = to_utf16(name);
  if (!units || path.components().size() != 1)
    return fail(Code::Invalid, concat(quoted(name), " is no name for a file"));
  if (size == 0 || size % kSectorSize != 0 || size > kMaxSize)
    return fail(Code::Unsupported, concat("an image of ", size, " bytes cannot be tried"));
  const Layout layout = lay_out(size);
  TryVolume made;
  made.head.resize(static_cast<std::size_t>(layout.offset(layout.file_cluster())));
  made.tail = layout.offset(layout.clusters + 2) - made.head.size() - size;
  const MutableBytes head = made.head;
  put_boot_region(layout, head);
  put_boot_region(layout, head.subspan(kBootSectors * kSectorSize));
  put_fat(layout, head.subspan(kFatSector * kSectorSize));
  const MutableBytes bitmap = head.subspan(layout.offset(2));
  for (std::uint32_t i = 0; i < layout.clusters; ++i) bitmap[i / 8] |= static_cast<std::byte>(1U << (i % 8));
  const auto table = upcase_table();
  std::ranges::copy(table, head.subspan(layout.offset(layout.upcase_cluster())).begin());
  put_root(layout, *units, size, table, head.subspan(layout.offset(layout.root_cluster())));
  return made;
}

Result<std::string> describe_try_disk(const std::vector<TryPiece>& pieces) {
  // No empty line: QEMU (block/vmdk.c, sscanf) would read the line behind it twice.
  std::string text =
      "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType=\"twoGbMaxExtentFlat\"\n"
      "# Extent description\n";
  for (const TryPiece& piece : pieces) {
    if (!fits_line(piece.path) || piece.path.find('"') != std::string::npos)
      return fail(Code::Invalid, concat(quoted(piece.path), " has a quote in its name, which QEMU does not take"));
    if (piece.size != 0) text += concat("RW ", piece.size / kSectorSize, " FLAT \"", piece.path, "\" 0\n");
  }
  return text;
}

}  // namespace vhdboot::command
