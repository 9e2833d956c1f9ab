// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/bls.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "base/text.h"

namespace vhdboot::entry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct VersionCase {
  std::string_view a;
  char order;
  std::string_view b;
};

// The examples of the UAPI version specification, and the corners of its algorithm.
constexpr VersionCase kVersions[] = {
    {"11", '=', "11"},
    {"systemd-123", '=', "systemd-123"},
    {"bar-123", '<', "foo-123"},
    {"123a", '>', "123"},
    {"123.a", '>', "123"},
    {"123.a", '<', "123.b"},
    {"123a", '>', "123.a"},
    {"11a", '>', "11.b"},
    {"", '=', ""},
    {"", '<', "1"},
    {"~", '<', ""},
    {"~", '<', "1"},
    {"1~", '<', "1"},
    {"1.2~rc1", '<', "1.2"},
    {"1.2~rc1", '>', "1.2~beta9"},
    {"1.2", '<', "1.2^1"},
    {"1.2^1", '<', "1.2.1"},
    {"1.2-1", '<', "1.2.1"},
    {"1.2-1", '<', "1.2^1"},
    {"123-9", '<', "123.1-1"},
    {"5.0", '<', "5.0.0"},
    {"5.9", '<', "5.10"},
    {"00123", '=', "123"},
    {"1_2", '>', "1.2"},
    {"a", '<', "b"},
    {"A", '<', "a"},
    {"abc", '<', "abcd"},
    {"1", '>', "a"},
    {"99999999999999999999999998", '<', "99999999999999999999999999"},
    {"6.1.0-18-amd64", '<', "6.1.0-21-amd64"},
    {"6.1.0-21-amd64", '<', "6.12.9-amd64"},
    {"arch-6.9.1.efi", '<', "arch-6.10.efi"},
};

char order_of(std::string_view a, std::string_view b) {
  const auto order = compare_versions(a, b);
  return order < 0 ? '<' : order > 0 ? '>' : '=';
}

bool have_oracle() {
  return std::system("systemd-analyze compare-versions 1 lt 2 >/dev/null 2>&1") == 0;
}

bool oracle_says(std::string_view a, std::string_view relation, std::string_view b) {
  return std::system(concat("systemd-analyze compare-versions -- '", a, "' ", relation, " '", b, "'").c_str()) == 0;
}

TEST(Versions, Table) {
  for (const auto& [a, order, b] : kVersions) {
    EXPECT_EQ(order_of(a, b), order) << a << " " << b;
    const char reverse = order == '<' ? '>' : order == '>' ? '<' : '=';
    EXPECT_EQ(order_of(b, a), reverse) << b << " " << a;
  }
}

TEST(Versions, AgreeWithSystemd) {
  if (!have_oracle()) GTEST_SKIP() << "systemd-analyze compare-versions is not there";
  std::mt19937 random(7);
  const std::string_view alphabet = "0019ab~-^._Z";
  const auto make = [&] {
    std::string text;
    const auto length = random() % 7;
    for (unsigned i = 0; i < length; ++i) text += alphabet[random() % alphabet.size()];
    return text;
  };
  const auto check = [](std::string_view a, std::string_view b) {
    const char order = order_of(a, b);
    const std::string_view relation = order == '<' ? "lt" : order == '>' ? "gt" : "eq";
    EXPECT_TRUE(oracle_says(a, relation, b)) << "'" << a << "' " << relation << " '" << b << "'";
  };
  for (const auto& [a, order, b] : kVersions) check(a, b);
  for (int i = 0; i < 60; ++i) check(make(), make());
}

TEST(Versions, AreAnOrder) {
  std::vector<std::string_view> all;
  for (const auto& version : kVersions) all.insert(all.end(), {version.a, version.b});
  for (const auto a : all)
    for (const auto b : all)
      for (const auto c : all)
        if (compare_versions(a, b) <= 0 && compare_versions(b, c) <= 0) {
          EXPECT_TRUE(compare_versions(a, c) <= 0) << a << ' ' << b << ' ' << c;
        }
}

