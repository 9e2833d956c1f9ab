# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines of the pages that boot an image in QEMU, as they stand there: with the smallest guest for the image."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import pages, tiny_guest
from tests.support.command import die_with_parent, run
from tests.support.paths import PRODUCTS
from tests.support.qemu import accelerator_words

PATH = f"{PRODUCTS}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
BLOCKS = pages.blocks("sh", pages.IN_QEMU)


@pytest.mark.skipif(os.geteuid() != 0 or not os.access("/dev/fuse", os.W_OK), reason="mounting needs root and /dev/fuse")
@pytest.mark.parametrize("block", [pytest.param(block, id=Path(block.page).stem,
                                                marks=[] if block.page == "README.md" else [pytest.mark.only_all])
                                   for block in BLOCKS])
def test_lines(folder, block):
    image = tiny_guest.make("", modules=("ahci",)).image
    run("qemu-img", "convert", "-f", "vpc", "-O", "qcow2", image, folder / "machine.qcow2")
    shutil.copy(PRODUCTS / "vhdboot.efi", folder)
    lines = block.text
    if "raw2vhd" not in lines:
        shutil.copy(image, folder / "debian.vhd")
    # A KVM that cannot run the firmware is no reason for QEMU to take the other.
    accelerator = accelerator_words()[1]
    lines = lines.replace("accel=kvm:tcg", f"accel={accelerator}")
    if accelerator == "tcg":
        lines = lines.replace("vhdboot try", "vhdboot try --emulate")
    (folder / "lines.sh").write_text(f"mount -t tmpfs tmpfs /mnt\n{lines}", encoding="utf-8")
    try:
        done = subprocess.run(["timeout", "--kill-after=10", "300", "unshare", "--mount", "--propagation", "private",
                               "bash", "-eu", "lines.sh"], cwd=folder,
                              env={**os.environ, "PATH": PATH}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=330, preexec_fn=die_with_parent, check=False)
        said = done.stdout.decode("utf-8", "replace")
        (folder / "console.log").write_text(said, encoding="utf-8")
        assert done.returncode == 0 and "checkpoint=kexec" in said and "guest: done" in said, said[-3000:]
    finally:
        for name in ("machine.qcow2", "vhdboot.efi"):
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / "esp", ignore_errors=True)
