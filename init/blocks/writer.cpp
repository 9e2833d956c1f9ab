// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/writer.h"

#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "base/range.h"
#include "base/text.h"
#include "base/units.h"
#include "init/blocks/exception_store.h"
#include "vhd/image.h"

namespace vhdboot::blocks {
namespace {

// drivers/md/dm-snap-persistent.c: a header, then lists of one piece, each before the pieces that it tells of, with 16
// bytes for each.
constexpr std::uint64_t kPiece = kStorePiece;
constexpr std::uint64_t kListed = kPiece / 16;
constexpr std::uint64_t kEarlierPiece = 4 * kKiB;  // of scratch files that an earlier vhdboot has used

}  // namespace

Result<Writer> memory_writer(std::uint64_t wanted, std::uint64_t memory) {
  const auto refuse = [&](std::string_view why) {
    return fail(Code::Unsupported, concat("what the guest writes cannot be kept in ", human_size(wanted), " of the ",
                                          human_size(memory), " of memory: ", why));
  };
  if (memory < kMinLeftMemory || wanted > memory - kMinLeftMemory)
    return refuse(concat("the guest needs at least ", human_size(kMinLeftMemory), " for itself"));
  if (wanted < kMinStore) return refuse(concat("give it at least ", human_size(kMinStore), " with `ephemeral`"));
  return Writer{.kind = WriterKind::Memory, .store_size = whole_store(wanted)};
}

Result<Writer> file_writer(std::uint64_t size, std::uint64_t memory) {
  constexpr std::uint64_t kEntry = 32;  // struct dm_exception in drivers/md/dm-exception-store.h
  const std::uint64_t pieces = memory / 4 / kEntry;
  if (size < kMinStore || pieces < kMinStore / kPiece)
    return fail(Code::Unsupported,
                concat("it has ", human_size(size), ", a scratch file takes at least ", human_size(kMinStore)));
  return Writer{.kind = WriterKind::File, .store_size = whole_store(std::min(size / kPiece, pieces) * kPiece)};
}

Result<void> check_scratch(const ByteSource& file) {
  // Whatever marks a file system, a partition table or a volume manager lies in the first MiB, or is a VHD's footer.
  std::vector<std::byte> start(std::min<std::uint64_t>(file.size(), kMiB));
  TRY(file.read(0, start));
  const auto info = vhd::recognise(file);
  const bool is_image = !info || info->format != vhd::Format::Raw;
  const bool is_store = has_snapshot_header(start, kPiece) || has_snapshot_header(start, kEarlierPiece);
  if (!is_image && (is_zero(start) || is_store)) return {};
  return fail(Code::Unsupported,
              "something else is in it, which would be written over: make a new scratch file of zeroes, for example "
              "with \"dd if=/dev/zero of=FILE bs=1M count=4096\"");
}

std::uint64_t whole_store(std::uint64_t most) {
  const std::uint64_t pieces = most / kPiece;
  if (pieces < 3) return 0;
  const bool ends_with_whole_list = (pieces - 1) % (kListed + 1) == 0;
  return (ends_with_whole_list ? pieces - 1 : pieces) * kPiece;
}

std::optional<StoreUse> parse_store_use(std::string_view status) {
  if (status == "Overflow") return StoreUse{.state = StoreUse::State::Full};
  if (status == "Invalid") return StoreUse{.state = StoreUse::State::Lost};
  const std::size_t slash = status.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::size_t blank = status.find(' ', slash);
  const auto used = parse_u64(status.substr(0, slash));
  const auto size = parse_u64(status.substr(slash + 1, blank == std::string_view::npos ? blank : blank - slash - 1));
  if (!used || !size || *size == 0 || *used > *size || *size > UINT64_MAX / kSectorSize) return std::nullopt;
  return StoreUse{.used = *used * kSectorSize, .size = *size * kSectorSize};
}

unsigned percent(const StoreUse& use, std::uint64_t available) {
  if (use.state != StoreUse::State::Good) return 100;
  const std::uint64_t all = use.used + std::min(use.size - use.used, available);
  return all < 100 ? 99 : static_cast<unsigned>(std::min<std::uint64_t>(use.used / (all / 100), 99));
}

std::optional<std::string> space_warning(unsigned before, unsigned now, const StoreUse& use, WriterKind kind) {
  const std::string_view store = kind == WriterKind::File ? "the scratch file" : "the memory";
  if (use.state == StoreUse::State::Lost && before < 100)
    return concat(store, " for what the guest writes has failed: its disk cannot be read any more, restart");
  if (use.state == StoreUse::State::Full && before < 100)
    return concat(store, " for what the guest writes is full: nothing more can be written, restart for a fresh one");
  for (const unsigned mark : {97U, 90U, 70U})
    if (before < mark && now >= mark)
      return concat(store, " for what the guest writes is ", now, "% full, with ", human_size(use.used),
                    ": when it is full nothing more can be written");
  return std::nullopt;
}

std::string to_text(const StoreUse& use) {
  switch (use.state) {
    case StoreUse::State::Full:
      return "state full\n";
    case StoreUse::State::Lost:
      return "state lost\n";
    case StoreUse::State::Good:
      break;
  }
  return concat("state good\nused ", use.used, "\nsize ", use.size, '\n');
}

}  // namespace vhdboot::blocks
