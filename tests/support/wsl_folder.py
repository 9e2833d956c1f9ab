# SPDX-License-Identifier: GPL-2.0-or-later
"""Folders of WSL 1 on NTFS as Windows leaves them, in both generations of its metadata, made with ntfs-3g.

Nobody here has a Windows: the forms are those that wslattr, dfir_ntfs and LxRunOffline read.
"""

import dataclasses
import os
import stat
import struct
from pathlib import Path

from .hostdisk import Mounted

FORBIDDEN = {chr(c) for c in range(1, 32)} | set('<>:"\\|*?')
MOUNT = ("special_files=wsl", "permissions", "compression")
COMPRESSED, ENCRYPTED = 0x800, 0x4000


@dataclasses.dataclass
class File:
    """A file of Linux. `mode` with the bits of its type; a name that is given again with `same` is a hard link."""
    mode: int = stat.S_IFREG | 0o644
    uid: int = 0
    gid: int = 0
    data: bytes = b""  # of a symbolic link its target
    device: tuple[int, int] = (0, 0)
    attributes: dict[str, bytes] = dataclasses.field(default_factory=dict)
    mtime: int = 1_500_000_000_123_456_700  # nanoseconds; NTFS counts in hundreds
    atime: int = 1_600_000_000_000_000_000
    same: str = ""


def directory(mode=0o755, **fields):
    return File(mode=stat.S_IFDIR | mode, **fields)


def symlink(target, **fields):
    return File(mode=stat.S_IFLNK | 0o777, data=target.encode(), **fields)


def attribute_list(entries: dict[str, bytes]) -> bytes:
    """NTFS's $EA, in the form in which it lies on the disk."""
    out = b""
    for name, value in entries.items():
        entry = struct.pack("<BBH", 0, len(name), len(value)) + name.encode() + b"\0" + value
        size = (4 + len(entry) + 3) & ~3
        out += (struct.pack("<I", size) + entry).ljust(size, b"\0")
    return out


def lxfs_attributes(file: File) -> dict[str, bytes]:
    """LXATTRB and LXXATTR."""
    device = file.device[0] << 20 | file.device[1]
    seconds, rest = zip(*(divmod(time, 10**9) for time in (file.atime, file.mtime, file.mtime)))
    out = {"LXATTRB": struct.pack("<HHIIIIIIIqqq", 0, 1, file.mode, file.uid, file.gid, device, *rest, *seconds)}
    if file.attributes:
        entries = []
        for name, value in file.attributes.items():
            entries.append(struct.pack("<HB", len(value), len(name)) + name.encode() + value)
        value = struct.pack("<HH", 0, 1)
        for entry in entries:
            size = (4 + len(entry) + 3) & ~3
            last = entry is entries[-1]
            value += (struct.pack("<I", 0 if last else size) + entry).ljust(size, b"\0")
        out["LXXATTR"] = value
    return out


def wslfs_attributes(file: File) -> dict[str, bytes]:
    """$LXUID and its kind."""
    out = {"$LXUID": struct.pack("<I", file.uid), "$LXGID": struct.pack("<I", file.gid),
           "$LXMOD": struct.pack("<I", file.mode)}
    if stat.S_ISCHR(file.mode) or stat.S_ISBLK(file.mode):
        out["$LXDEV"] = struct.pack("<II", *file.device)
    for name, value in file.attributes.items():
        out["LX." + name.upper()] = b"lxea" + value
    return out


def lxfs_name(name: str) -> str:
    return "".join(f"#{ord(c):04X}" if c in FORBIDDEN or c == "#" else c for c in name)


def wslfs_name(name: str) -> str:
    return "".join(chr(0xF000 | ord(c)) if c in FORBIDDEN else c for c in name)


def set_attributes(path: Path, attributes: dict[str, bytes]) -> None:
    os.setxattr(path, "system.ntfs_ea", attribute_list(attributes), follow_symlinks=False)


def fill(root: Path, files: dict[str, File], generation: str) -> None:
    """Makes `files`, by their paths in Linux with "" for the root itself, in `root` on a volume that Mounted shows
    with MOUNT."""
    lxfs = generation == "lxfs"
    escape = lxfs_name if lxfs else wslfs_name
    place = lambda name: root.joinpath(*(escape(part) for part in name.split("/"))) if name else root  # noqa: E731
    for name, file in files.items():
        path = place(name)
        kind = stat.S_IFMT(file.mode)
        if file.same:
            os.link(place(file.same), path, follow_symlinks=False)
            continue
        if kind == stat.S_IFDIR:
            path.mkdir(parents=True, exist_ok=True)
        elif kind == stat.S_IFREG or lxfs:
            path.write_bytes(file.data)
        elif kind == stat.S_IFLNK:
            os.symlink(file.data, path)
        else:
            os.mknod(path, file.mode, os.makedev(*file.device))
        set_attributes(path, lxfs_attributes(file) if lxfs else wslfs_attributes(file))
    for name, file in files.items():
        os.utime(place(name), ns=(file.atime, file.mtime), follow_symlinks=False)


def copy_tree(source: Path, root: Path, generation: str) -> int:
    """What is in the root file system `source`, as WSL would have installed it in `root`; how many files that are."""
    files: dict[str, File] = {}
    seen: dict[int, str] = {}
    for at, folders, names in os.walk(source):
        here = Path(at).relative_to(source)
        for path in [here, *(here / name for name in names), *(here / name for name in folders
                                                              if (source / here / name).is_symlink())]:
            name = "" if path == Path(".") else path.as_posix()
            status = os.lstat(source / path)
            first = seen.setdefault(status.st_ino, name)
            if first != name:
                files[name] = File(same=first, mtime=status.st_mtime_ns, atime=status.st_atime_ns)
                continue
            data = b""
            if stat.S_ISREG(status.st_mode):
                data = (source / path).read_bytes()
            elif stat.S_ISLNK(status.st_mode):
                data = os.readlink(source / path).encode()
            attributes = {key: os.getxattr(source / path, key, follow_symlinks=False)
                          for key in os.listxattr(source / path, follow_symlinks=False)}
            files[name] = File(status.st_mode, status.st_uid, status.st_gid, data,
                               (os.major(status.st_rdev), os.minor(status.st_rdev)), attributes,
                               status.st_mtime_ns // 100 * 100, status.st_atime_ns // 100 * 100)
    fill(root, files, generation)
    return len(files)


def mounted(volume: Path) -> Mounted:
    return Mounted(volume, *MOUNT)
