// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool attach: an image on a mounted volume becomes a disk of the running system, by the view and the writer of a
// boot. Its files are reached through the volume's own driver, by a loop device for each, never behind its back.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "disk/partition_table.h"
#include "init/blocks/attach_plan.h"
#include "init/record/ephemeral.h"
#include "init/sys/attached_disk.h"
#include "init/sys/block.h"
#include "init/sys/loop.h"
#include "init/sys/pages.h"
#include "init/sys/random.h"
#include "tools/common/host_file.h"
#include "tools/common/image_reader.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdtool/attachment.h"
#include "tools/vhdtool/block_file.h"
#include "tools/vhdtool/children.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/part_file.h"
#include "vhd/disk.h"
#include "vhd/pieces.h"
#include "vhd/vhdx_attach.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::tools;
using namespace vhdboot::vhd;

constexpr std::string_view kHelp = R"(Usage: vhdtool attach [--read-only | --ephemeral] IMAGE

Makes IMAGE (a raw image, VHD or VHDX, with its parents) a disk of the running
system and tells its device: /dev/loop3, with partitions /dev/loop3p1 and so on.
It can be mounted, checked with fsck, and given to systemd-nspawn. It stays until
`vhdtool detach IMAGE`. Only root may do that.

What is written goes into IMAGE. A growing image has to have all of its blocks
for that: `vhdtool provision --full IMAGE` gives them. IMAGE must have no holes,
and nothing else may have it open.

      --read-only  nothing can be written
      --ephemeral  what is written stays in memory, and is forgotten by detach;
                   half of the memory at most. IMAGE is only read.
  -h, --help       this text

Examples:
  vhdtool attach /media/data/debian.vhdx
  vhdtool attach --ephemeral /media/windows/wsl/ext4.vhdx
)";

enum class Writes { Image, Nothing, Forgotten };

/// An image and the files that it stands on, the image first, as long as they are looked at.
struct Chain {
  std::vector<HostFile*> files;  // the parents are the disk's
  std::unique_ptr<HostFile> image;
  std::unique_ptr<Disk> disk;
};

Attempt<Chain> open_chain(const std::string& path, Writes writes) {
  Chain chain;
  chain.image = TRY(HostFile::open(path, writes == Writes::Image ? Access::Change : Access::Read));
  chain.files.push_back(chain.image.get());
  const auto open_parent = [&](std::string_view child, std::string_view name) -> Result<OpenedFile> {
    auto found = TRY(open_parent_beside(child, name));
    auto file = HostFile::open(found.name, Access::Read);
    if (!file) return std::unexpected(std::move(file).error().error.within(printable(found.name)));
    chain.files.push_back(file->get());
    return OpenedFile{std::move(found.name), *std::move(file), found.changed};
  };
  chain.disk = TRY(open_disk(*chain.image, path, open_parent));
  return chain;
}

// What has to be so before anything is written to it.
Attempt<void> check_writing(const Chain& chain, const std::string& path) {
  TRY(check_places(*chain.image, path));
  TRY(check_no_child(path, chain.disk->info()));
  if (TRY(is_whole(*chain.disk))) return {};
  return fail(Code::Unsupported, concat("it is a ", describe(chain.disk->info()),
                                        " that has not all of its blocks: run `vhdtool provision ", "--full \"",
                                        printable(path), "\"` first, or take --ephemeral or --read-only"));
}

/// A file as a device that only its driver stands behind.
struct FileDevice {
  sys::LoopDevice loop;
  blocks::LowerDevice lower;
  blocks::MappedFile file;
};

Attempt<FileDevice> make_file_device(const HostFile& file, std::size_t number, const AttachmentName& name,
                                     bool read_only) {
  // Its partitions would be those of the disk once more.
  auto loop = TRY(sys::LoopDevice::attach(TRY(file.for_device()), name.file(number),
                                          {.read_only = read_only, .partitions = false}));
  const auto device = TRY(sys::block_device(loop.name()));
  return FileDevice{.loop = std::move(loop),
                    .lower = {.numbers = device.numbers,
                              .size = device.size,
                              .logical_block = kSectorSize,
                              .cluster_size = kSectorSize},
                    .file = {.size = device.size,
                             .extents = {{.logical = 0, .physical = 0, .length = device.size}},
                             .device = number,
                             .name = {}}};
}

std::uint32_t logical_block(const Disk& disk) {
  if (disk.info().format == Format::Vhdx) return disk.info().logical_sector;
  const auto table = disk::read_partition_table(disk);
  return table ? table->logical_block : kSectorSize;
}

// A disk that is one piece of its file is a loop device over that: it needs no device-mapper.
bool is_flat(const std::vector<DiskPiece>& pieces, Writes writes) {
  return writes != Writes::Forgotten && pieces.size() == 1 && pieces.front().file == 0U;
}

