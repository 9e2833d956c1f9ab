# SPDX-License-Identifier: GPL-2.0-or-later
"""vhdtool provision, reserve and reblock on images that qemu-img made and on chains of our own, and what power cuts leave
of a VHDX: qemu-img and libvhdi are the judges. What each can judge: qemu-img reads no differencing image and replays a
log only when it may write; libvhdi reads what is in the blocks, and no log.

Needs qemu-utils; with libvhdi-utils, /dev/fuse and root it does more.
"""

import contextlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import chains  # noqa: E402
from support.command import run  # noqa: E402
from support.paths import PRODUCTS, REPOSITORY  # noqa: E402

KIB, MIB = 1024, 1024**2
VHDTOOL = PRODUCTS / "vhdtool"
UNIT_TESTS = REPOSITORY / "build/test/unit/unit_vhd"
SIZE = 70 * MIB + 3 * 512


@pytest.fixture(scope="module", autouse=True)
def _products():
    if not VHDTOOL.is_file():
        pytest.skip(f"{VHDTOOL} is not built")
    if shutil.which("qemu-img") is None:
        pytest.skip("qemu-img is not installed")


def vhdtool(*args, **options):
    return subprocess.run([VHDTOOL, *map(str, args)], capture_output=True, timeout=300, **options)


def succeed(*args):
    done = vhdtool(*args)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def refuse(status, *args, words=(), **options):
    """It must refuse with one sentence, that has these words."""
    done = vhdtool(*args, **options)
    assert done.returncode == status and done.stdout == b"", (done.returncode, done.stderr)
    sentence = [line for line in done.stderr.decode().splitlines() if " %, " not in line]
    assert len(sentence) == 1, sentence
    for word in words:
        assert word in sentence[0], sentence


def cat(path):
    done = vhdtool("cat", path)
    assert done.returncode in (0, 4), done.stderr
    return done.stdout


def info(path):
    return json.loads(vhdtool("info", "--json", path).stdout)


def same(got, expected):
    """Without pytest's comparison of megabytes when they differ."""
    return got == expected


def is_whole(path):
    """Every block has its place, and every byte of the file one on the disk."""
    told = info(path)
    assert told["allocated_blocks"] == told["blocks"]
    status = path.stat()
    assert status.st_blocks * 512 >= status.st_size
    with open(path, "rb") as file:
        assert os.lseek(file.fileno(), 0, os.SEEK_HOLE) == status.st_size
    return True


def libvhdi(path, folder):
    """The disk as libvhdi reads it; nothing where that cannot be tried."""
    if os.geteuid() != 0 or shutil.which("vhdimount") is None or not os.access("/dev/fuse", os.W_OK):
        return None
    folder.mkdir(exist_ok=True)
    run("vhdimount", path, folder)
    try:
        return (folder / "vhdi1").read_bytes()
    finally:
        run("fusermount", "-u", folder)


def qemu_reads(path, kind, folder):
    raw = folder / "raw"
    run("qemu-img", "convert", "-f", kind, "-O", "raw", path, raw)
    return raw.read_bytes()


def judged(path, kind, expected, folder):
    assert same(cat(path), expected)
    assert "No errors" in run("qemu-img", "check", "-f", "vhdx", path) if kind == "vhdx" else True
    assert same(qemu_reads(path, kind, folder)[:len(expected)], expected)
    read = libvhdi(path, folder / "mnt")
    assert read is None or same(read, expected)


KINDS = [("vpc", "subformat=dynamic,force_size=on"), *(("vhdx", f"block_size={size}M") for size in (1, 2, 32))]


@pytest.fixture(name="image", params=KINDS, ids=lambda kind: kind[1])
def fixture_image(request, tmp_path):
    """A growing image, its kind and what is in its disk; without holes."""
    kind, options = request.param
    raw, path = tmp_path / "disk.raw", tmp_path / f"disk.{kind}"
    noise = random.Random(5)
    with open(raw, "wb") as file:
        file.truncate(SIZE)
        for place, count in ((0, 300000), (12 * MIB + 512, 3 * MIB), (SIZE - 5120, 5120)):
            file.seek(place)
            file.write(noise.randbytes(count))
    run("qemu-img", "convert", "-f", "raw", "-O", kind, "-o", options, raw, path)
    succeed("desparse", path)
    return path, kind, raw.read_bytes()


def test_provision(image, tmp_path):
    path, kind, contents = image
    assert "every block is in the file" in succeed("provision", path, "--full")
    assert is_whole(path)
    judged(path, kind, contents, tmp_path)
    told = info(path)
    assert told["format"] == ("dynamic-vhd" if kind == "vpc" else "fixed-vhdx")
    before = path.stat().st_size
    assert succeed("provision", path) == f"{path}: every block is in the file\n"
    assert path.stat().st_size == before and same(cat(path), contents)


