# SPDX-License-Identifier: GPL-2.0-or-later
"""vhdtool as a test calls it, and the file systems that it works on."""

import contextlib
import os
import shutil
import subprocess

import pytest

from .command import CommandError, run
from .paths import PRODUCTS

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
MIB = 1024**2
VHDTOOL = PRODUCTS / "vhdtool"


def need(*tools):
    for tool in tools:
        if shutil.which(tool, path=PATH) is None:
            pytest.skip(f"{tool} is not installed")


# --- running it -------------------------------------------------------------------------------------------------------


def vhdtool(*args, **options):
    """Runs it and returns the completed process, whatever the status."""
    return subprocess.run([VHDTOOL, *map(str, args)], capture_output=True, text=True, timeout=300, **options)


def succeed(*args, **options):
    done = vhdtool(*args, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refuse(status, *args, words=(), **options):
    """It must refuse with one sentence, that has these words."""
    done = vhdtool(*args, **options)
    assert done.returncode == status, (done.returncode, done.stderr)
    assert done.stdout == ""
    sentence = [line for line in done.stderr.splitlines() if " %, " not in line]
    assert len(sentence) == 1 and sentence[0].startswith("vhdtool "), done.stderr
    for word in words:
        assert word in sentence[0]
    return sentence[0]


def interrupt(how, after, *args):
    """Runs it, and sends the signal `how` when it has reported `after` times how far it is. Returns status and the rest
    of what it said."""
    with subprocess.Popen([VHDTOOL, *map(str, args)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True) as process:
        for _ in range(after):
            assert "%" in process.stderr.readline()
        process.send_signal(how)
        rest = process.stderr.read()
        return process.wait(timeout=60), rest


# --- file systems -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def loop_device(file, *words):
    need("losetup")
    if os.geteuid() != 0:
        pytest.skip("loop devices need root")
    try:
        device = run("losetup", "--find", "--show", *words, file).strip()
    except CommandError as error:
        pytest.skip(f"no loop device: {error}")
    try:
        yield device
    finally:
        run("losetup", "--detach", device)


@contextlib.contextmanager
def mounted(folder, *words):
    """Mounted by a FUSE driver that stays in the foreground, or by mount(8)."""
    folder.mkdir(exist_ok=True)
    need(words[0], "mountpoint", "umount")
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    foreground = words[0] != "mount"
    if foreground and not os.access("/dev/fuse", os.W_OK):
        pytest.skip("there is no /dev/fuse")
    process = subprocess.Popen([shutil.which(words[0], path=PATH), *map(str, words[1:]), folder],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if subprocess.run(["mountpoint", "-q", folder], check=False).returncode == 0:
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                if process.wait(timeout=0.05) != 0:
                    pytest.skip(f"{words[0]} cannot mount here")
        else:
            pytest.fail(f"{words[0]} does not mount")
        yield folder
    finally:
        subprocess.run(["umount", folder], check=False, stderr=subprocess.DEVNULL, env={**os.environ, "PATH": PATH})
        process.wait(timeout=60)


def make_ntfs(path, size=300 * MIB, cluster=4096):
    need("mkntfs")
    with open(path, "wb") as file:  # what is free on a disk is not zeros
        for at in range(0, size, 4 * MIB):
            file.write(b"\xa5" * min(4 * MIB, size - at))
    run("mkntfs", "-F", "-q", "-Q", "-c", cluster, "-s", 512, "-p", 2048, "-H", 255, "-S", 63, path)
    return path


def mounted_ntfs(volume, folder):
    return mounted(folder, "ntfs-3g", "-o", "no_detach", volume)
