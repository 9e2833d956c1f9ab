// SPDX-License-Identifier: GPL-2.0-or-later
// An NTFS volume in memory, made by mkntfs and filled by libntfs-3g; what is written to it is remembered, so that power
// can go at any moment of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "tests/support/process.h"
#include "vhd/tool/byte_device.h"
#include "vhd/tool/ntfs_attribute_list.h"
#include "vhd/tool/ntfs_record.h"
#include "vhd/tool/ntfs_runs.h"
#include "vhd/tool/ntfs_write_volume.h"

extern "C" {
#include <ntfs-3g/bitmap.h>
#include <ntfs-3g/mft.h>
}
#undef min
#undef max

namespace vhdboot::tool::test {

class MemoryDisk final : public ByteDevice {
 public:
  struct Write {
    std::uint64_t offset = 0;
    std::vector<std::byte> data;
    std::size_t syncs = 0;  ///< that came before it
  };

  explicit MemoryDisk(std::vector<std::byte> image) : bytes(std::move(image)) {}

  [[nodiscard]] std::uint64_t size() const override { return bytes.size(); }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    return MemorySource(bytes).read(offset, out);
  }
  [[nodiscard]] Result<void> write(std::uint64_t offset, Bytes data) override {
    if (offset > bytes.size() || data.size() > bytes.size() - offset) return fail(Code::Corrupt, "write past the end");
    if (failing || ++write_count > writes_that_work) return fail(Code::Io, "the disk is broken");
    if (recording) writes.push_back({offset, {data.begin(), data.end()}, syncs});
    std::ranges::copy(data, bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    return {};
  }
  [[nodiscard]] Result<void> sync() override {
    if (++syncs > syncs_that_work) return fail(Code::Io, "the disk forgets");
    return {};
  }

  std::vector<std::byte> bytes;
  std::vector<Write> writes;
  std::size_t syncs = 0;
  std::size_t write_count = 0;
  std::size_t writes_that_work = std::numeric_limits<std::size_t>::max();
  std::size_t syncs_that_work = std::numeric_limits<std::size_t>::max();
  bool recording = false;
  bool failing = false;
};

/// An empty volume, what is free on it being no zeros; nothing when mkntfs is not installed.
inline std::optional<std::vector<std::byte>> make_ntfs(std::uint64_t size, unsigned cluster) {
  const auto mkntfs = vhdboot::test::tool("mkntfs");
  if (!mkntfs) return std::nullopt;
  const vhdboot::test::TempFolder folder;
  const std::string path = folder.file("volume");
  std::vector<char> bytes(size, '\xa5');
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(size));
  if (vhdboot::test::run(
          {*mkntfs, "-F", "-q", "-Q", "-s", "512", "-p", "2048", "-H", "255", "-S", "63", "-c", concat(cluster), path})
          .status != 0)
    return std::nullopt;
  std::ifstream(path, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(size));
  const Bytes made = as_bytes({bytes.data(), bytes.size()});
  return std::vector<std::byte>(made.begin(), made.end());
}

/// A sparse file "disk.vhd" in the root: `pieces` of data, each with a hole of the same size before it.
struct SparseSpec {
  unsigned pieces = 0;
  std::uint64_t piece = 0;      ///< bytes of each piece and each hole
  std::uint64_t unwritten = 0;  ///< bytes behind the last one that were never written
  unsigned links = 0;           ///< other names, in the root
  unsigned streams = 0;         ///< named streams
  std::uint8_t unit = 0;        ///< compression unit of the contents: Windows gives a sparse file 4, the library 0
};

/// What the file reads as.
inline std::vector<std::byte> contents_of(const SparseSpec& spec) {
  std::vector<std::byte> out(2 * spec.pieces * spec.piece + spec.unwritten);
  std::mt19937 chance(spec.pieces);
  for (unsigned number = 0; number < spec.pieces; ++number)
    for (std::uint64_t i = 0; i < spec.piece; ++i)
      out[static_cast<std::size_t>((2 * number + 1) * spec.piece + i)] = static_cast<std::byte>(chance() | 1U);
  return out;
}

inline const ntfschar* as_ntfs(const std::u16string& name) {
  return reinterpret_cast<const ntfschar*>(name.data());
}

