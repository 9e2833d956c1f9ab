// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/reader.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <filesystem>

#include "base/text.h"
#include "init/sys/file.h"
#include "init/sys/reader_process.h"
#include "init/tree/folder_wire.h"
#include "init/volume/extents.h"
#include "tests/support/exfat_image.h"
#include "tests/support/ntfs_image.h"
#include "tests/support/process.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/volume/volume_checks.h"

namespace vhdboot::sys {
namespace {

using namespace std::chrono_literals;
using test::Fails;
using testing::HasSubstr;
using volume::DirEntry;
using volume::FileLayout;
using volume::HostVolume;
using volume::Path;
using volume::path_of;
using volume::pattern;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

/// A volume whose files are deeds: what a reader that was taken over does when it is asked.
class Puppet final : public HostVolume {
 public:
  using Deed = std::function<std::string()>;
  Puppet(std::uint64_t size, Deed deed) : size_(size), deed_(std::move(deed)) {}
  [[nodiscard]] volume::Kind kind() const override { return volume::Kind::Exfat; }
  [[nodiscard]] const std::string& label() const override { return label_; }
  [[nodiscard]] const std::string& serial_text() const override { return serial_text_; }
  [[nodiscard]] std::uint64_t cluster_size() const override { return 4096; }
  [[nodiscard]] std::uint64_t volume_size() const override { return size_; }
  [[nodiscard]] Result<volume::VolumeState> state() override { return volume::VolumeState{}; }
  [[nodiscard]] Result<FileLayout> layout(const Path&) override {
    FileLayout layout{.size = 4096 * volume::kMaxExtents, .valid_size = 0};
    for (std::uint64_t i = 0; i < volume::kMaxExtents; ++i)
      layout.extents.push_back({.logical = i * 4096, .physical = (1 + 2 * i) * 4096, .length = 4096});
    return layout;
  }
  [[nodiscard]] Result<Path> spelling(const Path& path) override { return path; }
  [[nodiscard]] Result<std::vector<DirEntry>> list(const Path&) override { return std::vector<DirEntry>{}; }
  [[nodiscard]] Result<void> check_allocation(const Path&) override { return {}; }
  [[nodiscard]] Result<std::vector<std::byte>> read_file(const Path&, std::uint64_t) override {
    const std::string did = deed_();
    const Bytes bytes = as_bytes(did);
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  }

