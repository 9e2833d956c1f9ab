# SPDX-License-Identifier: GPL-2.0-or-later
"""What a person adds to the boot kernel: archives and programs in vhdboot.d/ beside the EFI file."""

import gzip
import subprocess
from pathlib import Path

import pytest

from tests.support import disk, hostdisk, secure_boot, tiny_guest
from tests.support.hostdisk import HostSpec
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE

EFI = PRODUCTS / "vhdboot.efi"
VHD = "/boot/debian.vhd"  # GRUB on the test's disk starts /boot/debian.efi


def script(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(("#!/bin/sh", *lines, "")), encoding="utf-8")
    path.chmod(0o755)
    return path


def archive(folder: Path) -> Path:
    """A program for the boot kernel's memory, packed as anybody would."""
    tree = folder / "tree"
    (tree / "bin").mkdir(parents=True)
    script(tree / "bin/hello", "echo added-program $1 > /dev/ttyS0")
    packed = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], input=b"bin\nbin/hello\n", cwd=tree, check=True,
                            stdout=subprocess.PIPE).stdout
    path = folder / "tools.cpio.gz"
    path.write_bytes(gzip.compress(packed))
    return path


def additions(folder: Path, place: str) -> dict[str, Path]:
    broken = folder / "broken.cpio.gz"
    broken.write_bytes(b"no archive at all")
    return {f"{place}/vhdboot.d/00-tools.cpio.gz": archive(folder),
            f"{place}/vhdboot.d/50-broken.cpio.gz": broken,
            f"{place}/vhdboot.d/early.sh": script(folder / "early", "hello early"),
            f"{place}/vhdboot.d/before-kexec": script(folder / "kexec", "hello before-kexec", "exit 3"),
            f"{place}/vhdboot.d/rescue": script(folder / "rescue", "hello rescue"),
            f"{place}/vhdboot.d/README": script(folder / "readme", "nothing")}


@pytest.mark.parametrize("fs", ["ntfs", "esp"])
def test_additions(folder, fs):
    """They are unpacked and run at their moments; what fails is a warning; then the guest starts as ever."""
    guest = tiny_guest.make("cat /proc/cmdline\n")
    files = {VHD: guest.image, "/boot/debian.efi": EFI}
    esp_files = {"/EFI/BOOT/BOOTX64.EFI": EFI, "/EFI/BOOT/BOOTX64.CONF": folder / "boot.conf"}
    (folder / "boot.conf").write_text(f"image {VHD}\n", encoding="utf-8")
    if fs == "ntfs":
        files |= additions(folder, "/boot")
    else:
        esp_files |= additions(folder, "/EFI/BOOT")
    host = hostdisk.make(folder / "host.raw", HostSpec(fs="ntfs", slack=16 * disk.MIB), files)
    disks = [Disk(host.path, boot=0 if fs == "ntfs" else None)]
    if fs == "esp":
        disks.insert(0, Disk(hostdisk.make_esp_disk(folder / "esp.raw", esp_files), boot=0))
    before = hostdisk.outside_digest(host, VHD)
    with Machine(MachineSpec(disks, memory_mib=512), log=folder / "console.log") as machine:
        machine.expect(r"50-broken\.cpio\.gz of .*vhdboot\.d on .*: unpacking it ended", 240)
        machine.expect("added-program early", 60, failing=TROUBLE)
        machine.expect("added-program before-kexec", 120, failing=TROUBLE)
        machine.expect("before-kexec ended with status 3", 30, failing=TROUBLE)
        machine.expect("^guest: done", 120, failing=TROUBLE)
        assert machine.wait_exit(60) == 0
    assert "added-program rescue" not in (folder / "console.log").read_text(encoding="utf-8", errors="replace")
    assert hostdisk.outside_digest(host, VHD) == before
    assert hostdisk.volume_complaints(host) == []


@pytest.mark.only_all
def test_refused_while_secure_boot_is_enforced(folder):
    """Nothing of them is taken, and the boot stops with its sentence. What is chosen in the menu then starts without them."""
    if lacking := secure_boot.missing():
        pytest.skip(f"needs {lacking}")
    if not (secure_boot.BUILD / "kernel/bzImage").is_file():
        pytest.skip(f"needs the build of the products, and {PRODUCTS} is none")
    guest = tiny_guest.make("cat /proc/cmdline\n")
    host = hostdisk.make(folder / "host.raw", HostSpec(fs="ntfs", slack=16 * disk.MIB), {VHD: guest.image})
    before = hostdisk.outside_digest(host, VHD)
    conf = folder / "boot.conf"
    conf.write_text(f"image {VHD}\nmenu-style plain\n", encoding="utf-8")
    esp = hostdisk.make_esp_disk(folder / "esp.raw", {
        "/EFI/BOOT/BOOTX64.EFI": secure_boot.signed_product(folder), "/EFI/BOOT/BOOTX64.CONF": conf,
        **additions(folder, "/EFI/BOOT")})
    refusal = (r"error: Secure Boot is enforced, and nothing in /EFI/BOOT/vhdboot\.d on .* is signed: remove the folder, or turn "
               "Secure Boot off")
    spec = MachineSpec([Disk(esp, boot=0), Disk(host.path)], memory_mib=512, **secure_boot.MACHINE)
    with Machine(spec, log=folder / "console.log") as machine:
        machine.expect(refusal, 240)
        machine.expect("c choose another image", 60, failing=refusal)
        machine.send("c\r")
        machine.expect("1 .*debian.vhd", 60, failing=refusal)
        machine.send("1\r")
        machine.expect("^guest: done", 120, failing=TROUBLE)
        assert machine.wait_exit(60) == 0
        assert "added-program" not in machine.text
        assert "added 00-tools" not in machine.text
    assert hostdisk.outside_digest(host, VHD) == before
    assert hostdisk.volume_complaints(host) == []
