// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/grub_cfg.h"

#include <gmock/gmock.h>

#include "base/text.h"
#include "entry/grub_words.h"

namespace vhdboot::entry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// What grub-mkconfig of Debian 12 writes, shortened.
constexpr std::string_view kDebian = R"(
### BEGIN /etc/grub.d/00_header ###
if [ -s $prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="0"
fi
if [ x"${feature_menuentry_id}" = xy ]; then
  menuentry_id_option="--id"
else
  menuentry_id_option=""
fi
export menuentry_id_option
function savedefault {
  if [ -z "${boot_once}" ]; then
    saved_entry="${chosen}"
    set default=7
  fi
}
function gfxmode {
	set gfxpayload="${1}"
}
menuentry 'Debian GNU/Linux' --class debian --class gnu-linux --class os $menuentry_id_option 'gnulinux-simple-6d33' {
	load_video
	insmod gzio
	if [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
	set root='hd0,gpt2'
	if [ x$feature_platform_search_hint = xy ]; then
	  search --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt2 6d33
	else
	  search --no-floppy --fs-uuid --set=root 6d33
	fi
	echo	'Loading Linux 6.1.0-21-amd64 ...'
	linux	/boot/vmlinuz-6.1.0-21-amd64 root=UUID=6d33 ro  quiet splash $vt_handoff
	echo	'Loading initial ramdisk ...'
	initrd	/boot/intel-ucode.img /boot/initrd.img-6.1.0-21-amd64
}
submenu 'Advanced options for Debian GNU/Linux' $menuentry_id_option 'gnulinux-advanced-6d33' {
	menuentry 'Debian GNU/Linux, with Linux 6.1.0-21-amd64' $menuentry_id_option 'gnulinux-6.1.0-21-amd64-advanced-6d33' {
		linux	/boot/vmlinuz-6.1.0-21-amd64 root=UUID=6d33 ro quiet advanced
		initrd	/boot/initrd.img-6.1.0-21-amd64
	}
	menuentry 'Debian GNU/Linux, with Linux 6.1.0-21-amd64 (recovery mode)' $menuentry_id_option 'gnulinux-6.1.0-21-amd64-recovery-6d33' {
		linux	/boot/vmlinuz-6.1.0-21-amd64 root=UUID=6d33 ro single
		initrd	/boot/initrd.img-6.1.0-21-amd64
	}
	menuentry 'Debian GNU/Linux, with Linux 6.1.0-18-amd64 (recovery mode)' $menuentry_id_option 'r' {
		linux	/boot/vmlinuz-6.1.0-18-amd64 root=UUID=6d33 ro single
	}
	menuentry 'Debian GNU/Linux, with Linux 6.1.0-18-amd64' $menuentry_id_option 'old' {
		linux	/boot/vmlinuz-6.1.0-18-amd64 root=UUID=6d33 ro quiet old
		initrd	/boot/initrd.img-6.1.0-18-amd64
	}
}
if [ "$grub_platform" = "efi" ]; then
	menuentry 'UEFI Firmware Settings' $menuentry_id_option 'uefi-firmware' {
		fwsetup
	}
fi
)";

BootMenu parse(std::string_view text, const GrubVariables& environment = {}) {
  auto config = parse_grub_cfg(text, environment);
  EXPECT_TRUE(config) << config.error().text;
  return config ? *std::move(config) : BootMenu{};
}

using ReadFile =
    std::function<std::optional<std::string>(std::string_view path, std::string_view volume, std::size_t cap)>;

// Files that are read by a function; they are on the volume that they are looked for on.
class TestFiles final : public GrubFileReader {
 public:
  explicit TestFiles(ReadFile read) : read_(std::move(read)) {}
  std::optional<std::string> read(std::string_view path, std::string_view volume, std::size_t cap) override {
    return read_ ? read_(path, volume, cap) : std::nullopt;
  }
  std::optional<GrubPlace> find(std::string_view path, std::string_view volume) override {
    if (!read(path, volume, 0)) return std::nullopt;
    return GrubPlace{.volume = std::string(volume), .is_folder = path.ends_with("folder")};
  }
  std::vector<std::string> names(std::string_view folder, std::string_view volume) override {
    std::vector<std::string> names;
    const auto text = read(folder, volume, 0).value_or("");
    for (const auto name : split_words(text)) names.emplace_back(name);
    return names;
  }
  bool is_image(std::string_view path, std::string_view volume) override { return read(path, volume, 0) == "image"; }
  std::optional<GrubSlot> next_slot() override { return slot; }

  std::optional<GrubSlot> slot;

 private:
  ReadFile read_;
};

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
  std::string out(text);
  out.replace(out.find(what), what.size(), with);
  return out;
}

std::string default_title(std::string_view text, const GrubVariables& environment = {}) {
  const BootMenu config = parse(text, environment);
  const MenuEntry* entry = default_entry(config);
  return entry == nullptr ? "none" : entry->title;
}

TEST(GrubCfg, Debian) {
  const BootMenu config = parse(kDebian);
  ASSERT_EQ(config.entries.size(), 7U);
  EXPECT_EQ(config.entries[0], (MenuEntry{"Debian GNU/Linux",
                                          "gnulinux-simple-6d33",
                                          std::nullopt,
                                          false,
                                          "/boot/vmlinuz-6.1.0-21-amd64",
                                          "root=UUID=6d33 ro quiet splash",
                                          {"/boot/intel-ucode.img", "/boot/initrd.img-6.1.0-21-amd64"},
                                          "6d33"}));
  EXPECT_TRUE(config.entries[1].submenu);
  EXPECT_EQ(config.entries[1].id, "gnulinux-advanced-6d33");
  EXPECT_EQ(config.entries[5].parent, 1U);
  EXPECT_EQ(config.entries[6].title, "UEFI Firmware Settings");
  EXPECT_EQ(config.entries[6].kernel, "");
  EXPECT_EQ(config.default_name, "0");
  EXPECT_EQ(config.bls_place, std::nullopt);
}

TEST(GrubCfg, TheDefault) {
  const auto with = [](std::string_view name, const GrubVariables& environment = {}) {
    return default_title(replaced(kDebian, "set default=\"0\"", concat("set default=\"", name, '"')), environment);
  };
  constexpr std::string_view kOld = "Debian GNU/Linux, with Linux 6.1.0-18-amd64";
  EXPECT_EQ(with("0"), "Debian GNU/Linux");
  EXPECT_EQ(with("1>3"), kOld);
  EXPECT_EQ(with("1"), "Debian GNU/Linux, with Linux 6.1.0-21-amd64");
  EXPECT_EQ(with("gnulinux-advanced-6d33>old"), kOld);
  EXPECT_EQ(with("Advanced options for Debian GNU/Linux>Debian GNU/Linux, with Linux 6.1.0-18-amd64"), kOld);
  EXPECT_EQ(with("old"), "Debian GNU/Linux") << "it stands in a submenu";
  EXPECT_EQ(with("nonsense"), "Debian GNU/Linux");
  EXPECT_EQ(with("9"), "Debian GNU/Linux");
  EXPECT_EQ(with(""), "Debian GNU/Linux");
  EXPECT_EQ(with("2"), "Debian GNU/Linux");  // the firmware's settings boot no Linux
  EXPECT_EQ(with("${saved_entry}"), "Debian GNU/Linux");
  EXPECT_EQ(with("${saved_entry}", {{"saved_entry", "1>3"}}), kOld);
  EXPECT_EQ(with("${saved_entry}", {{"next_entry", "1>3"}}), "Debian GNU/Linux");
  EXPECT_EQ(default_title(kDebian, {{"next_entry", "1>3"}}), "Debian GNU/Linux");
}

