# SPDX-License-Identifier: GPL-2.0-or-later
"""init/volume on real volumes, made by mkntfs and mkfs.exfat and filled by the drivers of others: ntfs-3g and exfat-fuse
(FUSE, so as root). What the files contain and what state ntfs-3g.probe sees is right."""

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.command import run  # noqa: E402

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
MIB = 1024 * 1024
NAMES = ["Ärger/ΩΜέγα/ПриВет.vhd", "\U0001D11E clef/plain.vhd"]


def need(*tools):
    for tool in tools:
        if shutil.which(tool, path=PATH) is None:
            pytest.skip(f"{tool} is not installed")


def need_fuse(*tools):
    need(*tools, "mountpoint", "umount")
    if os.geteuid() != 0 or not os.access("/dev/fuse", os.W_OK):
        pytest.skip("mounting with FUSE needs root and /dev/fuse")


@pytest.fixture(name="program")
def of_all_tests(print_volume):
    return print_volume


def shown(program, volume, *more):
    """The KEY VALUE lines; extents as a list of (logical, physical, length)."""
    out = {"extents": []}
    for line in run(program, volume, *more).splitlines():
        key, _, value = line.partition(" ")
        if key == "extent":
            out["extents"].append(tuple(map(int, value.split())))
        else:
            out[key] = value
    return out


def state(program, volume):
    return shown(program, volume)["state"]


def listed(program, volume, path):
    return {tuple(line.rsplit("|", 1)) for line in run(program, volume, "list", path).splitlines()}


def through_extents(volume, layout):
    """The bytes that the extents cover, which have to cover the file without a gap."""
    parts, at = [], 0
    with open(volume, "rb") as file:
        for logical, physical, length in layout["extents"]:
            assert logical == at
            file.seek(physical)
            parts.append(file.read(length))
            at += length
    assert at == int(layout["size"])
    return b"".join(parts)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def empty(path, size):
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def make_ntfs(path, size, cluster=4096, sector=512, label="HOST"):
    run("mkntfs", "-F", "-q", "-Q", "-s", sector, "-c", cluster, "-p", 2048, "-H", 255, "-S", 63, "-L", label,
        empty(path, size))
    return path


def make_exfat(path, size, cluster="4K"):
    run("mkfs.exfat", "-c", cluster, "-L", "HOST", empty(path, size))
    return path


@contextlib.contextmanager
def loop_device(file, sector=512):
    device = run("losetup", "--find", "--show", "--sector-size", sector, file).strip()
    try:
        yield device
    finally:
        run("losetup", "--detach", device)


@contextlib.contextmanager
def mounted(volume, folder, driver):
    """The volume mounted read-write by a FUSE driver, whose process is given. Unmounted, and closed, at the end."""
    folder.mkdir(exist_ok=True)
    if driver == "ntfs":
        with mounted_by(["ntfs-3g", "-o", "no_detach,compression", volume, folder], folder) as process:
            yield process
    else:  # mounts nothing but block devices
        with loop_device(volume) as device, mounted_by(["mount.exfat-fuse", "-d", device, folder], folder) as process:
            yield process


@contextlib.contextmanager
def mounted_by(words, folder):
    words[0] = shutil.which(words[0], path=PATH)
    process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        # The kernel answers the first request when the driver is ready for it; there is no other event to wait for.
        deadline = 200
        while subprocess.run(["mountpoint", "-q", folder], check=False).returncode != 0:
            assert process.poll() is None, f"{words[0]} ended with {process.returncode}"
            deadline -= 1
            assert deadline > 0, f"{words[0]} does not mount"
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.05)
        yield process
    finally:
        subprocess.run(["umount", folder], check=False, stderr=subprocess.DEVNULL, env={**os.environ, "PATH": PATH})
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def fill(folder, piece):
    """Fills a volume with files of `piece` bytes, a hundred in a directory. Returns their names."""
    names = []
    with contextlib.suppress(OSError):
        while True:
            where = f"fillers {len(names) // 100}"
            if len(names) % 100 == 0:
                (folder / where).mkdir()
            names.append(f"{where}/{len(names)}")
            with open(folder / names[-1], "wb", buffering=0) as file:
                file.write(b"f" * piece)
    return names


