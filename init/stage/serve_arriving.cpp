// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/serve_arriving.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include "base/range.h"
#include "base/text.h"
#include "init/sys/file.h"

namespace vhdboot::stage {
namespace {

constexpr std::size_t kHead = 64;  // before the map in the memory that is shared

using arrive::BlockMap;
using arrive::Blocks;
using arrive::kBlock;

constexpr std::uint64_t kLeast = 32;                    // blocks that come at once when one is needed
constexpr std::uint64_t kMost = kMostBrought / kBlock;  // and when none is
constexpr std::uint64_t kSmallGap = 16;  // blocks between others that come along, where asking twice would take longer
constexpr std::size_t kRequest = 2 << 20;       // bytes; more is asked for where the system has set other limits
constexpr std::size_t kMostRequest = 64 << 20;  // the kernel's own limit is half of it
constexpr std::size_t kMostWaiting = 256;       // reads; the kernel asks for half as many at once
constexpr std::size_t kMostHeld = 128;          // writes of parts of blocks: as many as the kernel asks for at once
constexpr int kLook = 250;                      // milliseconds

std::uint64_t first_of(const Range& part) {
  return part.offset / kBlock;
}

std::uint64_t end_of(const Range& part) {
  return (part.end() + kBlock - 1) / kBlock;
}

Result<void> receive_whole(const Fd& socket, MutableBytes out) {
  while (!out.empty()) {
    const ssize_t got = ::recv(socket.get(), out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail(Code::Io, "the process that asks the server has ended");
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

}  // namespace

Result<SharedMap> SharedMap::read(const ByteSource& map, const arrive::MapHeader& header) {
  const arrive::MapLayout layout(header.data_blocks);
  if (map.size() != layout.size()) return fail(Code::Corrupt, "the map beside the image is that of another one");
  const std::uint64_t parts = layout.bits.count + layout.record.count;
  const std::size_t size = kHead + static_cast<std::size_t>(parts * (kBlock + 1));
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail_errno("taking memory");
  auto* const entries = new (memory) std::atomic<std::uint64_t>(0);
  const MutableBytes all(static_cast<std::byte*>(memory), size);
  const auto body = all.subspan(kHead, static_cast<std::size_t>(parts) * kBlock);
  TRY(map.read(kBlock, body));
  SharedMap shared(body, all.subspan(kHead + body.size()), *entries, layout, header.data_blocks);
  *entries = shared.recorded().size();
  return shared;
}

void SharedMap::add(const Blocks& blocks) {
  if (blocks_.next(blocks.first, false) >= blocks.first + blocks.count) return;
  const std::uint64_t last = BlockMap::part_of(blocks.first + blocks.count - 1);
  for (std::uint64_t part = BlockMap::part_of(blocks.first); part <= last; ++part) unsaved_[part] = std::byte{1};
  // Whoever ends in between leaves no mark that nobody would save.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  blocks_.add(blocks);
}

bool SharedMap::record(const Blocks& blocks) {
  const std::uint64_t number = *entries_;
  if (number >= arrive::kMostRecorded || blocks.count == 0 || blocks.count > arrive::kMostEntryBlocks) return false;
  const std::uint64_t at = layout_.bits.count * kBlock + number * sizeof(std::uint64_t);
  (void)store_le(body_, at, arrive::to_entry(blocks));
  unsaved_[at / kBlock] = std::byte{1};
  *entries_ = number + 1;
  return true;
}

std::vector<Blocks> SharedMap::recorded() const {
  return arrive::parse_record(body_.subspan(static_cast<std::size_t>(layout_.bits.count) * kBlock),
                              blocks_.data_blocks());
}

void SharedMap::forget() const {
  ::munmap(body_.data() - kHead, kHead + body_.size() + unsaved_.size());
}

bool SharedMap::is_saved() const {
  return std::ranges::none_of(unsaved_, [](std::byte part) { return part != std::byte{0}; });
}

Result<void> SharedMap::save(vhd::ByteFile& image, vhd::ByteFile& map) {
  TRY(image.flush());
  if (is_saved()) return {};
  for (std::size_t part = 0; part < unsaved_.size(); ++part)
    if (unsaved_[part] != std::byte{0})
      TRY(map.write_unflushed((1 + part) * kBlock, Bytes(body_).subspan(part * kBlock, kBlock)));
  TRY(map.flush());
  // Nobody marks meanwhile.
  std::ranges::fill(unsaved_, std::byte{0});
  return {};
}

ArrivalServer::ArrivalServer(sys::NbdServer server, Fd bringer, Files files, const arrive::MapHeader& header,
                             SharedMap& shared, std::string source, const Fd& done, const sys::Reporter& report,
                             Times times)
    : server_(std::move(server)),
      bringer_(std::move(bringer)),
      files_(files),
      header_(header),
      shared_(shared),
      source_(std::move(source)),
      done_(done),
      report_(report),
      times_(times),
      digests_(arrive::TreeLayout::of(header.data_blocks).value_or(arrive::TreeLayout()), header.salt, header.root,
               files.tree),
      zeros_(arrive::digest_of(header.salt, std::vector<std::byte>(kBlock))),
      list_(shared.recorded()),
      data_(kRequest),
      brought_(kMostBrought),
      noted_(static_cast<std::size_t>(header.data_blocks / 8 + 1)) {
  reads_.reserve(kMostWaiting);
  held_.reserve(kMostHeld);
  why_.reserve(kMostReason);
  for (const Blocks& blocks : list_) BlockMap(noted_, header_.data_blocks).add(blocks);
}

Result<void> ArrivalServer::run() {
  for (;;) {
    TRY(settle());
    TRY(ask_next());
    if (!complete_ && shared_.blocks().complete() && Clock::now() >= retry_) TRY(finish());
    if (!shared_.is_saved() && Clock::now() >= saved_ + times_.save) {
      saved_ = Clock::now();
      if (const auto saved = shared_.save(files_.image, files_.map); !saved) failed(saved.error().message());
    }
    complain();
    const bool takes_more = held_.size() < kMostHeld && reads_.size() < kMostWaiting;
    std::array<pollfd, 2> waits{{{.fd = takes_more ? server_.descriptor() : -1, .events = POLLIN, .revents = 0},
                                 {.fd = bringer_.get(), .events = POLLIN, .revents = 0}}};
    const bool is_idle = complete_ && shared_.is_saved();
    if (::poll(waits.data(), waits.size(), std::exchange(again_, false) ? 0 : is_idle ? -1 : kLook) <= 0) continue;
    if (waits[1].revents != 0) TRY(take_brought());
    if (waits[0].revents == 0) continue;
    const auto more = take_request();
    if (!more) return more.error().code == Code::NotFound ? Result<void>() : more;
  }
}

ArrivalServer::Request ArrivalServer::within_disk(const sys::NbdRequest& asked) const {
  const std::uint64_t disk_end = kPad + header_.data_blocks * kBlock;
  const std::uint64_t first = std::clamp(asked.offset, kPad, disk_end);
  const std::uint64_t end = std::clamp(asked.offset + asked.length, kPad, disk_end);
  return {.asked = asked, .part = {first - kPad, end - first}};
}

// NotFound: the kernel has gone.
Result<void> ArrivalServer::take_request() {
  const auto asked = server_.next();
  if (!asked || asked->kind == sys::NbdRequest::Kind::Disconnect) {
    TRY(shared_.save(files_.image, files_.map));
    return fail(Code::NotFound, "the kernel has gone");
  }
  const std::uint64_t end = header_.data_blocks * kBlock + 2 * kPad;
  const bool is_on_device = asked->offset <= end && asked->length <= end - asked->offset;
  if (asked->length > kMostRequest) return fail(Code::Corrupt, "the kernel asks for more than there is room for");
  if (asked->length > data_.size()) data_.resize(asked->length);
  const Request request = is_on_device ? within_disk(*asked) : Request{.asked = *asked, .part = {}};
  switch (asked->kind) {
    case sys::NbdRequest::Kind::Read:
      if (!is_on_device) return server_.answer(*asked, EINVAL);
      note_read(request.part);
      if (is_there(request.part)) return read(request);
      reads_.push_back(request);
      return {};
    case sys::NbdRequest::Kind::Write:
      TRY(server_.receive(MutableBytes(data_).first(asked->length)));
      if (asked->length == 0 || request.part.length != asked->length) return server_.answer(*asked, EINVAL);
      return write(request);
    case sys::NbdRequest::Kind::Flush: {
      const auto saved = shared_.save(files_.image, files_.map);
      if (!saved) report_.warn(saved.error().message());
      return server_.answer(*asked, saved ? 0 : EIO);
    }
    default:
      return server_.answer(*asked, EOPNOTSUPP);
  }
}

bool ArrivalServer::is_there(const Range& part) const {
  return part.empty() || shared_.blocks().next(first_of(part), false) >= end_of(part);
}

// A block of which the write has a part, and the rest is missing.
std::optional<std::uint64_t> ArrivalServer::missing_edge(const HeldWrite& held) const {
  for (const Edge& edge : held.edges)
    if (!is_there(edge.part)) return first_of(edge.part);
  return std::nullopt;
}

Result<void> ArrivalServer::read(const Request& request) {
  const MutableBytes data = MutableBytes(data_).first(request.asked.length);
  std::ranges::fill(data, std::byte{0});
  const auto skip = static_cast<std::size_t>(request.part.offset + kPad - request.asked.offset);
  const auto done =
      request.part.empty()
          ? Result<void>()
          : files_.image.read(request.part.offset, data.subspan(skip, static_cast<std::size_t>(request.part.length)));
  if (!done) report_.warn(done.error().message());
  return server_.answer(request.asked, done ? 0 : EIO, done ? Bytes(data) : Bytes());
}

// In place, and from then on it is there: whole blocks, or parts of such that are. The mark is on stable storage when
// the guest's flush is answered.
Result<void> ArrivalServer::store(const Range& part, Bytes data) {
  if (part.empty()) return {};
  TRY(files_.image.write_unflushed(part.offset, data));
  shared_.add({.first = first_of(part), .count = end_of(part) - first_of(part)});
  return {};
}

Result<void> ArrivalServer::write(const Request& request) {
  HeldWrite held{.asked = request.asked, .edges = {}};
  Range whole = request.part;
  const auto cut = [&](Edge& edge, const Range& part) {
    edge.part = part;
    const auto at = static_cast<std::ptrdiff_t>(part.offset - request.part.offset);
    std::copy_n(data_.begin() + at, part.length, edge.bytes.begin());
    whole.length -= part.length;
  };
  const std::uint64_t in_first = whole.offset % kBlock;
  if (in_first != 0 && !shared_.blocks().has(first_of(whole))) {
    cut(held.edges[0], {whole.offset, std::min(whole.length, kBlock - in_first)});
    whole.offset = held.edges[0].part.end();
  }
  const std::uint64_t in_last = whole.end() % kBlock;
  if (!whole.empty() && in_last != 0 && !shared_.blocks().has(whole.end() / kBlock)) {
    const std::uint64_t length = std::min(whole.length, in_last);
    cut(held.edges[1], {whole.end() - length, length});
  }
  const auto at = static_cast<std::size_t>(whole.offset - request.part.offset);
  const auto done = store(whole, Bytes(data_).subspan(at, static_cast<std::size_t>(whole.length)));
  if (!done) report_.warn(done.error().message());
  // An edge is of a block that is missing: there is none, or it waits.
  if (!done || !missing_edge(held)) return server_.answer(request.asked, done ? 0 : EIO);
  held_.push_back(held);
  return {};
}

// What is there now and was waited for.
Result<void> ArrivalServer::settle() {
  for (std::size_t i = 0; i < held_.size();) {
    if (missing_edge(held_[i])) {
      ++i;
      continue;
    }
    auto done = Result<void>();
    for (const Edge& edge : held_[i].edges)
      if (done) done = store(edge.part, Bytes(edge.bytes).first(static_cast<std::size_t>(edge.part.length)));
    if (!done) report_.warn(done.error().message());
    const sys::NbdRequest asked = held_[i].asked;
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(i));
    TRY(server_.answer(asked, done ? 0 : EIO));
  }
  for (std::size_t i = 0; i < reads_.size();) {
    if (!is_there(reads_[i].part)) {
      ++i;
      continue;
    }
    const Request request = reads_[i];
    reads_.erase(reads_.begin() + static_cast<std::ptrdiff_t>(i));
    TRY(read(request));
  }
  return {};
}

void ArrivalServer::note_read(const Range& part) {
  if (part.empty() || complete_ || Clock::now() > began_ + times_.record) return;
  BlockMap noted(noted_, header_.data_blocks);
  for (const Blocks& blocks : noted.missing({first_of(part), end_of(part) - first_of(part)}))
    if (shared_.record(blocks)) noted.add(blocks);
}

// What somebody waits for: reads and writes take turns, so that neither waits for what cannot be had.
std::optional<ArrivalServer::Goal> ArrivalServer::urgent() const {
  if (!held_.empty() && (reads_.empty() || is_turn_of_writes_))
    if (const auto block = missing_edge(held_.front()))
      return Goal{.blocks = {.first = *block, .count = 1}, .wanted = Wanted::Urgent, .is_of_write = true};
  if (reads_.empty()) return std::nullopt;
  const std::uint64_t first = shared_.blocks().next(first_of(reads_.front().part), false);
  return Goal{.blocks = {.first = first, .count = end_of(reads_.front().part) - first}, .wanted = Wanted::Urgent};
}

// Others may be had: they are not kept waiting.
void ArrivalServer::pass_over(const Goal& goal) {
  const std::uint64_t end = goal.blocks.first + goal.blocks.count;
  if (goal.wanted == Wanted::Listed) list_block_ = end;
  if (goal.wanted == Wanted::Rest) cursor_ = end;
  if (goal.wanted != Wanted::Urgent) return;
  if (goal.is_of_write && !held_.empty()) std::ranges::rotate(held_, held_.begin() + 1);
  if (!goal.is_of_write && !reads_.empty()) std::ranges::rotate(reads_, reads_.begin() + 1);
  is_turn_of_writes_ = !goal.is_of_write;
}

std::optional<ArrivalServer::Goal> ArrivalServer::choose() {
  const std::uint64_t all = header_.data_blocks;
  const auto upwards = [&](std::uint64_t block, std::uint64_t by) { return std::min(all, (block + by - 1) / by * by); };
  if (auto needed = urgent()) {
    urgent_ = Clock::now();
    Blocks& blocks = needed->blocks;
    const std::uint64_t first = blocks.first / kLeast * kLeast;
    const std::uint64_t end = std::min(upwards(blocks.first + blocks.count, kLeast), first + kMost);
    blocks = {.first = first, .count = end - first};
    return needed;
  }
  const auto now = Clock::now();
  if (!urgent_ && now < began_ + times_.until_rest) return std::nullopt;
  for (; list_at_ < list_.size(); ++list_at_, list_block_ = 0) {
    const Blocks& listed = list_[list_at_];
    const std::uint64_t end = listed.first + listed.count;
    const std::uint64_t first = shared_.blocks().next(std::max(listed.first, list_block_), false);
    if (first < end)
      return Goal{.blocks = {.first = first, .count = std::min(kMost, end - first)}, .wanted = Wanted::Listed};
  }
  // It would keep those waiting who need another part next.
  if (urgent_ && now < *urgent_ + times_.quiet) return std::nullopt;
  std::uint64_t first = shared_.blocks().next(cursor_, false);
  if (first == all) first = shared_.blocks().next(0, false);
  if (first == all) return std::nullopt;
  return Goal{.blocks = {.first = first, .count = upwards(first + 1, kMost) - first}, .wanted = Wanted::Rest};
}

Result<std::optional<std::uint64_t>> ArrivalServer::take_right(const Blocks& blocks, Bytes bytes, bool store) {
  std::optional<std::uint64_t> wrong;
  for (const Blocks& run : shared_.blocks().missing(blocks)) {
    Blocks right{.first = run.first, .count = 0};
    const auto take = [&]() -> Result<void> {
      const auto offset = static_cast<std::size_t>(right.first - blocks.first) * kBlock;
      const auto length = static_cast<std::size_t>(right.count) * kBlock;
      if (store && right.count != 0)
        TRY(files_.image.write_unflushed(right.first * kBlock, bytes.subspan(offset, length)));
      shared_.add(right);
      return {};
    };
    for (std::uint64_t block = run.first; block < run.first + run.count; ++block) {
      const Bytes one = bytes.subspan(static_cast<std::size_t>(block - blocks.first) * kBlock, kBlock);
      const Sha256Digest expected = TRY(digests_.of_data(block));
      if ((is_zero(one) ? zeros_ : arrive::digest_of(header_.salt, one)) == expected) {
        ++right.count;
        continue;
      }
      if (!wrong) wrong = block;
      TRY(take());
      right = {.first = block + 1, .count = 0};
    }
    TRY(take());
  }
  return wrong;
}

// A fetch that was interrupted, or a mark that was lost, may have left what is right.
Result<void> ArrivalServer::ask_next() {
  if (asked_ || Clock::now() < retry_) return {};
  const auto goal = choose();
  if (!goal) return {};
  const auto here = MutableBytes(brought_).first(static_cast<std::size_t>(goal->blocks.count) * kBlock);
  // What cannot be read is written anew.
  if (files_.image.read(goal->blocks.first * kBlock, here)) {
    const auto wrong = take_right(goal->blocks, here, false);
    if (!wrong) {
      failed(wrong.error().message());
      pass_over(*goal);
      return {};
    }
  }
  const auto missing = shared_.blocks().missing(goal->blocks);
  again_ = missing.empty();
  if (again_) return {};
  asked_ = goal;
  asked_->blocks = missing.front();
  for (const Blocks& run : missing) {
    Blocks& asked = asked_->blocks;
    if (run.first > asked.first + asked.count + kSmallGap) break;
    asked.count = run.first + run.count - asked.first;
  }
  std::array<std::byte, kBringRequest> request{};
  (void)store_le(request, 0, asked_->blocks.first * kBlock);
  (void)store_le(request, 8, asked_->blocks.count * kBlock);
  return sys::write_all(bringer_, request);
}

Result<void> ArrivalServer::take_brought() {
  std::array<std::byte, kBringAnswer> head{};
  TRY(receive_whole(bringer_, head));
  const std::size_t length = *load_le<std::uint32_t>(head, 4);
  const bool has_failed = *load_le<std::uint32_t>(head, 0) != 0;
  if (!asked_ || length > (has_failed ? kMostReason : brought_.size()))
    return fail(Code::Corrupt, "the process that asks the server says what nobody asked for");
  const Goal goal = *std::exchange(asked_, std::nullopt);
  const MutableBytes bytes = MutableBytes(brought_).first(length);
  TRY(receive_whole(bringer_, bytes));
  if (has_failed) {
    failed(std::string(as_text(bytes)));
    return {};
  }
  const Blocks came{.first = goal.blocks.first, .count = length / kBlock};
  if (length % kBlock != 0 || came.count == 0 || came.count > goal.blocks.count)
    return fail(Code::Corrupt, "the process that asks the server says what nobody asked for");
  const auto wrong = take_right(came, bytes, true);
  if (wrong && !*wrong) {
    why_.clear();
    if (!complained_) told_.clear();
    waiting_.reset();
    is_turn_of_writes_ = !goal.is_of_write;
    return {};
  }
  failed(wrong ? concat("the bytes from ", **wrong * kBlock,
                        " on are not those that the root hash stands for: the file there is damaged, or was changed "
                        "after `vhdtool hashes`")
               : wrong.error().message());
  pass_over(goal);
  return {};
}

void ArrivalServer::failed(std::string why) {
  retry_ = Clock::now() + times_.again;
  why_ = std::move(why);
  if (urgent() || why_ == told_ || (telling_ && Clock::now() < *telling_ + times_.tell)) return;
  telling_ = Clock::now();
  told_ = why_;
  report_.warn(concat("the rest of the image does not come: ", source_, ": ", printable(why_)));
}

// Somebody waits, and nothing comes: it is told, again when a first reason is known, and then now and then.
void ArrivalServer::complain() {
  if (!urgent()) {
    waiting_.reset();
    if (std::exchange(complained_, false)) report_.warn("what the system has waited for has come, it goes on");
    return;
  }
  const auto now = Clock::now();
  if (!waiting_) waiting_ = now;
  const auto pause = complained_ && told_.empty() ? times_.complain : times_.tell;
  if (now < *waiting_ + times_.complain || (complained_ && why_ == told_) || (telling_ && now < *telling_ + pause))
    return;
  complained_ = true;
  telling_ = now;
  told_ = why_;
  report_.warn(concat("the system waits for a part of its image from ", source_, ": ",
                      why_.empty() ? "it has not come yet" : printable(why_)));
}

// The footer last: what has it is a whole image to everybody.
Result<void> ArrivalServer::finish() {
  auto done = shared_.save(files_.image, files_.map);
  if (done) done = files_.image.write(header_.data_blocks * kBlock, header_.tail);
  if (!done) {
    failed(done.error().message());
    return {};
  }
  complete_ = true;
  (void)::eventfd_write(done_.get(), 1);
  return {};
}

}  // namespace vhdboot::stage
