# SPDX-License-Identifier: GPL-2.0-or-later
"""The test bench itself: host disks are what they claim to be, by the judgement of mkntfs's and mkfs.exfat's companions,
and no result of a test gets lost. Needs root for the NTFS ones (FUSE)."""

import os
import random
import subprocess
import sys

import pytest

from tests.support import disk, hostdisk, junit, png, vhd
from tests.support.command import run
from tests.support.paths import REPOSITORY, TEST_OUTPUT

IMAGE = "/boot/Größe.vhd"
MIB = disk.MIB


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image"
    numbers = random.Random(7)
    with open(path, "wb") as file:
        file.write(numbers.randbytes(3 * MIB) + bytes(2 * MIB) + numbers.randbytes(MIB + 512))
    return path


def host_cases():
    for fs in ("ntfs", "exfat"):
        root = pytest.mark.skipif(fs == "ntfs" and os.geteuid() != 0, reason="ntfs-3g mounts as root only")
        for table, block_size, cluster, pieces in [("gpt", 512, 4096, 1), ("mbr", 512, 32768, 20), ("none", 512, 512, 300),
                                                   ("gpt", 4096, 4096, 50)]:
            # Loop devices with larger blocks, which mkfs.exfat and sfdisk are shown, are for root too.
            marks = [root] if block_size == 512 else [pytest.mark.skipif(os.geteuid() != 0, reason="needs losetup")]
            yield pytest.param(fs, table, block_size, cluster, pieces, marks=marks, id=f"{fs}-{table}-{block_size}-{pieces}")


@pytest.mark.parametrize("fs,table,block_size,cluster,pieces", host_cases())
def test_host_disk(tmp_path, image, fs, table, block_size, cluster, pieces):
    spec = hostdisk.HostSpec(fs=fs, table=table, block_size=block_size, cluster=cluster, pieces=pieces, loader="esp")
    host = hostdisk.make(tmp_path / "host.raw", spec, {IMAGE: image}, {})
    assert hostdisk.volume_complaints(host) == []
    assert len(host.extents[IMAGE]) >= pieces * 9 // 10
    back = hostdisk.extract_file(host, IMAGE, tmp_path / "back", image.stat().st_size)
    assert back.read_bytes() == image.read_bytes()
    seen = run("blkid", "-p", "-O", host.offset, "-S", host.size, "-o", "export", host.path)
    assert f"UUID={host.serial}\n" in seen and "LABEL=VHDHOST\n" in seen

    before = hostdisk.outside_digest(host, IMAGE)
    start, length = host.extents[IMAGE][-1]
    change_byte(host.path, start)
    assert hostdisk.outside_digest(host, IMAGE) == before
    change_byte(host.path, start + length + cluster * 3)
    assert hostdisk.outside_digest(host, IMAGE) != before


def change_byte(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        old = file.read(1)
        file.seek(at)
        file.write(bytes([old[0] ^ 0xFF]))


@pytest.mark.skipif(os.geteuid() != 0, reason="ntfs-3g mounts as root only")
def test_what_is_made_unclean_is_seen_as_unclean(tmp_path, image):
    ntfs = hostdisk.make(tmp_path / "ntfs", hostdisk.HostSpec(table="none"), {IMAGE: image})
    hostdisk.set_ntfs_flags(ntfs, 1)
    assert "flags are 0x0001" in " ".join(hostdisk.volume_complaints(ntfs))
    exfat = hostdisk.make(tmp_path / "exfat", hostdisk.HostSpec(fs="exfat", table="none"), {IMAGE: image})
    hostdisk.set_exfat_flags(exfat, 2)
    assert "marked dirty" in " ".join(hostdisk.volume_complaints(exfat))


@pytest.mark.skipif(os.geteuid() != 0, reason="ntfs-3g mounts as root only")
def test_sparse_and_compressed_files(tmp_path, image):
    for kind in ("sparse", "compressed"):
        spec = hostdisk.HostSpec(table="none", **{kind: (IMAGE,)})
        host = hostdisk.make(tmp_path / kind, spec, {IMAGE: image})
        said = run("ntfsinfo", "-F", IMAGE.lstrip("/"), host.path)
        assert kind.upper() in said


def test_footers_convince_qemu(tmp_path, image):
    path = disk.clone(image, tmp_path / "image.vhd")
    vhd.make_fixed(path)
    said = run("qemu-img", "info", "-f", "vpc", path)
    assert f"({image.stat().st_size} bytes)" in said


def test_what_has_passed_is_left_out(tmp_path):
    """And nothing else: not what failed, was skipped, or went wrong at its end."""
    (tmp_path / "conftest.py").write_bytes((REPOSITORY / "tests/conftest.py").read_bytes())
    (tmp_path / "some_test.py").write_text(
        "import pytest\n"
        "@pytest.fixture\ndef bad_end():\n    yield\n    raise OSError\n"
        "@pytest.mark.parametrize('n', ['a b', 'c'])\ndef test_good(n): pass\n"
        "def test_bad(): assert False\n"
        "def test_end(bad_end): pass\n"
        "def test_skipped(): pytest.skip()\n", encoding="utf-8")
    passed = tmp_path / "passed"

    def once(*words):
        done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path,
                               f"--passed={passed}", *words, tmp_path / "some_test.py"], capture_output=True, text=True,
                              timeout=120, cwd=tmp_path, check=False)
        return done.stdout.splitlines()[-1].split(" in ")[0].strip("= ")

    assert once("-n", "2") == "1 failed, 3 passed, 1 skipped, 1 error"
    assert sorted(passed.read_text(encoding="utf-8").splitlines()) == ["some_test.py::test_good[a b]",
                                                                       "some_test.py::test_good[c]"]
    assert once() == "1 failed, 1 passed, 1 skipped, 2 deselected, 1 error"


