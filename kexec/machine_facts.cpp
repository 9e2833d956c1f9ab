// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/machine_facts.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/bytes.h"
#include "base/text.h"

namespace vhdboot::kexec {

namespace {

constexpr unsigned kMaxEntries = 1024;  // of the firmware's tables; machines have some dozens
constexpr std::size_t kEfiSignatureAt = 0x1C0;

std::optional<std::uint64_t> parse_hex(std::string_view text) {
  text = trim(text);
  if (text.starts_with("0x")) text.remove_prefix(2);
  return parse_u64(text, 16);
}

Result<std::uint64_t> read_number(const FileReader& read, const std::string& path) {
  const std::string text = TRY(read(path));
  const auto value = parse_hex(text);
  if (!value) return fail(Code::Unsupported, concat(path, " says \"", printable(trim(text)), "\", which is no number"));
  return *value;
}

// A range whose last byte is `last`, as the kernel prints them; nothing for one that is no range.
std::optional<MemoryRange> inclusive(std::uint64_t first, std::uint64_t last, MemoryType type) {
  if (last < first || last == std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
  return MemoryRange{first, last - first + 1, type};
}

// arch/x86/kernel/e820.c, e820_type_to_string().
std::optional<MemoryType> memory_type(std::string_view name) {
  if (name == "System RAM") return MemoryType::Ram;
  if (name == "Reserved") return MemoryType::Reserved;
  if (name == "ACPI Tables") return MemoryType::Acpi;
  if (name == "ACPI Non-volatile Storage") return MemoryType::Nvs;
  if (name == "Unusable memory") return MemoryType::Unusable;
  if (name == "Persistent Memory") return MemoryType::Persistent;
  if (name == "Persistent Memory (legacy)") return MemoryType::LegacyPersistent;
  if (name == "Soft Reserved") return MemoryType::SoftReserved;
  return std::nullopt;
}

Result<void> sort_and_check(std::vector<MemoryRange>& ranges, std::string_view what) {
  std::ranges::sort(ranges, {}, &MemoryRange::start);
  for (std::size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i].start < ranges[i - 1].end()) return fail(Code::Unsupported, concat(what, " has overlapping entries"));
  if (std::ranges::none_of(ranges, [](const MemoryRange& range) { return range.type == MemoryType::Ram; }))
    return fail(Code::Unsupported, concat(what, " shows no memory"));
  return {};
}

Result<std::vector<MemoryRange>> read_firmware_map(const FileReader& read) {
  std::vector<MemoryRange> map;
  for (unsigned i = 0; i < kMaxEntries; ++i) {
    const std::string folder = concat("/sys/firmware/memmap/", i);
    const auto type_name = read(folder + "/type");
    if (!type_name && type_name.error().code == Code::NotFound) break;
    if (!type_name) return std::unexpected(type_name.error());
    const auto type = memory_type(trim(*type_name));
    if (!type)
      return fail(Code::Unsupported,
                  concat("the firmware reports memory of the unknown type \"", printable(trim(*type_name)), "\""));
    const auto range =
        inclusive(TRY(read_number(read, folder + "/start")), TRY(read_number(read, folder + "/end")), *type);
    if (!range) return fail(Code::Unsupported, concat(folder, " is no range of memory"));
    map.push_back(*range);
  }
  TRY(sort_and_check(map, "the firmware's memory map"));
  return map;
}

// `range` made large enough to hold first to last as well.
MemoryRange spanning(const std::optional<MemoryRange>& range, std::uint64_t first, std::uint64_t last) {
  const std::uint64_t start = range ? std::min(range->start, first) : first;
  const std::uint64_t end = range ? std::max(range->end() - 1, last) : last;
  return inclusive(start, end, MemoryType::Ram).value_or(MemoryRange{});
}

struct IoMemory {
  std::vector<MemoryRange> system_ram;
  std::optional<MemoryRange> kernel;
  std::optional<std::uint64_t> framebuffer;
};

// Lines "00100000-7fffffff : System RAM", with two more blanks in front for each level of nesting.
Result<IoMemory> parse_iomem(std::string_view text) {
  IoMemory result;
  for (const std::string_view line : split_lines(text)) {
    const std::size_t colon = line.find(" : ");
    const std::size_t dash = line.find('-');
    if (colon == std::string_view::npos || dash > colon) continue;
    const std::string_view name = line.substr(colon + 3);
    const auto first = parse_hex(line.substr(0, dash));
    const auto last = parse_hex(line.substr(dash + 1, colon - dash - 1));
    if (!first || !last) continue;
    if (name == "BOOTFB" || name == "efifb") result.framebuffer = first;
    if (name.starts_with("Kernel ") && *last != 0) result.kernel = spanning(result.kernel, *first, *last);
    if (name != "System RAM" || line.starts_with(' ')) continue;
    // Without the privilege to see addresses all of them are 0.
    const auto range = inclusive(*first, *last, MemoryType::Ram);
    if (range && *last != 0) result.system_ram.push_back(*range);
  }
  TRY(sort_and_check(result.system_ram, "/proc/iomem"));
  return result;
}

// The address in a line "KEY=0x..." of /sys/firmware/efi/systab; 0 when there is none.
std::uint64_t systab_value(std::string_view systab, std::string_view key) {
  for (const std::string_view line : split_lines(systab))
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == '=')
      return parse_hex(line.substr(key.size() + 1)).value_or(0);
  return 0;
}

Result<EfiFacts> read_efi(const FileReader& read) {
  EfiFacts efi;
  efi.vendor = TRY(read_number(read, "/sys/firmware/efi/fw_vendor"));
  efi.configuration = TRY(read_number(read, "/sys/firmware/efi/config_table"));
  const std::string systab = TRY(read("/sys/firmware/efi/systab"));
  efi.smbios = systab_value(systab, "SMBIOS");
  efi.acpi = systab_value(systab, "ACPI20");
  if (efi.acpi == 0) efi.acpi = systab_value(systab, "ACPI");
  for (unsigned i = 0; i < kMaxEntries; ++i) {
    const std::string folder = concat("/sys/firmware/efi/runtime-map/", i);
    const auto type = read_number(read, folder + "/type");
    if (!type && type.error().code == Code::NotFound) break;
    if (!type) return std::unexpected(type.error());
    efi.regions.push_back({static_cast<std::uint32_t>(*type), TRY(read_number(read, folder + "/phys_addr")),
                           TRY(read_number(read, folder + "/virt_addr")), TRY(read_number(read, folder + "/num_pages")),
                           TRY(read_number(read, folder + "/attribute"))});
  }
  if (efi.regions.empty()) return fail(Code::Unsupported, "the map of the EFI runtime services is empty");
  return efi;
}

bool has_flag(std::string_view cpuinfo, std::string_view flag) {
  for (const std::string_view line : split_lines(cpuinfo))
    if (line.starts_with("flags")) {
      const auto words = split_words(line);
      return std::ranges::find(words, flag) != words.end();
    }
  return false;
}

// Every missing file means that this way of loading is not to be had; none of them is an error of the machine.
Error unsupported(Error error) {
  error.code = Code::Unsupported;
  return error;
}

}  // namespace

