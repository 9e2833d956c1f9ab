// SPDX-License-Identifier: GPL-2.0-or-later
// systemd's Boot Loader Interface: what is asked of the stub, and what it tells.
#include "efi/one_shot.h"

#include <gmock/gmock.h>

#include <string>

#include "base/text.h"
#include "efi/image_names.h"
#include "tests/unit/efi/mock_firmware.h"

namespace vhdboot::efi {
namespace {

using test::Buffer;
using test::MockFirmware;
using test::utf16_bytes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr UINT32 kStays = EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS;

/// A variable's text, with its NUL.
std::string value16(std::u16string_view text) {
  return std::string(as_text(utf16_bytes(text))) + std::string(2, '\0');
}

std::string name_in(std::u16string_view id) {
  const auto request = parse_one_shot(utf16_bytes(id));
  if (!request) return "(not ours)";
  EXPECT_FALSE(request->name.truncated());
  return request->menu ? concat("(menu)", request->name.view()) : std::string(request->name.view());
}

TEST(OneShot, IdsOfOurs) {
  EXPECT_EQ(name_in(std::u16string_view(u"vhdboot-debian\0", 15)), "debian");
  EXPECT_EQ(name_in(std::u16string_view(u"vhdboot-debian\0arch", 19)), "debian");
  EXPECT_EQ(name_in(u"auto-vhdboot-Debian.v2"), "Debian.v2") << "a NUL may be missing";
  EXPECT_EQ(name_in(u"vhdboot-B\u00fcro \U0001F427"), "B\u00fcro \U0001F427") << "bootctl takes any text";
  EXPECT_EQ(name_in(u"vhdboot-menu"), "(menu)");
  EXPECT_EQ(name_in(u"vhdboot-menu2"), "menu2");
  Buffer odd = utf16_bytes(u"vhdboot-debian");
  odd.push_back(std::byte{0x41});
  ASSERT_TRUE(parse_one_shot(odd));
  EXPECT_EQ(parse_one_shot(odd)->name.view(), "debian");
}

TEST(OneShot, IdsOfOthers) {
  for (const auto* id : {u"", u"debian", u"auto-windows", u"vhdboot", u"Vhdboot-debian", u" vhdboot-debian", u"@saved",
                         u"auto-auto-vhdboot-x"})
    EXPECT_EQ(name_in(id), "(not ours)");
  EXPECT_EQ(name_in(u"vhdboot-" + std::u16string(505, u'x')), "(not ours)") << "too long";
  EXPECT_EQ(name_in(u"vhdboot-" + std::u16string(504, u'\uFFFC')).size(), 504u * 3);
}

TEST(OneShot, NoFileHasTheNameOfWhatIsNone) {
  EXPECT_EQ(name_in(u"vhdboot-"), "?");
  EXPECT_EQ(name_in(u"vhdboot-  "), "?");
  EXPECT_EQ(name_in(u"vhdboot-a\nserial 1\x7f"), "a?serial 1?");
  EXPECT_EQ(name_in(std::u16string(u"vhdboot-x") + char16_t{0xD800}), "x?");
  EXPECT_EQ(name_in(u"vhdboot-../a.vhd"), "../a.vhd") << "a path is no name: it is not found";
}

class TakeOneShot : public testing::Test {
 protected:
  void ask_for(std::u16string_view id) { set(u"LoaderEntryOneShot", std::u16string(id) + u'\0'); }
  void set(const std::u16string& name, std::u16string_view text) {
    firmware.variables[name] = as_text(utf16_bytes(text));
    firmware.attributes[name] = kStays;
  }
  TakenOneShot take() { return take_one_shot(*firmware.table.RuntimeServices); }
  bool is_there() const { return firmware.variables.contains(u"LoaderEntryOneShot"); }

