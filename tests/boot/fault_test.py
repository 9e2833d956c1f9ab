# SPDX-License-Identifier: GPL-2.0-or-later
"""What breaks on the way: little memory, disks that cannot be read, are slow, go or change their names, a guest that
crashes. Each is a boot that goes through or a sentence on the console, in time; and nothing is written but what the guest
writes to its disk.
"""

import random

import pytest

from tests.support import disk, hostdisk, images, power_cut, tiny_guest, vhd, write_log
from tests.support.hostdisk import HostSpec
from tests.support.paths import PRODUCTS
from tests.support.power_cut import Boot, Check, Cut
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE

IMAGE = power_cut.IMAGE
NOTHING = ""  # the guest powers off at once
WRITES = "write_note 0 hello\n"
DEATHS = {"reset": "echo b > /proc/sysrq-trigger\n",
          "panic": "echo 1 > /proc/sys/kernel/panic\necho c > /proc/sysrq-trigger\n"}
ERROR = r"vhdboot\[(stage1|stage2)\]: error: (.*)\n"


def make_host(folder, script=NOTHING, fs="ntfs", pieces=1):
    guest = tiny_guest.make(script)
    spec = HostSpec(fs=fs, pieces=pieces, slack=16 * disk.MIB)
    return guest, hostdisk.make_started_from_esp(folder / "host.raw", spec, {IMAGE: guest.image}, PRODUCTS / "vhdboot.efi")


def volume_sector(host, byte):
    """On the disk, of a byte of the host volume."""
    return (host.offset + byte) // 512


def image_sectors(host, start):
    """On the disk, of 64 KiB of the image."""
    return tuple(sector for place, size in hostdisk.file_ranges(host, IMAGE, start, 65536)
                 for sector in range(place // 512, (place + size) // 512))


@pytest.mark.parametrize("pieces", [pytest.param(1, marks=pytest.mark.only_all), 5000])
def test_little_memory(pieces, folder):
    _, host = make_host(folder, pieces=pieces)
    assert len(hostdisk.file_ranges(host, IMAGE, 0, 64 * disk.MIB)) >= pieces * 3 // 4
    before = disk.digest(host.path)
    with Machine(MachineSpec([Disk(host.path, boot=0)], memory_mib=256), log=folder / "console.log") as machine:
        found = machine.expect(rf"{ERROR}|^guest: done", 240)
        if found[1] is None:
            assert machine.wait_exit(60) == 0
    assert disk.digest(host.path) == before


@pytest.mark.only_all
def test_a_uki_that_is_larger_than_the_memory(folder):
    noise = folder / "noise"
    noise.write_bytes(images.archive_with("noise", random.Random(1).randbytes(200 * disk.MIB)))
    uki = images.make_uki(folder / "uki", PRODUCTS.parent / "kernel/bzImage", noise)
    image = images.small_disk(folder / "image.vhd", uki, size=256 * disk.MIB)
    vhd.make_fixed(image)
    spec = HostSpec(slack=16 * disk.MIB)
    host = hostdisk.make_started_from_esp(folder / "host.raw", spec, {IMAGE: image}, PRODUCTS / "vhdboot.efi")
    for file in (noise, uki, image):
        file.unlink()
    before = disk.digest(host.path)
    with Machine(MachineSpec([Disk(host.path, boot=0)], memory_mib=256), log=folder / "console.log") as machine:
        found = machine.expect(ERROR, 240)
    assert "memory" in found[2]
    assert disk.digest(host.path) == before


def test_a_machine_whose_facts_are_incomplete(folder):
    """Without the firmware's runtime services kexec_load(2) is not given what it needs; kexec_file_load(2) does it."""
    efi = folder / "vhdboot.efi"
    contents = (PRODUCTS / "vhdboot.efi").read_bytes()
    # In kconfig/cmdline. The log is to be seen, too.
    for option, other in ((b"intel_iommu=off", b"efi=noruntime"), (b"loglevel=4", b"loglevel=7")):
        assert contents.count(option) == 1
        contents = contents.replace(option, other.ljust(len(option)))
    efi.write_bytes(contents)
    guest = tiny_guest.make(NOTHING)
    host = hostdisk.make_started_from_esp(folder / "host.raw", HostSpec(slack=16 * disk.MIB), {IMAGE: guest.image}, efi)
    before = disk.digest(host.path)
    with Machine(MachineSpec([Disk(host.path, boot=0)], memory_mib=512), log=folder / "console.log") as machine:
        machine.expect(r"vhdboot\[stage1\]: using kexec_file_load: ", 240, failing=TROUBLE)
        machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 120, failing=TROUBLE)
        machine.expect(r"^guest: done", 300, failing=TROUBLE)
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
    # No modules can be taken along then, and this guest's initrd loads none.
    "root": (lambda guest, host: image_sectors(host, guest.root), ["no modprobe", "partition 2 of the guest disk cannot be read"]),
}


