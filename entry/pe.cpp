// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/pe.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace vhdboot::entry {

namespace {

// PE format, "MS-DOS Stub", "COFF File Header", "Optional Header", "Section Table".
constexpr std::uint64_t kDosHeaderSize = 64;
constexpr std::uint64_t kPeOffsetField = 0x3C;
constexpr std::uint64_t kCoffSize = 24;            // with the signature "PE\0\0"
constexpr std::uint64_t kOptionalHeaderMin = 112;  // PE32+ without data directories
constexpr std::uint64_t kSectionHeaderSize = 40;
constexpr std::uint16_t kMagicPe32 = 0x10B;
constexpr std::uint16_t kMagicPe32Plus = 0x20B;
constexpr std::uint16_t kMachineX64 = 0x8664;

std::string machine_name(std::uint16_t machine) {
  switch (machine) {
    case 0x014C:
      return "32-bit x86";
    case 0x01C0:
    case 0x01C2:
    case 0x01C4:
      return "32-bit ARM";
    case 0xAA64:
      return "64-bit ARM";
    case 0x5064:
      return "64-bit RISC-V";
    case 0x6264:
      return "LoongArch";
    default:
      return concat("machine type 0x", to_hex(machine, 4));
  }
}

Result<std::vector<std::byte>> read_header(const ByteSource& file, std::uint64_t offset, std::uint64_t length) {
  if (offset > file.size() || length > file.size() - offset)
    return fail(Code::Corrupt, concat("truncated: the file ends at byte ", file.size(), " within its PE headers"));
  return read_range(file, {offset, length}, length, "the PE headers");
}

std::string section_name(Bytes header) {
  std::string_view name = as_text(header.first(8));
  return printable(name.substr(0, name.find('\0')));
}

// Refuses what no linker writes: data shared by two sections lets one text be checked and another one be used.
Result<void> check_overlap(std::vector<std::pair<Range, std::string>> raw, std::uint64_t headers_end) {
  std::ranges::sort(raw, {}, [](const auto& section) { return section.first.offset; });
  std::uint64_t end = headers_end;
  std::string_view before = "PE headers";
  for (const auto& [range, name] : raw) {
    if (range.offset < end)
      return fail(Code::Corrupt, concat("section ", name, " at byte ", range.offset, " overlaps the ", before));
    end = range.offset + range.length;
    before = name;
  }
  return {};
}

}  // namespace

const Section* PeFile::find(std::string_view name) const {
  const auto found = std::ranges::find(sections, name, &Section::name);
  return found == sections.end() ? nullptr : &*found;
}

Result<PeFile> parse_pe(const ByteSource& file) {
  if (file.size() < kDosHeaderSize) return fail(Code::Unsupported, "not a PE file (too short)");
  const auto dos = TRY(read_header(file, 0, kDosHeaderSize));
  if (!as_text(dos).starts_with("MZ")) return fail(Code::Unsupported, "not a PE file (no MZ signature)");
  const std::uint64_t coff_at = load_le<std::uint32_t>(dos, kPeOffsetField).value();
  if (coff_at < kDosHeaderSize) return fail(Code::Unsupported, "not a PE file (an MS-DOS program)");

  const auto coff = TRY(read_header(file, coff_at, kCoffSize));
  if (!as_text(coff).starts_with(std::string_view("PE\0\0", 4)))
    return fail(Code::Unsupported, "not a PE file (no PE signature)");
  const auto machine = load_le<std::uint16_t>(coff, 4).value();
  const auto section_count = load_le<std::uint16_t>(coff, 6).value();
  const auto optional_size = load_le<std::uint16_t>(coff, 20).value();
  if (machine != kMachineX64)
    return fail(Code::Unsupported, concat("made for ", machine_name(machine), ", not for 64-bit x86"));
  if (optional_size < 2) return fail(Code::Unsupported, "a PE object, not a program");
  const std::uint64_t optional_at = coff_at + kCoffSize;
  const auto magic = load_le<std::uint16_t>(TRY(read_header(file, optional_at, 2)), 0).value();
  if (magic != kMagicPe32Plus)
    return fail(Code::Unsupported, magic == kMagicPe32 ? std::string("a PE32 file, not PE32+")
                                                       : concat("unknown PE format 0x", to_hex(magic, 4)));
  if (optional_size < kOptionalHeaderMin)
    return fail(Code::Corrupt, concat("the optional PE header has ", optional_size, " bytes, too few for PE32+"));
  if (section_count > kMaxSections)
    return fail(Code::Corrupt,
                concat("a PE file with ", section_count, " sections, at most ", kMaxSections, " are possible"));

  const std::uint64_t table_at = optional_at + optional_size;
  const std::uint64_t table_size = section_count * kSectionHeaderSize;
  const auto table = TRY(read_header(file, table_at, table_size));

  PeFile pe;
  std::vector<std::pair<Range, std::string>> raw;
  for (unsigned i = 0; i < section_count; ++i) {
    const Bytes header = Bytes(table).subspan(i * kSectionHeaderSize, kSectionHeaderSize);
    const std::uint64_t virtual_size = load_le<std::uint32_t>(header, 8).value();
    const std::uint64_t raw_size = load_le<std::uint32_t>(header, 16).value();
    const std::uint64_t raw_at = load_le<std::uint32_t>(header, 20).value();
    std::string name = section_name(header);
    if (raw_size != 0) {
      if (raw_at > file.size() || raw_size > file.size() - raw_at)
        return fail(Code::Corrupt, concat("truncated: section ", name, " ends at byte ", raw_at + raw_size,
                                          ", the file at byte ", file.size()));
      raw.emplace_back(Range{raw_at, raw_size}, name);
    }
    // A section whose VirtualSize is the smaller one is padded in the file to the file alignment: the padding is not
    // its data. One whose VirtualSize is the larger one continues with zero bytes in memory: systemd-stub, which runs
    // there, sees them, but they mean nothing in any section of a unified kernel image (they end a text, and the
    // kernel skips them between archives), so they are left out, as systemd does where it reads files. (systemd, pe.c:
    // "The actual data that's read from disk is the minimum of these two fields.")
    const std::uint64_t length = std::min(virtual_size, raw_size);
    pe.sections.push_back({std::move(name), length == 0 ? Range{} : Range{raw_at, length}});
  }
  TRY(check_overlap(std::move(raw), table_at + table_size));
  return pe;
}

}  // namespace vhdboot::entry
