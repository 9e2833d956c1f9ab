# SPDX-License-Identifier: GPL-2.0-or-later
"""Raw disk images: partition tables (by sfdisk) and copies that keep holes. Sizes and offsets are in bytes."""

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from .command import run

MIB = 1024 * 1024
ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
LINUX_ROOT = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"
LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
LINUX_SWAP = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"
BASIC_DATA = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
CHUNK = MIB


@dataclass(frozen=True)
class Partition:
    """`kind` is a GPT type GUID, or for an MBR its type in hex."""

    start: int
    size: int
    kind: str
    uuid: str = ""
    name: str = ""


@dataclass(frozen=True)
class Table:
    """`label` is "gpt" or "dos"; `identity` the disk's GUID, or 0x and eight hex digits for an MBR."""

    label: str
    identity: str
    partitions: list[Partition] = field(default_factory=list)


def create(path: Path, size: int, table: Table | None = None, block_size: int = 512) -> None:
    """Makes an empty disk of that size, with a partition table if one is given."""
    with open(path, "wb") as file:
        file.truncate(size)
    if table is None:
        return
    lines = [f"label: {table.label}", f"label-id: {table.identity}", "unit: sectors"]
    for part in table.partitions:
        line = f"start={part.start // block_size}, size={part.size // block_size}, type={part.kind}"
        if part.uuid:
            line += f", uuid={part.uuid}"
        if part.name:
            line += f", name={part.name}"
        lines.append(line)
    if block_size == 512:
        _partition(path, lines)
        return
    # sfdisk asks the device for its logical block size; a file counts as 512.
    device = run("losetup", "--find", "--show", "--sector-size", block_size, path).strip()
    try:
        _partition(device, lines)
    finally:
        run("losetup", "--detach", device)


def _partition(target: Path | str, lines: list[str]) -> None:
    run("sfdisk", "--quiet", "--wipe", "never", "--no-reread", "--no-tell-kernel", target,
        stdin="\n".join(lines).encode())


def data_ranges(fd: int, start: int, end: int):
    """Yields (offset, end) of what is not a hole in a file."""
    while start < end:
        try:
            data = os.lseek(fd, start, os.SEEK_DATA)
        except OSError:
            return
        if data >= end:
            return
        hole = min(os.lseek(fd, data, os.SEEK_HOLE), end)
        yield data, hole
        start = hole


def copy_range(source: Path, source_offset: int, target: Path, target_offset: int, length: int) -> None:
    """Copies a range into another file; the target's bytes there must be zero before. Holes and zeros stay holes."""
    zeros = bytes(CHUNK)
    read_fd = os.open(source, os.O_RDONLY)
    write_fd = os.open(target, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        for start, end in data_ranges(read_fd, source_offset, source_offset + length):
            while start < end:
                data = os.pread(read_fd, min(CHUNK, end - start), start)
                if not data:
                    break
                if data != zeros[:len(data)]:
                    os.pwrite(write_fd, data, target_offset + start - source_offset)
                start += len(data)
    finally:
        os.close(read_fd)
        os.close(write_fd)


def place(source: Path, target: Path, offset: int) -> None:
    """Puts a whole file into a disk image at an offset that holds zeros so far."""
    copy_range(source, 0, target, offset, source.stat().st_size)


def clone(source: Path, target: Path) -> Path:
    """Copies an image, holes kept."""
    run("cp", "--sparse=always", "--reflink=auto", source, target)
    return target


def extract(source: Path, offset: int, length: int, target: Path) -> Path:
    """Copies a range of a disk image (a partition) into a file of its own."""
    with open(target, "wb") as file:
        file.truncate(length)
    copy_range(source, offset, target, 0, length)
    return target


def digest_outside(path: Path, holes: list[tuple[int, int]]) -> str:
    """SHA-256 of everything in a file but the given (offset, length) ranges."""
    total = hashlib.sha256()
    position = 0
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        for start, length in sorted(holes) + [(size, 0)]:
            if start < position:
                raise ValueError(f"ranges overlap at {start}")
            file.seek(position)
            while position < start:
                data = file.read(min(CHUNK, start - position))
                total.update(data)
                position += len(data)
            position = start + length
    return total.hexdigest()


def digest(path: Path) -> str:
    """SHA-256 of a whole file."""
    return digest_outside(path, [])


def format_esp(path: Path, size: int, files: dict[str, Path], label: str = "ESP", serial: str = "5EEDE5B0",
               block_size: int = 512) -> None:
    """Makes a FAT file system in a file of its own and fills it: {"/EFI/BOOT/BOOTX64.EFI": source}."""
    with open(path, "wb") as file:
        file.truncate(size)
    bits = ("-F", "32") if size >= 64 * MIB * (block_size // 512) else ()
    run("mkfs.vfat", *bits, "-S", block_size, "-i", serial, "-n", label, path)
    made = set()
    for name, source in files.items():
        parts = re.split(r"/+", name.strip("/"))
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folder not in made:
                run("mmd", "-i", path, f"::{folder}")
                made.add(folder)
        run("mcopy", "-i", path, source, f"::{'/'.join(parts)}")