def every_second(program, volume, names):
    """Every second of some files, in the order in which they lie on the volume."""
    places = run(program, volume, "first", "-", stdin="".join(f"/{name}\n" for name in names).encode()).splitlines()
    return [name for _, name in sorted((int(place), name) for place, name in zip(places, names, strict=True))][::2]


def check_file(program, volume, path, contents):
    before = digest(volume)
    layout = shown(program, volume, "layout", path)
    assert layout["mappable"] == "yes", path
    assert int(layout["valid"]) == int(layout["size"]) == len(contents)
    assert through_extents(volume, layout) == contents, path
    assert digest(volume) == before
    return layout


def contents_of(size, seed=1):
    return random.Random(seed).randbytes(size)


@pytest.fixture(params=["ntfs", "exfat"])
def driver(request):
    need_fuse(*{"ntfs": ["mkntfs", "ntfs-3g"], "exfat": ["mkfs.exfat", "mount.exfat-fuse", "losetup"]}[request.param])
    return request.param


def make(driver, path, size, cluster=4096):
    return make_ntfs(path, size, cluster) if driver == "ntfs" else make_exfat(path, size, cluster)


def test_what_another_driver_wrote(program, driver, tmp_path):
    volume = make(driver, tmp_path / "volume", 32 * MIB)
    files = {name: contents_of(700_000 + seed, seed) for seed, name in enumerate(NAMES)}
    deep = "/".join(f"level {i}" for i in range(40)) + "/debian.vhd"
    files[deep] = contents_of(5000)
    with mounted(volume, tmp_path / "mnt", driver):
        for name, contents in files.items():
            target = tmp_path / "mnt" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(contents)
    for name, contents in files.items():
        check_file(program, volume, name, contents)
        check_file(program, volume, "\\" + name.replace("/", "\\"), contents)
        # The up-case table of mkfs.exfat knows these letters, too.
        check_file(program, volume, name.swapcase(), contents)
    assert state(program, volume) == "clean"
    top = listed(program, volume, "/")
    assert {name for name, kind in top if kind == "directory"} == {name.split("/")[0] for name in files}


