# SPDX-License-Identifier: GPL-2.0-or-later
"""The images that host disks carry: guests made VHDs by the product's raw2vhd, and small ones to break on purpose."""

import hashlib
import struct
from pathlib import Path

import pefile

from . import disk
from .command import run
from .debian import Suite
from .guest import Guest
from .paths import PRODUCTS, TEST_OUTPUT, locked

IMAGES = TEST_OUTPUT / "images"
EMPTY_ARCHIVE = b"070701" + b"00000000" * 11 + b"0000000B" + b"00000000" + b"TRAILER!!!\0" + bytes(3)
"""An initrd without a file."""


def archive_with(name: str, data: bytes) -> bytes:
    """An initrd with one file."""
    fields = (1, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return header + bytes(-len(header) % 4) + data + bytes(-len(data) % 4) + EMPTY_ARCHIVE


def guest_vhd(guest: Guest) -> Path:
    """The guest's disk as a fixed VHD; made once for each build of raw2vhd."""
    program = PRODUCTS / "raw2vhd"
    key = hashlib.sha256(program.read_bytes() + guest.recipe.key.encode()).hexdigest()[:12]
    IMAGES.mkdir(parents=True, exist_ok=True)
    image = IMAGES / f"{guest.recipe.name}-{key}.vhd"
    with locked(image):
        if not image.is_file():
            for old in IMAGES.glob(f"{guest.recipe.name}-*.vhd"):
                old.unlink()
            fresh = disk.clone(guest.disk, image.with_suffix(".fresh"))
            run(program, fresh)
            fresh.rename(image)
    return image


def small_kernel(release: str) -> bytes:
    """The least that has the header of a kernel: Linux, Documentation/arch/x86/boot.rst."""
    image = bytearray(4096)
    version = f"{release} (me@here) #1".encode()
    for place, kind, value in ((0x1F1, "B", 3), (0x1F4, "<I", 128), (0x1FE, "<H", 0xAA55), (0x200, "<H", 0x6AEB),
                               (0x202, "4s", b"HdrS"), (0x206, "<H", 0x20F), (0x20E, "<H", 0x400), (0x211, "B", 1),
                               (0x22C, "<I", 0x7FFFFFFF), (0x230, "<I", 0x200000), (0x234, "B", 1),
                               (0x236, "<H", 0x3F), (0x238, "<I", 2047), (0x258, "<Q", 0x1000000),
                               (0x260, "<I", 0x1791000), (0x600, "64s", version)):
        struct.pack_into(kind, image, place, value)
    return bytes(image)


def small_disk(target: Path, uki: Path | None, esp: bool = True, size: int = 40 * disk.MIB) -> Path:
    """A raw disk with nothing but an ESP of that size, with that file as its UKI."""
    kind = disk.ESP if esp else disk.BASIC_DATA
    disk.create(target, size + 2 * disk.MIB, disk.Table("gpt", "5EEDB007-0000-4000-8000-000000000001", [
        disk.Partition(disk.MIB, size, kind, "5EEDB007-0000-4000-8000-000000000002")]))
    files = {"/EFI/Linux/small.efi": uki} if uki else {"/EFI/BOOT/empty": Path("/dev/null")}
    fat = target.with_suffix(".fat")
    disk.format_esp(fat, size, files)
    disk.place(fat, target, disk.MIB)
    fat.unlink()
    return target


def make_uki(target: Path, kernel: Path, initrd: Path | None, release: str = "6.1.0-small") -> Path:
    """A UKI of anything: `kernel` need be none."""
    tools = Suite("trixie")
    stub = tools.unpack("systemd-boot-efi") / "usr/lib/systemd/boot/efi/linuxx64.efi.stub"
    words = [f"--initrd={initrd}"] if initrd else []
    run("/usr/bin/python3", tools.unpack("systemd-ukify") / "usr/lib/systemd/ukify", "build", f"--linux={kernel}",
        "--cmdline=console=ttyS0", "--os-release=ID=small\nNAME=Small\n", f"--stub={stub}", f"--uname={release}",
        f"--output={target}", *words)
    return target


def with_kernel_option(target: Path, efi: Path, option: str) -> Path:
    """A vhdboot.efi that gives its boot kernel one option more."""
    with pefile.PE(str(efi)) as image:
        section = next(section for section in image.sections if section.Name.rstrip(b"\0") == b".cmdline")
        words = section.get_data()[:section.Misc_VirtualSize].rstrip(b"\0\n ") + b" " + option.encode()
        if len(words) > section.SizeOfRawData:
            raise ValueError(f"no room for {option} in the section .cmdline")
        image.set_bytes_at_offset(section.PointerToRawData, words.ljust(section.SizeOfRawData, b"\0"))
        section.Misc_VirtualSize = len(words)
        image.write(str(target))
    return target
