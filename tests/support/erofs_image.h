// SPDX-License-Identifier: GPL-2.0-or-later
// An EROFS as a kernel reads it (fs/erofs of Linux): what is without compression, by names.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "init/tree/erofs.h"

namespace vhdboot::test {

struct ErofsFile {
  std::uint64_t number = 0;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t links = 0;
  std::uint32_t device = 0;
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  std::string contents;
  std::map<std::string, std::string> attributes;
};

/// Takes the bytes that Erofs::write() and who copies give, and reads them with `partition` behind.
class ErofsImage {
 public:
  explicit ErofsImage(std::vector<std::byte> partition) : partition_(std::move(partition)) {}

  [[nodiscard]] Result<void> write(std::uint64_t offset, Bytes bytes) {
    if (offset + bytes.size() > bytes_.size()) bytes_.resize(offset + bytes.size());
    std::ranges::copy(bytes, bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
    return {};
  }
  void finish(std::uint64_t size) {
    bytes_.resize(size);
    bytes_.insert(bytes_.end(), partition_.begin(), partition_.end());
  }

  /// By their paths, the root's empty; nothing when something is not as it must be.
  [[nodiscard]] std::optional<std::map<std::string, ErofsFile>> files() const {
    std::map<std::string, ErofsFile> out;
    if (number<std::uint32_t>(1024) != 0xE0F5E1E2 || !add(out, "", *number<std::uint16_t>(1024 + 14))) return {};
    return out;
  }

 private:
  static constexpr std::uint64_t kBlock = tree::kErofsBlock;

  template <class T>
  [[nodiscard]] std::optional<T> number(std::uint64_t at) const {
    return load_le<T>(bytes_, at);
  }

  [[nodiscard]] bool add(std::map<std::string, ErofsFile>& out, const std::string& path, std::uint64_t nid) const {
    const auto file = read(nid);
    if (!file || !out.emplace(path, *file).second) return false;
    if ((file->mode & 0170000) != 0040000) return true;
    std::string last;
    unsigned own = 0;
    for (std::uint64_t block = 0; block < file->contents.size(); block += kBlock) {
      const std::string names = file->contents.substr(block, kBlock);
      const Bytes bytes = as_bytes(names);
      const auto first = load_le<std::uint16_t>(bytes, 8).value_or(0);
      if (first < 12 || first % 12 != 0 || first >= names.size()) return false;
      for (std::uint64_t i = 0; i < first / 12U; ++i) {
        const auto at = *load_le<std::uint16_t>(bytes, i * 12 + 8);
        const auto end = i + 1 < first / 12U ? *load_le<std::uint16_t>(bytes, i * 12 + 20) : names.size();
        if (at >= end || end > names.size()) return false;
        std::string name = names.substr(at, end - at);
        name = name.substr(0, name.find('\0'));
        if (name.empty() || (!last.empty() && name <= last)) return false;  // it is searched by halves
        last = name;
        const auto child = *load_le<std::uint64_t>(bytes, i * 12);
        const auto mode = number<std::uint16_t>(child * 32 + 4);
        if (!mode || file_type(*mode) != *load_le<std::uint8_t>(bytes, i * 12 + 10)) return false;
        if (name == ".") {
          if (child != nid) return false;
          ++own;
        } else if (name == "..") {
          ++own;
        } else if (!add(out, path.empty() ? name : path + '/' + name, child)) {
          return false;
        }
      }
    }
    return own == 2;
  }

  static std::uint8_t file_type(std::uint32_t mode) {
    switch (mode & 0170000) {
      case 0100000:
        return 1;
      case 0040000:
        return 2;
      case 0020000:
        return 3;
      case 0060000:
        return 4;
      case 0010000:
        return 5;
      case 0140000:
        return 6;
      default:
        return 7;
    }
  }

  [[nodiscard]] std::optional<ErofsFile> read(std::uint64_t nid) const {
    const std::uint64_t at = nid * 32;
    if (at % kBlock + 64 > kBlock || !number<std::uint64_t>(at + 56)) return {};
    const unsigned format = *number<std::uint16_t>(at);
    if ((format & 1) == 0) return {};
    ErofsFile file;
    file.number = nid;
    file.mode = *number<std::uint16_t>(at + 4);
    const std::uint64_t size = *number<std::uint64_t>(at + 8);
    const std::uint32_t raw = *number<std::uint32_t>(at + 16);
    file.uid = *number<std::uint32_t>(at + 24);
    file.gid = *number<std::uint32_t>(at + 28);
    file.seconds = static_cast<std::int64_t>(*number<std::uint64_t>(at + 32));
    file.nanoseconds = *number<std::uint32_t>(at + 40);
    file.links = *number<std::uint32_t>(at + 44);
    const std::uint64_t icount = *number<std::uint16_t>(at + 2);
    const std::uint64_t attributes = icount == 0 ? 0 : 12 + 4 * (icount - 1);
    if (!read_attributes(file, at + 64, attributes)) return {};
    const std::uint32_t type = file.mode & 0170000;
    if (type == 0020000 || type == 0060000) file.device = raw;
    if (type != 0100000 && type != 0040000 && type != 0120000) return size == 0 ? std::optional(file) : std::nullopt;
    const std::uint64_t behind = at + 64 + attributes;
    const unsigned layout = (format >> 1) & 7;
    for (std::uint64_t block = 0; block * kBlock < size; ++block) {
      const std::uint64_t length = std::min(kBlock, size - block * kBlock);
      std::uint64_t from = (raw + block) * kBlock;
      if (layout == 4) {
        if (raw > 0x1F) return {};
        const auto entry = number<std::uint32_t>((behind + 3) / 4 * 4 + 4 * (block >> raw));
        if (!entry) return {};
        if (*entry == 0xFFFFFFFF) {
          file.contents.append(length, '\0');
          continue;
        }
        from = (*entry + (block & ((1ULL << raw) - 1))) * kBlock;
      } else if (layout == 2 && length < kBlock) {
        from = behind;
        if (from / kBlock != (from + length - 1) / kBlock) return {};  // the kernel refuses it
      } else if (layout != 0 && layout != 2) {
        return {};
      }
      const auto bytes = slice(bytes_, from, length);
      if (!bytes) return {};
      file.contents += as_text(*bytes);
      // Of a file in whole blocks, what is behind its end would be seen.
      const auto rest = slice(bytes_, from + length, layout == 2 && length < kBlock ? 0 : kBlock - length);
      if (!rest || std::ranges::any_of(*rest, [](std::byte b) { return b != std::byte{}; })) return {};
    }
    return file;
  }

  [[nodiscard]] bool read_attributes(ErofsFile& file, std::uint64_t at, std::uint64_t size) const {
    if (size == 0) return true;
    const std::uint64_t end = at + size;
    static const std::map<int, std::string> kPrefixes{{1, "user."},
                                                      {2, "system.posix_acl_access"},
                                                      {3, "system.posix_acl_default"},
                                                      {4, "trusted."},
                                                      {6, "security."}};
    for (at += 12; at < end;) {
      const auto length = number<std::uint8_t>(at);
      const auto index = number<std::uint8_t>(at + 1);
      const auto value_size = number<std::uint16_t>(at + 2);
      if (!value_size || !kPrefixes.contains(*index)) return false;
      const auto name = slice(bytes_, at + 4, *length);
      const auto value = slice(bytes_, at + 4 + *length, *value_size);
      if (!name || !value) return false;
      file.attributes[kPrefixes.at(*index) + std::string(as_text(*name))] = as_text(*value);
      at += (4 + *length + *value_size + 3) / 4 * 4;
    }
    return at == end;
  }

  std::vector<std::byte> bytes_;
  std::vector<std::byte> partition_;
};

}  // namespace vhdboot::test
