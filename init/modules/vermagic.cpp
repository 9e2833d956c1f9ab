// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/vermagic.h"

#include "base/quoted.h"
#include "base/text.h"

namespace vhdboot::modules {

namespace {

// ELF-64 (System V ABI), the fields that lead to a section by its name.
constexpr std::string_view kElfMagic =
    "\x7F"
    "ELF";
constexpr std::uint64_t kClass = 4;
constexpr std::uint64_t kData = 5;
constexpr std::uint8_t kClass64 = 2;
constexpr std::uint8_t kLittleEndian = 1;
constexpr std::uint64_t kSectionTable = 40;  // u64
constexpr std::uint64_t kSectionSize = 58;   // u16
constexpr std::uint64_t kSectionCount = 60;  // u16
constexpr std::uint64_t kNamesSection = 62;  // u16
constexpr std::uint64_t kHeaderBytes = 64;
constexpr std::uint64_t kNameOffset = 0;   // u32, within a section header
constexpr std::uint64_t kDataOffset = 24;  // u64
constexpr std::uint64_t kDataSize = 32;    // u64
constexpr std::uint64_t kSectionHeaderBytes = 64;

std::unexpected<Error> damaged() {
  return fail(Code::Corrupt, "the module is a damaged ELF file");
}

/// The bytes of a section by its header; absent when they do not lie within the file.
std::optional<Bytes> section_bytes(Bytes module, Bytes header) {
  const auto offset = load_le<std::uint64_t>(header, kDataOffset);
  const auto size = load_le<std::uint64_t>(header, kDataSize);
  if (!offset || !size) return std::nullopt;
  return slice(module, *offset, *size);
}

/// The text from `offset` up to its NUL.
std::string_view text_at(Bytes names, std::uint64_t offset) {
  if (offset >= names.size()) return {};
  const auto text = as_text(names.subspan(static_cast<std::size_t>(offset)));
  return text.substr(0, text.find('\0'));
}

Result<Bytes> find_section(Bytes module, std::string_view name) {
  if (module.size() < kHeaderBytes || !as_text(module).starts_with(kElfMagic))
    return fail(Code::Corrupt, "the module is no ELF file");
  if (load_le<std::uint8_t>(module, kClass) != kClass64 || load_le<std::uint8_t>(module, kData) != kLittleEndian)
    return fail(Code::Unsupported, "the module is no 64-bit little-endian ELF file");
  const auto table = load_le<std::uint64_t>(module, kSectionTable);
  const auto size = load_le<std::uint16_t>(module, kSectionSize);
  const auto count = load_le<std::uint16_t>(module, kSectionCount);
  const auto names_index = load_le<std::uint16_t>(module, kNamesSection);
  if (!table || !size || !count || !names_index || *size < kSectionHeaderBytes || *names_index >= *count)
    return damaged();
  const auto headers = slice(module, *table, std::uint64_t{*size} * *count);
  if (!headers) return damaged();
  const auto header = [&](std::uint64_t index) { return headers->subspan(index * *size, kSectionHeaderBytes); };
  const auto names = section_bytes(module, header(*names_index));
  if (!names) return damaged();
  for (std::uint64_t i = 0; i < *count; ++i) {
    if (text_at(*names, *load_le<std::uint32_t>(header(i), kNameOffset)) != name) continue;
    const auto bytes = section_bytes(module, header(i));
    if (!bytes) return damaged();
    return *bytes;
  }
  return fail(Code::NotFound, concat("the module has no section ", name));
}

}  // namespace

Result<std::string_view> modinfo_value(Bytes module, std::string_view key) {
  std::string_view rest = as_text(TRY(find_section(module, ".modinfo")));
  while (!rest.empty()) {
    const auto entry = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
    if (entry.size() > key.size() && entry.starts_with(key) && entry[key.size()] == '=')
      return entry.substr(key.size() + 1);
  }
  return fail(Code::NotFound, concat("the module does not say its ", key));
}

Result<void> check_vermagic(Bytes module, std::string_view release) {
  const auto magic = TRY(modinfo_value(module, "vermagic"));
  const auto built_for = magic.substr(0, magic.find(' '));
  if (built_for == release) return {};
  return fail(Code::Unsupported, concat("the module was built for kernel ", quoted(built_for),
                                        ", the kernel to be started is ", quoted(release)));
}

}  // namespace vhdboot::modules
