# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk as a chain of images: what each file of it has is spread in small pieces, and what a child has is something
else in its parents."""

import uuid
from pathlib import Path

from . import sparse_images

SECTOR = 512
PIECE = 8  # sectors: a block of any disk
IDS = [uuid.UUID(int=0x5EED_0100 + number) for number in range(3)]
STALE = b"stale".ljust(SECTOR, b"!")


def _spread(payload: bytes, files: int, piece: int = PIECE, dense: bool = False) -> list[dict[int, bytes]]:
    """The sectors of each file, the child first; those of zeroes are in none, but where a parent has something else, or
    all are to be there."""
    spread: list[dict[int, bytes]] = [{} for _ in range(files)]
    for sector in range(len(payload) // SECTOR):
        data = payload[sector * SECTOR : (sector + 1) * SECTOR]
        owner = sector // piece % files
        # Here and there all of a piece is in the parents, too, and is not what counts; at the end no file has anything.
        hides = owner < files - 1 and sector // piece % 64 < files and sector * SECTOR < len(payload) * 3 // 4
        if hides:
            spread[files - 1][sector] = STALE
        if hides or dense or any(data):
            spread[owner][sector] = data
    return spread


def _whole_pieces(sectors: dict[int, bytes], piece: int) -> dict[int, bytes]:
    """With zeroes for the rest of each piece, so that they begin and end where pieces do."""
    return {sector: sectors.get(sector, bytes(SECTOR))
            for number in {sector // piece for sector in sectors}
            for sector in range(number * piece, (number + 1) * piece)}


def vhdx_of_three(folder: Path, payload: bytes, piece: int = PIECE, dense: bool = False,
                  parents: str = "") -> list[Path]:
    """A differencing VHDX on another one on a dynamic one, in pieces of so many sectors. `parents`: the folder that the
    first one says its parent is in, such as "D:\\vhd", in place of its own."""
    paths = [folder / name for name in ("debian.vhdx", "middle.vhdx", "base.vhdx")]
    for number, sectors in enumerate(_spread(payload, 3, piece, dense)):
        parent = None
        if number < 2:
            name = paths[number + 1].name
            absolute = parents and number == 0
            where = {"absolute_win32_path": f"{parents}\\{name}"} if absolute else {"relative_path": f".\\{name}"}
            parent = (IDS[number + 1], where)
        sparse_images.make_vhdx(paths[number], len(payload), _whole_pieces(sectors, piece), IDS[number], parent=parent)
    return paths


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
