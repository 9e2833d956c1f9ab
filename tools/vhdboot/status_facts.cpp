// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/status_facts.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/fd.h"
#include "base/text.h"
#include "base/units.h"
#include "entry/uki.h"
#include "init/guest/persist_units.h"
#include "init/record/config.h"
#include "init/record/host_mount.h"
#include "init/sys/directory.h"
#include "init/sys/file.h"
#include "init/volume/file_source.h"
#include "init/volume/volume.h"
#include "kexec/cmdline.h"
#include "vhd/image.h"

namespace vhdboot::command {
namespace {

// The device-mapper names and UUIDs that stage 2 gives (init/stage/attach.cpp).
constexpr std::string_view kMapName = "vhdboot";
constexpr std::string_view kForgettingName = "vhdboot-forgets";  // where a part is kept
constexpr std::string_view kScratchName = "vhdboot-store";
constexpr std::string_view kUuidBegin = "VHDBOOT-";

class Sysfs {
 public:
  explicit Sysfs(const RunningSystem& system) : system_(system) {}

  [[nodiscard]] std::string attribute(std::string_view device, std::string_view name) const {
    return sys::read_attribute(system_.at(concat("/sys/class/block/", device, '/', name)));
  }
  [[nodiscard]] std::vector<std::string> list(std::string_view path) const {
    return sys::list_directory(system_.at(path));
  }
  [[nodiscard]] std::uint64_t size(std::string_view device) const {
    return parse_u64(attribute(device, "size")).value_or(0) * kSectorSize;
  }
  [[nodiscard]] bool read_only(std::string_view device) const { return attribute(device, "ro") == "1"; }

  // The device-mapper device of that name, of ours.
  [[nodiscard]] std::optional<std::string> mapped(std::string_view name) const {
    for (const std::string& device : list("/sys/class/block"))
      if (device.starts_with("dm-") && attribute(device, "dm/name") == name &&
          attribute(device, "dm/uuid").starts_with(kUuidBegin))
        return device;
    return std::nullopt;
  }

  // What is below all of a device's device-mapper devices, and whether there is a store in memory on the way.
  struct Lowest {
    std::string device;
    bool has_store = false;
  };
  [[nodiscard]] Lowest lowest(std::string device) const {
    constexpr int kMostLayers = 8;
    Lowest found;
    for (int layer = 0; layer < kMostLayers && device.starts_with("dm-"); ++layer) {
      const auto below = list(concat("/sys/class/block/", device, "/slaves"));
      if (below.empty()) return found;
      found.has_store |= std::ranges::any_of(below, [](const std::string& one) { return one.starts_with("loop"); });
      // The rows come first where there are rows and a gate on the partition itself.
      const auto rows = std::ranges::find_if(below, [](const std::string& one) { return one.starts_with("dm-"); });
      device = rows == below.end() ? below.front() : *rows;
    }
    if (!device.starts_with("dm-")) found.device = std::move(device);
    return found;
  }

