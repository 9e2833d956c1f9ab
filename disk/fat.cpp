// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/fat.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <utility>

#include "base/text.h"

namespace vhdboot::disk {
namespace {

namespace boot {  // "Boot Sector and BPB"
constexpr std::size_t kBytesPerSector = 11;
constexpr std::size_t kSectorsPerCluster = 13;
constexpr std::size_t kReserved = 14;
constexpr std::size_t kFats = 16;
constexpr std::size_t kRootEntries = 17;
constexpr std::size_t kSectors16 = 19;
constexpr std::size_t kFatSize16 = 22;
constexpr std::size_t kSectors32 = 32;
constexpr std::size_t kFatSize32 = 36;
constexpr std::size_t kRootCluster = 44;
constexpr std::size_t kSignature = 510;
}  // namespace boot

namespace dir {  // "FAT Directory Structure", "FAT Long Directory Entries"
constexpr std::size_t kEntrySize = 32;
constexpr std::size_t kAttributes = 11;
constexpr std::size_t kCaseFlags = 12;
constexpr std::size_t kClusterHigh = 20;
constexpr std::size_t kClusterLow = 26;
constexpr std::size_t kSize = 28;
constexpr unsigned kVolumeId = 0x08;
constexpr unsigned kDirectory = 0x10;
constexpr unsigned kLongName = 0x0F;
constexpr std::size_t kLongChecksum = 13;
constexpr unsigned kLongLast = 0x40;
constexpr unsigned kMaxLongEntries = 20;
constexpr std::size_t kLongUnits = 13;
constexpr std::array<std::size_t, kLongUnits> kLongUnitPlaces{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
}  // namespace dir

constexpr std::uint32_t kMaxFat12Clusters = 4084;
constexpr std::uint32_t kMaxFat16Clusters = 65524;
constexpr std::uint32_t kMaxFat32Clusters = 0x0FFFFFF5;
constexpr std::uint32_t kEndOfChain = 0x0FFFFFFF;
constexpr std::uint64_t kWindow = 64 * kKiB;

template <class T>
T field(Bytes bytes, std::size_t offset) {
  return load_le<T>(bytes, offset).value_or(0);
}

std::string short_name(Bytes entry) {
  const auto flags = field<std::uint8_t>(entry, dir::kCaseFlags);
  const auto part = [&](std::size_t from, std::size_t count, bool lower) {
    std::string text;
    for (std::size_t i = from; i < from + count; ++i) {
      const auto c = field<std::uint8_t>(entry, i);
      text += c < 0x80 ? static_cast<char>(c) : '_';  // the code page is not known
    }
    while (text.ends_with(' ')) text.pop_back();
    return lower ? to_lower_ascii(text) : text;
  };
  std::string name = part(0, 8, (flags & 0x08) != 0);
  const std::string extension = part(8, 3, (flags & 0x10) != 0);
  if (!extension.empty()) name += concat('.', extension);
  return name;
}

std::uint8_t short_checksum(Bytes entry) {
  unsigned sum = 0;
  for (std::size_t i = 0; i < 11; ++i) sum = ((sum << 7 | sum >> 1) + field<std::uint8_t>(entry, i)) & 0xFF;
  return static_cast<std::uint8_t>(sum);
}

// The pieces of a long name, which come last one first, in front of the entry that they belong to.
class LongName {
 public:
  void add(Bytes entry) {
    const unsigned order = field<std::uint8_t>(entry, 0);
    const unsigned number = order & ~dir::kLongLast;
    const auto sum = field<std::uint8_t>(entry, dir::kLongChecksum);
    if ((order & dir::kLongLast) != 0 && number >= 1 && number <= dir::kMaxLongEntries) {
      units_.assign(number * dir::kLongUnits, u'\0');
      checksum_ = sum;
    } else if (number == 0 || number + 1 != next_ || sum != checksum_) {
      clear();
      return;
    }
    next_ = number;
    for (std::size_t i = 0; i < dir::kLongUnits; ++i)
      units_[(number - 1) * dir::kLongUnits + i] =
          static_cast<char16_t>(field<std::uint16_t>(entry, dir::kLongUnitPlaces[i]));
  }

  void clear() {
    next_ = 0;
    units_.clear();
  }

  // The whole name, when all pieces came and belong to the short `entry`.
  [[nodiscard]] std::optional<std::string> name_of(Bytes entry) const {
    if (next_ != 1 || short_checksum(entry) != checksum_) return std::nullopt;
    std::string name = to_utf8(std::u16string_view(units_).substr(0, units_.find(u'\0')));
    if (name.empty() || name.find('/') != std::string::npos) return std::nullopt;
    return name;
  }

