// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/reader_wire.h"

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <utility>

#include "base/text.h"
#include "init/volume/extents.h"

namespace vhdboot::volume {
namespace {

constexpr std::size_t kMaxName = 1024;       // bytes of a name or a label: 255 UTF-16 units take 765
constexpr std::size_t kSmall = 256 * kKiB;   // a path of the greatest depth, or an error
constexpr std::size_t kExtentBytes = 3 * 8;  // on the wire
constexpr std::uint64_t kMaxCluster = 32 * kMiB;
constexpr std::uint64_t kMaxFile = INT64_MAX;

enum class Status : std::uint8_t { Done, Failed };

class Writer {
 public:
  template <std::unsigned_integral T>
  void put(T value) {
    std::array<std::byte, sizeof(T)> bytes{};
    (void)store_le(MutableBytes(bytes), 0, value);
    put(Bytes(bytes));
  }
  void put(Status status) { put(static_cast<std::uint8_t>(status)); }
  void put(Bytes bytes) { out_.insert(out_.end(), bytes.data(), bytes.data() + bytes.size()); }
  void text(std::string_view text) {
    text = text.substr(0, UINT16_MAX);
    put(static_cast<std::uint16_t>(text.size()));
    put(as_bytes(text));
  }
  void path(const Path& path) {
    put(static_cast<std::uint8_t>(path.components().size()));
    for (const std::string& name : path.components()) text(name);
  }
  template <std::same_as<bool>... Bits>
  void bits(Bits... bits) {
    unsigned value = 0;
    unsigned shift = 0;
    ((value |= static_cast<unsigned>(bits) << shift++), ...);
    put(static_cast<std::uint8_t>(value));
  }
  void reserve(std::size_t size) { out_.reserve(size); }
  [[nodiscard]] Message message() && { return std::move(out_); }

 private:
  Message out_;
};

Writer done() {
  Writer out;
  out.put(Status::Done);
  return out;
}

/// Takes values off the front of a message. Past its end, or after a value that is none, everything is zero.
class Cursor {
 public:
  explicit Cursor(Bytes bytes) : rest_(bytes) {}

