# SPDX-License-Identifier: GPL-2.0-or-later
"""Puts files into an exFAT volume that mkfs.exfat made, without mounting it: no root, no driver.

Format: Microsoft's exFAT specification. Files are stored in one piece (NoFatChain) unless asked otherwise. The volume lies in a file from
`offset` on; it must have been made by mkfs.exfat and only been changed by this.
"""

import os
import struct
from pathlib import Path

from .disk import copy_range

ENTRY = 32
FILE, STREAM, NAME, BITMAP = 0x85, 0xC0, 0xC1, 0x81
DIRECTORY, ARCHIVE = 0x10, 0x20
CONTIGUOUS = 0x03  # allocation possible, no FAT chain


class ExfatError(ValueError):
    """The volume has no room, or is none of those this can change."""


def upcase(name: str) -> str:
    """What the recommended up-case table does to the names that tests use."""
    return "".join(upper if len(upper := char.upper()) == 1 else char for char in name)


def name_hash(name: str) -> int:
    value = 0
    for byte in upcase(name).encode("utf-16-le"):
        value = ((value >> 1 | value << 15) & 0xFFFF) + byte & 0xFFFF
    return value


def set_checksum(entries: bytes) -> int:
    value = 0
    for index, byte in enumerate(entries):
        if index not in (2, 3):
            value = ((value >> 1 | value << 15) & 0xFFFF) + byte & 0xFFFF
    return value


