// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/growth.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "vhd/gpt.h"
#include "vhd/image.h"
#include "vhd/zero_runs.h"

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
Attempt<std::optional<Gpt>> table_of(const ByteFile& file, std::uint64_t payload_size) {
  auto gpt = TRY_IN("its partition table", read_gpt(SliceSource(file, 0, payload_size)));
  const std::uint64_t partitions_end =
      gpt ? gpt->partitions_end : TRY(mbr_partitions_end(SliceSource(file, 0, payload_size)));
  if (partitions_end > payload_size)
    return refuse(Reason::Damaged, concat("its partitions reach to byte ", partitions_end, ", but its disk has only ",
                                          payload_size, ": a part of it is missing"));
  return gpt;
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
  const auto old = fixed_footer_at(file, old_payload);
  return !start.interrupted && old_payload < start.payload_size && old && old->uuid == start.footer.uuid;
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
  TRY(table_of(file, start.payload_size));
  return {};
}

Attempt<std::vector<DiskWrite>> plan_growth(const ByteFile& file, const GrowthStart& start, std::uint64_t new_payload) {
  const Footer footer = TRY(resized(start.footer, new_payload));
  const FooterBytes bytes = serialise(footer);
  std::vector<DiskWrite> writes{{new_payload, {bytes.begin(), bytes.end()}, "footer"}};
  // After step 2 the table names the new end, so it is read as one of the new disk.
  const SliceSource disk(file, 0, new_payload);
  if (const auto gpt = TRY_IN("its partition table", read_gpt(disk)))
    for (DiskWrite& write : TRY(move_backup(disk, *gpt, new_payload))) writes.push_back(std::move(write));
  writes.push_back({start.payload_size, std::vector<std::byte>(kFooterSize), "zeros over the old footer"});
  return writes;
}

}  // namespace vhdboot::vhd
