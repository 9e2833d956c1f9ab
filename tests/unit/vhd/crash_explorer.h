// SPDX-License-Identifier: GPL-2.0-or-later
// What a loss of power can leave of a file while an operation writes to it. A RecordingFile keeps the operation's
// writes and flushes; explore() makes the states of the file: what was flushed is there; of what was written since, any
// sectors.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "tests/unit/vhd/sparse_file.h"
#include "vhd/byte_file.h"

namespace vhdboot::test {

/// Another file, which must outlive it, with other bytes here and there.
class Overlay final : public ByteFile {
 public:
  explicit Overlay(const SparseFile& below) : below_(below), size_(below.size()) {}
  Overlay(const Overlay& other) : below_(other.below_), size_(other.size_), sectors_(other.sectors_) {}

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    if (offset > size_ || out.size() > size_ - offset) return fail(Code::Corrupt, "read past the end");
    const std::uint64_t there = offset < below_.size() ? below_.size() - offset : 0;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(there, out.size()));
    if (count > 0) TRY(below_.read(offset, out.first(count)));
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(count), out.end(), std::byte{0});
    for (auto one = sectors_.lower_bound(offset / kSectorSize * kSectorSize);
         one != sectors_.end() && one->first < offset + out.size(); ++one)
      for (std::uint64_t i = 0; i < kSectorSize; ++i)
        if (const std::uint64_t at = one->first + i; at >= offset && at < offset + out.size())
          out[static_cast<std::size_t>(at - offset)] = one->second[static_cast<std::size_t>(i)];
    return {};
  }
  [[nodiscard]] Result<void> write(std::uint64_t offset, Bytes data) override {
    if (offset > size_) return fail(Code::Invalid, "write past the end");
    size_ = std::max(size_, offset + data.size());
    for (std::size_t from = 0; from < data.size();) {
      const std::uint64_t sector = (offset + from) / kSectorSize * kSectorSize;
      const auto skip = static_cast<std::size_t>(offset + from - sector);
      const std::size_t count = std::min<std::size_t>(kSectorSize - skip, data.size() - from);
      auto there = sectors_.find(sector);
      if (there == sectors_.end()) {
        SparseFile::Sector bytes{};
        const std::uint64_t end = std::min(size_, sector + kSectorSize);
        if (count < kSectorSize) TRY(read(sector, MutableBytes(bytes).first(static_cast<std::size_t>(end - sector))));
        there = sectors_.emplace(sector, bytes).first;
      }
      std::memcpy(there->second.data() + skip, data.data() + from, count);
      from += count;
    }
    return {};
  }
  [[nodiscard]] Result<void> resize(std::uint64_t size) override {
    size_ = size;
    return {};
  }

 private:
  const SparseFile& below_;
  std::uint64_t size_;
  std::map<std::uint64_t, SparseFile::Sector> sectors_;
};

struct Event {
  enum class Kind : std::uint8_t { Write, Flush, Answer };
  Kind kind = Kind::Flush;
  std::uint64_t offset = 0;
  std::vector<std::byte> data;
};

class RecordingFile final : public ByteFile {
 public:
  explicit RecordingFile(const SparseFile& start) : now_(start) {}

  [[nodiscard]] std::uint64_t size() const override { return now_.size(); }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    return now_.read(offset, out);
  }
  [[nodiscard]] Result<void> write_unflushed(std::uint64_t offset, Bytes data) override {
    events.push_back({Event::Kind::Write, offset, {data.begin(), data.end()}});
    return now_.write(offset, data);
  }
  [[nodiscard]] Result<void> flush() override {
    events.push_back({});
    return {};
  }
  [[nodiscard]] Result<void> write(std::uint64_t offset, Bytes data) override {
    TRY(write_unflushed(offset, data));
    return flush();
  }
  [[nodiscard]] Result<void> resize(std::uint64_t) override { return fail(Code::Unsupported, "not recorded"); }

  /// What was done until here was promised to somebody.
  void answer() { events.push_back({Event::Kind::Answer, 0, {}}); }

  [[nodiscard]] const SparseFile& now() const { return now_; }

  std::vector<Event> events;

 private:
  SparseFile now_;
};

