// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/early_archive.h"

#include <gmock/gmock.h>

#include <vector>

#include "base/cpio.h"
#include "base/text.h"

namespace vhdboot::kexec {
namespace {

using Buffer = std::vector<std::byte>;

Buffer archive(std::initializer_list<std::string_view> files, bool has_trailer = true) {
  Buffer bytes(8192);
  cpio::Writer writer(bytes);
  EXPECT_TRUE(writer.directory("kernel"));
  for (const std::string_view file : files) EXPECT_TRUE(writer.file(file, as_bytes("contents")));
  if (has_trailer) EXPECT_TRUE(writer.finish());
  bytes.resize(writer.size());
  return bytes;
}

bool is_early(const Buffer& bytes, std::size_t zeros = 0) {
  Buffer padded = bytes;
  padded.resize(bytes.size() + zeros);
  return is_early_archive(MemorySource(padded), {0, padded.size()});
}

TEST(EarlyArchive, MicrocodeAlone) {
  const Buffer microcode = archive({"kernel/x86/microcode/AuthenticAMD.bin"});
  for (const std::size_t zeros : {0U, 1U, 512U, 10'000U}) EXPECT_TRUE(is_early(microcode, zeros)) << zeros;
  EXPECT_TRUE(is_early(archive({"kernel/firmware/acpi/dsdt.aml"}, false))) << "a trailer need not come";
  Buffer twice = microcode;
  twice.resize(twice.size() + 512);
  twice.insert(twice.end(), microcode.begin(), microcode.end());
  EXPECT_TRUE(is_early(twice));
  Buffer shifted(1000);
  shifted.insert(shifted.end(), microcode.begin(), microcode.end());
  EXPECT_TRUE(is_early_archive(MemorySource(shifted), {1000, microcode.size()}));
}

TEST(EarlyArchive, WhatIsMore) {
  EXPECT_FALSE(is_early(archive({"kernel/x86/microcode/AuthenticAMD.bin", "init"})));
  EXPECT_FALSE(is_early(archive({"kernels"})));
  Buffer followed = archive({"kernel/x86/microcode/GenuineIntel.bin"});
  followed.resize(followed.size() + 512);
  for (const char byte : {'\x1F', '\x28'}) {
    Buffer more = followed;
    more.push_back(static_cast<std::byte>(byte));
    EXPECT_FALSE(is_early(more)) << "a compressed archive behind it";
  }
  const Buffer init = archive({"init"});
  followed.insert(followed.end(), init.begin(), init.end());
  EXPECT_FALSE(is_early(followed));
}

TEST(EarlyArchive, WhatIsNone) {
  EXPECT_FALSE(is_early({}));
  EXPECT_FALSE(is_early(Buffer(4096)));
  EXPECT_FALSE(is_early(archive({}))) << "without a file";
  const Buffer microcode = archive({"kernel/x86/microcode/GenuineIntel.bin"});
  for (const std::size_t size : {5U, 110U, 200U, 300U}) {
    const Buffer cut(microcode.begin(), microcode.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(is_early(cut)) << size;
  }
  Buffer damaged = microcode;
  damaged[94] = std::byte{'g'};
  EXPECT_FALSE(is_early(damaged));
}

}  // namespace
}  // namespace vhdboot::kexec
