// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/trampoline.h"

// Position independent, and without any reference out of itself: it is data of this program that runs elsewhere.
// The kernel left 64-bit mode on, interrupts off, memory mapped one to one and writable, GDT and IDT invalid.
asm(R"(
  .pushsection .rodata
  .globl  vhdboot_trampoline_begin, vhdboot_trampoline_end
  .hidden vhdboot_trampoline_begin, vhdboot_trampoline_end
  .balign 16
vhdboot_trampoline_begin:
  cli
  cld
  lea   trampoline_gdt(%rip), %rax
  mov   %rax, trampoline_gdt_address(%rip)
  lgdt  trampoline_gdt_pointer(%rip)
  mov   $0x18, %eax                    # __BOOT_DS
  mov   %eax, %ds
  mov   %eax, %es
  mov   %eax, %ss
  mov   %eax, %fs
  mov   %eax, %gs
  lea   trampoline_end + 256(%rip), %rsp
  lea   1f(%rip), %rax
  pushq $0x10                          # __BOOT_CS
  push  %rax
  lretq
1:
  mov   trampoline_page_tables(%rip), %rax
  test  %rax, %rax
  jz    2f
  mov   %rax, %cr3
2:
  mov   trampoline_boot_params(%rip), %rsi
  mov   trampoline_entry(%rip), %rax
  xor   %ebx, %ebx
  xor   %ebp, %ebp
  xor   %edi, %edi
  jmp   *%rax

  .balign 16
trampoline_gdt:
  .quad 0
  .quad 0
  .quad 0x00af9a000000ffff             # 0x10: code, 64 bit, flat
  .quad 0x00cf92000000ffff             # 0x18: data, flat
trampoline_gdt_pointer:
  .word trampoline_gdt_pointer - trampoline_gdt - 1
trampoline_gdt_address:
  .quad 0
  .balign 8
trampoline_page_tables:                # the last 24 bytes: make_trampoline() fills them
  .quad 0
trampoline_boot_params:
  .quad 0
trampoline_entry:
  .quad 0
trampoline_end:
vhdboot_trampoline_end:
  .popsection
)");

extern "C" {
extern const std::byte vhdboot_trampoline_begin[] __attribute__((visibility("hidden")));
extern const std::byte vhdboot_trampoline_end[] __attribute__((visibility("hidden")));
}

namespace vhdboot::kexec {

static_assert(kTrampolineStack == 256, "written out in the assembly above");

std::size_t trampoline_size() {
  return static_cast<std::size_t>(vhdboot_trampoline_end - vhdboot_trampoline_begin);
}

std::vector<std::byte> make_trampoline(const TrampolineValues& values) {
  std::vector<std::byte> code(vhdboot_trampoline_begin, vhdboot_trampoline_end);
  std::size_t at = code.size() - 3 * sizeof(std::uint64_t);
  for (const std::uint64_t value : {values.page_tables, values.boot_params, values.entry}) {
    (void)store_le(MutableBytes(code), at, value);
    at += sizeof value;
  }
  return code;
}

}  // namespace vhdboot::kexec