 private:
  std::u16string units_;
  unsigned next_ = 0;  // the number of the piece that came last
  std::uint8_t checksum_ = 0;
};

}  // namespace

/// A file, by its runs.
class FatVolume::Contents final : public ByteSource {
 public:
  Contents(const ByteSource& partition, std::vector<Run> runs, std::uint64_t size)
      : partition_(partition), runs_(std::move(runs)), size_(size) {
    std::uint64_t at = 0;
    for (const Run& run : runs_) {
      starts_.push_back(at);
      at += run.length;
    }
  }
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    if (offset > size_ || out.size() > size_ - offset) return fail(Code::Corrupt, "read past the end");
    while (!out.empty()) {
      const auto index = static_cast<std::size_t>(std::ranges::upper_bound(starts_, offset) - starts_.begin() - 1);
      const std::uint64_t within = offset - starts_[index];
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(runs_[index].length - within, out.size()));
      TRY(partition_.read(runs_[index].place + within, out.first(count)));
      offset += count;
      out = out.subspan(count);
    }
    return {};
  }

 private:
  const ByteSource& partition_;
  std::vector<Run> runs_;
  std::vector<std::uint64_t> starts_;
  std::uint64_t size_;
};

Result<FatVolume> FatVolume::open(const ByteSource& partition) {
  std::array<std::byte, kSectorSize> sector{};
  if (partition.size() < sector.size()) return fail(Code::Unsupported, "there is no FAT volume");
  TRY_IN("reading the boot sector", partition.read(0, sector));
  const std::uint32_t sector_size = field<std::uint16_t>(sector, boot::kBytesPerSector);
  const std::uint32_t per_cluster = field<std::uint8_t>(sector, boot::kSectorsPerCluster);
  const std::uint64_t reserved = field<std::uint16_t>(sector, boot::kReserved);
  const std::uint64_t fats = field<std::uint8_t>(sector, boot::kFats);
  if (field<std::uint16_t>(sector, boot::kSignature) != 0xAA55 || !std::has_single_bit(sector_size) ||
      sector_size < 512 || sector_size > 4096 || !std::has_single_bit(per_cluster) || reserved == 0 || fats == 0 ||
      fats > 4)
    return fail(Code::Unsupported, "there is no FAT volume");

  const std::uint64_t root_entries = field<std::uint16_t>(sector, boot::kRootEntries);
  const std::uint64_t fat16 = field<std::uint16_t>(sector, boot::kFatSize16);
  const std::uint64_t sectors16 = field<std::uint16_t>(sector, boot::kSectors16);
  const std::uint64_t fat_sectors = fat16 != 0 ? fat16 : field<std::uint32_t>(sector, boot::kFatSize32);
  const std::uint64_t sectors = sectors16 != 0 ? sectors16 : field<std::uint32_t>(sector, boot::kSectors32);
  const std::uint64_t root_sectors = (root_entries * dir::kEntrySize + sector_size - 1) / sector_size;
  const std::uint64_t before_data = reserved + fats * fat_sectors + root_sectors;
  if (fat_sectors == 0 || before_data >= sectors) return fail(Code::Corrupt, "the FAT volume's boot sector is damaged");
  if (sectors > partition.size() / sector_size)
    return fail(Code::Corrupt, "the FAT volume is larger than its partition");

  FatVolume volume;
  volume.partition_ = &partition;
  volume.cluster_size_ = sector_size * per_cluster;
  const std::uint64_t clusters = (sectors - before_data) / per_cluster;
  // "FAT Type Determination": by this count and nothing else.
  volume.bits_ = clusters <= kMaxFat12Clusters ? 12 : clusters <= kMaxFat16Clusters ? 16 : 32;
  if (clusters == 0 || clusters > kMaxFat32Clusters || (clusters + 2) * volume.bits_ > fat_sectors * sector_size * 8)
    return fail(Code::Corrupt, "the FAT volume's table is too short for its clusters");
  volume.clusters_ = static_cast<std::uint32_t>(clusters);
  volume.fat_place_ = reserved * sector_size;
  volume.root_place_ = (reserved + fats * fat_sectors) * sector_size;
  volume.root_size_ = root_entries * dir::kEntrySize;
  volume.data_place_ = before_data * sector_size;
  if (volume.bits_ == 32) volume.root_cluster_ = field<std::uint32_t>(sector, boot::kRootCluster) & kEndOfChain;
  return volume;
}

Result<std::uint32_t> FatVolume::next_cluster(std::uint32_t cluster) const {
  const std::uint64_t at = std::uint64_t{cluster} * bits_ / 8;
  const std::size_t width = bits_ == 32 ? 4 : 2;
  if (at < window_start_ || at + width > window_start_ + window_.size()) {
    // An entry of FAT12 may lie across the limit of two windows: each begins where it is first needed.
    window_start_ = at;
    const std::uint64_t table_end = (std::uint64_t{clusters_ + 2} * bits_ + 7) / 8;
    window_.resize(static_cast<std::size_t>(std::min(kWindow, std::max(table_end - at, std::uint64_t{width}))));
    TRY_IN("reading the FAT", partition_->read(fat_place_ + at, window_));
  }
  const auto within = static_cast<std::size_t>(at - window_start_);
  std::uint32_t value = 0;
  std::uint32_t end = 0;
  if (bits_ == 12) {
    value = field<std::uint16_t>(window_, within);
    value = cluster % 2 != 0 ? value >> 4 : value & 0xFFF;
    end = 0xFF8;
  } else if (bits_ == 16) {
    value = field<std::uint16_t>(window_, within);
    end = 0xFFF8;
  } else {
    value = field<std::uint32_t>(window_, within) & kEndOfChain;
    end = 0x0FFFFFF8;
  }
  return value >= end ? kEndOfChain : value;
}

