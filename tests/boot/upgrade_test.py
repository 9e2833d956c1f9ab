# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that gets a newer kernel by its package manager boots it the next time, with nothing changed on our side: the
configuration names the kernel by a pattern."""

import contextlib
import shutil
from pathlib import Path

import pytest

from tests.support import disk, hostdisk
from tests.support.command import run
from tests.support.debian import Suite
from tests.support.guest import guest as get_guest
from tests.support.guest import places
from tests.support.guest_boot import seen_by_grub
from tests.support.paths import PRODUCTS, TEST_OUTPUT
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE, GuestShell

OUTPUT = TEST_OUTPUT / "upgrade"
GUEST = "debian12-grub-mbr"


@contextlib.contextmanager
def opened(guest, image, folder):
    """The guest's root directory with its /boot, for changes."""
    devices = {}
    with contextlib.ExitStack() as stack:
        for role, place in (("root", folder), ("boot", folder / "boot")):
            part = places(guest.recipe)[role]
            # Read-only first, which closes the journal: another process may have a copy of the mounts, as one that makes a
            # guest at the same time does, and keep the file system mounted.
            run("mount", "-o", f"loop,offset={part.start},sizelimit={part.size}", image, place)
            stack.callback(run, "umount", place)
            stack.callback(run, "mount", "-o", "remount,ro", place)
            devices[Path(run("findmnt", "-no", "SOURCE", place).strip())] = guest.recipe.identity(f"{role}fs")
        with seen_by_grub(folder, devices):
            yield folder


def newer_kernel(folder):
    """The package of the kernel that backports has."""
    backports = Suite("bookworm-backports")
    name = backports.kernel_package()
    return backports.fetch(name, folder), name.removeprefix("linux-image-")


@pytest.fixture
def folder():
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    yield OUTPUT
    for file in (*OUTPUT.glob("*.raw"), *OUTPUT.glob("*.deb"), *OUTPUT.glob("*.img")):
        file.unlink()


@pytest.mark.only_all
def test_the_next_boot_takes_the_new_kernel(folder):
    guest = get_guest(GUEST)
    image = disk.clone(guest.disk, folder / "debian.img")
    package, release = newer_kernel(folder)
    mounted = folder / "mounted"
    mounted.mkdir()
    with opened(guest, image, mounted):
        before = {kernel.name for kernel in (mounted / "boot").glob("vmlinuz-*")}
        shutil.copy(package, mounted / "root")
        run("chroot", mounted, "env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--install", f"/root/{package.name}")
        (mounted / "root" / package.name).unlink()
        after = {kernel.name for kernel in (mounted / "boot").glob("vmlinuz-*")}
    assert after - before == {f"vmlinuz-{release}"}

    conf = folder / "debian.conf"
    conf.write_text("entry vmlinuz-*-amd64\n", encoding="utf-8")
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(), {
        "/boot/debian.img": image, "/boot/debian.efi": PRODUCTS / "vhdboot.efi", "/boot/debian.conf": conf})
    outside = hostdisk.outside_digest(host, "/boot/debian.img")
    with Machine(MachineSpec([Disk(host.path, boot=0)]), log=folder / "console.log") as machine:
        machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 240, failing=TROUBLE)
        shell = GuestShell(machine)
        shell.log_in(600)
        assert shell.check("uname -r") == release
        machine.send("poweroff\n")
        assert machine.wait_exit(240) == 0
    assert hostdisk.outside_digest(host, "/boot/debian.img") == outside
    assert hostdisk.volume_complaints(host) == []
