// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/loader_interface.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "base/bytes.h"
#include "base/text.h"
#include "tests/unit/base/oracle.h"

namespace vhdboot::guest {
namespace {

using ::testing::HasSubstr;

TEST(LoaderInterface, AVariableAsEfivarfsHasIt) {
  constexpr std::string_view kExpected(
      "\x06\0\0\0a\0-\0"
      "1\0\0\0",
      12);
  EXPECT_EQ(as_text(efi_variable("a-1")), kExpected);
  EXPECT_EQ(efi_variable("").size(), 6U);
}

TEST(LoaderInterface, TheGeneratorRunsTheGuestsOwn) {
  EXPECT_TRUE(gpt_auto_generator().starts_with("#!/bin/sh\n"));
  EXPECT_THAT(std::string(gpt_auto_generator()), HasSubstr(kLoaderPartitionFile));
  EXPECT_THAT(std::string(gpt_auto_generator()), HasSubstr(kGptAutoGenerator));
}

// The program, in a folder that stands in for "/".
class Generator : public ::testing::Test {
 public:
  Generator() {
    std::string program;
    for (std::string_view rest = gpt_auto_generator(); !rest.empty(); rest.remove_prefix(1)) {
      for (const std::string_view top : {" /etc/", " /usr/", " /lib/", "=/sys/"})
        if (rest.starts_with(top)) {
          program += concat(rest.substr(0, 1), root_);
          rest.remove_prefix(1);
          break;
        }
      program += rest.front();
    }
    scratch_.write("program", as_bytes(program));
  }

 protected:
  [[nodiscard]] std::string place(const std::string& folder) const {
    std::filesystem::create_directories(concat(root_, folder, "/systemd/system-generators"));
    return concat(root_, folder, "/systemd/system-generators/", kGptAutoGenerator);
  }

  void put(const std::string& folder) const {
    std::ofstream(place(folder)) << "#!/bin/sh\necho " << folder << " \"$@\"\n";
    std::filesystem::permissions(place(folder), std::filesystem::perms::owner_all);
  }

  // What it prints, without a namespace of its own, which takes rights.
  [[nodiscard]] std::string run() const {
    return test::output_of(concat("VHDBOOT_UNSHARED=1 sh ", root_, "/program n e l 2>", root_, "/errors"))
        .value_or("it failed");
  }

  test::ScratchFolder scratch_;
  std::string root_ = scratch_.path();
};

TEST_F(Generator, RunsTheOneThatSystemdWouldTake) {
  EXPECT_EQ(run(), "");
  for (const char* folder : {"/lib", "/usr/lib", "/usr/local/lib", "/etc"}) {
    put(folder);
    EXPECT_EQ(run(), concat(folder, " n e l\n"));
  }
}

TEST_F(Generator, LeavesAMaskedOneAlone) {
  put("/usr/lib");
  std::filesystem::create_symlink("/dev/null", place("/etc"));
  EXPECT_EQ(run(), "");
}

}  // namespace
}  // namespace vhdboot::guest
