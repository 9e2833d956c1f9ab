// SPDX-License-Identifier: GPL-2.0-or-later
// A machine as it shows itself in /sys and /proc, made of text: what OVMF on a QEMU with 1 GiB gives, shortened.
#pragma once

#include <map>
#include <string>

#include "base/text.h"
#include "kexec/machine_facts.h"
#include "tests/unit/kexec/builders.h"

namespace vhdboot::test {

using namespace kexec;

class FakeMachine {
 public:
  FakeMachine() {
    Buffer boot_params(kBootParamsSize);
    std::memcpy(boot_params.data() + 0x1C0, "EL64", 4);
    put<std::uint8_t>(boot_params, 0x00F, 0x70);         // an EFI frame buffer
    put<std::uint32_t>(boot_params, 0x018, 0xC0000000);  // at this address
    put<std::uint32_t>(boot_params, 0x1C4, 0x3FBEC018);  // EFI system table
    put<std::uint32_t>(boot_params, 0x1C8, 48);          // size of a descriptor
    put<std::uint32_t>(boot_params, 0x1CC, 1);           // version
    put<std::uint8_t>(boot_params, 0x1EC, 3);            // Secure Boot: off
    put<std::uint8_t>(boot_params, 0x1EF, 0xFF);         // the sentinel, which must not be copied
    put<std::uint64_t>(boot_params, 0x250, 0xDEAD);      // the old chain of setup_data: neither
    files["/sys/kernel/boot_params/data"] = std::string(as_text(boot_params));
    add_memory(0, 0x9FFFF, "System RAM");
    add_memory(0x100000, 0x3EA9FFFF, "System RAM");
    add_memory(0x3EAA0000, 0x3EBA1FFF, "Reserved");
    add_memory(0x3EBA2000, 0x3F4EBFFF, "System RAM");
    add_memory(0x3F4EC000, 0x3F56BFFF, "ACPI Non-volatile Storage");
    add_memory(0x3F7FE000, 0x3FEF3FFF, "System RAM");
    files["/proc/iomem"] =
        "00000000-00000fff : Reserved\n"
        "00001000-0009ffff : System RAM\n"
        "00100000-3e013017 : System RAM\n"
        "  01600000-01ffffff : Kernel code\n"
        "  02000000-024fefff : Kernel data\n"
        "  02600000-02633fff : Kernel bss\n"
        "3e013018-3ea9ffff : System RAM\n"
        "3eba2000-3f4ebfff : System RAM\n"
        "3f7fe000-3fef3fff : System RAM\n"
        "80000000-febfffff : PCI Bus 0000:00\n"
        "  c0000000-c0ffffff : 0000:00:01.0\n"
        "    c0000000-c03e7fff : efifb\n";
    files["/proc/cpuinfo"] = "processor\t: 0\nflags\t\t: fpu la58 sse2\n";
    files["/sys/firmware/efi/fw_vendor"] = "0x3fb2c998\n";
    files["/sys/firmware/efi/config_table"] = "0x3f52aa18\n";
    files["/sys/firmware/efi/systab"] = "ACPI20=0x3f77d014\nACPI=0x3f77d000\nSMBIOS3=0x1\nSMBIOS=0x3f52c000\n";
    add_region(6, 0x3F36C000, 0xFFFFFFFEFE36C000, 0x30, 0x800000000000000F);
    add_region(5, 0x3F39C000, 0xFFFFFFFEFE19C000, 0x30, 0x800000000000000F);
  }

  void add_memory(std::uint64_t first, std::uint64_t last, std::string type) {
    const std::string folder = concat("/sys/firmware/memmap/", memory_++);
    files[folder + "/start"] = concat("0x", to_hex(first, 16), "\n");
    files[folder + "/end"] = concat("0x", to_hex(last, 16), "\n");
    files[folder + "/type"] = std::move(type) + "\n";
  }

  void add_region(unsigned type, std::uint64_t physical, std::uint64_t address, std::uint64_t pages,
                  std::uint64_t attribute) {
    const std::string folder = concat("/sys/firmware/efi/runtime-map/", regions_++);
    files[folder + "/type"] = concat("0x", to_hex(type, 1), "\n");
    files[folder + "/phys_addr"] = concat("0x", to_hex(physical, 16), "\n");
    files[folder + "/virt_addr"] = concat("0x", to_hex(address, 16), "\n");
    files[folder + "/num_pages"] = concat("0x", to_hex(pages, 4), "\n");
    files[folder + "/attribute"] = concat("0x", to_hex(attribute, 16), "\n");
  }

  [[nodiscard]] Result<MachineFacts> facts() const {
    return gather_facts([this](const std::string& path) -> Result<std::string> {
      const auto file = files.find(path);
      if (file == files.end()) return fail(Code::NotFound, path);
      return file->second;
    });
  }

  std::map<std::string, std::string> files;

 private:
  unsigned memory_ = 0;
  unsigned regions_ = 0;
};

}  // namespace vhdboot::test
