// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/child.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "base/units.h"
#include "vhd/dynamic_header.h"
#include "vhd/dynamic_vhd.h"
#include "vhd/footer.h"
#include "vhd/roll_back.h"
#include "vhd/vhdx_header.h"
#include "vhd/vhdx_metadata.h"

namespace vhdboot::vhd {
namespace {

constexpr std::uint32_t kVhdBlock = 2 * kMiB;

// Bytes of a file that is being made. What does not fit is a mistake of this source.
class Area {
 public:
  explicit Area(std::size_t size) : bytes_(size) {}
  template <class T>
  void le(std::size_t offset, T value) {
    (void)store_le<T>(bytes_, offset, value);
  }
  template <class T>
  void be(std::size_t offset, T value) {
    (void)store_be<T>(bytes_, offset, value);
  }
  void put(std::size_t offset, Bytes data) {
    std::ranges::copy(data, bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  void put(std::size_t offset, std::string_view text) { put(offset, as_bytes(text)); }
  void guid(std::size_t offset, const Guid& guid) { put(offset, guid.bytes); }
  void utf16(std::size_t offset, std::u16string_view text, bool big_endian) {
    for (std::size_t i = 0; i < text.size(); ++i)
      if (big_endian)
        be<std::uint16_t>(offset + 2 * i, text[i]);
      else
        le<std::uint16_t>(offset + 2 * i, text[i]);
  }
  [[nodiscard]] Bytes bytes() const { return bytes_; }
  [[nodiscard]] std::vector<std::byte> take() && { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

// --- VHD ("Virtual Hard Disk Image Format Specification" 1.0) ---
// A copy of the footer, the header, the path of the parent, the table, the footer.

constexpr std::size_t kVhdParentName = 256;  // UTF-16 units

void put_uuid(Area& area, std::size_t offset, const Guid& uuid) {
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i)
    area.be<std::uint8_t>(offset + i, std::to_integer<std::uint8_t>(uuid.bytes[guid_detail::kOrder[i]]));
}

Result<NewFile> make_vhd(const DiskInfo& parent, const ChildSpec& spec, const std::u16string& name) {
  constexpr std::uint64_t kHeader = kFooterSize;
  constexpr std::uint64_t kPath = kHeader + kDynamicHeaderSize;
  const std::u16string path = u".\\" + name;
  const std::uint64_t path_space = align_up(2 * path.size(), kSectorSize);
  const std::uint64_t table = kPath + path_space;
  const std::uint64_t blocks = (parent.size + kVhdBlock - 1) / kVhdBlock;
  const std::uint64_t end = table + align_up(4 * blocks, kSectorSize);

  Footer footer = TRY(make_fixed_footer(parent.size, spec.id, spec.now));
  footer.type = DiskType::Differencing;
  footer.data_offset = kHeader;
  const FooterBytes footer_bytes = serialise(footer);

  Area head(static_cast<std::size_t>(end));
  head.put(0, footer_bytes);
  head.put(kHeader, "cxsparse");
  head.be<std::uint64_t>(kHeader + 8, ~std::uint64_t{0});
  head.be<std::uint64_t>(kHeader + 16, table);
  head.be<std::uint32_t>(kHeader + 24, 0x00010000);
  head.be<std::uint32_t>(kHeader + 28, static_cast<std::uint32_t>(blocks));
  head.be<std::uint32_t>(kHeader + 32, kVhdBlock);
  put_uuid(head, kHeader + 40, *parent.link_id);
  head.be<std::uint32_t>(kHeader + 56, vhd_time(spec.parent_changed));
  head.utf16(kHeader + 64, name, true);
  head.put(kHeader + 576, "W2ru");
  head.be<std::uint32_t>(kHeader + 576 + 4, static_cast<std::uint32_t>(path_space / kSectorSize));
  head.be<std::uint32_t>(kHeader + 576 + 8, static_cast<std::uint32_t>(2 * path.size()));
  head.be<std::uint64_t>(kHeader + 576 + 16, kPath);
  std::uint32_t sum = 0;
  for (const std::byte byte : head.bytes().subspan(kHeader, kDynamicHeaderSize))
    sum += std::to_integer<std::uint32_t>(byte);
  head.be<std::uint32_t>(kHeader + 36, ~sum);
  head.utf16(kPath, path, false);
  for (std::uint64_t block = 0; block < blocks; ++block) head.be<std::uint32_t>(table + 4 * block, ~std::uint32_t{0});

  const VhdShape shape = vhd_shape(kVhdBlock);
  const std::uint64_t more = (spec.reserve + kVhdBlock - 1) / kVhdBlock;
  const std::uint64_t last = more == 0 ? end : shape.first_place(end) + (more - 1) * shape.stride() + kVhdBlock;
  NewFile file{.size = last + kFooterSize, .writes = {}};
  file.writes.push_back({.offset = 0, .data = std::move(head).take(), .what = "header and table"});
  file.writes.push_back({.offset = last, .data = {footer_bytes.begin(), footer_bytes.end()}, .what = "footer"});
  return file;
}

// --- VHDX ([MS-VHDX]) ---
// The header section, 1 MiB of log, 1 MiB of metadata, the table, which is all zeros: each block is the parent's.

constexpr std::uint64_t kLog = kMiB;
constexpr std::uint64_t kMetadata = 2 * kMiB;
constexpr std::uint64_t kTable = 3 * kMiB;

// 2.6.1.2
constexpr std::uint32_t kIsVirtualDisk = 2;
constexpr std::uint32_t kIsRequired = 4;
// 2.6.2.1
constexpr std::uint32_t kHasParent = 2;

// 2.6.2.6: pairs of a key and a value, both UTF-16.
std::vector<std::byte> locator(const DiskInfo& parent, const std::u16string& name) {
  const GuidText id = to_text(*parent.link_id);
  const std::u16string linkage =
      to_utf16(concat('{', to_lower_ascii(std::string_view(id.data(), id.size())), '}')).value_or(u"");
  const std::array<std::pair<std::u16string, std::u16string>, 2> pairs{
      {{u"parent_linkage", linkage}, {u"relative_path", u".\\" + name}}};
  std::size_t size = 20 + 12 * pairs.size();
  for (const auto& [key, value] : pairs) size += 2 * (key.size() + value.size());
  Area area(size);
  area.guid(0, "b04aefb7-d19e-4a81-b789-25b8e9445913"_guid);
  area.le<std::uint16_t>(18, pairs.size());
  std::size_t text = 20 + 12 * pairs.size();
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto& [key, value] = pairs[i];
    const std::size_t entry = 20 + 12 * i;
    area.le<std::uint32_t>(entry, static_cast<std::uint32_t>(text));
    area.le<std::uint32_t>(entry + 4, static_cast<std::uint32_t>(text + 2 * key.size()));
    area.le<std::uint16_t>(entry + 8, static_cast<std::uint16_t>(2 * key.size()));
    area.le<std::uint16_t>(entry + 10, static_cast<std::uint16_t>(2 * value.size()));
    area.utf16(text, key, false);
    area.utf16(text + 2 * key.size(), value, false);
    text += 2 * (key.size() + value.size());
  }
  return std::move(area).take();
}

// The table stays below 32 MiB.
std::uint32_t vhdx_block(std::uint64_t disk_size) {
  std::uint32_t block = kMinVhdxBlock;
  while (disk_size / block > 4 * kMiB) block *= 2;
  return block;
}

std::vector<std::byte> metadata(const DiskInfo& parent, const std::u16string& name) {
  constexpr std::size_t kItems = 64 * kKiB;  // 2.6.1.2: behind the table
  struct Item {
    Guid id;
    std::vector<std::byte> value;
    std::uint32_t flags;
  };
  const auto number = [](auto value) {
    Area area(sizeof value);
    area.le(0, value);
    return std::move(area).take();
  };
  Area parameters(8);
  parameters.le<std::uint32_t>(0, vhdx_block(parent.size));
  parameters.le<std::uint32_t>(4, kHasParent);
  const Guid disk = parent.uuid.value_or(Guid{});
  const std::array items{
      Item{"caa16737-fa36-4d43-b3b6-33f0aa44e76b"_guid, std::move(parameters).take(), kIsRequired},
      Item{"2fa54224-cd1b-4876-b211-5dbed83bf4b8"_guid, number(parent.size), kIsRequired | kIsVirtualDisk},
      // The guest finds the disk that it knows.
      Item{"beca12ab-b2e6-4523-93ef-c309e000c746"_guid,
           {disk.bytes.begin(), disk.bytes.end()},
           kIsRequired | kIsVirtualDisk},
      Item{"8141bf1d-a96f-4709-ba47-f233a8faab5f"_guid, number(parent.logical_sector), kIsRequired | kIsVirtualDisk},
      Item{"cda348c7-445d-4471-9cc9-e9885251c556"_guid, number(parent.physical_sector), kIsRequired | kIsVirtualDisk},
      Item{"a8d35f2d-b30b-454d-abf7-d3d84834ab0c"_guid, locator(parent, name), kIsRequired}};
  std::size_t size = kItems;
  for (const Item& item : items) size += item.value.size();
  Area area(size);
  area.put(0, "metadata");
  area.le<std::uint16_t>(10, items.size());
  std::size_t place = kItems;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::size_t entry = 32 + 32 * i;
    area.guid(entry, items[i].id);
    area.le<std::uint32_t>(entry + 16, static_cast<std::uint32_t>(place));
    area.le<std::uint32_t>(entry + 20, static_cast<std::uint32_t>(items[i].value.size()));
    area.le<std::uint32_t>(entry + 24, items[i].flags);
    area.put(place, items[i].value);
    place += items[i].value.size();
  }
  return std::move(area).take();
}

Result<NewFile> make_vhdx(const DiskInfo& parent, const ChildSpec& spec, const std::u16string& name) {
  DiskInfo child = parent;
  child.block_size = vhdx_block(parent.size);
  const std::uint64_t table_length = vhdx_table_size(child);

  Area type(520);
  type.put(0, "vhdxfile");
  type.utf16(8, u"vhdboot", false);
  NewFile file{.size = kTable + table_length + align_up(spec.reserve, kMiB), .writes = {}};
  const auto add = [&](std::uint64_t offset, std::vector<std::byte> data, std::string what) {
    file.writes.push_back({.offset = offset, .data = std::move(data), .what = std::move(what)});
  };
  const auto regions =
      new_region_table({kTable, static_cast<std::uint32_t>(table_length)}, {kMetadata, kTable - kMetadata});
  VhdxHeader header{.sequence = 0,
                    .file_write = spec.file_write,
                    .data_write = spec.id,
                    .log = {},
                    .log_version = 0,
                    .log_length = kMetadata - kLog,
                    .log_offset = kLog,
                    .place = 0};
  add(0, std::move(type).take(), "file type");
  for (std::size_t i = 0; i < kVhdxHeaderPlaces.size(); ++i) {
    ++header.sequence;
    const auto bytes = serialise(header);
    add(kVhdxHeaderPlaces[i], {bytes.begin(), bytes.end()}, "header");
    add(kVhdxRegionPlaces[i], regions, "table of regions");
  }
  add(kMetadata, metadata(parent, name), "metadata");
  return file;
}

}  // namespace

Result<NewFile> make_child(const DiskInfo& parent, const ChildSpec& spec) {
  const auto name = to_utf16(spec.parent_name);
  if (!name || name->empty() || name->find_first_of(u"/\\") != std::u16string::npos || name->size() >= kVhdParentName)
    return fail(Code::Invalid, concat(printable(spec.parent_name), " cannot be the name of a parent"));
  if (parent.format == Format::Raw)
    return fail(Code::Unsupported,
                "a raw image has nothing by which a child could know it: make it a VHD with raw2vhd");
  if (spec.reserve > kMaxVhdxFile / 2) return fail(Code::Invalid, "no file can have such a reserve");
  return parent.format == Format::Vhdx ? make_vhdx(parent, spec, *name) : make_vhd(parent, spec, *name);
}

}  // namespace vhdboot::vhd
