# SPDX-License-Identifier: GPL-2.0-or-later
"""The folder of a WSL 1 distribution as a file system: this machine's kernel mounts it, and finds everything as Linux
left it. The files lie in the volume, which stays byte for byte as it is.

Needs root, ntfs-3g, /dev/fuse and a kernel with EROFS.
"""

import hashlib
import os
import random
import stat
import struct
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import wsl_folder as wsl  # noqa: E402
from support.command import run  # noqa: E402
from support.hostdisk import HostSpec, _mark_encrypted, format_ntfs  # noqa: E402
from support.wsl_folder import File, directory, symlink  # noqa: E402

MIB = 1024**2
BLOCK = 4096
MUCH = 1 << 30
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)


def has_erofs():
    subprocess.run(["modprobe", "-q", "erofs"], check=False)
    return "\terofs\n" in Path("/proc/filesystems").read_text(encoding="ascii")


pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists("/dev/fuse") or not has_erofs(),
                                reason="needs root, /dev/fuse and a kernel with EROFS")


def make_volume(path, size=256 * MIB, cluster=BLOCK):
    with open(path, "wb") as file:
        file.truncate(size)
    format_ntfs(path, 0, HostSpec(cluster=cluster))
    return path


def digest(path):
    return hashlib.sha256(path.read_bytes()).digest()


def make_again(program, volume, folder, most):
    """The same folder is shown in the same bytes."""
    out = volume.with_suffix(".again")
    subprocess.run([program, volume, folder, str(most), out], capture_output=True, timeout=300, check=True)
    content = out.read_bytes()
    out.unlink()
    return content


def make(program, volume, folder, most=MUCH):
    """The blocks that go before the volume, and what was said."""
    out = volume.with_suffix(".erofs")
    before = digest(volume)
    done = subprocess.run([program, volume, folder, str(most), out], capture_output=True, timeout=300, text=True)
    assert done.returncode == 0, done.stderr
    assert digest(volume) == before
    assert make_again(program, volume, folder, most) == out.read_bytes()
    return out, done.stdout.splitlines()


@contextmanager
def shown(own, volume):
    """Mounted, as both lie on one device."""
    disk, at = own.with_suffix(".disk"), own.with_suffix(".mnt")
    with open(disk, "wb") as out:
        subprocess.run(["cat", own, volume], stdout=out, check=True)
    at.mkdir(exist_ok=True)
    run("mount", "-t", "erofs", "-o", "ro,loop", disk, at)
    try:
        yield at
    finally:
        run("umount", at)
        disk.unlink()


def everything_below(folder):
    return {Path(at, name).relative_to(folder).as_posix() for at, folders, files in os.walk(folder)
            for name in folders + files}


def check(folder, files):
    """Against what was made. EROFS has one time: that of the last change."""
    assert everything_below(folder) == {name for name in files if name}
    for name, made in files.items():
        file = files[made.same or name]
        path = folder / name
        status = os.lstat(path)
        assert stat.S_IFMT(status.st_mode) == stat.S_IFMT(file.mode), name
        if not stat.S_ISLNK(file.mode):
            assert status.st_mode == file.mode, name
        assert (status.st_uid, status.st_gid) == (file.uid, file.gid), name
        assert status.st_mtime_ns == file.mtime, name
        if stat.S_ISREG(file.mode):
            assert path.read_bytes() == file.data, name
            assert status.st_nlink == 1 + sum(other.same == (made.same or name) for other in files.values()), name
        if stat.S_ISLNK(file.mode):
            assert os.readlink(path) == file.data.decode(), name
        if stat.S_ISCHR(file.mode) or stat.S_ISBLK(file.mode):
            assert (os.major(status.st_rdev), os.minor(status.st_rdev)) == file.device, name
        if stat.S_ISDIR(file.mode):
            below = [other for other in files if other and Path(other).parent.as_posix() == (name or ".")]
            assert status.st_nlink == 2 + sum(stat.S_ISDIR(files[other].mode) for other in below), name
        if not stat.S_ISLNK(file.mode):
            assert set(os.listxattr(path)) == set(file.attributes), name
            for key, value in file.attributes.items():
                assert os.getxattr(path, key) == value, name
        if made.same:
            assert status.st_ino == os.lstat(folder / made.same).st_ino


