// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/uevent.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::sys {
namespace {

using namespace std::string_literals;
using test::Fails;

// As a kernel sent it.
const std::string kAdd =
    "add@/devices/pci0000:00/0000:00:04.0/virtio1/block/vda/vda1\0ACTION=add\0"
    "DEVPATH=/devices/pci0000:00/0000:00:04.0/virtio1/block/vda/vda1\0SUBSYSTEM=block\0MAJOR=254\0MINOR=1\0"
    "DEVNAME=vda1\0DEVTYPE=partition\0DISKSEQ=2\0PARTN=1\0SEQNUM=1234\0"s;

TEST(Uevent, Datagram) {
  const auto event = parse_uevent(as_bytes(kAdd));
  ASSERT_TRUE(event) << event.error().text;
  EXPECT_EQ(*event, (Uevent{.action = "add",
                            .devpath = "/devices/pci0000:00/0000:00:04.0/virtio1/block/vda/vda1",
                            .subsystem = "block",
                            .devtype = "partition",
                            .devname = "vda1",
                            .major = 254,
                            .minor = 1,
                            .partition_number = 1,
                            .sequence = 1234}));
}

TEST(Uevent, DriverAndAlias) {
  const auto event = parse_uevent(as_bytes(
      "bind@/devices/x\0ACTION=bind\0DEVPATH=/devices/x\0SUBSYSTEM=pci\0DRIVER=nvme\0MODALIAS=pci:v0001=2\0NOEQUALS\0"s));
  ASSERT_TRUE(event) << event.error().text;
  EXPECT_EQ(event->driver, "nvme");
  EXPECT_EQ(event->modalias, "pci:v0001=2");
  EXPECT_FALSE(event->major);
}

TEST(Uevent, NotTheKernels) {
  EXPECT_THAT(parse_uevent(as_bytes("libudev\0\xfe\xed\xca\xfe"s)), Fails(Code::Unsupported, "udev"));
}

TEST(Uevent, Deviations) {
  const auto parse = [](const std::string& text) { return parse_uevent(as_bytes(text)); };
  EXPECT_THAT(parse(""), Fails(Code::Corrupt, "begins with"));
  EXPECT_THAT(parse("\0"s), Fails(Code::Corrupt, "begins with"));
  EXPECT_THAT(parse("add\0"s), Fails(Code::Corrupt, "begins with"));
  EXPECT_THAT(parse("@/x\0"s), Fails(Code::Corrupt, "begins with"));
  EXPECT_THAT(parse("add@\0"s), Fails(Code::Corrupt, "begins with"));
  EXPECT_THAT(parse("add@x\0"s), Fails(Code::Corrupt, "begins with"));
  EXPECT_THAT(parse("add@/x\0ACTION=add\0DEVPATH=/x"s), Fails(Code::Corrupt, "cut off: \"DEVPATH=/x\""));
  EXPECT_THAT(parse("add@/x\0ACTION=remove\0DEVPATH=/x\0"s), Fails(Code::Corrupt, "contradicts"));
  EXPECT_THAT(parse("add@/x\0ACTION=add\0DEVPATH=/y\0"s), Fails(Code::Corrupt, "contradicts"));
  EXPECT_THAT(parse("add@/x\0"s), Fails(Code::Corrupt, "contradicts"));
  EXPECT_THAT(parse(std::string(kMaxUeventBytes + 1, 'x')), Fails(Code::Corrupt, "bytes"));
  EXPECT_FALSE(parse("add@/x\0ACTION=add\0DEVPATH=/x\0MAJOR=4294967296\0MINOR=x\0"s)->major);
}

TEST(Uevent, File) {
  EXPECT_EQ(parse_uevent_file("MAJOR=8\nMINOR=2\nDEVNAME=sda2\nDEVTYPE=partition\nPARTN=2\n"),
            (Uevent{.devtype = "partition", .devname = "sda2", .major = 8, .minor = 2, .partition_number = 2}));
  EXPECT_EQ(parse_uevent_file(""), Uevent{});
}

TEST(Uevent, TheFilesOfThisMachine) {
  std::size_t seen = 0;
  std::error_code error;
  for (const auto& device : std::filesystem::directory_iterator("/sys/class/block", error)) {
    std::ifstream in(device.path() / "uevent");
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (text.empty()) continue;
    const auto event = parse_uevent_file(text);
    EXPECT_TRUE(event.major) << device.path();
    EXPECT_EQ(event.devname.substr(event.devname.rfind('/') + 1), device.path().filename());
    ++seen;
  }
  if (seen == 0) GTEST_SKIP() << "no block devices here";
}

}  // namespace
}  // namespace vhdboot::sys
