# SPDX-License-Identifier: GPL-2.0-or-later
"""Of a disk and its copy, sector by sector, the one that the firmware started vhdboot from is booted, whatever comes
first; the other is not written. Where that cannot be told, both are refused by name.

The copies differ in the last sector of the image, so that what stage 1 says of it tells which one it took.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import disk, hostdisk, images, vhd
from tests.support.guest import guest as get_guest
from tests.support.hostdisk import HostSpec
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE, GuestShell

EFI = PRODUCTS / "vhdboot.efi"
VHD = "/boot/debian.vhd"
MARKER = "/root/written-in-the-guest"
SAID = {"original": "nothing to boot", "copy": "checksum"}
XHCI = ["-device", "qemu-xhci,id=xhci"]
HUB = [*XHCI, "-device", "usb-hub,bus=xhci.0,port=1"]
NVME = ["-device", "nvme-subsys,id=subsystem", "-device", "nvme,id=nvme,serial=nvme,subsys=subsystem"]
SCSI = ["-device", "virtio-scsi-pci,id=scsi"]
BRIDGES = ["-device", "pcie-root-port,id=p1,chassis=1", "-device", "pcie-root-port,id=p2,chassis=2"]


@dataclass(frozen=True)
class Places:
    """Where the two disks hang; `extra` are the controllers. `only_first`: the firmware starts from the first place alone
    (OVMF 2022.11 sees one disk of a SCSI controller), so the two change places."""

    name: str
    extra: list[str]
    original: str
    copy: str
    only_first: bool = False

    def disks(self, files: dict[str, Path], started: str) -> list[Disk]:
        places = [self.original, self.copy]
        if self.only_first and started == "copy":
            places.reverse()
        return [Disk(path, device=place) for path, place in zip(files.values(), places)]


PLACES = [
    Places("sata_and_usb", XHCI, "ide-hd,bus=ide.1", "usb-storage,bus=xhci.0"),
    Places("usb_ports", XHCI, "usb-storage,bus=xhci.0,port=3", "usb-storage,bus=xhci.0,port=2"),
    Places("hub_ports", HUB, "usb-storage,bus=xhci.0,port=1.1", "usb-storage,bus=xhci.0,port=1.3"),
    Places("sata_ports", [], "ide-hd,bus=ide.1", "ide-hd,bus=ide.4"),
    Places("nvme", [], "nvme,serial=one", "nvme,serial=two"),
    Places("namespaces", NVME, "nvme-ns,bus=nvme,nsid=2", "nvme-ns,bus=nvme,nsid=5"),
    Places("scsi_targets", SCSI, "scsi-hd,bus=scsi.0,scsi-id=0", "scsi-hd,bus=scsi.0,scsi-id=3", True),
    Places("scsi_units", SCSI, "scsi-hd,bus=scsi.0,scsi-id=0,lun=0", "scsi-hd,bus=scsi.0,scsi-id=0,lun=2", True),
    Places("virtio", [], "virtio-blk-pci", "virtio-blk-pci"),
    Places("bridges", BRIDGES, "nvme,bus=p1,serial=one", "virtio-blk-pci,bus=p2"),
]


def small_image(folder):
    """Nothing on it can be booted."""
    path = images.small_disk(folder / "small.vhd", None, False)
    with open(path, "ab") as file:
        file.write(vhd.footer(path.stat().st_size))
    return path


def make_pair(folder, files, started, tell_apart=True, **spec) -> dict[str, Path]:
    """A disk, and its copy; the firmware can start one alone."""
    host = hostdisk.make(folder / "original.raw", HostSpec(**spec), {**files, "/boot/debian.efi": EFI})
    copy = disk.clone(host.path, folder / "copy.raw")
    if tell_apart:
        runs = host.extents[VHD]
        end = files[VHD].stat().st_size - sum(length for _, length in runs[:-1])
        with open(copy, "r+b") as file:
            file.seek(runs[-1][0] + end - 512 + 88)  # in the footer, behind all that has a meaning
            file.write(b"another")
    # Without that, the firmware does not know the order of namespaces and of what is behind a hub.
    with open({"original": copy, "copy": host.path}[started], "r+b") as file:
        file.seek(disk.MIB)
        file.write(bytes(disk.MIB))
    return {"original": host.path, "copy": copy}


def pytest_generate_tests(metafunc):
    """One pair, unless all are asked for."""
    if "places" in metafunc.fixturenames:
        few = ("sata_and_usb",)
        chosen = [places for places in PLACES if metafunc.config.getoption("--all") or places.name in few]
        metafunc.parametrize("places", chosen, ids=lambda places: places.name)


@pytest.mark.parametrize("started", [pytest.param("original", marks=pytest.mark.only_all), "copy"])
def test_the_one_that_was_started(places, started, folder):
    files = make_pair(folder, {VHD: small_image(folder)}, started, slack=16 * disk.MIB)
    before = {name: disk.digest(path) for name, path in files.items()}
    spec = MachineSpec(places.disks(files, started), memory_mib=512, extra=places.extra)
    with Machine(spec, log=folder / "console.log") as machine:
        machine.expect(r"vhdboot\[stage1\]: checkpoint=start", 120)
        said = machine.expect(r"vhdboot\[stage1\]: error: (.*)\n", 120)[1]
    assert SAID[started] in said
    assert {name: disk.digest(path) for name, path in files.items()} == before


def test_the_guest_writes_to_the_one_that_was_started(folder):
    """A Debian on a USB copy of the internal disk, which appears first and is seen by both kernels."""
    guest = get_guest("debian12")
    files = make_pair(folder, {VHD: images.guest_vhd(guest)}, "copy", tell_apart=False)
    before = {name: disk.digest(path) for name, path in files.items()}
    places = PLACES[0]
    spec = MachineSpec(places.disks(files, "copy"), extra=places.extra)
    with Machine(spec, log=folder / "console.log") as machine:
        machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 240, failing=TROUBLE)
        shell = GuestShell(machine)
        shell.log_in(600)
        shell.check(f"echo x > {MARKER}; sync")
        machine.send("poweroff\n")
        assert machine.wait_exit(240) == 0
    after = {name: disk.digest(path) for name, path in files.items()}
    assert after["original"] == before["original"]
    assert after["copy"] != before["copy"]


def test_what_the_firmware_does_not_tell(folder):
    """The image is on a named volume of a disk that vhdboot was not started from, and so is its copy's."""
    files = make_pair(folder, {VHD: small_image(folder)}, "original", slack=16 * disk.MIB)
    before = {name: disk.digest(path) for name, path in files.items()}
    conf = folder / "boot.conf"
    conf.write_text(f"image {VHD}\nvolume {hostdisk.NTFS_SERIAL}\n", encoding="utf-8")
    esp = hostdisk.make_esp_disk(folder / "esp.raw", {"/EFI/BOOT/BOOTX64.EFI": EFI, "/EFI/BOOT/BOOTX64.conf": conf})
    disks = [Disk(esp, boot=0), *(Disk(path, bus="ahci") for path in files.values())]
    with Machine(MachineSpec(disks, memory_mib=512), log=folder / "console.log") as machine:
        said = machine.expect(r"vhdboot\[stage1\]: error: (.*)\n", 240)[1]
    assert "/dev/sda2" in said and "/dev/sdb2" in said
    assert {name: disk.digest(path) for name, path in files.items()} == before


@pytest.mark.only_all
def test_an_nvme_disk_of_a_subsystem(folder):
    """Its namespaces hang below /sys/devices/virtual in the guest's kernel."""
    host = hostdisk.make(folder / "host.raw", HostSpec(), {VHD: images.guest_vhd(get_guest("debian12")),
                                                           "/boot/debian.efi": EFI})
    disks = [Disk(host.path, device="nvme-ns,bus=nvme,nsid=1")]
    with Machine(MachineSpec(disks, extra=NVME), log=folder / "console.log") as machine:
        machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 240, failing=TROUBLE)
        shell = GuestShell(machine)
        shell.log_in(600)
        assert "/virtual/nvme-subsystem/" in shell.check("readlink -f /sys/class/block/nvme0n1")
        machine.send("poweroff\n")
        assert machine.wait_exit(240) == 0
    assert hostdisk.volume_complaints(host) == []
