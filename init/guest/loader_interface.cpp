// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/loader_interface.h"

namespace vhdboot::guest {
namespace {

constexpr std::byte kBootServiceAndRuntimeAccess{0x06};  // UEFI 2.10, 8.2.1

// systemd runs generators with their three folders as arguments, and of one name the first (systemd.generator(7)): in
// /run, in /etc, where a link to /dev/null means none, in /usr/local/lib, in /usr/lib.
constexpr std::string_view kProgram =
    R"(#!/bin/sh
# From vhdboot, in memory: tells systemd-gpt-auto-generator from which partition this system was started.
variables=/sys/firmware/efi/efivars
variable=$variables/LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f
for folder in /etc/systemd /usr/local/lib/systemd /usr/lib/systemd /lib/systemd; do
  generator=$folder/system-generators/systemd-gpt-auto-generator
  { [ -e "$generator" ] || [ -L "$generator" ]; } && break
done
[ -x "$generator" ] || exit 0
if [ -z "$VHDBOOT_UNSHARED" ]; then
  VHDBOOT_UNSHARED=1 unshare --mount "$0" "$@" && exit 0
elif mount -t tmpfs -o mode=0755 tmpfs "$variables"; then
  cat /run/vhdboot/LoaderDevicePartUUID >"$variable"
fi
unset VHDBOOT_UNSHARED
exec "$generator" "$@"
)";

}  // namespace

std::vector<std::byte> efi_variable(std::string_view text) {
  std::vector<std::byte> value{kBootServiceAndRuntimeAccess, {}, {}, {}};
  for (const char c : text) {
    value.push_back(static_cast<std::byte>(c));
    value.push_back({});
  }
  value.resize(value.size() + sizeof(char16_t));
  return value;
}

std::string_view gpt_auto_generator() {
  return kProgram;
}

}  // namespace vhdboot::guest
