// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/boot_params.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/text.h"
#include "base/units.h"

namespace vhdboot::kexec {

namespace {

// struct boot_params (arch/x86/include/uapi/asm/bootparam.h); offsets of the fields.
constexpr std::size_t kScreenInfo = 0x000;
constexpr std::size_t kScreenInfoSize = 0x40;
constexpr std::size_t kScreenExtMemK = 0x002;
constexpr std::size_t kScreenKind = 0x00F;
constexpr std::size_t kScreenBase = 0x018;
constexpr std::size_t kScreenCapabilities = 0x036;
constexpr std::size_t kScreenBaseHigh = 0x03A;
constexpr std::size_t kAcpiRootPointer = 0x070;
constexpr std::size_t kRamdiskImageHigh = 0x0C0;
constexpr std::size_t kRamdiskSizeHigh = 0x0C4;
constexpr std::size_t kCmdlineHigh = 0x0C8;
constexpr std::size_t kEfiInfo = 0x1C0;
constexpr std::size_t kEfiDescriptorSize = kEfiInfo + 8;
constexpr std::size_t kEfiMapLow = kEfiInfo + 16;
constexpr std::size_t kEfiMapSize = kEfiInfo + 20;
constexpr std::size_t kEfiMapHigh = kEfiInfo + 28;
constexpr std::size_t kEfiInfoSize = 0x20;
constexpr std::size_t kAltMemK = 0x1E0;
constexpr std::size_t kMapEntries = 0x1E8;
constexpr std::size_t kEddEntries = 0x1E9;
constexpr std::size_t kSecureBoot = 0x1EC;
constexpr std::size_t kHeader = 0x1F1;
constexpr std::size_t kLoaderType = 0x210;
constexpr std::size_t kLoadFlags = 0x211;
constexpr std::size_t kRamdiskImage = 0x218;
constexpr std::size_t kRamdiskSize = 0x21C;
constexpr std::size_t kCmdlinePointer = 0x228;
constexpr std::size_t kHardwareSubarch = 0x23C;
constexpr std::size_t kSetupData = 0x250;
constexpr std::size_t kHeaderLimit = 0x290;
constexpr std::size_t kEddSignatures = 0x290;
constexpr std::size_t kEddSignaturesSize = 64;
constexpr std::size_t kMemoryMap = 0x2D0;
constexpr std::size_t kMemoryMapEntrySize = 20;
constexpr std::size_t kMaxMapEntries = 128;
constexpr std::size_t kEddTable = 0xD00;
constexpr std::size_t kEddTableSize = 0x1EC;

constexpr std::uint8_t kKindEfi = 0x70;                  // screen_info: a frame buffer of EFI firmware
constexpr std::uint32_t kCapability64BitBase = 1U << 1;  // screen_info: the base address has a high half
constexpr std::uint8_t kLoaderKexec = 0x0D << 4;

// struct setup_data and what it may carry (arch/x86/include/uapi/asm/setup_data.h).
constexpr std::size_t kSetupDataHeader = 16;
constexpr std::uint32_t kSetupEfi = 4;
constexpr std::uint32_t kSetupRngSeed = 9;
constexpr std::size_t kSetupEfiSize = 12 * 8;  // struct efi_setup_data (arch/x86/include/asm/efi.h)
constexpr std::size_t kEfiRegionSize = 40;
constexpr std::uint32_t kMaxEfiDescriptor = 256;

constexpr std::size_t kAlignment = 16;

// Fills a buffer of known size; every offset below is checked once, against layout_of().
class Writer {
 public:
  explicit Writer(std::vector<std::byte>& out) : out_(out) {}
  template <class T>
  void put(std::size_t at, T value) {
    if (!store_le(MutableBytes(out_), at, value)) ok_ = false;
  }
  void copy(std::size_t at, Bytes bytes) {
    if (at > out_.size() || bytes.size() > out_.size() - at)
      ok_ = false;
    else if (!bytes.empty())
      std::memcpy(out_.data() + at, bytes.data(), bytes.size());
  }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::vector<std::byte>& out_;
  bool ok_ = true;
};

std::uint32_t low(std::uint64_t value) {
  return static_cast<std::uint32_t>(value);
}
std::uint32_t high(std::uint64_t value) {
  return static_cast<std::uint32_t>(value >> 32);
}

// What follows the zero page, from its start.
struct Layout {
  std::uint32_t descriptor_size = 0;
  std::size_t cmdline = kBootParamsSize;
  std::size_t efi_map = 0;
  std::size_t efi_map_size = 0;
  std::size_t efi_data = 0;
  std::size_t seed = 0;
  std::size_t size = 0;
};

bool has_seed(const MachineFacts& facts) {
  return std::ranges::any_of(facts.seed, [](std::byte b) { return b != std::byte{0}; });
}

Result<Layout> layout_of(const MachineFacts& facts, std::string_view cmdline) {
  // Linux would drop the entries that are too many; we leave the machine to it.
  if (facts.firmware_map.size() > kMaxMapEntries)
    return fail(Code::Unsupported,
                concat("the firmware's memory map has ", facts.firmware_map.size(), " entries, too many"));
  Layout layout;
  if (cmdline.find('\0') != std::string_view::npos) return fail(Code::Invalid, "the command line contains a NUL");
  if (cmdline.size() > 64 * kKiB) return fail(Code::Invalid, "the command line is too long");
  layout.efi_map = align_up(layout.cmdline + cmdline.size() + 1, kAlignment);
  std::size_t at = layout.efi_map;
  if (facts.efi) {
    layout.descriptor_size = load_le<std::uint32_t>(facts.boot_params, kEfiDescriptorSize).value();
    if (layout.descriptor_size < kEfiRegionSize || layout.descriptor_size > kMaxEfiDescriptor)
      return fail(Code::Unsupported, concat("EFI memory descriptors of ", layout.descriptor_size, " bytes"));
    layout.efi_map_size = facts.efi->regions.size() * layout.descriptor_size;
    layout.efi_data = align_up(layout.efi_map + layout.efi_map_size, kAlignment);
    at = layout.efi_data + kSetupDataHeader + kSetupEfiSize;
  }
  layout.seed = align_up(at, kAlignment);
  layout.size = layout.seed + (has_seed(facts) ? kSetupDataHeader + facts.seed.size() : 0);
  return layout;
}

// The memory from 1 MiB up to the first gap, for those who still ask the old way.
void put_old_memory_sizes(Writer& out, const std::vector<MemoryRange>& map) {
  for (const MemoryRange& range : map) {
    if (range.type != MemoryType::Ram || range.start > kMiB || range.end() - 1 <= kMiB) continue;
    const std::uint64_t kib = ((range.end() - 1) >> 10) - (kMiB >> 10);
    out.put(kScreenExtMemK, static_cast<std::uint16_t>(std::min<std::uint64_t>(kib, 0xFC00)));
    out.put(kAltMemK, static_cast<std::uint32_t>(std::min<std::uint64_t>(kib, 0xFFFFFFFF)));
  }
}

void put_screen(Writer& out, const MachineFacts& facts) {
  const Bytes old(facts.boot_params);
  out.copy(kScreenInfo, old.subspan(kScreenInfo, kScreenInfoSize));
  out.put<std::uint16_t>(kScreenExtMemK, 0);
  // The kernel may have moved the frame buffer's PCI resource since.
  if (load_le<std::uint8_t>(old, kScreenKind) != kKindEfi || !facts.framebuffer) return;
  out.put(kScreenBase, low(*facts.framebuffer));
  out.put(kScreenBaseHigh, high(*facts.framebuffer));
  if (high(*facts.framebuffer) == 0) return;
  out.put(kScreenCapabilities, load_le<std::uint32_t>(old, kScreenCapabilities).value() | kCapability64BitBase);
}

void put_memory_map(Writer& out, const std::vector<MemoryRange>& map) {
  out.put(kMapEntries, static_cast<std::uint8_t>(map.size()));
  for (std::size_t i = 0; i < map.size(); ++i) {
    const std::size_t entry = kMemoryMap + i * kMemoryMapEntrySize;
    out.put(entry, map[i].start);
    out.put(entry + 8, map[i].length);
    out.put(entry + 16, static_cast<std::uint32_t>(map[i].type));
  }
}

void put_efi(Writer& out, const MachineFacts& facts, const Layout& layout, std::uint64_t address) {
  const Bytes old(facts.boot_params);
  const EfiFacts& efi = *facts.efi;
  out.put(kSecureBoot, load_le<std::uint8_t>(old, kSecureBoot).value());
  out.copy(kEfiInfo, old.subspan(kEfiInfo, kEfiInfoSize));
  out.put(kEfiMapLow, low(address + layout.efi_map));
  out.put(kEfiMapHigh, high(address + layout.efi_map));
  out.put(kEfiMapSize, static_cast<std::uint32_t>(layout.efi_map_size));
  for (std::size_t i = 0; i < efi.regions.size(); ++i) {
    const EfiRegion& region = efi.regions[i];
    const std::size_t at = layout.efi_map + i * layout.descriptor_size;
    out.put(at, region.type);
    out.put(at + 8, region.physical);
    out.put(at + 16, region.virtual_address);
    out.put(at + 24, region.pages);
    out.put(at + 32, region.attribute);
  }
  const std::size_t data = layout.efi_data + kSetupDataHeader;
  out.put(data, efi.vendor);
  out.put(data + 16, efi.configuration);
  out.put(data + 24, efi.smbios);
}

// One link of the chain of setup_data; returns its physical address, the next link's `next`.
std::uint64_t put_link(Writer& out, std::size_t at, std::uint64_t address, std::uint64_t next, std::uint32_t type,
                       std::size_t length) {
  out.put(at, next);
  out.put(at + 8, type);
  out.put(at + 12, static_cast<std::uint32_t>(length));
  return address + at;
}

}  // namespace

Result<std::size_t> boot_params_size(const MachineFacts& facts, std::string_view cmdline) {
  return TRY(layout_of(facts, cmdline)).size;
}

Result<std::vector<std::byte>> make_boot_params(const MachineFacts& facts, const BzImage& header, Bytes image_header,
                                                std::string_view cmdline, std::uint64_t address, MemoryRange initrd) {
  const Layout layout = TRY(layout_of(facts, cmdline));
  if (header.header_end > image_header.size() || header.header_end < kSetupData + 8)
    return fail(Code::Corrupt, "the kernel's header is incomplete");
  const Bytes old(facts.boot_params);
  std::vector<std::byte> block(layout.size);
  Writer out(block);

  const std::size_t header_end = std::min<std::size_t>(header.header_end, kHeaderLimit);
  out.copy(kHeader, image_header.subspan(kHeader, header_end - kHeader));
  out.put(kLoaderType, kLoaderKexec);
  out.put<std::uint8_t>(kLoadFlags, 0);
  out.put(kHardwareSubarch, load_le<std::uint32_t>(old, kHardwareSubarch).value());
  out.put(kRamdiskImage, low(initrd.length == 0 ? 0 : initrd.start));
  out.put(kRamdiskImageHigh, high(initrd.length == 0 ? 0 : initrd.start));
  out.put(kRamdiskSize, low(initrd.length));
  out.put(kRamdiskSizeHigh, high(initrd.length));
  out.put(kCmdlinePointer, low(address + layout.cmdline));
  out.put(kCmdlineHigh, high(address + layout.cmdline));
  out.copy(layout.cmdline, as_bytes(cmdline));

  put_screen(out, facts);
  put_memory_map(out, facts.firmware_map);
  put_old_memory_sizes(out, facts.firmware_map);
  out.put(kEddEntries, load_le<std::uint8_t>(old, kEddEntries).value());
  out.copy(kEddSignatures, old.subspan(kEddSignatures, kEddSignaturesSize));
  out.copy(kEddTable, old.subspan(kEddTable, kEddTableSize));

  std::uint64_t root_pointer = load_le<std::uint64_t>(old, kAcpiRootPointer).value();
  std::uint64_t chain = 0;
  if (facts.efi) {
    if (root_pointer == 0) root_pointer = facts.efi->acpi;
    put_efi(out, facts, layout, address);
    chain = put_link(out, layout.efi_data, address, chain, kSetupEfi, kSetupEfiSize);
  }
  if (has_seed(facts)) {
    out.copy(layout.seed + kSetupDataHeader, facts.seed);
    chain = put_link(out, layout.seed, address, chain, kSetupRngSeed, facts.seed.size());
  }
  out.put(kAcpiRootPointer, root_pointer);
  out.put(kSetupData, chain);
  if (!out.ok()) return fail(Code::Corrupt, "the boot parameters do not fit their own layout");
  return block;
}

}  // namespace vhdboot::kexec
