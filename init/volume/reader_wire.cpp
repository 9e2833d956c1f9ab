// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/reader_wire.h"

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <utility>

#include "base/text.h"
#include "base/wire.h"
#include "init/volume/extents.h"

namespace vhdboot::volume {
namespace {

constexpr std::size_t kMaxName = 1024;       // bytes of a name or a label: 255 UTF-16 units take 765
constexpr std::size_t kSmall = 256 * kKiB;   // a path of the greatest depth, or an error
constexpr std::size_t kExtentBytes = 3 * 8;  // on the wire
constexpr std::uint64_t kMaxCluster = 32 * kMiB;
constexpr std::uint64_t kMaxFile = INT64_MAX;

enum class Status : std::uint8_t { Done, Failed };

using wire::Cursor;
using wire::Writer;

void put(Writer& out, Status status) {
  out.put(static_cast<std::uint8_t>(status));
}

void put(Writer& out, const Path& path) {
  out.put(static_cast<std::uint8_t>(path.components().size()));
  for (const std::string& name : path.components()) out.text(name);
}

Path take_path(Cursor& in) {
  Path path;
  for (unsigned left = in.take<std::uint8_t>(); left > 0; --left) {
    auto longer = path.child(in.text(kMaxName));
    in.require(longer.has_value());
    if (!longer) break;
    path = *std::move(longer);
  }
  return path;
}

Writer done() {
  Writer out;
  put(out, Status::Done);
  return out;
}

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
  put(out, request.path);
  return std::move(out).message();
}

Result<ReaderRequest> decode_request(Bytes message) {
  Cursor in(message);
  constexpr std::array kAsks{Ask::State,    Ask::Layout,          Ask::Spelling,  Ask::List,
                             Ask::ReadFile, Ask::CheckAllocation, Ask::ShowFolder};
  const std::size_t ask = in.take<std::uint8_t>();
  in.require(ask < kAsks.size());
  ReaderRequest request{
      .ask = ask < kAsks.size() ? kAsks.at(ask) : Ask::State, .path = {}, .cap = in.take<std::uint64_t>()};
  request.path = take_path(in);
  return checked(in, std::move(request), "no request");
}

Message encode(const Error& error) {
  Writer out;
  put(out, Status::Failed);
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
  out.bits(layout.directory, layout.resident, layout.sparse, layout.compressed, layout.encrypted,
           layout.modified.has_value());
  out.put(layout.size);
  out.put(layout.valid_size);
  out.put(layout.allocated_size);
  out.put(layout.reparse_tag);
  out.put(static_cast<std::uint64_t>(layout.modified.value_or(0)));
  for (const Extent& extent : layout.extents) {
    out.put(extent.logical);
    out.put(extent.physical);
    out.put(extent.length);
  }
  return std::move(out).message();
}

Message encode(const Path& path) {
  Writer out = done();
  put(out, path);
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
    case Ask::ShowFolder:
      return encode(Error{Code::Unsupported, 0, "no answer is one message"});
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
  const unsigned bits = in.bits(6);
  layout.directory = (bits & 1) != 0;
  layout.resident = (bits & 2) != 0;
  layout.sparse = (bits & 4) != 0;
  layout.compressed = (bits & 8) != 0;
  layout.encrypted = (bits & 16) != 0;
  layout.size = in.number(kMaxFile);
  layout.valid_size = in.number(layout.size);
  layout.allocated_size = in.number(kMaxFile);
  layout.reparse_tag = in.take<std::uint32_t>();
  if (const auto time = static_cast<std::int64_t>(in.take<std::uint64_t>()); (bits & 32) != 0) layout.modified = time;
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
  Path path = take_path(in);
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
