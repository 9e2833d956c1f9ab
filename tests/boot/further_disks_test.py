# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest with more than one disk: it uses them as its own, what it writes lies in their files and nowhere else, and where
it forgets they are read-only."""

import hashlib
import random
import re
import subprocess
from pathlib import Path

import pytest

from tests.support import chains, disk, hostdisk, sparse_images, tiny_guest, vhd
from tests.support.command import run
from tests.support.guest import guest as get_guest
from tests.support.images import guest_vhd
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE, GuestShell

EFI = PRODUCTS / "vhdboot.efi"
VHDTOOL = PRODUCTS / "vhdtool"
VHD = "/boot/debian.vhd"
SIZE = 64 * disk.MIB
UUID = "5eedb007-0000-4000-9000-0000000000d1"
PARTITION = disk.Partition(disk.MIB, SIZE - 2 * disk.MIB, disk.LINUX, "5EEDB007-0000-4000-9000-0000000000D2", "data")


def fixed_vhd(folder: Path) -> Path:
    """With a partition that has a file system with a file."""
    root, image, letter = folder / "data", folder / "data.vhd", folder / "letter"
    letter.mkdir()
    (letter / "letter.txt").write_text("Dear guest\n", encoding="utf-8")
    with open(root, "wb") as file:
        file.truncate(PARTITION.size)
    run("mke2fs", "-q", "-t", "ext4", "-U", UUID, "-E", "root_owner=0:0", "-d", letter, root)
    disk.create(image, SIZE, disk.Table("gpt", "5EEDB007-0000-4000-9000-0000000000D0", [PARTITION]))
    disk.place(root, image, PARTITION.start)
    vhd.make_fixed(image)
    return image


def whole_vhdx(folder: Path) -> Path:
    """Nothing is in it, and it has all of its blocks."""
    image = folder / "blank.vhdx"
    run("qemu-img", "create", "-q", "-f", "vhdx", image, SIZE)
    for command in (["desparse"], ["provision", "--full"]):
        run(PRODUCTS / "vhdtool", *command, image)
    return image


def files_with(folder: Path, image: Path, settings: str) -> dict[str, Path]:
    conf = folder / "debian.conf"
    conf.write_text(settings, encoding="utf-8")
    return {VHD: image, "/boot/data.vhd": fixed_vhd(folder), "/Disks/blank.vhdx": whole_vhdx(folder),
            "/boot/debian.efi": EFI, "/boot/debian.conf": conf}


def outside(host: hostdisk.HostDisk, *names: str) -> str:
    return disk.digest_outside(host.path, [part for name in names for part in host.extents[name]])


def written_by(image: Path) -> bytes:
    """The GUID in the header of a VHDX that says who has written to the file."""
    return bytes(sparse_images.newest_header(image.read_bytes())[1][16:32])


def check_file_system(root: Path, name: str, words: str) -> None:
    assert hostdisk.guest_complaints(root) == []
    assert words in hostdisk.read_guest_file(root, "ext4", name)


def judge(host: hostdisk.HostDisk, folder: Path, files: dict[str, Path], before: str) -> Path:
    """What became of the disks; the bytes of the VHDX's disk."""
    assert outside(host, VHD, "/boot/data.vhd", "/Disks/blank.vhdx") == before
    assert hostdisk.volume_complaints(host) == []
    data = hostdisk.extract_file(host, "/boot/data.vhd", folder / "after.vhd", files["/boot/data.vhd"].stat().st_size)
    assert data.read_bytes()[SIZE:] == files["/boot/data.vhd"].read_bytes()[SIZE:]
    check_file_system(disk.extract(data, PARTITION.start, PARTITION.size, folder / "data.raw"), "/answer", "answer")
    blank = files["/Disks/blank.vhdx"]
    after = hostdisk.extract_file(host, "/Disks/blank.vhdx", folder / "after.vhdx", blank.stat().st_size)
    assert written_by(after) != written_by(blank)
    run("qemu-img", "check", "-f", "vhdx", after)
    run("qemu-img", "convert", "-f", "vhdx", "-O", "raw", after, folder / "blank.raw")
    return folder / "blank.raw"


WRITING = """
for name in loop1 loop2; do echo "guest: $name $(cat /sys/block/$name/ro) $(cat /sys/block/$name/loop/dio) $(cat /sys/block/$name/size)"; done
mount -t ext4 /dev/loop1p1 /mnt
cat /mnt/letter.txt
echo answer >/mnt/answer
umount /mnt
dd if=/dev/loop0 of=/dev/loop2 bs=1M count=4 oflag=direct conv=notrunc status=none
"""


