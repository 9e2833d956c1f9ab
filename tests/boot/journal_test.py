# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that was cut off has its last words in its journal. They count: stage 1 reads it as the guest will find itself."""

from tests.support import disk, hostdisk
from tests.support.guest import guest as get_guest
from tests.support.images import guest_vhd
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE, GuestShell

VHD = "/boot/debian.vhd"
LINE = "swap /dev/sda3 /dev/urandom swap"


def pytest_generate_tests(metafunc):
    if "guest" in metafunc.fixturenames:
        more = ["debian12-xfs", "debian13-btrfs"] if metafunc.config.getoption("--all") else []
        metafunc.parametrize("guest", ["debian12", *more])


def test_a_crypttab_from_just_before_the_power_went(guest, folder):
    """It would have a partition of this machine overwritten, and is on the disk in the journal alone."""
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(), {
        VHD: guest_vhd(get_guest(guest)), "/boot/debian.efi": PRODUCTS / "vhdboot.efi"})
    with Machine(MachineSpec([Disk(host.path, boot=0)]), log=folder / "first.log") as machine:
        machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 240, failing=TROUBLE)
        shell = GuestShell(machine)
        shell.log_in(600)
        shell.check(f"sync; rm -f /etc/crypttab; echo '{LINE}' > /etc/crypttab; sync /etc/crypttab; sync /etc")
        machine.kill()
    before = disk.digest(host.path)
    with Machine(MachineSpec([Disk(host.path, boot=0)]), log=folder / "second.log") as machine:
        said = machine.expect(r"vhdboot\[stage1\]: (error: .*|checkpoint=kexec.*)\n", 240)[1]
        assert "/etc/crypttab" in said and "/dev/sda3" in said
        assert "may be older" not in machine.text
    assert disk.digest(host.path) == before
