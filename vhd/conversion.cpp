// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/conversion.h"

#include <algorithm>
#include <initializer_list>

#include "base/range.h"
#include "base/text.h"
#include "base/units.h"
#include "disk/gpt.h"
#include "disk/mbr.h"
#include "vhd/image.h"
#include "vhd/old_footer.h"

namespace vhdboot::vhd {
namespace {

// A file as it looks once zeros have filled it up to a multiple of 512 bytes.
class PaddedSource final : public ByteSource {
 public:
  explicit PaddedSource(const ByteFile& file) : file_(file) {}
  [[nodiscard]] std::uint64_t size() const override { return align_up(file_.size(), kSectorSize); }
  [[nodiscard]] std::uint64_t padding() const { return size() - file_.size(); }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    if (offset > size() || out.size() > size() - offset) return fail(Code::Corrupt, "read past the end");
    const std::uint64_t stored = offset < file_.size() ? std::min<std::uint64_t>(out.size(), file_.size() - offset) : 0;
    const auto split = static_cast<std::size_t>(stored);
    std::ranges::fill(out.subspan(split), std::byte{0});
    return file_.read(offset, out.first(split));
  }

 private:
  const ByteFile& file_;
};

// How round a number of bytes is: as people write sizes, in steps of a file system's blocks, or neither.
int roundness(std::uint64_t size) {
  if (size % kMiB == 0 || size % 1'000'000 == 0) return 2;
  return size % 4096 == 0 ? 1 : 0;
}

// A growth below it is what the person asked for, even where it happens to end at a round size.
constexpr std::uint64_t kLeastGrowthToASize = 64 * kKiB;

// What is known of the disk in the file, and how it is to become a VHD.
class Planner {
 public:
  Planner(const ByteFile& file, const ConversionOptions& options)
      : file_(file), disk_(file), options_(options), end_(disk_.size()) {
    plan_.file_size = file.size();
  }

  Attempt<Conversion> plan() && {
    if (plan_.file_size == 0) return refuse(Reason::WrongSize, "the file is empty");
    FooterBytes tail{};
    TRY_IN("reading the end of the file", disk_.read(end_ - kFooterSize, tail));
    if (has_footer_cookie(tail)) {
      TRY(plan_with_footer(tail));
    } else {
      TRY(plan_without_footer(is_zero(tail)));
    }
    TRY(plan_gpt());
    return std::move(plan_);
  }

 private:
  // The file ends in a footer: nothing to do, unless it is wrong or another UUID is asked for.
  Attempt<void> plan_with_footer(Bytes tail) {
    const auto parsed = parse_footer(tail);
    if (!parsed)
      return refuse(Reason::Damaged, concat(parsed.error().text, "; if the rest of the file is sound, cut it off with ",
                                            "`truncate -s -512 \"", options_.file_name, "\"` and run raw2vhd again"));
    if (parsed->type == DiskType::Dynamic) return refuse_format(Format::DynamicVhd);
    if (parsed->type == DiskType::Differencing) return refuse_format(Format::DifferencingVhd);
    TRY(check_padding());
    plan_.payload_size = end_ - kFooterSize;
    if (plan_.payload_size == 0) return refuse(Reason::WrongSize, "the file holds a VHD footer and nothing else");
    plan_.old_payload_size = parsed->current_size;
    TRY(read_tables(plan_.payload_size));
    const bool right = parsed->current_size == plan_.payload_size && disk_.padding() == 0;
    if (!right) TRY(check_not_cut_off());
    TRY(set_footer(right ? *parsed : TRY(resize(*parsed))));
    const bool same = right && plan_.footer == *parsed;
    plan_.change = same ? Change::None : Change::Resized;
    if (!same) add_footer_write();

    // One that an interrupted run left: it belongs to this disk only if it says so. The footer at the end is data, in a
    // block of its file system.
    const std::uint64_t payload = plan_.payload_size;
    for (const OldFooter& old :
         TRY(find_old_footers(disk_, facts({payload - payload % 4096, payload - payload % 65536}))))
      if (old.footer.uuid == parsed->uuid || old.footer.timestamp == parsed->timestamp) add_wipe(old);
    return {};
  }

