# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that forgets all but some directories, which are kept in a second image."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import disk, hostdisk
from tests.support.command import run
from tests.support.guest import guest as get_guest
from tests.support.hostdisk import HostSpec
from tests.support.images import guest_vhd
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE, GuestShell

VHD = "/boot/debian.vhd"
KEEP = "/vhd/keep.vhd"
PATHS = ["/var/log", "/home", "/srv/a-b.c"]
TROUBLE_IN_GUEST = r"I/O error|EXT4-fs (error|warning)|Failed (to )?(mount|unmount).*"


@dataclass(frozen=True)
class Kept:
    """`table`: the file system is on the one partition of a disk."""

    guest: str
    fs: str
    table: bool

    @property
    def start(self) -> int:
        return disk.MIB if self.table else 0


def make_image(case: Kept, folder: Path) -> Path:
    """With what is left of a copy that was cut off, and one directory that is there already."""
    content = folder / "content"
    (content / ".vhdboot-new/half").mkdir(parents=True)
    (content / "srv/a-b.c").mkdir(parents=True)
    (content / "srv/a-b.c/old").write_text("from before\n", encoding="utf-8")
    fresh = folder / "fs"
    disk.create(fresh, 128 * disk.MIB)
    run("mkfs.ext4", "-q", "-E", "nodiscard", "-d", content, fresh)
    image = folder / "keep"
    if case.table:
        disk.create(image, 130 * disk.MIB, disk.Table("gpt", "5EEDB007-0000-4000-8000-0000000000A1", [
            disk.Partition(case.start, 128 * disk.MIB, disk.LINUX, "5EEDB007-0000-4000-8000-0000000000A2")]))
    else:
        disk.create(image, 128 * disk.MIB)
    disk.place(fresh, image, case.start)
    run(PRODUCTS / "raw2vhd", image)
    return image


@pytest.mark.only_all
@pytest.mark.parametrize("case", [Kept("debian12", "exfat", False), Kept("debian13-dracut", "ntfs", True)],
                         ids=lambda case: f"{case.guest}-{case.fs}")
def test_directories_are_kept(case, folder):
    conf = folder / "debian.conf"
    conf.write_text(f"ephemeral yes\npersist {KEEP}\npersist-paths {PATHS[0]} {PATHS[1]}\npersist-paths {PATHS[2]}\n"
                    "host-mount /disk rw\n", encoding="utf-8")
    host = hostdisk.make(folder / "host.raw", HostSpec(fs=case.fs), {
        VHD: guest_vhd(get_guest(case.guest)), KEEP: make_image(case, folder), "/boot/debian.efi": PRODUCTS / "vhdboot.efi",
        "/boot/debian.conf": conf})
    before = hostdisk.outside_digest(host, KEEP)
    for start in ("first", "second"):
        with Machine(MachineSpec([Disk(host.path, boot=0)]), log=folder / f"{start}.log") as machine:
            machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 240, failing=TROUBLE)
            shell = GuestShell(machine)
            shell.log_in(600)
            assert "vhdboot: kept are /var/log /home /srv/a-b.c." in machine.text
            look(shell)
            if start == "first":
                write(shell)
            else:
                look_again(shell)
            machine.send("poweroff\n")
            assert machine.wait_exit(240) == 0
            trouble = re.search(TROUBLE_IN_GUEST, machine.text)
            assert trouble is None, trouble[0]
        assert hostdisk.outside_digest(host, KEEP) == before
    assert hostdisk.volume_complaints(host) == []
    kept = hostdisk.extract_file(host, KEEP, folder / "kept.raw")
    disk.extract(kept, case.start, 128 * disk.MIB, folder / "fs.raw")
    assert hostdisk.guest_complaints(folder / "fs.raw") == []


def look(shell: GuestShell) -> None:
    assert shell.run("systemctl is-system-running --wait", 240)[1] == "running", shell.run("systemctl --failed")[1]
    for path in PATHS:
        assert shell.check(f"stat -c %d:%i {path}") == shell.check(f"stat -c %d:%i /run/vhdboot/persist{path}")
    shell.check("grep -q 'kept are /var/log' /run/motd.d/vhdboot /run/issue.d/vhdboot.issue")
    # The guest's own is what a directory begins with; nobody gets to it by the way around.
    shell.check("test -L /var/log/README")
    assert shell.check("stat -c '%a %U %G' /var/log/journal") == "2755 root systemd-journal"
    shell.check("test ! -e /run/vhdboot/persist/.vhdboot-new")
    assert shell.check("stat -c %a /run/vhdboot/persist") == "700"
    assert shell.check("cat /srv/a-b.c/old") == "from before"
    assert shell.check("cat /sys/class/block/dm-*/dm/name | sort | tr '\\n' ' '") == "vhdboot vhdboot-host vhdboot-persist vhdboot-rows"
    assert shell.check("cat /sys/block/loop1/loop/dio") == "1"


def write(shell: GuestShell) -> None:
    shell.check("mkdir /home/me && chown 1000:1000 /home/me && echo kept > /home/me/note")
    shell.check("echo lost > /root/note; echo kept > /var/log/note; echo lost > /var/note")


def look_again(shell: GuestShell) -> None:
    assert shell.check("cat /home/me/note /var/log/note").split() == ["kept", "kept"]
    assert shell.check("stat -c %u:%g /home/me") == "1000:1000"
    shell.check("test ! -e /root/note && test ! -e /var/note")
