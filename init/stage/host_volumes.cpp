// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/host_volumes.h"

#include <algorithm>

#include "base/text.h"
#include "init/stage/next_step.h"

namespace vhdboot::stage {
namespace {

// A disk that is unplugged and comes back is another one.
std::string key(const sys::BlockDevice& device) {
  return concat(device.sysfs, '#', device.sequence);
}

// A drive without a disc, or with one that carries music, is no reason for doubt: no image lies there.
bool is_drive_for_discs(const sys::BlockDevice& device) {
  constexpr std::string_view kFloppy = "2:";
  constexpr std::string_view kOptical = "11:";
  return device.numbers.starts_with(kFloppy) || device.numbers.starts_with(kOptical);
}

// A disk that goes away while it is read says that it was not found, too.
bool is_absent(const Error& error) {
  return after(Step::Look, error.code) == Next::Candidate && error.sys_errno == 0;
}

}  // namespace

std::string HostVolume::description() const {
  const std::string label = reader->label().empty() ? "" : concat(" \"", printable(reader->label()), '"');
  return concat(device.path, " (", volume::name(reader->kind()), label, ')');
}

disk::SamePlace place_of(const HostVolume& volume, const std::vector<disk::HardwarePath>& places) {
  if (places.empty() || volume.hardware.places.empty()) return disk::SamePlace::Perhaps;
  auto best = disk::SamePlace::No;
  for (const disk::HardwarePath& one : places)
    for (const disk::HardwarePath& other : volume.hardware.places) best = std::max(best, compare(one, other));
  return best;
}

Picked pick(const std::vector<HostVolume*>& volumes, const std::vector<disk::HardwarePath>& places) {
  Picked picked;
  for (HostVolume* volume : volumes) {
    const auto same = place_of(*volume, places);
    if (same == disk::SamePlace::No) {
      picked.elsewhere = volume;
    } else if (same > picked.same) {
      picked.volume = volume;
      picked.same = same;
      picked.twin = nullptr;
    } else if (same == picked.same) {
      picked.twin = volume;
    }
  }
  return picked;
}

std::string twins(const HostVolume& one, const HostVolume& other) {
  return concat(one.description(), " and ", other.description(), " have the same identity (", one.identity.uuid,
                "): one is a copy of the other; unplug the one that is not meant");
}

Result<HostVolume> open_host_volume(const sys::Devices& devices, const sys::BlockDevice& device) {
  HostVolume volume{.device = device};
  // Whatever it looks like: a part of a volume may look like all of it.
  if (const auto condition = volume::condition_of_type(TRY(devices.partition_type(device))))
    return volume::refuse(*condition);
  auto opened = devices.open_volume(device);
  if (!opened && opened.error().code != Code::Corrupt) return std::unexpected(std::move(opened).error());
  sys::Content content = TRY(devices.content(device));
  // A member of a RAID looks like the volume on it; writing to one member alone would tear the two apart.
  if (!content.type.empty() && content.type != "ntfs" && content.type != "exfat")
    return fail(Code::Unsupported, concat("it looks like a volume of Windows but is a part of something else (",
                                          printable(content.type), ')'));
  if (!opened) return std::unexpected(std::move(opened).error());
  volume.source = std::move(opened->source);
  volume.reader = std::move(opened->reader);
  volume.identity = std::move(content.identity);
  volume.identity.uuid = volume.reader->serial_text();
  volume.identity.label = volume.reader->label();
  volume.hardware = devices.hardware(device);
  return volume;
}

void log_missing_filter(const sys::Reporter& report) {
  if (!sys::can_filter())
    report.log(
        "this kernel has no seccomp filters: what reads the volumes has no rights, but may make any system call");
}

std::vector<std::string> HostVolumes::unreadable() const {
  std::vector<std::string> clauses;
  for (const auto& [key, unreadable] : unreadable_)
    clauses.push_back(concat(unreadable.device.path, ": ", unreadable.error.message()));
  return clauses;
}

std::optional<Error> HostVolumes::doubt() const {
  for (const auto& [key, unreadable] : unreadable_) {
    const Error& error = unreadable.error;
    if (error.code == Code::Unsupported || sys::is_not_ready(error) || is_drive_for_discs(unreadable.device)) continue;
    return error.within(unreadable.device.path);
  }
  return std::nullopt;
}

std::string HostVolumes::account() const {
  std::string text;
  const auto add = [&](std::string_view part) { text += concat(text.empty() ? "" : "; ", part); };
  for (const HostVolume& volume : volumes_) add(volume.description());
  for (const std::string& clause : unreadable()) add(clause);
  return text.empty() ? "no NTFS or exFAT volume appeared" : concat("looked at ", text);
}

Result<bool> HostVolumes::wait(sys::Deadline deadline) {
  if (!TRY(devices_.wait(deadline))) return false;
  look();
  return true;
}

Result<void> HostVolumes::settle(sys::Deadline limit) {
  constexpr auto kQuietTime = std::chrono::seconds(2);
  while (TRY(wait(earlier(limit, sys::Deadline::after(changed_, kQuietTime))))) continue;
  return {};
}

// Or a USB disk that its hub resets would be taken for its own twin.
void HostVolumes::forget_unplugged(const std::vector<sys::BlockDevice>& present) {
  std::set<std::string> disks;
  for (const sys::BlockDevice& device : present) disks.insert(disk_of(device));
  std::erase_if(slow_disks_, [&](const std::string& disk) { return !disks.contains(disk); });
  std::erase_if(seen_, [&](const std::string& seen) { return !present_.contains(seen); });
  std::erase_if(unreadable_, [&](const auto& entry) { return !present_.contains(entry.first); });
  for (auto volume = volumes_.begin(); volume != volumes_.end();) {
    const auto here = volume++;
    if (!present_.contains(key(here->device))) unplugged_.splice(unplugged_.end(), volumes_, here);
  }
}

void HostVolumes::look() {
  std::vector<sys::BlockDevice> present = devices_.list();
  // What we attach ourselves makes events, too.
  std::erase_if(present, [](const sys::BlockDevice& device) { return sys::is_virtual(device); });
  std::set<std::string> keys;
  for (const sys::BlockDevice& device : present) keys.insert(key(device));
  const auto now = devices_.now();
  if (keys != present_) changed_ = now;
  present_ = std::move(keys);
  forget_unplugged(present);
  for (const sys::BlockDevice& device : present) {
    const std::string id = key(device);
    if (seen_.contains(id)) continue;
    unreadable_.erase(id);
    // Each partition of a dying disk would take as long again.
    const std::string disk = disk_of(device);
    auto volume = slow_disks_.contains(disk) ? Result<HostVolume>(fail(Code::Timeout, "its disk does not answer"))
                                             : open_host_volume(devices_, device);
    if (!volume && volume.error().code == Code::Timeout) slow_disks_.insert(disk);
    // One that fails is not read again at every event: each try may take a failing disk seconds.
    if (volume || !sys::is_not_ready(volume.error())) {
      seen_.insert(id);
      changed_ = now;
    }
    if (volume)
      volumes_.push_back(*std::move(volume));
    else if (!is_absent(volume.error()))
      unreadable_.emplace(id, Unreadable{device, volume.error()});
  }
}

Result<std::optional<Sighting>> look_on(HostVolume& volume, const std::vector<volume::Path>& paths) {
  for (const volume::Path& path : paths) {
    const auto layout = volume.reader->layout(path);
    if (layout) return Sighting{&volume, path};
    if (!is_absent(layout.error()))
      return std::unexpected(layout.error().within(concat(printable(path.text()), " on ", volume.description())));
  }
  return std::nullopt;
}

Sightings look_on_all(HostVolumes& volumes, const std::vector<volume::Path>& paths) {
  Sightings sightings{.found = {}, .doubt = volumes.doubt()};
  for (HostVolume& volume : volumes.all()) {
    auto sighting = look_on(volume, paths);
    if (!sighting)
      sightings.doubt = std::move(sighting).error();
    else if (*sighting)
      sightings.found.push_back(**std::move(sighting));
  }
  return sightings;
}

PatientWait::PatientWait(HostVolumes& volumes, unsigned seconds, const sys::Reporter& report)
    : volumes_(volumes),
      report_(report),
      seconds_(seconds),
      deadline_(sys::Deadline::after(volumes.began(), std::chrono::seconds(seconds))) {}

Result<bool> PatientWait::wait(std::string_view what) {
  constexpr auto kPatience = std::chrono::seconds(3);
  const sys::Devices& devices = volumes_.devices();
  if (!told_) {
    if (TRY(volumes_.wait(earlier(deadline_, devices.in(kPatience))))) return true;
    if (deadline_.passed(devices.now())) return false;
    report_.say(concat("waiting up to ", seconds_, " seconds for ", what, " ..."));
    told_ = true;
  }
  return volumes_.wait(deadline_);
}

}  // namespace vhdboot::stage
