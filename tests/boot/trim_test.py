# SPDX-License-Identifier: GPL-2.0-or-later
"""TRIM in the guest: it reaches a disk that has it, and costs nothing on one that has not, or where it is turned off."""

import re

import pytest

from tests.support import hostdisk
from tests.support.guest import guest as get_guest
from tests.support.images import guest_vhd
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE, GuestShell

VHD = "/boot/debian.vhd"
WITH_TRIM = "virtio-blk-pci,discard=on,write-zeroes=on"
ZEROES_ONLY = "virtio-blk-pci,discard=off,write-zeroes=on"
MIB = 1 << 20


@pytest.mark.parametrize("device, options, trims", [
    pytest.param(WITH_TRIM, "", True, marks=pytest.mark.only_all, id="a disk with TRIM"),
    pytest.param(WITH_TRIM, "trim=off", False, marks=pytest.mark.only_all, id="turned off"),
    pytest.param(ZEROES_ONLY, "", False, marks=pytest.mark.only_all, id="a disk that can only write zeroes"),
])
def test_fstrim(folder, device, options, trims):
    files = {VHD: guest_vhd(get_guest("debian12")), "/boot/debian.efi": PRODUCTS / "vhdboot.efi"}
    if options:
        conf = folder / "debian.conf"
        conf.write_text(options.replace("=", " ") + "\n", encoding="utf-8")
        files["/boot/debian.conf"] = conf
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(), files)
    before = hostdisk.outside_digest(host, VHD)
    with Machine(MachineSpec([Disk(host.path, device=device, boot=0)]), log=folder / "console.log") as machine:
        machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 240, failing=TROUBLE)
        shell = GuestShell(machine)
        shell.log_in(600)
        shell.check("sync")
        written = machine.block_statistics(0)
        status, text = shell.run("fstrim -v /", 240)
        assert (status == 0) == trims, text
        if trims:
            assert int(re.search(r"\((\d+) bytes\)", text)[1]) > 16 * MIB, text
        else:
            assert "not supported" in text
            assert machine.block_statistics(0)["wr_bytes"] - written["wr_bytes"] < 16 * MIB
        machine.send("poweroff\n")
        assert machine.wait_exit(240) == 0
    assert hostdisk.outside_digest(host, VHD) == before
    assert hostdisk.volume_complaints(host) == []
