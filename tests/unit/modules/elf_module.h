// SPDX-License-Identifier: GPL-2.0-or-later
// Kernel modules for the tests.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

namespace vhdboot::test {

/// A relocatable file with the sections "", ".modinfo" and ".shstrtab".
inline std::vector<std::byte> elf_module(const std::string& modinfo) {
  const std::string names = std::string("\0.modinfo\0.shstrtab\0", 20);
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_shoff = sizeof header;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  header.e_shstrndx = 2;
  Elf64_Shdr sections[3]{};
  sections[1] = {.sh_name = 1, .sh_offset = sizeof header + sizeof sections, .sh_size = modinfo.size()};
  sections[2] = {.sh_name = 10, .sh_offset = sections[1].sh_offset + modinfo.size(), .sh_size = names.size()};
  std::vector<std::byte> file(sections[2].sh_offset + names.size());
  std::memcpy(file.data(), &header, sizeof header);
  std::memcpy(file.data() + sizeof header, sections, sizeof sections);
  std::memcpy(file.data() + sections[1].sh_offset, modinfo.data(), modinfo.size());
  std::memcpy(file.data() + sections[2].sh_offset, names.data(), names.size());
  return file;
}

}  // namespace vhdboot::test
