// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/bzimage.h"

#include <algorithm>

#include "base/text.h"
#include "base/units.h"

namespace vhdboot::kexec {

namespace {

// Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".
constexpr std::uint64_t kSetupSects = 0x1F1;
constexpr std::uint64_t kSysSize = 0x1F4;  // of the kernel proper, in units of 16 bytes
constexpr std::uint64_t kBootFlag = 0x1FE;
constexpr std::uint64_t kJumpLength = 0x201;  // the header ends where this jump leads to
constexpr std::uint64_t kMagic = 0x202;
constexpr std::uint64_t kVersion = 0x206;
constexpr std::uint64_t kKernelVersion = 0x20E;
constexpr std::uint64_t kLoadFlags = 0x211;
constexpr std::uint64_t kInitrdAddrMax = 0x22C;
constexpr std::uint64_t kKernelAlignment = 0x230;
constexpr std::uint64_t kRelocatable = 0x234;
constexpr std::uint64_t kXLoadFlags = 0x236;
constexpr std::uint64_t kCmdlineSize = 0x238;
constexpr std::uint64_t kPrefAddress = 0x258;
constexpr std::uint64_t kInitSize = 0x260;
constexpr std::uint64_t kHeaderMin = 0x264;  // what protocol 2.12 has at least

constexpr std::uint16_t kOldestProtocol = 0x020C;  // the first one with xloadflags (Linux 3.8)
constexpr std::uint8_t kLoadedHigh = 1;
// Far above any kernel, far below what would overflow.
constexpr std::uint32_t kMaxInitSize = 1U << 30;
constexpr std::uint32_t kMaxAlignment = 1U << 30;
constexpr std::uint64_t kMaxVersionLength = 256;

// Why this is no bzImage: other kernels that people put there by mistake.
std::string describe_other(Bytes head) {
  const std::string_view text = as_text(head);
  if (const auto magic = slice(head, 0x38, 4); magic && as_text(*magic) == std::string_view("ARM\x64"))
    return "a kernel for 64-bit ARM, not for 64-bit x86";
  if (const auto magic = slice(head, 0x30, 5); magic && as_text(*magic) == "RISCV")
    return "a kernel for RISC-V, not for 64-bit x86";
  if (text.starts_with("\177ELF")) return "an ELF file (vmlinux, perhaps), not a bzImage";
  if (const auto magic = slice(head, 4, 4); magic && text.starts_with("MZ") && as_text(*magic) == "zimg")
    return "a compressed EFI kernel for another processor, not a bzImage";
  if (text.starts_with("MZ")) return "an EFI program without a Linux kernel's header, not a bzImage";
  return "not a Linux kernel (no bzImage header)";
}

// The version string ends with NUL; its first word is what `uname -r` says.
std::string read_version(const ByteSource& image, std::uint16_t pointer, std::uint64_t setup_bytes) {
  const std::uint64_t at = 0x200 + std::uint64_t{pointer};
  if (pointer == 0 || at >= setup_bytes) return {};
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(kMaxVersionLength, setup_bytes - at)));
  if (!image.read(at, bytes)) return {};
  std::string_view text = as_text(bytes);
  text = text.substr(0, text.find('\0'));
  return printable(text.substr(0, text.find_first_of(" \t\n")));
}

}  // namespace

Result<BzImage> parse_bzimage(const ByteSource& file, Range kernel) {
  if (kernel.offset > file.size() || kernel.length > file.size() - kernel.offset)
    return fail(Code::Corrupt, "truncated: the kernel reaches beyond the end of its file");
  const SliceSource image(file, kernel.offset, kernel.length);
  std::vector<std::byte> head(static_cast<std::size_t>(std::min<std::uint64_t>(image.size(), kHeaderMin)));
  TRY_IN("reading the kernel's header", image.read(0, head));
  if (const auto magic = slice(head, kMagic, 4); !magic || as_text(*magic) != "HdrS")
    return fail(Code::Unsupported, describe_other(head));
  if (head.size() < kHeaderMin)
    return fail(Code::Corrupt, concat("truncated: the kernel ends after ", head.size(), " bytes, within its header"));

  const auto u8 = [&](std::uint64_t at) { return load_le<std::uint8_t>(head, at).value(); };
  const auto u16 = [&](std::uint64_t at) { return load_le<std::uint16_t>(head, at).value(); };
  const auto u32 = [&](std::uint64_t at) { return load_le<std::uint32_t>(head, at).value(); };

  BzImage result;
  result.protocol = u16(kVersion);
  if (u16(kBootFlag) != 0xAA55) return fail(Code::Corrupt, "the kernel's boot sector lacks its 55 AA signature");
  if (result.protocol < kOldestProtocol)
    return fail(Code::Unsupported, concat("the kernel is too old: boot protocol ", result.protocol >> 8, ".",
                                          result.protocol & 0xFF, ", 2.12 (Linux 3.8) is needed"));
  if ((u8(kLoadFlags) & kLoadedHigh) == 0) return fail(Code::Unsupported, "a zImage, not a bzImage");
  result.load_flags = u16(kXLoadFlags);
  result.relocatable = u8(kRelocatable) != 0;
  if ((result.load_flags & kLoadFlagKernel64) == 0)
    return fail(Code::Unsupported, "a kernel for 32-bit x86 (no 64-bit entry point)");
  if (!result.relocatable || (result.load_flags & kLoadFlagAbove4G) == 0)
    return fail(Code::Unsupported,
                "the kernel is not relocatable (built without CONFIG_RELOCATABLE): kexec needs that");

  const std::uint32_t setup_sects = u8(kSetupSects) == 0 ? 4 : u8(kSetupSects);
  result.setup_bytes = static_cast<std::uint32_t>((setup_sects + 1) * kSectorSize);
  result.header_end = static_cast<std::uint32_t>(kMagic + u8(kJumpLength));
  result.cmdline_size = u32(kCmdlineSize);
  result.initrd_addr_max = u32(kInitrdAddrMax);
  result.kernel_alignment = u32(kKernelAlignment);
  result.init_size = u32(kInitSize);
  result.pref_address = load_le<std::uint64_t>(head, kPrefAddress).value();

  const std::uint64_t needed = result.setup_bytes + std::uint64_t{u32(kSysSize)} * 16;
  if (needed > image.size())
    return fail(Code::Corrupt,
                concat("truncated: the kernel says it has ", needed, " bytes, there are ", image.size()));
  if (result.header_end < kHeaderMin || result.header_end > result.setup_bytes)
    return fail(Code::Corrupt, concat("the kernel's header cannot end at byte ", result.header_end));
  if (!std::has_single_bit(result.kernel_alignment) || result.kernel_alignment > kMaxAlignment)
    return fail(Code::Corrupt, concat("the kernel's alignment cannot be ", result.kernel_alignment));
  if (result.init_size < u32(kSysSize) || result.init_size > kMaxInitSize)
    return fail(Code::Corrupt, concat("the kernel cannot need ", result.init_size, " bytes of memory"));
  if (result.cmdline_size == 0) return fail(Code::Corrupt, "the kernel says that it takes no command line");
  result.version = read_version(image, u16(kKernelVersion), result.setup_bytes);
  return result;
}

}  // namespace vhdboot::kexec
