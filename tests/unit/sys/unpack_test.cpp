// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/unpack.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/text.h"
#include "init/modules/codecs.h"
#include "init/modules/unpack_wire.h"
#include "init/sys/file.h"
#include "init/sys/unpack_process.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/base/oracle.h"
#include "tests/unit/modules/sample.h"

namespace vhdboot::sys {
namespace {

using namespace std::chrono_literals;
using modules::Compression;
using modules::Decompressor;
using test::Fails;
using test::sample;
using testing::HasSubstr;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

/// vhdboot-unpack, which is built beside this test.
UnpackChild program_of_its_own() {
  const auto build = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path();
  return unpack_program(build / "init/stage/vhdboot-unpack");
}

std::unique_ptr<Decompressor> decompressor_in(UnpackChild child, UnpackOptions options = {},
                                              Compression compression = Compression::Zstd) {
  return decompressors_in(std::move(child), options)(compression);
}

/// One whose child does `work`.
std::unique_ptr<Decompressor> puppet(std::function<void(const Fd& socket)> work, UnpackOptions options = {}) {
  return decompressor_in(unpack_here([work = std::move(work)](Compression, const Fd& socket) { work(socket); }),
                         options);
}

const std::vector<std::byte> kInput(1000, std::byte{'x'});

Result<Decompressor::Step> ask(Decompressor& decompressor) {
  std::vector<std::byte> room(2000);
  return decompressor.step(kInput, room);
}

/// The failure is for good, and the child, the last process that was made, is gone. Those that other tests have left
/// may end now.
void expect_failure(Decompressor& decompressor, Code code, const std::string& why) {
  const auto children = [] {
    std::ifstream file("/proc/thread-self/children");
    return std::vector<pid_t>(std::istream_iterator<pid_t>(file), {});
  };
  const auto before = children();
  EXPECT_THAT(ask(decompressor), Fails(code, "the program that decompresses zstd data "));
  EXPECT_THAT(ask(decompressor), Fails(code, why));
  const auto after = children();
  ASSERT_FALSE(before.empty());
  EXPECT_THAT(after, testing::Not(testing::Contains(before.back())));
}

// ---- As in this process ----

struct Unpacked {
  std::vector<std::byte> bytes;
  std::size_t taken = 0;
};

Result<Unpacked> unpack(Decompressor& decompressor, Bytes in) {
  Unpacked unpacked;
  std::vector<std::byte> room(300'000);
  for (;;) {
    const auto step = TRY(decompressor.step(in.subspan(unpacked.taken), room));
    unpacked.taken += step.taken;
    unpacked.bytes.insert(unpacked.bytes.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(step.given));
    if (step.complete) return unpacked;
    if (step.taken == 0 && step.given == 0) return fail(Code::Corrupt, "it ends early");
  }
}

class Unpack : public testing::TestWithParam<const char*> {
 protected:
  static std::vector<std::byte> packed(Bytes bytes) {
    const test::ScratchFolder folder;
    const auto file = folder.write("data", bytes);
    const auto out = folder.path() / "out";
    EXPECT_TRUE(test::output_of(concat(GetParam(), " <", file.string(), " >", out.string())));
    return read_file(out, 1 << 24).value();
  }
};

TEST_P(Unpack, AsInThisProcess) {
  const std::string tool(GetParam(), std::string_view(GetParam()).find(' '));
  if (!test::have(tool)) GTEST_SKIP() << tool << " is missing";
  const auto data = sample(1'000'000);
  auto bytes = packed(data);
  const std::size_t size = bytes.size();
  bytes.insert(bytes.end(), 100'000, std::byte{0});
  const auto compression = modules::detect_compression(bytes);
  for (const UnpackChild& child : {unpack_here(), program_of_its_own()}) {
    const auto unpacked = unpack(*decompressor_in(child, {}, compression), bytes);
    ASSERT_TRUE(unpacked) << unpacked.error().message();
    EXPECT_TRUE(unpacked->bytes == data);
    EXPECT_EQ(unpacked->taken, size) << "what follows is not part of it";
    const auto whole = modules::decompress(Bytes(bytes).first(size), data.size(), decompressors_in(child));
    ASSERT_TRUE(whole) << whole.error().message();
    EXPECT_TRUE(*whole == data);
    EXPECT_THAT(modules::decompress(Bytes(bytes).first(size - 1), data.size(), decompressors_in(child)),
                Fails(Code::Corrupt, "it ends early"));
    if (tool == "lz4") continue;  // without checksums
    bytes[size / 2] ^= std::byte{0x55};
    const auto here = unpack(*modules::make_decompressor(compression), bytes);
    EXPECT_THAT(unpack(*decompressor_in(child, {}, compression), bytes), Fails(here.error().code, here.error().text));
    bytes[size / 2] ^= std::byte{0x55};
  }
}

INSTANTIATE_TEST_SUITE_P(Tools, Unpack,
                         testing::Values("gzip -9n", "xz -c --check=crc32", "zstd -q -c --check", "bzip2 -c",
                                         "lz4 -q -l -c"),
                         [](const auto& info) {
                           const std::string_view command = info.param;
                           return std::string(command.substr(0, command.find(' ')));
                         });

TEST(UnpackProgram, HasGivenUpItsRights) {
  const auto decompressor = decompressor_in(program_of_its_own());
  std::vector<std::byte> room(10);
  ASSERT_TRUE(decompressor->step({}, room)) << "now it works";
  pid_t process = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto number = parse_u64(entry.path().filename().string());
    if (number && read_attribute(concat(entry.path().string(), "/comm")) == "vhdboot-unpack" &&
        read_attribute(concat(entry.path().string(), "/stat")).contains(concat(" ", ::getpid(), " ")))
      process = static_cast<pid_t>(*number);
  }
  ASSERT_NE(process, 0);
  const auto read = read_file(concat("/proc/", process, "/status"), 64 * kKiB);
  ASSERT_TRUE(read) << read.error().message();
  const std::string status(as_text(*read));
  if (can_filter()) EXPECT_THAT(status, HasSubstr("Seccomp:\t2"));
  EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
  if (::geteuid() != 0) return;
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
    EXPECT_THAT(status, HasSubstr(concat(set, ":\t0000000000000000"))) << set;
  std::vector<std::string> descriptors;
  for (const auto& file : std::filesystem::directory_iterator(concat("/proc/", process, "/fd")))
    descriptors.push_back(file.path().filename());
  EXPECT_THAT(descriptors, testing::ElementsAre("4"));
}

TEST(UnpackProgram, IsNotThere) {
  expect_failure(*decompressor_in(unpack_program("/nonexistent/unpack")), Code::Io, "could not be executed");
}

TEST(UnpackProgram, IsAnotherOne) {
  expect_failure(*decompressor_in(unpack_program("/bin/true")), Code::Io, "ended too early (status 0)");
}

TEST(UnpackTask, NeedsACompression) {
  std::array<std::string_view, 6> words{"unpack", "xz", "1", "134217728", "60", "1"};
  const auto task = unpack_task(words);
  ASSERT_TRUE(task);
  EXPECT_EQ(task->compression, Compression::Xz);
  EXPECT_EQ(task->device, -1);
  EXPECT_FALSE(unpack_task(std::span(words).first(5)));
  words[1] = "none";
  EXPECT_FALSE(unpack_task(words));
}

// ---- A child that was taken over ----

TEST(UnpackChild, ThatCrashes) {
  expect_failure(*puppet([](const Fd&) { __builtin_trap(); }), Code::Io, kSanitized ? "zstd" : "crashed (signal 4)");
}

TEST(UnpackChild, ThatThrows) {
  expect_failure(*puppet([](const Fd&) { throw 1; }), Code::Io, "ended too early (status 1)");
}

TEST(UnpackChild, ThatIsKilled) {
  UnpackOptions options;
  options.limits.filter = false;
  expect_failure(*puppet([](const Fd&) { ::raise(SIGKILL); }, options), Code::NoMemory,
                 "was killed, perhaps for lack of memory (signal 9)");
}

TEST(UnpackChild, ThatTakesAllMemory) {
  UnpackOptions options;
  options.limits.memory = 32 * kMiB;
  const auto decompressor = puppet(
      [](const Fd&) {
        std::vector<std::unique_ptr<std::array<char, 1 << 20>>> all;
        for (;;) all.push_back(std::make_unique<std::array<char, 1 << 20>>());
      },
      options);
  // A sanitizer does not throw.
  if (!kSanitized) expect_failure(*decompressor, Code::NoMemory, "needs more memory than it may use");
  if (kSanitized) EXPECT_THAT(ask(*decompressor), Fails(Code::Io, "the program that decompresses zstd data "));
}

void loop_for_ever() {
  for (volatile bool on = true; on;) continue;
}

TEST(UnpackChild, ThatNeverAnswers) {
  expect_failure(*puppet([](const Fd&) { loop_for_ever(); }, {.answer_time = 500ms}), Code::Timeout,
                 "did not answer in time");
}

TEST(UnpackChild, ThatComputesTooLong) {
  UnpackOptions options;
  options.limits.cpu_seconds = 1;
  expect_failure(*puppet([](const Fd&) { loop_for_ever(); }, options), Code::Io,
                 "computed for too long, and was stopped (signal 24)");
}

/// Gives a little, each time in time.
class Trickle final : public Decompressor {
 public:
  Result<Step> step(Bytes, MutableBytes) override { return Step{.taken = 1, .given = 1}; }
};

TEST(UnpackChild, ThatNeverComesToAnEnd) {
  const auto decompressor = puppet(
      [](const Fd& socket) {
        Trickle trickle;
        serve(trickle, socket);
      },
      {.stream_time = 300ms});
  Result<Decompressor::Step> step;
  while ((step = ask(*decompressor))) continue;
  EXPECT_THAT(step, Fails(Code::Timeout, "did not answer in time"));
}

TEST(UnpackChild, ThatDoesWhatItMustNot) {
  if (!can_filter()) GTEST_SKIP() << "this kernel has no seccomp filters";
  for (void (*crime)() : {+[] { ::open("/etc/passwd", O_RDONLY); }, +[] { (void)::socket(AF_UNIX, SOCK_STREAM, 0); },
                          +[] { ::kill(::getppid(), 0); }, +[] { (void)!::write(2, "x", 1); }, +[] { ::fork(); }})
    expect_failure(*puppet([crime](const Fd&) { crime(); }), Code::Io, "tried what it must not do");
}

// Without a filter, too.
TEST(UnpackChild, CanOpenNothing) {
  UnpackOptions options;
  options.limits.filter = false;
  const auto decompressor = puppet(
      [](const Fd& socket) {
        if (::open("/dev/null", O_RDONLY) >= 0) return;
        for (int fd = 0; fd < 4096; ++fd)
          if (fd != socket.get() && ::fcntl(fd, F_GETFD) >= 0) return;
        Trickle trickle;
        serve(trickle, socket);
      },
      options);
  EXPECT_TRUE(ask(*decompressor));
}

struct Nonsense {
  const char* name;
  std::string bytes;
  const char* why;
};

const Nonsense kNonsense[] = {
    {"Nothing", "", "ended too early (status 0)"},
    {"HalfAHead", std::string(5, '\0'), "ended too early (status 0)"},
    {"RandomBytes", "\x8F\x02\xC3\xE0\x11\x70\x05\x8F\x02\xC3", "cannot be true (no answer)"},
    {"MoreTaken", std::string("\0\0\xE9\x03\0\0\0\0\0\0", 10), "cannot be true (more taken than there was)"},
    {"MoreGiven", std::string("\0\0\0\0\0\0\xD1\x07\0\0", 10), "cannot be true (more given than there is room for)"},
    {"LessThanItSays", std::string("\0\0\0\0\0\0\x10\0\0\0xxx", 13), "ended too early (status 0)"},
    {"HalfAnError", std::string("\2\1\0\0\0\0\x10\0\0\0xxx", 13), "ended too early (status 0)"},
};

class UnpackSays : public testing::TestWithParam<Nonsense> {};

TEST_P(UnpackSays, Nonsense) {
  const auto decompressor = puppet([](const Fd& socket) {
    std::vector<std::byte> request(sizeof(modules::RequestHead) + kInput.size());
    if (read_whole(socket, request)) (void)write_all(socket, as_bytes(GetParam().bytes));
  });
  expect_failure(*decompressor, Code::Io, GetParam().why);
}

INSTANTIATE_TEST_SUITE_P(Unpack, UnpackSays, testing::ValuesIn(kNonsense),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(UnpackChild, WhoseErrorIsForATerminal) {
  const auto decompressor = puppet([](const Fd& socket) {
    std::vector<std::byte> request(sizeof(modules::RequestHead) + kInput.size());
    if (read_whole(socket, request))
      (void)write_all(socket, as_bytes(std::string("\2\2\0\0\0\0\3\0\0\0a\x1B"
                                                   "b",
                                                   13)));
  });
  EXPECT_THAT(ask(*decompressor), Fails(Code::Unsupported, "a?b"));
}

}  // namespace
}  // namespace vhdboot::sys
