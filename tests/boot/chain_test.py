# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests whose image is made of blocks: a chain of VHDX or VHD files. What they write is forgotten; without
`ephemeral yes` they are refused, which failure_test.py shows."""

import hashlib

import pytest

from tests.support import chains, disk, hostdisk, tiny_guest
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE

# The whole disk as the guest reads it, before and after it was written to.
SCRIPT = r"""
echo "guest: sum $(md5sum < /dev/loop0)"
write_note 3 'to be forgotten'
dd if=$notes bs=4096 skip=3 count=1 iflag=direct status=none | head -c 15
echo " is there"
"""
MODULES = ("dm-zero", "dm-snapshot")


@pytest.mark.parametrize("make, block_size", [
    pytest.param(chains.vhdx_of_three, 512, id="VHDX files in thousands of rows"),
    pytest.param(chains.vhdx_of_three, 4096, marks=pytest.mark.only_all, id="VHDX files on a 4Kn disk"),
    pytest.param(chains.vhd_of_two, 512, marks=pytest.mark.only_all, id="a VHD on a fixed one"),
])
def test_a_guest_in_a_chain(folder, make, block_size):
    guest = tiny_guest.make(SCRIPT, modules=MODULES)
    payload = guest.image.read_bytes()[: guest.payload]
    files = make(folder, payload)
    conf = folder / "debian.conf"
    conf.write_text(f"image /boot/{files[0].name}\nephemeral yes\n", encoding="utf-8")
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(block_size=block_size), {
        **{f"/boot/{file.name}": file for file in files}, "/boot/debian.conf": conf,
        "/boot/debian.efi": PRODUCTS / "vhdboot.efi"})
    before = disk.digest(host.path)
    with Machine(MachineSpec([Disk(host.path, boot=0, block_size=block_size)]), log=folder / "console.log") as machine:
        parents = machine.expect(r"  image    /boot/\S+ .* with (\d) parents?, on", 240, failing=TROUBLE)[1]
        assert int(parents) == len(files) - 1
        read = machine.expect(r"guest: sum ([0-9a-f]{32})", 600, failing=TROUBLE)[1]
        machine.expect(r"to be forgotten is there", 60)
        assert machine.wait_exit(240) == 0
    assert read == hashlib.md5(payload, usedforsecurity=False).hexdigest()
    assert disk.digest(host.path) == before
    assert hostdisk.volume_complaints(host) == []