TEST(GrubCfg, DefaultWithoutAnElse) {
  constexpr std::string_view kEntries = "menuentry a { linux /a }\nmenuentry b { linux /b }\n";
  EXPECT_EQ(default_title(concat("set default=1\n", kEntries)), "b");
  EXPECT_EQ(default_title(concat("default=1\n", kEntries)), "b");
  EXPECT_EQ(default_title(concat(kEntries, "set default=1; set default=0\n")), "a");
  EXPECT_EQ(default_title(concat("if [ -e /x ]; then set default=1; fi\n", kEntries)), "b");
  EXPECT_EQ(default_title(concat("set default=0\nif [ -e /x ]; then\nset default=1\nfi\n", kEntries)), "a");
  EXPECT_EQ(default_title(concat("set default=1\nif [ -e /x ]; then\nset y=1\nelse\nset default=0\nfi\n", kEntries)),
            "a");
  EXPECT_EQ(default_title(concat("if [ \"${next_entry}\" ]; then set default=\"${next_entry}\"; fi\n", kEntries),
                          {{"saved_entry", "b"}, {"next_entry", "b"}}),
            "a");  // that is for one boot
  EXPECT_EQ(default_title("menuentry a>b { linux /c }"), "none");
  EXPECT_EQ(default_title(concat("set default='x>>y'\n", kEntries, "menuentry 'x>y' { linux /c }")), "x>y");
  EXPECT_EQ(default_title(""), "none");
  EXPECT_EQ(
      default_title("menuentry w { chainloader /w.efi }\nmenuentry 'x rescue' { linux /r }\nmenuentry x {linux /x\n}"),
      "x");
  EXPECT_EQ(default_title("menuentry w { chainloader /w.efi }\nmenuentry 'x rescue' { linux /r }"), "x rescue");
  EXPECT_EQ(default_title("submenu s {\n}\n"), "none");
}

TEST(GrubCfg, CommandLineOfAKernel) {
  const BootMenu config = parse(kDebian);
  const auto commandline_for = [](std::string_view kernel, const BootMenu& in) {
    const MenuEntry* entry = entry_for(kernel, in);
    return entry == nullptr ? "none" : entry->arguments;
  };
  EXPECT_EQ(commandline_for("vmlinuz-6.1.0-21-amd64", config), "root=UUID=6d33 ro quiet splash");
  EXPECT_EQ(commandline_for("vmlinuz-6.1.0-18-amd64", config), "root=UUID=6d33 ro quiet old");
  EXPECT_EQ(commandline_for("vmlinuz-6.12", config), "root=UUID=6d33 ro quiet splash");
  EXPECT_EQ(commandline_for("vmlinuz", parse("menuentry w { chainloader /w }")), "none");
}

TEST(GrubCfg, FileNames) {
  for (const auto path :
       {"/vmlinuz", "/boot/vmlinuz", "/@/boot/vmlinuz", "(hd0,gpt2)/vmlinuz", "($root)vmlinuz", "vmlinuz"})
    EXPECT_EQ(menu_file_name(path), "vmlinuz") << path;
  EXPECT_EQ(menu_file_name(""), "");
}

MenuEntry entry_of(std::string_view body, std::string_view before = "", const GrubVariables& environment = {}) {
  const BootMenu config = parse(concat(before, "\nmenuentry x {\n", body, "\n}\n"), environment);
  return config.entries.empty() ? MenuEntry{} : config.entries.front();
}

TEST(GrubCfg, Variables) {
  EXPECT_EQ(entry_of("linux /v root=$r ${q}", "set r=UUID=1\nq='a b'").arguments, "root=UUID=1 a b");
  EXPECT_EQ(entry_of("linux /v \"x=${q}\" y", "set q=\"a b\"").arguments, "\"x=a b\" y");
  EXPECT_EQ(entry_of("linux /v root=$unknown \"$unknown\" $unknown ro").arguments, "ro");
  EXPECT_EQ(entry_of("linux /v $kernelopts", "if [ -z \"${kernelopts}\" ]; then\n set kernelopts=\"root=a ro\"\nfi")
                .arguments,
            "root=a ro");
  EXPECT_EQ(
      entry_of("linux /v $kernelopts", "load_env\nif [ -z \"${kernelopts}\" ]; then\n set kernelopts=\"root=a ro\"\nfi",
               {{"kernelopts", "root=b"}})
          .arguments,
      "root=b");
  EXPECT_EQ(entry_of("set k=/v\nlinux $k-1 a", "set k=/w").kernel, "/v-1");
  EXPECT_EQ(entry_of("linux /v $a", "set a=1\nunset a").arguments, "");
  EXPECT_EQ(entry_of("linux /v $gfxpayload", "function f { set gfxpayload=keep\n}").arguments, "");
}

// A part of a value that GRUB alone can find out stays one, however often it is passed on.
TEST(GrubCfg, AValueWithAPartInDoubt) {
  const auto check = [](std::string_view text, std::string_view arguments, const std::vector<std::string>& in_doubt,
                        const std::vector<std::string>& left_out = {}) {
    const MenuEntry entry = entry_of("linux /v $x quiet", concat("probe -u $root --set=u\n", text));
    EXPECT_EQ(entry.arguments, arguments) << text;
    EXPECT_EQ(entry.in_doubt, in_doubt) << text;
    EXPECT_EQ(entry.left_out, left_out) << text;
  };
  check("set x=\"root=UUID=$u ro\"", "ro quiet", {"root="});
  check("set y=\"root=UUID=$u ro\"\nset x=\"$y a=1\"", "ro a=1 quiet", {"root="});
  check("set x=\"ro mount.usr=UUID=$u\"", "ro quiet", {"mount.usr="});
  check("set x=\"root=UUID=1 resume=UUID=$u ro\"", "root=UUID=1 ro quiet", {}, {"resume=UUID="});
  check("set x=\"$u ro\"", "ro quiet", {});
  check("set x=\"ro resume=$undefined\"", "ro resume= quiet", {});
  EXPECT_EQ(parse("probe -u $root --set=u\nset default=\"a$u\"\n").default_name, "a");
}

// Where `blscfg` stands, and what a place means then.
TEST(GrubCfg, TheDefaultBesideEntryFiles) {
  constexpr std::size_t kFiles = 3;
  const auto started = [](std::string_view name) {
    const BootMenu menu = parse(concat("set default=\"", name,
                                       "\"\nmenuentry a { linux /a\n}\nblscfg\nmenuentry b --id bb { linux /b\n}\n"
                                       "submenu s { menuentry c { linux /c\n}\n}\n"));
    const auto file = started_file(menu, kFiles);
    const MenuEntry* entry = started_entry(menu, kFiles);
    EXPECT_TRUE(!file || entry == nullptr) << name;
    return file ? concat(*file) : entry != nullptr ? entry->title : "none";
  };
  EXPECT_EQ(started(""), "a");
  EXPECT_EQ(started("0"), "a");
  EXPECT_EQ(started("1"), "0");
  EXPECT_EQ(started("3"), "2");
  EXPECT_EQ(started("4"), "b");
  EXPECT_EQ(started("5"), "c");
  EXPECT_EQ(started("5>0"), "c");
  EXPECT_EQ(started("6"), "a");
  EXPECT_EQ(started("bb"), "b");
  EXPECT_EQ(started("the name of a file"), "a");
  const BootMenu menu = parse("blscfg\nmenuentry a { linux /a\n}\n");
  EXPECT_EQ(started_file(menu, kFiles), 0U);
  EXPECT_EQ(started_entry(menu, kFiles), nullptr);
  EXPECT_EQ(started_file(menu, 0), std::nullopt);
  EXPECT_EQ(started_entry(menu)->title, "a") << "there are none";
}

TEST(GrubCfg, TheNextSlot) {
  constexpr std::string_view kFlatcar =
      "menuentry f {\n gptprio.next -d usr -u usr_uuid\n linux ($usr)/vmlinuz mount.usr=PARTUUID=$usr_uuid ro\n}\n";
  TestFiles files({});
  auto menu = parse_grub_cfg(kFlatcar, {}, &files);
  ASSERT_TRUE(menu);
  EXPECT_THAT(menu->entries[0].in_doubt, ::testing::ElementsAre("mount.usr="));
  files.slot = GrubSlot{.device = "hd0,gpt4", .partuuid = "e03d"};
  menu = parse_grub_cfg(kFlatcar, {}, &files);
  ASSERT_TRUE(menu);
  EXPECT_EQ(menu->entries[0].kernel, "(hd0,gpt4)/vmlinuz");
  EXPECT_EQ(menu->entries[0].arguments, "mount.usr=PARTUUID=e03d ro");
}