TEST(EntryName, TakesTheCounterOut) {
  const auto check = [](std::string_view name, std::string_view id, std::optional<BootCount> count) {
    const auto parsed = parse_entry_name(name);
    EXPECT_EQ(parsed.id, id) << name;
    EXPECT_EQ(parsed.count, count) << name;
  };
  check("arch.efi", "arch.efi", std::nullopt);
  check("arch+3.efi", "arch.efi", BootCount{3, 0});
  check("arch+2-1.efi", "arch.efi", BootCount{2, 1});
  check("arch+0-3.EFI", "arch.EFI", BootCount{0, 3});
  check("a+b+4.efi", "a+b.efi", BootCount{4, 0});
  check("arch+.efi", "arch+.efi", std::nullopt);
  check("arch+x.efi", "arch+x.efi", std::nullopt);
  check("arch+3-.efi", "arch+3-.efi", std::nullopt);
  check("arch+-3.efi", "arch+-3.efi", std::nullopt);
  check("arch+3-1-1.efi", "arch+3-1-1.efi", std::nullopt);
  check("arch+99999999999999999999.efi", "arch+99999999999999999999.efi", std::nullopt);
  check("arch+2147483648.efi", "arch+2147483648.efi", std::nullopt);
  check("+3.efi", "+3.efi", std::nullopt);
  check("6.1.0+deb12u1-amd64.efi", "6.1.0+deb12u1-amd64.efi", std::nullopt);
  check("arch+3.conf", "arch.conf", BootCount{3, 0});
  check("6a98-6.1.0+2-1.CONF", "6a98-6.1.0.CONF", BootCount{2, 1});
  check("arch+3.conf.old", "arch+3.conf.old", std::nullopt);
}

TEST(EntryName, OfTheNextBoot) {
  const auto check = [](std::string_view name, std::optional<std::string_view> next) {
    EXPECT_EQ(next_boot_name(name), next) << name;
  };
  check("arch+3.conf", "arch+2-1.conf");
  check("arch+2-1.efi", "arch+1-2.efi");
  check("arch+1-2.EFI", "arch+0-3.EFI");
  check("a+b+03-007.conf", "a+b+2-8.conf");
  check("arch+1-2147483647.conf", "arch+0-2147483647.conf");
  check("arch+0-3.conf", std::nullopt);
  check("arch+0.conf", std::nullopt);
  check("arch.conf", std::nullopt);
  check("arch+x.conf", std::nullopt);
}

TEST(EntryName, WhatIsAnEntry) {
  EXPECT_TRUE(is_entry_name("a.efi"));
  EXPECT_TRUE(is_entry_name("A.EFI"));
  EXPECT_FALSE(is_entry_name(".efi"));
  EXPECT_FALSE(is_entry_name(".hidden.efi"));
  EXPECT_FALSE(is_entry_name("a.efi.extra.d"));
  EXPECT_FALSE(is_entry_name("a.conf"));
}

BootEntry uki(std::string_view name, std::string_view osrel = "", std::string_view uname = "") {
  return uki_entry({concat("/EFI/Linux/", name), std::string(osrel), std::string(uname)});
}

std::vector<std::string> ids(const std::vector<BootEntry>& entries) {
  std::vector<std::string> out;
  for (const auto& entry : entries) out.push_back(entry.id);
  return out;
}

TEST(Order, NewestVersionOfTheSameSystemFirst) {
  const auto entries = order_entries({uki("b.efi", "ID=x\nVERSION_ID=9\n"), uki("a.efi", "ID=x\nVERSION_ID=10\n")});
  EXPECT_THAT(ids(entries), ElementsAre("a.efi", "b.efi"));
}

TEST(Order, EqualVersionsByTheNewestName) {
  const auto entries =
      order_entries({uki("debian-6.1.0-9-amd64.efi", "ID=debian\nVERSION_ID=12\n", "6.1.0-9-amd64"),
                     uki("debian-6.1.0-21-amd64.efi", "ID=debian\nVERSION_ID=12\n", "6.1.0-21-amd64")});
  EXPECT_THAT(ids(entries), ElementsAre("debian-6.1.0-21-amd64.efi", "debian-6.1.0-9-amd64.efi"));
}

TEST(Order, BySortKeyAndWithoutSortKeyLater) {
  const auto entries =
      order_entries({uki("zzz.efi"), uki("a.efi", "ID=b\n"), uki("b.efi", "ID=zzz\nIMAGE_ID=a\n"), uki("yyy-2.efi")});
  EXPECT_THAT(ids(entries), ElementsAre("b.efi", "a.efi", "zzz.efi", "yyy-2.efi"));
}

TEST(Order, WithoutTriesLeftLast) {
  const auto entries =
      order_entries({uki("x-3+0-3.efi", "ID=x\nVERSION_ID=3\n"), uki("x-2+1.efi", "ID=x\nVERSION_ID=2\n"),
                     uki("x-1.efi", "ID=x\nVERSION_ID=1\n"), uki("other.efi")});
  EXPECT_THAT(ids(entries), ElementsAre("x-2.efi", "x-1.efi", "other.efi", "x-3.efi"));
  EXPECT_EQ(entries[3].count, (BootCount{0, 3}));
}

