# SPDX-License-Identifier: GPL-2.0-or-later
"""Boot counting: a boot that does not come up costs its entry a try, and one that does takes the counter off."""

import shutil

import pytest

from tests.support import guest_boot, hostdisk
from tests.support.guest import guest as get_guest
from tests.support.guest import places
from tests.support.images import guest_vhd
from tests.support.paths import PRODUCTS, TEST_OUTPUT
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE, GuestShell

OUTPUT = TEST_OUTPUT / "boot-count"
GUEST = "debian13-type1"
IMAGE = "/boot/debian.vhd"


@pytest.fixture
def folder():
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    yield OUTPUT
    for file in OUTPUT.glob("*.raw"):
        file.unlink()


@pytest.mark.only_all  # an entry with a counter always runs, in the case debian13-dracut
def test_tries_are_taken_and_given_back(folder):
    guest = get_guest(GUEST)
    assert guest.recipe.tries == 3
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(), {
        IMAGE: guest_vhd(guest), "/boot/debian.efi": PRODUCTS / "vhdboot.efi"})
    outside = hostdisk.outside_digest(host, IMAGE)

    def entry():
        size = guest.disk.stat().st_size + 512
        image = hostdisk.extract_file(host, IMAGE, folder / "image.raw", size)
        (name,) = guest_boot.entry_names(guest.recipe, image, places(guest.recipe)["esp"], folder)
        return name

    given = entry()
    assert "+3." in given
    for counter in ("+2-1", "+1-2"):
        with Machine(MachineSpec([Disk(host.path, boot=0)]), log=folder / f"fails{counter}.log") as machine:
            machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 240, failing=TROUBLE)
            machine.expect(r"vhdboot\[stage2\]: checkpoint=init", 300, failing=TROUBLE)
            # Here somebody pulls the plug.
        assert entry() == given.replace("+3", counter)
        assert hostdisk.outside_digest(host, IMAGE) == outside

    with Machine(MachineSpec([Disk(host.path, boot=0)]), log=folder / "comes-up.log") as machine:
        shell = GuestShell(machine)
        shell.log_in(600)
        # Until its entry is good, it is starting.
        assert shell.check("systemctl is-system-running --wait", 240) == "running"
        machine.send("poweroff\n")
        assert machine.wait_exit(240) == 0
    assert entry() == given.replace("+3", "")
    assert hostdisk.outside_digest(host, IMAGE) == outside
    assert hostdisk.volume_complaints(host) == []