TEST(GrubCfg, WhereItLeadsTo) {
  const BootMenu menu =
      parse("search.fs_uuid 4ac2 root\nset prefix=($root)'/boot/grub2'\nconfigfile $prefix/grub.cfg\n");
  EXPECT_EQ(menu.volume, "4ac2");
  EXPECT_EQ(menu.leads_to, "/boot/grub2/grub.cfg");
}

TEST(GrubCfg, ABlockThatCannotBeRead) {
  TestFiles files({});
  const auto unread = [&](std::string_view text) { return parse_grub_cfg(text, {}, &files)->unread; };
  EXPECT_EQ(unread("load_env\n"), "");
  EXPECT_EQ(unread("set env_block=(hd0,gpt2)512+1\nload_env -f \"${env_block}\"\n"), "(hd0,gpt2)512+1");
  EXPECT_EQ(unread("load_env --file=/gone/grubenv\n"), "") << "it may not be there";
}

TEST(GrubCfg, AChainloadedImage) {
  TestFiles files([](std::string_view path, auto, auto) {
    return path == "/EFI/arch/linux.efi" ? std::optional<std::string>("image") : std::nullopt;
  });
  const auto kernel = [&](std::string_view path) {
    return parse_grub_cfg(concat("menuentry a { chainloader ", path, "\n}\n"), {}, &files)->entries[0].kernel;
  };
  EXPECT_EQ(kernel("/EFI/arch/linux.efi"), "/EFI/arch/linux.efi");
  EXPECT_EQ(kernel("/EFI/Linux/any.efi"), "/EFI/Linux/any.efi");
  EXPECT_EQ(kernel("/EFI/Microsoft/Boot/bootmgfw.efi"), "");
}

TEST(GrubCfg, ARootInDoubt) {
  const auto check = [](std::string_view body, std::string_view arguments, bool doubt) {
    const MenuEntry entry = entry_of(body, "set known=1");
    EXPECT_EQ(entry.arguments, arguments) << body;
    EXPECT_EQ(!entry.in_doubt.empty(), doubt) << body;
  };
  check("probe -u $root --set=u\nlinux /v root=UUID=$u ro", "ro", true);
  check("linux /v root=$unknown ro", "ro", true);
  check("linux /v \"root=$unknown\" ro", "ro", true);
  check("linux /v root=UUID=1 rootflags=subvol=$unknown ro", "root=UUID=1 ro", true);
  check("linux /v root=UUID=1 root=$unknown ro", "ro", true);
  check("linux /v root=$unknown root=UUID=1", "root= root=UUID=1", false);
  check("linux /v root=UUID=1 $unknown x=$unknown", "root=UUID=1 x=", false);
  check("linux /v root=UUID=$known", "root=UUID=1", false);
  // What was known before a command has set it anew.
  check("probe --set=known --fs-uuid ($root)\nlinux /v root=UUID=$known", "", true);
  for (const char* command : {"search.fs_uuid 22 known", "search.fs_label a known hd0", "search.file /a known"})
    check(concat("set known=1\n", command, "\nlinux /v root=UUID=$known"), "", true);
  check("probe -s known -u $root\nlinux /v root=UUID=$known", "", true);
  check("regexp --set=1:known '(.*)' $x\nlinux /v root=UUID=$known", "", true);
  for (const char* command :
       {"gptprio.next -d device -u known", "gptprio.next --set-uuid=known", "gptpriority hd0 2 known",
        "file_env -f /x known", "getenv known", "search --set=data -u 1; set known=$data"})
    check(concat("set known=1\n", command, "\nlinux /v root=LABEL=r ro mount.usr=PARTUUID=$known"), "root=LABEL=r ro",
          true);
  check("probe -s known\nlinux /v root=1 resume=UUID=$known cryptdevice=UUID=$known:x a=$known$known ro", "root=1 ro",
        false);
  check("regexp --set=1:x known default\nlinux /v root=$known", "root=1", false);
  check("if [ -e /x ]; then\nlinux /v root=$unknown\nelse\nlinux /v root=UUID=1\nfi", "root=UUID=1", false);
}

TEST(GrubCfg, AKernelsPathMustBeKnown) {
  EXPECT_EQ(entry_of("linux $unknown/vmlinuz a").kernel, "");
  EXPECT_EQ(entry_of("linux /boot/vmlinuz-$unknown a").kernel, "");
  EXPECT_EQ(entry_of("linux \"${unknown}/vmlinuz\" a").arguments, "");
  EXPECT_EQ(entry_of("linux ($unknown)/vmlinuz a").kernel, "()/vmlinuz");
  EXPECT_EQ(entry_of("linux ($unknown)/vmlinuz$unknown a").kernel, "");
  EXPECT_THAT(entry_of("linux /v\ninitrd $unknown/a /b $unknown").initrds, ElementsAre("/b"));
  EXPECT_EQ(entry_of("linux").kernel, "");
  EXPECT_EQ(entry_of("linux ''").kernel, "");
}

TEST(GrubCfg, Quotes) {
  EXPECT_EQ(entry_of("linux /v a'b c'd \"e \\\"f\\\"\" g\\ h").arguments, "\"ab cd\" \"e \\\"f\\\"\" \"g h\"");
  EXPECT_EQ(entry_of("linux /v a\\\n  b c\\\nd").arguments, "a b cd");
  EXPECT_EQ(entry_of("linux /v '$r' \\$r \"\\$r\" a$ b", "set r=1").arguments, "$r $r $r a$ b");
  EXPECT_EQ(entry_of("linux /v a#b # c\nbar").arguments, "a#b");
  EXPECT_EQ(entry_of("linux /v x='it'\\''s'").arguments, "x=it\\'s");
  EXPECT_EQ(entry_of("linux /v \"a\\b\"").arguments, "a\\\\b");
  EXPECT_EQ(parse("menuentry 'a'\\''b' --unrestricted --class c --id='i' {\r\n linux /v a\r\n}").entries[0].title,
            "a'b");
  EXPECT_EQ(parse("menuentry --class c --id i t {}").entries[0].id, "i");
  EXPECT_EQ(parse("menuentry --class c --id i t {}").entries[0].title, "t");
}

// What GRUB does on a PC with UEFI when no command fails.
TEST(GrubCfg, Conditions) {
  const auto holds = [](std::string_view condition, std::string_view before = "") {
    return entry_of(concat("if ", condition, "; then\nlinux /yes\nelse\nlinux /no\nfi"), before).kernel == "/yes";
  };
  for (const char* condition :
       {"[ a = a ]", "test a == a", "[ a != b ]", "[ -z \"$none\" ]", "[ -n x ]", "[ \"$grub_platform\" = \"efi\" ]",
        "[ x$feature_default_font_path = xy ]", "loadfont unicode", "search --file /x --set=y", "! keystatus --shift",
        "[ ! a = b ]", "[ a = b -o 2 -gt 1 ]", "[ a = a -a 1 -le 1 ]", "[ \"$?\" = 0 ]", "true", "[ $one = 1 ]",
        // GRUB 2.06 was asked for each of these and those below.
        "[ $none = b ]", "[ $none -eq 1 ]", "[ $none ]", "[ -n $none ]", "[ -z $none ]", "[ ]", "[ a b ]", "[ -z ]",
        "[ \"\" -eq 0 ]", "[ a '<' b ]", "[ -5 -lt 3 ]", "[ a = b -o ( x = x ) ]", "[ ( a = a ) ]", "[ ! a = a -o b ]",
        "[ 1 -eq 1 -a 2 -lt 1 -o 3 = 3 ]", "[ a = a ) -o b = c ]", "[ ! ! a = a ]", "test a = a", "[ a",
        "[ \"$#\" = 1 ]", "[ -n \"$prefix\" ]"})
    EXPECT_TRUE(holds(condition, "set one=1")) << condition;
  for (const char* condition :
       {"[ a = b ]", "[ \"$none\" ]", "[ -n \"$none\" ]", "[ \"$grub_platform\" = pc ]", "keystatus --shift", "false",
        "[ \"${initrdfail}\" = 1 ]", "[ a = a -a b = c ]", "! true", "[ 1 -ge 2 ]", "[ \"\" -eq 1 ]", "[ \"\" ]",
        "[ -z = a ]", "[ a -a \"\" ]", "[ a \\> b ]", "[ \"\" ) -o b = b ]",
        // Only GRUB can tell.
        "[ -f /x ]", "[ ! -f /x ]", "[ \"$found\" = a ]", "[ a = a -a -f /x ]", "[ b-2 -plt b-11 ]",
        "[ ! b-2 -plt b-11 ]", "[ 010 -eq 8 ]", "[ $found ]", "[ -z \"$prefix\" ]"})
    EXPECT_FALSE(holds(condition, "search --file /y --set=found")) << condition;
}

