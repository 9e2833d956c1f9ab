// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/volume_tree.h"

#include <map>

#include "base/text.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::sys {
namespace {

using test::Fails;
using testing::ElementsAre;
using testing::IsEmpty;

// Files by path, in the order that a volume might have them.
class FakeVolume final : public volume::HostVolume {
 public:
  explicit FakeVolume(std::vector<std::pair<std::string, std::string>> files) : files_(std::move(files)) {}

  [[nodiscard]] volume::Kind kind() const override { return volume::Kind::Ntfs; }
  [[nodiscard]] const std::string& label() const override { return text_; }
  [[nodiscard]] const std::string& serial_text() const override { return text_; }
  [[nodiscard]] std::uint64_t cluster_size() const override { return 4096; }
  [[nodiscard]] std::uint64_t volume_size() const override { return 1 << 20; }
  [[nodiscard]] Result<volume::VolumeState> state() override { return volume::VolumeState(); }
  [[nodiscard]] Result<volume::FileLayout> layout(const volume::Path& path) override {
    volume::FileLayout layout;
    layout.directory = !names(path).empty();
    if (!layout.directory && find(path) == nullptr) return fail(Code::NotFound, "no such file");
    return layout;
  }
  [[nodiscard]] Result<volume::Path> spelling(const volume::Path& path) override { return path; }
  [[nodiscard]] Result<std::vector<volume::DirEntry>> list(const volume::Path& path) override {
    if (names(path).empty()) return fail(Code::NotFound, "no such folder");
    return names(path);
  }
  [[nodiscard]] Result<void> check_allocation(const volume::Path&) override { return {}; }
  [[nodiscard]] Result<std::vector<std::byte>> read_file(const volume::Path& path, std::uint64_t cap) override {
    const std::string* contents = find(path);
    if (contents == nullptr) return fail(Code::NotFound, "no such file");
    if (contents->size() > cap) return fail(Code::Unsupported, "too large");
    const Bytes bytes = as_bytes(*contents);
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  }

 private:
  [[nodiscard]] const std::string* find(const volume::Path& path) const {
    for (const auto& [name, contents] : files_)
      if (name == path.text()) return &contents;
    return nullptr;
  }
  [[nodiscard]] std::vector<volume::DirEntry> names(const volume::Path& path) const {
    const std::string above = path.is_root() ? "/" : concat(path.text(), '/');
    std::vector<volume::DirEntry> found;
    for (const auto& [name, contents] : files_)
      if (name.starts_with(above))
        found.push_back({.name = name.substr(above.size(), name.find('/', above.size()) - above.size())});
    return found;
  }

  std::vector<std::pair<std::string, std::string>> files_;
  std::string text_;
};

TEST(VolumeTree, ShowsWhatTheVolumeHas) {
  FakeVolume volume({{"/vhd/b.ko", "second"}, {"/vhd/a.ko", "first"}});
  const VolumeTree tree(volume);
  EXPECT_TRUE(tree.has("/vhd/a.ko"));
  EXPECT_TRUE(tree.is_folder("/vhd"));
  EXPECT_TRUE(tree.is_folder(""));
  EXPECT_FALSE(tree.is_folder("/vhd/a.ko"));
  EXPECT_FALSE(tree.has("/vhd/c.ko"));
  EXPECT_THAT(tree.list("/vhd"), ElementsAre("a.ko", "b.ko"));
  EXPECT_THAT(tree.list("/none"), IsEmpty());
  EXPECT_EQ(as_text(*tree.read("/vhd/a.ko", 5)), "first");
  EXPECT_FALSE(tree.read("/vhd/a.ko", 4));
  const auto file = tree.open("/vhd/b.ko");
  ASSERT_TRUE(file);
  std::vector<std::byte> tail(3);
  ASSERT_TRUE((*file)->read(3, tail));
  EXPECT_EQ(as_text(tail), "ond");
  EXPECT_THAT(tree.open("/vhd/c.ko"), Fails(Code::NotFound, "no such file"));
}

// A path that no volume can have is not there.
TEST(VolumeTree, StrangePaths) {
  FakeVolume volume({{"/a", ""}});
  const VolumeTree tree(volume);
  for (const char* path : {"/../a", "/a:b", "/a\"", "/a\n"}) {
    EXPECT_FALSE(tree.has(path)) << path;
    EXPECT_THAT(tree.list(path), IsEmpty());
    EXPECT_THAT(tree.read(path, 1), Fails(Code::Invalid, ""));
  }
}

}  // namespace
}  // namespace vhdboot::sys