TEST(Order, IsTheSameWhateverTheFoldersOrder) {
  std::vector<BootEntry> files = {uki("a.efi"), uki("A.efi"), uki("a+1.efi"), uki("a+2-1.efi"), uki("a+2.efi")};
  const auto first = ids(order_entries(files));
  do {
    EXPECT_EQ(ids(order_entries(files)), first);
  } while (std::next_permutation(files.begin(), files.end(), [](auto& x, auto& y) { return x.path < y.path; }));
}

TEST(Order, TitleAndVersionFallBack) {
  const auto full = order_entries({uki("a.efi", "PRETTY_NAME=\"A B\"\nNAME=A\nVERSION=\"1 (one)\"\nVERSION_ID=1\n")});
  EXPECT_EQ(full[0].title, "A B");
  EXPECT_EQ(full[0].version, "1 (one)");
  const auto bare = order_entries({uki("a+1.efi", "", "6.1")});
  EXPECT_EQ(bare[0].title, "a.efi");
  EXPECT_EQ(bare[0].version, "6.1");
  EXPECT_EQ(bare[0].path, "/EFI/Linux/a+1.efi");
}

BootEntry type1(std::string_view name, std::string_view sort_key = "", std::string_view version = "",
                std::string_view machine_id = "") {
  BootEntry entry;
  entry.kind = EntryKind::Type1;
  entry.path = concat("/loader/entries/", name);
  auto parsed = parse_entry_name(name);
  entry.id = std::move(parsed.id);
  entry.count = parsed.count;
  entry.sort_key = sort_key;
  entry.version = version;
  entry.machine_id = machine_id;
  return entry;
}

BootEntry kernel(std::string_view version) {
  BootEntry entry;
  entry.kind = EntryKind::Kernel;
  entry.menu = Menu::Kernels;
  entry.id = concat("vmlinuz-", version);
  entry.path = concat("/boot/", entry.id);
  entry.version = version;
  return entry;
}

TEST(Order, Type1) {
  // The list of systemd's own test of the order.
  EXPECT_THAT(ids(order_entries({type1("a-10.conf", "", "10", "dd23"), type1("a-5.conf", "", "5", "dd23"),
                                 type1("b.conf", "", "3", "b754"), type1("c.conf", "xxxx", "5", "309d"),
                                 type1("cx.conf", "xxxx", "10", "309d"), type1("d.conf", "kkkk", "100", "81c6")})),
              ElementsAre("d.conf", "cx.conf", "c.conf", "b.conf", "a-10.conf", "a-5.conf"));
  EXPECT_THAT(ids(order_entries({type1("1.conf", "k", "9", "b"), type1("2.conf", "k", "1", "a")})),
              ElementsAre("2.conf", "1.conf"));
}

TEST(Order, KindsAndTries) {
  const auto entries = order_entries(
      {kernel("6.1"), kernel("6.9"), type1("a+0-3.conf"), type1("b+1.conf"), uki("z.efi"), uki("y+0.efi")});
  EXPECT_THAT(ids(entries), ElementsAre("z.efi", "b.conf", "vmlinuz-6.9", "vmlinuz-6.1", "y.efi", "a.conf"));
}

TEST(Order, KernelsBySystemAndVersion) {
  std::vector<BootEntry> kernels{kernel("0-rescue-x"), kernel(""), kernel("6.9"), kernel("6.10"), kernel("6.9")};
  kernels[4].path = "/vmlinuz-6.9";
  kernels.push_back(kernel("7.0"));
  kernels.back().system = 1;
  const auto ordered = order_entries(kernels);
  EXPECT_THAT(ids(ordered), ElementsAre("vmlinuz-6.10", "vmlinuz-6.9", "vmlinuz-6.9", "vmlinuz-", "vmlinuz-0-rescue-x",
                                        "vmlinuz-7.0"));
  EXPECT_EQ(ordered[2].path, "/vmlinuz-6.9");
}

