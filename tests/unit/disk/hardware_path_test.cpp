// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/hardware_path.h"

#include <gmock/gmock.h>

#include "tests/unit/efi/device_paths.h"

namespace vhdboot::disk {
namespace {

using efi::test::append;
using efi::test::append_le;
using efi::test::Buffer;
using efi::test::node;

HardwarePath path(std::string_view text) {
  const auto parsed = parse_hardware_path(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(HardwarePath());
}

SamePlace compare(std::string_view one, std::string_view other) {
  const SamePlace same = disk::compare(path(one), path(other));
  EXPECT_EQ(disk::compare(path(other), path(one)), same) << "either way round";
  return same;
}

Buffer bytes(std::initializer_list<unsigned> values) {
  Buffer buffer;
  for (const unsigned value : values) buffer.push_back(static_cast<std::byte>(value));
  return buffer;
}

// What a device path's text is, behind PciRoot(0x0)/Pci(0x1,0x0).
std::string behind_controller(const Buffer& nodes) {
  Buffer whole = efi::test::controller_nodes();
  append(whole, nodes);
  append(whole, efi::test::gpt_node(2, Guid{}));
  append(whole, node(1, 1, bytes({7, 7})));
  append(whole, efi::test::end_node());
  const std::string text = to_text(parse_device_path(whole));
  constexpr std::string_view kController = "root:0 pci:1.0";
  EXPECT_TRUE(text.starts_with(kController)) << text;
  return text.substr(std::min(text.size(), kController.size()));
}

TEST(HardwarePath, FromTheFirmware) {
  EXPECT_EQ(behind_controller({}), "");  // a virtio disk
  EXPECT_EQ(behind_controller(node(1, 1, bytes({2, 0x1F}))), " pci:31.2");
  EXPECT_EQ(behind_controller(node(3, 23, bytes({1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}))), " nvme:1");
  EXPECT_EQ(behind_controller(node(3, 18, bytes({3, 0, 0xFF, 0xFF, 0, 0}))), " ata:3.0");
  EXPECT_EQ(behind_controller(node(3, 18, bytes({3, 0, 2, 0, 0, 0}))), " ata:3.2");
  EXPECT_EQ(behind_controller(node(3, 1, bytes({1, 1, 0, 0}))), " ata:1.0.1");
  EXPECT_EQ(behind_controller(node(3, 2, bytes({4, 0, 9, 0}))), " scsi:4.9");
  Buffer usb = node(3, 5, bytes({3, 0}));
  append(usb, node(3, 5, bytes({1, 0})));
  append(usb, node(3, 17, bytes({0})));
  EXPECT_EQ(behind_controller(usb), " usb:3 usb:1");
  append(usb, node(3, 17, bytes({2})));
  EXPECT_EQ(behind_controller(usb), " usb:3 usb:1 unit:2");
  EXPECT_EQ(behind_controller(node(3, 29, bytes({0}))), " card:0");
  EXPECT_EQ(behind_controller(node(1, 4, bytes({1, 2, 3}))), " ?");
  EXPECT_EQ(behind_controller(node(3, 3, bytes({1, 2, 3}))), " ?");  // fibre channel
  EXPECT_EQ(behind_controller(node(4, 9, Buffer(36))), " ?");        // a RAM disk
  EXPECT_EQ(behind_controller(node(3, 23, bytes({1}))), " nvme");    // cut off
  EXPECT_EQ(to_text(parse_device_path({})), "");
  EXPECT_EQ(to_text(parse_device_path(bytes({1, 1, 2, 0}))), "");
}

TEST(HardwarePath, RootBridgesOfTheFirmware) {
  const auto root = [](std::uint8_t subtype, std::initializer_list<std::uint32_t> words, std::string_view rest) {
    Buffer data;
    for (const std::uint32_t word : words) append_le(data, word);
    append(data, as_bytes(rest));
    return to_text(parse_device_path(node(2, subtype, data)));
  };
  EXPECT_EQ(root(1, {0x0A0841D0, 3}, ""), "root:3");
  EXPECT_EQ(root(1, {0x050641D0, 0}, ""), "?");  // a floppy controller
  EXPECT_EQ(root(2, {0x0A0841D0, 3, 0x0A0341D0}, std::string_view("\0\0\0", 3)), "root:3");
  EXPECT_EQ(root(2, {0, 4, 0x0A0341D0}, std::string_view("\0\0\0", 3)), "root:4");
  EXPECT_EQ(root(2, {0x0A0841D0, 0, 0x0A0341D0}, std::string_view("\0PC01\0\0", 7)), "root");
}

TEST(HardwarePath, AsManyStepsAsAnyDiskHas) {
  Buffer long_one;
  for (unsigned i = 0; i < 200; ++i) append(long_one, node(1, 1, bytes({0, 1})));
  EXPECT_EQ(parse_device_path(long_one).size(), kMaxHardwareSteps);
}

TEST(HardwarePath, TextAndBack) {
  for (const std::string_view text : {"root:0.? pci:31.2 ata:1.0.0", "root:?.256 pci:1.0 usb:4.8.480 usb:1", "?", "?:7",
                                      "card", "root:0 pci:28.4 pci:0.0 nvme:1"})
    EXPECT_EQ(to_text(path(text)), text == "root:0.? pci:31.2 ata:1.0.0" ? "root:0 pci:31.2 ata:1.0.0" : text);
  for (const std::string_view text :
       {"", " ", "usb:", "usb:x", "disk:1", "usb:1.2.3.4", "usb:4294967296", "usb:1  usb:2"})
    EXPECT_FALSE(parse_hardware_path(text)) << text;
  std::string many = "usb:1";
  for (std::size_t i = 0; i < kMaxHardwareSteps; ++i) many += " usb:1";
  EXPECT_FALSE(parse_hardware_path(many));
}

TEST(SamePlace, WhatCannotBeTwoDisks) {
  EXPECT_EQ(compare("root:0 pci:31.2 ata:1.0", "root:0.0 pci:31.2 ata:1.0.0"), SamePlace::Yes);
  EXPECT_EQ(compare("root:0 pci:3.0", "root:0.0 pci:3.0"), SamePlace::Yes);  // virtio
  EXPECT_EQ(compare("root:0 pci:28.4 pci:0.0 nvme:1", "root:0.0 pci:28.4 pci:0.0 nvme:1"), SamePlace::Yes);
  EXPECT_EQ(compare("root:0.0 pci:4.0 scsi:1.2.0", "root:?.0 pci:4.0 scsi:1.2.0"), SamePlace::Yes);
}

// The drivers of RAID controllers have channels, which no firmware names.
TEST(SamePlace, TargetsAreCountedInTwoWays) {
  EXPECT_EQ(compare("root:0 pci:4.0 scsi:1.2", "root:0.0 pci:4.0 scsi:1.2.0"), SamePlace::Probably);
  EXPECT_EQ(compare("root:0 pci:4.0 scsi:1.2", "root:0.0 pci:4.0 scsi:1.2.2"), SamePlace::Probably);
  EXPECT_EQ(compare("root:0.0 pci:4.0 scsi:1.2.0", "root:0.0 pci:4.0 scsi:1.2.2"), SamePlace::Perhaps);
  EXPECT_EQ(compare("root:0 pci:4.0 scsi:1.?", "root:0.0 pci:4.0 scsi:1.2.2"), SamePlace::Perhaps);
}

// ASUS Z10PE-D16 WS names 1 what its ACPI tables name 64.
TEST(SamePlace, FirmwareMayNameAnotherRootBridge) {
  EXPECT_EQ(compare("root:1 pci:3.0", "root:64.128 pci:3.0"), SamePlace::Perhaps);
  EXPECT_EQ(compare("root:1 pci:3.0", "root:64.128 pci:4.0"), SamePlace::No) << "no device is called two ways";
  EXPECT_EQ(compare("root:1.0 pci:3.0", "root:1.128 pci:3.0"), SamePlace::No) << "two kernels";
  EXPECT_EQ(compare("root:1.0 pci:3.0", "root:64.0 pci:3.0"), SamePlace::Yes);
}

TEST(SamePlace, CertainOnlyByTheNumberThatMatters) {
  EXPECT_EQ(compare("root:0 pci:31.2 ata:?.0", "root:0.0 pci:31.2 ata:3.0.0"), SamePlace::Perhaps);
  EXPECT_EQ(compare("root:0 pci:31.2 ata:?.1", "root:0.0 pci:31.2 ata:3.0.0"), SamePlace::No);
  EXPECT_EQ(compare("root:0 pci:31.2 ata", "root:0.0 pci:31.2 ata:3.0.0"), SamePlace::Perhaps);
}

TEST(SamePlace, WhatIsCertainlyAnother) {
  EXPECT_EQ(compare("root:0 pci:31.2 ata:1.0", "root:0.0 pci:31.2 ata:2.0.0"), SamePlace::No);
  EXPECT_EQ(compare("root:0 pci:31.2 ata:1.0", "root:0.0 pci:20.0 usb:1"), SamePlace::No);
  EXPECT_EQ(compare("root:0 pci:3.0", "root:0.0 pci:3.1"), SamePlace::No);
  EXPECT_EQ(compare("root:0 pci:28.4 pci:0.0 nvme:1", "root:0.0 pci:28.4 pci:0.0 nvme:2"), SamePlace::No);
  EXPECT_EQ(compare("root:0 pci:28.4 pci:0.0 nvme:1", "root:0.0 pci:28.4 usb:0"), SamePlace::No);
  EXPECT_EQ(compare("root:0 pci:20.0 usb:1 usb:2", "root:0.0 pci:20.0 usb:1 usb:3"), SamePlace::No);
}

TEST(SamePlace, WhatCannotBeTold) {
  EXPECT_EQ(compare("?", "root:0.0 pci:3.0"), SamePlace::Perhaps);
  EXPECT_EQ(compare("root:0 ? pci:3.0", "root:0.0 ?:77 pci:4.0"), SamePlace::Perhaps);
  EXPECT_EQ(compare("root pci:3.0", "root:?.0 pci:3.0"), SamePlace::Perhaps);
  EXPECT_EQ(compare("root pci:3.0", "root:?.0 pci:4.0"), SamePlace::No) << "what comes behind can be told";
  EXPECT_EQ(compare("root:0 pci:5.0 scsi:1.0", "root:0.0 pci:5.0 scsi:2.0"), SamePlace::Perhaps) << "RAID controllers";
  EXPECT_EQ(compare("root:0 pci:5.0 scsi:1.0", "root:0.0 pci:5.0 ata:2.0"), SamePlace::Perhaps);
  EXPECT_EQ(compare("root:0 pci:5.0", "root:0.0 pci:5.0 ata:2.0"), SamePlace::Perhaps);
  EXPECT_EQ(compare("root:0 pci:5.0 card:0", "root:0.0 pci:5.0 card"), SamePlace::Perhaps);
  EXPECT_EQ(compare("root:0 pci:1.0", "?:5 pci:2.0"), SamePlace::Perhaps);
  EXPECT_EQ(compare("root:0 pci:14.0 pci:6.0 nvme:1", "root:0.0 pci:14.0 root pci:6.0 nvme:1"), SamePlace::Perhaps)
      << "a bridge that Linux has put in between";
  EXPECT_EQ(disk::compare({}, {}), SamePlace::Perhaps);
}

// The firmware counts the ports of a USB 3 controller through, Linux those of each speed.
TEST(SamePlace, UsbPortsAreCountedInTwoWays) {
  EXPECT_EQ(compare("root:0 pci:20.0 usb:1", "root:0.0 pci:20.0 usb:1.5.480"), SamePlace::Probably);
  EXPECT_EQ(compare("root:0 pci:20.0 usb:5", "root:0.0 pci:20.0 usb:1.5.480"), SamePlace::Probably);
  EXPECT_EQ(compare("root:0 pci:20.0 usb:2", "root:0.0 pci:20.0 usb:1.5.480"), SamePlace::Perhaps);
  EXPECT_EQ(compare("root:0 pci:20.0 usb:5 usb:2", "root:0.0 pci:20.0 usb:1.5.480 usb:2"), SamePlace::Probably);
  EXPECT_EQ(compare("root:0 pci:20.0 usb:5 usb:2", "root:0.0 pci:20.0 usb:1.5.480 usb:3"), SamePlace::No);
  EXPECT_EQ(compare("root:0 pci:29.0 usb:1", "root:0.0 pci:29.0 usb:1.?.480"), SamePlace::Yes) << "USB 2 alone";
  EXPECT_EQ(compare("root:0 pci:29.0 usb:1", "root:0.0 pci:29.0 usb:2.?.480"), SamePlace::No);
}

TEST(SamePlace, TwoKernelsSayTheSame) {
  EXPECT_EQ(compare("root:0.0 pci:20.0 usb:1.5.5000", "root:0.0 pci:20.0 usb:1.5.5000"), SamePlace::Yes);
  EXPECT_EQ(compare("root:0.0 pci:20.0 usb:1.5.5000", "root:?.0 pci:20.0 usb:1.5.5000"), SamePlace::Yes);
  EXPECT_EQ(compare("root:0.0 pci:20.0 usb:1.5.480", "root:0.0 pci:20.0 usb:1.5.5000"), SamePlace::Probably);
  EXPECT_EQ(compare("root:0.0 pci:14.0 root pci:6.0 nvme:1", "root:0.0 pci:14.0 root pci:6.0 nvme:1"), SamePlace::Yes);
  EXPECT_EQ(compare("?:12 scsi:1.0.0", "?:12 scsi:1.0.0"), SamePlace::Yes);
  EXPECT_EQ(compare("?:12 scsi:1.0.0", "?:13 scsi:1.0.0"), SamePlace::Perhaps);
}

}  // namespace
}  // namespace vhdboot::disk