/// Makes it; false when the library would not.
inline bool add_sparse_file(MemoryDisk& disk, const SparseSpec& spec) {
  NtfsWriteVolume volume(disk);
  if (!volume.begin()) return false;
  const std::vector<std::byte> contents = contents_of(spec);
  {
    const volume::InodePtr root(ntfs_inode_open(volume.get(), FILE_root));
    const std::u16string name = u"disk.vhd";
    const volume::InodePtr file(root ? ntfs_create(root.get(), 0, as_ntfs(name), static_cast<u8>(name.size()), S_IFREG)
                                     : nullptr);
    if (!file) return false;
    for (unsigned link = 0; link < spec.links; ++link) {
      const std::u16string other = *to_utf16(concat("another quite long name of the same file, number ", link));
      if (ntfs_link(file.get(), root.get(), as_ntfs(other), static_cast<u8>(other.size())) != 0) return false;
    }
    for (unsigned stream = 0; stream < spec.streams; ++stream) {
      std::u16string other = *to_utf16(concat("stream ", stream));
      const std::vector<u8> value(100, static_cast<u8>('a' + stream));
      if (ntfs_attr_add(file.get(), AT_DATA, reinterpret_cast<ntfschar*>(other.data()), static_cast<u8>(other.size()),
                        value.data(), static_cast<s64>(value.size())) != 0)
        return false;
    }
    const volume::AttrPtr data(ntfs_attr_open(file.get(), AT_DATA, AT_UNNAMED, 0));
    if (!data || ntfs_attr_truncate(data.get(), static_cast<s64>(contents.size())) != 0) return false;
    for (unsigned number = 0; number < spec.pieces; ++number) {
      const auto at = static_cast<s64>((2 * number + 1) * spec.piece);
      if (ntfs_attr_pwrite(data.get(), at, static_cast<s64>(spec.piece), contents.data() + at) !=
          static_cast<s64>(spec.piece))
        return false;
    }
    const volume::SearchPtr first(ntfs_attr_get_search_ctx(file.get(), nullptr));
    if (!first || ntfs_attr_lookup(AT_DATA, AT_UNNAMED, 0, CASE_SENSITIVE, 0, nullptr, 0, first.get()) != 0)
      return false;
    first->attr->compression_unit = spec.unit;
    ntfs_inode_mark_dirty(first->ntfs_ino);
    if (ntfs_inode_sync(file.get()) != 0) return false;
  }
  return volume.finish().has_value();
}

/// What a check of the volume finds: what two attributes have, what is in use and not taken; and what is taken and
/// nobody's.
struct VolumeCheck {
  std::string damage;  ///< empty when there is none
  std::size_t lost_clusters = 0;
  std::size_t lost_records = 0;
};

