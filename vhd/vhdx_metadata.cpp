// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/vhdx_metadata.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace vhdboot::vhd {
namespace {

constexpr std::string_view kSignature = "metadata";
constexpr std::size_t kTableSize = 64 * kKiB;

namespace table {  // 2.6.1
constexpr std::size_t kCount = 10;
constexpr std::size_t kEntries = 32;
constexpr std::size_t kEntrySize = 32;
constexpr std::size_t kOffset = 16;
constexpr std::size_t kLength = 20;
constexpr std::size_t kFlags = 24;
constexpr std::uint32_t kIsUser = 1;
constexpr std::uint32_t kIsRequired = 4;
constexpr unsigned kMaxCount = 2047;
static_assert(kEntries + kMaxCount * kEntrySize == kTableSize);
}  // namespace table

namespace locator {  // 2.6.2.6
constexpr Guid kVhdx = "b04aefb7-d19e-4a81-b789-25b8e9445913"_guid;
constexpr std::size_t kCount = 18;
constexpr std::size_t kEntries = 20;
constexpr std::size_t kEntrySize = 12;
}  // namespace locator

// 2.6.2
enum Item : std::uint8_t { FileParameters, DiskSize, DiskId, LogicalSector, PhysicalSector, ParentLocator };
constexpr std::array kItems{
    "caa16737-fa36-4d43-b3b6-33f0aa44e76b"_guid, "2fa54224-cd1b-4876-b211-5dbed83bf4b8"_guid,
    "beca12ab-b2e6-4523-93ef-c309e000c746"_guid, "8141bf1d-a96f-4709-ba47-f233a8faab5f"_guid,
    "cda348c7-445d-4471-9cc9-e9885251c556"_guid, "a8d35f2d-b30b-454d-abf7-d3d84834ab0c"_guid,
};
constexpr std::array<std::string_view, kItems.size()> kNames{
    "file parameters", "disk size", "disk id", "logical sector size", "physical sector size", "parent locator"};
static_assert(ParentLocator + 1 == kItems.size());

using Items = std::array<std::optional<std::vector<std::byte>>, kItems.size()>;

template <class T>
T field(Bytes bytes, std::size_t offset) {
  return load_le<T>(bytes, offset).value_or(0);
}

Result<std::vector<std::byte>> read_item(const ByteSource& file, const VhdxRegion& region, Bytes entry,
                                         std::size_t item) {
  const auto offset = field<std::uint32_t>(entry, table::kOffset);
  const auto length = field<std::uint32_t>(entry, table::kLength);
  if (length > kMaxVhdxLocator || (length > 0 && offset < kTableSize) || offset > region.length ||
      length > region.length - offset)
    return fail(Code::Corrupt, concat("the metadata of the VHDX file is damaged: the ", kNames[item], " is misplaced"));
  std::vector<std::byte> bytes(length);
  TRY_IN("reading the metadata", file.read(region.offset + offset, bytes));
  return bytes;
}

Result<Items> read_items(const ByteSource& file, const VhdxRegion& region) {
  if (region.length < kTableSize) return fail(Code::Corrupt, "the metadata region of the VHDX file is too short");
  std::vector<std::byte> bytes(kTableSize);
  TRY_IN("reading the metadata", file.read(region.offset, bytes));
  const auto count = field<std::uint16_t>(bytes, table::kCount);
  if (!as_text(bytes).starts_with(kSignature) || count > table::kMaxCount)
    return fail(Code::Corrupt, "the metadata table of the VHDX file is damaged");
  Items items;
  for (unsigned i = 0; i < count; ++i) {
    const Bytes entry = Bytes(bytes).subspan(table::kEntries + i * table::kEntrySize, table::kEntrySize);
    const Guid id = load_guid(entry, 0).value_or(Guid{});
    const auto flags = field<std::uint32_t>(entry, table::kFlags);
    std::size_t item = 0;
    while (item < kItems.size() && kItems[item] != id) ++item;
    if (item == kItems.size() || (flags & table::kIsUser) != 0) {
      if ((flags & table::kIsRequired) == 0) continue;
      const GuidText text = to_text(id);
      return fail(Code::Unsupported,
                  concat("the VHDX file needs the metadata ", std::string_view(text.data(), text.size()),
                         ", which this program does not know"));
    }
    if (items[item])
      return fail(Code::Corrupt, concat("the metadata of the VHDX file names the ", kNames[item], " twice"));
    items[item] = TRY(read_item(file, region, entry, item));
  }
  return items;
}

Result<Bytes> item_of(const Items& items, Item item, std::size_t size) {
  const auto& bytes = items[item];
  if (!bytes || bytes->size() < size)
    return fail(Code::Corrupt, concat("the metadata of the VHDX file lacks the ", kNames[item]));
  return Bytes(*bytes);
}

std::optional<std::string> text_at(Bytes bytes, std::uint32_t offset, std::uint16_t length) {
  const auto range = slice(bytes, offset, length);
  if (!range) return std::nullopt;
  std::u16string units;
  for (std::size_t i = 0; i + 2 <= range->size(); i += 2) {
    const auto unit = field<std::uint16_t>(*range, i);
    if (unit == 0) break;
    units += static_cast<char16_t>(unit);
  }
  return to_utf8(units);
}

Result<VhdxParent> parse_locator(Bytes bytes) {
  if (load_guid(bytes, 0) != locator::kVhdx)
    return fail(Code::Unsupported, "the VHDX file has a parent of another kind than a VHDX file");
  VhdxParent parent;
  std::array<std::string, 3> paths;
  const auto count = field<std::uint16_t>(bytes, locator::kCount);
  for (std::size_t i = 0; i < count; ++i) {
    const auto entry = slice(bytes, locator::kEntries + i * locator::kEntrySize, locator::kEntrySize);
    const auto key =
        entry ? text_at(bytes, field<std::uint32_t>(*entry, 0), field<std::uint16_t>(*entry, 8)) : std::nullopt;
    const auto value =
        entry ? text_at(bytes, field<std::uint32_t>(*entry, 4), field<std::uint16_t>(*entry, 10)) : std::nullopt;
    if (!key || !value) return fail(Code::Corrupt, "the parent locator of the VHDX file is damaged");
    if (*key == "parent_linkage" || *key == "parent_linkage2") {
      const std::string_view text = *value;
      const bool braces = text.starts_with('{') && text.ends_with('}') && text.size() > 2;
      if (const auto guid = parse_guid(braces ? text.substr(1, text.size() - 2) : text))
        parent.data_writes.push_back(*guid);
    } else if (*key == "relative_path") {  // the order of 2.6.2.6.3
      paths[0] = *value;
    } else if (*key == "volume_path") {
      paths[1] = *value;
    } else if (*key == "absolute_win32_path") {
      paths[2] = *value;
    }
  }
  for (std::string& path : paths)
    if (!path.empty()) parent.paths.push_back(std::move(path));
  if (parent.data_writes.empty()) return fail(Code::Corrupt, "the VHDX file does not say which parent it has");
  return parent;
}

bool is_sector_size(std::uint32_t size) {
  return size == 512 || size == 4096;
}

}  // namespace

