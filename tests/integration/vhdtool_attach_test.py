# SPDX-License-Identifier: GPL-2.0-or-later
"""vhdtool attach and detach where no device-mapper is needed, and what they refuse. With it: tests/boot/attach_test.py."""

import fcntl
import os
import subprocess

import pytest

from tests.support.command import run
from tests.support.vhdtool import MIB, VHDTOOL, refuse, succeed, vhdtool

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not os.access("/dev/loop-control", os.W_OK),
                                reason="needs root and loop devices")


@pytest.fixture(name="image")
def make_image(tmp_path):
    path = tmp_path / "disk.vhd"
    succeed("create", path, "8M")
    yield path
    vhdtool("detach", path)


def attached(image, *words) -> str:
    return succeed("attach", *words, image).strip()


def test_written_through(image):
    device = attached(image)
    assert int(run("blockdev", "--getsize64", device)) == 8 * MIB  # without the footer
    run("mke2fs", "-q", "-t", "ext4", device)
    refuse(3, "attach", image, words=(f"{device} has it as its backing file", f"vhdtool detach {device}"))
    refuse(3, "grow", image, "16M", words=(f"vhdtool detach {device}",))
    succeed("detach", image)
    with open(image, "rb") as file:
        assert file.read(1082)[1080:] == b"\x53\xef"  # the magic number of ext4
    succeed("info", image)
    refuse(3, "detach", image, words=("it is not attached",))


def test_in_use(image, tmp_path):
    device = attached(image)
    run("mke2fs", "-q", "-t", "ext4", device)
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    run("mount", device, mounted)
    try:
        (mounted / "file").write_bytes(b"x")
        refuse(3, "detach", device, words=(f"{device} is in use: unmount",))
        (mounted / "other").write_bytes(b"x")
    finally:
        run("umount", mounted)
    succeed("detach", device)
    refuse(3, "detach", device, words=("it is no device of `vhdtool attach`",))
    assert image.stat().st_size == 8 * MIB + 512


def test_read_only(image):
    image.chmod(0o444)
    before = image.read_bytes()
    device = attached(image, "--read-only")
    assert run("blockdev", "--getro", device).strip() == "1"
    with pytest.raises(OSError), open(device, "wb", buffering=0) as file:
        file.write(bytes(512))
        os.fsync(file.fileno())
    succeed("detach", device)
    assert image.read_bytes() == before


def test_locks_stay(image):
    """Whoever asks, as qemu does, is told that it is in use."""
    attached(image)
    with open(image, "r+b") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    succeed("detach", image)
    with open(image, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        refuse(3, "attach", image, words=("another program has locked it",))


def test_refused(image, tmp_path):
    run("chmod", "a-w", image)
    refuse(1, "attach", image, words=("it is write-protected",))
    run("chmod", "u+w", image)
    refuse(2, "attach", "--read-only", "--ephemeral", image, words=("not both",))
    refuse(2, "attach", words=("which IMAGE",))
    refuse(1, "attach", tmp_path / "nowhere", words=("No such file",))
    refuse(3, "attach", tmp_path, words=("it is a folder",))
    refuse(3, "detach", tmp_path, words=("neither an image file nor a device",))
    hole = tmp_path / "hole.img"
    with open(hole, "wb") as file:
        file.truncate(MIB)
    refuse(3, "attach", hole, words=("it has holes", "vhdtool desparse"))
    growing = tmp_path / "growing.vhdx"
    run("qemu-img", "create", "-q", "-f", "vhdx", growing, "64M")
    succeed("desparse", growing)
    before = growing.read_bytes()
    refuse(3, "attach", growing, words=("has not all of its blocks", "vhdtool provision --full"))
    assert growing.read_bytes() == before
    assert str(tmp_path) not in run("losetup", "--list", "--noheadings", "--output", "BACK-FILE")


def test_parent_of_another(tmp_path):
    image, parent = tmp_path / "disk.vhd", tmp_path / "disk.parent.vhd"
    succeed("create", image, "8M")
    succeed("snapshot", "--reserve", "0", image, "parent")
    parent.chmod(0o644)
    refuse(3, "attach", parent, words=("is a differencing image whose parent this is",))
    device = attached(parent, "--read-only")
    succeed("detach", device)


def test_without_root(image):
    done = subprocess.run([VHDTOOL, "attach", image], user=65534, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0 and str(image) in done.stderr