 private:
  std::string label_ = "PUPPET";
  std::string serial_text_ = "1234-ABCD";
  std::uint64_t size_;
  Deed deed_;
};

/// Descriptors of the child, which are those of the test.
struct Held {
  int partition = -1;
  int socket = -1;
};

/// A reader whose volume does `deed` when a file is read.
ReaderWork puppet(const FdSource& source, std::function<std::string(Held)> deed) {
  return [&source, deed](const ByteSource& partition, const Fd& socket) {
    const Held held{.partition = source.fd().get(), .socket = socket.get()};
    serve(std::make_unique<Puppet>(partition.size(), [&] { return deed(held); }), partition, socket);
  };
}

class Reader : public testing::Test {
 protected:
  Reader() {
    test::ExfatImage image({});
    image.add_file("/boot/Debian.vhd", pattern(100'000));
    image.add_file("/boot/scattered.vhd", pattern(50'000, 2), test::Placement::Scattered);
    image.add_file("/debian.conf", as_bytes("image debian.vhd\n"));
    image.finish().save(path_);
  }

  [[nodiscard]] static std::unique_ptr<FdSource> source_of(const std::string& path) {
    auto source = FdSource::open(path);
    EXPECT_TRUE(source) << source.error().text;
    return std::move(*source);
  }

  std::unique_ptr<VolumeReader> open(ReaderOptions options) {
    if (!options.child) options.child = reader_here();
    auto reader = VolumeReader::open(*source_, "/dev/sdx1", options);
    EXPECT_TRUE(reader) << reader.error().message();
    return reader ? std::move(*reader) : nullptr;
  }
  std::unique_ptr<VolumeReader> open_puppet(std::function<std::string(Held)> deed, ReaderOptions options = {}) {
    options.child = reader_here(puppet(*source_, std::move(deed)));
    return open(options);
  }
  /// What a reader says that may do all that is not forbidden to it otherwise.
  std::string asked(std::function<std::string(Held)> deed) {
    ReaderOptions options;
    options.limits.filter = false;
    const auto reader = open_puppet(std::move(deed), options);
    if (!reader) return {};
    const auto said = reader->read_file(path_of("/x"), 1000);
    EXPECT_TRUE(said) << said.error().message();
    return said ? std::string(as_text(*said)) : std::string();
  }

  /// The reader's failure is for good, and its process gone without a trace.
  static void expect_unreadable(VolumeReader& reader, Code code, const std::string& why) {
    EXPECT_THAT(reader.read_file(path_of("/x"), 1000), Fails(code, why));
    EXPECT_THAT(reader.state(), Fails(code, why));
    EXPECT_THAT(reader.layout(path_of("/x")), Fails(code, "the program that reads /dev/sdx1 "));
    EXPECT_THAT(reader.check_allocation(path_of("/x")), Fails(code, why));
    const auto error = reader.list({});
    ASSERT_FALSE(error);
    EXPECT_EQ(error.error().sys_errno, 0);  // it would mean that the device is not ready
    expect_gone(reader.process_id());
  }
  static void expect_gone(pid_t process) {
    EXPECT_EQ(::waitpid(process, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
  }

  test::TempFolder folder_;
  std::string path_ = folder_.file("volume");
  std::unique_ptr<FdSource> source_ = nullptr;

  void SetUp() override { source_ = source_of(path_); }
};

template <class T>
void expect_same(const Result<T>& one, const Result<T>& other) {
  ASSERT_EQ(one.has_value(), other.has_value());
  if (one) {
    EXPECT_EQ(*one, *other);
  } else {
    EXPECT_EQ(one.error().code, other.error().code);
    EXPECT_EQ(one.error().sys_errno, other.error().sys_errno);
    EXPECT_EQ(one.error().text, other.error().text);
  }
}

/// vhdboot-reader, which is built beside this test.
ReaderChild program_of_its_own() {
  const auto build = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path();
  return reader_program(build / "init/stage/vhdboot-reader");
}

void expect_same_answers(const FdSource& source, const ReaderChild& child) {
  const auto here = volume::open_volume(source);
  const auto opened = VolumeReader::open(source, "/dev/sdx1", {.child = child});
  ASSERT_TRUE(opened) << opened.error().message();
  VolumeReader& there = **opened;
  EXPECT_EQ(there.kind(), here->kind());
  EXPECT_EQ(there.label(), here->label());
  EXPECT_EQ(there.serial_text(), here->serial_text());
  EXPECT_EQ(there.cluster_size(), here->cluster_size());
  EXPECT_EQ(there.volume_size(), here->volume_size());
  expect_same(there.state(), here->state());
  for (const char* text : {"/", "/boot", "/BOOT/debian.vhd", "/boot/scattered.vhd", "/debian.conf", "/none",
                           "/boot/none", "/debian.conf/none"}) {
    SCOPED_TRACE(text);
    const Path path = path_of(text);
    expect_same(there.layout(path), here->layout(path));
    expect_same(there.spelling(path), here->spelling(path));
    expect_same(there.list(path), here->list(path));
    const auto allocation = here->check_allocation(path);
    EXPECT_EQ(there.check_allocation(path).has_value(), allocation.has_value());
    expect_same(there.read_file(path, 50'000), here->read_file(path, 50'000));
    expect_same(there.read_file(path, 1 << 20), here->read_file(path, 1 << 20));
  }
}

TEST_F(Reader, AnswersAsTheVolumeItself) {
  expect_same_answers(*source_, reader_here());
  expect_same_answers(*source_, program_of_its_own());
}

TEST_F(Reader, AnswersAsTheVolumeItselfOnNtfs) {
  if (!test::tool("mkntfs")) GTEST_SKIP() << "mkntfs (ntfs-3g) is not installed";
  test::make_ntfs(path_);
  {
    test::NtfsWriter writer(path_);
    writer.add_file("/boot/Debian.vhd", pattern(100'000));
    writer.add_scattered("/boot/scattered.vhd", pattern(50'000, 2));
    writer.add_file("/debian.conf", as_bytes("image debian.vhd\n"));
  }
  expect_same_answers(*source_of(path_), reader_here());
  expect_same_answers(*source_of(path_), program_of_its_own());
}

TEST_F(Reader, WithoutAFilterToo) {
  ReaderOptions options;
  options.limits.filter = false;
  const auto reader = open(options);
  ASSERT_TRUE(reader);
  expect_same(reader->list({}), volume::open_volume(*source_)->list({}));
}

// Whoever holds it may read its partition and its socket, and nothing else.
TEST_F(Reader, TheProgramHasGivenUpItsRights) {
  auto reader = open({.child = program_of_its_own()});
  ASSERT_TRUE(reader);
  const pid_t process = reader->process_id();
  const auto read = read_file(concat("/proc/", process, "/status"), 64 * kKiB);
  ASSERT_TRUE(read) << read.error().message();
  const std::string status(as_text(*read));
  if (can_filter()) EXPECT_THAT(status, HasSubstr("Seccomp:\t2"));
  EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
    if (::geteuid() == 0) EXPECT_THAT(status, HasSubstr(concat(set, ":\t0000000000000000"))) << set;
  if (::geteuid() == 0) {
    std::vector<std::string> descriptors;
    for (const auto& file : std::filesystem::directory_iterator(concat("/proc/", process, "/fd")))
      descriptors.push_back(file.path().filename());
    EXPECT_THAT(descriptors, testing::UnorderedElementsAre("3", "4"));
  }
  reader.reset();
  expect_gone(process);
}

TEST_F(Reader, AProgramThatIsNotThere) {
  EXPECT_THAT(VolumeReader::open(*source_, "/dev/sdx1", {.child = reader_program("/nonexistent/reader")}),
              Fails(Code::Io, "starting /nonexistent/reader: No such file or directory"));
}

TEST_F(Reader, AProgramThatIsNoReader) {
  EXPECT_THAT(VolumeReader::open(*source_, "/dev/sdx1", {.child = reader_program("/bin/true")}),
              Fails(Code::Corrupt, "ended too early (status 0)"));
}

TEST(ReaderTask, NeedsTheSizeOfTheVolume) {
  std::array<std::string_view, 6> words{"reader", "1048576", "1", "134217728", "60", "1"};
  const auto task = reader_task(words);
  ASSERT_TRUE(task);
  EXPECT_EQ(task->size, 1048576U);
  EXPECT_FALSE(reader_task(std::span(words).first(5)));
  words[1] = "x";
  EXPECT_FALSE(reader_task(words));
}

TEST_F(Reader, OtherPartitionsHaveNoVolume) {
  ASSERT_TRUE(write_file(path_, pattern(1 << 20)));
  EXPECT_THAT(VolumeReader::open(*source_of(path_), "/dev/sdx1", {.child = reader_here()}),
              Fails(Code::NotFound, "neither NTFS nor exFAT"));
}

TEST_F(Reader, ErrorsOfOpeningComeThrough) {
  auto image = test::SparseImage::load(path_);
  image.put(106, std::uint16_t{0xFFFF});
  for (const std::uint64_t sector : {0, 12}) image.put(sector * 512 + 108, std::uint8_t{77});
  image.save(path_);
  const auto source = source_of(path_);
  const auto here = HostVolume::open(*source);
  const auto there = VolumeReader::open(*source, "/dev/sdx1", {.child = reader_here()});
  ASSERT_FALSE(here);
  ASSERT_FALSE(there);
  EXPECT_EQ(there.error().text, here.error().text);
  EXPECT_EQ(there.error().code, here.error().code);
}

TEST_F(Reader, ADiskThatFailsIsAnIoError) {
  const auto reader = open({});
  ASSERT_TRUE(reader);
  ASSERT_EQ(::truncate(path_.c_str(), 512), 0);
  EXPECT_THAT(reader->list({}), Fails(Code::Io, "became shorter"));
  EXPECT_TRUE(reader->state());
}

TEST_F(Reader, EndsWithoutATrace) {
  auto reader = open({});
  ASSERT_TRUE(reader);
  const pid_t process = reader->process_id();
  EXPECT_EQ(::kill(process, 0), 0) << errno;
  reader.reset();
  expect_gone(process);
}

TEST_F(Reader, ThatWasKilledBetweenTwoRequests) {
  const auto reader = open({});
  ASSERT_TRUE(reader);
  EXPECT_TRUE(reader->state());
  ::kill(reader->process_id(), SIGKILL);
  expect_unreadable(*reader, Code::Corrupt, "was killed, perhaps for lack of memory (signal 9)");
}

// As process 1 does when a person leaves the rescue shell.
TEST_F(Reader, ThatSomebodyElseHasWaitedFor) {
  const auto reader = open({});
  ASSERT_TRUE(reader);
  ::kill(reader->process_id(), SIGKILL);
  ASSERT_EQ(::waitpid(reader->process_id(), nullptr, 0), reader->process_id());
  expect_unreadable(*reader, Code::Corrupt, "ended too early");
}

TEST_F(Reader, ThatIsKilledWhileItAnswers) {
  ReaderOptions options;
  options.limits.filter = false;
  const auto reader = open_puppet([](Held) { return ::raise(SIGKILL), std::string(); }, options);
  ASSERT_TRUE(reader);
  expect_unreadable(*reader, Code::Corrupt, "was killed, perhaps for lack of memory (signal 9)");
}

TEST_F(Reader, ThatCrashes) {
  const auto reader = open_puppet([](Held) -> std::string { __builtin_trap(); });
  ASSERT_TRUE(reader);
  expect_unreadable(*reader, Code::Corrupt, kSanitized ? "/dev/sdx1" : "crashed (signal 4)");
}

TEST_F(Reader, ThatThrows) {
  const auto reader = open_puppet([](Held) -> std::string { throw 1; });
  ASSERT_TRUE(reader);
  expect_unreadable(*reader, Code::Corrupt, "ended too early (status 1)");
}

std::string loop_for_ever() {
  for (volatile bool on = true; on;) continue;
  return {};
}

TEST_F(Reader, ThatNeverAnswers) {
  const auto reader = open_puppet([](Held) { return loop_for_ever(); }, {.answer_time = 2s});
  ASSERT_TRUE(reader);
  expect_unreadable(*reader, Code::Timeout, "did not answer within 2 seconds");
}

TEST_F(Reader, ThatNeverOpensTheVolume) {
  ReaderOptions options{.answer_time = 2s};
  options.child = reader_here([](const ByteSource&, const Fd&) { (void)loop_for_ever(); });
  EXPECT_THAT(VolumeReader::open(*source_, "/dev/sdx1", options), Fails(Code::Timeout, "did not answer within"));
}

TEST_F(Reader, ThatComputesTooLong) {
  const auto reader = open_puppet([](Held) { return loop_for_ever(); }, {.limits = {.cpu_seconds = 1}});
  ASSERT_TRUE(reader);
  expect_unreadable(*reader, Code::Corrupt, "computed for too long, and was stopped (signal 24)");
}

TEST_F(Reader, ThatAnswersByteForByteWithoutAnEnd) {
  const auto reader = open_puppet(
      [](Held held) -> std::string {
        for (const std::uint8_t byte : {0, 0, 4, 0})
          if (::write(held.socket, &byte, 1) != 1) return {};
        return loop_for_ever();
      },
      {.answer_time = 2s});
  ASSERT_TRUE(reader);
  EXPECT_THAT(reader->read_file(path_of("/x"), 1 << 20), Fails(Code::Timeout, "did not answer within"));
}

TEST_F(Reader, ThatClosesItsSocketAndStays) {
  ReaderOptions options;
  options.limits.filter = false;
  const auto reader = open_puppet(
      [](Held held) {
        ::shutdown(held.socket, SHUT_RDWR);
        return loop_for_ever();
      },
      options);
  ASSERT_TRUE(reader);
  expect_unreadable(*reader, Code::Corrupt, "ended too early");
}

TEST_F(Reader, ThatTakesAllMemory) {
  const auto reader = open_puppet(
      [](Held) -> std::string {
        std::vector<std::unique_ptr<std::array<char, 1 << 20>>> all;
        for (;;) all.push_back(std::make_unique<std::array<char, 1 << 20>>());
      },
      {.limits = {.memory = 32 * kMiB}});
  ASSERT_TRUE(reader);
  // A sanitizer does not throw.
  expect_unreadable(*reader, Code::Corrupt, kSanitized ? "/dev/sdx1" : "needs more memory than it may use");
}

TEST_F(Reader, AFileInAMillionPiecesFits) {
  ASSERT_EQ(::truncate(path_.c_str(), 8ll << 30), 0);
  source_ = source_of(path_);
  const auto reader = open_puppet([](Held) { return std::string(); });
  ASSERT_TRUE(reader);
  const auto layout = reader->layout(path_of("/x"));
  ASSERT_TRUE(layout) << layout.error().message();
  EXPECT_EQ(layout->extents.size(), volume::kMaxExtents);
  EXPECT_TRUE(reader->state());
}

struct Nonsense {
  const char* name;
  std::string bytes;
  const char* why;
};

std::string frame(std::string_view message, std::uint32_t size) {
  std::string out(4, '\0');
  for (int i = 0; i < 4; ++i) out[static_cast<std::size_t>(i)] = static_cast<char>(size >> (8 * i));
  return out.append(message);
}
std::string frame(const volume::Message& message) {
  return frame(as_text(message), static_cast<std::uint32_t>(message.size()));
}

std::vector<Nonsense> nonsense() {
  return {
      {"Nothing", "", "ended too early (status 0)"},
      {"HalfALength", std::string("\x10"), "ended too early (status 0)"},
      {"LessThanItSays", frame("abc", 4), "ended too early (status 0)"},
      {"NoMessage", frame("", 0), "cannot be true"},
      {"FourGigabytes", frame("abc", UINT32_MAX), "cannot be true (4294967295 bytes long)"},
      {"RandomBytes", frame("\x8F\x02\xC3\xE0\x11\x70\x05", 7), "cannot be true"},
      {"NoError", frame("\x01\x63xxx", 5), "cannot be true"},
      {"AnotherAnswer", frame(volume::encode(volume::VolumeState{})), "cannot be true"},
      {"ExtentsBeyond",
       frame(volume::encode(FileLayout{
           .size = 4096, .valid_size = 4096, .extents = {{.logical = 0, .physical = 1ull << 40, .length = 4096}}})),
       "past the end of the volume"},
      {"MoreExtentsThanThereAre",
       frame(volume::encode(FileLayout{.size = 4096})).append(24, 'x').replace(0, 4, "\x36\0\0\0", 4),
       "cannot be true"},
  };
}

/// Answers the first question with these bytes.
ReaderChild says(std::string bytes) {
  return reader_here([bytes = std::move(bytes)](const ByteSource& partition, const Fd& socket) {
    const volume::VolumeFacts facts{.kind = volume::Kind::Exfat,
                                    .label = "",
                                    .serial_text = "1234-ABCD",
                                    .cluster_size = 4096,
                                    .volume_size = partition.size()};
    (void)write_all(socket, as_bytes(frame(volume::encode(facts))));
    char byte = 0;
    if (::read(socket.get(), &byte, 1) == 1) (void)write_all(socket, as_bytes(bytes));
  });
}

TEST_F(Reader, ShowsAFolder) {
  const tree::FolderImage image{
      .root = "/wsl", .size = 4096, .copied = 5, .fingerprint = std::string(64, '0'), .counts = {}};
  std::string answers = frame(encode(tree::FolderGoesOn{.files = 3}));
  answers += frame(encode(tree::FolderSaid{.path = "etc/x", .text = "it is left out"}));
  answers += frame(encode(tree::FolderBytes{.offset = 1024, .bytes = as_bytes("bytes")}));
  std::vector<std::string> seen;
  const tree::FolderImageTo to{
      .write = [&](std::uint64_t offset, Bytes bytes) -> Result<void> {
        seen.push_back(concat(offset, ' ', as_text(bytes)));
        return {};
      },
      .say = [&](std::string_view path, std::string_view text) { seen.push_back(concat(path, ": ", text)); },
      .go_on = [&](std::uint64_t files) -> Result<void> {
        seen.push_back(concat(files));
        return {};
      }};
  const auto ask = [&](const std::string& bytes) {
    seen.clear();
    return open({.child = says(bytes)})->show_folder(path_of("/wsl"), 100, to);
  };
  EXPECT_EQ(*ask(answers + frame(encode(image))), image);
  EXPECT_THAT(seen, testing::ElementsAre("3", "etc/x: it is left out", "3", "1024 bytes", "3"));
  // Who only ever talks is stopped all the same.
  auto enough = to;
  enough.go_on = [](std::uint64_t) { return fail(Code::Timeout, "enough"); };
  EXPECT_THAT(open({.child = says(frame(encode(tree::FolderSaid{.path = "a", .text = "b"})))})
                  ->show_folder(path_of("/wsl"), 100, enough),
              Fails(Code::Timeout, "enough"));
  EXPECT_THAT(ask(answers + frame(volume::encode(Error{Code::Unsupported, 0, "it is none"}))),
              Fails(Code::Unsupported, "it is none"));
  EXPECT_THAT(ask(answers), Fails(Code::Corrupt, "ended too early"));
  EXPECT_THAT(ask(answers + frame("\x07", 1)), Fails(Code::Corrupt, "cannot be true"));
  // What the answers are for may fail.
  auto full = to;
  full.write = [](std::uint64_t, Bytes) { return fail(Code::NoMemory, "no more"); };
  EXPECT_THAT(open({.child = says(answers)})->show_folder(path_of("/wsl"), 100, full),
              Fails(Code::NoMemory, "no more"));
  // A volume that has none.
  EXPECT_THAT(open({})->show_folder(path_of("/boot"), 100, to), Fails(Code::Unsupported, "no folder of WSL"));
}

class ReaderSays : public Reader, public testing::WithParamInterface<Nonsense> {};

TEST_P(ReaderSays, AtTheStart) {
  ReaderOptions options;
  options.child =
      reader_here([](const ByteSource&, const Fd& socket) { (void)write_all(socket, as_bytes(GetParam().bytes)); });
  const auto reader = VolumeReader::open(*source_, "/dev/sdx1", options);
  EXPECT_THAT(reader, Fails(Code::Corrupt, "the program that reads /dev/sdx1 "));
}

TEST_P(ReaderSays, ToAQuestion) {
  const auto reader = open({.child = says(GetParam().bytes)});
  ASSERT_TRUE(reader);
  EXPECT_THAT(reader->layout(path_of("/x")), Fails(Code::Corrupt, GetParam().why));
  expect_unreadable(*reader, Code::Corrupt, GetParam().why);
}

INSTANTIATE_TEST_SUITE_P(Reader, ReaderSays, testing::ValuesIn(nonsense()),
                         [](const auto& info) { return std::string(info.param.name); });

struct Crime {
  const char* name;
  std::string (*deed)(Held);
};

std::string say(long result) {
  return concat(result);
}

const Crime kCrimes[] = {
    {"OpensAFile", [](Held) { return say(::open("/etc/passwd", O_RDONLY)); }},
    {"OpensADescriptorAnew",
     [](Held held) { return say(::open(concat("/proc/self/fd/", held.partition).c_str(), O_RDWR)); }},
    {"WritesToTheDisk", [](Held held) { return say(::write(held.partition, "x", 1)); }},
    {"WritesIntoTheDisk", [](Held held) { return say(::pwrite(held.partition, "x", 1, 0)); }},
    {"ReadsAnotherDescriptor",
     [](Held) {
       char c;
       return say(::pread(0, &c, 1, 0));
     }},
    {"WritesToTheTerminal", [](Held) { return say(::write(2, "x", 1)); }},
    {"TellsTheDiskSomething", [](Held held) { return say(::ioctl(held.partition, 0x1260, 0)); }},  // BLKDISCARD's group
    {"OpensASocket", [](Held) { return say(::socket(AF_UNIX, SOCK_STREAM, 0)); }},
    {"PassesADescriptor",
     [](Held held) {
       msghdr message{};
       return say(::sendmsg(held.socket, &message, 0));
     }},
    {"Forks", [](Held) { return say(::fork()); }},
    {"Executes",
     [](Held) {
       char* const none[] = {nullptr};
       return say(::execve("/bin/true", none, none));
     }},
    {"Kills", [](Held) { return say(::kill(::getppid(), 0)); }},
    {"LooksIntoOthers", [](Held) { return say(::ptrace(PTRACE_ATTACH, 1, nullptr, nullptr)); }},
    {"MakesCode",
     [](Held) {
       void* code = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       return say(code != MAP_FAILED);
     }},
    {"MakesDataCode",
     [](Held) {
       void* data = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       return say(::mprotect(data, 4096, PROT_READ | PROT_EXEC));
     }},
    {"TakesAnotherLimit",
     [](Held) {
       const rlimit none{.rlim_cur = 1, .rlim_max = 1};
       return say(::setrlimit(RLIMIT_CPU, &none));
     }},
    {"CallsAsX32", [](Held) { return say(::syscall(0x40000000 | SYS_exit_group, 0)); }},
};

class ReaderDoes : public Reader, public testing::WithParamInterface<Crime> {};

TEST_P(ReaderDoes, WhatItMustNot) {
  if (!can_filter()) GTEST_SKIP() << "this kernel has no seccomp filters";
  const auto reader = open_puppet(GetParam().deed);
  ASSERT_TRUE(reader);
  expect_unreadable(*reader, Code::Corrupt, "tried what it must not do, and was stopped (signal 31)");
}

INSTANTIATE_TEST_SUITE_P(Reader, ReaderDoes, testing::ValuesIn(kCrimes),
                         [](const auto& info) { return std::string(info.param.name); });

// A kernel without these calls makes a segmentation fault of them.
TEST_F(Reader, MakesNoCallsOf32Bit) {
  if (!can_filter()) GTEST_SKIP() << "this kernel has no seccomp filters";
  const auto reader = open_puppet([](Held) {
    long number = 20;  // getpid
    asm volatile("int $0x80" : "+a"(number) : : "memory", "r8", "r9", "r10", "r11");
    return say(number);
  });
  ASSERT_TRUE(reader);
  expect_unreadable(*reader, Code::Corrupt, "/dev/sdx1");
}

// What holds without a filter.

TEST_F(Reader, HoldsTheDiskAndASocketOnly) {
  const Fd secret(::open("/dev/null", O_RDWR));
  ASSERT_TRUE(secret);
  EXPECT_EQ(asked([](Held held) {
              std::string open;
              for (int fd = 0; fd < 4096; ++fd)
                if (::fcntl(fd, F_GETFD) >= 0)
                  open += fd == held.partition ? "disk " : fd == held.socket ? "socket " : concat(fd, ' ');
              return open;
            }),
            source_->fd().get() < secret.get() ? "disk socket " : "socket disk ");
}

std::string result_and_errno(long result) {
  return concat(result, ' ', errno);
}

TEST_F(Reader, HoldsTheDiskForReadingOnly) {
  EXPECT_EQ(asked([](Held held) { return result_and_errno(::write(held.partition, "x", 1)); }), concat("-1 ", EBADF));
}

TEST_F(Reader, CanOpenNothing) {
  const std::string refused = concat("-1 ", EMFILE);
  EXPECT_EQ(asked([](Held) { return result_and_errno(::open("/dev/null", O_RDONLY)); }), refused);
  EXPECT_EQ(asked([](Held) { return result_and_errno(::socket(AF_UNIX, SOCK_STREAM, 0)); }), refused);
  EXPECT_EQ(asked([](Held held) { return result_and_errno(::dup(held.partition)); }), refused);
}

TEST_F(Reader, HasNoRights) {
  const bool root = ::geteuid() == 0;
  EXPECT_EQ(asked([](Held) {
              __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
              __user_cap_data_struct data[2]{};
              ::syscall(SYS_capget, &header, data);
              return concat(data[0].effective | data[0].permitted | data[0].inheritable | data[1].effective |
                                data[1].permitted | data[1].inheritable,
                            ' ', ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), ' ', ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
            }),
            "0 1 0");
  if (root) {
    EXPECT_EQ(asked([](Held) {
                const unsigned own = ::getuid() - static_cast<unsigned>(::getpid());
                return concat(own, ' ', ::getuid() == ::geteuid() && ::getuid() == ::getegid());
              }),
              concat(0x7000'0000, " 1"))
        << "none is the same as another reader's";
    EXPECT_EQ(asked([](Held) { return concat(::setuid(0), ' ', ::getgroups(0, nullptr)); }), "-1 0");
  }
}

// What it would do then, it does no longer.
TEST_F(Reader, EndsWithItsParent) {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) GTEST_SKIP() << "no subreaper";
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd in(ends[0]);
  Fd out(ends[1]);
  const pid_t parent = ::fork();
  if (parent == 0) {
    auto reader = open_puppet([](Held) { return loop_for_ever(); });
    const pid_t process = reader ? reader->process_id() : -1;
    (void)!::write(out.get(), &process, sizeof process);
    ::raise(SIGKILL);
  }
  out = Fd();
  pid_t reader = -1;
  ASSERT_EQ(::read(in.get(), &reader, sizeof reader), static_cast<ssize_t>(sizeof reader));
  ASSERT_EQ(::waitpid(parent, nullptr, 0), parent);
  int status = 0;
  ASSERT_EQ(::waitpid(reader, &status, 0), reader);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

TEST_F(Reader, OpensAVolumeByItsPath) {
  const auto opened = open_volume(path_, reader_here());
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_EQ(opened->source->size(), source_->size());
  EXPECT_TRUE(opened->reader->layout(path_of("/boot/debian.vhd")));
  EXPECT_THAT(open_volume(path_ + "x", reader_here()), Fails(Code::NotFound, "opening"));
}

}  // namespace
}  // namespace vhdboot::sys
