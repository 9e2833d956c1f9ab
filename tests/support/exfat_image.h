// SPDX-License-Identifier: GPL-2.0-or-later
// Makes exFAT volumes entry by entry, as Microsoft's specification describes them, with any fragmentation a test asks
// for. Independent of the reader under test; fsck.exfat judges it (tests/unit/volume/exfat_volume_test.cpp).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "tests/support/sparse_image.h"

namespace vhdboot::test {

/// The up-case mapping of the volumes made here: ASCII, Latin-1, Greek and Cyrillic letters.
inline char16_t exfat_upcase(char16_t c) {
  if (c >= u'a' && c <= u'z') return c - 0x20;
  if (c >= 0xE0 && c <= 0xFE && c != 0xF7) return c - 0x20;
  if (c == 0xFF) return 0x178;
  if (c >= 0x3B1 && c <= 0x3CB && c != 0x3C2) return c - 0x20;
  if (c >= 0x430 && c <= 0x44F) return c - 0x20;
  if (c >= 0x450 && c <= 0x45F) return c - 0x50;
  return c;
}

struct ExfatOptions {
  unsigned sector_shift = 9;
  unsigned cluster_shift = 12;
  std::uint32_t clusters = 1024;
  std::u16string label = u"HOST";
  std::uint32_t serial = 0x1234ABCD;
  unsigned fats = 1;
  bool second_fat_active = false;
  bool compressed_upcase = true;
  std::uint16_t flags = 0;  ///< more VolumeFlags
};

enum class Placement {
  NoFatChain,  ///< neighbours, and the FAT is not used
  Chain,       ///< neighbours, linked in the FAT
  Scattered,   ///< every second cluster: as many extents as clusters
  Backwards,   ///< every second cluster, from the last to the first
};

class ExfatImage {
 public:
  explicit ExfatImage(ExfatOptions options)
      : options_(std::move(options)),
        sector_(1ull << options_.sector_shift),
        cluster_(1ull << options_.cluster_shift),
        fat_sectors_(((options_.clusters + 2ull) * 4 + sector_ - 1) / sector_),
        heap_sector_(align_to_cluster(24 + fat_sectors_ * options_.fats)),
        image_((heap_sector_ << options_.sector_shift) + options_.clusters * cluster_),
        fat_(options_.clusters + 2ull, 0),
        used_(options_.clusters + 2ull, false) {
    fat_[0] = 0xFFFFFFF8;
    fat_[1] = 0xFFFFFFFF;
    bitmap_size_ = (options_.clusters + 7) / 8;
    bitmap_ = allocate((bitmap_size_ + cluster_ - 1) / cluster_, Placement::Chain);
    upcase_bytes_ = upcase_table();
    upcase_ = allocate((upcase_bytes_.size() + cluster_ - 1) / cluster_, Placement::Chain);
    write_clusters(upcase_, upcase_bytes_);
    root_.directory = true;
  }

  void add_directory(std::string_view path) { (void)node(path, true); }

  /// `contents` may be shorter than `size`; what is missing is zero. `valid_size` past `size` means all of it.
  void add_file(std::string_view path, Bytes contents, Placement placement = Placement::NoFatChain,
                std::uint64_t valid_size = UINT64_MAX) {
    add_empty_file(path, contents.size(), placement, valid_size);
    write_clusters(node(path, false).clusters, contents);
  }

  /// When its data were changed last, as the three fields of its entry have it (7.4.8 to 7.4.10).
  void set_modified(std::string_view path, std::uint32_t stamp, std::uint8_t hundredths, std::uint8_t offset) {
    node(path, false).modified = {stamp, hundredths, offset};
  }

  /// A file of `size` bytes whose clusters are allocated and not written.
  void add_empty_file(std::string_view path, std::uint64_t size, Placement placement = Placement::NoFatChain,
                      std::uint64_t valid_size = UINT64_MAX) {
    Node& file = node(path, false);
    file.size = size;
    file.valid_size = std::min(size, valid_size);
    file.placement = placement;
    file.clusters = allocate((size + cluster_ - 1) / cluster_, placement);
  }