TEST(GrubCfg, BranchesThatAreNotTaken) {
  EXPECT_EQ(entry_of("if [ a = b ]; then linux /a; elif [ a = a ]; then linux /b; else linux /c; fi").kernel, "/b");
  EXPECT_EQ(entry_of("if [ a = a ]; then linux /a; elif [ a = a ]; then linux /b; else linux /c; fi").kernel, "/a");
  EXPECT_EQ(entry_of("linux /v $x", "if [ a = b ]; then set x=1; fi").arguments, "");
  EXPECT_EQ(entry_of("linux /v $x", "set x=0\nif [ a = a ]; then set x=1; fi").arguments, "1");
  const BootMenu menu = parse(
      "if [ \"$grub_platform\" = pc ]; then\nmenuentry bios { linux16 /memtest }\nfi\n"
      "menuentry a { linux /a }\n");
  ASSERT_EQ(menu.entries.size(), 1U);
  EXPECT_EQ(menu.entries[0].title, "a");
}

// An attempt to do without an initrd is for the machine that the disk was made for.
TEST(GrubCfg, TheBranchWithAnInitrd) {
  const auto cloud = entry_of(
      "if [ \"${initrdfail}\" = 1 ]; then\n linux /v root=1\n initrd /i\nelse\n"
      " linux /v root=1 panic=-1\nfi\ninitrdfail");
  EXPECT_EQ(cloud.arguments, "root=1");
  EXPECT_THAT(cloud.initrds, ElementsAre("/i"));
  const auto common = entry_of("if [ -f /x ]; then\n linux /v a\nelse\n linux /v b\nfi\ninitrd /i");
  EXPECT_EQ(common.arguments, "b");
  EXPECT_THAT(common.initrds, ElementsAre("/i"));
  const auto other = entry_of("if [ -f /x ]; then\n linux /w a\n initrd /w\nelse\n linux /v b\nfi");
  EXPECT_EQ(other.kernel, "/v");
  EXPECT_THAT(other.initrds, IsEmpty());
}

TEST(GrubCfg, TheVolumeOfItsFiles) {
  EXPECT_EQ(entry_of("search --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt2 6d33\nlinux /v").volume, "6d33");
  EXPECT_EQ(entry_of("linux /v", "search.fs_uuid 22 root").volume, "22");
  EXPECT_EQ(entry_of("search --file /x --set=root\nlinux /v").volume, "");
}

TEST(GrubCfg, Search) {
  const auto volume = [](std::string_view body) {
    TestFiles files([](std::string_view path, std::string_view, std::size_t) {
      return path == "()/data/x" ? std::optional(std::string()) : std::nullopt;
    });
    const auto menu =
        parse_grub_cfg(concat("search --fs-uuid --set=root 1\n", body, "\nmenuentry a { linux /v\n}"), {}, &files);
    return menu ? menu->entries.at(0).volume : menu.error().text;
  };
  // As GRUB 2.06 does.
  for (const char* same :
       {"search --fs-uuid 2", "search.fs_uuid 2", "search.fs_uuid 2 x", "search 2 --set=root", "search --set=x -u 2",
        "search -l -s x 2", "search --fs-uuid --set=root", "set x=y; search --fs-uuid --set=x $none"})
    EXPECT_EQ(volume(same), "1") << same;
  for (const char* other :
       {"search 2 --fs-uuid --set=root", "search --fs-uuid 2 --set=root", "search --set root -u 2",
        "search -u 2 -s root", "search -us root 2", "search -n -u 2 -s", "search --no-floppy --fs-uuid --set 2",
        "search.fs_uuid 2 root hd0,gpt1", "search --fs-uuid --set=root --hint-bios=hd0,gpt1 --hint hd9 2",
        "search --set=root --fs-uuid -- 2", "search --fs-uuid --set=root --hint-foo=bar 2",
        "search --set=x -u 2; set root=$x", "search --set=x -u 2; set y=$x; set root=(${y})",
        "search --set=x -u 2; root=\"${x}\""})
    EXPECT_EQ(volume(other), "2") << other;
  for (const char* label : {"search --label --set=root 'a b'", "search -l -s root 'a b'", "search.fs_label 'a b' root"})
    EXPECT_EQ(volume(label), "LABEL=a b") << label;
  for (const char* unknown : {"search --file /data/x --set=root", "search --part-label --set=root x", "set root=$none",
                              "search --set=x --file /gone; set root=$x"})
    EXPECT_EQ(volume(unknown), "") << unknown;
}

TEST(GrubCfg, WhatSearchFound) {
  std::string asked;
  TestFiles files([&](std::string_view path, std::string_view volume, std::size_t) -> std::optional<std::string> {
    asked += concat(path, '@', volume, ' ');
    return std::nullopt;
  });
  const auto menu = parse_grub_cfg(R"(
search --set=root -u 1
search --set=data -l ab
set theme=($data)/theme.txt
load_env -f ($data)/grubenv
load_env -f ($root)/grubenv
menuentry a { search --set=root -u 2; linux ($root)/v; initrd ($data)/i }
menuentry b { linux ($root)/v x$data }
configfile $theme
)",
                                   {}, &files);
  ASSERT_TRUE(menu) << menu.error().text;
  EXPECT_EQ(asked, "(LABEL=ab)/grubenv@1 (1)/grubenv@1 (LABEL=ab)/theme.txt@1 ");
  EXPECT_EQ(menu->volume, "LABEL=ab");
  EXPECT_EQ(menu->entries.at(0).kernel, "(2)/v");
  EXPECT_THAT(menu->entries.at(0).initrds, ElementsAre("(LABEL=ab)/i"));
  EXPECT_EQ(menu->entries.at(1).kernel, "(1)/v");
  EXPECT_EQ(menu->entries.at(1).arguments, "");
  EXPECT_EQ(menu->entries.at(1).volume, "1");
}

// ChromeOS Flex.
TEST(GrubCfg, WhatACommandFindsIsNotWhatWasBefore) {
  EXPECT_EQ(parse("prioA=1\nprioB=2\ngptpriority $grubdisk 2 prioA\ngptpriority $grubdisk 4 prioB\n"
                  "if [ $prioA -lt $prioB ]; then\n  set default=1\nelse\n  set default=0\nfi")
                .default_name,
            "0");
}

