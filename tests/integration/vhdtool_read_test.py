# SPDX-License-Identifier: GPL-2.0-or-later
"""vhdtool cat and info on images that qemu-img made, and on those that it cannot make: chains of differencing images,
VHDX files whose log must be replayed. Nothing is ever written.

Needs qemu-utils; for the ESP also gdisk, dosfstools and mtools.
"""

import hashlib
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import sparse_images as images  # noqa: E402
from support.command import run  # noqa: E402
from support.images import small_kernel  # noqa: E402
from support.paths import PRODUCTS  # noqa: E402
from support.vhd import make_fixed  # noqa: E402

KIB, MIB = 1024, 1024**2
VHDTOOL = Path(os.environ.get("VHDBOOT_VHDTOOL", PRODUCTS / "vhdtool"))
PARENT, CHILD, OTHER = (uuid.UUID(int=0x5EED0000 + i) for i in range(3))
LOG = uuid.UUID(int=0x106)
SIZE = 70 * MIB + 3 * 512


def needs(tool):
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return pytest.mark.skipif(shutil.which(tool, path=path) is None, reason=f"{tool} is not installed")


def vhdtool(*args, text=True, **options):
    """Runs it and returns the completed process, whatever the status."""
    return subprocess.run([VHDTOOL, *map(str, args)], capture_output=True, text=text, timeout=120, **options)


def cat(path, *options):
    """The bytes of the disk, and that nothing was written."""
    before = hashlib.sha256(path.read_bytes()).digest(), path.stat().st_mtime_ns
    done = vhdtool("cat", *options, path, text=False)
    assert done.returncode == (4 if b"warning: " in done.stderr else 0), done.stderr
    assert (hashlib.sha256(path.read_bytes()).digest(), path.stat().st_mtime_ns) == before
    return done.stdout


def info(path):
    done = vhdtool("info", "--json", path)
    told = json.loads(done.stdout)
    assert told["schema"] == "vhdboot.info/1"
    assert done.returncode == (4 if told["warnings"] else 0), done.stderr
    shown = vhdtool("info", path)
    assert shown.returncode == done.returncode and shown.stdout.startswith(f"{path}: ")
    return told


def refuse(path, *words, command="cat", status=3):
    """One sentence with these words, the status, nothing on the standard output."""
    done = vhdtool(command, path)
    assert done.returncode == status, (done.returncode, done.stderr)
    assert done.stdout == "" and done.stderr.count("\n") == 1 and f"{path}: " in done.stderr, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    return done.stderr


def same(got, expected):
    """Without pytest's comparison of megabytes when they differ."""
    if got == expected:
        return True
    at = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b), min(len(got), len(expected)))
    pytest.fail(f"{len(got)} and {len(expected)} bytes differ from byte {at} on")


@pytest.fixture(scope="module", name="disk")
def fixture_disk(tmp_path_factory):
    """A raw disk: data at its start and end, across limits of blocks, and a lone sector."""
    path = tmp_path_factory.mktemp("disk") / "disk.raw"
    source = random.Random(1)
    with open(path, "wb") as file:
        file.truncate(SIZE)
        for place, count in ((0, 300000), (2 * MIB - 512, 1024), (33 * MIB + 512, 3 * MIB), (50 * MIB, 512),
                             (SIZE - 5120, 5120)):
            file.seek(place)
            file.write(source.randbytes(count))
    return path


def converted(disk, path, kind, options):
    run("qemu-img", "convert", "-f", "raw", "-O", kind, "-o", options, disk, path)
    return path


VHDX = [f"subformat={sub},block_size={block}M" for sub in ("dynamic", "fixed") for block in (1, 2, 8, 32, 256)]