@pytest.mark.only_all
def test_a_tiny_guest_with_three_disks(folder):
    guest = tiny_guest.make(WRITING)
    files = files_with(folder, guest.image, "disk data.vhd\ndisk \\disks\\BLANK.vhdx\n")
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(pieces=3), files)
    before = outside(host, VHD, "/boot/data.vhd", "/Disks/blank.vhdx")
    with Machine(MachineSpec([Disk(host.path, boot=0)], memory_mib=512), log=folder / "console.log") as machine:
        machine.expect(r"  disk     /boot/data.vhd, 64 MiB fixed VHD", 300, failing=TROUBLE)
        for said in (f"guest: loop1 0 1 {SIZE // 512}", f"guest: loop2 0 1 {SIZE // 512}", "Dear guest", "guest: done"):
            machine.expect(f"^{said}", 400, failing=TROUBLE)
        assert machine.wait_exit(120) == 0
    blank = judge(host, folder, files, before)
    assert blank.read_bytes()[: 4 * disk.MIB] == guest.image.read_bytes()[: 4 * disk.MIB]


@pytest.mark.only_all
def test_a_guest_with_three_disks(folder):
    guest = get_guest("debian12")
    files = files_with(folder, guest_vhd(guest), "disk data.vhd\ndisk \\disks\\BLANK.vhdx\n")
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(pieces=3), files)
    before = outside(host, VHD, "/boot/data.vhd", "/Disks/blank.vhdx")
    with Machine(MachineSpec([Disk(host.path, boot=0)]), log=folder / "console.log") as machine:
        machine.expect(r"  disk     /boot/data.vhd, 64 MiB fixed VHD", 240, failing=TROUBLE)
        machine.expect(r"  disk     /Disks/blank.vhdx, 64 MiB fixed VHDX|  disk     /Disks/blank.vhdx, 64 MiB dynamic VHDX", 60)
        machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 240, failing=TROUBLE)
        shell = GuestShell(machine)
        shell.log_in(600)
        status, text = shell.run("systemctl is-system-running --wait", 240)
        assert status == 0, f"the guest is {text}"
        assert "further disk 1: /boot/data.vhd is /dev/loop1" in shell.check("dmesg")
        assert shell.check("cat /sys/block/loop[12]/loop/dio /sys/block/loop[12]/ro").split() == ["1", "1", "0", "0"]
        assert shell.check("blockdev --getsize64 /dev/loop1 /dev/loop2").split() == [str(SIZE)] * 2
        for name, device in {"vhdboot/disk1": "loop1", "vhdboot/disk1-part1": "loop1p1", "vhdboot/disk2": "loop2",
                             f"disk/by-uuid/{UUID}": "loop1p1"}.items():
            assert shell.check(f"readlink -f /dev/{name}") == f"/dev/{device}"
        shell.check(f"mount UUID={UUID} /mnt && grep Dear /mnt/letter.txt && echo answer > /mnt/answer && umount /mnt")
        shell.check("mkfs.ext4 -q /dev/vhdboot/disk2 && mount /dev/vhdboot/disk2 /mnt && cp -r /etc /mnt/ && sync && umount /mnt",
                    240)
        shell.check("dmesg -n 7")
        machine.send("poweroff\n")
        assert machine.wait_exit(240) == 0
        assert not re.search(r"I/O error|EXT4-fs (error|warning)", machine.text)
    check_file_system(judge(host, folder, files, before), "/etc/debian_version", "12")


# Of each kind that is written in place: by whom it is made, and how.
MADE = {"one.vhdx": ("vhdx", "block_size=1M"), "two.vhdx": ("vhdx", "block_size=2M"), "many.vhdx": ("vhdx", "block_size=32M"),
        "fixed.vhdx": ("vhdx", "subformat=fixed,block_size=8M"), "growing.vhd": ("vpc", "subformat=dynamic,force_size=on"),
        "fixed.vhd": ("vpc", "subformat=fixed,force_size=on")}
FIVE, CHILD = "five.vhdx", "child.vhd"
SMALL = 6 * disk.MIB
EACH = r"""
n=1
while [ -b /dev/loop$n ] && [ $(cat /sys/block/loop$n/size) != 0 ]; do
  echo "guest: had $n $(md5sum < /dev/loop$n | cut -c 1-32)"
  echo "written $n" | dd of=/dev/loop$n bs=4096 seek=$((n * 100)) conv=sync,notrunc oflag=direct status=none
  n=$((n + 1))
done
"""


