// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool export: a distribution of WSL 1 as a tar archive.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/text.h"
#include "base/units.h"
#include "init/sys/file.h"
#include "init/volume/ntfs_tree.h"
#include "init/volume/path.h"
#include "init/volume/volume.h"
#include "tools/common/mount_table.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/export_tree.h"
#include "tools/vhdtool/interruption.h"
#include "tools/vhdtool/part_file.h"
#include "tools/vhdtool/volume_device.h"

namespace vhdboot::vhdtool {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdtool export --volume DEVICE [-o FILE] PATH

Writes the Linux system in PATH, the folder of a WSL 1 distribution on the NTFS
volume on DEVICE, as a tar archive (POSIX pax) with the owners, modes, links,
devices, capabilities, names and times that Linux gave them. PATH is the folder
that has rootfs in it, or rootfs itself. The volume must not be mounted; it is
only read.

The archive goes to the standard output; what it holds is said in a line on the
standard error, and everything that is not as it was in WSL is counted there. A
file without metadata of WSL becomes root's, with mode 0644, a folder 0755.
Sockets are left out. Files that Windows keeps encrypted (EFS), compressed by
CompactOS, or elsewhere are named and left out; then the exit status is 4.

      --volume DEVICE  the unmounted NTFS volume, or a file that holds one
  -o, --output FILE    write to FILE, which must not be there yet
  -h, --help           this text

Examples:
  vhdtool export --volume /dev/sda3 -o wsl.tar \
    "/Users/me/AppData/Local/Packages/TheDebianProject.DebianGNULinux_76v4gfsz19hv4/LocalState"
  vhdtool export --volume /dev/sda3 /wsl/debian | tar --xattrs-include='*' -xpC /mnt
)";

/// Bytes on their way to a descriptor, in large pieces.
class Output {
 public:
  explicit Output(Fd fd) : fd_(std::move(fd)) { buffer_.reserve(kSize); }

  [[nodiscard]] Result<void> write(Bytes bytes) {
    if (buffer_.size() + bytes.size() > kSize) TRY(flush());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    return {};
  }
  [[nodiscard]] Result<void> flush() {
    TRY_IN("writing the archive", sys::write_all(fd_, buffer_));
    buffer_.clear();
    return {};
  }
  [[nodiscard]] const Fd& fd() const { return fd_; }

 private:
  static constexpr std::size_t kSize = kMiB;
  Fd fd_;
  std::vector<std::byte> buffer_;
};

struct Exported {
  volume::Path root;
  tree::Counts counts;
  bool warned = false;
};

/// What the volume's state means for what is read.
Result<bool> warn_of_state(volume::HostVolume& volume, const std::string& device) {
  const volume::VolumeState state = TRY(volume.state());
  if (state.clean()) return false;
  tools::warn("export", device, concat("what is read may be old or torn: ", volume::describe(state)));
  return true;
}

Result<Exported> write_archive(VolumeDevice& device, const std::string& device_path, const volume::Path& path,
                               Output& output) {
  const auto volume = TRY(volume::HostVolume::open(device));
  auto folder = TRY(volume::NtfsTree::of(*volume, device));
  Exported out;
  out.warned = TRY(warn_of_state(*volume, device_path));
  const tree::Distribution distribution = TRY(tree::find_distribution(folder, path));
  out.root = distribution.root;
  for (const tree::Graft& graft : distribution.grafts)
    tools::warn("export", distribution.root.text(),
                concat("the folder ", graft.name, " beside it becomes /", graft.name, ", as WSL shows it"));
  const ExportTo to{
      .write = [&](Bytes bytes) { return output.write(bytes); },
      .say = [](std::string_view name, std::string_view text) { tools::warn("export", name, text); },
      .stop = [] { return Interruption::requested(); },
  };
  out.counts = TRY(export_tree(folder, distribution, to));
  TRY(output.flush());
  return out;
}

vhd::Attempt<Exported> export_to_file(const std::string& device_path, const std::string& path_text,
                                      const std::string& file) {
  const volume::Path path = TRY(volume::parse_path(path_text));
  const auto device = TRY(VolumeDevice::open(device_path));
  if (is_there(file)) return fail(Code::Invalid, concat(printable(file), " exists already: choose another name"));
  const Interruption interruption;
  Fd fd(::open(PartFile::part_path(file).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return fail_errno(concat("making ", PartFile::part_path(file)));
  PartFile part(file);
  Output output(std::move(fd));
  auto out = TRY(write_archive(*device, device_path, path, output));
  if (::fsync(output.fd().get()) != 0) return fail_errno(concat("writing ", file));
  TRY(part.become(file));
  return out;
}

vhd::Attempt<Exported> export_to_output(const std::string& device_path, const std::string& path_text) {
  const volume::Path path = TRY(volume::parse_path(path_text));
  const auto device = TRY(VolumeDevice::open(device_path));
  Fd fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  if (!fd.valid()) return fail_errno("opening the standard output");
  Output output(std::move(fd));
  return TRY(write_archive(*device, device_path, path, output));
}

/// How a folder of a mounted volume is exported.
Error name_by_volume(const std::string& folder) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(folder.c_str(), nullptr), &std::free);
  if (!real) return sys_error("opening it");
  const auto text = sys::read_text("/proc/self/mountinfo", tools::kMaxMountTable);
  const auto table = text ? tools::parse_mount_table(*text) : std::vector<tools::MountedVolume>();
  const tools::MountedVolume* const mount = tools::mount_of(table, real.get());
  const bool ntfs = mount != nullptr && mount->source.starts_with('/') &&
                    (mount->type.starts_with("ntfs") || mount->type.starts_with("fuse"));
  if (!ntfs)
    return {Code::Unsupported, 0,
            "it is on no NTFS volume that is known, and no folder of WSL 1 is on another: name the volume that has it, "
            "unmounted, `vhdtool export --volume DEVICE PATH`"};
  return {
      Code::Busy, 0,
      concat("drivers hide what WSL keeps beside its files, so the volume itself is read, unmounted: run `umount \"",
             printable(mount->place), "\"` and then `vhdtool export --volume ", printable(mount->source), " \"",
             printable(tools::path_on_volume(*mount, real.get())), "\"`")};
}

}  // namespace

ExitStatus run_export(int argc, char** argv) {
  const tools::CommandLine line =
      tools::read_command_line(argc, argv, {{"volume", true}, {"output", true, 'o'}}, {"PATH"}, kHelp);
  if (line.status) return *line.status;
  const std::string& path = line.arguments[0];
  if (!line.has("volume")) return tools::failed(argv[0], path, name_by_volume(path));
  const std::string device = line.value("volume");
  const std::string file = line.value("output");
  if (!line.has("output") && ::isatty(STDOUT_FILENO) != 0)
    return tools::wrong_usage(argv[0], "an archive is nothing for a terminal: name a file with --output");
  auto out = line.has("output") ? export_to_file(device, path, file) : export_to_output(device, path);
  if (!out) {
    Error& error = out.error().error;
    if (tools::is_stop(error)) error.text = "stopped by a signal; nothing is left of it";
    return tools::failed(argv[0], device, error);
  }
  const tree::Counts& counts = out->counts;
  const std::string summary = concat("vhdtool export: ", printable(out->root.text()), ": ", describe(counts), '\n');
  std::fwrite(summary.data(), 1, summary.size(), stderr);
  return out->warned || counts.left_out != 0 || counts.damaged != 0 ? ExitStatus::Warnings : ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