/// Reads every record of the MFT by itself, with nothing of what is tested but its parsers.
inline VolumeCheck check_volume(MemoryDisk& disk) {
  VolumeCheck found;
  const auto damaged = [&](const std::string& text) {
    if (found.damage.empty()) found.damage = text;
  };
  NtfsWriteDevice device(disk);
  ntfs_volume* volume = ntfs_device_mount(device.allocate(), NTFS_MNT_RDONLY);
  if (volume == nullptr) {
    damaged("it cannot be mounted");
    return found;
  }
  const auto bit = [](const std::vector<std::byte>& map, std::uint64_t number) {
    return number / 8 < map.size() && (std::to_integer<unsigned>(map[number / 8]) >> number % 8 & 1U) != 0;
  };
  const auto read_all = [](ntfs_attr* attribute) {
    std::vector<std::byte> out(static_cast<std::size_t>(attribute->data_size));
    if (ntfs_attr_pread(attribute, 0, attribute->data_size, out.data()) != attribute->data_size) out.clear();
    return out;
  };
  const std::vector<std::byte> clusters = read_all(volume->lcnbmp_na);
  const std::vector<std::byte> taken = read_all(volume->mftbmp_na);
  const auto records = static_cast<std::uint64_t>(volume->mft_na->initialized_size >> volume->mft_record_size_bits);

  struct Record {
    std::uint64_t base = 0;
    std::uint64_t reference = 0;
    std::vector<NtfsAttribute> attributes;
    std::vector<std::byte> bytes;
  };
  std::map<std::uint64_t, Record> used;
  for (std::uint64_t number = 0; number < records; ++number) {
    std::vector<std::byte> bytes(volume->mft_record_size);
    if (ntfs_mft_record_read(volume, number, reinterpret_cast<MFT_RECORD*>(bytes.data())) != 0) continue;
    if (as_text(Bytes(bytes).first(4)) != "FILE" || (*load_le<std::uint16_t>(bytes, 0x16) & 1U) == 0) continue;
    auto attributes = attributes_of(bytes);
    if (!attributes) {
      damaged(concat("record ", number, " is damaged"));
      continue;
    }
    const std::uint64_t reference = number | static_cast<std::uint64_t>(*load_le<std::uint16_t>(bytes, 0x10)) << 48;
    used[number] = {*load_le<std::uint64_t>(bytes, 0x20), reference, std::move(*attributes), std::move(bytes)};
  }
  std::vector<bool> owned(clusters.size() * 8);
  const auto own = [&](const Record& record, const NtfsAttribute& attribute) {
    if (!attribute.non_resident) return;
    // Linux' ntfs3 opens no file with such a piece.
    if (attribute.lowest_vcn != 0 && attribute.compression_unit != 0)
      damaged("a later piece of an attribute has a compression unit");
    const auto runs = decode_mapping_pairs(
        Bytes(record.bytes)
            .subspan(attribute.offset + attribute.pairs_offset, attribute.length - attribute.pairs_offset),
        attribute.lowest_vcn);
    if (!runs) return damaged("a run list is damaged");
    for (const NtfsRun& run : *runs)
      for (std::uint64_t i = 0; !run.hole() && i < run.length; ++i) {
        const auto cluster = static_cast<std::uint64_t>(run.lcn) + i;
        if (cluster >= owned.size()) return damaged("a cluster is none");
        // $Bad and $Boot have clusters in ways of their own.
        if (owned[cluster]) return damaged(concat("cluster ", cluster, " has two owners"));
        if (!bit(clusters, cluster)) return damaged(concat("cluster ", cluster, " is in use and not taken"));
        owned[cluster] = true;
      }
  };
  std::set<std::uint64_t> referred;
  for (const auto& [number, record] : used) {
    if (record.base != 0 || number == FILE_BadClus) {
      if (number == FILE_BadClus) referred.insert(number);
      continue;
    }
    if (!bit(taken, number)) damaged(concat("record ", number, " is in use and not taken"));
    referred.insert(number);
    const FreshInode inode(ntfs_inode_open(volume, number));
    if (!inode || NInoAttrList(inode.get()) == 0) {
      for (const NtfsAttribute& attribute : record.attributes) own(record, attribute);
      continue;
    }
    for (const NtfsAttribute& attribute : record.attributes)
      if (attribute.type == kNtfsAttributeList) own(record, attribute);
    const auto list = parse_attribute_list(
        {reinterpret_cast<const std::byte*>(inode->attr_list), static_cast<std::size_t>(inode->attr_list_size)});
    if (!list) {
      damaged("an attribute list is damaged");
      continue;
    }
    std::uint64_t next = 0;
    for (const NtfsListEntry& entry : *list) {
      const auto part = used.find(MREF(entry.reference));
      if (part == used.end() || part->second.reference != entry.reference ||
          (part->first != number && part->second.base != record.reference) || !bit(taken, part->first)) {
        damaged("an entry of an attribute list refers to no record");
        continue;
      }
      referred.insert(part->first);
      const auto attribute = std::ranges::find_if(part->second.attributes, [&](const NtfsAttribute& one) {
        return one.type == entry.type && one.instance == entry.instance;
      });
      if (attribute == part->second.attributes.end() || attribute->lowest_vcn != entry.lowest_vcn)
        damaged("an entry of an attribute list refers to no attribute");
      else
        own(part->second, *attribute);
      if (!entry.unnamed_data()) continue;
      if (entry.lowest_vcn < next) damaged("an attribute list is not in order");
      next = entry.lowest_vcn + 1;
    }
  }
  // Which of a record that is referred to nobody refers to: a piece that was not taken out.
  for (const auto& [number, record] : used)
    if (!referred.contains(number)) ++found.lost_records;
  for (std::uint64_t cluster = 0; cluster < static_cast<std::uint64_t>(volume->nr_clusters); ++cluster)
    if (bit(clusters, cluster) && !owned[cluster]) ++found.lost_clusters;
  ntfs_umount(volume, TRUE);
  return found;
}

}  // namespace vhdboot::tool::test