  MockFirmware firmware;
};

TEST_F(TakeOneShot, Once) {
  ask_for(u"vhdboot-debian");
  const auto taken = take();
  ASSERT_TRUE(taken.request);
  EXPECT_EQ(taken.request->name.view(), "debian");
  EXPECT_TRUE(taken.problem.empty());
  EXPECT_FALSE(is_there());
  firmware.wrote.clear();
  EXPECT_FALSE(take().request);
  EXPECT_THAT(firmware.wrote, IsEmpty());
}

TEST_F(TakeOneShot, LeavesWhatIsNotOurs) {
  for (const auto* id : {u"auto-windows", u"debian.conf", u""}) {
    ask_for(id);
    const auto taken = take();
    EXPECT_FALSE(taken.request);
    EXPECT_TRUE(taken.problem.empty());
    EXPECT_TRUE(is_there());
  }
  EXPECT_THAT(firmware.wrote, IsEmpty());
}

TEST_F(TakeOneShot, OfAnyAttributes) {
  ask_for(u"vhdboot-debian");
  firmware.attributes[u"LoaderEntryOneShot"] = EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS;
  EXPECT_TRUE(take().request);
}

TEST_F(TakeOneShot, TellsOfAValueThatCannotBeRead) {
  firmware.variables[u"LoaderEntryOneShot"] = std::string(1 << 20, 'v');
  auto taken = take();
  EXPECT_FALSE(taken.request);
  EXPECT_FALSE(taken.ignored);
  EXPECT_THAT(taken.problem.view(), HasSubstr("it is longer than 1024 bytes"));
  firmware.read_statuses[u"LoaderEntryOneShot"] = EFI_DEVICE_ERROR;
  taken = take();
  EXPECT_FALSE(taken.request);
  EXPECT_THAT(taken.problem.view(), HasSubstr("LoaderEntryOneShot cannot be read, and does not count (device error)."));
  EXPECT_THAT(firmware.wrote, IsEmpty());
}

TEST_F(TakeOneShot, AFirmwareWithoutVariablesIsNoNews) {
  for (const EFI_STATUS status : {EFI_UNSUPPORTED, EFI_NOT_FOUND}) {
    firmware.read_statuses[u""] = status;
    EXPECT_FALSE(take().request);
    EXPECT_TRUE(take().problem.empty());
  }
}

TEST_F(TakeOneShot, DoesNotCountWhileItStays) {
  ask_for(u"vhdboot-debian");
  firmware.write_status = EFI_WRITE_PROTECTED;
  auto taken = take();
  EXPECT_FALSE(taken.request);
  EXPECT_TRUE(taken.ignored);
  EXPECT_THAT(taken.problem.view(), HasSubstr("the request to boot debian once does not count"));
  firmware.write_status = EFI_SUCCESS;
  firmware.keeps_variables = true;
  taken = take();
  EXPECT_FALSE(taken.request);
  EXPECT_THAT(taken.problem.view(), HasSubstr("(it is still there)"));
  ask_for(u"vhdboot-" + std::u16string(400, u'x'));
  EXPECT_FALSE(take().problem.truncated());
}

TEST_F(TakeOneShot, AnEarlierLoaderThatTakesThemIsInCharge) {
  ask_for(u"vhdboot-debian");
  firmware.variables[u"LoaderInfo"] = as_text(utf16_bytes(u"systemd-boot 257"));
  firmware.variables[u"LoaderFeatures"] = std::string("\x7f\0\0\0\0\0\0\0", 8);
  EXPECT_FALSE(take().request);
  EXPECT_TRUE(is_there());
  firmware.variables[u"LoaderFeatures"] = std::string("\x07\0\0\0\0\0\0\0", 8);
  EXPECT_TRUE(take().request) << "it does not, as GRUB's module bli";
}

TEST_F(TakeOneShot, AnEarlierLoaderWithOddFeatures) {
  firmware.variables[u"LoaderInfo"] = as_text(utf16_bytes(u"GRUB 2.12"));
  for (const std::string& features : {std::string(), std::string("\x08", 1), std::string(100, '\xFF')}) {
    ask_for(u"vhdboot-debian");
    firmware.variables[u"LoaderFeatures"] = features;
    EXPECT_TRUE(take().request);
  }
  ask_for(u"vhdboot-debian");
  firmware.variables.erase(u"LoaderFeatures");
  EXPECT_TRUE(take().request);
}

// ---- what is told

std::vector<std::string> ids(const EntryList& entries) {
  std::vector<std::string> ids{""};
  const Bytes bytes = entries.bytes();
  for (std::size_t i = 0; i < bytes.size(); i += 2)
    if (const auto unit = *load_le<std::uint16_t>(bytes, i); unit != 0)
      ids.back() += static_cast<char>(unit);
    else
      ids.emplace_back();
  EXPECT_EQ(ids.back(), "") << "each has its NUL";
  ids.pop_back();
  return ids;
}

TEST(EntryList, HasWhatSystemdTakes) {
  EntryList entries;
  for (const auto* name : {"debian", "Arch_2.0+x-1", "DEBIAN", "two words", "b\u00fccher", "a/b", "", "menu", "deb"})
    entries.add(name);
  EXPECT_THAT(ids(entries),
              ElementsAre("auto-vhdboot-menu", "auto-vhdboot-debian", "auto-vhdboot-Arch_2.0+x-1", "auto-vhdboot-deb"));
}

TEST(EntryList, HasAnEnd) {
  EntryList entries;
  for (int i = 0; i < 1000; ++i) entries.add("image" + std::to_string(i));
  entries.add(std::string(5000, 'x'));
  EXPECT_LE(entries.bytes().size(), 2 * EntryList::kMaxUnits);
  EXPECT_GT(ids(entries).size(), 15u);
}

TEST(LoaderVariables, AreToldOnce) {
  MockFirmware firmware;
  auto& runtime = *firmware.table.RuntimeServices;
  EXPECT_TRUE(is_first_loader(runtime));
  set_loader_variables(runtime, EntryList());
  EXPECT_FALSE(is_first_loader(runtime));
  EXPECT_EQ(firmware.variables[u"LoaderInfo"], value16(u"vhdboot " VHDBOOT_VERSION));
  EXPECT_EQ(firmware.variables[u"LoaderFeatures"], std::string("\x08\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(firmware.variables[u"LoaderEntries"], value16(u"auto-vhdboot-menu"));
  EXPECT_EQ(firmware.variables.size(), 3u) << "above all no LoaderDevicePartUUID";
}

TEST(LoaderVariables, AllOrNobodysName) {
  MockFirmware firmware;
  firmware.write_status = EFI_OUT_OF_RESOURCES;
  set_loader_variables(*firmware.table.RuntimeServices, EntryList());
  EXPECT_THAT(firmware.wrote, ElementsAre(u"LoaderEntries"));
}

TEST(LoaderVariables, WhoCannotReadDoesNotWrite) {
  MockFirmware firmware;
  for (const EFI_STATUS status : {EFI_DEVICE_ERROR, EFI_UNSUPPORTED, EFI_SECURITY_VIOLATION}) {
    firmware.read_statuses[u"LoaderInfo"] = status;
    EXPECT_FALSE(is_first_loader(*firmware.table.RuntimeServices));
  }
}

// ---- which images are known

TEST(ImageNames, OfAConfiguration) {
  EXPECT_EQ(image_of_config("# x\r\nimage   \\Systems\\debian.vhd  \r\nwait 5\n"), "debian");
  EXPECT_EQ(image_of_config("image /boot/arch.IMG"), "arch");
  EXPECT_EQ(image_of_config("image\ta.b.raw\n"), "a.b");
  EXPECT_EQ(image_of_config("image /one.vhd\nimage /two.vhd\n"), "two");
  for (const auto* none : {"", "image", "image ", "image /", "image .vhd", "image /a.qcow2", "images /a.vhd",
                           "#image /a.vhd", "entry image /a.vhd", "\n\n"})
    EXPECT_EQ(image_of_config(none), std::nullopt) << none;
}

TEST(ImageNames, OfLoadOptions) {
  EXPECT_EQ(image_of_options("wait=5 image=/boot/debian.vhd trim=off"), "debian");
  EXPECT_EQ(image_of_options("image=\"/boot/debian.vhd\""), "debian");
  EXPECT_EQ(image_of_options("\"image=/boot/debian.vhd\""), "debian");
  EXPECT_EQ(image_of_options("options=\"quiet image=1\" image=debian.raw"), "debian");
  for (const auto* none :
       {"", " ", "image", "image=", "\"", "\"\"", "image=\"", "ximage=/a.vhd", "image=/two words.vhd"})
    EXPECT_EQ(image_of_options(none), std::nullopt) << none;
}

}  // namespace
}  // namespace vhdboot::efi