def disk_of_each_kind(folder: Path, contents: bytes) -> list[list[Path]]:
    """The files of each, the one to be written first: images of others, a chain of five files, a differencing VHD."""
    raw = folder / "contents"
    raw.write_bytes(contents)
    found = []
    for name, (form, options) in MADE.items():
        run("qemu-img", "convert", "-f", "raw", "-O", form, "-o", options, raw, folder / name)
        run(VHDTOOL, "desparse", folder / name)
        found.append([folder / name])
    files = chains.vhdx_of(folder, contents, 5)
    found.append([files[0].rename(folder / FIVE), *files[1:]])
    child = folder / CHILD
    run("qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o", "subformat=fixed,force_size=on", raw, child)
    run(VHDTOOL, "desparse", child)
    run(VHDTOOL, "snapshot", "--reserve", "0", child, "base")
    found.append([child, child.with_name("child.base.vhd")])
    for files in found:
        if not files[0].name.startswith("fixed"):
            run(VHDTOOL, "desparse", files[0])
            run(VHDTOOL, "provision", "--full", files[0])
    return found


@pytest.mark.only_all
def test_a_disk_of_each_kind(folder):
    """Blocks of 1, 2 and 32 MiB, chains of two and five: each is written in place, read by others, and nothing else changes."""
    contents = random.Random(5).randbytes(SMALL)
    disks = disk_of_each_kind(folder, contents)
    guest = tiny_guest.make(EACH)
    conf = folder / "debian.conf"
    conf.write_text("".join(f"disk /disks/{files[0].name}\n" for files in disks), encoding="utf-8")
    files = {VHD: guest.image, "/boot/debian.efi": EFI, "/boot/debian.conf": conf}
    files |= {f"/disks/{path.name}": path for paths in disks for path in paths}
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(pieces=3), files)
    written = [f"/disks/{paths[0].name}" for paths in disks]
    before = outside(host, *written)
    with Machine(MachineSpec([Disk(host.path, boot=0)], memory_mib=512), log=folder / "console.log") as machine:
        machine.expect("^guest: done", 600, failing=TROUBLE)
        assert machine.wait_exit(120) == 0
        had = re.findall(r"guest: had (\d) ([0-9a-f]{32})", machine.text)
    assert had == [(str(number), hashlib.md5(contents).hexdigest()) for number in range(1, len(disks) + 1)]
    assert outside(host, *written) == before
    assert hostdisk.volume_complaints(host) == []
    after = folder / "after"
    after.mkdir()
    for number, paths in enumerate(disks, 1):
        for path in paths:
            hostdisk.extract_file(host, f"/disks/{path.name}", after / path.name, path.stat().st_size)
        image, place = after / paths[0].name, number * 100 * 4096
        expected = folder / "expected"
        expected.write_bytes(contents[:place] + f"written {number}\n".encode().ljust(4096, b"\0") + contents[place + 4096 :])
        with open(folder / "read", "wb") as file:
            done = subprocess.run([VHDTOOL, "cat", image], stdout=file, timeout=120, check=False)
        assert done.returncode in (0, 4)  # a parent that was taken out of the volume has another time
        assert (folder / "read").read_bytes() == expected.read_bytes(), image.name
        if len(paths) == 1:
            form = "vhdx" if image.suffix == ".vhdx" else "vpc"
            run("qemu-img", "compare", "-f", "raw", "-F", form, expected, image)


FORGETTING = """
for name in loop1 loop2; do echo "guest: $name is $(cat /sys/block/$name/ro)"; done
dd if=/dev/zero of=/dev/loop1 bs=512 count=1 conv=notrunc 2>/dev/null || echo 'guest: a further disk cannot be written'
mount -t ext4 -o ro /dev/loop1p1 /mnt
cat /mnt/letter.txt
umount /mnt
write_note 0 forgotten
"""


@pytest.mark.only_all
@pytest.mark.parametrize("settings", ["ephemeral 64M\n", "ephemeral 64M\nkeep PARTLABEL=esp\n"],
                         ids=["all forgotten", "a partition is kept"])
def test_a_guest_that_forgets(folder, settings):
    guest = tiny_guest.make(FORGETTING, modules=("dm-snapshot",))
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(),
                         files_with(folder, guest.image, f"disk data.vhd\ndisk /disks/blank.vhdx\n{settings}"))
    before = disk.digest(host.path)
    with Machine(MachineSpec([Disk(host.path, boot=0)], memory_mib=512), log=folder / "console.log") as machine:
        machine.expect("data.vhd, 64 MiB fixed VHD, read-only since the guest forgets", 240, failing=TROUBLE)
        for said in ("guest: loop1 is 1", "guest: loop2 is 1", "guest: a further disk cannot be written", "Dear guest", "guest: done"):
            machine.expect(f"^{said}", 300, failing=TROUBLE)
        assert machine.wait_exit(60) == 0
    assert disk.digest(host.path) == before
