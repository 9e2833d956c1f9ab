// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/block_file.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "init/sys/random.h"
#include "tools/common/image_reader.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/interruption.h"
#include "tools/vhdtool/progress_show.h"
#include "vhd/dynamic_vhd_writer.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::tools;
using namespace vhdboot::vhd;

Attempt<void> check_format(const DiskInfo& info) {
  if (info.block_size != 0) return {};
  return refuse(Reason::OtherFormat,
                concat("it is a ", describe(info), " and has no blocks: all of its disk lies in it"));
}

// Zeros behind `start`, which a later reading finds without a hole.
Result<void> fill(SpaceFile& space, std::uint64_t start, std::uint64_t length) {
  TRY(space.reserve({start, length + kFooterSize}));
  {
    ProgressShow show(length);
    TRY(space.write_zeros({start, length}, Interruption::watch(show)));
  }
  TRY(space.sync());
  for (const Range& hole : TRY(space.missing()))
    if (hole.end() > start)
      return fail(Code::Unsupported, concat("its file system left a hole at byte ", hole.offset,
                                            " although zeros were written there: use another file system"));
  return {};
}

}  // namespace

// Otherwise what is written to it later would have none.
Attempt<void> check_places(const HostFile& file, const std::string& path) {
  SpaceFile space = TRY(SpaceFile::reopen(file.descriptor()));
  TRY(space.check_attributes());
  TRY(space.sync());
  if (TRY(space.missing()).empty() && TRY(space.allocated()) >= TRY(space.size())) return {};
  return fail(Code::Unsupported, concat("it has holes: run `vhdtool desparse \"", printable(path), "\"` first"));
}

Attempt<BlockFile> BlockFile::open(const std::string& path) {
  auto file = TRY(HostFile::open(path, Access::Change));
  auto disk = TRY(open_disk(*file, path, open_parent_beside));
  TRY(check_format(disk->info()));
  TRY(check_places(*file, path));
  if (disk->info().format != Format::Vhdx) {
    if (const auto footer = TRY(read_dynamic_footer(*file)); !footer.at_end) {
      TRY(put_footer_at_end(*file, footer, 0));
      disk = TRY(open_disk(*file, path, open_parent_beside));
    }
  }
  return BlockFile(std::move(file), std::move(disk));
}

Attempt<void> BlockFile::lengthen(std::uint64_t size) {
  const std::uint64_t old_size = file_->size();
  if (size <= old_size) return {};
  // A VHD stores places in 32 bits, in sectors.
  if (const std::uint64_t most = is_vhdx() ? kMaxVhdxFile : 2 * kTiB - kMiB; size > most)
    return refuse(Reason::TooLarge,
                  concat("it would have ", human_size(size), ", at most ", human_size(most), " are possible"));
  std::optional<DynamicFooter> footer;
  if (!is_vhdx()) footer = TRY(read_dynamic_footer(*file_));
  SpaceFile space = TRY(SpaceFile::reopen(file_->descriptor()));
  const std::uint64_t needed = size - old_size + kFooterSize;
  if (const std::uint64_t room = TRY(space.room()); room < needed)
    return refuse(Reason::NoRoom, concat("its file system has room for ", human_size(room), " (", room, " bytes), ",
                                         needed, " are needed"));
  auto filled = fill(space, old_size, size - old_size);
  if (filled) filled = file_->reload_size();
  if (filled && footer) filled = put_footer_at_end(*file_, *footer, old_size);
  if (filled) return {};
  Error error = std::move(filled).error();
  auto restored = space.resize(old_size);
  if (restored) restored = space.sync();
  // The new one may have been there, and the old one wiped.
  if (restored && footer) restored = file_->reload_size();
  if (restored && footer) restored = file_->write(old_size - kFooterSize, footer->bytes);
  error.text = is_stop(error) ? "stopped by a signal" : error.message();
  if (!is_stop(error)) error.sys_errno = 0;  // it is in the text now
  error.text += restored ? "; the file is as it was"
                         : concat("; the file could not get its old size back: ", restored.error().message());
  return std::unexpected(std::move(error));
}

Attempt<std::unique_ptr<VhdxWriter>> BlockFile::vhdx_writer() {
  return TRY(VhdxWriter::open(*file_, TRY(tool_guids()), TRY(sys::random_uuid())));
}

Result<AttachGuids> tool_guids() {
  return AttachGuids{TRY(sys::random_uuid()), std::nullopt};
}

}  // namespace vhdboot::vhdtool
