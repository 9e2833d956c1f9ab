// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/boot_option.h"

#include <algorithm>

#include "base/device_path.h"
#include "base/guid.h"
#include "base/text.h"

namespace vhdboot::command {
namespace {

constexpr std::uint32_t kActive = 1;
constexpr std::uint8_t kHardDrive = 0x01;
constexpr std::uint8_t kFilePath = 0x04;
constexpr std::size_t kHardDriveData = 38;
constexpr std::byte kMbr{1};
constexpr std::byte kGpt{2};

// Up to a NUL or the end.
std::u16string units(Bytes bytes) {
  std::u16string text;
  for (std::size_t at = 0; at + 2 <= bytes.size(); at += 2) {
    const auto unit = static_cast<char16_t>(*load_le<std::uint16_t>(bytes, at));
    if (unit == 0) break;
    text += unit;
  }
  return text;
}

std::optional<BootPartition> partition_of(Bytes data) {
  if (data.size() < kHardDriveData) return std::nullopt;
  BootPartition partition{.partuuid = {},
                          .number = *load_le<std::uint32_t>(data, 0),
                          .start = *load_le<std::uint64_t>(data, 4),
                          .length = *load_le<std::uint64_t>(data, 12)};
  const std::byte kind = data[37];
  if (kind == kGpt) {
    const GuidText text = to_text(*load_guid(data, 20));
    partition.partuuid.assign(text.data(), text.size());
  } else if (kind == kMbr) {
    partition.partuuid = concat(to_hex(*load_le<std::uint32_t>(data, 20), 8), '-', to_hex(partition.number, 2));
  }
  return partition;
}

class Writer {
 public:
  template <std::unsigned_integral T>
  void number(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) out_.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
  void bytes(Bytes data) { out_.insert(out_.end(), data.begin(), data.end()); }
  void text(std::u16string_view text) {
    for (const char16_t unit : text) number(static_cast<std::uint16_t>(unit));
    number(std::uint16_t{0});
  }
  void node(std::uint8_t type, std::uint8_t subtype, Bytes data) {
    number(type);
    number(subtype);
    number(static_cast<std::uint16_t>(device_path::kNodeHeaderSize + data.size()));
    bytes(data);
  }
  [[nodiscard]] const std::vector<std::byte>& data() const { return out_; }

 private:
  std::vector<std::byte> out_;
};

Result<std::vector<std::byte>> pack_partition(const BootPartition& partition) {
  Writer node;
  node.number(partition.number);
  node.number(partition.start);
  node.number(partition.length);
  if (const auto guid = parse_guid(partition.partuuid)) {
    node.bytes(guid->bytes);
    node.bytes(std::vector{kGpt, kGpt});  // format and kind of signature have the same number
    return node.data();
  }
  const auto signature =
      partition.partuuid.size() == 11 ? parse_u64(partition.partuuid.substr(0, 8), 16) : std::nullopt;
  if (!signature) return fail(Code::Invalid, concat("no partition is called ", printable(partition.partuuid)));
  node.number(*signature);
  node.number(std::uint64_t{0});
  node.bytes(std::vector{kMbr, kMbr});
  return node.data();
}

}  // namespace

Result<BootOption> parse_boot_option(Bytes value) {
  if (value.size() > kMaxBootOption) return fail(Code::Corrupt, concat("it has ", value.size(), " bytes"));
  const auto attributes = load_le<std::uint32_t>(value, 0);
  const auto path_size = load_le<std::uint16_t>(value, 4);
  if (!attributes || !path_size) return fail(Code::Corrupt, "it is too short for an entry of the firmware's menu");
  const Bytes rest = value.subspan(6);
  const std::u16string title = units(rest);
  const std::size_t title_size = (title.size() + 1) * 2;
  const auto path = slice(rest, title_size, *path_size);
  if (title_size > rest.size() || !path) return fail(Code::Corrupt, "its title or its path reaches beyond its end");

  BootOption option{.active = (*attributes & kActive) != 0, .title = to_utf8(title), .partition = {}, .file = {}};
  device_path::Reader nodes(*path);
  while (const auto node = nodes.next()) {
    if (node->type != device_path::kMedia) continue;
    if (node->subtype == kHardDrive) option.partition = partition_of(node->data);
    if (node->subtype == kFilePath) option.file += to_utf8(units(node->data));
  }
  std::ranges::replace(option.file, '\\', '/');
  return option;
}

Result<std::vector<std::byte>> pack_boot_option(const BootOption& option) {
  if (!option.partition || option.file.empty())
    return fail(Code::Invalid, "an entry of the firmware's menu needs a partition and a file");
  std::string file = option.file;
  std::ranges::replace(file, '/', '\\');
  const auto title = to_utf16(option.title);
  const auto path = to_utf16(file);
  if (!title || !path || title->find(u'\0') != std::u16string::npos || path->find(u'\0') != std::u16string::npos)
    return fail(Code::Invalid, concat("the firmware cannot be told a name such as ", printable(option.title), " or ",
                                      printable(option.file)));
  Writer name;
  name.text(*path);
  Writer nodes;
  nodes.node(device_path::kMedia, kHardDrive, TRY(pack_partition(*option.partition)));
  nodes.node(device_path::kMedia, kFilePath, name.data());
  nodes.node(device_path::kEnd, 0xFF, {});
  Writer out;
  out.number(std::uint32_t{option.active ? kActive : 0});
  out.number(static_cast<std::uint16_t>(nodes.data().size()));
  out.text(*title);
  out.bytes(nodes.data());
  if (out.data().size() > kMaxBootOption || nodes.data().size() > 0xFFFF)
    return fail(Code::Invalid, "the title or path is too long for the firmware's menu");
  return out.data();
}

std::optional<std::uint16_t> boot_number(std::string_view variable) {
  if (variable.size() != 8 || !variable.starts_with("Boot")) return std::nullopt;
  const std::string_view digits = variable.substr(4);
  if (to_upper_ascii(digits) != digits) return std::nullopt;
  const auto number = parse_u64(digits, 16);
  if (!number) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

std::string boot_variable(std::uint16_t number) {
  return concat("Boot", to_upper_ascii(to_hex(number, 4)));
}

Result<std::vector<std::uint16_t>> parse_boot_numbers(Bytes value) {
  if (value.size() % 2 != 0 || value.size() > kMaxBootOption)
    return fail(Code::Corrupt, concat("a list of boot entries has ", value.size(), " bytes"));
  std::vector<std::uint16_t> numbers;
  for (std::size_t at = 0; at < value.size(); at += 2) numbers.push_back(*load_le<std::uint16_t>(value, at));
  return numbers;
}

std::vector<std::byte> pack_boot_numbers(const std::vector<std::uint16_t>& numbers) {
  Writer out;
  for (const std::uint16_t number : numbers) out.number(number);
  return out.data();
}

}  // namespace vhdboot::command