// What Home Assistant OS has, shortened; RAUC's is alike.
constexpr std::string_view kSlots = R"cfg(
set default=99
set ORDER="A B"
set A_OK=0
set B_OK=0
set A_TRY=0
set B_TRY=0
set MACHINE_ID=""
load_env
for SLOT in $ORDER; do
    if [ "$SLOT" == "A" ]; then
        INDEX=0
        OK=$A_OK
        TRY=$A_TRY
    fi
    if [ "$SLOT" == "B" ]; then
        INDEX=1
        OK=$B_OK
        TRY=$B_TRY
    fi
    if [ "$OK" -eq 1 -a "$TRY" -lt 3 ]; then
        default=$INDEX
        if [ "$TRY" -eq 1 ]; then
            TRY=2
        else
            TRY=1
        fi
        if [ "$SLOT" == "A" ]; then
            A_TRY=$TRY
        fi
        break
    fi
done
if [ "$default" -eq 99 ]; then
    if [ "$A_OK" -eq 1 ]; then
        default=2
    fi
fi
save_env A_TRY A_OK B_TRY B_OK ORDER MACHINE_ID
default_cmdline="rootwait systemd.machine_id=$MACHINE_ID"
file_env -f ($root)/cmdline.txt cmdline
regexp --set 1:boothd (.+),.+ ${root}
menuentry "Slot A (OK=$A_OK TRY=$A_TRY)" {
    linux (${boothd},gpt2)/bzImage root=PARTUUID=a $default_cmdline $cmdline rauc.slot=A
}
menuentry "Slot B (OK=$B_OK TRY=$B_TRY)" {
    linux (${boothd},gpt4)/bzImage root=PARTUUID=b $default_cmdline $cmdline rauc.slot=B
}
menuentry "Slot A (rescue shell)" {
    linux (${boothd},gpt2)/bzImage root=PARTUUID=a $default_cmdline $cmdline rauc.slot=A systemd.unit=recovery.target
}
)cfg";

TEST(GrubCfg, TheSlotThatIsGood) {
  const auto chosen = [](const GrubVariables& environment) { return default_title(kSlots, environment); };
  EXPECT_EQ(chosen({{"A_OK", "1"}, {"B_OK", "1"}}), "Slot A (OK=1 TRY=1)");
  EXPECT_EQ(chosen({{"A_OK", "1"}, {"B_OK", "1"}, {"ORDER", "B A"}}), "Slot B (OK=1 TRY=0)");
  EXPECT_EQ(chosen({{"A_OK", "1"}, {"B_OK", "1"}, {"A_TRY", "3"}}), "Slot B (OK=1 TRY=0)");
  EXPECT_EQ(chosen({{"B_OK", "1"}}), "Slot B (OK=1 TRY=0)");
  EXPECT_EQ(chosen({{"A_OK", "1"}, {"A_TRY", "3"}}), "Slot A (rescue shell)");
  EXPECT_EQ(chosen({}), "Slot A (OK=0 TRY=0)") << "there is no entry 99";
  EXPECT_EQ(parse(kSlots, {{"MACHINE_ID", "12"}}).entries[1].arguments,
            "root=PARTUUID=b rootwait systemd.machine_id=12 rauc.slot=B");
}

TEST(GrubCfg, LoadEnvWhereItStands) {
  const auto value = [](std::string_view text, const GrubVariables& environment = {{"a", "env"}, {"b", "env"}},
                        const ReadFile& read = {}) {
    TestFiles files(read);
    const auto menu = parse_grub_cfg(concat(text, "\nset default=$a-$b"), environment, &files);
    return menu ? menu->default_name : menu.error().text;
  };
  EXPECT_EQ(value(""), "-");
  EXPECT_EQ(value("load_env"), "env-env");
  EXPECT_EQ(value("set a=1\nload_env\nset b=2"), "env-2");
  EXPECT_EQ(value("set a=1\nload_env b next"), "1-env");
  EXPECT_EQ(value("load_env --skip-sig a"), "env-");
  EXPECT_EQ(value("set a=1\nif [ -s $prefix/grubenv ]; then\n load_env\nfi"), "env-env");
  EXPECT_EQ(value("if [ a = b ]; then\n load_env\nfi"), "-");
  EXPECT_EQ(value("function f {\n load_env\n}"), "-");
  EXPECT_EQ(value("set a=1\nload_env", {}), "1-");
  EXPECT_EQ(value("load_env -f ${config_directory}/grubenv"), "env-env");
  std::string asked;
  const ReadFile other = [&](std::string_view path, std::string_view volume,
                             std::size_t cap) -> std::optional<std::string> {
    EXPECT_EQ(cap, kMaxGrubEnvironment);
    asked = concat(path, '@', volume);
    if (path == "/gone") return std::nullopt;
    return "# GRUB Environment Block\na=other\nb=other\n";
  };
  EXPECT_EQ(value("load_env\nload_env -f ($x)/grubenv a", {{"b", "env"}}, other), "other-env");
  EXPECT_EQ(asked, "()/grubenv@");
  EXPECT_EQ(value("search --fs-uuid --set=x 12\nload_env --file=/a/b b", {}, other), "-other");
  EXPECT_EQ(asked, "/a/b@");
  EXPECT_EQ(value("search --fs-uuid --set=root 12\nload_env --file=/a/b b", {}, other), "-other");
  EXPECT_EQ(asked, "/a/b@12");
  EXPECT_EQ(value("set a=1\nload_env --file /gone", {}, other), "1-");
  asked.clear();
  EXPECT_EQ(value("load_env --file $mine/state", {{"a", "env"}}, other), "-");
  EXPECT_EQ(asked, "");
}

TEST(GrubCfg, ForLoops) {
  const auto result = [](std::string_view text) { return parse(text).default_name; };
  EXPECT_EQ(result("for x in a 'b c' d; do\n set default=\"$default[$x]\"\ndone"), "[a][b c][d]");
  EXPECT_EQ(result("set l='a b'\nfor x in $l c\ndo set default=$default$x; done; set default=$default.$x"), "abc.c");
  EXPECT_EQ(result("for x in 1 2; do for y in a b; do set default=$default$x$y; done; done"), "1a1b2a2b");
  EXPECT_EQ(result("for x in $none; do set default=1; done"), "");
  EXPECT_EQ(result("for x in; do set default=1; done"), "");
  EXPECT_EQ(result("if [ a = b ]; then for x in 1 2; do set default=$x; done; fi"), "");
  EXPECT_EQ(result("for x in a b c; do if [ $x = b ]; then continue; fi; set default=$default$x; done"), "ac");
  EXPECT_EQ(result("for x in a b c; do if [ $x = b ]; then break; fi; set default=$default$x; done"), "a");
  EXPECT_EQ(result("for x in 1 2; do for y in a b; do if [ $y = b ]; then break; fi; set default=$default$x$y; done; "
                   "done"),
            "1a2a");
  EXPECT_EQ(result("for x in 1 2; do for y in a b; do set default=$default$x$y; break 2; done; done"), "1a");
  EXPECT_EQ(result("for x in 1 2; do for y in a b; do set default=$default$x$y; continue 2; done; done"), "1a2a");
  EXPECT_EQ(result("break; continue; for x in 1; do break 9; set default=1; done; break"), "");
  EXPECT_EQ(result("function f {\n for x in 1 2; do break; done\n return 1\n}\nset default=2"), "2");
  // Whether GRUB leaves it is not known: what it set first is kept.
  EXPECT_EQ(result("for x in a b; do if [ -e /$x ]; then set default=$x; break; fi; done"), "a");
  EXPECT_EQ(result("for x in a b; do if [ -e /$x ]; then break; fi; set default=$x; done"), "a");
  // What only GRUB knows: files, and what it looked for.
  EXPECT_EQ(result("for x in /*.iso; do set default=1$x; done"), "1");
  EXPECT_EQ(result("search --file /a --set=d\nfor x in a ($d)/b $d/c; do set default=1$x; done"), "1");
  EXPECT_EQ(result("probe --set=o -u x\nset default=0\nfor x in $o; do set default=1; done"), "0") << "may be empty";
  EXPECT_EQ(result("probe --set=o -u x\nfor x in $o; do set default=1; done"), "1");
  // Whatever is no loop of GRUB's.
  EXPECT_EQ(result("\"for\" x in a b c"), "");
  EXPECT_EQ(result("if true; then\n\"for\" x in a b\nfi; for x in a b\ndone; for x in a b\nfi; set default=1"), "1");
  EXPECT_EQ(result("for x in a b; do \"for\" y in c d; set default=$default$x; done"), "ab");
  EXPECT_EQ(result("while true; do set default=1; break; done\nuntil false; do set default=2; done"), "1");
}