def files_of_all_kinds():
    numbers = random.Random(9)
    files = {
        "": directory(0o755),
        "bin": symlink("usr/bin"), "usr": directory(), "usr/bin": directory(),
        "usr/bin/ping": File(0o100755, data=b"\x7fELF" + bytes(range(256)) * 40,
                             attributes={"security.capability": CAPABILITY, "user.note": b"a=b"}),
        "usr/bin/sudo": File(0o104755, data=b"setuid"),
        "etc": directory(), "etc/empty": File(), "etc/shadow": File(0o100640, gid=42, data=b"root:*:1::::::\n"),
        "home": directory(), "home/me": directory(0o700, uid=1000, gid=1000),
        "home/me/Makefile": File(uid=1000, gid=1000, data=b"upper"), "home/me/makefile": File(uid=1000, data=b"lower"),
        "home/me/µ ünïcode": File(uid=1000, gid=70000, data=b"x" * 700),
        "home/me/!first": File(data=b"before . and .."), "home/me/-": File(data=b"so is this one"),
        "tmp": directory(0o1777), "var": directory(), "var/libc6:amd64.list": File(data=b"/.\n"),
        'var/a<b>c:d"e\\f|g*h?i\x01\x1f': File(data=b"all that Windows forbids"),
        "var/system-a\\x2db.slice": symlink("../usr/lib/x\\x2dy"),
        "var/long": symlink("/very/" + "long-" * 60 + "target"), "var/longest": symlink("l" * 4095),
        "var/hard": File(0o100600, uid=7, data=b"twice"), "var/hard link": File(same="var/hard"),
        "dev": directory(), "dev/tty1": File(0o020620, gid=5, device=(4, 1)),
        "dev/sda17": File(0o060660, gid=6, device=(259, 1048575)),
        "dev/initctl": File(0o010600), "dev/log": File(0o140666),
        "big uid": File(uid=4294967294, gid=2097152),
        "sizes": directory(), "many": directory(),
    }
    # Ends of files that fit beside their inode, and that do not.
    for size in (1, 699, 701, 4031, 4032, 4033, 4095, 4096, 4097, 8191, 8192, 12288 + 4040, 3 * MIB + 5):
        files[f"sizes/{size}"] = File(data=numbers.randbytes(size))
    for number in range(700):  # more than one block of names
        files[f"many/a name of some length {number:04}"] = File(data=b"%d" % number)
    return files


@pytest.mark.parametrize("generation", ["lxfs", "wslfs"])
def test_everything_is_as_it_was(folder_image, tmp_path, generation):
    files = files_of_all_kinds()
    volume = make_volume(tmp_path / "volume.img")
    with wsl.mounted(volume) as folder:
        wsl.fill(folder / "wsl" / "rootfs", files, generation)
    own, said = make(folder_image, volume, "/wsl")
    assert len(said) == 1 and said[0].startswith("/wsl/rootfs ")
    with shown(own, volume) as folder:
        check(folder, files)