  Attempt<void> plan_without_footer(bool tail_is_zero) {
    if (const auto format = TRY(foreign_format(disk_))) return refuse_format(*format);
    TRY(check_padding());
    TRY(read_tables(end_));
    TRY(check_not_cut_off());
    const auto old_footers = TRY(find_old_footers(disk_, facts({plan_.file_size})));
    if (old_footers.empty()) {
      plan_.change = Change::Created;
      plan_.payload_size = tail_is_zero && has_room_behind_gpt() ? end_ - kFooterSize : end_;
      plan_.old_payload_size = plan_.payload_size;
      TRY(check_limit());
      TRY(set_footer(TRY(make_fixed_footer(plan_.payload_size, options_.fresh_uuid, options_.now))));
      add_footer_write();
      return {};
    }
    const OldFooter& last = old_footers.back();
    plan_.change = Change::Grown;
    plan_.old_payload_size = last.offset;
    plan_.payload_size = tail_is_zero && !means_absolute_size(last) ? end_ - kFooterSize : end_;
    TRY(set_footer(TRY(resize(last.footer))));
    add_footer_write();
    for (const OldFooter& old : old_footers) add_wipe(old);
    return {};
  }

  Attempt<void> plan_gpt() {
    if (!gpt_) {
      if (options_.relocate_gpt) plan_.hints.emplace_back("there is no GPT: nothing to relocate");
      return {};
    }
    if (options_.relocate_gpt) {
      for (disk::DiskWrite& write : TRY(disk::move_backup(disk_, *gpt_, plan_.payload_size)))
        plan_.writes.push_back(std::move(write));
    } else if (disk::backup_is_inside(*gpt_, plan_.payload_size)) {
      plan_.hints.push_back(concat("its backup partition table still lies where the disk used to end: `raw2vhd ",
                                   "--relocate-gpt \"", options_.file_name,
                                   "\"` moves it, or `sgdisk -e` in the guest"));
    }
    return {};
  }

  // `disk_size`: of the part of the file that can be the disk's.
  Attempt<void> read_tables(std::uint64_t disk_size) {
    const SliceSource disk(disk_, 0, disk_size);
    auto gpt = disk::read_gpt(disk);
    // Without --relocate-gpt a damaged table is the guest's affair: it only tells less about the disk.
    if (!gpt && (gpt.error().code != Code::Corrupt || options_.relocate_gpt)) return std::unexpected(gpt.error());
    if (gpt) gpt_ = std::move(*gpt);
    partitions_end_ = gpt_ ? gpt_->partitions_end : TRY(disk::mbr_partitions_end(disk));
    return {};
  }

  // The data ends before the first of the `limits` that has a hole in front of it.
  [[nodiscard]] DiskFacts facts(std::initializer_list<std::uint64_t> limits) const {
    DiskFacts facts{gpt_ ? std::optional(gpt_->disk_end()) : std::nullopt, partitions_end_, std::nullopt};
    for (const std::uint64_t limit : limits)
      if (const std::uint64_t data_end = file_.data_end(limit); !facts.data_end && data_end < limit)
        facts.data_end = data_end;
    return facts;
  }

  Attempt<void> check_padding() const {
    if (disk_.padding() == 0) return {};
    TRY(check_no_misplaced_footer());
    if (options_.pad) return {};
    return refuse(Reason::WrongSize, concat("its size of ", plan_.file_size, " bytes is not a multiple of 512; ",
                                            "--pad fills it up with ", disk_.padding(), " zeros"));
  }

  // A footer behind a disk of an odd size would become a part of the disk if zeros were put behind it.
  Attempt<void> check_no_misplaced_footer() const {
    if (plan_.file_size <= kFooterSize) return {};
    FooterBytes tail{};
    TRY_IN("reading the end of the file", disk_.read(plan_.file_size - kFooterSize, tail));
    if (!has_footer_cookie(tail)) return {};
    return refuse(Reason::Damaged, concat("the disk before its VHD footer has ", plan_.file_size - kFooterSize,
                                          " bytes, not a multiple of 512; cut the footer off with `truncate -s -512 \"",
                                          options_.file_name, "\"` and run `raw2vhd --pad`"));
  }

