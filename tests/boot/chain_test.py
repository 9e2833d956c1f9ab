# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests whose image is made of blocks: a chain of VHDX or VHD files. What they write is forgotten, or goes into an image
that has all of its blocks; any other one is refused without `ephemeral yes`, which failure_test.py shows."""

import hashlib
import uuid
from pathlib import Path

import pytest

from tests.support import chains, disk, hostdisk, sparse_images, tiny_guest
from tests.support.command import run
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


@pytest.mark.parametrize("make, block_size, guest_block", [
    pytest.param(chains.vhdx_of_three, 512, 512, id="VHDX files in thousands of rows"),
    pytest.param(chains.vhdx_of_three, 4096, 512, marks=pytest.mark.only_all, id="VHDX files on a 4Kn disk"),
    pytest.param(chains.vhdx_of_three_4kn, 512, 4096, marks=pytest.mark.only_all, id="VHDX files of a 4Kn disk"),
    pytest.param(chains.vhdx_of_three_4kn, 4096, 4096, marks=pytest.mark.only_all, id="VHDX files of a 4Kn disk on one"),
    pytest.param(chains.vhd_of_two, 512, 512, marks=pytest.mark.only_all, id="a VHD on a fixed one"),
])
def test_a_guest_in_a_chain(folder, make, block_size, guest_block):
    guest = tiny_guest.make(SCRIPT, modules=MODULES, block_size=guest_block)
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


LOG = uuid.UUID(int=0x5EED_0106)


def whole_vhdx(folder: Path, payload: bytes) -> Path:
    """With all of its blocks, which its table says only once its log has been replayed."""
    raw, path = folder / "payload.raw", folder / "debian.vhdx"
    raw.write_bytes(payload)
    run("qemu-img", "convert", "-O", "vhdx", raw, path)
    for command in (["desparse"], ["provision", "--full"]):
        run(PRODUCTS / "vhdtool", *command, path)
    data = path.read_bytes()
    table, _ = sparse_images.region(data, sparse_images.BAT)
    with open(path, "r+b") as file:
        file.seek(table)
        file.write(bytes(4096))
    entry = sparse_images.log_entry(LOG, 1, 0, [(table, data[table : table + 4096])], len(data))
    sparse_images.put_log(path, [(0, entry)], LOG)
    return path


def guids(path: Path) -> tuple[bytes, bytes, bytes]:
    """Of the header of a VHDX file that counts: of what was written, of the data, of the log."""
    _, header = sparse_images.newest_header(path.read_bytes())
    return bytes(header[16:32]), bytes(header[32:48]), bytes(header[48:64])


def test_a_guest_that_writes_into_a_vhdx(folder):
    guest = tiny_guest.make("write_note 3 'to be kept'\n")
    payload = guest.image.read_bytes()[: guest.payload]
    image = whole_vhdx(folder, payload)
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(pieces=3), {
        "/boot/debian.vhdx": image, "/boot/debian.efi": PRODUCTS / "vhdboot.efi"})
    before = hostdisk.outside_digest(host, "/boot/debian.vhdx")
    with Machine(MachineSpec([Disk(host.path, boot=0)]), log=folder / "console.log") as machine:
        machine.expect(r"  image    /boot/debian.vhdx, .* fixed VHDX image, on", 240, failing=TROUBLE)
        machine.expect("guest: done", 600, failing=TROUBLE)
        assert machine.wait_exit(240) == 0
    assert hostdisk.outside_digest(host, "/boot/debian.vhdx") == before
    assert hostdisk.volume_complaints(host) == []
    after = hostdisk.extract_file(host, "/boot/debian.vhdx", folder / "after.vhdx", image.stat().st_size)
    assert all(new != old for new, old in zip(guids(after), guids(image))) and guids(after)[2] == bytes(16)
    run("qemu-img", "check", after)
    run("qemu-img", "convert", "-O", "raw", after, folder / "after.raw")
    note = b"to be kept\n".ljust(tiny_guest.BLOCK, b"\0")
    place = guest.notes + 3 * tiny_guest.BLOCK
    assert (folder / "after.raw").read_bytes() == payload[:place] + note + payload[place + len(note) :]