  /// Writes directories, FAT, bitmap and boot regions. The object has served its purpose then.
  SparseImage finish() {
    place(root_, true);
    std::vector<std::byte> bitmap(static_cast<std::size_t>(bitmap_size_));
    for (std::uint32_t c = 2; c < used_.size(); ++c)
      if (used_[c]) bitmap[(c - 2) / 8] |= static_cast<std::byte>(1u << ((c - 2) % 8));
    write_clusters(bitmap_, bitmap);
    write_fat();
    write_boot(0);
    write_boot(12 * sector_);
    return std::move(image_);
  }

  [[nodiscard]] std::uint64_t offset_of(std::uint32_t cluster) const {
    return (heap_sector_ << options_.sector_shift) + (cluster - 2ull) * cluster_;
  }
  /// Of the last finish(): where the root directory begins.
  [[nodiscard]] std::uint64_t root_offset() const { return offset_of(root_.clusters.front()); }
  [[nodiscard]] std::uint64_t fat_offset() const { return 24 * sector_; }
  [[nodiscard]] const std::vector<std::uint32_t>& clusters_of(std::string_view path) {
    return node(path, false).clusters;
  }

 private:
  struct Modified {
    std::uint32_t stamp = 0x58210000;
    std::uint8_t hundredths = 0;
    std::uint8_t offset = 0;  // none
  };
  struct Node {
    bool directory = false;
    Modified modified;
    std::uint64_t size = 0;
    std::uint64_t valid_size = 0;
    Placement placement = Placement::Chain;
    std::vector<std::uint32_t> clusters;
    std::vector<std::pair<std::u16string, std::unique_ptr<Node>>> children;
  };

  [[nodiscard]] std::uint64_t align_to_cluster(std::uint64_t sector) const {
    const std::uint64_t step = std::max<std::uint64_t>(1, cluster_ / sector_);
    return (sector + step - 1) / step * step;
  }

  Node& node(std::string_view path, bool directory) {
    Node* at = &root_;
    for (const auto name : split(path, '/')) {
      if (name.empty()) continue;
      const std::u16string wide = *to_utf16(name);
      auto found = std::find_if(at->children.begin(), at->children.end(), [&](auto& c) { return c.first == wide; });
      if (found == at->children.end()) {
        at->children.emplace_back(wide, std::make_unique<Node>());
        found = std::prev(at->children.end());
        found->second->directory = true;  // unless it turns out to be the last name
      }
      at = found->second.get();
    }
    at->directory = directory;
    return *at;
  }

  std::vector<std::uint32_t> allocate(std::uint64_t count, Placement placement) {
    std::vector<std::uint32_t> out;
    const std::uint32_t step = placement == Placement::Scattered || placement == Placement::Backwards ? 2 : 1;
    while (out.size() < count) {
      // Neighbours have to be free all at once; scattered ones are taken as they come.
      if (step == 1 && out.empty())
        while (next_free_ < used_.size() && used_[next_free_]) ++next_free_;
      if (next_free_ >= used_.size()) throw std::runtime_error("the exFAT image is full");
      out.push_back(next_free_);
      used_[next_free_] = true;
      next_free_ += step;
    }
    if (placement == Placement::Backwards) std::reverse(out.begin(), out.end());
    if (placement != Placement::NoFatChain)
      for (std::size_t i = 0; i < out.size(); ++i) fat_[out[i]] = i + 1 < out.size() ? out[i + 1] : 0xFFFFFFFF;
    return out;
  }

  void write_clusters(const std::vector<std::uint32_t>& clusters, Bytes bytes) {
    for (std::size_t i = 0; i < clusters.size() && i * cluster_ < bytes.size(); ++i)
      image_.write(offset_of(clusters[i]),
                   bytes.subspan(i * cluster_, std::min<std::size_t>(cluster_, bytes.size() - i * cluster_)));
  }

  std::vector<std::byte> upcase_table() const {
    std::vector<std::byte> out;
    const auto put = [&](unsigned unit) {
      out.push_back(static_cast<std::byte>(unit & 0xFF));
      out.push_back(static_cast<std::byte>(unit >> 8));
    };
    if (!options_.compressed_upcase) {
      for (unsigned c = 0; c < 0x10000; ++c) put(exfat_upcase(static_cast<char16_t>(c)));
      return out;
    }
    for (unsigned c = 0; c < 0x10000;) {
      unsigned end = c;
      while (end < 0x10000 && exfat_upcase(static_cast<char16_t>(end)) == end) ++end;
      if (end - c > 2) {
        put(0xFFFF);
        put(std::min(end - c, 0xFFFFu));
        c += std::min(end - c, 0xFFFFu);
      } else {
        put(exfat_upcase(static_cast<char16_t>(c)));
        ++c;
      }
    }
    return out;
  }

