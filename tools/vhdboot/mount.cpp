// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "base/text.h"
#include "disk/guest_disk.h"
#include "disk/partition_table.h"
#include "init/sys/file.h"
#include "init/sys/loop.h"
#include "init/sys/mount.h"
#include "tools/common/host_file.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdboot/commands.h"
#include "tools/vhdboot/partition_choice.h"
#include "vhd/image.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdboot mount [--partition N] IMAGE DIR

Mounts a partition of IMAGE, a raw image or a fixed VHD, at the folder DIR, to look
into it. Read-only, without programs and device nodes; a journal is not replayed.
Without --partition it is the root, if there is no doubt about it. `umount DIR` ends
it, and nothing is left. As root. An image that is in use is refused.

      --partition N  number N
  -h, --help         this text

Examples:
  sudo vhdboot mount /media/data/boot/debian.vhd /mnt
  sudo vhdboot mount --partition 1 debian.img /mnt
)";

Result<std::string> mount_image(const std::string& image, const std::string& folder, unsigned wanted) {
  if (::geteuid() != 0) return fail(Code::Io, "mounting takes root");
  struct stat status{};
  if (::stat(folder.c_str(), &status) < 0) return fail_errno(folder);
  if (!S_ISDIR(status.st_mode)) return fail(Code::Invalid, concat(printable(folder), " is no folder"));
  auto file = tools::HostFile::open(image, tools::Access::Read);
  if (!file) return std::unexpected(file.error().error);
  const vhd::ImageInfo info = TRY(vhd::identify(**file, image));
  const SliceSource disk(**file, 0, info.payload_size);
  const disk::PartitionTable table = TRY_IN("the partition table", disk::read_partition_table(disk));
  const ImagePartition chosen = TRY(choose_partition(list_partitions(disk, table), wanted));
  const Fd backing = TRY(sys::open_file(image, O_RDONLY));
  const auto loop = TRY(sys::LoopDevice::attach(backing, image,
                                                {.read_only = true,
                                                 .direct_io = false,
                                                 .offset = chosen.start,
                                                 .size_limit = chosen.length,
                                                 .block_size = table.logical_block,
                                                 .auto_clear = true}));
  const Fd root =
      TRY(sys::mount_detached_read_only(loop.path(), chosen.type, disk::guest_mount_options(chosen.type).value_or("")));
  if (::syscall(SYS_move_mount, root.get(), "", AT_FDCWD, folder.c_str(), MOVE_MOUNT_F_EMPTY_PATH) < 0)
    return fail_errno(concat("mounting at ", folder));
  return concat(chosen.number == 0 ? "the disk" : concat("partition ", chosen.number), " (", chosen.type, ", ",
                human_size(chosen.length), ") of ", printable(image), " is at ", printable(folder),
                ", read-only; to end it: umount ", printable(folder));
}

}  // namespace

ExitStatus run_mount(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(argc, argv, {{"partition", true}}, {"IMAGE", "DIR"}, kHelp);
  if (line.status) return *line.status;
  unsigned wanted = 0;
  if (line.has("partition")) {
    const auto number = parse_u64(line.value("partition"));
    if (!number || *number == 0 || *number > disk::kMaxPartitions)
      return tools::wrong_usage(argv[0], concat("--partition takes a number, 1 to ", disk::kMaxPartitions));
    wanted = static_cast<unsigned>(*number);
  }
  const std::string& image = line.arguments[0];
  const auto mounted = mount_image(image, line.arguments[1], wanted);
  if (!mounted) return tools::failed(argv[0], image, mounted.error());
  tools::print(*mounted + '\n');
  return ExitStatus::Done;
}

}  // namespace vhdboot::command