@pytest.mark.parametrize("cluster", [512, 4096, 65536])
def test_files_in_pieces_with_holes_and_compressed(folder_image, tmp_path, cluster):
    """What lies on the volume in whole blocks stays there; all else is copied."""
    numbers = random.Random(cluster)
    volume = make_volume(tmp_path / "volume.img", cluster=cluster)
    text = b"".join(b"line %d of a text that compresses well\n" % numbers.randrange(1000) for _ in range(9000))
    data = {f"turn{number}": numbers.randbytes(MIB + number * 777) for number in range(4)}
    with wsl.mounted(volume) as folder:
        root = folder / "d"
        wsl.fill(root, {"": directory(), "small": directory()}, "wslfs")
        # Each a piece after the other, so that none lies in one.
        opened = {name: open(root / name, "wb", buffering=0) for name in data}
        for at in range(0, 2 * MIB, 65536):
            for name, file in opened.items():
                file.write(data[name][at:at + 65536])
        for file in opened.values():
            file.close()
        if cluster <= BLOCK:
            os.setxattr(root / "small", "system.ntfs_attrib", struct.pack("<I", wsl.COMPRESSED))
            data["small/text"] = text
            data["small/mixed"] = text[:150_000] + numbers.randbytes(200_000) + bytes(300_000) + text[150_000:]
            data["small/little"] = text[:9000]
            for name in ("small/text", "small/mixed", "small/little"):
                with open(root / name, "wb", buffering=0) as file:
                    for at in range(0, len(data[name]), 65536):
                        file.write(data[name][at:at + 65536])
        data["holes"] = b"begin" + bytes(20 * MIB - 5) + b"middle" + bytes(5 * MIB) + numbers.randbytes(100_000) + bytes(77)
        with open(root / "holes", "wb") as file:
            file.write(b"begin")
            file.seek(20 * MIB)
            file.write(b"middle")
            file.seek(5 * MIB, os.SEEK_CUR)
            file.write(data["holes"][-100_077:-77])
            file.truncate(len(data["holes"]))
        data["hole"] = bytes(3 * MIB + 1)
        with open(root / "hole", "wb") as file:
            file.truncate(len(data["hole"]))
    own, said = make(folder_image, volume, "/d")
    copied = int(said[-1].split()[1])
    with shown(own, volume) as folder:
        for name, wanted in data.items():
            assert (folder / name).read_bytes() == wanted, name
    turns = sum(len(data[name]) for name in data if name.startswith("turn"))
    compressed = sum(len(data[name]) for name in data if name.startswith("small"))
    if cluster >= BLOCK:
        assert copied < compressed + 64 * 1024
    assert copied < turns + compressed + MIB


def test_what_was_deleted_behind_the_end_of_a_file_is_not_seen(folder_image, tmp_path):
    """The rest of the last cluster, which a program could map."""
    volume = make_volume(tmp_path / "volume.img")
    with wsl.mounted(volume) as folder:
        wsl.fill(folder / "d", {"": directory(), "file": File(data=b"S" * 3 * BLOCK)}, "wslfs")
        os.truncate(folder / "d/file", 2 * BLOCK + 100)
    assert b"S" * (BLOCK - 100) in volume.read_bytes()
    own, _ = make(folder_image, volume, "/d")
    with shown(own, volume) as folder:
        # Through its last page, which reaches further than the file.
        page = subprocess.run([sys.executable, "-c", PRINT_LAST_PAGE, folder / "file"], capture_output=True, check=True)
        assert page.stdout == b"S" * 100 + bytes(BLOCK - 100)


PRINT_LAST_PAGE = """
import ctypes, mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
at = libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_PRIVATE, fd, 8192)
sys.stdout.buffer.write(ctypes.string_at(at, 4096))
"""


def test_what_cannot_be_taken_is_named(folder_image, tmp_path):
    volume = make_volume(tmp_path / "volume.img")
    with wsl.mounted(volume) as folder:
        root = folder / "d"
        wsl.fill(root, {"": directory(), "plain": File(data=b"plain"), "small": directory(),
                        "odd": File(attributes={"weird.name": b"1", "user.kept": b"2"})}, "wslfs")
        os.setxattr(root / "small", "system.ntfs_attrib", struct.pack("<I", wsl.COMPRESSED))
        for name in ("one", "two"):
            with open(root / "small" / name, "wb", buffering=0) as file:
                file.write(b"compresses well " * 4000)
        (root / "compact").touch()
        os.setxattr(root / "compact", "system.ntfs_reparse_data", struct.pack("<IHH4I", 0x80000017, 16, 0, 1, 2, 1, 0))
        (root / "secret").write_bytes(b"x" * 5000)
    _mark_encrypted(volume, "/d/secret")
    own, said = make(folder_image, volume, "/d", most=100_000)
    assert sum("of memory for that" in line for line in said) == 1
    text = "\n".join(said)
    assert "compact: it is left out: Windows compressed it (CompactOS)" in text
    assert "secret: it is left out: it is encrypted (EFS)" in text
    assert "odd: its extended attribute weird.name is left out" in text
    assert said[-1].endswith("left out: 3 that could not be taken")
    with shown(own, volume) as folder:
        assert len(everything_below(folder)) == 4
        assert os.listxattr(folder / "odd") == ["user.kept"]
