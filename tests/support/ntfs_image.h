// SPDX-License-Identifier: GPL-2.0-or-later
// Makes NTFS volumes in files: mkntfs formats them, libntfs-3g fills them. Unprivileged.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"
#include "init/volume/ntfs3g.h"
#include "tests/support/process.h"
#include "tests/support/sparse_image.h"

namespace vhdboot::test {

struct NtfsOptions {
  std::uint64_t size = 16ull << 20;
  unsigned sector = 512;
  unsigned cluster = 4096;
  std::string label = "HOST";
};

/// Formats the file at `path`, which is made anew.
inline void make_ntfs(const std::string& path, const NtfsOptions& options = {}) {
  const auto mkntfs = tool("mkntfs");
  if (!mkntfs) throw std::runtime_error("mkntfs is not installed");
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, static_cast<off_t>(options.size)) != 0) throw std::runtime_error("no file " + path);
  close(file);
  const auto done =
      run({*mkntfs, "-F", "-q", "-Q", "-s", std::to_string(options.sector), "-c", std::to_string(options.cluster), "-p",
           "2048", "-H", "255", "-S", "63", "-L", options.label, path});
  if (done.status != 0) throw std::runtime_error("mkntfs: " + done.output);
}

/// An NTFS volume in a file, opened for writing by libntfs-3g; closed with the object.
class NtfsWriter {
 public:
  explicit NtfsWriter(const std::string& path) : volume_(ntfs_mount(path.c_str(), NTFS_MNT_RECOVER)) {
    ntfs_log_set_handler(ntfs_log_handler_null);
    if (volume_ == nullptr) throw std::runtime_error("libntfs-3g does not mount " + path);
  }
  ~NtfsWriter() { ntfs_umount(volume_, TRUE); }
  NtfsWriter(const NtfsWriter&) = delete;
  NtfsWriter& operator=(const NtfsWriter&) = delete;

  [[nodiscard]] ntfs_volume* volume() const { return volume_; }

  /// Makes a directory and those above it.
  void add_directory(std::string_view path) { close(make(path, S_IFDIR)); }

  void add_file(std::string_view path, Bytes contents) {
    ntfs_inode* inode = make(path, S_IFREG);
    {
      const volume::AttrPtr data(ntfs_attr_open(inode, AT_DATA, AT_UNNAMED, 0));
      write(data.get(), 0, contents);
    }
    close(inode);
  }

  /// Like add_file, but of the free clusters only every second one may be taken, so that the file lies in about as
  /// many pieces as it has clusters.
  void add_scattered(std::string_view path, Bytes contents) {
    ntfs_attr* bitmap = volume_->lcnbmp_na;
    const auto size = static_cast<std::size_t>(bitmap->data_size);
    std::vector<std::uint8_t> before(size);
    if (ntfs_attr_pread(bitmap, 0, bitmap->data_size, before.data()) != bitmap->data_size)
      throw std::runtime_error("reading the bitmap");
    std::vector<std::uint8_t> blocked(before);
    for (std::uint8_t& byte : blocked) byte |= 0xAA;
    write(bitmap, 0, std::as_bytes(std::span(blocked)));
    ntfs_inode* inode = make(path, S_IFREG);
    // One cluster at a time: asked for more, the library wants them together.
    for (std::size_t at = 0; at < contents.size(); at += volume_->cluster_size) {
      const volume::AttrPtr data(ntfs_attr_open(inode, AT_DATA, AT_UNNAMED, 0));
      write(data.get(), static_cast<s64>(at),
            contents.subspan(at, std::min<std::size_t>(volume_->cluster_size, contents.size() - at)));
    }
    close(inode);
    std::vector<std::uint8_t> after(size);
    if (ntfs_attr_pread(bitmap, 0, bitmap->data_size, after.data()) != bitmap->data_size)
      throw std::runtime_error("reading the bitmap");
    for (std::size_t i = 0; i < size; ++i) after[i] &= static_cast<std::uint8_t>(before[i] | 0x55);
    write(bitmap, 0, std::as_bytes(std::span(after)));
  }

  /// An inode to do anything with; close() writes it back.
  [[nodiscard]] ntfs_inode* inode(std::string_view path) { return make(path, S_IFREG); }
  void close(ntfs_inode* inode) {
    if (ntfs_inode_close(inode) != 0) throw std::runtime_error("closing an inode");
  }
  static void write(ntfs_attr* data, s64 at, Bytes bytes) {
    if (data == nullptr || (!bytes.empty() && ntfs_attr_pwrite(data, at, static_cast<s64>(bytes.size()),
                                                               bytes.data()) != static_cast<s64>(bytes.size())))
      throw std::runtime_error("writing a file");
  }

