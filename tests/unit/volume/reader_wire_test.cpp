// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/reader_wire.h"

#include <gmock/gmock.h>

#include "init/volume/extents.h"
#include "tests/support/exfat_image.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/volume/volume_checks.h"

namespace vhdboot::volume {
namespace {

using test::Fails;
using testing::HasSubstr;

constexpr std::uint64_t kVolume = 64 * kMiB;

VolumeFacts facts() {
  return {.kind = Kind::Ntfs,
          .label = "Data \xC3\xA4",
          .serial_text = "0123456789ABCDEF",
          .cluster_size = 4096,
          .volume_size = kVolume};
}

/// What an answer holds; it must be none that failed.
Message body_of(const Message& message) {
  const auto answer = decode_answer(message);
  EXPECT_TRUE(answer && !answer->error);
  if (!answer) return {};
  return {answer->body.begin(), answer->body.end()};
}

/// That no shorter or longer message than `body` is accepted.
template <class Decode>
void expect_exact(const Message& body, Decode decode) {
  for (std::size_t size = 0; size < body.size(); ++size)
    EXPECT_THAT(decode(Bytes(body).first(size)), Fails(Code::Corrupt, "no such")) << size;
  Message longer = body;
  longer.push_back(std::byte{0});
  EXPECT_THAT(decode(Bytes(longer)), Fails(Code::Corrupt, "no such"));
}

TEST(ReaderWire, RequestsComeBack) {
  for (const ReaderRequest& request :
       {ReaderRequest{}, ReaderRequest{.ask = Ask::Layout, .path = path_of("/boot/D\xC3\xA4 x.vhd")},
        ReaderRequest{.ask = Ask::ReadFile, .path = path_of("a/b/c"), .cap = UINT64_MAX},
        ReaderRequest{.ask = Ask::CheckAllocation, .path = path_of("/x")},
        ReaderRequest{.ask = Ask::ShowFolder, .path = path_of("/wsl"), .cap = 1}}) {
    const Message message = encode(request);
    const auto again = decode_request(message);
    ASSERT_TRUE(again) << again.error().text;
    EXPECT_EQ(*again, request);
    for (std::size_t size = 0; size < message.size(); ++size)
      EXPECT_THAT(decode_request(Bytes(message).first(size)), Fails(Code::Corrupt, "no request"));
  }
}

TEST(ReaderWire, TheDeepestPathIsARequest) {
  Path path;
  for (std::size_t i = 0; i < kMaxPathDepth; ++i) {
    std::string name;
    for (std::size_t j = 0; j < kMaxNameUnits; ++j) name += "\xE4\xB8\xAD";
    path = path.child(name).value();
  }
  const Message message = encode({.ask = Ask::Spelling, .path = path});
  EXPECT_LE(message.size(), kMaxRequest);
  EXPECT_EQ(decode_request(message)->path, path);
  EXPECT_LE(encode(path).size(), max_answer({.ask = Ask::Spelling, .path = path}));
}

TEST(ReaderWire, NoRequest) {
  Message message = encode({.ask = Ask::Layout, .path = path_of("/ab")});
  Message other = message;
  other[0] = std::byte{7};
  EXPECT_THAT(decode_request(other), Fails(Code::Corrupt, "no request"));
  other = message;
  other.back() = std::byte{'/'};
  EXPECT_THAT(decode_request(other), Fails(Code::Corrupt, "no request"));
  other = message;
  other.push_back(std::byte{0});
  EXPECT_THAT(decode_request(other), Fails(Code::Corrupt, "no request"));
}

TEST(ReaderWire, ErrorsComeBack) {
  const Error error{Code::Io, EIO, "/x: reading at byte 7"};
  const auto answer = decode_answer(encode(error));
  ASSERT_TRUE(answer && answer->error);
  EXPECT_EQ(answer->error->code, Code::Io);
  EXPECT_EQ(answer->error->sys_errno, EIO);
  EXPECT_EQ(answer->error->text, error.text);
}

TEST(ReaderWire, TheTextOfAnErrorIsForeign) {
  const auto answer = decode_answer(encode(Error{Code::Corrupt, 0, "a\x1b[2J\n\xFF"}));
  ASSERT_TRUE(answer && answer->error);
  EXPECT_EQ(answer->error->text, "a?[2J??");
  const auto cut = decode_answer(encode(Error{Code::Corrupt, 0, std::string(100'000, 'x')}));
  ASSERT_TRUE(cut && cut->error);
  EXPECT_EQ(cut->error->text.size(), kMaxErrorText);
}

TEST(ReaderWire, NoAnswer) {
  EXPECT_THAT(decode_answer({}), Fails(Code::Corrupt, "an empty answer"));
  const Message error = encode(Error{Code::Io, EIO, "x"});
  for (std::size_t size = 1; size < error.size(); ++size)
    EXPECT_THAT(decode_answer(Bytes(error).first(size)), Fails(Code::Corrupt, "no error"));
  const auto with = [&](std::size_t at, unsigned value) {
    Message other = error;
    other[at] = static_cast<std::byte>(value);
    return other;
  };
  EXPECT_THAT(decode_answer(with(0, 2)), Fails(Code::Corrupt, "no error"));     // neither done nor failed
  EXPECT_THAT(decode_answer(with(1, 9)), Fails(Code::Corrupt, "no error"));     // a code that there is not
  EXPECT_THAT(decode_answer(with(3, 0xFF)), Fails(Code::Corrupt, "no error"));  // an errno that there is not
  EXPECT_THAT(decode_answer(encode(Error{Code::Io, 0, ""})), Fails(Code::Corrupt, "no error"));
}

TEST(ReaderWire, Facts) {
  const Message body = body_of(encode(facts()));
  const auto decode = [](Bytes bytes) { return decode_facts(bytes, kVolume); };
  EXPECT_EQ(decode(body), facts());
  expect_exact(body, decode);
  EXPECT_THAT(decode_facts(body, kVolume - 1), Fails(Code::Corrupt, "no such volume"));
  const auto refused = [&](VolumeFacts wrong) {
    EXPECT_THAT(decode(body_of(encode(wrong))), Fails(Code::Corrupt, "no such volume"));
  };
  VolumeFacts wrong = facts();
  for (const char* serial : {"", "0123456789ABCDE", "0123456789abcdef", "1234-ABCD", "0123456789ABCDEF0"}) {
    wrong.serial_text = serial;
    refused(wrong);
  }
  for (const std::uint64_t cluster : {0ull, 1ull, 256ull, 4095ull, 64ull << 20, 1ull << 63}) {
    wrong = facts();
    wrong.cluster_size = cluster;
    refused(wrong);
  }
  for (const std::string& label : {std::string("\xFF"), std::string(1025, 'x')}) {
    wrong = facts();
    wrong.label = label;
    refused(wrong);
  }
  wrong = facts();
  wrong.volume_size = 0;
  refused(wrong);
  wrong = facts();
  for (const int kind : {1, 2, 255}) {  // exFAT's serial number is written otherwise
    wrong.kind = static_cast<Kind>(kind);
    refused(wrong);
  }
}

TEST(ReaderWire, SerialOfExfat) {
  VolumeFacts exfat = facts();
  exfat.kind = Kind::Exfat;
  for (const auto& [serial, good] :
       {std::pair{"1234-ABCD", true}, {"1234-ABCG", false}, {"12345ABCD", false}, {"1234-ABC", false}}) {
    exfat.serial_text = serial;
    EXPECT_EQ(decode_facts(body_of(encode(exfat)), kVolume).has_value(), good) << serial;
  }
}

TEST(ReaderWire, State) {
  for (unsigned bits = 0; bits < 32; ++bits) {
    const VolumeState state{.dirty = (bits & 1) != 0,
                            .journal_pending = (bits & 2) != 0,
                            .hibernated = (bits & 4) != 0,
                            .chkdsk_scheduled = (bits & 8) != 0,
                            .media_failure = (bits & 16) != 0};
    EXPECT_EQ(decode_state(body_of(encode(state))), state);
  }
  expect_exact(body_of(encode(VolumeState{})), decode_state);
  EXPECT_THAT(decode_state(Message{std::byte{32}}), Fails(Code::Corrupt, "no such state"));
}

FileLayout file() {
  return {.size = 20000,
          .valid_size = 20000,
          .allocated_size = 20480,
          .sparse = true,
          .reparse_tag = 0xA000000C,
          .extents = {{.logical = 0, .physical = 8192, .length = 8192},
                      {.logical = 8192, .physical = 4096, .length = 4096},
                      {.logical = 16384, .physical = 40960, .length = 3616}}};
}

Result<FileLayout> passed_on(const FileLayout& layout) {
  return decode_layout(body_of(encode(layout)), facts());
}

TEST(ReaderWire, Layout) {
  EXPECT_EQ(passed_on(file()), file());
  const FileLayout folder{.directory = true};
  EXPECT_EQ(passed_on(folder), folder);
  const FileLayout resident{.size = 5, .valid_size = 5, .resident = true, .compressed = true, .encrypted = true};
  EXPECT_EQ(passed_on(resident), resident);
  const Message body = body_of(encode(file()));
  for (std::size_t size = 0; size < body.size(); ++size) {
    // A whole extent less is a file with a hole.
    if (size >= 29 && (body.size() - size) % 24 == 0) continue;
    EXPECT_THAT(decode_layout(Bytes(body).first(size), facts()), Fails(Code::Corrupt, "no such file")) << size;
  }
}

TEST(ReaderWire, LayoutsThatCannotBe) {
  const auto wrong = [](auto change, std::string_view why = "no such file") {
    FileLayout layout = file();
    change(layout);
    EXPECT_THAT(passed_on(layout), Fails(Code::Corrupt, std::string(why)));
  };
  wrong([](FileLayout& it) { it.size = UINT64_MAX; });
  wrong([](FileLayout& it) { it.valid_size = it.size + 1; });
  wrong([](FileLayout& it) { it.allocated_size = 1ull << 63; });
  wrong([](FileLayout& it) { it.directory = true; });
  wrong([](FileLayout& it) { it.resident = true; });
  wrong([](FileLayout& it) { it.extents[2].length = 0; });
  wrong([](FileLayout& it) { it.extents[2].length += 1; });
  wrong([](FileLayout& it) { it.extents[2].length = UINT64_MAX; });
  wrong([](FileLayout& it) { it.extents[2].logical = 20480; });
  wrong([](FileLayout& it) { it.extents[2].logical = 16385; });
  wrong([](FileLayout& it) { it.extents[1].physical = 0; });
  wrong([](FileLayout& it) { it.extents[1].physical = 4097; });
  wrong([](FileLayout& it) { it.extents[1].logical = 4096; }, "lies at two places");
  wrong([](FileLayout& it) { std::swap(it.extents[0], it.extents[1]); }, "lies at two places");
  wrong([](FileLayout& it) { it.extents[1].physical = 8192; }, "lie at the same place");
  wrong([](FileLayout& it) { it.extents[2].physical = kVolume; }, "past the end of the volume");
  wrong([](FileLayout& it) { it.extents[2].physical = kVolume - 512; }, "past the end of the volume");
  wrong([](FileLayout& it) { it.extents[2].physical = UINT64_MAX - 511; }, "past the end of the volume");
}

TEST(ReaderWire, AFileInTooManyPieces) {
  FileLayout layout{.size = 1ull << 40, .valid_size = 1ull << 40};
  for (std::uint64_t i = 0; i <= kMaxExtents; ++i)
    layout.extents.push_back({.logical = i * 4096, .physical = (1 + 2 * i) * 4096, .length = 4096});
  VolumeFacts large = facts();
  large.volume_size = 1ull << 40;
  Message message = encode(layout);
  EXPECT_THAT(decode_layout(Bytes(message).subspan(1), large), Fails(Code::Corrupt, "no such file"));
  layout.extents.pop_back();
  message.resize(message.size() - 24);
  EXPECT_LE(message.size(), max_answer({.ask = Ask::Layout}));
  EXPECT_LE(max_answer({.ask = Ask::Layout}), kMaxAnswer);
  EXPECT_EQ(decode_layout(Bytes(message).subspan(1), large), layout);
}

TEST(ReaderWire, Spelling) {
  const Path asked = path_of("/BOOT/debian.VHD");
  const Path spelled = path_of("/boot/Debian.vhd");
  const Message body = body_of(encode(spelled));
  const auto decode = [&](Bytes bytes) { return decode_spelling(bytes, asked); };
  EXPECT_EQ(decode(body), spelled);
  expect_exact(body, decode);
  EXPECT_THAT(decode(body_of(encode(path_of("/boot")))), Fails(Code::Corrupt, "no such path"));
  for (const char bad : {'/', '\\', '\n', ':', '\xFF'}) {
    Message wrong = body;
    wrong.back() = static_cast<std::byte>(bad);
    EXPECT_THAT(decode(wrong), Fails(Code::Corrupt, "no such path"));
  }
}

TEST(ReaderWire, List) {
  const std::vector<DirEntry> entries{{"boot", true, 0}, {"D\xC3\xA4.vhd", false, UINT64_MAX}, {"a:b\n", false, 0}};
  EXPECT_EQ(decode_list(body_of(encode(entries))), entries);
  EXPECT_EQ(decode_list({}), std::vector<DirEntry>());
  const auto refused = [](const DirEntry& entry) {
    EXPECT_THAT(decode_list(body_of(encode({entry}))), Fails(Code::Corrupt, "no such directory"));
  };
  refused({"boot", true, 1});
  refused({"\xC3", false, 1});
  refused({std::string(1025, 'x'), false, 1});
  const Message body = body_of(encode({entries[0]}));
  for (std::size_t size = 1; size < body.size(); ++size)
    EXPECT_THAT(decode_list(Bytes(body).first(size)), Fails(Code::Corrupt, "no such directory"));
}

TEST(ReaderWire, ADirectoryOfTooMany) {
  std::vector<DirEntry> entries(kMaxListed, DirEntry{"x", false, 1});
  EXPECT_TRUE(decode_list(body_of(encode(entries))));
  entries.push_back(entries.front());
  EXPECT_THAT(decode_list(body_of(encode(entries))), Fails(Code::Corrupt, "no such directory"));
}

TEST(ReaderWire, Contents) {
  const auto contents = pattern(1000);
  EXPECT_EQ(decode_contents(body_of(encode(contents)), 1000), contents);
  EXPECT_THAT(decode_contents(contents, 999), Fails(Code::Corrupt, "more of a file"));
  EXPECT_TRUE(decode_done(body_of(encode_done())));
  EXPECT_THAT(decode_done(contents), Fails(Code::Corrupt, "where none was asked for"));
}

TEST(ReaderWire, WhatAVolumeAnswers) {
  test::ExfatImage image({});
  const auto contents = pattern(10'000);
  image.add_file("/boot/Debian.vhd", contents);
  const auto partition = image.finish();
  const auto volume = open_volume(partition);
  const VolumeFacts of{
      .kind = Kind::Exfat, .cluster_size = volume->cluster_size(), .volume_size = volume->volume_size()};
  const Path path = path_of("/BOOT/debian.vhd");
  const auto ask = [&](Ask what, const Path& where, std::uint64_t cap = 0) {
    return answer(*volume, {.ask = what, .path = where, .cap = cap});
  };
  EXPECT_EQ(decode_state(body_of(ask(Ask::State, {}))), *volume->state());
  EXPECT_EQ(decode_layout(body_of(ask(Ask::Layout, path)), of), *volume->layout(path));
  EXPECT_EQ(decode_spelling(body_of(ask(Ask::Spelling, path)), path), path_of("/boot/Debian.vhd"));
  EXPECT_EQ(decode_list(body_of(ask(Ask::List, path.parent()))), *volume->list(path.parent()));
  EXPECT_EQ(decode_contents(body_of(ask(Ask::ReadFile, path, 10'000)), 10'000), contents);
  const Message refused = ask(Ask::ReadFile, path, 9'999);
  EXPECT_THAT(decode_answer(refused)->error->text, HasSubstr("more than the 9999 expected"));
}

TEST(ReaderWire, AnAnswerThatIsTooLongIsAnError) {
  class Large final : public HostVolume {
   public:
    [[nodiscard]] Kind kind() const override { return Kind::Exfat; }
    [[nodiscard]] const std::string& label() const override { return text_; }
    [[nodiscard]] const std::string& serial_text() const override { return text_; }
    [[nodiscard]] std::uint64_t cluster_size() const override { return 0; }
    [[nodiscard]] std::uint64_t volume_size() const override { return 0; }
    [[nodiscard]] Result<VolumeState> state() override { return VolumeState{}; }
    [[nodiscard]] Result<FileLayout> layout(const Path&) override { return FileLayout{}; }
    [[nodiscard]] Result<Path> spelling(const Path& path) override { return path; }
    [[nodiscard]] Result<void> check_allocation(const Path&) override { return {}; }
    [[nodiscard]] Result<std::vector<DirEntry>> list(const Path&) override {
      return std::vector<DirEntry>(50'000, {std::string(765, 'x'), false, 0});
    }
    [[nodiscard]] Result<std::vector<std::byte>> read_file(const Path&, std::uint64_t cap) override {
      EXPECT_LT(cap, kMaxAnswer);
      return std::vector<std::byte>(static_cast<std::size_t>(cap));
    }

   private:
    std::string text_;
  };
  Large volume;
  const auto list = answer(volume, {.ask = Ask::List});
  EXPECT_THAT(decode_answer(list)->error->text, HasSubstr("there is too much of it"));
  const ReaderRequest request{.ask = Ask::ReadFile, .path = {}, .cap = UINT64_MAX};
  EXPECT_LE(answer(volume, request).size(), max_answer(request));
}

}  // namespace
}  // namespace vhdboot::volume
