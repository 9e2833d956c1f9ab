// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/additions.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "init/stage/guest_boot.h"
#include "init/sys/file.h"
#include "init/sys/mount.h"
#include "init/sys/mounted_tree.h"
#include "init/sys/process.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kFolder = "vhdboot.d";
// Where they are in memory. An archive may bring programs, too: etc/vhdboot.d/early.
constexpr char kPrograms[] = "/etc/vhdboot.d";
constexpr std::size_t kMaxFiles = 64;
constexpr auto kToRun = 60s;

struct Unpacker {
  std::string_view suffix;
  const char* command;
};
constexpr std::array<Unpacker, 4> kUnpackers{
    {{".cpio", "cat"}, {".cpio.gz", "gunzip -c"}, {".cpio.xz", "unxz -c"}, {".cpio.bz2", "bunzip2 -c"}}};

constexpr std::array<std::string_view, 3> kMoments{"early", "before-kexec", "rescue"};

std::string program_of(std::string_view moment) {
  return concat(kPrograms, '/', moment);
}

// The files of the folder, wherever it is.
struct Added {
  std::vector<std::string> names;
  std::string place;  // for people
  std::function<Result<std::vector<std::byte>>(const std::string& name)> read;
};

std::optional<Added> on_host_volume(HostVolume& volume, const volume::Path& folder) {
  const auto entries = volume.reader->list(folder);
  if (!entries) return std::nullopt;
  Added added{.names = {}, .place = concat(folder.text(), " on ", volume.description()), .read = {}};
  for (const volume::DirEntry& entry : *entries)
    if (!entry.directory) added.names.push_back(entry.name);
  added.read = [&volume, folder](const std::string& name) -> Result<std::vector<std::byte>> {
    const auto path = folder.child(name);
    if (!path) return fail(Code::Invalid, "it has a name that no file has");
    return volume.reader->read_file(*path, kMaxAddition);
  };
  return added;
}

// The firmware started the EFI file from a FAT.
std::optional<Added> on_esp(const sys::Devices& devices, const std::string& partuuid, const volume::Path& folder) {
  for (const sys::BlockDevice& device : devices.list()) {
    if (device.partition == 0) continue;
    const auto content = devices.content(device);
    if (!content || content->type != "vfat" || content->identity.partuuid != partuuid) continue;
    auto mounted = sys::mount_detached_read_only(device.path, "vfat", "");
    if (!mounted) continue;
    const auto tree = std::make_shared<sys::MountedTree>(*std::move(mounted));
    if (!tree->is_folder(folder.text())) return std::nullopt;
    Added added{.names = tree->list(folder.text()), .place = concat(folder.text(), " on ", device.path), .read = {}};
    added.read = [tree, folder](const std::string& name) {
      return tree->read(concat(folder.text(), '/', name), kMaxAddition);
    };
    return added;
  }
  return std::nullopt;
}

std::optional<Added> find_added(const HostVolumes& volumes, const Settings& settings) {
  const auto file = volume::parse_path(settings.origin.path.value_or("/"));
  if (!file || file->is_root()) return std::nullopt;
  const auto folder = file->sibling(kFolder);
  if (!folder) return std::nullopt;
  if (settings.origin_volume != nullptr) return on_host_volume(*settings.origin_volume, *folder);
  if (settings.origin.serial || !settings.origin.partuuid) return std::nullopt;
  return on_esp(volumes.devices(), *settings.origin.partuuid, *folder);
}

Result<void> take_program(Bytes content, std::string_view moment) {
  return sys::write_file(program_of(moment), content, 0755);
}

Result<void> unpack(Bytes content, const char* command) {
  constexpr char kArchive[] = "/run/vhdboot-addition";
  TRY(sys::write_file(kArchive, content));
  const auto status =
      sys::run({"/bin/sh", "-c", concat("set -o pipefail; cd / && ", command, ' ', kArchive, " | cpio -idmu")},
               sys::Deadline::in(kToRun));
  (void)::unlink(kArchive);
  if (!status) return std::unexpected(status.error());
  if (*status != 0) return fail(Code::Corrupt, concat("unpacking it ended with status ", *status));
  return {};
}

// Nothing for a file that is none of ours.
Result<bool> take(const Added& added, const std::string& name) {
  const std::string lower = to_lower_ascii(name);
  for (const std::string_view moment : kMoments) {
    if (lower != moment && lower != concat(moment, ".sh")) continue;
    TRY(take_program(TRY(added.read(name)), moment));
    return true;
  }
  for (const Unpacker& unpacker : kUnpackers) {
    if (!lower.ends_with(unpacker.suffix)) continue;
    TRY(unpack(TRY(added.read(name)), unpacker.command));
    return true;
  }
  return false;
}

}  // namespace

Result<void> take_additions(const HostVolumes& volumes, const Settings& settings, const sys::Reporter& report) {
  if (sys::exists(kPrograms)) return {};
  auto added = find_added(volumes, settings);
  if (!added) return {};
  if (secure_boot_is_on())
    return fail(Code::Unsafe, concat("Secure Boot is enforced, and nothing in ", printable(added->place),
                                     " is signed: remove the folder, or turn Secure Boot off"));
  if (::mkdir(kPrograms, 0755) < 0) return fail_errno(concat("making ", kPrograms));
  std::ranges::sort(added->names);
  if (added->names.size() > kMaxFiles) {
    report.warn(concat(printable(added->place), " has ", added->names.size(), " files, of which the first ", kMaxFiles,
                       " are looked at"));
    added->names.resize(kMaxFiles);
  }
  for (const std::string& name : added->names) {
    const auto taken = take(*added, name);
    if (!taken)
      report.warn(concat(printable(name), " of ", printable(added->place), ": ", taken.error().message()));
    else if (*taken)
      report.log(concat("added ", printable(name), " of ", printable(added->place)));
  }
  run_added(Moment::Early, report);
  return {};
}

void run_added(Moment moment, const sys::Reporter& report) {
  const std::string path = program_of(kMoments[static_cast<std::size_t>(moment)]);
  if (!sys::exists(path)) return;
  const auto status = sys::run({path}, sys::Deadline::in(kToRun));
  if (!status)
    report.warn(concat("running ", path, ": ", status.error().message()));
  else if (*status != 0)
    report.warn(concat(path, " ended with status ", *status));
}

}  // namespace vhdboot::stage
