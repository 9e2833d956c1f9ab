#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shows the whole thing: builds vhdboot, makes a Debian in a VHD on an NTFS volume, and boots it in QEMU; see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. tests/packages.sh
# Options are looked at before anything is installed, as far as there is a Python to do it.
if [ -x /usr/bin/python3 ]; then
  /usr/bin/python3 -m tests.support.demo --check "$@" || exit
  case " $* " in *" --help "* | *" -h "*) exit ;; esac
fi
install_packages
exec /usr/bin/python3 -m tests.support.demo "$@"
