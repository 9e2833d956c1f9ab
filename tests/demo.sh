#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shows the whole thing: builds vhdboot, makes a Debian in a VHD on an NTFS volume, and boots it in QEMU; see --help.
set -euo pipefail
# Here, so that it is there before anything is installed.
usage="Usage: tests/demo.sh [OPTION]...

Builds vhdboot and boots a Debian out of a VHD on an NTFS volume, in QEMU. Runs as
root on Debian 12, and installs what it needs (tests/packages.list).

      --exfat            an exFAT volume instead of NTFS
      --interactive      leave the console to you; log in as root without a
                         password; Ctrl-] ends it
      --image FILE       boot a copy of your own image, a fixed VHD or raw
      --screenshot FILE  save the screen at the login prompt as a PNG, and
                         vhdboot's own as FILE with -vhdboot
  -h, --help             this text"
for word in "$@"; do
  case $word in -h | --help) printf '%s\n' "$usage"; exit ;; esac
done
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/packages.sh
# Options are looked at before anything is installed, as far as there is a Python to do it.
if [ -x /usr/bin/python3 ]; then
  /usr/bin/python3 -m tests.support.demo --check "$@" || exit
fi
install_packages
exec /usr/bin/python3 -m tests.support.demo "$@"