// They are run, if at all, when a person or the default has chosen them. A submenu sees what was exported.
TEST(GrubCfg, WhatEntriesAndSubmenusSetHoldsInThere) {
  const BootMenu menu = parse(R"(
set x=0
set hidden=0
export x
search --fs-uuid --set=root 1111
submenu s {
  set default=1
  set x=1
  set y=1
  set root='hd0,gpt7'
  menuentry a { linux /a $x$y$hidden }
  menuentry b {
    set x=2
    search --fs-uuid --set=root 2222
    linux /b $x$y
  }
  menuentry c { linux /c $x$y }
  submenu t {
    unset x
    menuentry d { linux /d $x$y }
  }
  menuentry e { linux /e $x$y }
  set y=2
}
if [ a = b ]; then
  search --fs-uuid --set=root 3333
fi
menuentry f { linux /f $x$y$hidden }
set x=3
)");
  const auto check = [&](std::size_t i, std::string_view arguments, std::string_view volume) {
    EXPECT_EQ(menu.entries[i].arguments, arguments) << i;
    EXPECT_EQ(menu.entries[i].volume, volume) << i;
  };
  ASSERT_EQ(menu.entries.size(), 8U);
  check(1, "12", "hd0,gpt7");
  check(2, "22", "2222");
  check(3, "12", "hd0,gpt7");
  check(5, "", "hd0,gpt7");
  check(6, "12", "hd0,gpt7");
  check(7, "30", "1111");
  EXPECT_EQ(menu.entries[5].parent, 4U);
  EXPECT_EQ(menu.entries[4].parent, 0U);
  EXPECT_EQ(menu.default_name, "");
  EXPECT_THAT(menu.variables, ::testing::Contains(Pair("x", "3")));
  EXPECT_FALSE(menu.variables.contains("y"));
}

TEST(GrubCfg, AnEntryIsRunBehindEverythingAroundIt) {
  const BootMenu menu = parse(
      "set o=quiet; for x in 1 2; do menuentry \"t$x\" \"$x\" { linux /v-$2 root=/dev/sda$x $o\n} ; done\n"
      "set o=debug\n");
  ASSERT_EQ(menu.entries.size(), 2U);
  EXPECT_EQ(menu.entries[0].title, "t1");
  EXPECT_EQ(menu.entries[0].kernel, "/v-1");
  EXPECT_EQ(menu.entries[0].arguments, "root=/dev/sda2 debug");
  EXPECT_EQ(menu.entries[1].kernel, "/v-2");
}

TEST(GrubCfg, Functions) {
  const auto result = [](std::string_view text) { return parse(text).default_name; };
  EXPECT_EQ(result("function f { set default=\"$1-$2-$3-$#\"\n}\nf a 'b c'"), "a-b c--2");
  EXPECT_EQ(result("function f { for x in \"$@\"; do set default=\"$default[$x]\"; done; }\nf a 'b c' d"),
            "[a][b c][d]");
  EXPECT_EQ(result("function f { for x in $@; do set default=\"$default[$x]\"; done; }\nf a 'b c'"), "[a][b][c]");
  EXPECT_EQ(result("function f { set default=\"$*\"\n}\nf a 'b c'"), "a b c");
  EXPECT_EQ(result("function f { shift; set default=$1; shift 9; set default=$default$1; }\nf a b c"), "bb");
  EXPECT_EQ(result("function f { set default=$1; return; set default=2; }\nf 1; set y=$default"), "1");
  EXPECT_EQ(result("function f { if [ $1 = a ]; then return 1; fi; return 0; }\n"
                   "if f a; then set default=1; elif f b; then set default=2; fi"),
            "2");
  EXPECT_EQ(result("function f { if false; then true; fi; }\nif f; then set default=1; fi"), "1");
  EXPECT_EQ(result("function f { if true; then false; fi; }\nif f; then set default=1; fi"), "");
  EXPECT_EQ(result("function f { g $1$1; }\nfunction g { set default=$1; }\nf a; set x=$1"), "aa");
  EXPECT_EQ(result("function f { set default=1; }\nfunction f { set default=2; }\nif [ a = b ]; then f; fi"), "");
  EXPECT_EQ(result("function f { set default=1; }\nfunction f { set default=2; }\nf"), "2");
  EXPECT_EQ(result("f() { set default=1\n}\nfunction { set default=1\n}\nset default=0"), "0");
  EXPECT_EQ(result("set x=default; eval \"set $x=1\""), "1");
  EXPECT_EQ(result("return; set default=1"), "1") << "out of nothing";
  EXPECT_EQ(result("set default=\"$#$1\""), "");
  std::string deep = "if [ a";
  for (int i = 0; i < 4000; ++i) deep += " (";
  EXPECT_EQ(result(concat(deep, std::string_view(" ]; then set default=1; else set default=0; fi"))), "0");
  const BootMenu menu = parse(R"(
function boot_it {
  search --fs-uuid --set=root $1
  if [ "$2" = debug ]; then set extra="debug loglevel=7"; fi
  linux /boot/vmlinuz-$3 root=UUID=$1 ro $extra
  initrd /boot/initrd.img-$3
}
function list {
  menuentry "$1 of $2" $menuentry_id_option id-$1 "$1" "$2" {
    boot_it $3 debug $2
  }
}
list one 1111
menuentry two { setparams two 2222; boot_it $2 "" 6.1; }
set default=two
)");
  ASSERT_EQ(menu.entries.size(), 2U);
  EXPECT_EQ(menu.entries[0].title, "one of 1111");
  EXPECT_EQ(menu.entries[0].id, "id-one");
  EXPECT_EQ(menu.entries[0].kernel, "/boot/vmlinuz-one");
  EXPECT_EQ(menu.entries[0].arguments, "root=UUID=1111 ro debug loglevel=7");
  EXPECT_EQ(menu.entries[0].volume, "1111");
  EXPECT_EQ(menu.entries[1].kernel, "/boot/vmlinuz-6.1");
  EXPECT_EQ(menu.entries[1].arguments, "root=UUID=2222 ro");
  EXPECT_EQ(menu.entries[1].initrds, std::vector<std::string>{"/boot/initrd.img-6.1"});
}

// VyOS.
TEST(GrubCfg, FilesOfAPattern) {
  TestFiles files([&](std::string_view path, std::string_view volume, std::size_t) -> std::optional<std::string> {
    if (path == "./grub.cfg.d") return "10-a.cfg 20-v-autoload.cfg 30-d-autoload.cfg";
    if (path == "./grub.cfg.d/20-v-autoload.cfg") return "menuentry a { linux /a\n}\nmenuentry b { linux /b\n}";
    if (path == "./grub.cfg.d/30-d-autoload.cfg") return "set default=1";
    if (path == "/many") {
      std::string names = volume == "1" ? "x0 " : "y0 ";
      for (std::size_t i = 0; i < kMaxGrubNames; ++i) names += "x1 ";
      return names;
    }
    return std::nullopt;
  });
  const auto menu =
      parse_grub_cfg("for f in ${prefix}/grub.cfg.d/*-autoload.cfg\ndo\n source ${f}\ndone\n", {}, &files);
  ASSERT_TRUE(menu) << menu.error().text;
  EXPECT_EQ(menu->entries.size(), 2U);
  EXPECT_EQ(menu->default_name, "1");
  const auto result = [&](std::string_view text) {
    const auto config = parse_grub_cfg(text, {}, &files);
    return config ? config->default_name : config.error().text;
  };
  EXPECT_EQ(result("search -u 1 -s; for f in a /many/?0 b; do set default=$default$f; done"), "a/many/x0b");
  EXPECT_EQ(result("search -u 2 -s; for f in /many/x*; do set default=1$default; done"),
            std::string(kMaxGrubNames, '1'));
  // As before where nothing is found: the body once, with what is not known.
  for (const char* other : {"/gone/*", "/*", "/many/z*", "/m*/x0", "*", "()/many/*", "$none/many/*", "/many/x[01]"})
    EXPECT_EQ(result(concat("for f in ", other, "; do set default=1$default$f; done")), "1") << other;
}