  static std::uint16_t name_hash(std::u16string_view name) {
    std::uint16_t hash = 0;
    for (const char16_t c : name)
      for (const unsigned b : {exfat_upcase(c) & 0xFFu, static_cast<unsigned>(exfat_upcase(c)) >> 8})
        hash = static_cast<std::uint16_t>(((hash & 1) ? 0x8000 : 0) + (hash >> 1) + b);
    return hash;
  }

  /// Gives directories their clusters, deepest first, and writes them.
  void place(Node& directory, bool root) {
    std::vector<std::byte> entries;
    const auto entry = [&] {
      entries.resize(entries.size() + 32);
      return entries.size() - 32;
    };
    if (root) {
      if (!options_.label.empty()) {
        const auto at = entry();
        entries[at] = std::byte{0x83};
        entries[at + 1] = static_cast<std::byte>(options_.label.size());
        for (std::size_t i = 0; i < options_.label.size(); ++i)
          (void)store_le<std::uint16_t>(entries, at + 2 + 2 * i, options_.label[i]);
      }
      auto at = entry();
      entries[at] = std::byte{0x81};
      (void)store_le<std::uint32_t>(entries, at + 20, bitmap_.front());
      (void)store_le<std::uint64_t>(entries, at + 24, bitmap_size_);
      at = entry();
      entries[at] = std::byte{0x82};
      std::uint32_t sum = 0;
      for (const std::byte b : upcase_bytes_)
        sum = ((sum & 1) ? 0x80000000u : 0) + (sum >> 1) + static_cast<unsigned>(b);
      (void)store_le<std::uint32_t>(entries, at + 4, sum);
      (void)store_le<std::uint32_t>(entries, at + 20, upcase_.front());
      (void)store_le<std::uint64_t>(entries, at + 24, upcase_bytes_.size());
    }
    for (auto& [name, child] : directory.children) {
      if (child->directory) place(*child, false);
      const std::size_t names = (name.size() + 14) / 15;
      const auto at = entry();
      entries[at] = std::byte{0x85};
      entries[at + 1] = static_cast<std::byte>(1 + names);
      (void)store_le<std::uint16_t>(entries, at + 4, child->directory ? 0x10 : 0x20);
      for (const std::size_t time : {8, 12, 16}) (void)store_le<std::uint32_t>(entries, at + time, 0x58210000);
      (void)store_le<std::uint32_t>(entries, at + 12, child->modified.stamp);
      entries[at + 21] = std::byte{child->modified.hundredths};
      entries[at + 23] = std::byte{child->modified.offset};
      const auto stream = entry();
      entries[stream] = std::byte{0xC0};
      entries[stream + 1] = static_cast<std::byte>(1 | (child->placement == Placement::NoFatChain ? 2 : 0));
      entries[stream + 3] = static_cast<std::byte>(name.size());
      (void)store_le<std::uint16_t>(entries, stream + 4, name_hash(name));
      (void)store_le<std::uint64_t>(entries, stream + 8, child->directory ? child->size : child->valid_size);
      (void)store_le<std::uint32_t>(entries, stream + 20, child->clusters.empty() ? 0 : child->clusters.front());
      (void)store_le<std::uint64_t>(entries, stream + 24, child->size);
      if (child->clusters.empty()) entries[stream + 1] = std::byte{1};
      for (std::size_t i = 0; i < names; ++i) {
        const auto part = entry();
        entries[part] = std::byte{0xC1};
        for (std::size_t j = 0; j < 15 && i * 15 + j < name.size(); ++j)
          (void)store_le<std::uint16_t>(entries, part + 2 + 2 * j, name[i * 15 + j]);
      }
      std::uint16_t sum = 0;
      for (std::size_t i = at; i < entries.size(); ++i) {
        if (i == at + 2 || i == at + 3) continue;
        sum = static_cast<std::uint16_t>(((sum & 1) ? 0x8000 : 0) + (sum >> 1) + static_cast<unsigned>(entries[i]));
      }
      (void)store_le<std::uint16_t>(entries, at + 2, sum);
    }
    const std::uint64_t clusters = std::max<std::uint64_t>(1, (entries.size() + cluster_ - 1) / cluster_);
    directory.clusters = allocate(clusters, Placement::Chain);
    directory.size = clusters * cluster_;
    directory.placement = Placement::Chain;
    write_clusters(directory.clusters, entries);
  }

