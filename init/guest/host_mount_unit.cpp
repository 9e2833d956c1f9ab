// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/host_mount_unit.h"

#include "base/text.h"

namespace vhdboot::guest {
namespace {

constexpr std::string_view kComment = "# From vhdboot, in memory: the volume that holds this system's image.\n";
constexpr std::string_view kReadOnlyUnit = "vhdboot-host-read-only.service";

// mount(8) tries one after the other: the driver in the kernel, then the one in FUSE.
std::string_view types(volume::Kind kind) {
  return kind == volume::Kind::Ntfs ? "ntfs3,ntfs-3g" : "exfat,exfat-fuse";
}

std::string options(const record::HostMount& mount, bool read_only) {
  return concat(read_only ? "ro" : "rw", ",noatime,nodev,nosuid", mount.options.empty() ? "" : ",", mount.options);
}

// Started when the first unit fails.
GuestFile read_only_unit(const record::HostMount& mount) {
  return {.name = std::string(kReadOnlyUnit),
          .text = concat(kComment,
                         "# ntfs3 does not write to a volume that is marked dirty.\n"
                         "[Unit]\n"
                         "Description=The Volume of This System's Image, Read-Only\n"
                         "DefaultDependencies=no\n"
                         "Conflicts=shutdown.target\n"
                         "Before=shutdown.target\n"
                         "\n"
                         "[Service]\n"
                         "Type=oneshot\n"
                         "ExecStart=-/bin/mount -t ntfs3 -o ",
                         options(mount, true), ' ', record::kHostDevicePath, ' ', mount.path, '\n')};
}

}  // namespace

std::vector<GuestFile> host_device_rules() {
  const std::string match = concat(
      "# From vhdboot, in memory: the volume that holds this system's image, without that image.\n"
      "ACTION!=\"remove\", SUBSYSTEM==\"block\", ATTR{dm/name}==\"",
      record::kHostDeviceName, "\", ");
  const std::string_view link = record::kHostDevicePath.substr(std::string_view("/dev/").size());
  // After 10-dm.rules, which sets these flags, and before all rules that have blkid read the device.
  // 99-systemd.rules takes a device that libdevmapper did not make for one that is not ready: since systemd 255 without
  // a DM_NAME, before by the flag that dmsetup's rules set.
  return {{"12-vhdboot-host.rules",
           concat(match,
                  "ENV{DM_UDEV_DISABLE_DISK_RULES_FLAG}=\"1\", ENV{DM_UDEV_DISABLE_OTHER_RULES_FLAG}=\"1\", "
                  "ENV{UDEV_DISABLE_PERSISTENT_STORAGE_RULES_FLAG}=\"1\"\n")},
          {"98-vhdboot-host.rules",
           concat(match, "SYMLINK=\"", link, "\", ENV{UDISKS_IGNORE}=\"1\", ENV{DM_NAME}=\"", record::kHostDeviceName,
                  "\", ENV{DM_UDEV_DISABLE_OTHER_RULES_FLAG}=\"\", ENV{SYSTEMD_READY}=\"1\"\n")}};
}

std::vector<GuestFile> host_mount_units(const record::HostMount& mount, volume::Kind kind) {
  const bool falls_back = !mount.read_only && kind == volume::Kind::Ntfs;
  std::vector<GuestFile> units{{.name = record::mount_unit_name(mount.path),
                                .text = concat(kComment,
                                               "[Unit]\n"
                                               "Description=The Volume of This System's Image\n"
                                               "ConditionPathExists=!/etc/initrd-release\n",
                                               falls_back ? concat("OnFailure=", kReadOnlyUnit, '\n') : "",
                                               "\n"
                                               "[Mount]\n"
                                               "What=",
                                               record::kHostDevicePath, "\nWhere=", mount.path, "\nType=", types(kind),
                                               "\nOptions=nofail,", options(mount, mount.read_only), '\n')}};
  if (falls_back) units.push_back(read_only_unit(mount));
  return units;
}

}  // namespace vhdboot::guest
