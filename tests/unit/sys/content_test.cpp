// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/content.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "init/sys/file.h"
#include "tests/support/exfat_image.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::sys {
namespace {

using test::Fails;

std::string reader() {
  // It is built beside this test.
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "init/stage/vhdboot-reader";
}

class Probing : public testing::TestWithParam<bool> {
 protected:
  Probing() {
    test::ExfatImage image({});
    image.add_file("/debian.conf", as_bytes("image debian.vhd\n"));
    image.finish().save(path_);
  }
  ~Probing() override { std::filesystem::remove(path_); }

  [[nodiscard]] static Prober prober() { return GetParam() ? prober_program(reader()) : prober_here(); }

  std::string path_ = testing::TempDir() + "vhdboot_content_" + std::to_string(::getpid());
};

TEST_P(Probing, AVolume) {
  const auto source = FdSource::open(path_);
  ASSERT_TRUE(source);
  const Content here = identify(**source);
  EXPECT_EQ(here.type, "exfat");
  EXPECT_FALSE(here.identity.uuid.empty());
  const auto there = identify({.path = path_, .partition = 3}, prober());
  ASSERT_TRUE(there) << there.error().message();
  EXPECT_EQ(there->type, here.type);
  EXPECT_EQ(there->identity.uuid, here.identity.uuid);
  EXPECT_EQ(there->identity.label, here.identity.label);
  EXPECT_EQ(there->identity.number, 3U);
}

TEST_P(Probing, NothingIsKnown) {
  const auto there = identify({.path = path_ + ".none"}, prober());
  ASSERT_TRUE(there) << there.error().message();
  EXPECT_EQ(there->type, "");
}

TEST_P(Probing, TheTypeOfAPartition) {
  EXPECT_EQ(partition_type({.path = path_ + ".none"}, prober()), "") << "a whole disk is not asked";
  EXPECT_EQ(partition_type({.path = path_, .partition = 1}, prober()), "");
  EXPECT_THAT(partition_type({.path = path_ + ".none", .partition = 1}, prober()), Fails(Code::NotFound, "opening"));
}

INSTANTIATE_TEST_SUITE_P(By, Probing, testing::Bool(),
                         [](const auto& info) { return info.param ? "Program" : "Copy"; });

TEST(Prober, AProgramThatIsNotThere) {
  EXPECT_THAT(identify({.path = "/dev/sdx1"}, prober_program("/nonexistent/reader")),
              Fails(Code::NotFound, "starting /nonexistent/reader"));
  EXPECT_THAT(identify({.path = "/dev/sdx1"}, prober_program("/bin/true")),
              Fails(Code::Io, "the program that looks at /dev/sdx1 ended without an answer"));
}

}  // namespace
}  // namespace vhdboot::sys
