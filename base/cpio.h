// SPDX-License-Identifier: GPL-2.0-or-later
// Writes "newc" cpio archives, which the kernel unpacks as an initramfs, into a buffer of the caller. Freestanding.
// Format: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
//
// An archive may follow another one, compressed or not, when it begins 4-byte aligned after zero padding. The kernel
// makes no parent directories: add those first.
//
//   std::uint64_t size = cpio::entry_size("vhdboot", 0) + cpio::entry_size("vhdboot/a", a.size()) + cpio::kTrailerSize;
//   cpio::Writer writer(buffer_of_that_size);
//   bool ok = writer.directory("vhdboot") && writer.file("vhdboot/a", a) && writer.finish();
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/units.h"

namespace vhdboot::cpio {

inline constexpr std::size_t kHeaderSize = 110;
/// Every header and every file's data begins at a multiple of this from the start of the archive.
inline constexpr std::size_t kAlignment = 4;
/// The longest name that the kernel takes (PATH_MAX, which counts the NUL); it skips an entry with a longer one.
inline constexpr std::size_t kMaxNameLength = 4095;
/// A size is eight hexadecimal digits.
inline constexpr std::uint64_t kMaxFileSize = std::numeric_limits<std::uint32_t>::max();

/// Header and name of an entry with their padding: what stands before the data.
[[nodiscard]] constexpr std::uint64_t header_size(std::string_view name) {
  return align_up(kHeaderSize + name.size() + 1, kAlignment);
}

/// What an entry takes in the archive. `data_size` is at most kMaxFileSize.
[[nodiscard]] constexpr std::uint64_t entry_size(std::string_view name, std::uint64_t data_size) {
  return header_size(name) + align_up(data_size, kAlignment);
}

inline constexpr std::string_view kTrailerName = "TRAILER!!!";
inline constexpr std::uint64_t kTrailerSize = entry_size(kTrailerName, 0);

/// File types, as in st_mode.
inline constexpr std::uint32_t kRegular = 0100000;
inline constexpr std::uint32_t kDirectory = 0040000;
inline constexpr std::uint32_t kSymlink = 0120000;
inline constexpr std::uint32_t kCharacterDevice = 0020000;
inline constexpr std::uint32_t kBlockDevice = 0060000;

struct Entry {
  std::string_view name;           ///< 1 to kMaxNameLength bytes, no NUL; "a/b" and "/a/b" are the same to the kernel
  std::uint32_t mode = 0;          ///< file type and permissions
  std::uint64_t size = 0;          ///< bytes of data; the target's length for a symbolic link
  std::uint32_t device_major = 0;  ///< for device nodes
  std::uint32_t device_minor = 0;
};

/// Fills a caller's buffer with an archive that belongs to user and group 0 and is dated 1970, so that the same input
/// gives the same bytes. Every function answers false when its entry is malformed or does not fit, and writes nothing
/// then; after that the archive is only good up to the entry before.
class Writer {
 public:
  /// `out` is borrowed and begins 4-byte aligned within the finished archive.
  explicit constexpr Writer(MutableBytes out) : out_(out) {}

  [[nodiscard]] constexpr bool directory(std::string_view name, std::uint32_t permissions = 0755) {
    return add({.name = name, .mode = kDirectory | permissions}, {});
  }
  [[nodiscard]] constexpr bool file(std::string_view name, Bytes data, std::uint32_t permissions = 0644) {
    return add({.name = name, .mode = kRegular | permissions, .size = data.size()}, data);
  }
  [[nodiscard]] constexpr bool symlink(std::string_view name, std::string_view target) {
    const auto room = reserve({.name = name, .mode = kSymlink | 0777, .size = target.size()});
    if (!room) return false;
    for (std::size_t i = 0; i < target.size(); ++i) (*room)[i] = static_cast<std::byte>(target[i]);
    return true;
  }
  [[nodiscard]] constexpr bool add(const Entry& entry, Bytes data) {
    if (data.size() != entry.size) return false;
    const auto room = reserve(entry);
    if (!room) return false;
    for (std::size_t i = 0; i < data.size(); ++i) (*room)[i] = data[i];
    return true;
  }

  /// Writes everything of an entry but its data, and returns where the caller puts those (`entry.size` bytes), which
  /// spares a copy of a large file. Nothing when the entry is malformed or does not fit.
  [[nodiscard]] constexpr std::optional<MutableBytes> reserve(const Entry& entry) {
    if (entry.name == kTrailerName) return std::nullopt;
    return put(entry, ++inode_);
  }

  /// Writes header and name of an entry alone. What follows them in the finished archive, before anything else, is the
  /// caller's: `entry.size` bytes of data, and zeros up to a multiple of kAlignment.
  [[nodiscard]] constexpr bool header(const Entry& entry) {
    if (entry.name == kTrailerName || !is_valid(entry) || header_size(entry.name) > out_.size() - size_) return false;
    put_header(entry, ++inode_);
    return true;
  }

  /// Ends the archive.
  [[nodiscard]] constexpr bool finish() { return put({.name = kTrailerName}, 0).has_value(); }

  /// Bytes written; always a multiple of kAlignment.
  [[nodiscard]] constexpr std::size_t size() const { return size_; }

 private:
  [[nodiscard]] static constexpr bool is_valid(const Entry& entry) {
    return !entry.name.empty() && entry.name.size() <= kMaxNameLength &&
           entry.name.find('\0') == std::string_view::npos && entry.size <= kMaxFileSize;
  }

  [[nodiscard]] constexpr std::optional<MutableBytes> put(const Entry& entry, std::uint32_t inode) {
    if (!is_valid(entry) || entry_size(entry.name, entry.size) > out_.size() - size_) return std::nullopt;
    put_header(entry, inode);
    const MutableBytes data = out_.subspan(size_, static_cast<std::size_t>(entry.size));
    size_ += data.size();
    put_zeros(align_up(entry.size, kAlignment) - entry.size);
    return data;
  }

  constexpr void put_header(const Entry& entry, std::uint32_t inode) {
    const auto links = std::uint32_t{1};
    // c_magic is not a number; c_ino, c_mode, c_uid, c_gid, c_nlink, c_mtime, c_filesize, c_maj, c_min, c_rmaj, c_rmin,
    // c_namesize (with its NUL), c_chksum (0 in this format).
    const std::array<std::uint32_t, 13> fields{inode,
                                               entry.mode,
                                               0,
                                               0,
                                               links,
                                               0,
                                               static_cast<std::uint32_t>(entry.size),
                                               0,
                                               0,
                                               entry.device_major,
                                               entry.device_minor,
                                               static_cast<std::uint32_t>(entry.name.size() + 1),
                                               0};
    put_text("070701");
    for (const std::uint32_t field : fields) put_hex(field);
    put_text(entry.name);
    put_zeros(header_size(entry.name) - kHeaderSize - entry.name.size());
  }

  constexpr void put_text(std::string_view text) {
    for (const char c : text) out_[size_++] = static_cast<std::byte>(c);
  }
  constexpr void put_hex(std::uint32_t value) {
    for (int shift = 28; shift >= 0; shift -= 4)
      out_[size_++] = static_cast<std::byte>("0123456789abcdef"[value >> shift & 15]);
  }
  constexpr void put_zeros(std::uint64_t count) {
    for (; count > 0; --count) out_[size_++] = std::byte{0};
  }

  MutableBytes out_;
  std::size_t size_ = 0;
  std::uint32_t inode_ = 0;
};

}  // namespace vhdboot::cpio
