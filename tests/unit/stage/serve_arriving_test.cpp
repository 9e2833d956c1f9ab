// SPDX-License-Identifier: GPL-2.0-or-later
// The server of an image that arrives, between a kernel and a web server of the test's own, over a disk that loses its
// power at any moment.
#include "init/stage/serve_arriving.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "base/units.h"
#include "init/arrive/tree_builder.h"
#include "init/stage/grow.h"
#include "init/sys/file.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;
using arrive::Blocks;
using arrive::kBlock;
using Contents = std::vector<std::byte>;

constexpr std::uint64_t kBlocks = 700;
constexpr std::uint64_t kDamaged = 31;

// Two files on one disk, whose cache is written in no order until it is flushed.
class Disk {
 public:
  Disk(Contents image, Contents map) : files_{std::move(image), std::move(map)}, stable_(files_) {}

  void read(std::size_t file, std::uint64_t offset, MutableBytes out) const {
    const std::scoped_lock lock(mutex_);
    std::copy_n(files_[file].begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
  }
  void write(std::size_t file, std::uint64_t offset, Bytes data) {
    const std::scoped_lock lock(mutex_);
    put(files_[file], offset, data);
    cached_.push_back({file, offset, Contents(data.begin(), data.end())});
  }
  void flush() {
    const std::scoped_lock lock(mutex_);
    stable_ = files_;
    cached_.clear();
  }
  // What is on the disk when its power fails now: some sectors of what is in its cache, too.
  [[nodiscard]] std::array<Contents, 2> cut(std::mt19937& chance) const {
    const std::scoped_lock lock(mutex_);
    auto left = stable_;
    for (const auto& [file, offset, data] : cached_)
      for (std::size_t at = 0; at < data.size(); at += kSectorSize)
        if (chance() % 2 == 0)
          put(left[file], offset + at, Bytes(data).subspan(at, std::min<std::size_t>(kSectorSize, data.size() - at)));
    return left;
  }

 private:
  struct Cached {
    std::size_t file;
    std::uint64_t offset;
    Contents data;
  };
  static void put(Contents& contents, std::uint64_t offset, Bytes data) {
    EXPECT_LE(offset + data.size(), contents.size());
    std::ranges::copy(data, contents.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  mutable std::mutex mutex_;
  std::array<Contents, 2> files_;
  std::array<Contents, 2> stable_;
  std::vector<Cached> cached_;
};

class DiskFile final : public vhd::ByteFile {
 public:
  DiskFile(Disk& disk, std::size_t file, std::uint64_t size) : disk_(disk), file_(file), size_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    disk_.read(file_, offset, out);
    return {};
  }
  [[nodiscard]] Result<void> write(std::uint64_t offset, Bytes data) override {
    disk_.write(file_, offset, data);
    disk_.flush();
    return {};
  }
  [[nodiscard]] Result<void> write_unflushed(std::uint64_t offset, Bytes data) override {
    disk_.write(file_, offset, data);
    return {};
  }
  [[nodiscard]] Result<void> flush() override {
    disk_.flush();
    return {};
  }
  [[nodiscard]] Result<void> resize(std::uint64_t) override { return fail(Code::Unsupported, "never"); }

 private:
  Disk& disk_;
  std::size_t file_;
  std::uint64_t size_;
};

// An image, a third of it zeros, with its tree.
struct Source {
  Contents data = Contents(kBlocks * kBlock);
  Contents tree;
  arrive::MapHeader header{.data_blocks = kBlocks};

  Source() {
    std::mt19937 chance(5);
    for (std::uint64_t block = 0; block < kBlocks; ++block)
      if (block % 3 != 0)
        std::ranges::generate(MutableBytes(data).subspan(block * kBlock, kBlock),
                              [&] { return static_cast<std::byte>(chance()); });
    header.salt.fill(std::byte{7});
    header.tail.fill(std::byte{9});
    const auto layout = arrive::TreeLayout::of(kBlocks).value();
    tree.resize(layout.blocks() * kBlock);
    arrive::TreeBuilder builder(layout, header.salt, [&](std::uint64_t block, Bytes bytes) -> Result<void> {
      std::ranges::copy(bytes, tree.begin() + static_cast<std::ptrdiff_t>(block * kBlock));
      return {};
    });
    for (std::uint64_t block = 0; block < kBlocks; ++block)
      EXPECT_TRUE(builder.add(Bytes(data).subspan(block * kBlock, kBlock)));
    header.root = builder.finish().value();
  }
  [[nodiscard]] Bytes block(std::uint64_t number) const { return Bytes(data).subspan(number * kBlock, kBlock); }
};

const Source& source() {
  static const Source one;
  return one;
}

Contents new_map() {
  auto map = arrive::serialise(source().header, {});
  map.resize(arrive::MapLayout(kBlocks).size());
  return map;
}

// A server that runs; the test is the kernel and what asks the web server.
class Served {
 public:
  explicit Served(Disk& disk, bool answers = true)
      : image_(disk, 0, source().header.size()),
        map_(disk, 1, arrive::MapLayout(kBlocks).size()),
        tree_(source().tree),
        shared_(SharedMap::read(map_, source().header).value()),
        done_(::eventfd(0, EFD_NONBLOCK)) {
    ::signal(SIGPIPE, SIG_IGN);  // as the program does
    auto sockets = sys::NbdSockets::make().value();
    auto others = sys::NbdSockets::make().value();
    kernel_ = std::move(sockets.kernel);
    bringer_ = std::move(others.kernel);
    server_ = std::thread([this, server = sockets.server.release(), bringer = others.server.release()] {
      const sys::Reporter report(said_);
      const auto done =
          ArrivalServer(sys::NbdServer(Fd(server)), Fd(bringer), {.image = image_, .map = map_, .tree = tree_},
                        source().header, shared_, "http://10.0.2.2/a.vhd", done_, report,
                        {.until_rest = 0ms, .quiet = 0ms, .again = 1ms, .save = 20ms, .complain = 10ms})
              .run();
      EXPECT_TRUE(done) << done.error().message();
    });
    if (answers) bring();
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;
  ~Served() { end(); }

  // From now on what is asked for comes.
  void bring() {
    web_ = std::thread([this] {
      std::array<std::byte, kBringRequest> request{};
      while (::recv(bringer_.get(), request.data(), request.size(), MSG_WAITALL) == kBringRequest)
        answer(*load_le<std::uint64_t>(request, 0), *load_le<std::uint64_t>(request, 8));
    });
  }
  // The kernel goes.
  void end() {
    if (!server_.joinable()) return;
    kernel_ = Fd();
    server_.join();
    ::shutdown(bringer_.get(), SHUT_RDWR);
    if (web_.joinable()) web_.join();
  }

  void ask(std::uint32_t command, std::uint64_t offset, std::uint32_t length, Bytes data = {}) {
    std::vector<std::byte> bytes(28);
    EXPECT_TRUE(store_be(bytes, 0, std::uint32_t{0x25609513}) && store_be(bytes, 4, command) &&
                store_be(bytes, 8, offset) && store_be(bytes, 16, offset + kPad) && store_be(bytes, 24, length));
    EXPECT_TRUE(sys::write_all(kernel_, bytes) && sys::write_all(kernel_, data));
  }
  Contents answered(std::size_t length) {
    std::array<std::byte, 16> reply{};
    Contents data(length);
    EXPECT_EQ(::recv(kernel_.get(), reply.data(), reply.size(), MSG_WAITALL), 16);
    EXPECT_EQ(load_be<std::uint32_t>(reply, 4), 0U);
    if (length != 0) EXPECT_EQ(::recv(kernel_.get(), data.data(), length, MSG_WAITALL), static_cast<ssize_t>(length));
    return data;
  }
  // Whose answers they are does not matter.
  std::size_t drop(std::size_t length) {
    Contents data(length);
    const ssize_t got = ::recv(kernel_.get(), data.data(), length, MSG_WAITALL);
    return static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  }
  std::uint32_t refusal() {
    std::array<std::byte, 16> reply{};
    EXPECT_EQ(::recv(kernel_.get(), reply.data(), reply.size(), MSG_WAITALL), 16);
    return load_be<std::uint32_t>(reply, 4).value_or(0);
  }
  Contents read(std::uint64_t offset, std::size_t length) {
    ask(0, offset, static_cast<std::uint32_t>(length));
    return answered(length);
  }
  void write(std::uint64_t offset, Bytes data) {
    ask(1, offset, static_cast<std::uint32_t>(data.size()), data);
    (void)answered(0);
  }
  void flush() {
    ask(3, 0, 0);
    (void)answered(0);
  }
  [[nodiscard]] bool answers_within(std::chrono::milliseconds time) const {
    pollfd wait{.fd = kernel_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&wait, 1, static_cast<int>(time.count())) > 0;
  }
  void wait_until_done() const {
    pollfd wait{.fd = done_.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&wait, 1, 60'000), 1);
  }

  std::atomic<bool> damaged = false;             // the file on the server
  std::atomic<bool> broken = false;              // the network
  std::atomic<std::uint64_t> most = UINT64_MAX;  // bytes of an answer
  std::atomic<std::uint64_t> moved = 0;
  std::vector<std::string> said_;

 private:
  void answer(std::uint64_t offset, std::uint64_t asked) {
    const std::uint64_t length = std::min(asked, most.load());
    std::array<std::byte, kBringAnswer> head{};
    const std::string reason = "no cable";
    Contents data(source().data.begin() + static_cast<std::ptrdiff_t>(offset),
                  source().data.begin() + static_cast<std::ptrdiff_t>(offset + length));
    const std::uint64_t place = kDamaged * kBlock + 5;
    if (damaged && offset <= place && place < offset + length) data[place - offset] ^= std::byte{1};
    if (broken) data.assign(as_bytes(reason).begin(), as_bytes(reason).end());
    EXPECT_TRUE(store_le(head, 0, std::uint32_t{broken ? 1U : 0U}) &&
                store_le(head, 4, static_cast<std::uint32_t>(data.size())));
    moved += broken ? 0 : length;
    (void)(sys::write_all(bringer_, head) && sys::write_all(bringer_, data));  // it may be over
  }

  DiskFile image_;
  DiskFile map_;
  MemorySource tree_;
  SharedMap shared_;
  Fd done_;
  Fd kernel_;
  Fd bringer_;
  std::thread server_;
  std::thread web_;
};

Contents block_of(unsigned number) {
  Contents data(kBlock);
  for (std::size_t at = 0; at < data.size(); at += sizeof number) (void)store_le(data, at, number);
  return data;
}

bool same(Bytes one, Bytes other) {
  return std::ranges::equal(one, other);
}

TEST(ServeArriving, AllOfItComes) {
  Disk disk(Contents(source().header.size()), new_map());
  Served served(disk);
  EXPECT_TRUE(
      same(served.read(400 * kBlock + 512, 3 * kBlock), Bytes(source().data).subspan(400 * kBlock + 512, 3 * kBlock)));
  served.wait_until_done();
  EXPECT_TRUE(same(served.read(0, 256 * kBlock), Bytes(source().data).first(256 * kBlock)));
  served.end();
  Contents image(source().header.size());
  disk.read(0, 0, image);
  EXPECT_TRUE(same(Bytes(image).first(source().data.size()), source().data));
  EXPECT_TRUE(same(Bytes(image).last(512), source().header.tail));
  EXPECT_LE(served.moved, source().data.size() + 64 * kBlock);
  Contents map(arrive::MapLayout(kBlocks).size());
  disk.read(1, 0, map);
  const auto record = arrive::parse_record(Bytes(map).subspan(2 * kBlock), kBlocks);
  ASSERT_FALSE(record.empty());
  EXPECT_EQ(record.front(), (Blocks{400, 4}));
}

TEST(ServeArriving, WhatIsRightDoesNotComeAgain) {
  Contents image = source().data;
  image.resize(source().header.size());
  image[5 * kBlock] ^= std::byte{1};
  Disk disk(std::move(image), new_map());
  Served served(disk);
  served.wait_until_done();
  EXPECT_EQ(served.moved, kBlock);
}

TEST(ServeArriving, WhatTheGuestWroteNeverComes) {
  Disk disk(Contents(source().header.size()), new_map());
  Served served(disk, false);
  const auto own = block_of(1);
  served.write(100 * kBlock, own);  // while its block is asked for
  served.flush();
  EXPECT_TRUE(same(served.read(100 * kBlock, kBlock), own));
  // A part of a block waits for the rest of it, and nobody else does meanwhile.
  served.ask(1, 200 * kBlock + 512, 512, Bytes(own).first(512));
  EXPECT_FALSE(served.answers_within(50ms));
  EXPECT_TRUE(same(served.read(100 * kBlock, kBlock), own));
  served.bring();
  (void)served.answered(0);
  served.wait_until_done();
  Contents expected(source().block(200).begin(), source().block(200).end());
  std::copy_n(own.begin(), 512, expected.begin() + 512);
  EXPECT_TRUE(same(served.read(200 * kBlock, kBlock), expected));
  EXPECT_TRUE(same(served.read(100 * kBlock, kBlock), own));
}

// Of what is written some blocks are whole, and others parts of such as are missing: none of zeros, which need not
// come.
TEST(ServeArriving, PartsOfBlocks) {
  Contents expected = source().data;
  std::mt19937 chance(3);
  Disk disk(Contents(source().header.size()), new_map());
  Served served(disk, false);
  Contents own(4 * kBlock);
  std::ranges::generate(own, [&] { return static_cast<std::byte>(chance()); });
  const std::vector<Range> parts{{10 * kBlock + 512, kBlock}, {20 * kBlock + 1024, 3 * kBlock},
                                 {30 * kBlock, kBlock + 512}, {40 * kBlock + 3584, 512 + 2 * kBlock},
                                 {50 * kBlock + 512, 1024},   {61 * kBlock, 512},
                                 {20 * kBlock + 512, 512},    {kBlocks * kBlock - kBlock - 512, kBlock + 512}};
  for (const Range& part : parts) {
    served.ask(1, part.offset, static_cast<std::uint32_t>(part.length), Bytes(own).first(part.length));
    std::copy_n(own.begin(), part.length, expected.begin() + static_cast<std::ptrdiff_t>(part.offset));
  }
  EXPECT_FALSE(served.answers_within(50ms));
  EXPECT_TRUE(same(served.read(21 * kBlock, 2 * kBlock), Bytes(own).subspan(kBlock - 1024, 2 * kBlock)));
  served.bring();
  for (std::size_t i = 0; i < parts.size(); ++i) (void)served.answered(0);
  served.wait_until_done();
  EXPECT_TRUE(same(served.read(0, 256 * kBlock), Bytes(expected).first(256 * kBlock)));
  served.end();
  Contents image(source().header.size());
  disk.read(0, 0, image);
  EXPECT_TRUE(same(Bytes(image).first(expected.size()), expected));
}

// As many as may wait: then nothing more is taken, and it goes on all the same.
TEST(ServeArriving, ManyPartsOfBlocks) {
  Disk disk(Contents(source().header.size()), new_map());
  Served served(disk, false);
  const auto own = block_of(1);
  constexpr unsigned kMany = 100;
  for (unsigned i = 0; i < kMany; ++i) served.ask(1, (i * 3 + 1) * kBlock + 512, 512, Bytes(own).first(512));
  EXPECT_FALSE(served.answers_within(50ms));
  served.bring();
  for (unsigned i = 0; i < kMany; ++i) (void)served.answered(0);
  served.wait_until_done();
}

TEST(ServeArriving, MoreThanUsualAtOnce) {
  Contents image = source().data;
  image.resize(source().header.size());
  Disk disk(std::move(image), new_map());
  Served served(disk);
  served.wait_until_done();
  // All of it is less than what the kernel may ask for where its limits were changed.
  EXPECT_TRUE(same(served.read(0, source().data.size()), source().data));
  served.write(0, source().data);
}

TEST(ServeArriving, WhatComesInPieces) {
  Disk disk(Contents(source().header.size()), new_map());
  Served served(disk, false);
  served.most = kBlock;
  served.bring();
  EXPECT_TRUE(same(served.read(10 * kBlock, 64 * kBlock), Bytes(source().data).subspan(10 * kBlock, 64 * kBlock)));
  served.wait_until_done();
  EXPECT_LE(served.moved, source().data.size() + 64 * kBlock);
}

TEST(ServeArriving, WhatDoesNotComeIsWaitedFor) {
  Disk disk(Contents(source().header.size()), new_map());
  Served served(disk, false);
  served.broken = true;
  served.bring();
  served.write(7 * kBlock, block_of(3));
  served.ask(0, 8 * kBlock, kBlock);
  EXPECT_FALSE(served.answers_within(100ms));
  served.broken = false;
  EXPECT_TRUE(same(served.answered(kBlock), source().block(8)));
  served.wait_until_done();
  served.end();
  std::string said;
  for (const std::string& line : served.said_) said += line + '\n';
  EXPECT_THAT(said, testing::HasSubstr("the system waits for a part of its image from http://10.0.2.2/a.vhd"));
  EXPECT_THAT(said, testing::HasSubstr("no cable"));
  EXPECT_THAT(said, testing::HasSubstr("it goes on"));
}

TEST(ServeArriving, ADamagedBlockIsNeverGiven) {
  Disk disk(Contents(source().header.size()), new_map());
  Served served(disk, false);
  served.damaged = true;
  served.bring();
  EXPECT_TRUE(same(served.read((kDamaged - 1) * kBlock, kBlock), source().block(kDamaged - 1)));
  served.ask(0, kDamaged * kBlock, kBlock);
  EXPECT_FALSE(served.answers_within(200ms));
  served.damaged = false;
  EXPECT_TRUE(same(served.answered(kBlock), source().block(kDamaged)));
  served.end();
  EXPECT_THAT(served.said_, testing::Contains(testing::HasSubstr("not those that the root hash stands for")));
}

TEST(ServeArriving, ADamagedBlockHoldsUpNobodyElse) {
  Disk disk(Contents(source().header.size()), new_map());
  Served served(disk, false);
  served.damaged = true;
  served.bring();
  served.ask(1, kDamaged * kBlock + 512, 512, Bytes(source().data).first(512));
  EXPECT_FALSE(served.answers_within(50ms));
  EXPECT_TRUE(same(served.read(500 * kBlock, kBlock), source().block(500)));
  served.damaged = false;
  (void)served.answered(0);
}

TEST(ServeArriving, SeveralDamagedBlocksHoldUpNobodyElse) {
  Disk disk(Contents(source().header.size()), new_map());
  Served served(disk, false);
  served.damaged = true;
  const auto own = block_of(1);
  // Two of each kind wait for the damaged block, and behind them one of each for another.
  for (const std::uint64_t place : {512, 1536}) served.ask(1, kDamaged * kBlock + place, 512, Bytes(own).first(512));
  for (int i = 0; i < 2; ++i) served.ask(0, kDamaged * kBlock, kBlock);
  served.ask(1, 400 * kBlock + 512, 512, Bytes(own).first(512));
  served.ask(0, 500 * kBlock, kBlock);
  served.bring();
  EXPECT_EQ(served.drop(2 * 16 + kBlock), 2 * 16 + kBlock);
  EXPECT_FALSE(served.answers_within(50ms));
  served.damaged = false;
  EXPECT_EQ(served.drop(4 * 16 + 2 * kBlock), 4 * 16 + 2 * kBlock);
}

TEST(ServeArriving, NobodyFindsAnythingAroundIt) {
  Disk disk(Contents(source().header.size()), new_map());
  Served served(disk);
  constexpr std::uint64_t kEnd = kBlocks * kBlock;
  for (const std::uint64_t place : {0 - kPad, kEnd, kEnd + kPad - kBlock})
    EXPECT_TRUE(same(served.read(place, kBlock), Contents(kBlock)));
  const auto before = served.read(0 - kBlock, 3 * kBlock);
  EXPECT_TRUE(same(Bytes(before).first(kBlock), Contents(kBlock)));
  EXPECT_TRUE(same(Bytes(before).subspan(kBlock), Bytes(source().data).first(2 * kBlock)));
  const auto behind = served.read(kEnd - kBlock, 2 * kBlock);
  EXPECT_TRUE(same(Bytes(behind).first(kBlock), source().block(kBlocks - 1)));
  EXPECT_TRUE(same(Bytes(behind).subspan(kBlock), Contents(kBlock)));
  for (const std::uint64_t place : {kEnd - 512, kEnd, 0 - std::uint64_t{512}, kEnd + kPad - 512}) {
    served.ask(1, place, 1024, Bytes(source().data).first(1024));
    EXPECT_EQ(served.refusal(), static_cast<std::uint32_t>(EINVAL));
  }
  served.ask(0, kEnd + kPad - 512, 1024);
  EXPECT_EQ(served.refusal(), static_cast<std::uint32_t>(EINVAL));
  served.ask(4, 0, kBlock);  // TRIM is not offered
  EXPECT_EQ(served.refusal(), static_cast<std::uint32_t>(EOPNOTSUPP));
}

// At any moment of any start: what is marked is the source's or the guest's, and what was flushed is there.
TEST(ServeArriving, PowerCuts) {
  std::mt19937 chance(11);
  Contents image(source().header.size());
  Contents map = new_map();
  std::map<std::uint64_t, std::vector<unsigned>> written;  // of each block what it may be: from the last flush on
  unsigned number = 0;
  for (unsigned start = 0; start < 12; ++start) {
    Disk disk(image, map);
    {
      Served served(disk);
      for (unsigned step = 0; step < 30; ++step) {
        const std::uint64_t block = chance() % kBlocks;
        switch (chance() % 4) {
          case 0:
            served.flush();
            for (auto& [at, states] : written) states.erase(states.begin(), states.end() - 1);
            break;
          case 1: {
            const auto read = served.read(block * kBlock, kBlock);
            const auto own = written.find(block);
            EXPECT_TRUE(same(read, own == written.end() || own->second.back() == 0
                                       ? source().block(block)
                                       : Bytes(block_of(own->second.back()))))
                << block;
            break;
          }
          default:
            auto& states = written[block];
            if (states.empty()) states.push_back(0);
            states.push_back(++number);
            served.write(block * kBlock, block_of(number));
        }
      }
      auto left = disk.cut(chance);
      image = std::move(left[0]);
      map = std::move(left[1]);
    }
    // The blocks as the next start will see them: sectors of a block may be of different writes.
    Contents bits(map.begin() + kBlock, map.begin() + 2 * kBlock);
    const arrive::BlockMap there(bits, kBlocks);
    const bool has_footer = same(Bytes(image).last(512), source().header.tail);
    for (std::uint64_t block = 0; block < kBlocks; ++block) {
      const auto own = written.find(block);
      const std::vector<unsigned> states = own == written.end() ? std::vector<unsigned>{0} : own->second;
      if (!there.has(block) && !has_footer) {
        // It will be the source's.
        EXPECT_EQ(states.front(), 0U) << "what was flushed is lost: block " << block;
        written.erase(block);
        continue;
      }
      std::vector<unsigned> now;
      for (std::size_t at = 0; at < kBlock; at += kSectorSize) {
        const Bytes sector = Bytes(image).subspan(block * kBlock + at, kSectorSize);
        const auto state = std::ranges::find_if(states, [&](unsigned one) {
          const auto whole = block_of(one);
          return same(sector, (one == 0 ? source().block(block) : Bytes(whole)).subspan(at, kSectorSize));
        });
        ASSERT_NE(state, states.end()) << "wrong data in block " << block;
        now.push_back(*state);
      }
      if (own == written.end()) continue;
      // The guest's file system mends what was torn: it writes it again.
      ++number;
      std::ranges::copy(block_of(number), image.begin() + static_cast<std::ptrdiff_t>(block * kBlock));
      own->second = {number};
    }
  }
}

TEST(ArriveRequest, IsReadAsItWasWritten) {
  auto words = to_words({.file = "/dev/dm-0",
                         .file_size = 12345,
                         .view = "/dev/dm-1",
                         .partition = "/dev/sda1",
                         .gate_sector = 7,
                         .map = "vhdboot",
                         .map_uuid = "VHDBOOT-1234"});
  words.insert(words.end(), {"/dev/dm-2", "http://10.0.2.2/a.vhd", "5", "10.0.2.9/24"});
  std::vector<std::string_view> views(words.begin(), words.end());
  const auto request = parse_arrive_request(views);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->disk.view, "/dev/dm-1");
  EXPECT_EQ(request->disk.gate_sector, 7U);
  EXPECT_EQ(request->tree, "/dev/dm-2");
  EXPECT_EQ(request->from,
            (record::Arrival{.source = "http://10.0.2.2/a.vhd", .root_hash = "5", .address = "10.0.2.9/24"}));
  views.pop_back();
  EXPECT_FALSE(parse_arrive_request(views));
  EXPECT_FALSE(parse_arrive_request({}));
}

}  // namespace
}  // namespace vhdboot::stage