  template <std::unsigned_integral T>
  T take() {
    return load_le<T>(take(sizeof(T)), 0).value_or(0);
  }
  Bytes take(std::size_t size) {
    if (size > rest_.size()) {
      spoil();
      return {};
    }
    const Bytes taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  /// At most `most`.
  std::uint64_t number(std::uint64_t most) {
    const auto value = take<std::uint64_t>();
    return value <= most ? value : (spoil(), 0);
  }
  /// Valid UTF-8 of at most `most` bytes.
  std::string text(std::size_t most) {
    const std::string_view text = as_text(take(take<std::uint16_t>()));
    if (text.size() <= most && to_utf16(text)) return std::string(text);
    spoil();
    return {};
  }
  Path path() {
    Path path;
    for (unsigned left = take<std::uint8_t>(); left > 0; --left) {
      auto longer = path.child(text(kMaxName));
      if (!longer) {
        spoil();
        break;
      }
      path = *std::move(longer);
    }
    return path;
  }
  /// As many as Writer::bits() was given.
  unsigned bits(unsigned count) {
    const unsigned value = take<std::uint8_t>();
    return value >> count == 0 ? value : (spoil(), 0);
  }
  void require(bool condition) {
    if (!condition) spoil();
  }

  [[nodiscard]] std::size_t left() const { return rest_.size(); }
  [[nodiscard]] bool good() const { return good_; }
  /// All was there, and nothing is left.
  [[nodiscard]] bool complete() const { return good_ && rest_.empty(); }

 private:
  void spoil() {
    good_ = false;
    rest_ = {};
  }

  Bytes rest_;
  bool good_ = true;
};

/// `value` when all of the message was in order.
template <class T>
Result<T> checked(const Cursor& in, T value, const char* what) {
  if (!in.complete()) return fail(Code::Corrupt, what);
  return value;
}

std::uint64_t cap_of(const ReaderRequest& request) {
  return std::min<std::uint64_t>(request.cap, kMaxAnswer - kSmall);
}

bool is_serial(Kind kind, std::string_view text) {
  const bool has_dash = kind == Kind::Exfat;
  if (text.size() != (has_dash ? 9 : 16)) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (!std::string_view(has_dash && i == 4 ? "-" : "0123456789ABCDEF").contains(text[i])) return false;
  return true;
}

}  // namespace

std::size_t max_answer(const ReaderRequest& request) {
  switch (request.ask) {
    case Ask::Layout:
      return kSmall + kMaxExtents * kExtentBytes;
    case Ask::List:
      return kMaxAnswer;
    case Ask::ReadFile:
      return static_cast<std::size_t>(cap_of(request)) + kSmall;
    default:
      return kSmall;
  }
}

Message encode(const ReaderRequest& request) {
  Writer out;
  out.put(static_cast<std::uint8_t>(request.ask));
  out.put(request.cap);
  out.path(request.path);
  return std::move(out).message();
}

Result<ReaderRequest> decode_request(Bytes message) {
  Cursor in(message);
  constexpr std::array kAsks{Ask::State, Ask::Layout, Ask::Spelling, Ask::List, Ask::ReadFile, Ask::CheckAllocation};
  const std::size_t ask = in.take<std::uint8_t>();
  in.require(ask < kAsks.size());
  ReaderRequest request{
      .ask = ask < kAsks.size() ? kAsks.at(ask) : Ask::State, .path = {}, .cap = in.take<std::uint64_t>()};
  request.path = in.path();
  return checked(in, std::move(request), "no request");
}

Message encode(const Error& error) {
  Writer out;
  out.put(Status::Failed);
  out.put(static_cast<std::uint8_t>(error.code));
  out.put(static_cast<std::uint16_t>(error.sys_errno));
  out.text(std::string_view(error.text).substr(0, kMaxErrorText));
  return std::move(out).message();
}

Message encode(const VolumeFacts& facts) {
  Writer out = done();
  out.put(static_cast<std::uint8_t>(facts.kind));
  out.text(facts.label);
  out.text(facts.serial_text);
  out.put(facts.cluster_size);
  out.put(facts.volume_size);
  return std::move(out).message();
}

Message encode(const VolumeState& state) {
  Writer out = done();
  out.bits(state.dirty, state.journal_pending, state.hibernated, state.chkdsk_scheduled, state.media_failure);
  return std::move(out).message();
}

Message encode(const FileLayout& layout) {
  Writer out = done();
  out.reserve(64 + layout.extents.size() * kExtentBytes);
  out.bits(layout.directory, layout.resident, layout.sparse, layout.compressed, layout.encrypted);
  out.put(layout.size);
  out.put(layout.valid_size);
  out.put(layout.allocated_size);
  out.put(layout.reparse_tag);
  for (const Extent& extent : layout.extents) {
    out.put(extent.logical);
    out.put(extent.physical);
    out.put(extent.length);
  }
  return std::move(out).message();
}

Message encode(const Path& path) {
  Writer out = done();
  out.path(path);
  return std::move(out).message();
}

Message encode(const std::vector<DirEntry>& entries) {
  Writer out = done();
  for (const DirEntry& entry : entries) {
    out.text(entry.name);
    out.bits(entry.directory);
    out.put(entry.size);
  }
  return std::move(out).message();
}

Message encode(const std::vector<std::byte>& contents) {
  Writer out = done();
  out.put(Bytes(contents));
  return std::move(out).message();
}

Message encode_done() {
  return done().message();
}

namespace {

Message ask(HostVolume& volume, const ReaderRequest& request) {
  switch (request.ask) {
    case Ask::State:
      return encode_answer(volume.state());
    case Ask::Layout:
      return encode_answer(volume.layout(request.path));
    case Ask::Spelling:
      return encode_answer(volume.spelling(request.path));
    case Ask::List:
      return encode_answer(volume.list(request.path));
    case Ask::ReadFile:
      return encode_answer(volume.read_file(request.path, cap_of(request)));
    case Ask::CheckAllocation:
      break;
  }
  return encode_answer(volume.check_allocation(request.path));
}

}  // namespace

Message answer(HostVolume& volume, const ReaderRequest& request) {
  Message message = ask(volume, request);
  if (message.size() <= max_answer(request)) return message;
  return encode(Error{Code::NoMemory, 0, concat(printable(request.path.text()), ": there is too much of it")});
}

Result<Answer> decode_answer(Bytes message) {
  Cursor in(message);
  const auto status = in.take<std::uint8_t>();
  if (!in.good()) return fail(Code::Corrupt, "an empty answer");
  if (status == static_cast<std::uint8_t>(Status::Done)) return Answer{.error = {}, .body = in.take(in.left())};
  in.require(status == static_cast<std::uint8_t>(Status::Failed));
  const auto code = in.take<std::uint8_t>();
  in.require(code <= static_cast<std::uint8_t>(Code::NoMemory));
  const auto sys_errno = in.take<std::uint16_t>();
  in.require(sys_errno < 4096);
  const std::string_view text = as_text(in.take(in.take<std::uint16_t>()));
  in.require(!text.empty() && text.size() <= kMaxErrorText);
  return checked(in, Answer{.error = Error{static_cast<Code>(code), sys_errno, printable(text)}, .body = {}},
                 "no error");
}

Result<VolumeFacts> decode_facts(Bytes body, std::uint64_t partition_size) {
  Cursor in(body);
  const auto kind = in.take<std::uint8_t>();
  in.require(kind <= static_cast<std::uint8_t>(Kind::Exfat));
  VolumeFacts facts{.kind = kind == static_cast<std::uint8_t>(Kind::Ntfs) ? Kind::Ntfs : Kind::Exfat};
  facts.label = in.text(kMaxName);
  facts.serial_text = in.text(kMaxName);
  in.require(is_serial(facts.kind, facts.serial_text));
  facts.cluster_size = in.number(kMaxCluster);
  in.require(facts.cluster_size >= kSectorSize && std::has_single_bit(facts.cluster_size));
  facts.volume_size = in.number(partition_size);
  in.require(facts.volume_size > 0);
  return checked(in, std::move(facts), "no such volume");
}

Result<VolumeState> decode_state(Bytes body) {
  Cursor in(body);
  const unsigned bits = in.bits(5);
  return checked(in,
                 VolumeState{.dirty = (bits & 1) != 0,
                             .journal_pending = (bits & 2) != 0,
                             .hibernated = (bits & 4) != 0,
                             .chkdsk_scheduled = (bits & 8) != 0,
                             .media_failure = (bits & 16) != 0},
                 "no such state");
}

Result<FileLayout> decode_layout(Bytes body, const VolumeFacts& facts) {
  Cursor in(body);
  FileLayout layout;
  const unsigned bits = in.bits(5);
  layout.directory = (bits & 1) != 0;
  layout.resident = (bits & 2) != 0;
  layout.sparse = (bits & 4) != 0;
  layout.compressed = (bits & 8) != 0;
  layout.encrypted = (bits & 16) != 0;
  layout.size = in.number(kMaxFile);
  layout.valid_size = in.number(layout.size);
  layout.allocated_size = in.number(kMaxFile);
  layout.reparse_tag = in.take<std::uint32_t>();
  in.require(in.left() % kExtentBytes == 0 && in.left() / kExtentBytes <= kMaxExtents);
  if (layout.directory || layout.resident) in.require(in.left() == 0);
  ExtentList extents(layout.size, facts.volume_size);
  while (in.left() > 0) {
    const Extent extent{
        .logical = in.take<std::uint64_t>(), .physical = in.take<std::uint64_t>(), .length = in.take<std::uint64_t>()};
    // The boot sector is no file's, and a file begins and goes on with whole clusters.
    in.require(extent.length != 0 && extent.logical < layout.size && extent.length <= layout.size - extent.logical &&
               extent.logical % facts.cluster_size == 0 && extent.physical != 0 && extent.physical % kSectorSize == 0);
    if (!in.good()) break;
    TRY(extents.add(extent.logical, extent.physical, extent.length));
  }
  if (!in.complete()) return fail(Code::Corrupt, "no such file");
  layout.extents = TRY(std::move(extents).finish());
  return layout;
}

Result<Path> decode_spelling(Bytes body, const Path& asked) {
  Cursor in(body);
  Path path = in.path();
  in.require(path.components().size() == asked.components().size());
  return checked(in, std::move(path), "no such path");
}

Result<std::vector<DirEntry>> decode_list(Bytes body) {
  Cursor in(body);
  std::vector<DirEntry> entries;
  while (in.left() > 0) {
    in.require(entries.size() < kMaxListed);
    DirEntry entry{.name = in.text(kMaxName)};
    entry.directory = in.bits(1) != 0;
    entry.size = in.number(entry.directory ? 0 : UINT64_MAX);
    if (in.good()) entries.push_back(std::move(entry));
  }
  return checked(in, std::move(entries), "no such directory");
}

Result<std::vector<std::byte>> decode_contents(Bytes body, std::uint64_t cap) {
  if (body.size() > cap) return fail(Code::Corrupt, "more of a file than was asked for");
  return std::vector<std::byte>(body.begin(), body.end());
}

Result<void> decode_done(Bytes body) {
  if (!body.empty()) return fail(Code::Corrupt, "an answer where none was asked for");
  return {};
}

}  // namespace vhdboot::volume