Result<MachineFacts> gather_facts(const FileReader& read) {
  const auto gather = [&]() -> Result<MachineFacts> {
    MachineFacts facts;
    const std::string boot_params = TRY(read("/sys/kernel/boot_params/data"));
    if (boot_params.size() != kBootParamsSize)
      return fail(Code::Unsupported, concat("the boot parameters have ", boot_params.size(), " bytes"));
    std::memcpy(facts.boot_params.data(), boot_params.data(), kBootParamsSize);
    facts.firmware_map = TRY(read_firmware_map(read));
    auto memory = TRY(parse_iomem(TRY(read("/proc/iomem"))));
    facts.system_ram = std::move(memory.system_ram);
    facts.running_kernel = memory.kernel;
    facts.framebuffer = memory.framebuffer;
    facts.five_level_paging = has_flag(TRY(read("/proc/cpuinfo")), "la57");

    const std::string_view signature = std::string_view(boot_params).substr(kEfiSignatureAt, 4);
    if (signature == "EL64")
      facts.efi = TRY(read_efi(read));
    else if (signature != std::string_view("\0\0\0\0", 4))
      return fail(Code::Unsupported, "the machine was started by 32-bit EFI firmware");
    return facts;
  };
  auto facts = gather();
  if (!facts) return std::unexpected(unsupported(std::move(facts).error()));
  return facts;
}

}  // namespace vhdboot::kexec
