# SPDX-License-Identifier: GPL-2.0-or-later
"""The modules that stage 2 loads get the parameters that the guest's own modprobe would give them."""

import pytest

from tests.support import hostdisk
from tests.support.guest import guest as get_guest
from tests.support.images import guest_vhd
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE, GuestShell

VHD = "/boot/debian.vhd"


@pytest.mark.only_all
def test_parameters(folder):
    """A parameter of a module on the command line is modprobe's to give, not the kernel's."""
    conf = folder / "debian.conf"
    conf.write_text("options nvme_core.io_timeout=77\n", encoding="utf-8")
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(), {
        VHD: guest_vhd(get_guest("debian12")), "/boot/debian.efi": PRODUCTS / "vhdboot.efi", "/boot/debian.conf": conf})
    with Machine(MachineSpec([Disk(host.path, "nvme", boot=0)]), log=folder / "console.log") as machine:
        machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 240, failing=TROUBLE)
        shell = GuestShell(machine)
        shell.log_in(600)
        assert shell.check("cat /sys/module/nvme_core/parameters/io_timeout") == "77"
        machine.send("poweroff\n")
        assert machine.wait_exit(240) == 0
    assert hostdisk.volume_complaints(host) == []
