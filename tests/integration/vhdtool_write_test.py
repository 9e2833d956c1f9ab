# SPDX-License-Identifier: GPL-2.0-or-later
"""vhdtool create, grow, desparse and map on real file systems: what qemu-img, sgdisk, filefrag, ntfsfix and init/volume's
own reader say, and that what is interrupted is either as it was or completed by the next run.

Needs qemu-utils, gdisk and e2fsprogs; with ntfs-3g, exfat-fuse, /dev/fuse, loop devices and root it does more.
"""

import contextlib
import hashlib
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import chains  # noqa: E402
from support.command import CommandError, run  # noqa: E402
from support.paths import PRODUCTS  # noqa: E402
from support.vhdtool import (PATH, VHDTOOL, interrupt, loop_device, make_ntfs, mounted, mounted_ntfs, need,  # noqa: E402
                             refuse, succeed, vhdtool)

KIB, MIB, GIB = 1024, 1024**2, 1024**3
RAW2VHD = PRODUCTS / "raw2vhd"
SPARSE_ATTRIBUTE = 0x200


@pytest.fixture(scope="module", autouse=True)
def _products():
    for program in (VHDTOOL, RAW2VHD):
        if not program.is_file():
            pytest.skip(f"{program} is not built")


# --- files ------------------------------------------------------------------------------------------------------------


def digest(path, size=None):
    """SHA-256 of a file, or of its first `size` bytes."""
    out = hashlib.sha256()
    with open(path, "rb") as file:
        left = path.stat().st_size if size is None else size
        while left > 0:
            data = file.read(min(left, 4 * MIB))
            assert data
            out.update(data)
            left -= len(data)
    return out.hexdigest()


