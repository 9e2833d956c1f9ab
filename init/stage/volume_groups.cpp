// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/volume_groups.h"

#include <optional>

#include "base/text.h"
#include "init/sys/block.h"
#include "init/sys/file.h"

namespace vhdboot::stage {
namespace {

// initramfs-tools(7), "Boot scripts": those of a folder run as its file ORDER names them.
constexpr char kInitramfsTools[] = "/scripts/local";
constexpr char kFolder[] = "/scripts/local-top";
constexpr char kOrder[] = "/scripts/local-top/ORDER";
constexpr char kScript[] = "/scripts/local-top/vhdboot-lvm";

std::optional<std::string> lvm_program() {
  for (const char* path : {"/sbin/lvm", "/usr/sbin/lvm"})
    if (sys::exists(path)) return path;
  return std::nullopt;
}

// The disk and its partitions, those that are physical volumes, as words for lvm: other volume groups of the machine
// are not ours to touch.
std::string physical_volumes(const std::string& disk) {
  std::string words;
  for (const sys::BlockDevice& device : sys::block_devices())
    if ((device.path == disk || device.path.starts_with(disk + "p")) && sys::identify(device).type == "LVM2_member")
      words += concat(" --devices ", device.path);
  return words;
}

}  // namespace

Result<void> ask_for_volume_groups(const std::string& disk) {
  const auto lvm = lvm_program();
  if (!lvm || !sys::exists(kInitramfsTools)) return {};
  const std::string devices = physical_volumes(disk);
  if (devices.empty()) return {};
  const std::string script = concat("#!/bin/sh\n[ \"$1\" = prereqs ] && exit 0\n", *lvm,
                                    " vgchange --activate ay --sysinit --quiet", devices, '\n');
  TRY(sys::make_directories(kFolder));
  TRY(sys::write_file(kScript, as_bytes(script), 0755));
  const std::string order = sys::read_text(kOrder).value_or("");
  return sys::write_file(kOrder, as_bytes(concat(kScript, " \"$@\"\n", order)));
}

}  // namespace vhdboot::stage