Attempt<std::string> attach_flat(const Chain& chain, const DiskPiece& piece, const AttachmentName& name,
                                 Writes writes) {
  auto loop = TRY(sys::LoopDevice::attach(TRY(chain.image->for_device()), name.text,
                                          {.read_only = writes == Writes::Nothing,
                                           .offset = piece.file_offset,
                                           .size_limit = piece.length,
                                           .block_size = logical_block(*chain.disk)}));
  // The driver would make a hole of it.
  if (writes == Writes::Image) TRY(loop.refuse_trim());
  loop.leave();
  return loop.path();
}

Result<blocks::AttachPlan> plan_disk(const std::vector<FileDevice>& devices, const Disk& disk,
                                     const std::vector<DiskPiece>& pieces, Writes writes) {
  std::vector<blocks::MappedFile> files;
  std::vector<blocks::LowerDevice> lower;
  for (const FileDevice& device : devices) {
    files.push_back(device.file);
    lower.push_back(device.lower);
  }
  auto view = TRY(blocks::chain_view(std::move(files), std::move(lower), pieces));
  utsname kernel{};
  (void)::uname(&kernel);
  auto plan =
      TRY(blocks::plan_attachment(std::move(view), writes != Writes::Image, logical_block(disk), kernel.release));
  plan.trim = false;  // the driver of a file makes a hole of it
  if (writes != Writes::Forgotten) return plan;
  const auto memory = sys::total_memory();
  if (!memory) return fail(Code::Unsupported, "the kernel does not tell how much memory there is");
  plan.writer = TRY(blocks::memory_writer(record::kForgetting.most(*memory), *memory));
  return plan;
}

Attempt<std::string> attach_chain(const Chain& chain, const std::vector<DiskPiece>& pieces, const AttachmentName& name,
                                  Writes writes) {
  std::vector<FileDevice> devices;
  for (const HostFile* file : chain.files)
    devices.push_back(TRY(make_file_device(*file, devices.size(), name, writes != Writes::Image || !devices.empty())));
  const auto plan = TRY(plan_disk(devices, *chain.disk, pieces, writes));
  auto disk = TRY_IN("its disk takes device-mapper",
                     sys::AttachedDisk::attach(plan, {.map = name.text, .map_uuid = name.uuid(), .image = name.text}));
  std::string path = disk.disk().path();
  disk.leave();
  for (FileDevice& device : devices) device.loop.leave();
  return path;
}

struct Attached {
  std::string device;
  std::vector<std::string> warnings;
};

Attempt<Attached> attach(const std::string& path, Writes writes) {
  Chain chain = TRY(open_chain(path, writes));
  struct stat status{};
  if (::fstat(chain.image->descriptor(), &status) != 0) return fail_errno("looking at it");
  std::vector<std::string> warnings = chain.disk->info().warnings;
  if (writes == Writes::Image) {
    TRY(check_writing(chain, path));
    if (chain.disk->info().format == Format::Vhdx) {
      TRY(attach_vhdx(*chain.image, {.file_write = TRY(sys::random_uuid()), .data_write = TRY(sys::random_uuid())}));
      // What its log asked for is in the file now.
      chain = Chain();
      chain = TRY(open_chain(path, writes));
    }
  }
  const auto pieces = TRY(pieces_of(*chain.disk));
  const AttachmentName name = attachment_name(status.st_dev, status.st_ino);
  auto device = is_flat(pieces, writes) ? TRY(attach_flat(chain, pieces.front(), name, writes))
                                        : TRY(attach_chain(chain, pieces, name, writes));
  return Attached{std::move(device), std::move(warnings)};
}

}  // namespace

ExitStatus run_attach(int argc, char** argv) {
  const tools::CommandLine line =
      tools::read_command_line(argc, argv, {{.name = "read-only"}, {.name = "ephemeral"}}, {"IMAGE"}, kHelp);
  if (line.status) return *line.status;
  if (line.has("read-only") && line.has("ephemeral"))
    return tools::wrong_usage(argv[0], "--read-only or --ephemeral, not both");
  const std::string& path = line.arguments[0];
  const Writes writes = line.has("read-only")   ? Writes::Nothing
                        : line.has("ephemeral") ? Writes::Forgotten
                                                : Writes::Image;
  const auto done = attach(real_path(path), writes);
  if (!done) return tools::failed(argv[0], path, done.error().error);
  for (const std::string& warning : done->warnings) tools::warn(argv[0], path, warning);
  tools::print(done->device + '\n');
  return done->warnings.empty() ? ExitStatus::Done : ExitStatus::Warnings;
}

}  // namespace vhdboot::vhdtool