class Exfat:
    def __init__(self, path: Path, offset: int = 0):
        self._path = Path(path)
        self._offset = offset
        self._fd = os.open(path, os.O_RDWR)
        try:
            self._read_layout()
        except BaseException:
            os.close(self._fd)
            raise

    def __enter__(self) -> "Exfat":
        return self

    def __exit__(self, *_) -> None:
        os.close(self._fd)

    def _read_layout(self) -> None:
        boot = self._read(0, 512)
        if boot[3:11] != b"EXFAT   ":
            raise ExfatError(f"{self._path} has no exFAT volume at {self._offset}")
        sector = 1 << boot[108]
        self.cluster_size = sector << boot[109]
        self._fat = struct.unpack_from("<I", boot, 80)[0] * sector
        heap, self._clusters, self._root = struct.unpack_from("<III", boot, 88)
        self._heap = heap * sector
        for entry in self._entries(self._chain(self._root)):
            if entry[0] == BITMAP:
                first, size = struct.unpack_from("<IQ", entry, 20)
                self._bitmap = self._place(first)
                self._bitmap_size = size
                return
        raise ExfatError(f"{self._path} has no allocation bitmap")

    # --- bytes and clusters

    def _read(self, at: int, length: int) -> bytes:
        return os.pread(self._fd, length, self._offset + at)

    def _write(self, at: int, data: bytes) -> None:
        os.pwrite(self._fd, data, self._offset + at)

    def _place(self, cluster: int) -> int:
        return self._heap + (cluster - 2) * self.cluster_size

    def _chain(self, cluster: int) -> list[int]:
        clusters = []
        while 2 <= cluster < self._clusters + 2 and len(clusters) <= self._clusters:
            clusters.append(cluster)
            cluster = struct.unpack("<I", self._read(self._fat + 4 * cluster, 4))[0]
        return clusters

    def _allocate(self, count: int) -> int:
        """The first of so many free clusters in a row, which are free no more."""
        bitmap = bytearray(self._read(self._bitmap, self._bitmap_size))
        run = 0
        for index in range(self._clusters):
            run = 0 if bitmap[index // 8] >> index % 8 & 1 else run + 1
            if run == count:
                first = index - count + 1
                for used in range(first, index + 1):
                    bitmap[used // 8] |= 1 << used % 8
                self._write(self._bitmap, bytes(bitmap))
                return first + 2
        raise ExfatError(f"{self._path} has no {count} free clusters in a row")

    # --- directories

    def _entries(self, clusters: list[int]):
        for cluster in clusters:
            data = self._read(self._place(cluster), self.cluster_size)
            for at in range(0, len(data), ENTRY):
                yield data[at:at + ENTRY]

    def _find(self, folder: list[int], name: str) -> tuple[int, bool] | None:
        """(first cluster, is it a directory) of an entry."""
        entries = list(self._entries(folder))
        for index, entry in enumerate(entries):
            if entry[0] != FILE:
                continue
            stream = entries[index + 1]
            text = b"".join(part[2:] for part in entries[index + 2:index + 1 + entry[1]]).decode("utf-16-le")
            if upcase(text[:stream[3]]) == upcase(name):
                return struct.unpack_from("<I", stream, 20)[0], bool(entry[4] & DIRECTORY)
        return None

    def _add(self, folder: list[int], name: str, attributes: int, first: int, size: int, chained: bool = False,
             valid: int | None = None) -> None:
        units = name.encode("utf-16-le")
        names = [units[at:at + 30].ljust(30, b"\0") for at in range(0, len(units), 30)]
        stamp = (2024 - 1980) << 25 | 1 << 21 | 1 << 16
        entries = bytearray(struct.pack("<BBHHHIII12x", FILE, 1 + len(names), 0, attributes, 0, stamp, stamp, stamp))
        flags = CONTIGUOUS if first and not chained else 0x01
        entries += struct.pack("<BBBBHHQIIQ", STREAM, flags, 0, len(units) // 2, name_hash(name), 0,
                               size if valid is None else valid, 0, first, size)
        for part in names:
            entries += bytes([NAME, 0]) + part
        struct.pack_into("<H", entries, 2, set_checksum(bytes(entries)))

        run = 0
        for index, entry in enumerate(self._entries(folder)):
            run = 0 if entry[0] & 0x80 else run + 1
            if run * ENTRY == len(entries):
                for number in range(run):
                    slot = index - run + 1 + number
                    cluster, within = divmod(slot * ENTRY, self.cluster_size)
                    self._write(self._place(folder[cluster]) + within, bytes(entries[number * ENTRY:(number + 1) * ENTRY]))
                return
        raise ExfatError(f"no room for {name} in its directory")

    def _folder(self, names: list[str]) -> list[int]:
        """The clusters of a directory, made where it is missing. Directories other than the root have one cluster."""
        clusters = self._chain(self._root)
        for name in names:
            found = self._find(clusters, name)
            if found is None:
                first = self._allocate(1)
                self._write(self._place(first), bytes(self.cluster_size))
                self._add(clusters, name, DIRECTORY, first, self.cluster_size)
            else:
                first, is_directory = found
                if not is_directory:
                    raise ExfatError(f"{name} is not a directory")
            clusters = [first]
        return clusters

    def _chain_up(self, runs: list[tuple[int, int]]) -> None:
        """Writes the FAT entries of a file of (first cluster, count) runs."""
        ends = [first for first, _ in runs[1:]] + [0xFFFFFFFF]
        for (first, count), following in zip(runs, ends):
            entries = [*range(first + 1, first + count), following]
            self._write(self._fat + 4 * first, struct.pack(f"<{count}I", *entries))

    def _free(self, cluster: int) -> None:
        at = self._bitmap + (cluster - 2) // 8
        self._write(at, bytes([self._read(at, 1)[0] & ~(1 << (cluster - 2) % 8)]))

    def put(self, target: str, source: Path, pieces: int = 1, valid: int | None = None) -> list[tuple[int, int]]:
        """Adds a file; its directories are made. Returns where its bytes lie: (offset in the image file, length).

        With `pieces` it is torn into so many, each followed by a free cluster. `valid` is its valid data length.
        """
        *folders, name = target.strip("/").split("/")
        folder = self._folder(folders)
        if self._find(folder, name):
            raise ExfatError(f"{target} is there already")
        size = Path(source).stat().st_size
        clusters = -(-size // self.cluster_size)
        pieces = max(1, min(pieces, clusters))
        counts = [clusters * (number + 1) // pieces - clusters * number // pieces for number in range(pieces)]
        runs, gaps = [], []
        for count in counts if clusters else []:
            runs.append((self._allocate(count), count))
            if pieces > 1:
                gaps.append(self._allocate(1))
        for gap in gaps:
            self._free(gap)
        if pieces > 1:
            self._chain_up(runs)
        self._add(folder, name, ARCHIVE, runs[0][0] if runs else 0, size, pieces > 1, valid)
        extents, done = [], 0
        for first, count in runs:
            length = min(count * self.cluster_size, size - done)
            place = self._offset + self._place(first)
            copy_range(source, done, self._path, place, length)
            extents.append((place, length))
            done += length
        return extents
