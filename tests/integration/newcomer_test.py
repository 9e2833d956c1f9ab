# SPDX-License-Identifier: GPL-2.0-or-later
"""Who meets vhdboot, vhdtool and raw2vhd for the first time: mistyped, in the wrong folder, without root, on a full volume.
Each time one sentence says what is wrong, the status is not 0, and nothing has changed."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support import disk
from tests.support.command import run
from tests.support.images import small_kernel
from tests.support.paths import PRODUCTS
from tests.support.vhd import footer

PROGRAMS = {"vhdboot": Path(os.environ.get("VHDBOOT_COMMAND", PRODUCTS / "vhdboot")),
            "vhdtool": Path(os.environ.get("VHDBOOT_VHDTOOL", PRODUCTS / "vhdtool")),
            "raw2vhd": Path(os.environ.get("VHDBOOT_RAW2VHD", PRODUCTS / "raw2vhd"))}
MIB = disk.MIB
# Each is typed where a file is expected, in a folder with what make_folder() puts there.
WRONG = ["nowhere.vhd", "folder", "text.txt", "empty", "", "/dev/null", "--bogus", "-Zn", "a b c d e f"]
# What is right all the same.
ANSWERS = {("vhdboot", "list", "folder"),  # an empty one
           ("vhdtool", "desparse", "text.txt"), ("vhdtool", "desparse", "empty"),  # without holes
           ("vhdtool", "map", "text.txt"), ("vhdtool", "map", "empty")}
CHECKS = {("vhdboot", "check"), ("vhdtool", "check")}  # what they find is their output


def subcommands(program: str) -> list[str]:
    text = subprocess.run([PROGRAMS[program], "--help"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^  (\w+) +\S", text.split("Commands:\n")[1].split("\n\n")[0], re.MULTILINE)


def make_folder(folder: Path) -> Path:
    (folder / "folder").mkdir()
    (folder / "text.txt").write_text("hello\n", encoding="utf-8")
    (folder / "empty").touch()
    return folder


def everything(folder: Path) -> dict[str, tuple]:
    return {str(path.relative_to(folder)): (path.lstat().st_mode, path.lstat().st_size, path.lstat().st_mtime_ns,
                                            path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*")}


def check_sentence(words: list[str], done: subprocess.CompletedProcess) -> None:
    lines = done.stderr.splitlines()
    assert done.returncode in (1, 2, 3), (words, done)
    assert len(lines) == 1, (words, done.stderr)
    name = words[0] if words[0] == "raw2vhd" else " ".join(words[:2])
    assert lines[0].startswith(f"{name}: "), (words, done.stderr)
    assert not re.search(r": (\S+): \1:|: :", lines[0]), (words, done.stderr)
    if done.returncode == 2:
        assert lines[0].endswith(f"; see {name} --help"), (words, done.stderr)


def call(words: list[str], folder: Path, user: int | None = None) -> subprocess.CompletedProcess:
    return subprocess.run([PROGRAMS[words[0]], *words[1:]], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, check=False, user=user, group=user, extra_groups=None if user is None else [])


@pytest.mark.parametrize("program,command", [("raw2vhd", None), *((program, command) for program in ("vhdboot", "vhdtool")
                                                                  for command in subcommands(program))])
def test_a_slip_of_the_hand(tmp_path, program, command):
    folder = make_folder(tmp_path)
    before = everything(folder)
    for wrong in WRONG:
        more = wrong.split() if " " in wrong else [wrong]
        if command in ("create", "grow", "reserve") and len(more) == 1 and not wrong.startswith("-"):
            more.append("1M")
        if (command == "create" and wrong == "nowhere.vhd") or (program == "raw2vhd" and " " in wrong):
            continue  # a name for a new file; any number of files
        if command == "mount" and len(more) == 1 and not wrong.startswith("-"):
            more.append("folder")
        words = [program, *([command] if command else []), *more]
        done = call(words, folder)
        if (program, command, wrong) in ANSWERS:
            assert done.returncode == 0, (words, done)
        elif (program, command) in CHECKS and wrong in ("text.txt", "empty"):
            assert done.returncode == 3 and "will not boot" in done.stdout, (words, done)
        else:
            check_sentence(words, done)
            if wrong == "-Zn":
                assert "option -Z;" in done.stderr, done.stderr
    assert everything(folder) == before


@pytest.mark.parametrize("program", ["vhdboot", "vhdtool"])
def test_a_command_that_there_is_not(tmp_path, program):
    for word in ("instal", "lst", "xyz", ""):
        done = call([program, word], tmp_path)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done
        assert done.stderr.startswith(f"{program}: ") and f"ee {program} --help" in done.stderr


def test_what_excludes_each_other(tmp_path):
    for words in (["schedule", "--show", "--cancel"], ["schedule", "--cancel", "--next", "windows"], ["schedule", "--at", "03:00"],
                  ["next", "--show", "--clear"], ["next", "--show", "windows"], ["schedule", "--at", "3", "--next", "windows"]):
        done = call(["vhdboot", *words], tmp_path)
        assert done.returncode == 2, (words, done)
        check_sentence(["vhdboot", *words], done)


def make_image(path: Path) -> Path:
    """A fixed VHD without partitions."""
    with open(path, "wb") as file:
        file.write(bytes(3 * MIB))
        file.write(footer(3 * MIB))
    return path


@pytest.fixture(name="for_all")
def fixture_for_all():
    """A folder that every user can reach."""
    with tempfile.TemporaryDirectory(prefix="vhdboot-newcomer.") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to be somebody else")
def test_without_root(for_all, monkeypatch):
    """A file of root's, by nobody: none is written, and those that are only read are read."""
    folder, nobody = make_folder(for_all), 65534
    make_image(folder / "image.vhd").chmod(0o644)
    make_image(folder / "secret.vhd").chmod(0o600)
    for name, program in PROGRAMS.items():
        monkeypatch.setitem(PROGRAMS, name, Path(shutil.copy(program, folder / name)))
    shutil.copy(PRODUCTS / "vhdboot.efi", folder)
    before = everything(folder)
    for words in (["vhdboot", "check", "secret.vhd"], ["vhdboot", "install", "-y", "--menu", "none", "secret.vhd"],
                  ["vhdboot", "mount", "image.vhd", "folder"], ["vhdboot", "try", "-n", "secret.vhd"],
                  ["vhdboot", "report", "-o", "report"], ["vhdboot", "schedule", "--at", "03:00", "--next", "x"],
                  ["vhdtool", "cat", "secret.vhd"], ["vhdtool", "check", "secret.vhd"], ["vhdtool", "create", "new.vhd", "1M"],
                  ["vhdtool", "desparse", "image.vhd"], ["vhdtool", "grow", "image.vhd", "8M"], ["vhdtool", "info", "secret.vhd"],
                  ["vhdtool", "map", "secret.vhd"], ["vhdtool", "provision", "image.vhd"], ["vhdtool", "reblock", "image.vhd"],
                  ["vhdtool", "reserve", "image.vhd", "8M"], ["raw2vhd", "image.vhd"], ["raw2vhd", "secret.vhd"]):
        check_sentence(words, call(words, folder, nobody))
    for words in (["vhdtool", "info", "image.vhd"], ["vhdtool", "map", "image.vhd"], ["vhdboot", "next", "--show"], ["vhdboot"]):
        assert call(words, folder, nobody).returncode == 0, words
    if shutil.which("qemu-system-x86_64") and Path("/usr/share/ovmf/OVMF.fd").exists():
        # It only reads, so it takes no right to write.
        done = call(["vhdboot", "try", "-n", "image.vhd"], folder, nobody)
        assert done.returncode == 0, done
    assert everything(folder) == before


