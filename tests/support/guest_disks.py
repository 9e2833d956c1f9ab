# SPDX-License-Identifier: GPL-2.0-or-later
"""The ways in which a guest's disk lies in the files of a host volume: what is put there, what of it a boot may change, and
how the disk is read out of the files again."""

import subprocess
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import disk, hostdisk, sparse_images, tiny_guest
from .command import run
from .hostdisk import HostDisk
from .paths import PRODUCTS
from .tiny_guest import TinyGuest

FOLDER = "/boot/"
SCRATCH = "/boot/scratch.img"
RESERVE = 80 * disk.MIB
VHDTOOL = PRODUCTS / "vhdtool"
SECTOR = 512


def _sectors(guest: TinyGuest) -> dict[int, bytes]:
    payload = guest.image.read_bytes()[: guest.payload]
    sectors = {start // SECTOR: payload[start : start + SECTOR] for start in range(0, len(payload), SECTOR)}
    return {number: data for number, data in sectors.items() if any(data)}


def _finish(image: Path, *command: str) -> list[Path]:
    for name, *words in (("desparse",), command):
        run(VHDTOOL, name, image, *words)
    return [image]


def _vhd(folder: Path, guest: TinyGuest, *command: str) -> list[Path]:
    """In most of its blocks some sectors are there, and others are not."""
    image = folder / "debian.vhd"
    sparse_images.make_vhd(image, guest.payload, _sectors(guest), uuid.UUID(int=0x5EED), block_size=disk.MIB)
    return _finish(image, *command)


def _vhdx(folder: Path, guest: TinyGuest, *command: str) -> list[Path]:
    image = folder / "debian.vhdx"
    sparse_images.make_vhdx(image, guest.payload, _sectors(guest), uuid.UUID(int=0x5EED))
    return _finish(image, *command)


def _snapshot(folder: Path, guest: TinyGuest) -> list[Path]:
    image, = _vhdx(folder, guest, "snapshot", "--reserve", str(RESERVE))
    return [image, folder / "debian.1.vhdx"]


def _flat(_folder: Path, guest: TinyGuest) -> list[Path]:
    return [guest.image]


@dataclass(frozen=True)
class GuestDisk:
    """`make` puts the files into a folder, the one that is booted first. `kept`: the partitions that alone persist of a guest
    that forgets, none for one that does not."""

    image: str
    make: Callable[[Path, TinyGuest], list[Path]] = _flat
    modules: tuple[str, ...] = ()
    settings: str = ""
    kept: tuple[str, ...] = ()
    scratch: int = 0  # bytes of the file for what is forgotten

    def guest(self, script: str) -> TinyGuest:
        return tiny_guest.make(script, modules=self.modules)

    def config(self) -> str:
        return self.settings + "".join(f"keep PARTLABEL={name}\n" for name in self.kept)

    def files(self, folder: Path, guest: TinyGuest) -> dict[str, Path]:
        first, *others = self.make(folder, guest)
        files = {self.image: first} | {FOLDER + other.name: other for other in others}
        if self.scratch:
            scratch = folder / "scratch"
            scratch.write_bytes(bytes(self.scratch))
            files[SCRATCH] = scratch
        return files

    def may_change(self, host: HostDisk, guest: TinyGuest) -> list[tuple[int, int]]:
        if self.kept:
            places = {"root": (guest.root, guest.root_size), "notes": (guest.notes, tiny_guest.SIZES["notes"])}
            ranges = [found for name in self.kept for found in hostdisk.file_ranges(host, self.image, *places[name])]
            return ranges + (host.extents[SCRATCH] if self.scratch else [])
        if self.make is _flat:
            return hostdisk.file_ranges(host, self.image, 0, guest.payload)
        return host.extents[self.image]

    def read(self, host: HostDisk, guest: TinyGuest, folder: Path) -> tuple[Path, list[str]]:
        """The bytes of the disk as a file in `folder`, and what others have against them."""
        if self.make is _flat:
            return hostdisk.extract_file(host, self.image, folder / "disk.raw", guest.payload), []
        files = [hostdisk.extract_file(host, name, folder / name.removeprefix(FOLDER)) for name in host.extents]
        raw = folder / "disk.raw"
        with open(raw, "wb") as file:
            subprocess.run([VHDTOOL, "cat", files[0]], stdout=file, timeout=240, check=True)
        # It opens no differencing VHDX, and replays a log only into the file.
        if len(files) > 1:
            return raw, []
        kind = "vhdx" if self.image.endswith("x") else "vpc"
        if kind == "vhdx":
            run("qemu-img", "check", "-q", "-r", "all", "-f", kind, files[0])
        same = subprocess.run(["qemu-img", "compare", "-f", kind, "-F", "raw", files[0], raw], timeout=240, check=False,
                              capture_output=True, text=True)
        return raw, [] if same.returncode == 0 else [f"qemu-img: {same.stdout}{same.stderr}"]


GROWING = ("dm-zero", "dm-snapshot", "nbd")
KINDS = {
    "flat": GuestDisk("/boot/debian.vhd"),
    "provisioned-vhdx": GuestDisk("/boot/debian.vhdx", lambda folder, guest: _vhdx(folder, guest, "provision", "--full")),
    "provisioned-vhd": GuestDisk("/boot/debian.vhd", lambda folder, guest: _vhd(folder, guest, "provision", "--full")),
    "growing-vhdx": GuestDisk("/boot/debian.vhdx", lambda folder, guest: _vhdx(folder, guest, "reserve", f"+{RESERVE}"), GROWING),
    "growing-vhd": GuestDisk("/boot/debian.vhd", lambda folder, guest: _vhd(folder, guest, "reserve", f"+{RESERVE}"), GROWING),
    "snapshot": GuestDisk("/boot/debian.vhdx", _snapshot, GROWING),
    "kept": GuestDisk("/boot/debian.vhd", modules=("dm-snapshot",), settings="ephemeral 64M\n", kept=("root", "notes")),
    "kept-beside-a-scratch-file": GuestDisk("/boot/debian.vhd", modules=("dm-snapshot",), settings=f"ephemeral {SCRATCH}\n",
                                            kept=("root", "notes"), scratch=64 * disk.MIB),
}