 private:
  const RunningSystem& system_;
};

// The file was opened in the /dev of stage 2, which is gone: "/dm-0", or "/dev/dm-0".
bool is_file_of(std::string_view backing_file, std::string_view device) {
  return backing_file.substr(backing_file.rfind('/') + 1) == device;
}

std::optional<DiskFacts> find_disk(const Sysfs& sysfs) {
  const auto map = sysfs.mapped(kMapName);
  if (!map) return std::nullopt;
  DiskFacts disk;
  disk.map = concat("/dev/", *map);
  disk.volume_uuid = sysfs.attribute(*map, "dm/uuid").substr(kUuidBegin.size());
  const auto lowest = sysfs.lowest(*map);
  if (!lowest.device.empty()) disk.partition = concat("/dev/", lowest.device);
  const bool keeps = sysfs.mapped(kForgettingName).has_value();
  if (lowest.has_store) disk.written = keeps ? Written::MemoryAndImage : Written::Memory;
  if (sysfs.mapped(kScratchName)) disk.written = keeps ? Written::ScratchAndImage : Written::Scratch;
  for (const std::string& device : sysfs.list("/sys/class/block")) {
    if (!device.starts_with("loop") || !is_file_of(sysfs.attribute(device, "loop/backing_file"), *map)) continue;
    disk.device = concat("/dev/", device);
    disk.size = sysfs.size(device);
    if (sysfs.read_only(device)) disk.written = Written::Nowhere;
    disk.direct_io = sysfs.attribute(device, "loop/dio") == "1";
  }
  return disk;
}

std::vector<FurtherDisk> find_further(const Sysfs& sysfs) {
  std::vector<FurtherDisk> disks;
  for (std::size_t number = 1; number <= record::kMaxDisks; ++number) {
    const std::string name = concat("disk", number);
    const auto map = sysfs.mapped(concat(kMapName, '-', name));
    if (!map) break;
    FurtherDisk disk{.name = name, .device = {}, .map = concat("/dev/", *map)};
    for (const std::string& device : sysfs.list("/sys/class/block")) {
      if (!device.starts_with("loop") || !is_file_of(sysfs.attribute(device, "loop/backing_file"), *map)) continue;
      disk.device = concat("/dev/", device);
      disk.size = sysfs.size(device);
      disk.read_only = sysfs.read_only(device);
    }
    disks.push_back(std::move(disk));
  }
  return disks;
}

std::optional<HostFacts> find_host(const RunningSystem& system, const Sysfs& sysfs) {
  const auto map = sysfs.mapped(record::kHostDeviceName);
  if (!map) return std::nullopt;
  HostFacts host{.device = concat("/dev/", *map), .read_only = sysfs.read_only(*map), .place = {}};
  const std::string numbers = sysfs.attribute(*map, "dev");
  for (const tools::MountedVolume& mount : system.mounts()) {
    if (mount.numbers != numbers && mount.source != host.device && mount.source != record::kHostDevicePath) continue;
    host.place = mount.place;
    host.mounted_read_only = mount.read_only;
    break;
  }
  return host;
}

// Whatever else is mounted of the file system that vhdboot's units have mounted.
std::vector<std::string> find_kept(const RunningSystem& system) {
  const auto mounts = system.mounts();
  const auto persist = std::ranges::find(mounts, guest::kPersistPlace, &tools::MountedVolume::place);
  std::vector<std::string> kept;
  if (persist == mounts.end()) return kept;
  for (const tools::MountedVolume& mount : mounts)
    if (mount.numbers == persist->numbers && mount.place != persist->place) kept.push_back(mount.place);
  return kept;
}

}  // namespace

Status read_status(const RunningSystem& system) {
  const Sysfs sysfs(system);
  Status status;
  status.system = entry::osrel_value(read_text(system.at("/etc/os-release")).value_or(""), "PRETTY_NAME").value_or("");
  status.kernel = sys::read_attribute(system.at("/proc/sys/kernel/osrelease"));
  if (const auto line = read_text(system.at("/proc/cmdline")))
    status.start = guest::read_start(kexec::CommandLine::parse(trim(*line)));
  status.disk = find_disk(sysfs);
  status.further = find_further(sysfs);
  if (status.disk) status.host = find_host(system, sysfs);
  if (status.disk) status.kept = find_kept(system);
  const NextBootFacts facts = read_next_boot_facts(system);
  if (facts.menu.current) status.firmware_entry = describe(facts.menu, *facts.menu.current);
  status.loader = facts.loader.name;
  status.next = set_next_boots(facts);
  return status;
}

Result<ImageFacts> read_image_facts(const DiskFacts& disk, const guest::Start& start) {
  const auto source = TRY(sys::FdSource::open(disk.partition));
  const auto volume = TRY_IN(disk.partition, volume::HostVolume::open(*source));
  const auto path = TRY(volume::parse_path(start.image));
  const volume::FileLayout layout = TRY(volume->layout(path));
  ImageFacts facts{.format = {},
                   .size = layout.size,
                   .pieces = layout.extents.size(),
                   .volume_kind = std::string(volume::name(volume->kind())),
                   .volume_label = volume->label()};
  const volume::FileSource file(*source, layout.extents, layout.size, layout.valid_size);
  if (const auto info = vhd::recognise(file)) facts.format = vhd::name(info->format);
  return facts;
}

}  // namespace vhdboot::command
