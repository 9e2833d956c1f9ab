# SPDX-License-Identifier: GPL-2.0-or-later
"""An initrd that is made outside of its guest, by a program that comes with more than a guest should hold: mkosi-initrd,
which installs packages into a tree and packs that, with systemd as its /init."""

from pathlib import Path

from .command import run
from .debian import bootstrap_words
from .guest_boot import kernel_of

MAKER = "mkosi"
# mkosi wants a root that is a mount point, to leave it by pivot_root. It would also add the modules that this machine has
# loaded, which is nothing that concerns the guest; a machine whose kernel has no modules at all makes it fail.
HOOK = """#!/bin/sh
set -eu
cp -a '{modules}' "$1/usr/lib/modules"
cp '{kernel}' "$1/boot"
mkdir -p "$1/usr/lib/firmware"
cat >"$1/usr/local/bin/mkosi" <<'END'
#!/usr/bin/python3
import os, sys
os.execv("/usr/bin/mkosi", ["mkosi", *(word for word in sys.argv[1:] if word != "--kernel-modules-include=host")])
END
chmod 755 "$1/usr/local/bin/mkosi"
unshare --mount sh -euc '
  mount --rbind "$1" "$1"
  exec chroot "$1" mkosi-initrd --kernel-version {version} --kernel-image /boot/{kernel.name} --output-dir /made
' sh "$1"
cp "$1/made/initrd" '{initrd}'
chroot "$1" dpkg-query -W -f '${{Package}} ${{Version}}\\n' mkosi >'{made_by}'
"""


def is_made_outside(recipe) -> bool:
    return MAKER in recipe.initrd


def make_outside(recipe, rootfs: Path, made_by: Path, work: Path) -> None:
    """Puts the initrd where the guest's own would be, and the version of what made it into the file `made_by`."""
    kernel, initrd, version = kernel_of(rootfs)
    hook = work / "make-initrd"
    hook.write_text(HOOK.format(modules=rootfs / "usr/lib/modules", kernel=kernel, version=version, initrd=initrd,
                                made_by=made_by), encoding="utf-8")
    hook.chmod(0o755)
    run(*bootstrap_words(recipe.suite, [*recipe.initrd, "udev", "cpio", "zstd"], work / "initrd.null"),
        "--format=null", f"--customize-hook={hook}", log=work / "mkosi.log")