// Photon OS.
TEST(GrubCfg, AFileThatIsThere) {
  std::string asked;
  TestFiles files([&](std::string_view path, std::string_view volume, std::size_t) {
    asked += concat(path, '@', volume, ' ');
    return path.contains("gone") ? std::nullopt : std::optional(std::string());
  });
  const auto result = [&](std::string_view condition) {
    const auto menu = parse_grub_cfg(
        concat("set default=0; search -n -u 1 -s\nif [ ", condition, " ]; then set default=1; else set default=2; fi"),
        {}, &files);
    return menu ? menu->default_name : menu.error().text;
  };
  for (const char* there :
       {"-f /a", "-e (hd0,gpt2)/a", "-s $prefix/grubenv", "-d /folder", "-e /folder", "! -f /folder"})
    EXPECT_EQ(result(there), "1") << there;
  EXPECT_EQ(asked, "/a@1 (hd0,gpt2)/a@1 ./grubenv@1 /folder@1 /folder@1 /folder@1 ");
  for (const char* other : {"! -f /a", "-d /a", "-f /gone", "! -f /gone", "-f ($none)/a", "-f /a$none/b"})
    EXPECT_EQ(result(other), "2") << other;
  std::string many;
  for (std::size_t i = 0; i < kMaxGrubLoops / 64; ++i) many += "[ -e /a ]\n";
  EXPECT_FALSE(parse_grub_cfg(concat(many, "[ -e /a ]"), {}, &files));
}

// custom.cfg as Debian's 41_custom takes it, and others.
TEST(GrubCfg, OtherFiles) {
  std::vector<std::string> asked;
  const auto menu_of = [&](std::string_view text, std::map<std::string, std::string, std::less<>> files) {
    asked.clear();
    TestFiles other([&](std::string_view path, std::string_view volume, std::size_t) {
      asked.push_back(concat(path, '@', volume));
      const auto found = files.find(path);
      return found == files.end() ? std::nullopt : std::optional(found->second);
    });
    const auto menu = parse_grub_cfg(text, {}, &other);
    return menu ? *menu : BootMenu{.file = menu.error().text};
  };
  const auto titles = [](const BootMenu& menu) {
    std::string all;
    for (const MenuEntry& entry : menu.entries) all += concat(entry.title, entry.parent ? "< " : " ");
    return all;
  };
  constexpr std::string_view kCustom = R"(
set default=0
menuentry a { linux /a }
if [ -f  ${config_directory}/custom.cfg ]; then
  source ${config_directory}/custom.cfg
elif [ -z "${config_directory}" -a -f  $prefix/custom.cfg ]; then
  source $prefix/custom.cfg
fi
menuentry c { linux /c $o }
)";
  BootMenu menu = menu_of(kCustom, {{"./custom.cfg", "set default=b; set o=x\nmenuentry b { linux /b\n}"}});
  EXPECT_EQ(titles(menu), "a b c ");
  EXPECT_EQ(menu.default_name, "b");
  EXPECT_EQ(menu.entries[2].arguments, "x");
  EXPECT_EQ(titles(menu_of(kCustom, {})), "a c ");
  menu = menu_of("search --fs-uuid --set=root 12\nsubmenu s { . /x/y.cfg\nmenuentry b { configfile /never\n} }",
                 {{"/x/y.cfg", "menuentry a { linux /a\n}"}});
  EXPECT_EQ(titles(menu), "s a< b< ");
  EXPECT_EQ(asked, std::vector<std::string>{"/x/y.cfg@12"});
  menu = menu_of("menuentry a { true\n}\nconfigfile ($root)/m.cfg\nmenuentry c { true\n}",
                 {{"()/m.cfg", "menuentry b { linux /b\n}"}});
  EXPECT_EQ(titles(menu), "b ");
  EXPECT_EQ(titles(menu_of("configfile /gone\nmenuentry c { true\n}", {})), "c ");
  EXPECT_THAT(menu_of("source /a", {{"/a", "source /a"}}).file, HasSubstr("too deep"));
  EXPECT_THAT(menu_of("source /a", {{"/a", "source /a; source /a"}}).file, HasSubstr("too "));
}

TEST(GrubCfg, AMenuInAnotherFile) {
  std::string inner;
  TestFiles files([&](std::string_view path, std::string_view, std::size_t) {
    return path == "/m.cfg" ? inner : concat("configfile /m.cfg\nmenuentry never { linux /n\n}");
  });
  const auto menu_of = [&](std::string_view command) {
    auto menu = parse_grub_cfg(concat("set default=1; set x=1; set y=1; export y\nsearch -u 1 -s\n"
                                      "menuentry a { linux /a\n}\n",
                                      command, "\nmenuentry c { linux /c $x$y\n}"),
                               {}, &files);
    return menu ? *std::move(menu) : BootMenu{.file = menu.error().text};
  };
  inner = "search -u 2 -s\nset y=2\nmenuentry b { linux /b $default$x$y\n}\n";
  for (const char* command : {"configfile /m.cfg", "normal /m.cfg", "source /s.cfg", "configfile /s.cfg"}) {
    const BootMenu menu = menu_of(command);
    ASSERT_EQ(menu.entries.size(), 1U) << command << menu.file;
    EXPECT_EQ(menu.entries[0].arguments, "2");
    EXPECT_EQ(menu.entries[0].volume, "2");
    EXPECT_EQ(menu.default_name, "");
  }
  inner = "search -u 2 -s\nset y=2\nset default=2";
  const BootMenu menu = menu_of("configfile /m.cfg");
  ASSERT_EQ(menu.entries.size(), 2U) << "it comes back";
  EXPECT_EQ(menu.entries[1].arguments, "11");
  EXPECT_EQ(menu.entries[1].volume, "1");
  EXPECT_EQ(menu.default_name, "1");
  inner = "blscfg";
  EXPECT_THAT(menu_of("configfile /m.cfg").entries, IsEmpty());
}

// GRUB stops at the first place that has the file.
TEST(GrubCfg, TheFirstRootOfALoopThatOnlyGrubKnows) {
  const BootMenu menu = parse(
      "for d in hd0,gpt1 hd0,gpt2; do if [ -e ($d)/v ]; then set root=$d; break; fi; done\n"
      "menuentry a { linux /v root=/dev/sda3\n}\n");
  EXPECT_EQ(menu.entries.at(0).volume, "hd0,gpt1");
}

// Its last turn counts for all of them.
TEST(GrubCfg, WhatALoopSetsIsTheSameInItsEntries) {
  const BootMenu menu = parse(
      "for v in 6.1 6.2; do set k=/boot/vmlinuz-$v\n"
      "menuentry \"Linux $v\" { linux $k root=/dev/sda1\n} ; done\n");
  ASSERT_EQ(menu.entries.size(), 2U);
  EXPECT_EQ(menu.entries[0].title, "Linux 6.1");
  EXPECT_EQ(menu.entries[0].kernel, "/boot/vmlinuz-6.2");
  EXPECT_EQ(menu.entries[1].kernel, "/boot/vmlinuz-6.2");
}

// As grub-btrfs makes it: a submenu for each snapshot.
TEST(GrubCfg, ManySubmenus) {
  std::string text = "menuentry first { linux /v\n}\nsubmenu snapshots {\n";
  for (int i = 0; i < 400; ++i)
    text += concat("submenu '", i, "' {\n  submenu 'kernels' {\n    menuentry 'a' { linux /@s/", i,
                   "/vmlinuz root=UUID=1 ", std::string(300, 'x'), "\n    }\n  }\n}\n");
  text += "}\n";
  const BootMenu menu = parse(text);
  EXPECT_EQ(menu.entries.size(), 2U + 3 * 400U);
  EXPECT_EQ(menu.entries.back().kernel, "/@s/399/vmlinuz");
}