 private:
  /// The inode of `path`, made when it is missing; directories above it as well.
  ntfs_inode* make(std::string_view path, mode_t type) {
    ntfs_inode* at = ntfs_inode_open(volume_, FILE_root);
    std::vector<std::string_view> names;
    for (const auto name : split(path, '/'))
      if (!name.empty()) names.push_back(name);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::u16string wide = *to_utf16(names[i]);
      auto* unicode = reinterpret_cast<ntfschar*>(const_cast<char16_t*>(wide.data()));
      const auto length = static_cast<u8>(wide.size());
      const u64 found = ntfs_inode_lookup_by_name(at, unicode, length);
      ntfs_inode* next = found != static_cast<u64>(-1) ? ntfs_inode_open(volume_, MREF(found))
                                                       : ntfs_create(at, const_cpu_to_le32(0), unicode, length,
                                                                     i + 1 < names.size() ? S_IFDIR : type);
      if (next == nullptr) throw std::runtime_error("making " + std::string(path));
      close(at);
      at = next;
    }
    return at;
  }

  ntfs_volume* volume_;
};

struct Journal {
  std::uint16_t major = 1;
  std::uint16_t minor = 1;
  std::uint16_t in_use = 0;  ///< the first client that has the journal open; 0xFFFF: none
  std::uint16_t flags = 0;   ///< 2: the volume is clean
  std::uint64_t lsn = 1000;
};

/// A restart page of $LogFile as Windows writes it (ntfs-3g's logfile.h: RESTART_PAGE_HEADER, RESTART_AREA).
inline std::vector<std::byte> restart_page(const Journal& journal) {
  std::vector<std::byte> page(4096);
  const auto put = [&]<class T>(std::size_t at, T value) { (void)store_le(MutableBytes(page), at, value); };
  std::ranges::copy(as_bytes("RSTR"), page.begin());
  put(4, std::uint16_t{30});  // update sequence
  put(6, std::uint16_t{9});
  put(16, std::uint32_t{4096});  // system page
  put(20, std::uint32_t{4096});  // log page
  put(24, std::uint16_t{64});    // restart area
  put(26, journal.minor);
  put(28, journal.major);
  put(30, std::uint16_t{0x1234});  // update sequence number, and at the end of each sector
  for (std::size_t sector = 1; sector <= 8; ++sector) put(sector * 512 - 2, std::uint16_t{0x1234});
  constexpr std::size_t kArea = 64;
  put(kArea, journal.lsn);
  put(kArea + 8, std::uint16_t{1});                                                    // clients
  put(kArea + 10, static_cast<std::uint16_t>(journal.in_use == 0xFFFF ? 0 : 0xFFFF));  // free ones
  put(kArea + 12, journal.in_use);
  put(kArea + 14, journal.flags);
  put(kArea + 16, std::uint32_t{67 - 21});  // bits of the sequence number: they and those of the size make 67
  put(kArea + 20, std::uint16_t{224});      // length of the area
  put(kArea + 22, std::uint16_t{64});       // the clients in it
  put(kArea + 24, std::uint64_t{1 << 20});
  put(kArea + 36, std::uint16_t{48});
  put(kArea + 38, std::uint16_t{64});
  put(kArea + 64 + 16, std::uint16_t{0xFFFF});
  put(kArea + 64 + 18, std::uint16_t{0xFFFF});
  put(kArea + 64 + 28, std::uint32_t{8});
  for (std::size_t i = 0; i < 4; ++i) put(kArea + 64 + 32 + 2 * i, static_cast<std::uint16_t>("NTFS"[i]));
  return page;
}

/// Where the journal begins on a volume fresh from mkntfs, which fills it with FF.
inline std::uint64_t journal_offset(const SparseImage& image) {
  for (std::uint64_t at = 0; at + 65536 < image.size(); at += 512)
    if (image.get<std::uint64_t>(at) == UINT64_MAX && image.get<std::uint64_t>(at + 4096) == UINT64_MAX &&
        image.get<std::uint64_t>(at + 65536) == UINT64_MAX)
      return at;
  throw std::runtime_error("no journal");
}

/// Where the flags of $Volume lie: in its MFT record and in the copy of it in $MFTMirr.
inline std::vector<std::uint64_t> volume_flags(const SparseImage& image) {
  const std::uint64_t cluster = image.get<std::uint16_t>(11) * image.get<std::uint8_t>(13);
  std::vector<std::uint64_t> out;
  for (const std::uint64_t field : {48, 56}) {
    const std::uint64_t record = image.get<std::uint64_t>(field) * cluster + 3 * 1024;
    std::uint64_t attribute = record + image.get<std::uint16_t>(record + 20);
    while (image.get<std::uint32_t>(attribute) != 0x70) attribute += image.get<std::uint32_t>(attribute + 4);
    out.push_back(attribute + image.get<std::uint16_t>(attribute + 20) + 10);
  }
  return out;
}

}  // namespace vhdboot::test
