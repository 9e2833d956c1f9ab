# SPDX-License-Identifier: GPL-2.0-or-later
"""What breaks on the way: little memory, disks that cannot be read, are slow, or go, a guest that crashes. Each is a
boot that goes through or a sentence on the console, in time; and nothing is written but what the guest writes to its disk.
"""

import pytest

from tests.support import disk, hostdisk, power_cut, tiny_guest, write_log
from tests.support.hostdisk import HostSpec
from tests.support.paths import PRODUCTS
from tests.support.power_cut import Boot, Check, Cut
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE

IMAGE = power_cut.IMAGE
NOTHING = ""  # the guest powers off at once
CRASH = power_cut.SCRIPT.replace("kill %1\ncd /\numount /mnt\n", "echo 'guest: crashes'\necho b > /proc/sysrq-trigger\n")
ERROR = r"vhdboot\[(stage1|stage2)\]: error: (.*)\n"


def make_host(folder, script=NOTHING, fs="ntfs", pieces=1):
    guest = tiny_guest.make(script)
    spec = HostSpec(fs=fs, pieces=pieces, slack=16 * disk.MIB)
    return guest, hostdisk.make_started_from_esp(folder / "host.raw", spec, IMAGE, guest.image, PRODUCTS / "vhdboot.efi")


def volume_sector(host, byte):
    """On the disk, of a byte of the host volume."""
    return (host.offset + byte) // 512


def image_sectors(host, start):
    """On the disk, of 64 KiB of the image."""
    return tuple(sector for place, size in hostdisk.file_ranges(host, IMAGE, start, 65536)
                 for sector in range(place // 512, (place + size) // 512))


def test_little_memory(folder):
    _, host = make_host(folder)
    before = disk.digest(host.path)
    with Machine(MachineSpec([Disk(host.path, boot=0)], memory_mib=256), log=folder / "console.log") as machine:
        found = machine.expect(rf"{ERROR}|^guest: done", 240)
        if found[1] is None:
            assert machine.wait_exit(60) == 0
    assert disk.digest(host.path) == before


def test_slow_disk(folder):
    """As a stick that is worn out: it takes long, and goes through."""
    _, host = make_host(folder)
    before = disk.digest(host.path)
    slow = Disk(host.path, boot=0, reads_a_second=15)
    with Machine(MachineSpec([slow], memory_mib=512), log=folder / "console.log") as machine:
        machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 420, failing=TROUBLE)
        machine.expect(r"^guest: done", 300, failing=TROUBLE)
        assert machine.wait_exit(60) == 0
    assert disk.digest(host.path) == before


# Where the disk cannot be read, and what the sentence has to name.
UNREADABLE = {
    "volume": (lambda guest, host: (volume_sector(host, 0),), ["5EEDB00712345678"]),
    "mft": (lambda guest, host: tuple(volume_sector(host, hostdisk.ntfs_flag_places(host)[0] // 4096 * 4096) + number
                                      for number in range(128)), ["NTFS"]),
    "partition_table": (lambda guest, host: image_sectors(host, 0), ["the guest disk", "I/O error"]),
    "esp": (lambda guest, host: image_sectors(host, disk.MIB), ["partition 1 of the guest disk"]),
    # No modules can be taken along then, and this guest's kernel has nothing built in.
    "root": (lambda guest, host: image_sectors(host, guest.root), ["no driver"]),
}


@pytest.mark.parametrize("what", [pytest.param(what, marks=[pytest.mark.only_all] if what in ("volume", "esp") else [])
                                  for what in UNREADABLE])
def test_what_cannot_be_read(what, folder):
    sectors, sentence = UNREADABLE[what]
    guest, host = make_host(folder)
    before = disk.digest(host.path)
    bad = Disk(host.path, boot=0, bad_sectors=sectors(guest, host))
    with Machine(MachineSpec([bad], memory_mib=512), log=folder / "console.log") as machine:
        machine.expect(r"vhdboot\[stage1\]: checkpoint=start", 120)
        found = machine.expect(ERROR, 240)
    assert disk.digest(host.path) == before
    for part in sentence:
        assert part in found[2]


@pytest.mark.parametrize("moment", [r"vhdboot\[stage1\]: checkpoint=kexec", r"vhdboot\[stage2\]: checkpoint=start"],
                         ids=["jump", "stage2"])
def test_unplugged(moment, folder):
    """Between the two kernels, and when the second one has begun."""
    _, host = make_host(folder)
    before = disk.digest(host.path)
    with Machine(MachineSpec([Disk(host.path, bus="usb", boot=0)], memory_mib=512), log=folder / "console.log") as machine:
        machine.expect(moment, 300, failing=TROUBLE)
        machine.unplug(0)
        found = machine.expect(rf"{ERROR}|^guest: done", 240)
        if found[1] is None:
            assert machine.wait_exit(60) == 0
    assert disk.digest(host.path) == before


def test_a_guest_that_crashes(folder):
    """By SysRq-B: what it had not written is lost; its disk is as after a power cut at that moment."""
    guest, host = make_host(folder, CRASH, pieces=40)
    assert CRASH != power_cut.SCRIPT
    after, log = disk.clone(host.path, folder / "after.raw"), folder / power_cut.LOG
    spec = MachineSpec([Disk(after, boot=0, write_log=log)], memory_mib=512)
    with Machine(spec, log=folder / "console.log") as machine:
        machine.expect(r"^guest: crashes", 420, failing=TROUBLE)
        assert machine.wait_exit(60) == 0
    boot = Boot(host, guest, write_log.read(log))
    assert len(boot.notes()) == power_cut.STEPS
    assert Check(boot).complaints(Cut(len(boot.entries), "none"), after) == []
