// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/growth.h"

#include <algorithm>
#include <optional>

#include "base/range.h"
#include "base/text.h"
#include "disk/gpt.h"
#include "disk/mbr.h"
#include "vhd/conversion.h"
#include "vhd/image.h"
#include "vhd/old_footer.h"

namespace vhdboot::vhd {
namespace {

/// Where the last sector that is not all zeros begins; nothing when there is none.
Result<std::optional<std::uint64_t>> last_used_sector(const ByteFile& file) {
  constexpr std::uint64_t kChunk = kMiB;
  std::vector<std::byte> chunk;
  std::uint64_t end = align_up(file.data_end(file.size()), kSectorSize);
  while (end > 0) {
    const std::uint64_t start = (end - 1) / kChunk * kChunk;
    chunk.assign(static_cast<std::size_t>(end - start), std::byte{0});
    const std::uint64_t stored = std::min(end, file.size()) - start;
    TRY(file.read(start, MutableBytes(chunk).first(static_cast<std::size_t>(stored))));
    for (std::uint64_t sector = end; sector > start; sector -= kSectorSize)
      if (!is_zero(Bytes(chunk).subspan(static_cast<std::size_t>(sector - kSectorSize - start), kSectorSize)))
        return std::optional(sector - kSectorSize);
    end = start;
  }
  return std::optional<std::uint64_t>();
}

std::optional<Footer> fixed_footer_at(const ByteFile& file, std::uint64_t offset) {
  FooterBytes sector{};
  if (offset > file.size() || file.size() - offset < kFooterSize || !file.read(offset, sector)) return std::nullopt;
  const auto footer = parse_footer(sector);
  if (!footer || footer->type != DiskType::Fixed || footer->current_size != offset) return std::nullopt;
  return *footer;
}

std::unexpected<Refusal> refuse_other(const ByteFile& file, std::string_view file_name) {
  const auto info = recognise(file, file_name);
  if (!info) return std::unexpected(Refusal(info.error()));
  if (info->format == Format::Raw)
    return refuse(Reason::OtherFormat, concat("it is no fixed VHD: it ends without a footer; if it is a raw image, ",
                                              "`raw2vhd \"", file_name, "\"` makes it one"));
  return refuse(Reason::OtherFormat, conversion_advice(info->format, file_name));
}

/// What lies on the disk that ended at `payload_size`.
Attempt<DiskFacts> facts_of(const ByteFile& file, std::uint64_t payload_size) {
  const SliceSource disk(file, 0, payload_size);
  const auto gpt = TRY_IN("its partition table", disk::read_gpt(disk));
  DiskFacts facts;
  if (gpt) facts.gpt_disk_end = gpt->disk_end();
  facts.partitions_end = gpt ? gpt->partitions_end : TRY(disk::mbr_partitions_end(disk));
  if (facts.partitions_end > payload_size)
    return refuse(Reason::Damaged, concat("its partitions reach to byte ", facts.partitions_end,
                                          ", but its disk has only ", payload_size, ": a part of it is missing"));
  return facts;
}

/// An old footer of the same disk, before its present end and behind its partitions.
bool is_old_footer(const ByteFile& file, const GrowthStart& start, const DiskFacts& facts, std::uint64_t place) {
  if (place >= start.payload_size || place < facts.partitions_end) return false;
  const auto old = fixed_footer_at(file, place);
  return old && old->uuid == start.footer.uuid;
}

/// Behind the last partition disks commonly have less than this: partitions end at a multiple of 1 MiB, and a GPT
/// comes behind them.
constexpr std::uint64_t kUsualRest = 2 * kMiB;

/// Where footers begin in the space behind the partitions that a disk has at least.
Result<std::vector<std::uint64_t>> cookies_behind_partitions(const ByteFile& file, const GrowthStart& start,
                                                             std::uint64_t partitions_end) {
  const std::uint64_t from = align_up(partitions_end, kSectorSize);
  if (from >= start.payload_size) return std::vector<std::uint64_t>();
  std::vector<std::byte> space(static_cast<std::size_t>(std::min(kUsualRest, start.payload_size - from)));
  TRY(file.read(from, space));
  std::vector<std::uint64_t> places;
  for (std::size_t at = 0; at + kSectorSize <= space.size(); at += kSectorSize)
    if (has_footer_cookie(Bytes(space).subspan(at, kSectorSize))) places.push_back(from + at);
  return places;
}

}  // namespace

Attempt<GrowthStart> find_growth_start(const ByteFile& file, std::string_view file_name) {
  if (file.size() <= kFooterSize) return refuse_other(file, file_name);
  if (const auto footer = fixed_footer_at(file, file.size() - kFooterSize))
    return GrowthStart{*footer, file.size() - kFooterSize, false};
  FooterBytes tail{};
  TRY_IN("reading the end of the file", file.read(file.size() - kFooterSize, tail));
  if (has_footer_cookie(tail) || TRY(foreign_format(file))) return refuse_other(file, file_name);
  if (const auto sector = TRY_IN("looking for its footer", last_used_sector(file)))
    if (const auto footer = fixed_footer_at(file, *sector)) return GrowthStart{*footer, *sector, true};
  return refuse_other(file, file_name);
}

bool is_unfinished_growth(const ByteFile& file, const GrowthStart& start, std::uint64_t old_payload) {
  if (start.interrupted) return false;
  const auto facts = facts_of(file, start.payload_size);
  return facts && is_old_footer(file, start, *facts, old_payload);
}

Attempt<std::vector<std::uint64_t>> unfinished_growths(const ByteFile& file, const GrowthStart& start) {
  std::vector<std::uint64_t> places;
  if (start.interrupted) return places;
  const DiskFacts facts = TRY(facts_of(file, start.payload_size));
  if (facts.partitions_end > 0)
    places = TRY_IN("looking for an old footer", cookies_behind_partitions(file, start, facts.partitions_end));
  for (const OldFooter& old : TRY(find_old_footers(file, facts))) places.push_back(old.offset);
  std::ranges::sort(places);
  places.erase(std::ranges::unique(places).begin(), places.end());
  std::erase_if(places, [&](std::uint64_t place) { return !is_old_footer(file, start, facts, place); });
  return places;
}

Attempt<void> check_growth(const ByteFile& file, const GrowthStart& start, std::uint64_t new_payload) {
  if (new_payload > kMaxPayload)
    return refuse(Reason::TooLarge, concat("a disk of ", human_size(new_payload), " (", new_payload,
                                           " bytes) is above the 2040 GiB that a VHD can hold"));
  if (new_payload < start.payload_size)
    return refuse(Reason::WrongSize,
                  concat("its disk has ", human_size(start.payload_size), " (", start.payload_size,
                         " bytes) already, more than the ", new_payload, " asked for: a disk is never made smaller"));
  if (new_payload - start.payload_size < kLeastGrowth)
    return refuse(Reason::WrongSize, concat("its disk of ", start.payload_size, " bytes would grow by only ",
                                            new_payload - start.payload_size, "; the least is ", kLeastGrowth));
  TRY(facts_of(file, start.payload_size));
  return {};
}

Attempt<std::vector<disk::DiskWrite>> plan_growth(const ByteFile& file, const GrowthStart& start,
                                                  std::uint64_t new_payload) {
  const Footer footer = TRY(resized(start.footer, new_payload));
  const FooterBytes bytes = serialise(footer);
  std::vector<disk::DiskWrite> writes{{new_payload, {bytes.begin(), bytes.end()}, "footer"}};
  // After step 2 the table names the new end, so it is read as one of the new disk.
  const SliceSource disk(file, 0, new_payload);
  if (const auto gpt = TRY_IN("its partition table", disk::read_gpt(disk)))
    for (disk::DiskWrite& write : TRY(disk::move_backup(disk, *gpt, new_payload))) writes.push_back(std::move(write));
  auto old_footers = TRY(unfinished_growths(file, start));
  if (start.payload_size != new_payload) old_footers.push_back(start.payload_size);
  for (const std::uint64_t place : old_footers)
    writes.push_back({place, std::vector<std::byte>(kFooterSize), "zeros over the old footer"});
  return writes;
}

Attempt<void> write_growth(ByteFile& file, const GrowthStart& start, std::uint64_t new_payload) {
  // When it is there already, an earlier run came so far and the file needs its size.
  const auto has_new_footer = [&] { return fixed_footer_at(file, new_payload).has_value(); };
  Conversion conversion;
  conversion.writes = TRY(plan_growth(file, start, new_payload));
  conversion.file_size = has_new_footer() ? file.size() : start.payload_size + kFooterSize;
  auto written = convert(file, conversion);
  if (!written && has_new_footer()) {
    Error& error = written.error().error;
    error.text = concat(error.message(), "; run the same command again to complete it");
    error.sys_errno = 0;
  }
  return written;
}

}  // namespace vhdboot::vhd
