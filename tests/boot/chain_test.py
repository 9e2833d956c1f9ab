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


# $parents is the partition with the parents.
HELD = r"""
echo "guest: parents on $parents, read-only $(cat /sys/class/block/$parents/ro)"
if mount -t ext4 -o ro /dev/$parents /mnt 2> /dev/null; then echo 'guest: MOUNTED'; fi
mount -t ext4 -o ro /dev/$parents /mnt 2>&1 | grep -q busy && echo 'guest: its partition is busy'
if dd if=/dev/zero of=/dev/$parents bs=512 count=1 conv=fsync 2> /dev/null; then echo 'guest: WRITTEN'; fi
"""
FLUSHES = 10
WRITES = r"""
write_note 3 'to be kept'
echo 'guest: at the first flush'
read -r go
n=0
while [ $n -lt 10 ]; do
  dd if=/dev/zero of=$notes bs=4096 seek=5 count=1 conv=notrunc,fsync status=none
  n=$((n + 1))
done
echo 'guest: flushed'
read -r go
"""


def on_two_disks(folder: Path, files: list[Path], config: str) -> tuple[hostdisk.HostDisk, hostdisk.HostDisk]:
    """The first file on NTFS on one disk, the others in /vhd on exFAT on another one."""
    conf = folder / "debian.conf"
    conf.write_text(f"image /boot/{files[0].name}\nparent-volume {hostdisk.EXFAT_SERIAL}\n{config}", encoding="utf-8")
    own = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(pieces=3), {
        f"/boot/{files[0].name}": files[0], "/boot/debian.conf": conf, "/boot/debian.efi": PRODUCTS / "vhdboot.efi"})
    other = hostdisk.make(folder / "parents.raw",
                          hostdisk.HostSpec(fs="exfat", table="mbr", label="BASES", loader="esp", pieces=3),
                          {f"/vhd/{file.name}": file for file in files[1:]})
    return own, other


def parents_are_held(text: str) -> bool:
    return ("read-only 1" in text and "guest: its partition is busy" in text and "guest: MOUNTED" not in text
            and "guest: WRITTEN" not in text)


@pytest.mark.only_all
def test_parents_on_another_disk(folder):
    """By USB, so that the guest's kernel needs drivers for that one, too."""
    guest = tiny_guest.make(f"{SCRIPT}parents=sda2\n{HELD}", modules=MODULES)
    payload = guest.image.read_bytes()[: guest.payload]
    files = chains.vhdx_of_three(folder, payload, parents="D:\\vhd")
    own, other = on_two_disks(folder, files, "ephemeral yes\n")
    before = [disk.digest(host.path) for host in (own, other)]
    with Machine(MachineSpec([Disk(own.path, boot=0), Disk(other.path, bus="usb")]),
                 log=folder / "console.log") as machine:
        machine.expect(r"  image    /boot/debian.vhdx, .* with 2 parents, on /dev/vda2", 240, failing=TROUBLE)
        machine.expect(r"  parents  on /dev/sda2 \(exFAT \"BASES\"\), which is only read", 60, failing=TROUBLE)
        read = machine.expect(r"guest: sum ([0-9a-f]{32})", 600, failing=TROUBLE)[1]
        machine.expect(r"to be forgotten is there", 60)
        machine.expect("guest: done", 60, failing=TROUBLE)
        assert machine.wait_exit(240) == 0
        assert parents_are_held(machine.text)
    assert read == hashlib.md5(payload, usedforsecurity=False).hexdigest()
    assert [disk.digest(host.path) for host in (own, other)] == before


@pytest.mark.only_all
@pytest.mark.parametrize("command", [
    pytest.param(["provision", "--full"], id="in place"), pytest.param(["reserve", "+80M"], id="into new blocks")])
def test_a_child_is_written_and_its_parents_on_another_disk_are_not(folder, command):
    guest = tiny_guest.make(f"parents=vdb2\n{HELD}{WRITES}", modules=(*MODULES, "nbd"))
    payload = guest.image.read_bytes()[: guest.payload]
    files = chains.vhdx_of_three(folder, payload, parents="D:\\vhd")
    run(PRODUCTS / "vhdtool", "desparse", files[0])
    run(PRODUCTS / "vhdtool", *command[:1], files[0], *command[1:])
    own, other = on_two_disks(folder, files, "")
    outside = hostdisk.outside_digest(own, "/boot/debian.vhdx")
    parents = disk.digest(other.path)
    with Machine(MachineSpec([Disk(own.path, boot=0), Disk(other.path)]), log=folder / "console.log") as machine:
        machine.expect(r"  parents  on /dev/vdb2", 240, failing=TROUBLE)
        machine.expect("guest: at the first flush", 600, failing=TROUBLE)
        before = [machine.block_statistics(number) for number in (0, 1)]
        machine.send("go\n")
        machine.expect("guest: flushed", 120, failing=TROUBLE)
        after = [machine.block_statistics(number) for number in (0, 1)]
        machine.send("go\n")
        machine.expect("guest: done", 60, failing=TROUBLE)
        assert machine.wait_exit(240) == 0
        assert parents_are_held(machine.text)
    assert after[0]["flush_operations"] - before[0]["flush_operations"] >= FLUSHES
    assert after[1]["flush_operations"] == before[1]["flush_operations"]
    assert after[1]["wr_operations"] == 0
    assert disk.digest(other.path) == parents
    assert hostdisk.outside_digest(own, "/boot/debian.vhdx") == outside
    assert hostdisk.volume_complaints(own) == []
    child = hostdisk.extract_file(own, "/boot/debian.vhdx", folder / "debian.vhdx", files[0].stat().st_size)
    place = guest.notes + 3 * tiny_guest.BLOCK
    assert run(PRODUCTS / "vhdtool", "cat", "--offset", place, "--length", 11, child) == "to be kept\n"


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
