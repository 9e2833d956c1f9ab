// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/persist_units.h"

#include <set>

#include "base/text.h"
#include "init/record/persist.h"

namespace vhdboot::guest {
namespace {

constexpr std::string_view kFolder = "systemd/system.control/";
constexpr std::string_view kFill = "vhdboot-persist-fill.service";
constexpr std::string_view kCheck = "vhdboot-persist-check.service";
constexpr std::string_view kComment = "# From vhdboot, in memory: what this system keeps while it forgets the rest.\n";

// A copy counts when it has its name, which it gets when all of it is on the disk. Nobody but root gets past the top,
// whatever the folders above a directory allow in the guest.
constexpr std::string_view kScript = R"(set -eu
kept=/run/vhdboot/persist
new=$kept/.vhdboot-new
refuse() {
  echo "<3>vhdboot: $1" >/dev/kmsg || true
  echo "$1" >&2
  exit 1
}
if [ "$1" = check ]; then
  shift
  for path; do
    [ "$path" -ef "$kept$path" ] || refuse "$path is not kept: something else is mounted there"
  done
  for place in issue.d/vhdboot.issue motd.d/vhdboot; do
    cp /run/vhdboot/kept "/run/$place"
  done
  exit 0
fi
chmod 700 $kept
rm -rf $new
for path; do
  to=$kept$path
  if [ -r /etc/fstab ]; then
    while read -r device place rest; do
      case $device in \#*) continue ;; esac
      [ "${place%/}" != "$path" ] || refuse "/etc/fstab mounts $device at $path: it cannot be one of persist-paths"
    done </etc/fstab
  fi
  real=$(readlink -f "$path") || real=$path
  [ "$real" = "$path" ] || refuse "$path leads to $real: name that in persist-paths"
  if [ -d "$to" ] && [ ! -L "$to" ]; then continue; fi
  if [ -e "$to" ] || [ -L "$to" ]; then refuse "$to is no directory"; fi
  mkdir -p "${to%/*}"
  if [ -d "$path" ]; then
    cp -a -x "$path" $new || refuse "$path cannot be copied into the image of persist: is there room in it?"
  elif [ -e "$path" ]; then
    refuse "$path is no directory: it cannot be one of persist-paths"
  else
    mkdir $new
  fi
  sync
  mv $new "$to"
  sync
done
)";

// Of a device or a mount point, as in the name of its unit.
std::string escaped(std::string_view path) {
  std::string name = record::mount_unit_name(path);
  name.resize(name.rfind('.'));
  return name;
}

std::string unit_begin(std::string_view description) {
  return concat(kComment, "[Unit]\nDescription=", description,
                "\nConditionPathExists=!/etc/initrd-release\nBefore=local-fs.target\n");
}

std::string needs(std::string_view unit) {
  return concat("Requires=", unit, "\nAfter=", unit, '\n');
}

GuestFile unit(std::string_view name, std::string text) {
  return {.name = concat(kFolder, name), .text = std::move(text)};
}

GuestFile mount(std::string_view description, std::string_view what, std::string_view where, std::string_view needed,
                std::string_view how) {
  return unit(record::mount_unit_name(where),
              concat(unit_begin(description), needs(needed), "\n[Mount]\nWhat=", what, "\nWhere=", where, '\n', how));
}

// Runs the script with all paths.
GuestFile service(std::string_view name, std::string_view description, std::string_view needed, std::string_view task,
                  const std::vector<std::string>& paths) {
  std::string words;
  for (const std::string& path : paths) words += concat(' ', path);
  return unit(name, concat(unit_begin(description), needed,
                           "DefaultDependencies=no\n"
                           "Conflicts=shutdown.target\n"
                           "Before=shutdown.target\n"
                           "\n"
                           "[Service]\n"
                           "Type=oneshot\n"
                           "RemainAfterExit=yes\n"
                           "ExecStart=/bin/sh /run/vhdboot/persist.sh",
                           task, words, '\n'));
}

}  // namespace

std::vector<GuestFile> persist_units(const std::string& device, const std::vector<std::string>& paths) {
  const std::string below = record::mount_unit_name(kPersistPlace);
  std::vector<GuestFile> files{{.name = "vhdboot/persist.sh", .text = concat(kComment, kScript)}};
  files.push_back(
      mount("What This System Keeps", device, kPersistPlace, concat("systemd-fsck@", escaped(device), ".service"), ""));
  // The root is writable then, and what the fstab mounts above a directory is there.
  std::string needed = concat(needs(below), "After=local-fs-pre.target systemd-remount-fs.service\n");
  std::set<std::string_view> above;
  for (const std::string_view path : paths) above.insert(path.substr(0, path.rfind('/')));
  for (const std::string_view folder : above)
    if (!folder.empty()) needed += concat("RequiresMountsFor=", folder, '\n');
  files.push_back(service(kFill, "Fill What This System Keeps", needed, "", paths));
  std::string binds;
  for (const std::string& path : paths) {
    files.push_back(
        mount(concat(path, ", Which Is Kept"), concat(kPersistPlace, path), path, kFill, "Type=none\nOptions=bind\n"));
    binds += needs(record::mount_unit_name(path));
  }
  files.push_back(service(kCheck, "Check What This System Keeps", binds, " check", paths));
  files.push_back(unit("local-fs.target.d/vhdboot.conf", concat(kComment, "[Unit]\n", needs(kCheck))));
  return files;
}

std::vector<GuestFile> persist_notices(std::string_view notice, const std::vector<std::string>& paths) {
  const std::string nothing = concat(
      "vhdboot: what is changed on this system is forgotten when it is switched off, ALSO what `persist-paths` names (",
      record::list_of(paths), "): it could not be mounted.\n");
  return {{.name = "vhdboot/kept", .text = std::string(notice)},
          {.name = "issue.d/vhdboot.issue", .text = nothing},
          {.name = "motd.d/vhdboot", .text = nothing}};
}

}  // namespace vhdboot::guest
