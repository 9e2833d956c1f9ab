// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool rollback: a differencing image reads as its parent again.
#include <cstdio>
#include <memory>
#include <string>

#include "base/text.h"
#include "init/sys/random.h"
#include "tools/common/creation_time.h"
#include "tools/common/host_file.h"
#include "tools/common/image_reader.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/block_file.h"
#include "tools/vhdtool/child_file.h"
#include "tools/vhdtool/children.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/interruption.h"
#include "tools/vhdtool/merge_mark.h"
#include "tools/vhdtool/part_file.h"
#include "vhd/disk.h"
#include "vhd/roll_back.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::tools;
using namespace vhdboot::vhd;

constexpr std::string_view kHelp = R"(Usage: vhdtool rollback IMAGE

Makes the differencing image IMAGE read as its parent again: what was written
since `vhdtool snapshot` is gone. Its free space is the whole reserve again; the
file grows by a few MiB only when it has none. Nothing may have IMAGE open.

A VHDX is changed in place, by one step of its log. A VHD is made anew under the
name IMAGE.vhdtool-part, which takes the space of both for that time. A loss of
power, or Ctrl-C, leaves IMAGE as it was, or rolled back.

  -h, --help  this text

Example:
  vhdtool rollback /media/data/debian.vhdx
)";

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

Attempt<void> roll_back_in_place(const std::string& image) {
  auto file = TRY(BlockFile::open(image));
  for (bool longer = false;; longer = true) {
    const AttachGuids guids{.file_write = TRY(sys::random_uuid()), .data_write = TRY(sys::random_uuid())};
    auto writer = TRY(VhdxWriter::open(file.file(), guids, TRY(sys::random_uuid())));
    const auto done = roll_back(file.file(), *writer);
    if (done) return {};
    if (longer || done.error().code != Code::Invalid) return std::unexpected(Refusal(done.error()));
    // Its empty table has no place: an image with all of its blocks has none left.
    writer.reset();
    TRY(file.lengthen(align_up(file.file().size(), kMiB) + vhdx_table_size(file.info())));
  }
}

Attempt<void> make_anew(const HostFile& old, const std::string& image, const std::string& parent_path) {
  const auto parent = TRY(ImageReader::open(parent_path));
  const auto disk = TRY(open_disk(*parent, parent_path, open_parent_beside));
  ChildSpec spec{.parent_name = name_of(parent_path),
                 .parent_changed = parent->changed(),
                 .now = creation_time(),
                 .reserve = 0,
                 .id = TRY(sys::random_uuid()),
                 .file_write = {}};
  const std::uint64_t empty = TRY(make_child(disk->info(), spec)).size;
  spec.reserve = old.size() > empty ? old.size() - empty : 0;
  const NewFile child = TRY(make_child(disk->info(), spec));
  SpaceFile space = TRY(SpaceFile::create(PartFile::part_path(image)));
  PartFile part(image);
  TRY(write_child(space, child, old.descriptor()));
  if (::rename(part.path().c_str(), image.c_str()) != 0)
    return std::unexpected(Refusal(sys_error("giving it its name", errno)));
  part.keep();
  TRY(sync_folder_of(image));
  return {};
}

// The file of its parent.
Attempt<std::string> roll_image_back(const std::string& image) {
  auto file = TRY(HostFile::open(image, Access::Change));
  const auto disk = TRY(open_disk(*file, image, open_parent_beside));
  if (!disk->info().differencing)
    return fail(Code::Unsupported, concat("it is a ", describe(disk->info()),
                                          ", no differencing image: there is nothing to roll it back to"));
  TRY(check_no_child(image, disk->info()));
  TRY(check_no_merge(image, disk->info()));
  std::string parent = disk->info().parent_name;
  const Interruption interruption;
  if (disk->info().format == Format::Vhdx) {
    file.reset();  // it is opened anew
    TRY(roll_back_in_place(image));
  } else if (parent.substr(0, parent.rfind('/') + 1) != image.substr(0, image.rfind('/') + 1)) {
    return fail(Code::Unsupported, concat("its parent ", printable(parent),
                                          " is in another folder: merge it in Windows, or bring both into one folder"));
  } else {
    TRY(make_anew(*file, image, parent));
  }
  return parent;
}

}  // namespace

ExitStatus run_rollback(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(argc, argv, {}, {"IMAGE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& path = line.arguments[0];
  auto done = roll_image_back(real_path(path));
  if (!done) {
    Error error = std::move(done).error().error;
    if (is_stop(error)) error.text = "stopped by a signal; it is as it was";
    return tools::failed(argv[0], path, error);
  }
  tools::print(concat(printable(path), ": reads as ", printable(*done), " again\n"));
  return ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
