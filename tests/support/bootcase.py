# SPDX-License-Identifier: GPL-2.0-or-later
"""One boot of a guest, all the way: which host disk, bus and configuration; the recipes are
tests/boot/cases/*.toml, and `matrix` combines everything with everything."""

import itertools
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from .paths import REPOSITORY

CASES = REPOSITORY / "tests/boot/cases"


@dataclass(frozen=True)
class BootCase:
    """`config`: the text of debian.conf; `image`: where the image lies on the host volume; `raw`: without a footer.
    `start`: by GRUB's chainloader from the host volume (grub), or by the firmware from the ESP (esp).
    `power`: the command that ends it, or kexec. `commands`: run in the guest, each must succeed.
    `always`: false for a case that only --all runs."""

    name: str
    guest: str = "debian12"
    fs: str = "ntfs"
    table: str = "gpt"
    bus: str = "virtio"
    config: str = ""
    load_options: str = ""
    image: str = "/boot/debian.vhd"
    raw: bool = False
    start: str = "grub"
    block_size: int = 512
    cluster: int = 4096
    pieces: int = 1
    memory_mib: int = 1024
    power: str = "poweroff"
    commands: tuple[str, ...] = ()
    always: bool = True


def load(path: Path) -> BootCase:
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    known = {field.name for field in fields(BootCase)} - {"name"}
    if unknown := set(values) - known:
        raise ValueError(f"{path}: unknown key {sorted(unknown)[0]!r}")
    values["commands"] = tuple(values.get("commands", ()))
    return BootCase(name=path.stem, **values)


def cases(everything: bool) -> list[BootCase]:
    """Those of the recipes that always run; or all of them, and the matrix."""
    found = [load(path) for path in sorted(CASES.glob("*.toml"))]
    if not everything:
        return [case for case in found if case.always]
    names = {case.name for case in found}
    return found + [case for case in matrix() if case.name not in names]


def matrix() -> list[BootCase]:
    """Both usual guests on every bus from every host file system."""
    rows = itertools.product(("debian12", "debian13"), ("ntfs", "exfat"), ("virtio", "nvme", "ahci", "usb", "uas"))
    return [BootCase(name=f"{guest}-{fs}-{bus}", guest=guest, fs=fs, bus=bus, table=("gpt", "mbr")[number % 2])
            for number, (guest, fs, bus) in enumerate(rows)]
