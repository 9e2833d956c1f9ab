# SPDX-License-Identifier: GPL-2.0-or-later
"""The volume in the guest, for writing: whatever is done to it and to the image file on it, the guest goes on, the image's
bytes stay as they are, and the volume is in order afterwards."""

import re
import shutil
from dataclasses import dataclass

import pytest

from tests.support import disk, guest_root, hostdisk
from tests.support.guest import guest as get_guest
from tests.support.images import guest_vhd
from tests.support.paths import PRODUCTS, TEST_OUTPUT
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE, GuestShell

OUTPUT = TEST_OUTPUT / "host_device"
VHD = "/boot/debian.vhd"
MARKER = "/root/written-in-the-guest"
# Errors of the host device are meant to be there.
TROUBLE_IN_GUEST = r".*(EXT4-fs.*(error|warning)|I/O error, dev loop|Buffer I/O error on dev loop|Oops|Kernel panic).*"


@dataclass(frozen=True)
class Written:
    guest: str
    fs: str
    driver: str

    @property
    def name(self) -> str:
        return f"{self.guest}-{self.fs}"


@pytest.fixture
def folder(case):
    path = OUTPUT / case.name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    yield path
    for image in path.glob("*.raw"):
        image.unlink()


@pytest.mark.parametrize("case", [Written("debian13", "ntfs", "ntfs3"), pytest.param(Written("debian12", "exfat", "exfat"), marks=pytest.mark.only_all)],
                         ids=lambda case: case.name)
def test_written(case, folder):
    guest = get_guest(case.guest)
    conf = folder / "debian.conf"
    conf.write_text("host-mount /disk rw uid=1000,umask=022\n", encoding="utf-8")
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(fs=case.fs, pieces=3), {
        VHD: guest_vhd(guest), "/boot/debian.efi": PRODUCTS / "vhdboot.efi", "/boot/debian.conf": conf})
    with Machine(MachineSpec([Disk(host.path, "ahci", boot=0)]), log=folder / "console.log") as machine:
        machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 240, failing=TROUBLE)
        shell = GuestShell(machine)
        shell.log_in(600)
        look(case, shell)
        if case.fs == "ntfs":
            mount_dirty(shell, hostdisk.ntfs_flag_places(host))
        write(shell)
        attack(shell)
        shell.check("echo 3 > /proc/sys/vm/drop_caches; cat /usr/bin/* > /dev/null", 240)
        shell.check(f"echo {case.name} > {MARKER}; sync /root")
        shell.check("dmesg -n 7")
        machine.send("poweroff\n")
        assert machine.wait_exit(240) == 0
        trouble = re.search(TROUBLE_IN_GUEST, machine.text)
        assert trouble is None, trouble[0]
    assert hostdisk.volume_complaints(host) == []
    examine(case, guest, host, folder)


def look(case, shell):
    """As a person finds it."""
    status, text = shell.run("systemctl is-system-running --wait", 240)
    assert status == 0, f"the guest is {text}"
    assert shell.check("findmnt -no FSTYPE /disk") == case.driver
    assert "rw" in shell.check("findmnt -no OPTIONS /disk").split(",")
    assert shell.check("systemctl is-active disk.mount") == "active"
    assert shell.check("stat -c '%u %a' /disk/boot/debian.conf") == "1000 755"
    assert shell.check("blockdev --getro /dev/vhdboot/host") == "0"
    assert shell.check("udevadm info --query=symlink /dev/vhdboot/host") == "vhdboot/host"
    size = (PRODUCTS / "vhdboot.efi").stat().st_size
    assert shell.check("cat /disk/boot/debian.efi | wc -c") == str(size)


def mount_dirty(shell, flags):
    """What is marked dirty is mounted, but only for reading."""
    def mark(value):
        shell.check("; ".join(f"printf '\\{value}' | dd of=/dev/vhdboot/host bs=1 seek={place} conv=notrunc status=none"
                              for place in flags))

    shell.check("umount /disk")
    mark(1)
    assert shell.run("systemctl start disk.mount", 120)[0] != 0
    shell.check("systemctl start vhdboot-host-read-only.service")
    assert "ro" in shell.check("findmnt -no OPTIONS /disk").split(",")
    shell.check("cmp /disk/boot/debian.efi /disk/boot/debian.efi && umount /disk")
    mark(0)
    shell.check("systemctl reset-failed; systemctl start disk.mount")


def write(shell):
    """What a volume is mounted for."""
    shell.check("dd if=/dev/urandom of=/root/data bs=1M count=4 && cp /root/data /disk/kept && mkdir /disk/folder && "
                "cp /root/data /disk/folder/gone && sync && rm -r /disk/folder && mv /disk/boot/debian.conf /disk/conf")
    shell.check("umount /disk && systemctl start disk.mount && cmp /root/data /disk/kept && rm /root/data")


def attack(shell):
    """Nothing of this reaches the image's bytes."""
    out_of_reach = "Input/output error"
    for command in ("dd if=/disk/boot/debian.vhd of=/dev/null bs=1M count=1",
                    "dd if=/disk/boot/debian.vhd of=/dev/null bs=1M skip=600 count=1",
                    "dd if=/dev/zero of=/disk/boot/debian.vhd bs=1M count=4 conv=notrunc,fsync"):
        status, text = shell.run(command, 120)
        assert status != 0 and out_of_reach in text, f"{command}: {status}: {text}"
    shell.check("mv /disk/boot/debian.vhd /disk/renamed.vhd && truncate -s 500M /disk/renamed.vhd && sync")
    shell.check("rm /disk/renamed.vhd && sync")
    # Until it is full, also of clusters that were the image's.
    status, text = shell.run("dd if=/dev/zero of=/disk/full bs=1M conv=fsync", 600)
    assert status != 0, text
    shell.run("sync; rm /disk/full; sync", 240)


def examine(case, guest, host, folder):
    """By where it lay in the beginning."""
    image = hostdisk.extract_file(host, VHD, folder / "image.raw", guest.disk.stat().st_size + 512)
    assert image.read_bytes()[-512:] == guest_vhd(guest).read_bytes()[-512:], "the footer changed"
    partition = disk.extract(image, guest.root_offset, guest.root_size, folder / "partition.raw")
    root = guest_root.plain_root(guest.recipe, partition, folder / "root.raw")
    assert hostdisk.guest_complaints(root, guest.recipe.root_fs) == []
    assert hostdisk.read_guest_file(root, guest.recipe.root_fs, MARKER).strip() == case.name
