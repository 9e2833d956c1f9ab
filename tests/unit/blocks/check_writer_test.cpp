// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/check_writer.h"

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::blocks {
namespace {

using test::Fails;
using vhd::Format;

TEST(CheckWriter, AFlatImageIsWrittenInPlace) {
  for (const Format format : {Format::Raw, Format::FixedVhd}) {
    EXPECT_TRUE(check_writer(format, false));
    EXPECT_TRUE(check_writer(format, true));
  }
}

TEST(CheckWriter, AnyOtherOnlyWhereItIsForgotten) {
  for (const Format format : {Format::DynamicVhd, Format::DifferencingVhd, Format::Vhdx}) {
    EXPECT_TRUE(check_writer(format, true));
    EXPECT_THAT(check_writer(format, false), Fails(Code::Unsupported, std::string(name(format))));
  }
  EXPECT_THAT(check_writer(Format::DynamicVhd, false),
              Fails(Code::Unsupported,
                    "it is a dynamic VHD, to which a guest cannot write: say `ephemeral yes` in its configuration, so "
                    "that what it writes is forgotten, or convert it with `qemu-img convert -O raw` and `raw2vhd`"));
}

}  // namespace
}  // namespace vhdboot::blocks
