// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/tree/folder_wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "init/volume/reader_wire.h"

namespace vhdboot::tree {
namespace {

FolderImage some_image() {
  FolderImage image{.root = "/wsl/debian/rootfs",
                    .size = 5 * kErofsBlock,
                    .copied = 700,
                    .fingerprint = std::string(64, 'a'),
                    .counts = {}};
  image.counts.files = 3;
  image.counts.left_out = 1;
  return image;
}

TEST(FolderWire, SaysWhatWasSaid) {
  const std::string text = "some bytes";
  auto answer = decode_folder_answer(encode(FolderBytes{.offset = 4096, .bytes = as_bytes(text)}));
  // The bytes lie in the message, which is gone here.
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::get<FolderBytes>(*answer).offset, 4096U);
  EXPECT_EQ(std::get<FolderBytes>(*answer).bytes.size(), text.size());
  answer = decode_folder_answer(encode(FolderSaid{.path = "a\x1b[31m", .text = "it is left out"}));
  ASSERT_TRUE(answer);
  EXPECT_FALSE(std::get<FolderSaid>(*answer).path.contains('\x1b'));  // nothing for a terminal
  EXPECT_EQ(std::get<FolderSaid>(*answer).text, "it is left out");
  answer = decode_folder_answer(encode(FolderGoesOn{.files = 77}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::get<FolderGoesOn>(*answer).files, 77U);
  answer = decode_folder_answer(encode(some_image()));
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::get<FolderImage>(*answer), some_image());
  answer = decode_folder_answer(volume::encode(Error{Code::NotFound, 0, "no such folder"}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::get<Error>(*answer).code, Code::NotFound);
}

TEST(FolderWire, BelievesNothingThatCannotBe) {
  const auto refused = [](const wire::Message& message) { return !decode_folder_answer(message).has_value(); };
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused({std::byte{9}}));
  FolderImage image = some_image();
  image.size = 0;
  EXPECT_TRUE(refused(encode(image)));
  image.size = kErofsBlock + 1;
  EXPECT_TRUE(refused(encode(image)));
  image.size = kErofsBlock;
  image.copied = kErofsBlock + 1;
  EXPECT_TRUE(refused(encode(image)));
  image = some_image();
  image.size = kMaxErofsSize + kErofsBlock;
  EXPECT_TRUE(refused(encode(image)));
  const std::vector<std::byte> much(kMaxFolderBytes + 1);
  EXPECT_TRUE(refused(encode(FolderBytes{.offset = 0, .bytes = much})));
  EXPECT_TRUE(refused(encode(FolderBytes{.offset = kMaxErofsSize, .bytes = Bytes(much).first(1)})));
  EXPECT_TRUE(refused(encode(FolderBytes{.offset = UINT64_MAX, .bytes = Bytes(much).first(1)})));
  for (auto message :
       {encode(some_image()), encode(FolderSaid{.path = "a", .text = "b"}), encode(FolderGoesOn{.files = 1})}) {
    message.pop_back();
    EXPECT_TRUE(refused(message));
    message.resize(message.size() + 2);
    EXPECT_TRUE(refused(message));
  }
}

}  // namespace
}  // namespace vhdboot::tree