def test_reserve_and_what_it_is_used_for(image, tmp_path):
    path, kind, contents = image
    had = info(path)
    succeed("reserve", path, "+8M")
    told = info(path)
    assert told["reserve"] - had["reserve"] >= 8 * MIB and told["allocated_blocks"] == had["allocated_blocks"]
    judged(path, kind, contents, tmp_path)
    size = path.stat().st_size
    assert "already" in succeed("reserve", path, "8M")
    assert path.stat().st_size == size
    succeed("provision", path, "+8M")
    now = info(path)
    assert now["allocated_blocks"] - told["allocated_blocks"] == min(-(-8 * MIB // told["block_size"]),
                                                                     told["blocks"] - told["allocated_blocks"])
    assert path.stat().st_size == size, "the reserve was enough"
    judged(path, kind, contents, tmp_path)
    with open(path, "rb") as file:
        assert os.lseek(file.fileno(), 0, os.SEEK_HOLE) == path.stat().st_size


def test_reblock(image, tmp_path):
    path, kind, contents = image
    if kind == "vpc":
        refuse(3, "reblock", path, words=["not a VHDX"])
        return
    said = succeed("reblock", path)
    assert "1 MiB" in said
    assert info(path)["block_size"] == MIB and not info(path)["log"]["dirty"]
    judged(path, kind, contents, tmp_path)
    # What qemu writes into it goes where its new table says.
    run("qemu-io", "-f", "vhdx", "-c", f"write -P 7 {50 * MIB} 4096", path)
    assert cat(path)[50 * MIB : 50 * MIB + 4096] == b"\x07" * 4096
    succeed("desparse", path)
    succeed("provision", path)
    assert is_whole(path)


@pytest.mark.parametrize("make", [chains.vhdx_of_three, chains.vhd_of_two])
def test_a_child_becomes_whole(tmp_path, make):
    noise = random.Random(13)
    payload = b"".join(noise.randbytes(4096) if noise.random() < 0.4 else bytes(4096) for _ in range(768))
    files = make(tmp_path, payload)
    for file in files:
        run("cp", "--sparse=never", file, tmp_path / "copy")
        (tmp_path / "copy").rename(file)
    parents = [file.read_bytes() for file in files[1:]]
    succeed("provision", files[0])
    assert is_whole(files[0])
    assert same(cat(files[0]), payload)
    assert [file.read_bytes() for file in files[1:]] == parents, "nothing was written there"


def test_killed_and_run_again(tmp_path):
    path = tmp_path / "disk.vhdx"
    run("qemu-img", "create", "-q", "-f", "vhdx", "-o", "block_size=1M", path, "800M")
    run("qemu-io", "-f", "vhdx", "-c", f"write -P 9 {300 * MIB} {MIB}", path)
    succeed("desparse", path)
    for how, lines in ((signal.SIGKILL, 3), (signal.SIGKILL, 13), (signal.SIGINT, 15)):
        with subprocess.Popen([VHDTOOL, "provision", path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True) as process:
            for _ in range(lines):
                process.stderr.readline()
            process.send_signal(how)
            process.stderr.read()
            process.wait(timeout=60)
        content = cat(path)
        assert content[300 * MIB : 301 * MIB] == b"\x09" * MIB and content.count(0) == 799 * MIB
    succeed("provision", path)
    assert is_whole(path) and cat(path).count(0) == 799 * MIB


def test_too_little_room(image):
    path, _, contents = image
    before = path.read_bytes()
    size = path.stat().st_size

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 3 * MIB, size + 3 * MIB))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    for command in (("provision", path), ("reserve", path, "+64M")):
        refuse(1, *command, words=["the file is as it was"], preexec_fn=limit)
        assert same(path.read_bytes(), before)
    refuse(1, "reserve", path, "+1T", words=["has room for", "are needed"])
    assert same(path.read_bytes(), before) and same(cat(path), contents)


def test_refuses(tmp_path):
    raw = tmp_path / "disk.raw"
    raw.write_bytes(bytes(MIB))
    for command in (("provision", raw), ("reserve", raw, "+1M"), ("reblock", raw)):
        refuse(3, *command, words=["has no blocks"])
    sparse = tmp_path / "sparse.vhdx"
    run("qemu-img", "create", "-q", "-f", "vhdx", "-o", "block_size=1M", sparse, "8M")
    with open(sparse, "ab") as file:
        file.truncate(sparse.stat().st_size + 8 * MIB)
    before = sparse.read_bytes()
    refuse(3, "provision", sparse, words=["has holes", "vhdtool desparse"])
    assert same(sparse.read_bytes(), before)
    refuse(2, "provision", sparse, "8M", words=["+"])
    refuse(2, "provision", sparse, "--full", "+8M")
    refuse(2, "provision")
    refuse(2, "reserve", sparse, "+")
    with open(sparse, "ab"):
        refuse(3, "provision", sparse, words=["open for writing"])


def test_help():
    for command in ("provision", "reserve", "reblock"):
        said = succeed(command, "--help")
        assert said.startswith(f"Usage: vhdtool {command}") and "Example" in said
        assert command in succeed("--help")


def test_what_power_cuts_leave(tmp_path):
    """A sample of the states that the unit tests make of a VHDX while it is written to."""
    if not UNIT_TESTS.is_file():
        pytest.skip(f"{UNIT_TESTS} is not built")
    states = tmp_path / "states"
    states.mkdir()
    subprocess.run([UNIT_TESTS, "--gtest_filter=VhdxWriter.NothingAnsweredIsLost"], check=True, timeout=300,
                   stdout=subprocess.DEVNULL, env={**os.environ, "VHDBOOT_CRASH_STATES": str(states)})
    found = sorted(states.iterdir())
    assert len(found) >= 10
    dirty = 0
    for state in found:
        expected = cat(state)
        if info(state)["log"]["dirty"]:
            dirty += 1
            with contextlib.suppress(Exception):  # its status says only that there was something to repair
                run("qemu-img", "check", "-f", "vhdx", "-r", "all", state)
            assert not info(state)["log"]["dirty"]
        judged(state, "vhdx", expected, tmp_path)
    assert 0 < dirty < len(found)