@pytest.mark.skipif(os.geteuid() != 0 or not os.access("/dev/fuse", os.W_OK) or not shutil.which("ntfs-3g"),
                    reason="needs root, /dev/fuse and ntfs-3g")
def test_a_full_volume(tmp_path):
    """No EFI file in part, nothing in its place; what was there before is as it was."""
    release, place = "6.1.0-small", disk.Partition(MIB, 32 * MIB, disk.LINUX)
    tree, image, volume, mounted = tmp_path / "tree", tmp_path / "debian.vhd", tmp_path / "volume", tmp_path / "mounted"
    (tree / "boot").mkdir(parents=True)
    (tree / "etc").mkdir()
    (tree / f"boot/vmlinuz-{release}").write_bytes(small_kernel(release))
    (tree / "etc/fstab").write_text("/dev/sda1 / ext4 defaults 0 1\n", encoding="utf-8")
    disk.create(image, 34 * MIB, disk.Table("gpt", "5EED0001-0000-4000-8000-0000000000A0", [place]))
    run("mke2fs", "-q", "-t", "ext4", "-d", tree, tmp_path / "root", f"{place.size // 1024}k")
    disk.place(tmp_path / "root", image, place.start)
    run(PROGRAMS["raw2vhd"], image)
    disk.create(volume, 60 * MIB)
    run("mkntfs", "-F", "-Q", "-q", volume)
    mounted.mkdir()
    run("ntfs-3g", volume, mounted)
    try:
        run("cp", "--sparse=never", image, mounted / "debian.vhd")
        with open(mounted / "filler", "wb", buffering=0) as filler, pytest.raises(OSError, match="No space left"):
            while filler.write(bytes(65536)):
                pass
        before = everything(mounted)
        words = ["vhdboot", "install", "-y", "--menu", "none", "--efi", str(PRODUCTS / "vhdboot.efi"), str(mounted / "debian.vhd")]
        done = call(words, tmp_path)
        check_sentence(words, done)
        assert done.returncode == 1 and "No space left on device" in done.stderr, done
        words = ["vhdboot", "report", "-o", str(mounted / "report")]
        check_sentence(words, call(words, tmp_path))
        assert everything(mounted) == before
    finally:
        run("umount", mounted)