def test_results_are_counted(tmp_path):
    junit.write(tmp_path / "ours.xml", [
        junit.Case("a", "one", 0.1), junit.Case("a", "two", 0.1, "broken\x1b\n"),
        junit.Case("a", "three", 0.1, "cannot run here", skipped=True)])
    assert junit.count(tmp_path / "ours.xml") == (junit.Counts(1, 1, 1), ["a.two"])
    (tmp_path / "google.xml").write_text(
        '<testsuites><testsuite><testcase name="x" status="run" result="completed"/>'
        '<testcase name="y" status="notrun" result="suppressed"/>'
        '<testcase name="z" status="run" result="completed"><failure message="no"/></testcase>'
        '<testcase name="w" status="run" result="skipped"><skipped message="here"/></testcase></testsuite></testsuites>')
    assert junit.count(tmp_path / "google.xml")[0] == junit.Counts(1, 1, 2)
    (tmp_path / "ctest.xml").write_text('<testsuite><testcase name="x" status="run"/><testcase name="y" status="fail">'
                                        '<failure message=""/></testcase></testsuite>')
    assert junit.count(tmp_path / "ctest.xml")[0] == junit.Counts(1, 1, 0)


def test_work_of_the_layers_bench(tmp_path):
    """Each block is written once, however many are in flight; and nothing between them."""
    program, target = tmp_path / "guest_io", TEST_OUTPUT / f"guest_io-{os.getpid()}"  # a tmpfs may know no direct I/O
    run("g++", "-std=c++20", "-O1", REPOSITORY / "tests/bench/guest_io.cpp", "-o", program)
    TEST_OUTPUT.mkdir(parents=True, exist_ok=True)
    try:
        for order, depth in (("mixed", 1), ("mixed", 16), ("streams", 1), ("streams", 8)):
            target.write_bytes(bytes(MIB))
            words = (order, 4096, 4096, 8192, 64, depth)
            assert int(run(program, target, "write", *words)) >= 0
            assert int(run(program, target, "read", *words)) >= 0
            blocks = [target.read_bytes()[at : at + 4096] for at in range(0, MIB, 4096)]
            assert sorted(int.from_bytes(block[:8], "little") for block in blocks[1:129:2]) == list(range(64))
            assert not any(map(any, blocks[0:129:2] + blocks[129:]))
        run(program, target, "read", "streams", 0, 4096, 4096, 512, 8, ok=(1,))
        run(program, target, ok=(2,))
    finally:
        target.unlink(missing_ok=True)


def test_screenshots():
    picture = png.png_from_ppm(b"P6\n# made by a test\n2 1\n255\n" + bytes(range(6)))
    assert picture.startswith(b"\x89PNG") and picture.endswith(b"IEND\xaeB`\x82")
    with pytest.raises(ValueError):
        png.png_from_ppm(b"P6 2 2 255 short")