def make_sparse(path, size, seed=1):
    """Holes of several sizes between pieces of data that do not begin or end with a block."""
    chance = random.Random(seed)
    with open(path, "wb") as file:
        file.truncate(size)
        for place in (5000, size // 3, size // 2 + 4096, size - 40_000):
            file.seek(place)
            file.write(chance.randbytes(chance.randrange(1, 30_000)))
    return path


def holes(path):
    """Whether the file system knows a hole in it."""
    with open(path, "rb") as file:
        return os.lseek(file.fileno(), 0, os.SEEK_HOLE) != path.stat().st_size


def footer(path):
    with open(path, "rb") as file:
        file.seek(-512, os.SEEK_END)
        data = file.read(512)
    assert data[:8] == b"conectix"
    return data


def check_vhd(path, size):
    """A fixed VHD of `size`, all of it allocated, as qemu-img sees it as well."""
    need("qemu-img")
    status = path.stat()
    assert status.st_size == size + 512
    assert status.st_blocks * 512 >= size, "allocated"
    assert not holes(path)
    data = footer(path)
    assert int.from_bytes(data[48:56], "big") == size
    assert f"({size} bytes)" in run("qemu-img", "info", "-f", "vpc", path)
    return data[68:84]


# --- create -----------------------------------------------------------------------------------------------------------


def test_create(place):
    path = place / "disk.vhd"
    said = succeed("create", path, "48M")
    assert said.count("\n") == 1 and "48 MiB" in said
    check_vhd(path, 48 * MIB)
    assert digest(path, 48 * MIB) == hashlib.sha256(bytes(48 * MIB)).hexdigest()
    assert [entry.name for entry in place.iterdir() if entry.name.startswith("disk")] == ["disk.vhd"]
    succeed("create", place / "other.vhd", "1M")
    assert check_vhd(place / "other.vhd", MIB) != check_vhd(path, 48 * MIB), "each has a UUID of its own"


def test_create_reports_how_far_it_is(tmp_path):
    said = vhdtool("create", tmp_path / "disk.vhd", "64M").stderr
    assert "\r" not in said, "no bar in a pipe"
    lines = said.splitlines()
    assert 5 <= len(lines) <= 10 and lines[-1].startswith("100 %")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_create_stopped_leaves_nothing(tmp_path, how):
    status, said = interrupt(how, 2, "create", tmp_path / "disk.vhd", "1G")
    assert status == 1 and "stopped by a signal" in said
    assert not list(tmp_path.iterdir())


def test_create_after_it_was_killed(tmp_path):
    path = tmp_path / "disk.vhd"
    assert interrupt(signal.SIGKILL, 2, "create", path, "1G")[0] == -signal.SIGKILL
    assert not path.exists(), "nothing that is not complete has the name"
    succeed("create", path, "16M")
    check_vhd(path, 16 * MIB)
    assert [entry.name for entry in tmp_path.iterdir()] == ["disk.vhd"]


def test_create_refuses(tmp_path):
    there = tmp_path / "there.vhd"
    there.write_bytes(b"precious")
    refuse(3, "create", there, "1M", words=["exists already", str(there)])
    assert there.read_bytes() == b"precious"
    new = tmp_path / "new.vhd"
    refuse(3, "create", new, "2041G", words=["2040 GiB"])
    space = shutil.disk_usage(tmp_path).free
    if space < 2000 * GIB:
        refuse(1, "create", new, "2040G", words=["has room for", "are needed"])
    refuse(2, "create", new, "513", words=["multiple of 512"])
    refuse(2, "create", new, "0")
    refuse(2, "create", new, "1Q")
    refuse(2, "create", new)
    refuse(2, "create", new, "1M", "2M")
    refuse(2, "create", "--nonsense", new, "1M")
    refuse(1, "create", tmp_path / "no" / "disk.vhd", "1M")
    assert [entry.name for entry in tmp_path.iterdir()] == ["there.vhd"]


def race(*commands):
    """Starts all of them at the same time; returns (status, what it said) of each."""
    processes = [subprocess.Popen([VHDTOOL, *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  text=True) for command in commands]
    return [(process.returncode, said) for process in processes for said in [process.communicate(timeout=300)[1]]]


def test_create_twice_at_the_same_time(place):
    for number in range(8):
        path = place / f"disk{number}.vhd"
        sizes = [(2 + number % 3) * MIB, 5 * MIB, 3 * MIB]
        ended = race(*[("create", path, size) for size in sizes])
        winners = [size for size, (status, _) in zip(sizes, ended, strict=True) if status == 0]
        assert len(winners) == 1, ended
        for status, said in ended:
            sentence = [line for line in said.splitlines() if " %, " not in line]
            if status != 0:
                assert status == 3 and len(sentence) == 1, said
                assert re.search("exists|another vhdtool is making|not ours alone", sentence[0]), said
        check_vhd(path, winners[0])
        assert not any(path.read_bytes()[:winners[0]])
        assert [entry.name for entry in place.iterdir() if entry.name.startswith("disk")] == [path.name]
        path.unlink()


def test_create_while_it_is_being_made(tmp_path):
    path = tmp_path / "disk.vhd"
    with subprocess.Popen([VHDTOOL, "create", path, "1G"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True) as first:
        assert "%" in first.stderr.readline()
        first.send_signal(signal.SIGSTOP)
        try:
            refuse(3, "create", path, "16M", words=["another vhdtool is making"])
            assert not path.exists()
        finally:
            first.send_signal(signal.SIGCONT)
        first.stderr.read()
        assert first.wait(timeout=60) == 0
    check_vhd(path, GIB)


def test_create_where_a_file_comes_into_being_meanwhile(place):
    path = place / "disk.vhd"
    with subprocess.Popen([VHDTOOL, "create", path, "100M"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True) as process:
        assert "%" in process.stderr.readline()
        process.send_signal(signal.SIGSTOP)
        path.write_bytes(b"precious")
        process.send_signal(signal.SIGCONT)
        said = process.stderr.read()
        assert process.wait(timeout=60) == 1
    assert "xists" in said.splitlines()[-1]
    assert path.read_bytes() == b"precious"
    assert [entry.name for entry in place.iterdir() if entry.name.startswith("disk")] == ["disk.vhd"]


def test_create_where_no_file_may_be_as_large(tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8 * MIB, 8 * MIB))

    refuse(1, "create", tmp_path / "disk.vhd", "16M", preexec_fn=limit)
    assert not list(tmp_path.iterdir())


# --- grow -------------------------------------------------------------------------------------------------------------


def make_vhd(path, size, gpt):
    """A fixed VHD with something in it; with a GPT of one partition, or without any table."""
    with open(path, "wb") as file:
        file.write(random.Random(3).randbytes(size))
        for start, length in ((0, MIB), (size - 34 * 512, 34 * 512)):
            file.seek(start)
            file.write(bytes(length))
    if gpt:
        need("sgdisk")
        run("sgdisk", "--clear", "--new=1:2048:0", path)
    run(RAW2VHD, path)
    return path


def check_gpt(path, size, folder):
    """Both tables are right and the second one lies at the end of the disk."""
    payload = folder / "payload"
    run("cp", "--sparse=always", path, payload)
    run("truncate", "-s", size, payload)
    said = run("sgdisk", "--verify", payload)
    assert "No problems found" in said, said
    with open(payload, "rb") as file:
        file.seek(-512, os.SEEK_END)
        assert file.read(8) == b"EFI PART"
    payload.unlink()


@pytest.mark.parametrize("gpt", [False, True])
@pytest.mark.parametrize("size", ["+32M", "48M"])
def test_grow(place, tmp_path, gpt, size):
    path = make_vhd(place / "disk.vhd", 16 * MIB, gpt)
    name, before = footer(path)[68:84], digest(path, 15 * MIB) if not gpt else None
    with open(path, "rb") as file:
        file.seek(MIB)
        data = file.read(14 * MIB)
    succeed("grow", path, size)
    assert check_vhd(path, 48 * MIB) == name, "the UUID stays"
    with open(path, "rb") as file:
        file.seek(MIB)
        assert file.read(14 * MIB) == data
        file.seek(16 * MIB)
        assert file.read(31 * MIB) == bytes(31 * MIB), "zeros, and no old footer"
    if gpt:
        check_gpt(path, 48 * MIB, tmp_path)
    else:
        assert digest(path, 15 * MIB) == before
    if size == "48M":
        assert "already" in succeed("grow", path, size)
        check_vhd(path, 48 * MIB)


@pytest.mark.parametrize("gpt", [False, True])
@pytest.mark.parametrize("size", ["+512M", "528M"])
@pytest.mark.parametrize("after", [1, 4, 9])
def test_grow_killed_and_run_again(tmp_path, gpt, size, after):
    path = make_vhd(tmp_path / "disk.vhd", 16 * MIB, gpt)
    name = footer(path)[68:84]
    with open(path, "rb") as file:
        data = file.read(15 * MIB)[MIB:]
    assert interrupt(signal.SIGKILL, after, "grow", path, size)[0] == -signal.SIGKILL
    assert path.stat().st_size > 16 * MIB + 512, "it was on its way"
    succeed("grow", path, size)
    assert check_vhd(path, 528 * MIB) == name
    with open(path, "rb") as file:
        assert file.read(15 * MIB)[MIB:] == data
        file.seek(16 * MIB)
        assert file.read(512) == bytes(512)
    if gpt:
        check_gpt(path, 528 * MIB, tmp_path)


@pytest.mark.parametrize("gpt", [False, True])
def test_grow_stopped_leaves_the_file_as_it_was(tmp_path, gpt):
    path = make_vhd(tmp_path / "disk.vhd", 16 * MIB, gpt)
    before = digest(path)
    status, said = interrupt(signal.SIGINT, 2, "grow", path, "+1G")
    assert status == 1 and "as it was" in said
    assert digest(path) == before


def test_grow_stopped_says_that_added_zeros_are_gone(tmp_path):
    path = make_vhd(tmp_path / "disk.vhd", 16 * MIB, True)
    before = digest(path)
    run("truncate", "-s", f"+{GIB}", path)
    status, said = interrupt(signal.SIGINT, 2, "grow", path, "+2G")
    assert status == 1 and "as it was" not in said
    assert f"{GIB} bytes behind its footer were cut off" in said
    assert digest(path) == before


@pytest.mark.parametrize("added", [0, 4 * MIB])
def test_grow_without_room_for_the_footer(tmp_path, added):
    path = make_vhd(tmp_path / "disk.vhd", 16 * MIB, True)
    before = digest(path)
    run("truncate", "-s", f"+{added}", path)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (48 * MIB + 256, 48 * MIB + 256))

    refuse(1, "grow", path, "48M", words=["footer"], preexec_fn=limit)
    assert digest(path) == before
    succeed("grow", path, "48M")
    check_gpt(path, 48 * MIB, tmp_path)


@pytest.mark.parametrize("size", ["+32M", "48M"])
def test_grow_interrupted_before_its_last_step(tmp_path, size):
    path = make_vhd(tmp_path / "disk.vhd", 16 * MIB, True)
    old = footer(path)
    succeed("grow", path, size)
    complete = digest(path)
    with open(path, "r+b") as file:
        file.seek(16 * MIB)
        file.write(old)
    assert "completed what was begun" in succeed("grow", path, size)
    assert digest(path) == complete


def test_grow_refuses(tmp_path):
    path = make_vhd(tmp_path / "disk.vhd", 16 * MIB, True)
    before = digest(path)
    refuse(3, "grow", path, "8M", words=["never made smaller"])
    refuse(3, "grow", path, "+512", words=["least"])
    refuse(3, "grow", path, "2041G", words=["2040 GiB"])
    refuse(2, "grow", path, "+")
    refuse(3, "grow", tmp_path, "+1G", words=["a folder"])
    refuse(1, "grow", tmp_path / "missing.vhd", "+1G")
    with open(path, "r+b"):
        refuse(3, "grow", path, "+8M", words=["open for writing"])
    assert digest(path) == before
    need("qemu-img")
    dynamic = tmp_path / "dynamic.vhd"
    run("qemu-img", "create", "-q", "-f", "vpc", dynamic, "64M")
    refuse(3, "grow", dynamic, "+64M", words=["dynamic"])
    raw = tmp_path / "raw.img"
    raw.write_bytes(b"\1" * MIB)
    refuse(3, "grow", raw, "+64M", words=["raw2vhd"])


# --- desparse ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["truncate", "punched", "cp"])
def test_desparse(tmp_path, how):
    path = tmp_path / "disk.img"
    if how == "truncate":
        make_sparse(path, 64 * MIB + 512)
    elif how == "punched":
        path.write_bytes(random.Random(5).randbytes(32 * MIB))
        run("fallocate", "-p", "-o", 5 * MIB, "-l", 20 * MIB, path)
        run("fallocate", "-l", 40 * MIB, path)
        run("fallocate", "-p", "-o", 7 * MIB, "-l", 2 * MIB, path)
        # Space that was never written counts as well, also when it is in the page cache by now.
        with open(path, "rb") as file:
            assert file.read()
    else:
        make_sparse(tmp_path / "other", 64 * MIB)
        run("cp", "--sparse=always", tmp_path / "other", path)
    if not holes(path):
        pytest.skip("the file system makes no holes")
    before = digest(path)
    assert "filled" in succeed("desparse", path)
    assert digest(path) == before
    assert not holes(path)
    assert path.stat().st_blocks * 512 >= path.stat().st_size
    assert "unwritten" not in vhdtool("map", path).stdout
    assert "has no holes" in succeed("desparse", path)


def test_desparse_writes_only_holes(tmp_path):
    """Where it had data, no byte is written: the blocks stay where they are."""
    path = make_sparse(tmp_path / "disk.img", 64 * MIB)
    before = mapped("map", path)
    succeed("desparse", path)
    after = mapped("map", path)
    for logical, physical, length in before:
        assert any(start <= logical and logical + length <= start + size and physical - logical == where - start
                   for start, where, size in after)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_desparse_interrupted_and_run_again(tmp_path, how):
    path = make_sparse(tmp_path / "disk.img", GIB)
    before = digest(path)
    status, said = interrupt(how, 3, "desparse", path)
    assert status in (1, -signal.SIGKILL)
    assert how == signal.SIGKILL or "run it again" in said
    assert digest(path) == before
    assert holes(path), "it was on its way"
    succeed("desparse", path)
    assert digest(path) == before and not holes(path)


def sparse_attribute(path):
    return int.from_bytes(os.getxattr(path, "system.ntfs_attrib"), sys.byteorder) & SPARSE_ATTRIBUTE != 0


def test_desparse_on_mounted_ntfs(print_volume, tmp_path):
    volume = make_ntfs(tmp_path / "volume")
    with mounted_ntfs(volume, tmp_path / "mnt") as folder:
        path = make_sparse(folder / "disk.vhd", 64 * MIB)
        run("cp", "--sparse=always", path, folder / "copy.vhd")
        before = digest(path)
        for name in ("disk.vhd", "copy.vhd"):
            assert (folder / name).stat().st_blocks * 512 < 64 * MIB, "it is sparse"
            assert "filled" in succeed("desparse", folder / name)
            assert digest(folder / name) == before
            assert (folder / name).stat().st_blocks * 512 >= 64 * MIB
            assert not sparse_attribute(folder / name)
        assert "has no holes" in succeed("desparse", path)
    for name in ("disk.vhd", "copy.vhd"):
        assert layout(print_volume, volume, name)["mappable"] == "yes"


def edit_record(volume, name, attribute, offset, data):
    """Writes `data` into a file's record of the MFT, at `offset` of the attribute of this type."""
    with open(volume, "r+b") as file:
        content = file.read(16 * MIB)
        wanted = name.encode("utf-16-le")
        at = next(at for at in range(0, len(content), KIB)
                  if content[at:at + 4] == b"FILE" and content[at + 22] & 1 and wanted in content[at:at + KIB])
        at += int.from_bytes(content[at + 20:at + 22], "little")
        while int.from_bytes(content[at:at + 4], "little") != attribute:
            at += int.from_bytes(content[at + 4:at + 8], "little")
        if not content[at + 8]:  # resident: of its value
            at += int.from_bytes(content[at + 20:at + 22], "little")
        file.seek(at + offset)
        file.write(data)


STANDARD_INFORMATION, DATA = 0x10, 0x80


def test_desparse_behind_the_valid_data_length(print_volume, tmp_path):
    """What never was written of a file is written, also where the driver does not tell of it."""
    volume = make_ntfs(tmp_path / "volume")
    data = random.Random(7).randbytes(100 * MIB)
    with mounted_ntfs(volume, tmp_path / "mnt") as folder:
        (folder / "disk.vhd").write_bytes(data)
    edit_record(volume, "disk.vhd", DATA, 0x38, (20 * MIB).to_bytes(8, "little"))
    assert layout(print_volume, volume, "disk.vhd")["valid"] == str(20 * MIB)
    with mounted_ntfs(volume, tmp_path / "mnt") as folder:
        succeed("desparse", folder / "disk.vhd")
        assert same(folder / "disk.vhd", data[:20 * MIB] + bytes(80 * MIB))
    found = layout(print_volume, volume, "disk.vhd")
    assert found["mappable"] == "yes" and found["valid"] == str(100 * MIB)


def same(path, data):
    return path.read_bytes() == data


def test_the_sparse_attribute_alone(print_volume, tmp_path):
    """As ntfs3 leaves it: no hole, and a mark that this driver cannot remove either."""
    volume = make_ntfs(tmp_path / "volume")
    with mounted_ntfs(volume, tmp_path / "mnt") as folder:
        succeed("create", folder / "disk.vhd", "16M")
        before = digest(folder / "disk.vhd")
    edit_record(volume, "disk.vhd", STANDARD_INFORMATION, 0x20, (SPARSE_ATTRIBUTE | 0x20).to_bytes(4, "little"))
    assert layout(print_volume, volume, "disk.vhd")["mappable"] == "yes"
    said = vhdtool("check", "--volume", volume, "/disk.vhd").stdout
    assert "no holes, not compressed" in said and "error:   sparse" not in said
    with mounted_ntfs(volume, tmp_path / "mnt") as folder:
        assert sparse_attribute(folder / "disk.vhd")
        done = vhdtool("desparse", folder / "disk.vhd")
        assert "has no holes" in done.stdout and digest(folder / "disk.vhd") == before
        if sparse_attribute(folder / "disk.vhd"):
            assert done.returncode == 4 and 'fsutil sparse setflag FILE 0' in done.stderr
        else:
            assert (done.returncode, done.stderr) == (0, "")
    assert layout(print_volume, volume, "disk.vhd")["mappable"] == "yes"


def test_desparse_refuses_what_is_compressed(tmp_path):
    volume = make_ntfs(tmp_path / "volume")
    with mounted(tmp_path / "mnt", "ntfs-3g", "-o", "no_detach,compression", volume) as folder:
        os.setxattr(folder, "system.ntfs_attrib", (0x800).to_bytes(4, sys.byteorder))
        path = make_sparse(folder / "disk.vhd", 16 * MIB)
        before = digest(path)
        refuse(3, "desparse", path, words=["compact /u"])
        assert digest(path) == before


def test_desparse_takes_the_time_of_the_holes(tmp_path):
    """Of a file that is nearly all there only the holes are touched: nothing of the rest is read or written."""
    path = tmp_path / "disk.img"
    with open(path, "wb") as file:
        for _ in range(256):
            file.write(bytes(MIB))
        file.truncate(260 * MIB)
        os.fsync(file.fileno())
    assert holes(path)
    with subprocess.Popen([VHDTOOL, "desparse", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    assert usage.ru_oublock * 512 < 16 * MIB and usage.ru_inblock * 512 < 16 * MIB
    assert not holes(path)


def test_desparse_says_when_there_is_no_room(tmp_path):
    with mounted(tmp_path / "mnt", "mount", "-t", "tmpfs", "-o", "size=16M", "tmpfs") as folder:
        path = make_sparse(folder / "disk.img", 64 * MIB)
        before = digest(path)
        refuse(1, "desparse", path, words=["has room for"])
        assert digest(path) == before


def layout(program, volume, name):
    out = {"extents": []}
    for line in run(program, volume, "layout", f"/{name}").splitlines():
        key, _, value = line.partition(" ")
        if key == "extent":
            out["extents"].append(tuple(map(int, value.split())))
        else:
            out[key] = value
    return out


# --- started badly ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("closed", [[2], [0, 1, 2]])
def test_closed_streams_are_not_the_image(tmp_path, closed):
    """What is printed must not end up in the file that got the number of a closed descriptor."""
    def run_closed(*args):
        def close():
            for stream in closed:
                os.close(stream)
        return subprocess.run([VHDTOOL, *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              preexec_fn=close, timeout=300).returncode

    made = tmp_path / "made.vhd"
    assert run_closed("create", made, "64M") == 0
    check_vhd(made, 64 * MIB)
    assert not any(made.read_bytes()[:64 * MIB])

    grown = make_vhd(tmp_path / "grown.vhd", 16 * MIB, gpt=False)
    before = digest(grown, 16 * MIB)
    assert run_closed("grow", grown, "+64M") == 0
    assert digest(grown, 16 * MIB) == before

    sparse = make_sparse(tmp_path / "sparse.img", 64 * MIB)
    before = digest(sparse)
    assert run_closed("desparse", sparse) == 0
    assert digest(sparse) == before


def test_nobody_reads_the_progress(tmp_path):
    grown = make_vhd(tmp_path / "grown.vhd", 16 * MIB, gpt=False)
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run([VHDTOOL, "grow", grown, "+64M"], stdout=subprocess.DEVNULL, stderr=writer, timeout=300)
    finally:
        os.close(writer)
    assert done.returncode == 0
    check_vhd(grown, 80 * MIB)


def test_create_leaves_a_file_alone_that_has_another_name(tmp_path):
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious" * 1000)
    os.link(precious, tmp_path / "disk.vhd.vhdtool-part")
    refuse(3, "create", tmp_path / "disk.vhd", "16M", words=["not ours alone"])
    assert precious.read_bytes() == b"precious" * 1000


# --- map --------------------------------------------------------------------------------------------------------------


def mapped(*args):
    head, *rows = succeed(*args).splitlines()
    assert head.split() == ["logical", "physical", "length"]
    return [tuple(map(int, row.split()[:3])) for row in rows]


def merged(rows):
    out = []
    for logical, physical, length in rows:
        if out and out[-1][0] + out[-1][2] == logical and out[-1][1] + out[-1][2] == physical:
            out[-1] = (out[-1][0], out[-1][1], out[-1][2] + length)
        else:
            out.append((logical, physical, length))
    return out


def test_map_agrees_with_filefrag(tmp_path):
    need("filefrag")
    path = make_sparse(tmp_path / "disk.img", 64 * MIB)
    row = re.compile(r"^\s*\d+:\s*(\d+)\.\.\s*\d+:\s*(\d+)\.\.\s*\d+:\s*(\d+):", re.MULTILINE)
    for _ in range(2):
        try:
            said = run("filefrag", "-v", "-s", "-b512", path)
        except CommandError as error:
            pytest.skip(f"filefrag cannot tell here: {error}")
        expected = [tuple(512 * int(number) for number in found) for found in row.findall(said)]
        assert expected and merged(mapped("map", path)) == merged(expected)
        succeed("desparse", path)


def test_map_as_table(tmp_path):
    path = tmp_path / "disk.vhd"
    succeed("create", path, "16M")
    done = vhdtool("map", "--dmsetup", path)
    if "one block device" in done.stderr:
        pytest.skip("the file system lies on no block device")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    number = path.stat().st_dev
    start = 0
    for row, (logical, physical, _) in zip(rows, merged(mapped("map", path)), strict=True):
        assert row[0] == str(start) == str(logical // 512) and row[2] == "linear"
        assert row[3:] == [f"{os.major(number)}:{os.minor(number)}", str(physical // 512)]
        start += int(row[1])
    assert start == 16 * MIB // 512, "the disk without its footer"


def test_map_as_table_refuses(tmp_path):
    refuse(3, "map", "--dmsetup", make_sparse(tmp_path / "sparse.img", MIB), words=["hole"])
    unwritten = tmp_path / "unwritten.img"
    run("fallocate", "-l", MIB, unwritten)
    if "unwritten" in succeed("map", unwritten):
        refuse(3, "map", "--dmsetup", unwritten, words=["unwritten"])
    refuse(3, "map", tmp_path, words=["no regular file"])
    with mounted(tmp_path / "mnt", "mount", "-t", "tmpfs", "-o", "size=16M", "tmpfs") as folder:
        (folder / "disk.img").write_bytes(bytes(MIB))
        refuse(3, "map", folder / "disk.img", words=["cannot say", "--volume"])


@pytest.mark.parametrize("kind", ["ntfs", "exfat"])
def test_map_on_a_volume(print_volume, tmp_path, kind):
    volume = tmp_path / "volume"
    with contextlib.ExitStack() as stack:
        if kind == "ntfs":
            folder = stack.enter_context(mounted_ntfs(make_ntfs(volume), tmp_path / "mnt"))
        else:
            need("mkfs.exfat", "mount.exfat-fuse")
            run("truncate", "-s", 300 * MIB, volume)
            run("mkfs.exfat", volume)
            device = stack.enter_context(loop_device(volume))
            folder = stack.enter_context(mounted(tmp_path / "mnt", "mount.exfat-fuse", "-d", device))
        (folder / "gap").write_bytes(b"g" * MIB)
        make_vhd(folder / "disk.vhd", 16 * MIB, False)
        (folder / "gap").unlink()
        succeed("grow", folder / "disk.vhd", "+16M")
        before = digest(folder / "disk.vhd", 32 * MIB)
    expected = layout(print_volume, volume, "disk.vhd")["extents"]
    assert mapped("map", "--volume", volume, "/disk.vhd") == expected
    refuse(3, "map", "--dmsetup", "--volume", volume, "/disk.vhd", words=["block device"])
    with loop_device(volume) as device:
        table = succeed("map", "--dmsetup", "--volume", device, "/disk.vhd")
    through = hashlib.sha256()
    with open(volume, "rb") as file:
        for line in table.splitlines():
            _, length, _, _, sector = line.split()
            file.seek(512 * int(sector))
            through.update(file.read(512 * int(length)))
    assert through.hexdigest() == before


@pytest.mark.parametrize("make", [chains.vhdx_of_three, chains.vhd_of_two])
def test_map_of_a_chain(tmp_path, make):
    """By the table, the bytes of the partition are those of the disk: each where child, parent or nobody has them."""
    noise = random.Random(13)
    payload = b"".join(noise.randbytes(4096) if noise.random() < 0.4 else bytes(4096) for _ in range(768))
    payload += bytes(2 * MIB)
    files = make(tmp_path, payload)
    volume = make_ntfs(tmp_path / "volume")
    with mounted_ntfs(volume, tmp_path / "mnt") as folder:
        (folder / "vm").mkdir()
        for file in files:
            run("cp", "--sparse=never", file, folder / "vm")
    image = f"/vm/{files[0].name}"
    with loop_device(volume) as device:
        table = succeed("map", "--dmsetup", "--volume", device, image)
        said = vhdtool("check", "--volume", device, image)
    assert said.returncode == 3 and "it stands on /vm/" in said.stdout and "`ephemeral yes`" in said.stdout
    disk, kinds = bytearray(), set()
    with open(volume, "rb") as file:
        for line in table.splitlines():
            start, length, kind, *place = line.split()
            assert int(start) * 512 == len(disk)
            kinds.add(kind)
            if place:
                file.seek(512 * int(place[1]))
            disk += file.read(512 * int(length)) if place else bytes(512 * int(length))
    assert bytes(disk) == payload and kinds == ({"linear", "zero"} if make is chains.vhdx_of_three else {"linear"})
    (tmp_path / "mnt2").mkdir()
    with mounted_ntfs(volume, tmp_path / "mnt2") as folder:
        (folder / "vm" / files[-1].name).unlink()
    with loop_device(volume) as device:
        refuse(3, "map", "--dmsetup", "--volume", device, image, words=["its parent image was not found"])


def test_map_of_a_volume_in_use(tmp_path):
    volume = make_ntfs(tmp_path / "volume")
    with loop_device(volume) as device:
        refuse(3, "map", "--volume", volume, "/disk.vhd", words=[device])
        with mounted_ntfs(device, tmp_path / "mnt"):
            refuse(3, "map", "--volume", device, "/disk.vhd", words=["mounted"])
        with loop_device(device) as above:  # which may be mounted without the partition being so
            refuse(3, "map", "--volume", device, "/disk.vhd", words=[above])
            refuse(3, "map", "--volume", above, "/missing.vhd", words=["missing.vhd"])


# --- the command line -------------------------------------------------------------------------------------------------


def test_help():
    for command in ("create", "grow", "desparse", "map"):
        said = succeed(command, "--help")
        assert said.startswith(f"Usage: vhdtool {command}") and "Example" in said
        assert command in succeed("--help")
    assert vhdtool().returncode == 2
    assert vhdtool("nonsense").returncode == 2
    assert "vhdboot" in succeed("--version")