  void write_fat() {
    std::vector<std::byte> bytes(fat_.size() * 4);
    for (std::size_t i = 0; i < fat_.size(); ++i) (void)store_le<std::uint32_t>(bytes, i * 4, fat_[i]);
    const std::uint64_t active = options_.second_fat_active ? 24 + fat_sectors_ : 24;
    image_.write(active * sector_, bytes);
    if (options_.fats == 1) return;
    const std::uint64_t other = options_.second_fat_active ? 24 : 24 + fat_sectors_;
    image_.write(other * sector_, Bytes(bytes).first(8));  // an outdated copy: nothing in use
  }

  void write_boot(std::uint64_t at) {
    std::vector<std::byte> region(static_cast<std::size_t>(12 * sector_));
    const std::string_view name =
        "\xEB\x76\x90"
        "EXFAT   ";
    std::copy_n(as_bytes(name).begin(), name.size(), region.begin());
    (void)store_le<std::uint64_t>(region, 72, image_.size() >> options_.sector_shift);
    (void)store_le<std::uint32_t>(region, 80, 24);
    (void)store_le<std::uint32_t>(region, 84, static_cast<std::uint32_t>(fat_sectors_));
    (void)store_le<std::uint32_t>(region, 88, static_cast<std::uint32_t>(heap_sector_));
    (void)store_le<std::uint32_t>(region, 92, options_.clusters);
    (void)store_le<std::uint32_t>(region, 96, root_.clusters.front());
    (void)store_le<std::uint32_t>(region, 100, options_.serial);
    (void)store_le<std::uint16_t>(region, 104, 0x0100);
    (void)store_le<std::uint16_t>(region, 106,
                                  static_cast<std::uint16_t>(options_.flags | (options_.second_fat_active ? 1 : 0)));
    region[108] = static_cast<std::byte>(options_.sector_shift);
    region[109] = static_cast<std::byte>(options_.cluster_shift - options_.sector_shift);
    region[110] = static_cast<std::byte>(options_.fats);
    region[111] = std::byte{0x80};
    region[112] = std::byte{0xFF};
    (void)store_le<std::uint16_t>(region, 510, 0xAA55);
    for (unsigned i = 1; i <= 8; ++i)
      (void)store_le<std::uint32_t>(region, static_cast<std::size_t>((i + 1) * sector_ - 4), 0xAA550000);
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < 11 * sector_; ++i) {
      if (i == 106 || i == 107 || i == 112) continue;
      sum = ((sum & 1) ? 0x80000000u : 0) + (sum >> 1) + static_cast<unsigned>(region[i]);
    }
    for (std::size_t i = static_cast<std::size_t>(11 * sector_); i < region.size(); i += 4)
      (void)store_le(MutableBytes(region), i, sum);
    image_.write(at, region);
  }

  ExfatOptions options_;
  std::uint64_t sector_;
  std::uint64_t cluster_;
  std::uint64_t fat_sectors_;
  std::uint64_t heap_sector_;
  SparseImage image_;
  std::vector<std::uint32_t> fat_;
  std::vector<bool> used_;
  std::uint32_t next_free_ = 2;
  std::uint64_t bitmap_size_ = 0;
  std::vector<std::uint32_t> bitmap_;
  std::vector<std::uint32_t> upcase_;
  std::vector<std::byte> upcase_bytes_;
  Node root_;
};

/// After a change in a set of entries: makes its checksum right again.
inline void seal_set(SparseImage& image, std::uint64_t at) {
  std::vector<std::byte> set((1u + image.get<std::uint8_t>(at + 1)) * 32u);
  if (!image.read(at, set)) throw std::runtime_error("no set of entries");
  std::uint16_t sum = 0;
  for (std::size_t i = 0; i < set.size(); ++i)
    if (i != 2 && i != 3)
      sum = static_cast<std::uint16_t>(((sum & 1) ? 0x8000 : 0) + (sum >> 1) + std::to_integer<unsigned>(set[i]));
  image.put(at + 2, sum);
}

}  // namespace vhdboot::test