TEST(Order, WhatALoaderChoseComesFirst) {
  std::vector<BootEntry> entries{type1("a.conf", "a"), uki("b+0.efi"), kernel("6.9"), kernel("6.1"),
                                 kernel("0-rescue")};
  entries[1].default_by = "x";
  entries[3].default_by = "y";
  EXPECT_THAT(ids(order_entries(entries)),
              ElementsAre("b.efi", "a.conf", "vmlinuz-6.1", "vmlinuz-6.9", "vmlinuz-0-rescue"));
  EXPECT_EQ(rule_of_default(entries[1]), "x");
  EXPECT_EQ(rule_of_default(entries[0]), "the order of the Boot Loader Specification");
  EXPECT_EQ(rule_of_default(entries[2]), "the newest version");
}

TEST(Order, OstreesOldNames) {
  EXPECT_THAT(ids(order_entries({type1("ostree-fedora-1.conf", "", "1"), type1("ostree-fedora-0.conf", "", "2")})),
              ElementsAre("ostree-fedora-0.conf", "ostree-fedora-1.conf"));
}

TEST(Pick, AmongAllKinds) {
  const auto entries = order_entries({kernel("6.9"), kernel("6.1"), type1("fedora-6.1+3.conf"), uki("arch.efi")});
  const auto path_of = [&](std::string_view pattern) {
    const auto entry = pick_entry(entries, pattern);
    return entry ? entry->path : entry.error().text;
  };
  EXPECT_EQ(path_of(""), "/loader/entries/fedora-6.1+3.conf");
  EXPECT_EQ(path_of("*6.1*"), "/loader/entries/fedora-6.1+3.conf");
  EXPECT_EQ(path_of("fedora-6.1"), "/loader/entries/fedora-6.1+3.conf");
  EXPECT_EQ(path_of("6.1"), "/boot/vmlinuz-6.1");
  EXPECT_EQ(path_of("vmlinuz-*"), "/boot/vmlinuz-6.9");
  EXPECT_THAT(path_of("debian"), HasSubstr("there is fedora-6.1+3.conf, arch.efi, vmlinuz-6.9, vmlinuz-6.1"));
}

TEST(Pick, ByEveryName) {
  const auto entries = order_entries({uki("Arch-6.9+3.efi"), uki("debian.efi")});
  const auto path_of = [&](std::string_view pattern) {
    const auto entry = pick_entry(entries, pattern);
    return entry ? entry->path : entry.error().text;
  };
  EXPECT_EQ(path_of(""), entries.front().path);
  for (const auto pattern : {"arch-6.9.efi", "arch-6.9", "Arch-6.9+3.efi", "/EFI/Linux/Arch-6.9+3.efi",
                             "EFI/Linux/Arch-6.9+3.efi", "\\EFI\\Linux\\arch-6.9+3.efi", "arch*", "ARCH-?.9", "[a-b]*"})
    EXPECT_EQ(path_of(pattern), "/EFI/Linux/Arch-6.9+3.efi") << pattern;
  EXPECT_EQ(path_of("deb*"), "/EFI/Linux/debian.efi");
  EXPECT_THAT(path_of("fedora*"), HasSubstr("no boot entry matches \"fedora*\"; there is"));
  EXPECT_THAT(path_of("fedora*"), HasSubstr("debian.efi"));
  EXPECT_EQ(pick_entry({}, "").error().code, Code::NotFound);
}

TEST(Pick, TheNewestOfThoseThatMatch) {
  const auto entries = order_entries({uki("arch-6.9.efi"), uki("arch-6.10.efi"), uki("zebra.efi")});
  EXPECT_EQ(pick_entry(entries, "arch-*")->id, "arch-6.10.efi");
}

TEST(NewerEntry, BehindOneWithASortKey) {
  const BootEntry old{.id = "a.conf", .sort_key = "debian", .version = "6.19.11", .machine_id = "m"};
  BootEntry newer{.id = "b.conf", .version = "7.0.7", .machine_id = "m"};
  const auto id = [&](const BootEntry& booted) {
    const std::vector<BootEntry> entries{booted, newer};
    const BootEntry* found = newer_entry(booted, entries);
    return found == nullptr ? std::string() : found->id;
  };
  ASSERT_EQ(order_entries({newer, old}).front().id, "a.conf");
  EXPECT_EQ(id(old), "b.conf");
  BootEntry chosen = old;
  chosen.default_by = "`default`";
  EXPECT_EQ(id(chosen), "");
  newer.version = "6.1";
  EXPECT_EQ(id(old), "");
  newer.version = "7.0.7";
  newer.machine_id = "another";
  EXPECT_EQ(id(old), "");
  newer.machine_id = "m";
  newer.sort_key = "other";
  EXPECT_EQ(id(old), "");
}

}  // namespace
}  // namespace vhdboot::entry
