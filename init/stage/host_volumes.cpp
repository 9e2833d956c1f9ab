// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/host_volumes.h"

#include "base/text.h"

namespace vhdboot::stage {

std::string HostVolume::description() const {
  const std::string label = reader->label().empty() ? "" : concat(" \"", printable(reader->label()), '"');
  return concat(device.path, " (", volume::name(reader->kind()), label, ')');
}

Result<HostVolume> open_host_volume(const sys::BlockDevice& device) {
  HostVolume volume{.device = device};
  volume.source = TRY(sys::FdSource::open(device.path));
  volume.reader = TRY(volume::HostVolume::open(*volume.source));
  volume.identity = sys::identify(device).identity;
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

Result<void> HostVolumes::settle() {
  constexpr auto kQuietTime = std::chrono::seconds(2);
  while (TRY(wait(sys::Deadline::in(kQuietTime)))) continue;
  return {};
}

void HostVolumes::look() {
  for (const sys::BlockDevice& device : sys::block_devices()) {
    if (sys::is_virtual(device) || seen_.contains(device.sysfs)) continue;
    auto volume = open_host_volume(device);
    if (volume) {
      volumes_.push_back(*std::move(volume));
    } else if (volume.error().code == Code::Io) {
      continue;  // a medium that is not ready yet announces itself again
    } else if (volume.error().code != Code::NotFound) {
      unreadable_.push_back(concat(device.path, ": ", volume.error().message()));
    }
    seen_.insert(device.sysfs);
  }
}

PatientWait::PatientWait(HostVolumes& volumes, unsigned seconds, const sys::Reporter& report)
    : volumes_(volumes),
      report_(report),
      seconds_(seconds),
      deadline_(sys::Deadline::in(std::chrono::seconds(seconds))) {}

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
