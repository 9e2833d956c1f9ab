// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/device_path.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/unit/efi/device_paths.h"

namespace vhdboot::efi {
namespace {

using namespace test;

constexpr Guid kPartition = "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9"_guid;

template <class Text>
std::optional<std::string> as_string(const std::optional<Text>& text) {
  if (!text) return std::nullopt;
  return std::string(text->view());
}

std::optional<std::string> partition(std::initializer_list<Buffer> nodes) {
  return as_string(find_partition(join(nodes)));
}

std::optional<std::string> file(std::initializer_list<Buffer> nodes) {
  return as_string(file_path_text(join(nodes)));
}

TEST(FindPartition, WritesWhatLinuxCallsPartuuid) {
  EXPECT_EQ(partition({controller_nodes(), gpt_node(3, kPartition)}), "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9");
  EXPECT_EQ(partition({controller_nodes(), mbr_node(1, 0x0BADCAFE)}), "0badcafe-01");
  EXPECT_EQ(partition({mbr_node(0x1F, 0xFFFFFFFF)}), "ffffffff-1f");
  EXPECT_EQ(partition({mbr_node(0x123, 1)}), "00000001-123");
}

// The bytes that OVMF 2022.11 gives for the first partition of an MBR disk on SATA; sfdisk printed label-id 0xdeadbeef.
TEST(FindPartition, ReadsARealPath) {
  const Buffer ovmf = join({
      node(2, 1, as_bytes(std::string_view("\xd0\x41\x03\x0a\0\0\0\0", 8))),
      node(1, 1, as_bytes(std::string_view("\x02\x1f", 2))),
      node(3, 18, as_bytes(std::string_view("\0\0\xff\xff\0\0", 6))),
      node(4, 1,
           as_bytes(std::string_view("\x01\0\0\0"
                                     "\0\x08\0\0\0\0\0\0"
                                     "\0\xf8\x01\0\0\0\0\0"
                                     "\xef\xbe\xad\xde\0\0\0\0\0\0\0\0\0\0\0\0"
                                     "\x01\x01",
                                     38))),
      end_node(),
  });
  EXPECT_EQ(as_string(find_partition(device_path_bytes(ovmf.data()))), "deadbeef-01");
}

TEST(FindPartition, TakesTheLastPartition) {
  EXPECT_EQ(partition({gpt_node(1, kPartition), mbr_node(2, 0x1234)}), "00001234-02");
  EXPECT_EQ(partition({mbr_node(2, 0x1234), gpt_node(1, kPartition)}), "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9");
  EXPECT_EQ(partition({mbr_node(2, 0x1234), gpt_node(1, Guid{})}), std::nullopt) << "not the partition around it";
  EXPECT_EQ(partition({mbr_node(2, 0x1234), end_node(), mbr_node(3, 0x5678)}), "00001234-02");
}

TEST(FindPartition, KnowsNoneWhereThereIsNone) {
  EXPECT_EQ(partition({}), std::nullopt);
  EXPECT_EQ(partition({controller_nodes()}), std::nullopt);
  EXPECT_EQ(partition({mbr_node(1, 0)}), std::nullopt) << "a disk without a signature has no identity";
  EXPECT_EQ(partition({mbr_node(0, 0x1234)}), std::nullopt);
  EXPECT_EQ(partition({hard_drive_node(1, kPartition.bytes, 0)}), std::nullopt) << "signature type: none";
  EXPECT_EQ(partition({hard_drive_node(1, kPartition.bytes, 7)}), std::nullopt);
}

TEST(FindPartition, StopsAtMalformedNodes) {
  Buffer cut = gpt_node(1, kPartition);
  cut.pop_back();
  EXPECT_EQ(as_string(find_partition(cut)), std::nullopt);
  EXPECT_EQ(partition({node(4, 1, std::vector<std::byte>(37))}), std::nullopt) << "one byte short";
  Buffer zero_length = mbr_node(1, 0x1234);
  zero_length[2] = zero_length[3] = std::byte{0};
  EXPECT_EQ(as_string(find_partition(zero_length)), std::nullopt);
  Buffer three = mbr_node(1, 0x1234);
  three[2] = std::byte{3};
  EXPECT_EQ(as_string(find_partition(three)), std::nullopt);
}

TEST(DevicePathBytes, EndsAtTheEndNode) {
  const Buffer nodes = join({controller_nodes(), mbr_node(1, 0x1234)});
  EXPECT_EQ(device_path_bytes(nullptr).size(), 0u);
  EXPECT_EQ(device_path_bytes(join({nodes, end_node()}).data()).size(), nodes.size());
  Buffer old_style = end_node();
  old_style[0] = std::byte{0xFF};
  EXPECT_EQ(device_path_bytes(join({nodes, old_style}).data()).size(), nodes.size());
  EXPECT_EQ(device_path_bytes(end_node().data()).size(), 0u);
}

TEST(DevicePathBytes, SurvivesNonsense) {
  const Buffer zeros(8);
  EXPECT_EQ(device_path_bytes(zeros.data()).size(), 0u);
  // Nodes without an end are followed only so far.
  Buffer endless;
  for (int i = 0; i < 2 * static_cast<int>(kMaxDevicePathSize) / 256; ++i)
    append(endless, node(1, 1, std::vector<std::byte>(252)));
  EXPECT_LE(device_path_bytes(endless.data()).size(), kMaxDevicePathSize);
  Buffer huge = node(1, 1, std::vector<std::byte>(40000));
  append(huge, end_node());
  EXPECT_EQ(device_path_bytes(huge.data()).size(), 0u);
}

TEST(FilePathText, NormalisesSeparators) {
  EXPECT_EQ(file({file_node(u"\\EFI\\BOOT\\BOOTX64.EFI")}), "/EFI/BOOT/BOOTX64.EFI");
  EXPECT_EQ(file({file_node(u"\\boot\\menu/test.efi")}), "/boot/menu/test.efi") << "Ventoy mixes them";
  EXPECT_EQ(file({file_node(u"boot//\\\\menu\\/test.efi/")}), "/boot/menu/test.efi");
}

TEST(FilePathText, JoinsNodes) {
  EXPECT_EQ(file({file_node(u"\\boot\\"), file_node(u"debian.efi")}), "/boot/debian.efi");
  EXPECT_EQ(file({file_node(u"\\boot"), file_node(u"debian.efi")}), "/boot/debian.efi");
  EXPECT_EQ(file({file_node(u"\\boot\\"), file_node(u"\\debian.efi")}), "/boot/debian.efi");
  EXPECT_EQ(file({controller_nodes(), mbr_node(1, 1), file_node(u"a"), end_node(), file_node(u"b")}), "/a");
}

TEST(FilePathText, EndsAtNulOrNode) {
  EXPECT_EQ(file({file_node(u"\\a.efi", false)}), "/a.efi");
  Buffer padded = utf16_bytes(u"\\a.efi");
  padded.resize(padded.size() + 9);  // GRUB pads with zeros; an odd byte is no character
  EXPECT_EQ(file({node(4, 4, padded)}), "/a.efi");
}

TEST(FilePathText, IsUtf8) {
  EXPECT_EQ(file({file_node(u"\\b\u00fccher\\\u7cfb\u7edf\\\U0001F427.efi")}),
            "/b\u00fccher/\u7cfb\u7edf/\U0001F427.efi");
  const char16_t lone[] = {u'\\', u'a', 0xD800, u'b'};
  EXPECT_EQ(file({file_node({lone, 4})}), "/a\uFFFDb");
}

TEST(FilePathText, RefusesWhatWouldBreakTheRecord) {
  EXPECT_EQ(file({file_node(u"\\a\nserial 1234\\b.efi")}), std::nullopt);
  EXPECT_EQ(file({file_node(u"\\a\u0085b")}), std::nullopt);
  EXPECT_EQ(file({file_node(std::u16string(5000, u'x'))}), std::nullopt) << "too long";
  EXPECT_EQ(file({file_node(std::u16string(4095, u'x'))})->size(), 4096u);
}

TEST(FilePathText, NoneWhereThereIsNone) {
  EXPECT_EQ(file({}), std::nullopt);
  EXPECT_EQ(file({controller_nodes()}), std::nullopt);
  EXPECT_EQ(file({file_node(u"")}), std::nullopt);
  EXPECT_EQ(file({file_node(u"\\\\//")}), std::nullopt);
}

TEST(HasVendorNode, WantsTheVeryGuid) {
  EXPECT_TRUE(has_vendor_node(join({controller_nodes(), vendor_hardware_node(kPartition)}), kPartition));
  EXPECT_TRUE(has_vendor_node(vendor_hardware_node(kPartition, as_bytes("more")), kPartition));
  EXPECT_FALSE(has_vendor_node(vendor_hardware_node("00000000-0000-0000-0000-000000000001"_guid), kPartition));
  EXPECT_FALSE(has_vendor_node(node(4, 3, kPartition.bytes), kPartition)) << "a media node";
  EXPECT_FALSE(has_vendor_node(node(1, 4, as_bytes("short")), kPartition));
}

}  // namespace
}  // namespace vhdboot::efi
