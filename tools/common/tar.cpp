// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/tar.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"

namespace vhdboot::tools {
namespace {

// Fields of ustar: where, and how long.
struct Field {
  std::size_t offset;
  std::size_t size;
};
constexpr Field kName{0, 100};
constexpr Field kMode{100, 8};
constexpr Field kUid{108, 8};
constexpr Field kGid{116, 8};
constexpr Field kSize{124, 12};
constexpr Field kTime{136, 12};
constexpr Field kChecksum{148, 8};
constexpr Field kType{156, 1};
constexpr Field kLink{157, 100};
constexpr Field kMagic{257, 8};
constexpr Field kMajor{329, 8};
constexpr Field kMinor{337, 8};

void put(std::string& block, Field field, std::string_view text) {
  block.replace(field.offset, std::min(text.size(), field.size), text.substr(0, field.size));
}

bool fits(Field field, std::uint64_t value) {
  return value >> (3 * (field.size - 1)) == 0;
}

void put_octal(std::string& block, Field field, std::uint64_t value) {
  if (!fits(field, value)) value = 0;  // a record says it
  std::string digits(field.size - 1, '0');
  for (std::size_t i = digits.size(); i-- > 0; value >>= 3) digits[i] = static_cast<char>('0' + (value & 7));
  put(block, field, digits);
}

bool fits(Field field, std::string_view text) {
  return text.size() <= field.size &&
         std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 128; });
}

bool fits(const TarTime& time) {
  return time.nanoseconds == 0 && time.seconds >= 0 && fits(kTime, static_cast<std::uint64_t>(time.seconds));
}

/// "LENGTH KEY=VALUE\n", where the length counts itself.
std::string record(std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (concat(length).size() + rest != length) length = concat(length).size() + rest;
  return concat(length, ' ', key, '=', value, '\n');
}

/// As GNU tar writes the name of an attribute: '=' would end it.
std::string attribute_key(std::string_view name) {
  std::string key = "SCHILY.xattr.";
  for (const char c : name) {
    if (c == '=')
      key += "%3D";
    else if (c == '%')
      key += "%25";
    else
      key += c;
  }
  return key;
}

std::string block_of(const TarEntry& entry, char type, std::string_view path, std::uint64_t size) {
  std::string block(kTarBlock, '\0');
  put(block, kName, path);
  put_octal(block, kMode, entry.mode);
  put_octal(block, kUid, entry.uid);
  put_octal(block, kGid, entry.gid);
  put_octal(block, kSize, size);
  put_octal(block, kTime, entry.modified.seconds > 0 ? static_cast<std::uint64_t>(entry.modified.seconds) : 0);
  put(block, kType, std::string_view(&type, 1));
  put(block, kLink, entry.target);
  put(block, kMagic, std::string_view("ustar\00000", 8));
  put_octal(block, kMajor, entry.device_major);
  put_octal(block, kMinor, entry.device_minor);
  put(block, kChecksum, "        ");
  std::uint64_t sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put_octal(block, {kChecksum.offset, 7}, sum);
  block[kChecksum.offset + 6] = '\0';
  return block;
}

std::string padded(std::string text) {
  text.resize(text.size() + tar_padding(text.size()), '\0');
  return text;
}

bool has_holes(const TarEntry& entry) {
  if (entry.type != TarType::File || !entry.data) return false;
  return entry.size != 0 && (entry.data->size() != 1 || entry.data->front() != Range{0, entry.size});
}

std::string map_of(const TarEntry& entry) {
  std::string lines;
  std::size_t count = entry.data->size();
  for (const Range& range : *entry.data) lines += concat(range.offset, '\n', range.length, '\n');
  if (entry.data->empty() || entry.data->back().end() != entry.size) {
    lines += concat(entry.size, "\n0\n");
    ++count;
  }
  return padded(concat(count, '\n', lines));
}

}  // namespace

std::string tar_time(const TarTime& time) {
  constexpr std::uint32_t kSecond = 1'000'000'000;
  // Nanoseconds count forwards, digits behind the point away from zero.
  const bool negative = time.seconds < 0;
  const std::uint64_t seconds = negative ? ~static_cast<std::uint64_t>(time.seconds) + (time.nanoseconds == 0 ? 1 : 0)
                                         : static_cast<std::uint64_t>(time.seconds);
  const std::uint32_t rest = negative && time.nanoseconds != 0 ? kSecond - time.nanoseconds : time.nanoseconds;
  std::string out = concat(negative ? "-" : "", seconds);
  if (rest == 0) return out;
  const std::string digits = concat(rest);
  out += concat('.', std::string(9 - digits.size(), '0'), digits);
  out.resize(out.find_last_not_of('0') + 1);
  return out;
}

std::size_t tar_padding(std::uint64_t size) {
  return (kTarBlock - size % kTarBlock) % kTarBlock;
}

std::string tar_header(const TarEntry& entry) {
  const bool holes = has_holes(entry);
  const std::string map = holes ? map_of(entry) : "";
  std::uint64_t size = entry.type == TarType::File ? entry.size : 0;
  if (holes) {
    size = map.size();
    for (const Range& range : *entry.data) size += range.length;
  }
  std::string records;
  if (entry.binary) records += record("hdrcharset", "BINARY");
  if (holes) {
    records += record("GNU.sparse.major", "1");
    records += record("GNU.sparse.minor", "0");
    records += record("GNU.sparse.name", entry.path);
    records += record("GNU.sparse.realsize", concat(entry.size));
  } else if (!fits(kName, entry.path)) {
    records += record("path", entry.path);
  }
  if (!fits(kLink, entry.target)) records += record("linkpath", entry.target);
  if (!fits(kSize, size)) records += record("size", concat(size));
  if (!fits(kUid, entry.uid)) records += record("uid", concat(entry.uid));
  if (!fits(kGid, entry.gid)) records += record("gid", concat(entry.gid));
  if (!fits(entry.modified)) records += record("mtime", tar_time(entry.modified));
  if (!fits(entry.accessed) || !fits(entry.modified)) records += record("atime", tar_time(entry.accessed));
  for (const auto& [name, value] : entry.attributes) records += record(attribute_key(name), value);

  std::string out;
  if (!records.empty()) {
    TarEntry extended;
    extended.mode = 0644;
    extended.modified.seconds = entry.modified.seconds;
    out = block_of(extended, 'x', "./PaxHeaders/entry", records.size());
    out += padded(std::move(records));
  }
  out += block_of(entry, static_cast<char>(entry.type), holes ? "./GNUSparseFile.0/entry" : entry.path, size);
  out += map;
  return out;
}

}  // namespace vhdboot::tools