@pytest.mark.parametrize("what", [pytest.param(what, marks=[pytest.mark.only_all] if what != "mft" else [])
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


@pytest.mark.parametrize("moment", [
    pytest.param(r"vhdboot\[stage1\]: checkpoint=kexec", id="jump", marks=pytest.mark.only_all),
    pytest.param(r"vhdboot\[stage2\]: checkpoint=start", id="stage2")])
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


@pytest.mark.parametrize("moment", [
    pytest.param(r"vhdboot\[stage1\]: checkpoint=modules", id="stage1", marks=pytest.mark.only_all),
    pytest.param(r"vhdboot\[stage2\]: checkpoint=start", id="stage2")])
def test_reset(moment, folder):
    """Somebody presses the button."""
    _, host = make_host(folder, WRITES)
    before = disk.digest(host.path)
    with Machine(MachineSpec([Disk(host.path, boot=0)], memory_mib=512), log=folder / "console.log") as machine:
        machine.expect(moment, 300, failing=TROUBLE)
        machine.reset()
        assert machine.wait_exit(60) == 0
    assert disk.digest(host.path) == before


@pytest.mark.only_all
def test_names_that_change(folder):
    """In the guest's kernel a copy of the disk, plugged in meanwhile, has the name that the disk had before."""
    _, host = make_host(folder, WRITES)
    copy = disk.clone(host.path, folder / "copy.raw")
    before = disk.digest(copy)
    extra = ["-device", "qemu-xhci,id=first", "-device", "qemu-xhci,id=second"]
    disks = [Disk(host.path, device="usb-storage,bus=second.0", boot=0)]
    with Machine(MachineSpec(disks, memory_mib=512, extra=extra), log=folder / "console.log") as machine:
        machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 300, failing=TROUBLE)
        machine.plug(1, Disk(copy), "usb-storage", "first.0")
        machine.expect(r"\[sdb\] Attached SCSI", 300, failing=TROUBLE)
        machine.expect(r"^guest: done", 240, failing=TROUBLE)
        assert machine.wait_exit(60) == 0
    assert disk.digest(copy) == before
    assert disk.digest(host.path) != before


@pytest.mark.parametrize("how", [pytest.param("reset", marks=pytest.mark.only_all), "panic"])
def test_a_guest_that_crashes(how, folder):
    """What it had not written is lost; its disk is as after a power cut at that moment."""
    crash = power_cut.SCRIPT.replace("rm /mnt/noisy\nwait\ncd /\numount /mnt\n", f"echo 'guest: crashes'\n{DEATHS[how]}")
    assert crash != power_cut.SCRIPT
    guest, host = make_host(folder, crash, pieces=40)
    after, log = disk.clone(host.path, folder / "after.raw"), folder / power_cut.LOG
    spec = MachineSpec([Disk(after, boot=0, write_log=log)], memory_mib=512)
    with Machine(spec, log=folder / "console.log") as machine:
        machine.expect(r"^guest: crashes", 420, failing=TROUBLE)
        assert machine.wait_exit(60) == 0
    boot = Boot(host, guest, write_log.read(log))
    assert len(boot.notes()) == power_cut.STEPS
    assert Check(boot).complaints(Cut(len(boot.entries), "none"), after) == []