@pytest.mark.parametrize("kind,options", [
    ("vpc", "subformat=dynamic,force_size=on"),
    ("vpc", "subformat=fixed,force_size=on"),
    *(("vhdx", options) for options in VHDX),
    ("vhdx", "subformat=dynamic,block_size=4M,log_size=5M"),
])
def test_what_qemu_made_reads_the_same(tmp_path, disk, kind, options):
    path = converted(disk, tmp_path / "image", kind, options)
    same(cat(path), disk.read_bytes())
    told = info(path)
    assert told["virtual_size"] == SIZE
    assert told["format"] == f"{'fixed' if 'fixed' in options else 'dynamic'}-{'vhd' if kind == 'vpc' else 'vhdx'}"
    if kind == "vhdx":
        assert told["block_size"] == int(re.search(r"block_size=(\d+)", options).group(1)) * MIB
        assert told["log"] == {"dirty": False, "entries": 0}
    # One that was cut off is not read as if nothing were.
    with open(path, "r+b") as file:
        file.truncate(min(path.stat().st_size // 2, 36 * MIB))
    if kind == "vhdx" or "dynamic" in options:
        refuse(path)


@pytest.mark.parametrize("kind,options", [("vpc", "subformat=dynamic"), ("vhdx", "block_size=1M")])
def test_what_qemu_wrote_into_an_image(tmp_path, kind, options):
    path = tmp_path / "image"
    run("qemu-img", "create", "-q", "-f", kind, "-o", options, path, "64M")
    patterns = [(7, 0, 4096), (8, 2 * MIB - 1024, 2048), (9, 40 * MIB + 512, 512), (10, 60 * MIB, MIB)]
    run("qemu-io", "-f", kind, *(word for pattern, at, count in patterns
                                 for word in ("-c", f"write -P {pattern} {at} {count}")), path)
    raw = tmp_path / "raw"
    run("qemu-img", "convert", "-f", kind, "-O", "raw", path, raw)
    content = cat(path)
    same(content, raw.read_bytes())
    for pattern, at, count in patterns:
        assert content[at : at + count] == bytes([pattern]) * count
    assert content.count(0) == len(content) - sum(count for _, _, count in patterns)


def test_raw_and_parts(tmp_path, disk):
    data = disk.read_bytes()
    same(cat(disk), data)
    assert info(disk)["format"] == "raw"
    vhdx = converted(disk, tmp_path / "image", "vhdx", "block_size=1M")
    for path in (disk, vhdx):
        same(cat(path, "--offset", "2M", "--length", "64K"), data[2 * MIB : 2 * MIB + 64 * KIB])
        same(cat(path, "--offset", "34603000", "--length", "777777"), data[34603000 : 34603000 + 777777])
        same(cat(path, "--offset=70m"), data[70 * MIB :])
        assert cat(path, "--length", "0") == b""
        assert cat(path, "--offset", SIZE) == b""
        assert vhdtool("cat", "--offset", SIZE + 1, path).returncode == 3
        assert vhdtool("cat", "--offset", SIZE - 1, "--length", "2", path).returncode == 3


# --- chains -----------------------------------------------------------------------------------------------------------


def sector(text):
    return hashlib.sha512(text.encode()).digest() * 8


def expected(*layers, size=4 * MIB):
    """A disk with the sectors of each layer, later ones above."""
    data = bytearray(size)
    for layer in layers:
        for number, content in layer.items():
            data[number * 512 : number * 512 + 512] = content
    return bytes(data)


BASE = {number: sector(f"base {number}") for number in (0, 1, 2, 100, 1023, 1024, 8191)}
ABOVE = {number: sector(f"above {number}") for number in (1, 101, 1024, 5000)}
TOP = {number: sector(f"top {number}") for number in (2, 101, 6000)}


@pytest.mark.parametrize("link", ["base.vhd", ".\\base.vhd", "C:\\images\\base.vhd"])
@pytest.mark.parametrize("base", ["dynamic", "fixed"])
def test_a_chain_of_vhds(tmp_path, link, base):
    parent, child, top = (tmp_path / name for name in ("base.vhd", "child.vhd", "top.vhd"))
    if base == "dynamic":
        images.make_vhd(parent, 4 * MIB, BASE, PARENT)
    else:
        parent.write_bytes(expected(BASE) + images.vhd_footer(4 * MIB, 2, PARENT))
    changed = int(parent.stat().st_mtime) - images.EPOCH
    images.make_vhd(child, 4 * MIB, ABOVE, CHILD, parent=(PARENT, changed, link))
    same(cat(child), expected(BASE, ABOVE))
    images.make_vhd(top, 4 * MIB, TOP, OTHER, parent=(CHILD, int(child.stat().st_mtime) - images.EPOCH, "child.vhd"))
    same(cat(top), expected(BASE, ABOVE, TOP))
    told = info(top)
    assert told["format"] == "differencing-vhd" and told["parent"]["file"] == str(child)
    assert told["warnings"] == []
    # The folder from which it is called does not matter.
    assert vhdtool("cat", "child.vhd", text=False, cwd=tmp_path).stdout == expected(BASE, ABOVE)


def test_a_parent_in_another_folder(tmp_path):
    (tmp_path / "base folder").mkdir()
    (tmp_path / "new").mkdir()
    images.make_vhd(tmp_path / "base folder/größe.vhd", 4 * MIB, BASE, PARENT)
    child = tmp_path / "new/child.vhd"
    images.make_vhd(child, 4 * MIB, ABOVE, CHILD, parent=(PARENT, 0, "..\\base folder\\größe.vhd"))
    same(cat(child), expected(BASE, ABOVE))


def test_a_parent_that_does_not_fit(tmp_path):
    parent, child = tmp_path / "base.vhd", tmp_path / "child.vhd"
    images.make_vhd(child, 4 * MIB, ABOVE, CHILD, parent=(PARENT, 1, ".\\base.vhd"))
    refuse(child, "parent", "base.vhd")
    told = info(child)
    assert "partition_table" not in told and "base.vhd" in told["parent"]["problem"]
    images.make_vhd(parent, 4 * MIB, BASE, OTHER)
    refuse(child, "another image")
    images.make_vhd(parent, 4 * MIB, BASE, PARENT)
    os.utime(parent, (images.EPOCH + 1, images.EPOCH + 1))
    assert vhdtool("cat", child, text=False).stderr == b""
    os.utime(parent)
    done = vhdtool("cat", child, text=False)
    assert done.returncode == 4 and b"changed at another time" in done.stderr
    same(done.stdout, expected(BASE, ABOVE))
    # A file without an identity is nobody's parent.
    parent.write_bytes(expected(BASE))
    refuse(child, "another image")


def test_an_image_that_is_its_own_parent(tmp_path):
    child = tmp_path / "child.vhd"
    images.make_vhd(child, 4 * MIB, ABOVE, CHILD, parent=(CHILD, 0, ".\\child.vhd"))
    refuse(child, "parents")


@pytest.mark.parametrize("sector_size", [512, 4096])
def test_a_chain_of_vhdx_files(tmp_path, sector_size):
    def scaled(layer):
        return {number: (content * 8)[:sector_size] for number, content in layer.items() if number * sector_size < 8 * MIB}

    def disk_of(*layers):
        data = bytearray(8 * MIB)
        for layer in layers:
            for number, content in layer.items():
                data[number * sector_size : (number + 1) * sector_size] = content
        return bytes(data)

    base, above, top = map(scaled, (BASE, ABOVE, TOP))
    names = {"relative_path": ".\\base.vhdx", "absolute_win32_path": "\\\\?\\C:\\elsewhere\\base.vhdx"}
    parent, child = tmp_path / "base.vhdx", tmp_path / "child.vhdx"
    images.make_vhdx(parent, 8 * MIB, base, PARENT, sector_size=sector_size)
    images.make_vhdx(child, 8 * MIB, above, CHILD, parent=(PARENT, names), sector_size=sector_size)
    images.make_vhdx(tmp_path / "top.vhdx", 8 * MIB, top, OTHER, block_size=2 * MIB, sector_size=sector_size,
                     parent=(CHILD, {"absolute_win32_path": "\\\\?\\C:\\elsewhere\\child.vhdx"}))
    same(cat(parent), disk_of(base))
    same(cat(child), disk_of(base, above))
    same(cat(tmp_path / "top.vhdx"), disk_of(base, above, top))
    assert info(child)["format"] == "differencing-vhdx"
    images.make_vhdx(parent, 8 * MIB, base, OTHER, sector_size=sector_size)
    refuse(child, "another image")
    parent.unlink()
    refuse(child, "not found")
    assert "problem" in info(child)["parent"]


# --- the log of a VHDX file ---------------------------------------------------------------------------------------------


@pytest.fixture(name="vhdx")
def fixture_vhdx(tmp_path):
    path = tmp_path / "disk.vhdx"
    run("qemu-img", "create", "-q", "-f", "vhdx", "-o", "block_size=1M", path, "16M")
    run("qemu-io", "-f", "vhdx", "-c", "write -P 1 0 1M", "-c", "write -P 2 5M 1M", path)
    return path


def block_place(path, block):
    data = path.read_bytes()
    bat, _ = images.region(data, images.BAT)
    return struct.unpack_from("<Q", data, bat + 8 * block)[0] & ~0xFFFFF


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_log_is_read_as_replayed(tmp_path, vhdx, wrapped):
    """Two entries, also around the end of the log: data, zeros, and a block that exists only by the log."""
    clean = cat(vhdx)
    data = vhdx.read_bytes()
    size = len(data)
    bat, _ = images.region(data, images.BAT)
    first = block_place(vhdx, 0)
    table = bytearray(data[bat : bat + 4096])
    struct.pack_into("<Q", table, 8 * 9, block_place(vhdx, 5) | 6)
    struct.pack_into("<Q", table, 8 * 5, 0)
    second = random.Random(2).randbytes(4096)
    length = struct.unpack_from("<I", images.newest_header(data)[1], 68)[0]
    start = length - 8192 if wrapped else 0
    one = images.log_entry(LOG, 2**32 + 5, start, [(bat, bytes(table)), (first, 65536), (first + 8192, second)], size)
    after = (start + len(one)) % length
    two = images.log_entry(LOG, 2**32 + 6, start, [(first + 4096, second[::-1]), (first + 8192, 4096)], size)
    # What an older use of the log left: a right entry, but not of the newest sequence.
    old = images.log_entry(LOG, 3, 512 * KIB, [(first, b"\xee" * 4096)], size)
    images.put_log(vhdx, [(start, one), (after, two), (512 * KIB, old)], LOG)
    wanted = bytearray(clean)
    wanted[0 : 65536] = bytes(65536)
    wanted[4096:8192] = second[::-1]
    wanted[9 * MIB : 10 * MIB] = clean[5 * MIB : 6 * MIB]
    wanted[5 * MIB : 6 * MIB] = bytes(MIB)
    same(cat(vhdx), bytes(wanted))
    assert info(vhdx)["log"] == {"dirty": True, "entries": 2}
    if wrapped:
        return  # qemu 7.2 takes the second entry, which it meets first, for the whole sequence
    # The judge: qemu replays the log of a copy.
    judge, raw = tmp_path / "judge.vhdx", tmp_path / "judge.raw"
    shutil.copy(vhdx, judge)
    run("qemu-img", "check", "-r", "all", "-f", "vhdx", judge, ok=(0, 2, 3))
    run("qemu-img", "convert", "-f", "vhdx", "-O", "raw", judge, raw)
    same(raw.read_bytes(), bytes(wanted))


def test_a_log_that_makes_the_file_longer(vhdx):
    clean = cat(vhdx)
    size = vhdx.stat().st_size
    place = -(-size // MIB) * MIB
    data = vhdx.read_bytes()
    bat, _ = images.region(data, images.BAT)
    table = bytearray(data[bat : bat + 4096])
    struct.pack_into("<Q", table, 8 * 12, place | 6)
    entry = bytearray(images.log_entry(LOG, 9, 0, [(bat, bytes(table)), (place + 4096, b"\xab" * 4096)], size))
    struct.pack_into("<Q", entry, 56, place + MIB)
    images.put_log(vhdx, [(0, images.sealed(entry))], LOG)
    wanted = bytearray(clean)
    wanted[12 * MIB + 4096 : 12 * MIB + 8192] = b"\xab" * 4096
    same(cat(vhdx), bytes(wanted))


def broken_log(entry):
    """Ways in which an entry is none."""
    yield "no checksum", entry[:200] + b"x" + entry[201:]
    short = bytearray(entry)
    struct.pack_into("<I", short, 8, 4095)
    yield "odd length", images.sealed(short)
    many = bytearray(entry)
    struct.pack_into("<I", many, 24, 2**32 - 1)
    yield "descriptors", images.sealed(many)
    tail = bytearray(entry)
    struct.pack_into("<I", tail, 12, 8192)
    yield "tail elsewhere", images.sealed(tail)
    other = bytearray(entry)
    other[32] ^= 1
    yield "another log", images.sealed(other)
    torn = bytearray(entry)
    struct.pack_into("<I", torn, 8192 - 4, 77)
    yield "torn sector", images.sealed(torn)


def test_a_log_without_a_valid_entry(vhdx):
    good = images.log_entry(LOG, 9, 0, [(block_place(vhdx, 0), b"\xab" * 4096)], vhdx.stat().st_size)
    images.put_log(vhdx, [(0, good)], LOG)
    assert cat(vhdx, "--length", "1") == b"\xab"
    for why, entry in broken_log(good):
        images.put_log(vhdx, [(0, entry)], LOG)
        assert "log" in refuse(vhdx), why
    cut = images.log_entry(LOG, 9, 0, [(block_place(vhdx, 0), b"\xab" * 4096)], vhdx.stat().st_size + MIB)
    images.put_log(vhdx, [(0, cut)], LOG)
    refuse(vhdx, "missing")


# --- damage -----------------------------------------------------------------------------------------------------------


def patched(path, *changes):
    with open(path, "r+b") as file:
        for offset, data in changes:
            file.seek(offset)
            file.write(data)
    return path


def test_damaged_vhdx_files(tmp_path, disk):
    clean = converted(disk, tmp_path / "clean.vhdx", "vhdx", "block_size=1M")
    data = clean.read_bytes()
    bat, _ = images.region(data, images.BAT)
    metadata, _ = images.region(data, images.METADATA)
    place = struct.unpack_from("<Q", data, bat)[0]
    newest, _ = images.newest_header(data)

    def damaged(*changes):
        path = tmp_path / "damaged.vhdx"
        shutil.copy(clean, path)
        return patched(path, *changes)

    # One damaged copy is what the other is for.
    older = images.HEADERS[0] if newest == images.HEADERS[1] else images.HEADERS[1]
    same(cat(damaged((older + 100, b"x"), (192 * KIB + 100, b"x"))), disk.read_bytes())
    refuse(damaged((older + 100, b"x"), (newest + 100, b"x")), "headers")
    refuse(damaged((192 * KIB + 100, b"x"), (256 * KIB + 100, b"x")), "region")
    refuse(damaged((metadata, b"X")), "metadata")
    refuse(damaged((bat, struct.pack("<Q", place + 2**60))), "block 0", "outside")
    refuse(damaged((bat, struct.pack("<Q", struct.unpack_from("<Q", data, bat + 8)[0]))), "block 1", "something else")
    refuse(damaged((bat, struct.pack("<Q", bat | 6))), "block 0")
    refuse(damaged((bat, struct.pack("<Q", 6))), "block 0")
    refuse(damaged((bat, struct.pack("<Q", place & ~7 | 7))), "partial")
    refuse(damaged((bat, struct.pack("<Q", place & ~7 | 4))), "state")
    for command in ("cat", "info"):
        refuse(damaged((bat, struct.pack("<Q", 6))), command=command)


def test_damaged_dynamic_vhds(tmp_path, disk):
    clean = converted(disk, tmp_path / "clean.vhd", "vpc", "subformat=dynamic,force_size=on")
    data = clean.read_bytes()
    table = struct.unpack_from(">Q", data, 512 + 16)[0]
    used = [i for i in range(30) if struct.unpack_from(">I", data, table + 4 * i)[0] != 0xFFFFFFFF]

    def damaged(*changes):
        path = tmp_path / "damaged.vhd"
        shutil.copy(clean, path)
        return patched(path, *changes)

    # The copy of the footer is for this.
    path = damaged((len(data) - 300, b"x"))
    done = vhdtool("cat", path, text=False)
    assert done.returncode == 4 and b"footer" in done.stderr
    same(done.stdout, disk.read_bytes())
    refuse(damaged((512 + 100, b"x")), "checksum")
    refuse(damaged((512, b"X")), "header")
    refuse(damaged((table, struct.pack(">I", 0x7FFFFFFF))), "block 0", "outside")
    refuse(damaged((table, struct.pack(">I", 0))), "block 0")
    refuse(damaged((table + 4 * used[1], data[table + 4 * used[0] : table + 4 * used[0] + 4])), "same place")
    header = bytearray(data[512 : 512 + 1024])
    struct.pack_into(">I", header, 28, 3)
    refuse(damaged((512, images.vhd_sum(header, 36))), "3 entries")
    struct.pack_into(">I", header, 28, 2**32 - 1)
    refuse(damaged((512, images.vhd_sum(header, 36))), "blocks")
    struct.pack_into(">II", header, 28, 100, 12345)
    refuse(damaged((512, images.vhd_sum(header, 36))), "12345")


def test_what_is_no_image_of_ours(tmp_path):
    path = tmp_path / "disk.qcow2"
    run("qemu-img", "create", "-q", "-f", "qcow2", path, "8M")
    refuse(path, "qcow2", "qemu-img convert")
    path.write_bytes(b"")
    refuse(path, "empty")
    path.write_bytes(b"x" * 700)
    refuse(path, "512")
    refuse(tmp_path, "folder")
    refuse(tmp_path / "nothing", "No such file", status=1)


# --- what is in the disk ------------------------------------------------------------------------------------------------


def make_uki(path, uname, osrel):
    """The smallest PE file that has the sections of a unified kernel image."""
    sections = [(b".linux", small_kernel(uname.decode())), (b".osrel", osrel), (b".uname", uname)]
    head = bytearray(0x400)
    head[0:2] = b"MZ"
    struct.pack_into("<I", head, 0x3C, 0x80)
    struct.pack_into("<4sHHIIIHH", head, 0x80, b"PE\0\0", 0x8664, len(sections), 0, 0, 0, 240, 0x22)
    struct.pack_into("<H", head, 0x98, 0x20B)
    struct.pack_into("<II", head, 0x98 + 32, 4096, 512)
    struct.pack_into("<II", head, 0x98 + 56, 16 * 4096, 0x400)
    struct.pack_into("<I", head, 0x98 + 108, 16)
    body = b""
    for i, (name, data) in enumerate(sections):
        raw = data.ljust(-(-len(data) // 512) * 512, b"\0")
        struct.pack_into("<8sIIII", head, 0x98 + 240 + 40 * i, name, len(data), 4096 * (i + 1), len(raw), 0x400 + len(body))
        body += raw
    path.write_bytes(bytes(head) + body)


@needs("sgdisk")
@needs("mcopy")
@pytest.mark.parametrize("bits,esp_mib", [(12, 2), (16, 20), (32, 40)])
@pytest.mark.parametrize("kind", ["raw", "vhdx", "vpc", "fixed"])
def test_info_looks_into_the_esp(tmp_path, kind, bits, esp_mib):
    disk = tmp_path / "disk.raw"
    with open(disk, "wb") as file:
        file.truncate(64 * MIB)
    run("sgdisk", "-n", f"1:2048:+{esp_mib}M", "-t", "1:ef00", "-c", "1:my esp", "-n", "2:0:0", "-t", "2:8300", disk)
    esp = f"{disk}@@1M"
    run("mkfs.vfat", "-F", bits, "-s", 1, "--offset", 2048, disk, esp_mib * 1024)
    uki = tmp_path / "uki"
    make_uki(uki, b"6.1.0-9-amd64", b'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12"\n')
    older = tmp_path / "older"
    make_uki(older, b"6.0.0-1-amd64", b'ID=debian\nVERSION=1\nPRETTY_NAME="Debian, older"\n')
    conf = tmp_path / "conf"
    conf.write_text("# by hand\ntitle Größe\nversion 6.5\nlinux /vmlinuz-6.5\ninitrd /a\noptions quiet\noptions ro\n")
    for folder in ("EFI", "EFI/Linux", "loader", "loader/entries"):
        run("mmd", "-i", esp, f"::/{folder}")
    for i in range(40):  # a directory of several clusters
        run("mcopy", "-i", esp, conf, f"::/EFI/Linux/some rather long name that is no entry {i}.txt")
    run("mcopy", "-i", esp, uki, "::/EFI/Linux/debian 12 with a long name+3.efi")
    run("mcopy", "-i", esp, older, "::/EFI/Linux/OLD.EFI")
    run("mcopy", "-i", esp, conf, "::/EFI/Linux/broken.efi")
    run("mcopy", "-i", esp, conf, "::/loader/entries/by-hand.conf")
    kernel = tmp_path / "kernel"
    kernel.write_bytes(small_kernel("6.5"))
    run("mcopy", "-i", esp, kernel, "::/vmlinuz-6.5")
    run("mcopy", "-i", esp, conf, "::/a")
    stale = tmp_path / "stale"
    stale.write_text("linux /gone\n")
    run("mcopy", "-i", esp, stale, "::/loader/entries/stale.conf")
    image = disk
    if kind == "fixed":
        make_fixed(disk)
    elif kind != "raw":
        image = tmp_path / f"disk.{kind}"
        run("qemu-img", "convert", "-O", kind, *(["-o", "force_size=on"] if kind == "vpc" else []), disk, image)
    told = info(image)
    table = told["partition_table"]
    assert (table["scheme"], len(table["partitions"])) == ("gpt", 2)
    first = table["partitions"][0]
    assert (first["number"], first["start"], first["size"], first["name"]) == (1, MIB, esp_mib * MIB, "my esp")
    assert first["type_name"] == "ESP"
    uki, older, entry = told["boot"]
    assert {(entry["kind"], entry["partition"]) for entry in told["boot"]} == {("uki", 1), ("type1", 1)}
    assert (uki["path"], uki["title"], uki["kernel"], uki["tries_left"]) == (
        "/EFI/Linux/debian 12 with a long name+3.efi", "Debian GNU/Linux 12", "6.1.0-9-amd64", 3)
    assert (older["path"], older["title"], older["kernel"]) == (
        "/EFI/Linux/OLD.EFI", "Debian, older", "6.0.0-1-amd64")
    assert "tries_left" not in older
    assert (entry["id"], entry["title"], entry["version"]) == ("by-hand.conf", "Größe", "6.5")
    assert (entry["kernel"], entry["options"]) == ("6.5", "quiet ro")
    assert uki["default_by"] == "the order of the Boot Loader Specification" and "default_by" not in older
    assert any("broken.efi" in warning for warning in told["warnings"])
    assert any("stale.conf: /gone is not there" in warning for warning in told["warnings"])
    assert told["unread"] == []
    shown = vhdtool("info", image).stdout
    assert "Debian GNU/Linux 12, kernel 6.1.0-9-amd64" in shown and "Größe" in shown


@needs("mke2fs")
@pytest.mark.skipif(os.geteuid() != 0 or not Path("/dev/loop-control").exists(), reason="needs root, loop devices")
def test_info_of_kernels_in_boot(tmp_path):
    """A root file system on a disk without a partition table: only root can look into it."""
    root = tmp_path / "root"
    (root / "boot").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "boot/vmlinuz-6.5").write_bytes(small_kernel("6.5"))
    (root / "boot/initrd.img-6.5").write_bytes(b"an initrd")
    (root / "vmlinuz").symlink_to("boot/vmlinuz-6.4")  # which is gone
    own = str(uuid.UUID(int=5))
    (root / "etc/fstab").write_text(f"UUID={own} / ext4 defaults 0 1\n")
    (root / "etc/os-release").write_text("PRETTY_NAME=Small\n")
    path = tmp_path / "disk.raw"
    path.write_bytes(bytes(16 * MIB))
    run("mke2fs", "-q", "-t", "ext4", "-U", own, "-d", root, path)
    told = info(path)
    (entry,) = told["boot"]
    assert (entry["kind"], entry["path"], entry["title"]) == ("kernel", "/boot/vmlinuz-6.5", "Small")
    assert "partition" not in entry and entry["options"].startswith(f"root=UUID={own}")
    assert told["unread"] == []
    path.chmod(0o644)
    program = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", VHDTOOL, "info", "--json", "/dev/stdin"]
    with open(path, "rb") as image:
        done = subprocess.run([str(word) for word in program], stdin=image, capture_output=True, text=True, check=False)
    if "Permission denied" in done.stderr:
        pytest.skip("another user cannot reach the program")
    told = json.loads(done.stdout)
    assert told["boot"] == [] and "ext4" in told["unread"][0] and "as root" in told["unread"][0]


# --- the command line -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("args,says", [
    ([], "which command"),
    (["cta", "f"], "cat"),
    (["inof"], "info"),
    (["frobnicate"], "no command"),
    (["--frobnicate"], "--frobnicate"),
    (["cat"], "which FILE"),
    (["cat", "a", "b"], "one FILE"),
    (["cat", "--offset"], "needs a value"),
    (["cat", "--offset", "-1", "f"], "no size"),
    (["cat", "--length", "99999999T", "f"], "no file can have the size"),
    (["cat", "--lenght", "1", "f"], "--lenght"),
    (["info"], "which FILE"),
    (["info", "-x", "f"], "-x"),
])
def test_wrong_usage(args, says):
    done = vhdtool(*args)
    assert done.returncode == 2, done.stderr
    assert done.stdout == "" and says in done.stderr and done.stderr.count("\n") == 1


def test_help_and_version():
    said = vhdtool("--help")
    assert said.returncode == 0 and "Exit status:" in said.stdout
    assert re.fullmatch(r"vhdtool \(vhdboot\) \d+\.\d+\.\d+\n", vhdtool("--version").stdout)
    for command in ("cat", "info"):
        assert re.search(rf"^  {command} ", said.stdout, re.MULTILINE)
        told = vhdtool(command, "--help")
        assert told.returncode == 0 and told.stdout.startswith(f"Usage: vhdtool {command} ")
        assert all(len(line) <= 80 for line in told.stdout.splitlines())


def test_output_that_cannot_be_written(disk):
    for args in (["cat", disk], ["info", disk], ["--help"]):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([VHDTOOL, *args], stdout=full, stderr=subprocess.PIPE, check=False)
        assert done.returncode == 1 and done.stderr.count(b"\n") == 1


def test_an_image_that_may_only_be_read(tmp_path, disk):
    path = tmp_path / "disk.raw"
    shutil.copy(disk, path)
    os.chmod(path, 0o444)
    same(cat(path, "--length", "1M"), disk.read_bytes()[:MIB])


@pytest.mark.skipif("VHDBOOT_PRODUCTS" in os.environ or "VHDBOOT_VHDTOOL" in os.environ, reason="not the product build")
def test_the_product_is_static():
    assert "INTERP" not in run("readelf", "--program-headers", VHDTOOL)
