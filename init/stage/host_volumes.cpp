// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/host_volumes.h"

#include "base/text.h"

namespace vhdboot::stage {
namespace {

// A disk that is unplugged and comes back is another one.
std::string key(const sys::BlockDevice& device) {
  return concat(device.sysfs, '#', device.sequence);
}

}  // namespace

std::string HostVolume::description() const {
  const std::string label = reader->label().empty() ? "" : concat(" \"", printable(reader->label()), '"');
  return concat(device.path, " (", volume::name(reader->kind()), label, ')');
}

std::string twins(const HostVolume& one, const HostVolume& other) {
  return concat(one.description(), " and ", other.description(), " have the same identity (", one.identity.uuid,
                "): one is a copy of the other; unplug the one that is not meant");
}

Result<HostVolume> open_host_volume(const sys::BlockDevice& device) {
  HostVolume volume{.device = device};
  volume.source = TRY(sys::FdSource::open(device.path));
  volume.reader = TRY(volume::HostVolume::open(*volume.source));
  const sys::Content content = sys::identify(device);
  // A member of a RAID looks like the volume on it; writing to one member alone would tear the two apart.
  if (!content.type.empty() && content.type != "ntfs" && content.type != "exfat")
    return fail(Code::Unsupported, concat("it looks like ", volume::name(volume.reader->kind()),
                                          " but is a part of something else (", printable(content.type), ')'));
  volume.identity = content.identity;
  volume.identity.uuid = volume.reader->serial_text();
  volume.identity.label = volume.reader->label();
  return volume;
}

Result<HostVolumes> HostVolumes::watch() {
  HostVolumes volumes(TRY(sys::DeviceMonitor::open()));
  volumes.look();
  return volumes;
}

Result<bool> HostVolumes::wait(sys::Deadline deadline) {
  if (!TRY(monitor_.wait_for_block_device(deadline))) return false;
  look();
  return true;
}

Result<void> HostVolumes::settle(sys::Deadline limit) {
  constexpr auto kQuietTime = std::chrono::seconds(2);
  while (TRY(wait(earlier(limit, sys::Deadline::in(kQuietTime))))) continue;
  return {};
}

// Or a USB disk that its hub resets would be taken for its own twin.
void HostVolumes::forget_unplugged(const std::vector<sys::BlockDevice>& present) {
  std::set<std::string> keys;
  for (const sys::BlockDevice& device : present) keys.insert(key(device));
  std::erase_if(seen_, [&](const std::string& seen) { return !keys.contains(seen); });
  for (auto volume = volumes_.begin(); volume != volumes_.end();) {
    const auto here = volume++;
    if (!keys.contains(key(here->device))) unplugged_.splice(unplugged_.end(), volumes_, here);
  }
}

void HostVolumes::look() {
  const std::vector<sys::BlockDevice> devices = sys::block_devices();
  forget_unplugged(devices);
  for (const sys::BlockDevice& device : devices) {
    if (sys::is_virtual(device) || seen_.contains(key(device))) continue;
    auto volume = open_host_volume(device);
    if (volume) {
      volumes_.push_back(*std::move(volume));
    } else if (volume.error().sys_errno != 0) {
      continue;  // the device or its node is not ready yet: its own event will come
    } else if (volume.error().code != Code::NotFound) {
      unreadable_.push_back(concat(device.path, ": ", volume.error().message()));
    }
    seen_.insert(key(device));
  }
}

PatientWait::PatientWait(HostVolumes& volumes, unsigned seconds, const sys::Reporter& report)
    : volumes_(volumes),
      report_(report),
      seconds_(seconds),
      deadline_(sys::Deadline::after(volumes.began(), std::chrono::seconds(seconds))) {}

Result<bool> PatientWait::wait(std::string_view what) {
  constexpr auto kPatience = std::chrono::seconds(3);
  if (!told_) {
    if (TRY(volumes_.wait(earlier(deadline_, sys::Deadline::in(kPatience))))) return true;
    if (deadline_.passed()) return false;
    report_.say(concat("waiting up to ", seconds_, " seconds for ", what, " ..."));
    told_ = true;
  }
  return volumes_.wait(deadline_);
}

}  // namespace vhdboot::stage
