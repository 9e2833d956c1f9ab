// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/exception_store.h"

#include <algorithm>
#include <bit>

#include "base/text.h"
#include "base/units.h"

namespace vhdboot::blocks {
namespace {

// struct disk_header
constexpr std::uint32_t kMagic = 0x70416e53;
constexpr std::size_t kValid = 4;
constexpr std::size_t kVersion = 8;
constexpr std::size_t kChunkSectors = 12;

// struct disk_exception
constexpr std::size_t kPair = 16;

constexpr std::uint64_t kMinChunk = 4 * kKiB;
// Of what lies below: their number decides how much memory is taken.
constexpr std::uint64_t kMaxOldChunks = 64 * kMiB;

Exception pair_at(Bytes bytes, std::size_t offset) {
  return {.old_chunk = *load_le<std::uint64_t>(bytes, offset), .new_chunk = *load_le<std::uint64_t>(bytes, offset + 8)};
}

}  // namespace

bool has_snapshot_header(Bytes bytes, std::uint64_t chunk_size) {
  return load_le<std::uint32_t>(bytes, 0) == kMagic && load_le<std::uint32_t>(bytes, kVersion) == 1U &&
         load_le<std::uint32_t>(bytes, kChunkSectors) == chunk_size / kSectorSize;
}

ExceptionStore::ExceptionStore(std::uint64_t chunk_size, std::uint64_t old_chunks, std::uint64_t data_chunks)
    : chunk_size_(chunk_size),
      bytes_(static_cast<std::size_t>(kFirstDataChunk * chunk_size)),
      old_taken_(static_cast<std::size_t>(old_chunks)),
      new_taken_(static_cast<std::size_t>(data_chunks)) {
  fresh_.reserve(static_cast<std::size_t>(data_chunks));
}

Result<ExceptionStore> ExceptionStore::make(std::uint64_t chunk_size, std::uint64_t old_chunks,
                                            std::uint64_t data_chunks) {
  if (chunk_size < kMinChunk || chunk_size > kMaxChunk || !std::has_single_bit(chunk_size) || old_chunks == 0 ||
      old_chunks > kMaxOldChunks || data_chunks == 0 || data_chunks > most_data_chunks(chunk_size))
    return fail(Code::Invalid, concat("a snapshot of ", old_chunks, " chunks of ", chunk_size,
                                      " bytes cannot have a store of ", data_chunks));
  return ExceptionStore(chunk_size, old_chunks, data_chunks);
}

Result<Bytes> ExceptionStore::read(std::uint64_t offset, std::uint64_t length) const {
  const auto part = slice(bytes_, offset, length);
  if (!part) return fail(Code::Corrupt, concat("the kernel reads byte ", offset, " of the metadata of a snapshot"));
  return *part;
}

Result<std::span<const Exception>> ExceptionStore::write(std::uint64_t offset, Bytes data) {
  fresh_.clear();
  if (!slice(bytes_, offset, data.size()) || offset % kSectorSize != 0 || data.size() % kSectorSize != 0)
    return fail(Code::Corrupt,
                concat("the kernel writes ", data.size(), " bytes to byte ", offset, " of the metadata of a snapshot"));
  for (; !data.empty(); data = data.subspan(kSectorSize), offset += kSectorSize) {
    const Bytes sector = data.first(kSectorSize);
    const auto known = bytes_.begin() + static_cast<std::ptrdiff_t>(offset);
    if (std::equal(sector.begin(), sector.end(), known)) continue;
    TRY(take_sector(offset, sector));
    std::ranges::copy(sector, known);
  }
  return fresh_;
}

Result<void> ExceptionStore::take_sector(std::uint64_t offset, Bytes sector) {
  if (offset == 0) return take_header(sector);
  if (offset < chunk_size_) return {};  // nothing follows the header
  const Bytes before = *slice(bytes_, offset, kSectorSize);
  for (std::size_t at = 0; at < kSectorSize; at += kPair) TRY(take_pair(pair_at(before, at), pair_at(sector, at)));
  return {};
}

Result<void> ExceptionStore::take_header(Bytes header) {
  const auto valid = load_le<std::uint32_t>(header, kValid);
  if (!has_snapshot_header(header, chunk_size_) || *valid > 1)
    return fail(Code::Corrupt, "the kernel writes the header of another snapshot");
  valid_ = *valid == 1;
  return {};
}

Result<void> ExceptionStore::take_pair(const Exception& before, const Exception& now) {
  if (now == before) return {};
  const auto refuse = [&](std::string_view why) {
    return fail(Code::Corrupt, concat("the kernel puts chunk ", now.old_chunk, " of a snapshot into chunk ",
                                      now.new_chunk, " of its store, ", why));
  };
  if (before != Exception{}) return refuse("where it had put another one");
  if (now.old_chunk >= old_taken_.size() || now.new_chunk < kFirstDataChunk ||
      now.new_chunk - kFirstDataChunk >= new_taken_.size())
    return refuse("and one of them is not there");
  auto old_taken = old_taken_[static_cast<std::size_t>(now.old_chunk)];
  auto new_taken = new_taken_[static_cast<std::size_t>(now.new_chunk - kFirstDataChunk)];
  if (old_taken || new_taken) return refuse("and one of them was taken before");
  old_taken = new_taken = true;
  fresh_.push_back(now);
  ++count_;
  return {};
}

}  // namespace vhdboot::blocks
