// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/vermagic.h"

#include <elf.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

#include "init/modules/codecs.h"
#include "init/modules/decompress.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/base/oracle.h"
#include "tests/unit/modules/elf_module.h"

namespace vhdboot::modules {
namespace {

using namespace std::string_literals;
using test::elf_module;
using test::Fails;

const std::string kModinfo =
    "license=GPL\0\0\0srcversion=1\0vermagic=6.1.0-18-amd64 SMP preempt mod_unload modversions \0"s;

TEST(Vermagic, Matches) {
  const auto module = elf_module(kModinfo);
  EXPECT_EQ(modinfo_value(module, "license"), "GPL");
  EXPECT_EQ(modinfo_value(module, "vermagic"), "6.1.0-18-amd64 SMP preempt mod_unload modversions ");
  EXPECT_THAT(modinfo_value(module, "ver"), Fails(Code::NotFound, "does not say its ver"));
  EXPECT_TRUE(check_vermagic(module, "6.1.0-18-amd64"));
}

TEST(Vermagic, AnotherKernel) {
  EXPECT_THAT(
      check_vermagic(elf_module(kModinfo), "6.1.0-18"),
      Fails(Code::Unsupported, "built for kernel \"6.1.0-18-amd64\", the kernel to be started is \"6.1.0-18\""));
  EXPECT_THAT(check_vermagic(elf_module("license=GPL"), "6.1"), Fails(Code::NotFound, "vermagic"));
  EXPECT_THAT(check_vermagic(elf_module(""), "6.1"), Fails(Code::NotFound, "vermagic"));
}

TEST(Vermagic, EveryCutIsNoticed) {
  const auto module = elf_module(kModinfo);
  for (std::size_t size = 0; size < module.size(); ++size)
    ASSERT_FALSE(check_vermagic(Bytes(module).first(size), "6.1.0-18-amd64")) << size;
}

TEST(Vermagic, NoModule) {
  EXPECT_THAT(check_vermagic({}, "6.1"), Fails(Code::Corrupt, "no ELF file"));
  auto module = elf_module(kModinfo);
  module[EI_CLASS] = std::byte{ELFCLASS32};
  EXPECT_THAT(check_vermagic(module, "6.1"), Fails(Code::Unsupported, "64-bit"));
  module = elf_module(kModinfo);
  module[offsetof(Elf64_Ehdr, e_shstrndx)] = std::byte{3};
  EXPECT_THAT(check_vermagic(module, "6.1"), Fails(Code::Corrupt, "damaged"));
  module = elf_module(kModinfo);
  module[offsetof(Elf64_Ehdr, e_shoff) + 7] = std::byte{0xFF};
  EXPECT_THAT(check_vermagic(module, "6.1"), Fails(Code::Corrupt, "damaged"));
  module = elf_module(kModinfo);
  module[sizeof(Elf64_Ehdr) + sizeof(Elf64_Shdr)] = std::byte{10};
  EXPECT_THAT(check_vermagic(module, "6.1"), Fails(Code::NotFound, "no section .modinfo"));
}

// kernel: Documentation/admin-guide/module-signing.rst. The signature covers the uncompressed module and lies behind
// it; distributions sign, then compress.
class SignedModule : public testing::TestWithParam<std::string> {};

TEST_P(SignedModule, CarriesItsSignatureAlong) {
  const std::string& tool = GetParam();
  if (!test::have(tool.substr(0, tool.find(' ')))) GTEST_SKIP() << "needs " << tool;
  auto module = elf_module(kModinfo);
  const std::string signature = "PKCS#7 of the distribution"s + std::string(12, '\0') + "~Module signature appended~\n";
  std::ranges::copy(as_bytes(signature), std::back_inserter(module));
  const test::ScratchFolder folder;
  const auto file = folder.write("m.ko", module);
  const auto packed_file = folder.path() / "packed";
  ASSERT_TRUE(test::output_of(tool + " <" + file.string() + " >" + packed_file.string()));
  std::ifstream in(packed_file, std::ios::binary);
  const std::vector<char> packed{std::istreambuf_iterator<char>(in), {}};
  const auto unpacked = decompress(as_bytes({packed.data(), packed.size()}), 1U << 20, make_decompressor);
  ASSERT_TRUE(unpacked) << unpacked.error().text;
  EXPECT_TRUE(as_text(*unpacked).ends_with(signature));
  EXPECT_TRUE(*unpacked == module);
  EXPECT_TRUE(check_vermagic(*unpacked, "6.1.0-18-amd64"));
}

INSTANTIATE_TEST_SUITE_P(Tools, SignedModule,
                         testing::Values("cat", "gzip -n", "xz --check=crc32 --lzma2=dict=1MiB",
                                         "zstd -q -T0 --ultra -20"),
                         [](const auto& info) { return info.param.substr(0, info.param.find(' ')); });

// binutils make the ELF file.
TEST(Vermagic, AsTheLinkerWritesIt) {
  if (!test::have("gcc") || !test::have("strip")) GTEST_SKIP() << "gcc or strip is missing";
  const test::ScratchFolder folder;
  const auto source =
      folder.write("m.c", as_bytes("__attribute__((section(\".modinfo\"), used)) static const char a[] = "
                                   "\"name=m\";\n__attribute__((section(\".modinfo\"), used)) static const "
                                   "char b[] = \"vermagic=6.12.5 SMP \";\n"));
  const auto object = folder.path() / "m.ko";
  ASSERT_TRUE(
      test::output_of("gcc -g -c -o " + object.string() + ' ' + source.string() + " && strip -g " + object.string()));
  std::ifstream in(object, std::ios::binary);
  const std::vector<char> content{std::istreambuf_iterator<char>(in), {}};
  EXPECT_TRUE(check_vermagic(as_bytes({content.data(), content.size()}), "6.12.5"));
}

}  // namespace
}  // namespace vhdboot::modules
