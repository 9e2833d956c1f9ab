# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk as a chain of images: what each file of it has is spread in small pieces, and what a child has is something
else in its parents."""

import uuid
from pathlib import Path

from . import sparse_images

SECTOR = 512
PIECE = 8  # sectors: a block of any disk
IDS = [uuid.UUID(int=0x5EED_0100 + number) for number in range(64)]


def _spread(payload: bytes, files: int, piece: int = PIECE, dense: bool = False, size: int = SECTOR) -> list[dict[int, bytes]]:
    """The sectors of each file, the child first; those of zeroes are in none, but where a parent has something else, or
    all are to be there."""
    spread: list[dict[int, bytes]] = [{} for _ in range(files)]
    stale = b"stale".ljust(size, b"!")
    for sector in range(len(payload) // size):
        data = payload[sector * size : (sector + 1) * size]
        owner = sector // piece % files
        # Here and there all of a piece is in the parents, too, and is not what counts; at the end no file has anything.
        hides = owner < files - 1 and sector // piece % 64 < files and sector * size < len(payload) * 3 // 4
        if hides:
            spread[files - 1][sector] = stale
        if hides or dense or any(data):
            spread[owner][sector] = data
    return spread


def _whole_pieces(sectors: dict[int, bytes], piece: int, size: int = SECTOR) -> dict[int, bytes]:
    """With zeroes for the rest of each piece, so that they begin and end where pieces do."""
    return {sector: sectors.get(sector, bytes(size))
            for number in {sector // piece for sector in sectors}
            for sector in range(number * piece, (number + 1) * piece)}


def vhdx_of(folder: Path, payload: bytes, count: int, piece: int = PIECE, dense: bool = False, size: int = SECTOR,
            parents: str = "") -> list[Path]:
    """Differencing VHDX files on a dynamic one, in pieces of so many sectors of that size. `parents`: the folder that the
    first one says its parent is in, such as "D:\\vhd", in place of its own."""
    between = ["middle.vhdx"] if count == 3 else [f"middle{number}.vhdx" for number in range(1, count - 1)]
    paths = [folder / name for name in ("debian.vhdx", *between, "base.vhdx")]
    for number, sectors in enumerate(_spread(payload, count, piece, dense, size)):
        parent = None
        if number < count - 1:
            name = paths[number + 1].name
            absolute = parents and number == 0
            where = {"absolute_win32_path": f"{parents}\\{name}"} if absolute else {"relative_path": f".\\{name}"}
            parent = (IDS[number + 1], where)
        sparse_images.make_vhdx(paths[number], len(payload), _whole_pieces(sectors, piece, size), IDS[number], parent=parent,
                                sector_size=size)
    return paths


def vhdx_of_three(folder: Path, payload: bytes, piece: int = PIECE, dense: bool = False, size: int = SECTOR,
                  parents: str = "") -> list[Path]:
    return vhdx_of(folder, payload, 3, piece, dense, size, parents)


def vhdx_of_three_4kn(folder: Path, payload: bytes) -> list[Path]:
    """The same as disks of 4096-byte sectors."""
    return vhdx_of_three(folder, payload, piece=1, size=4096)


def vhd_of_two(folder: Path, payload: bytes) -> list[Path]:
    """A differencing VHD on a fixed one."""
    child, base = folder / "debian.vhd", folder / "base.vhd"
    above, below = _spread(payload, 2)
    bytes_of_base = bytearray(len(payload))
    for sector, data in below.items():
        bytes_of_base[sector * SECTOR : (sector + 1) * SECTOR] = data
    base.write_bytes(bytes(bytes_of_base) + sparse_images.vhd_footer(len(payload), 2, IDS[1]))
    sparse_images.make_vhd(child, len(payload), above, IDS[0], parent=(IDS[1], 0, ".\\base.vhd"))
    return [child, base]