TEST(GrubCfg, KindsOfLinux) {
  EXPECT_EQ(entry_of("linuxefi /v a\ninitrdefi /i /j").kernel, "/v");
  EXPECT_THAT(entry_of("linuxefi /v a\ninitrdefi /i /j").initrds, ElementsAre("/i", "/j"));
  EXPECT_EQ(entry_of("linux16 /v a; initrd16 /i").initrds.size(), 1U);
  EXPECT_EQ(entry_of("if [ -e /x ]; then\nlinux /a 1\nelse\nlinux /b 2\nfi").kernel, "/b");
  EXPECT_EQ(entry_of("if [ -e /x ]; then\nlinux /a 1\nelif [ -e /y ]; then\nlinux /b 2\nfi").kernel, "/a");
  EXPECT_EQ(entry_of("if 'if'; then linux /a; fi; linux /b").kernel, "/b");
  EXPECT_EQ(entry_of("multiboot2 /xen.gz\nmodule2 /vmlinuz a").kernel, "");
  EXPECT_THAT(parse("linux /v a\ninitrd /i\n").entries, IsEmpty());
}

TEST(GrubCfg, BootLoaderSpecification) {
  EXPECT_EQ(parse("insmod blscfg\nblscfg\n").bls_place, 0U);
  EXPECT_EQ(parse("if [ -e /x ]; then\n  blscfg\nfi").bls_place, 0U);
  EXPECT_EQ(parse("menuentry a { true; }\nblscfg\nmenuentry b { true; }\nblscfg\n").bls_place, 1U);
  EXPECT_EQ(parse("insmod blscfg\n# blscfg\nfunction f { blscfg\n}\n").bls_place, std::nullopt);
}

TEST(GrubCfg, Refusals) {
  const auto error_of = [](std::string_view text) {
    const auto config = parse_grub_cfg(text, {});
    return config ? "none" : config.error().text;
  };
  EXPECT_THAT(error_of(std::string(kMaxGrubConfig + 1, '\n')), HasSubstr("is no grub.cfg"));
  std::string many;
  for (std::size_t i = 0; i < kMaxGrubEntries; ++i) many += "menuentry a {}\n";
  EXPECT_EQ(error_of(many), "none");
  EXPECT_THAT(error_of(many + "menuentry a {}\n"), HasSubstr("more than 4096 entries"));
  std::string growing = "set a=0123456789abcdef\n";
  for (int i = 0; i < 64; ++i) growing += "set a=\"$a$a\"\n";
  EXPECT_THAT(error_of(growing), HasSubstr("grow without an end"));
  std::string parts = "set a=";
  for (std::size_t i = 0; i < kMaxGrubPieces; ++i) parts += "$a";
  EXPECT_THAT(error_of(parts), HasSubstr("more than 1024 parts"));
  std::string words = "set b='";
  for (std::size_t i = 0; i < kMaxGrubCommand; ++i) words += "x ";
  EXPECT_EQ(error_of(concat(words, "'\n")), "none");
  EXPECT_THAT(error_of(concat(words, "'\nlinux $b $b\n")), HasSubstr("more than 4096 words"));
  EXPECT_THAT(error_of(std::string(100, '{')), HasSubstr("blocks are nested too deep"));
  std::string conditions;
  for (int i = 0; i < 100; ++i) conditions += "if ";
  EXPECT_THAT(error_of(conditions), HasSubstr("conditions are nested too deep"));
  std::string loops;
  for (int i = 0; i < 8; ++i) loops += "for x in 1 2 3 4 5 6 7 8 9; do ";
  EXPECT_THAT(error_of(concat(loops, "true", std::string_view("; done; done; done; done; done; done; done; done"))),
              HasSubstr("loops, functions and load_env read too much"));
  GrubVariables large;
  for (int i = 0; i < 1000; ++i) large.emplace(concat("v", i), std::string(50, 'x'));
  std::string loads;
  for (int i = 0; i < 100; ++i) loads += "load_env\n";
  const auto loaded = parse_grub_cfg(loads, large);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().text, HasSubstr("loops, functions and load_env read too much"));
  conditions.clear();
  for (int i = 0; i < 100; ++i) conditions += "for x in 1; do ";
  EXPECT_THAT(error_of(conditions), HasSubstr("conditions are nested too deep"));
  EXPECT_EQ(error_of("}}}} fi fi done else } 'open"), "none");
}

TEST(GrubEnvironment, Block) {
  const auto variables = parse_grub_environment(
      "# GRUB Environment Block\n# WARNING: Do not edit this file\nsaved_entry=6a98-6.5.6\nkernelopts=root=UUID=1 ro "
      "\\\\x\\\ny \nboot_success=\n=x\nnothing\nlast=1\n########################");
  ASSERT_TRUE(variables) << variables.error().text;
  EXPECT_THAT(*variables, ElementsAre(Pair("boot_success", ""), Pair("kernelopts", "root=UUID=1 ro \\x\ny "),
                                      Pair("last", "1"), Pair("saved_entry", "6a98-6.5.6")));
  EXPECT_EQ(parse_grub_environment("").error().code, Code::Corrupt);
  EXPECT_EQ(parse_grub_environment("saved_entry=1\n").error().code, Code::Corrupt);
  EXPECT_EQ(
      parse_grub_environment(concat("# GRUB Environment Block\n", std::string(kMaxGrubEnvironment, '#'))).error().code,
      Code::Corrupt);
}

TEST(GrubEnvironment, Substitution) {
  const GrubVariables variables{{"kernelopts", "root=UUID=1 ro $kernelopts"}, {"t", "x"}};
  const auto text = [&](std::string_view options) { return GrubSubstitution(variables).replace(options).value(); };
  EXPECT_EQ(text("$kernelopts ${t}y $tuned_params"), "root=UUID=1 ro $kernelopts xy ");
  EXPECT_EQ(text("a$ $$t ${ ${} ${a b} $"), "a$ $x ${ ${} ${a b} $");
  EXPECT_EQ(text(""), "");
  const GrubVariables large{{"half", std::string(kMaxGrubSubstitution / 2, 'x')}};
  GrubSubstitution substitution(large);
  EXPECT_EQ(substitution.replace("$half$one$half$two$one")->size(), kMaxGrubSubstitution);
  EXPECT_EQ(substitution.replace("$half").error().code, Code::Unsupported);
  EXPECT_THAT(substitution.unknown(), ElementsAre("one", "two"));
}

TEST(GrubWords, ANameIsNoLongerThanItsCap) {
  const auto taken = [](std::string_view text) { return take_grub_variable(text).value_or("none"); };
  const std::string longest(kMaxGrubName, 'n');
  EXPECT_EQ(taken(concat("${", longest, "}")), longest);
  EXPECT_EQ(taken(concat("$", longest, " ")), longest);
  EXPECT_EQ(taken(concat("${", longest, "n}")), "none");
  EXPECT_EQ(taken(concat("$", longest, "n")), "none");
  EXPECT_EQ(taken("${?}"), "?");
  EXPECT_EQ(taken("${?a}"), "none");
  EXPECT_EQ(taken("${a"), "none");
}

TEST(GrubWords, AWordOfTooManyPartsIsCut) {
  std::string text;
  for (std::size_t i = 0; i < 4 * kMaxGrubPieces; ++i) text += "$a";
  EXPECT_EQ(GrubLexer(text).next()->pieces.size(), kMaxGrubPieces + 1);
  EXPECT_EQ(GrubLexer(concat('"', text, '"')).next()->pieces.size(), kMaxGrubPieces + 1);
}

}  // namespace
}  // namespace vhdboot::entry
