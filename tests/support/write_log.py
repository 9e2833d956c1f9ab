# SPDX-License-Identifier: GPL-2.0-or-later
"""What a disk was told, in its order: the writes and flushes that QEMU's filter blklogwrites records.

The format is that of Linux's dm-log-writes (drivers/md/dm-log-writes.c): a superblock, then for each entry a header in a
sector of its own and its data. QEMU gives an entry its place when the write is done and before the machine hears of it;
a flush gets its place when it is asked for, where the disk's file is told not to flush. So what was written when a flush
was asked for is before it in the log; and what the machine wrote after the flush was done is behind it. A write that was
on its way when a flush was asked for may be before it too, although the flush need not cover it: the log cannot tell.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

MAGIC = 0x6A736677736872
VERSION = 1
FLUSH = 1
SUPER = struct.Struct("<QQQI")
ENTRY = struct.Struct("<QQQQ")


class LogError(ValueError):
    """The log is damaged, or has entries that a disk without discard and write-zeroes is never told."""


@dataclass(frozen=True)
class Entry:
    """A write of `data` at `offset` bytes on the disk; or a flush, without data."""

    offset: int
    data: bytes
    flush: bool = False


def read(path: Path) -> list[Entry]:
    log = path.read_bytes()
    if len(log) < SUPER.size:
        raise LogError(f"{path} has no superblock: the disk was never flushed")
    magic, version, count, sector = SUPER.unpack_from(log)
    if magic != MAGIC or version != VERSION or sector < 512 or sector & (sector - 1):
        raise LogError(f"{path}: magic {magic:#x}, version {version}, sectors of {sector} bytes: no log of writes")
    entries = []
    at = sector
    for number in range(count):
        if at + sector > len(log):
            raise LogError(f"{path}: ends before entry {number} of {count}")
        first, sectors, flags, _ = ENTRY.unpack_from(log, at)
        at += sector
        if flags not in (0, FLUSH) or (flags == FLUSH) != (sectors == 0):
            raise LogError(f"{path}: entry {number} has flags {flags:#x} and {sectors} sectors")
        if at + sectors * sector > len(log):
            raise LogError(f"{path}: ends within entry {number} of {count}")
        entries.append(Entry(first * sector, log[at:at + sectors * sector], flags == FLUSH))
        at += sectors * sector
    return entries


def write(path: Path, entries: list[Entry], sector: int = 512) -> None:
    """As QEMU would have written it."""
    with open(path, "wb") as file:
        file.write(SUPER.pack(MAGIC, VERSION, len(entries), sector).ljust(sector, b"\0"))
        for entry in entries:
            sectors = len(entry.data) // sector
            file.write(ENTRY.pack(entry.offset // sector, sectors, FLUSH if entry.flush else 0, 0).ljust(sector, b"\0"))
            file.write(entry.data)