@pytest.mark.parametrize("cluster", [512, 4096, 65536])
def test_a_file_in_more_than_a_thousand_pieces(program, driver, cluster, tmp_path):
    pieces = 1100
    # NTFS keeps what is smaller in the MFT, whose records take room, as does its journal; a directory takes a cluster.
    piece = max(cluster, 4096) if driver == "ntfs" else cluster
    size = pieces * (piece * 9 // 4 + 1024) + (6 * MIB if driver == "ntfs" else 2 * MIB)
    volume = make(driver, tmp_path / "volume", size // MIB * MIB, cluster)
    folder = tmp_path / "mnt"
    with mounted(volume, folder, driver):
        names = fill(folder, piece)
    with mounted(volume, folder, driver):
        (folder / names.pop()).unlink()
        for name in every_second(program, volume, names):
            (folder / name).unlink()
        contents = contents_of(pieces * piece - 77)
        (folder / "debian.vhd").write_bytes(contents)
    layout = check_file(program, volume, "/debian.vhd", contents)
    assert len(layout["extents"]) > 1000


def test_4096_byte_sectors(program, tmp_path):
    need_fuse("mkntfs", "ntfs-3g")
    volume = make_ntfs(tmp_path / "volume", 64 * MIB, sector=4096)
    contents = contents_of(3_000_000)
    with mounted(volume, tmp_path / "mnt", "ntfs"):
        (tmp_path / "mnt/debian.vhd").write_bytes(contents)
    check_file(program, volume, "/DEBIAN.VHD", contents)


def test_4096_byte_sectors_of_exfat(program, tmp_path):
    """mkfs.exfat asks the device for the size of its sectors."""
    need_fuse("mkfs.exfat", "mount.exfat-fuse", "losetup")
    volume = empty(tmp_path / "volume", 64 * MIB)
    contents = contents_of(3_000_000)
    folder = tmp_path / "mnt"
    folder.mkdir()
    with loop_device(volume, 4096) as device:
        run("mkfs.exfat", "-c", "32K", device)
        with mounted_by(["mount.exfat-fuse", "-d", device, folder], folder):
            (folder / "debian.vhd").write_bytes(contents)
    check_file(program, volume, "/DEBIAN.VHD", contents)


def test_refusals_on_ntfs(program, tmp_path):
    need_fuse("mkntfs", "ntfs-3g")
    volume = make_ntfs(tmp_path / "volume", 64 * MIB)
    with mounted(volume, tmp_path / "mnt", "ntfs"):
        with open(tmp_path / "mnt/sparse.vhd", "wb") as file:
            file.seek(10 * MIB)
            file.write(b"end")
        (tmp_path / "mnt/compressed").mkdir()
        os.setxattr(tmp_path / "mnt/compressed", "system.ntfs_attrib_be", (0x800).to_bytes(4, "big"))
        (tmp_path / "mnt/compressed/debian.vhd").write_bytes(b"a" * MIB)
        (tmp_path / "mnt/tiny.vhd").write_bytes(b"tiny")
    refused = {name: shown(program, volume, "layout", name)["mappable"]
               for name in ("/sparse.vhd", "/compressed/debian.vhd", "/tiny.vhd", "/compressed")}
    assert "fsutil sparse setflag FILE 0" in refused["/sparse.vhd"]
    assert "compact /u" in refused["/compressed/debian.vhd"]
    assert "within the MFT" in refused["/tiny.vhd"]
    assert "is a directory" in refused["/compressed"]


def test_a_hibernated_volume_is_what_ntfs_3g_says(program, tmp_path):
    need_fuse("mkntfs", "ntfs-3g", "ntfs-3g.probe")
    volume = make_ntfs(tmp_path / "volume", 32 * MIB)
    assert probe(volume) == 0 and state(program, volume) == "clean"
    for header, hibernated in ((b"hibr", True), (b"HIBR", True), (b"wake", False), (b"\0\0\0\0", False)):
        with mounted(volume, tmp_path / "mnt", "ntfs"):
            (tmp_path / "mnt/hiberfil.sys").write_bytes(header + bytes(100_000))
        before = digest(volume)
        assert ("Fast Startup" in state(program, volume)) == hibernated == (probe(volume) == 14), header
        assert digest(volume) == before
        if hibernated:  # ntfs-3g would not mount it again
            make_ntfs(volume, 32 * MIB)


def probe(volume):
    """What ntfs-3g says about writing to it: 0 it would, 14 hibernated, 15 not cleanly unmounted."""
    words = [shutil.which("ntfs-3g.probe", path=PATH), "--readwrite", str(volume)]
    return subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode


def test_the_dirty_flag_of_ntfs(program, tmp_path):
    need("mkntfs", "ntfsfix", "ntfsinfo")
    volume = make_ntfs(tmp_path / "volume", 32 * MIB)
    run("ntfsfix", volume)  # leaves a note for Windows to check it
    assert "DIRTY" in run("ntfsinfo", "-m", "-f", volume)
    assert "marked dirty" in state(program, volume)
    run("ntfsfix", "-d", volume)
    assert state(program, volume) == "clean"


def test_a_driver_of_exfat_that_was_killed_leaves_it_dirty(program, tmp_path):
    need_fuse("mkfs.exfat", "mount.exfat-fuse", "losetup")
    volume = make_exfat(tmp_path / "volume", 32 * MIB)
    assert state(program, volume) == "clean"
    with mounted(volume, tmp_path / "mnt", "exfat") as process:
        with open(tmp_path / "mnt/debian.vhd", "wb") as file:
            file.write(contents_of(100_000))
            file.flush()
            os.fsync(file.fileno())
            process.send_signal(signal.SIGKILL)
            process.wait()
            with contextlib.suppress(OSError):
                file.close()
    assert "marked dirty" in state(program, volume)


def test_sentences_for_people(program, tmp_path):
    def error(volume, *more):
        done = subprocess.run([program, volume, *more], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        return done.stderr.strip()

    nothing = empty(tmp_path / "nothing", MIB)
    assert error(nothing) == "the partition holds neither NTFS nor exFAT"
    with open(nothing, "r+b") as file:
        file.seek(3)
        file.write(b"-FVE-FS-")
    assert error(nothing).startswith("the partition is encrypted by BitLocker: ")
    need("mkntfs")
    volume = make_ntfs(tmp_path / "volume", 16 * MIB)
    assert error(volume, "layout", "/boot/debian.vhd") == 'there is no "boot" in /'
    assert "drive letter" in error(volume, "layout", "C:\\boot\\debian.vhd")
    os.truncate(volume, 8 * MIB)
    assert "the partition only" in error(volume)
