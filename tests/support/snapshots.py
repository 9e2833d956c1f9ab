# SPDX-License-Identifier: GPL-2.0-or-later
"""Images with snapshots for the tests, and what vhdtool says of them."""

import json
import struct
import subprocess
from pathlib import Path

from . import sparse_images
from .command import run
from .vhdtool import MIB, VHDTOOL, need, succeed, vhdtool

SIZE = 20 * MIB
CHILD = sparse_images.uuid.UUID(int=0x5EED_0110)


def contents() -> bytes:
    return b"".join(f"sector {number}".encode().ljust(512, b".") if number % 7 == 0 else bytes(512)
                    for number in range(SIZE // 512))


def make(folder: Path, name: str, kind: str = "dynamic") -> Path:
    need("qemu-img")
    raw, path = folder / "disk.raw", folder / name
    raw.write_bytes(contents())
    form = "vhdx" if path.suffix == ".vhdx" else "vpc"
    more = [] if form == "vhdx" else ["-o", "force_size=on"]
    run("qemu-img", "convert", "-O", form, "-o", f"subformat={kind}", *more, raw, path)
    raw.unlink()
    succeed("desparse", path)
    return path


def read(path: Path) -> bytes:
    done = subprocess.run([VHDTOOL, "cat", path], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def info(path: Path) -> dict:
    done = vhdtool("info", "--json", path)
    assert done.returncode in (0, 4), done.stderr
    return json.loads(done.stdout)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("debian"))


def chain(path: Path, status: int = 0) -> list[dict]:
    done = vhdtool("snapshots", "--json", path)
    assert done.returncode == status, done.stderr
    told = json.loads(done.stdout)
    assert told["schema"] == "vhdboot.snapshots/1" and told["file"] == str(path)
    return told["chain"]


def identity(path: Path) -> sparse_images.uuid.UUID:
    """By which a child knows the image."""
    data = path.read_bytes()
    if path.suffix == ".vhdx":
        return sparse_images.uuid.UUID(bytes_le=bytes(sparse_images.newest_header(data)[1][32:48]))
    return sparse_images.uuid.UUID(bytes=data[-512:][68:84])


def changed_child(folder: Path, name: str) -> Path:
    """A differencing image with something of its own, and a reserve, on debian.1.*."""
    base = make(folder, name, "dynamic" if name.endswith("x") else "fixed")
    kept = base.rename(folder / f"debian.1{base.suffix}")
    sectors = {number: f"changed {number}".encode().ljust(512, b"!") for number in range(4096, 8192)}
    child = folder / name
    if base.suffix == ".vhdx":
        sparse_images.make_vhdx(child, SIZE, sectors, CHILD, parent=(identity(kept), {"relative_path": f".\\{kept.name}"}))
        with open(child, "ab") as file:
            file.write(bytes(4 * MIB))
    else:
        sparse_images.make_vhd(child, SIZE, sectors, CHILD, parent=(identity(kept), 0, f".\\{kept.name}"))
    succeed("desparse", child)
    assert read(child) != contents()
    return child


def _place_of(data: bytes, is_vhdx: bool, sector: int) -> int:
    """Where in its file an image made of blocks has the sector, whose block must be there."""
    if is_vhdx:
        table, _ = sparse_images.region(data, sparse_images.BAT)
        block, within = divmod(sector * 512, MIB)
        entry = struct.unpack_from("<Q", data, table + 8 * (block + block // 4096))[0]
        assert entry & 7 == 6
        return (entry & ~(MIB - 1)) + within
    table, _, _, size = struct.unpack_from(">QIII", data, 512 + 16)
    block, within = divmod(sector * 512, size)
    entry = struct.unpack_from(">I", data, table + 4 * block)[0]
    assert entry != 0xFFFFFFFF
    return entry * 512 + -(-size // 512 // 8 // 512) * 512 + within


def write_like_a_guest(path: Path, sectors: dict[int, bytes]) -> None:
    """Into a VHDX of 1 MiB blocks or a VHD, as a guest writes that has every block of it."""
    succeed("provision", path)
    data = path.read_bytes()
    with open(path, "r+b") as file:
        for sector, text in sectors.items():
            file.seek(_place_of(data, path.suffix == ".vhdx", sector))
            file.write(text.ljust(512, b"?"))