// The clusters of a chain: `exact`: enough for `bytes`; otherwise up to its end, which must come within `bytes`.
Result<std::vector<FatVolume::Run>> FatVolume::runs_from(std::uint32_t cluster, std::uint64_t bytes, bool exact) const {
  std::vector<Run> runs;
  std::uint64_t total = 0;
  std::uint64_t count = 0;
  while (exact ? total < bytes : cluster != kEndOfChain) {
    if (cluster < 2 || cluster - 2 >= clusters_)
      return fail(Code::Corrupt, "a chain of clusters on the FAT volume is broken");
    if (count++ == clusters_ || total >= bytes)
      return fail(Code::Corrupt, "a chain of clusters on the FAT volume is too long or a circle");
    const std::uint64_t place = data_place_ + std::uint64_t{cluster - 2} * cluster_size_;
    if (!runs.empty() && runs.back().place + runs.back().length == place)
      runs.back().length += cluster_size_;
    else
      runs.push_back({place, cluster_size_});
    total += cluster_size_;
    if (exact && total >= bytes) break;
    cluster = TRY(next_cluster(cluster));
  }
  return runs;
}

Result<std::vector<std::byte>> FatVolume::read_directory(const FatEntry& directory) const {
  std::vector<Run> runs;
  if (directory.cluster == 0 && bits_ != 32)
    runs.push_back({root_place_, root_size_});
  else
    runs = TRY(runs_from(directory.cluster == 0 ? root_cluster_ : directory.cluster, kMaxFatDirectory, false));
  std::vector<std::byte> bytes;
  for (const Run& run : runs) {
    const std::size_t at = bytes.size();
    bytes.resize(at + static_cast<std::size_t>(run.length));
    TRY_IN("reading a directory", partition_->read(run.place, MutableBytes(bytes).subspan(at)));
  }
  return bytes;
}

Result<std::vector<FatEntry>> FatVolume::list(const FatEntry& directory) const {
  if (!directory.directory) return fail(Code::Invalid, concat(printable(directory.name), " is no directory"));
  const auto bytes = TRY(read_directory(directory));
  std::vector<FatEntry> entries;
  LongName long_name;
  for (std::size_t at = 0; at + dir::kEntrySize <= bytes.size(); at += dir::kEntrySize) {
    const Bytes entry = Bytes(bytes).subspan(at, dir::kEntrySize);
    const auto first = field<std::uint8_t>(entry, 0);
    const unsigned attributes = field<std::uint8_t>(entry, dir::kAttributes);
    if (first == 0x00) break;  // nothing behind it
    if (first == 0xE5) {       // deleted
      long_name.clear();
      continue;
    }
    if ((attributes & 0x3F) == dir::kLongName) {
      long_name.add(entry);
      continue;
    }
    if ((attributes & dir::kVolumeId) == 0 && first != '.') {
      FatEntry found;
      found.name = long_name.name_of(entry).value_or(short_name(entry));
      found.directory = (attributes & dir::kDirectory) != 0;
      found.size = found.directory ? 0 : field<std::uint32_t>(entry, dir::kSize);
      found.cluster = field<std::uint16_t>(entry, dir::kClusterLow);
      if (bits_ == 32) found.cluster |= std::uint32_t{field<std::uint16_t>(entry, dir::kClusterHigh)} << 16;
      // A directory without a cluster would be the root directory once more.
      if (!found.directory || found.cluster != 0) entries.push_back(std::move(found));
    }
    long_name.clear();
  }
  return entries;
}

Result<FatEntry> FatVolume::find(std::string_view path) const {
  FatEntry found = root();
  for (const std::string_view component : split(path, '/')) {
    if (component.empty()) continue;
    if (!found.directory) return fail(Code::NotFound, concat(printable(path), " is not on the FAT volume"));
    const auto entries = TRY(list(found));
    const auto match = std::ranges::find_if(
        entries, [&](const FatEntry& entry) { return equals_ignoring_ascii_case(entry.name, component); });
    if (match == entries.end()) return fail(Code::NotFound, concat(printable(path), " is not on the FAT volume"));
    found = *match;
  }
  return found;
}

Result<std::unique_ptr<ByteSource>> FatVolume::open_file(const FatEntry& file) const {
  if (file.directory) return fail(Code::Invalid, concat(printable(file.name), " is a directory"));
  auto runs = TRY_IN(printable(file.name), runs_from(file.cluster, file.size, true));
  return std::make_unique<Contents>(*partition_, std::move(runs), file.size);
}

}  // namespace vhdboot::disk