Result<std::uint64_t> file_parameters_place(const ByteSource& file, const VhdxRegion& region) {
  std::vector<std::byte> bytes(kTableSize);
  TRY_IN("reading the metadata", file.read(region.offset, bytes));
  const unsigned count = std::min<unsigned>(field<std::uint16_t>(bytes, table::kCount), table::kMaxCount);
  for (unsigned i = 0; i < count; ++i) {
    const Bytes entry = Bytes(bytes).subspan(table::kEntries + i * table::kEntrySize, table::kEntrySize);
    const auto offset = field<std::uint32_t>(entry, table::kOffset);
    if (load_guid(entry, 0) == kItems[FileParameters] && offset >= kTableSize && offset <= region.length - 8)
      return region.offset + offset;
  }
  return fail(Code::Corrupt, "the metadata of the VHDX file lacks the file parameters");
}

Result<VhdxMetadata> read_vhdx_metadata(const ByteSource& file, const VhdxRegion& region) {
  const Items items = TRY(read_items(file, region));
  VhdxMetadata metadata;
  const Bytes parameters = TRY(item_of(items, FileParameters, 8));
  metadata.block_size = field<std::uint32_t>(parameters, 0);
  const auto flags = field<std::uint32_t>(parameters, 4);
  metadata.leave_allocated = (flags & kLeaveBlocksAllocated) != 0;
  metadata.disk_size = field<std::uint64_t>(TRY(item_of(items, DiskSize, 8)), 0);
  metadata.logical_sector = field<std::uint32_t>(TRY(item_of(items, LogicalSector, 4)), 0);
  metadata.physical_sector = field<std::uint32_t>(TRY(item_of(items, PhysicalSector, 4)), 0);
  metadata.disk_id = load_guid(TRY(item_of(items, DiskId, 16)), 0).value_or(Guid{});
  if (!std::has_single_bit(metadata.block_size) || metadata.block_size < kMinVhdxBlock ||
      metadata.block_size > kMaxVhdxBlock)
    return fail(Code::Corrupt, concat("the VHDX file names blocks of ", metadata.block_size,
                                      " bytes, not of a power of two from 1 MiB to 256 MiB"));
  if (!is_sector_size(metadata.logical_sector) || !is_sector_size(metadata.physical_sector))
    return fail(Code::Corrupt, concat("the VHDX file names sectors of ", metadata.logical_sector, " and ",
                                      metadata.physical_sector, " bytes, not of 512 or 4096"));
  if (metadata.disk_size == 0 || metadata.disk_size % metadata.logical_sector != 0 || metadata.disk_size > kMaxVhdxDisk)
    return fail(Code::Corrupt, concat("the VHDX file names a disk of ", metadata.disk_size,
                                      " bytes, which is no multiple of its sectors up to 64 TiB"));
  if ((flags & 2) != 0) metadata.parent = TRY(parse_locator(TRY(item_of(items, ParentLocator, locator::kEntries))));
  return metadata;
}

}  // namespace vhdboot::vhd