/// Judges a state of the file in which so many answers had been given; an empty text when all is well.
using Judge = std::function<std::string(const Overlay& state, std::size_t answered)>;

struct Explored {
  std::size_t states = 0;
  std::string fault;  ///< empty: all is well
};

/// Of more writes between two flushes none is torn: what is lost of them is.
inline constexpr std::size_t kMaxTorn = 12;

/// Judges every state: all of each stretch between two flushes and nothing of it; each write of it lost, alone, and
/// torn after each of its sectors (after some of a large one); and `subsets` random choices of its sectors. `from`:
/// answers that are passed over.
inline Explored explore(const SparseFile& start, const std::vector<Event>& events, const Judge& judge,
                        std::size_t from = 0, unsigned subsets = 4) {
  Explored out;
  SparseFile durable = start;
  std::mt19937 chance(20260101);  // NOLINT(cert-msc51-cpp): the same states each time
  std::vector<const Event*> writes;
  std::size_t answered = 0;

  using Keep = std::function<bool(std::size_t write, std::size_t sector)>;
  const auto look = [&](std::size_t number, std::string_view what, const Keep& keep) {
    if (!out.fault.empty()) return;
    Overlay state(durable);
    for (std::size_t i = 0; i < writes.size(); ++i) {
      const std::vector<std::byte>& data = writes[i]->data;
      for (std::size_t at = 0; at < data.size(); at += kSectorSize) {
        if (!keep(i, at / kSectorSize)) continue;
        // A file that grows has its size at once: what is not there of it is zeros.
        const std::uint64_t offset = writes[i]->offset + at;
        if (offset > state.size()) state.resize(offset).value();
        state.write(offset, Bytes(data).subspan(at, std::min<std::size_t>(kSectorSize, data.size() - at))).value();
      }
    }
    ++out.states;
    const std::string fault = judge(state, answered);
    if (!fault.empty()) out.fault = concat("event ", number, ", ", what, ": ", fault);
  };
  const auto stretch = [&](std::size_t number) {
    look(number, "nothing", [](std::size_t, std::size_t) { return false; });
    for (std::size_t w = 0; w < writes.size() && writes.size() > 1; ++w) {
      look(number, concat("write ", w, " lost"), [&](std::size_t i, std::size_t) { return i != w; });
      look(number, concat("write ", w, " alone"), [&](std::size_t i, std::size_t) { return i == w; });
    }
    for (std::size_t w = 0; w < writes.size() && writes.size() <= kMaxTorn; ++w) {
      const std::size_t sectors = (writes[w]->data.size() + kSectorSize - 1) / kSectorSize;
      for (std::size_t cut = 1; cut < sectors; cut = sectors > 64 ? cut * 37 : cut + 1) {
        look(number, concat("write ", w, " torn after ", cut),
             [&](std::size_t i, std::size_t sector) { return i < w || (i == w && sector < cut); });
        if (cut % 8 != 0) continue;
        look(number, concat("write ", w, " torn before ", cut),
             [&](std::size_t i, std::size_t sector) { return i < w || (i == w && sector >= cut); });
      }
    }
    for (unsigned i = 0; i < subsets && !writes.empty(); ++i)
      look(number, concat("subset ", i), [&](std::size_t, std::size_t) { return chance() % 2 == 0; });
    look(number, "all", [](std::size_t, std::size_t) { return true; });
  };
  for (std::size_t number = 0; number < events.size(); ++number) {
    const Event& event = events[number];
    if (event.kind == Event::Kind::Answer) ++answered;
    if (event.kind == Event::Kind::Write) writes.push_back(&event);
    if (event.kind != Event::Kind::Flush && number + 1 < events.size()) continue;
    if (number >= from && !writes.empty()) stretch(number);
    for (const Event* write : writes) durable.put(write->offset, write->data);
    writes.clear();
  }
  return out;
}

}  // namespace vhdboot::test