  Attempt<void> check_not_cut_off() const {
    if (!gpt_ || gpt_->partitions_end <= end_) return {};
    return refuse(Reason::Damaged, concat("its partitions reach to byte ", gpt_->partitions_end,
                                          ", but the file has only ", plan_.file_size, ": a part of it is missing"));
  }

  Attempt<void> check_limit() const {
    if (plan_.payload_size <= kMaxPayload) return {};
    return refuse(Reason::TooLarge, concat("a disk of ", human_size(plan_.payload_size), " (", plan_.payload_size,
                                           " bytes) is above the 2040 GiB that a VHD can hold"));
  }

  std::unexpected<Refusal> refuse_format(Format format) const {
    return refuse(Reason::OtherFormat, conversion_advice(format, options_.file_name));
  }

  // The raw image ends in one sector of zeros that its GPT does not know: the room for a footer, either left by an
  // append that lost power or prepared by a person.
  [[nodiscard]] bool has_room_behind_gpt() const { return gpt_ && gpt_->disk_end() == end_ - kFooterSize; }

  [[nodiscard]] bool means_absolute_size(const OldFooter& old) const {
    const std::uint64_t claimed = std::max(gpt_ ? gpt_->disk_end() : 0, partitions_end_);
    if (claimed > end_ - kFooterSize) return true;
    const std::uint64_t growth = end_ - (old.offset + kFooterSize);
    return growth >= kLeastGrowthToASize && roundness(end_) > roundness(growth);
  }

  Attempt<Footer> resize(const Footer& footer) const {
    TRY(check_limit());
    return TRY(resized(footer, plan_.payload_size));
  }

  Attempt<void> set_footer(const Footer& footer) {
    plan_.footer = footer;
    if (options_.uuid) plan_.footer.uuid = *options_.uuid;
    plan_.new_file_size = plan_.payload_size + kFooterSize;
    return {};
  }

  void add_footer_write() {
    const FooterBytes bytes = serialise(plan_.footer);
    disk::DiskWrite write{plan_.payload_size, {}, "footer"};
    if (plan_.payload_size == end_) {  // appended: what pads the file belongs to the same write
      write.offset = plan_.file_size;
      write.data.resize(static_cast<std::size_t>(disk_.padding()));
    }
    write.data.insert(write.data.end(), bytes.begin(), bytes.end());
    plan_.writes.push_back(std::move(write));
  }

  void add_wipe(const OldFooter& old) {
    plan_.writes.push_back({old.offset, std::vector<std::byte>(kFooterSize), "zeros over the old footer"});
  }

  const ByteFile& file_;
  PaddedSource disk_;
  const ConversionOptions& options_;
  std::uint64_t end_;  // of the padded file
  std::optional<disk::Gpt> gpt_;
  std::uint64_t partitions_end_ = 0;
  Conversion plan_;
};

}  // namespace

std::string_view name(Change change) {
  switch (change) {
    case Change::None:
      return "unchanged";
    case Change::Created:
      return "created";
    case Change::Grown:
      return "grown";
    case Change::Resized:
      return "resized";
  }
  return "unchanged";
}

Attempt<Conversion> plan_conversion(const ByteFile& file, const ConversionOptions& options) {
  return Planner(file, options).plan();
}

Attempt<void> convert(ByteFile& file, const Conversion& conversion) {
  for (const disk::DiskWrite& write : conversion.writes) {
    auto written = file.write(write.offset, write.data);
    if (written) continue;
    Error error = std::move(written).error().within(concat("writing the ", write.what, " at byte ", write.offset));
    if (&write == &conversion.writes.front() && file.size() != conversion.file_size)
      if (const auto restored = file.resize(conversion.file_size); !restored)
        error.text += concat(" (and the file could not get its old size back: ", restored.error().message(), ")");
    return std::unexpected(std::move(error));
  }
  return {};
}

}  // namespace vhdboot::vhd
