# SPDX-License-Identifier: GPL-2.0-or-later
"""vhdtool commit and delete on real file systems: the merged file reads as the image did, to qemu-img and libvhdi too; at
whatever it is stopped, the image reads the same and another run completes it; and what is refused."""

import os
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from tests.support import sparse_images
from tests.support.command import run
from tests.support.snapshots import (CHILD, SIZE, chain, changed_child, contents, identity, info, make, names, read,
                                     write_like_a_guest)
from tests.support.vhdtool import MIB, VHDTOOL, interrupt, mounted, need, refuse, succeed, vhdtool

KINDS = [("debian.vhdx", "dynamic"), ("debian.vhdx", "fixed"), ("debian.vhd", "fixed"), ("debian.vhd", "dynamic")]
BOTH = pytest.mark.parametrize("name", ["debian.vhdx", "debian.vhd"])


@pytest.fixture(scope="module", autouse=True)
def _product():
    if not VHDTOOL.is_file():
        pytest.skip(f"{VHDTOOL} is not built")


def kept_by(image: Path, name: str = "1") -> Path:
    return image.with_name(f"{image.stem}.{name}{image.suffix}")


def part_of(image: Path) -> Path:
    return image.with_name(image.name + ".vhdtool-part")


def mark_of(image: Path) -> Path:
    return image.with_name(image.name + ".vhdtool-merge")


def put_mark(image: Path, kept: Path):
    mark_of(image).write_text(kept.name + "\n", encoding="utf-8")


def merged(image: Path, expected: bytes, folder: Path):
    """It is no differencing image any more, has no hole, and everybody reads the same."""
    told = info(image)
    assert "parent" not in told and told["warnings"] == []
    assert read(image) == expected
    assert os.access(image, os.W_OK) and stat.S_IMODE(image.stat().st_mode) & 0o200
    assert image.stat().st_blocks * 512 >= image.stat().st_size
    raw = folder / "raw"
    run("qemu-img", "convert", "-O", "raw", "-f", "vhdx" if image.suffix == ".vhdx" else "vpc", image, raw)
    assert raw.read_bytes()[: len(expected)] == expected
    raw.unlink()
    if image.suffix == ".vhdx":
        assert "No errors" in run("qemu-img", "check", "-f", "vhdx", image)
    return True


def snapshot(image: Path, sectors: dict[int, bytes], *name: str) -> bytes:
    """Keeps the image, writes to its child, and returns what it reads then."""
    succeed("snapshot", "--reserve", "4M", image, *name)
    write_like_a_guest(image, sectors)
    return read(image)


def refused(status: int, image: Path, words, command="commit"):
    """With nothing changed."""
    folder = image.parent
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    modes = {path: path.stat().st_mode for path in before}
    refuse(status, command, image, words=words)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    assert {path: path.stat().st_mode for path in before} == modes


@pytest.mark.parametrize("name, kind", KINDS)
def test_commit(place, tmp_path, name, kind):
    image = make(place, name, kind)
    before = snapshot(image, {3: b"one", 20000: b"another", SIZE // 512 - 1: b"the last"})
    assert before != contents() and len(names(place)) == 2
    old = identity(kept_by(image))
    said = succeed("commit", image)
    assert f"that was {kept_by(image)}, which has its name now" in said
    assert names(place) == [name]
    assert merged(image, before, tmp_path)
    assert (identity(image) == old) == (image.suffix == ".vhd"), "another child of it must notice"
    # And on it goes.
    assert snapshot(image, {5: b"later"}) != before
    assert names(place) == sorted([kept_by(image).name, name])


@BOTH
def test_parts_of_blocks(tmp_path, name):
    """As Windows makes them; blocks of 512 KiB on others of 2 MiB."""
    image = changed_child(tmp_path, name)
    before = read(image)
    succeed("commit", image)
    assert names(tmp_path) == [name] and merged(image, before, tmp_path)


@BOTH
def test_what_libvhdi_makes_of_it(tmp_path, name):
    need("vhdimount", "fusermount")
    if os.geteuid() != 0 or not os.access("/dev/fuse", os.W_OK):
        pytest.skip("mounting needs root and /dev/fuse")
    image = make(tmp_path, name)
    before = snapshot(image, {3: b"one", 20000: b"another"})
    succeed("commit", image)
    folder = tmp_path / "mnt"
    folder.mkdir()
    run("vhdimount", image, folder)
    try:
        assert (folder / "vhdi1").read_bytes() == before
    finally:
        run("fusermount", "-u", folder)


@BOTH
def test_one_after_the_other(tmp_path, name):
    image = make(tmp_path, name)
    reads = [contents()]
    for number, kept in enumerate(["1", "before-upgrade", "3"]):
        reads.append(snapshot(image, {number: b"x%d" % number, 9000 + 4096 * number: b"y"}, kept))
    for left in (["1", "before-upgrade"], ["1"], []):
        succeed("commit", image)
        assert read(image) == reads[-1]
        assert names(tmp_path) == sorted([image.name, *(kept_by(image, kept).name for kept in left)])
        assert len(chain(image)) == 1 + len(left)
    assert merged(image, reads[-1], tmp_path)
    refused(3, image, ["no differencing image", "nothing to merge it into"])


def test_blocks_of_32_mib_and_a_log(tmp_path):
    need("qemu-img")
    raw = tmp_path / "raw"
    raw.write_bytes(contents() + bytes(50 * MIB))
    image = tmp_path / "debian.vhdx"
    run("qemu-img", "convert", "-O", "vhdx", "-o", "block_size=32M", raw, image)
    succeed("desparse", image)
    before = snapshot(image, {3: b"one", 100000: b"another", 143359: b"the last"})
    kept = kept_by(image)
    os.chmod(kept, 0o644)
    data = kept.read_bytes()
    table, _ = sparse_images.region(data, sparse_images.BAT)
    log = sparse_images.uuid.UUID(int=1)
    entry = sparse_images.log_entry(log, 1, 0, [(table, data[table : table + 4096])], len(data))
    with open(kept, "r+b") as file:
        file.seek(table)
        file.write(bytes(4096))
    sparse_images.put_log(kept, [(0, entry)], log)
    assert read(image) == before
    succeed("commit", image)
    assert merged(image, before, tmp_path)


@BOTH
def test_owner_and_mode_are_those_of_the_image(tmp_path, name):
    image = changed_child(tmp_path, name)
    os.chmod(image, 0o640)
    os.chmod(kept_by(image), 0o444)
    if os.geteuid() == 0:
        os.chown(image, 1234, 5678)
    before = image.stat()
    succeed("commit", image)
    after = image.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


@BOTH
def test_by_a_symbolic_link(tmp_path, name):
    (tmp_path / "real").mkdir()
    image = changed_child(tmp_path / "real", name)
    before = read(image)
    link = tmp_path / f"link{image.suffix}"
    link.symlink_to(f"real/{name}")
    succeed("commit", link)
    assert link.is_symlink() and names(tmp_path / "real") == [name] and read(link) == before


# --- stopped ------------------------------------------------------------------------------------------------------------


def large(folder: Path, name: str) -> tuple[Path, bytes]:
    """So that it takes a while; kept read-only, at a time that is known."""
    need("qemu-img")
    raw, image = folder / "disk.raw", folder / name
    raw.write_bytes(contents() * 3)
    form = "vhdx" if image.suffix == ".vhdx" else "vpc"
    more = [] if form == "vhdx" else ["-o", "force_size=on"]
    run("qemu-img", "convert", "-O", form, *more, raw, image)
    raw.unlink()
    succeed("desparse", image)
    kept_by(image).unlink(missing_ok=True)
    return image, snapshot(image, {number: b"new %d" % number for number in range(0, 120000, 1000)})


def reads(image: Path) -> bytes:
    """A VHD may warn: its parent was changed."""
    done = subprocess.run([VHDTOOL, "cat", image], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0 or (done.returncode == 4 and image.suffix == ".vhd"), done.stderr
    return done.stdout


def in_between(image: Path, before: bytes):
    """What must not be done now is refused; what may be, goes."""
    kept = kept_by(image)
    assert reads(image) == before
    assert mark_of(image).read_text(encoding="utf-8") == f"{kept.name}\n"
    for command in ("rollback", "snapshot"):
        refuse(3, command, image, words=[f"a merge of it into {kept} was begun", "complete it first"])
    refuse(3, "delete", kept, words=["another image may need it"])
    done = vhdtool("snapshots", image)
    assert done.returncode == 4 and "a merge of it into" in done.stderr
    assert reads(image) == before


@BOTH
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_and_gone_on(tmp_path, name, how):
    image, before = large(tmp_path, name)
    kept = kept_by(image)
    changed = kept.stat().st_mtime
    status, said = interrupt(how, 2, "commit", image)
    if how == signal.SIGKILL:
        assert status == -how
    else:
        assert status == 1 and "stopped by a signal; run it again to go on" in said
        assert kept.stat().st_mode & 0o222 == 0
        assert kept.stat().st_mtime == changed or image.suffix == ".vhdx", "its child knows it by that"
    assert names(tmp_path) == [kept.name, name, mark_of(image).name]
    in_between(image, before)
    os.utime(kept, (1, 1))  # whatever a loss of power leaves of it
    succeed("commit", image)
    assert names(tmp_path) == [name] and merged(image, before, tmp_path)


@BOTH
def test_written_to_in_between(tmp_path, name):
    image, _ = large(tmp_path, name)
    interrupt(signal.SIGKILL, 2, "commit", image)
    write_like_a_guest(image, {5: b"in between", 100000: b"and here"})
    before = reads(image)
    succeed("commit", image)
    assert names(tmp_path) == [name] and merged(image, before, tmp_path)


@BOTH
@pytest.mark.parametrize("three", [False, True])
def test_a_loss_of_power_between_the_names(tmp_path, name, three):
    """Each state that the last steps can leave; of a longer chain no more than one file is merged."""
    image = make(tmp_path, name)
    if three:
        snapshot(image, {1: b"first"})
    kept = kept_by(image, "2" if three else "1")
    before = snapshot(image, {3: b"one", 20000: b"another"})
    child = image.read_bytes()
    rest = [kept_by(image).name] if three else []

    def complete(words=()):
        said = succeed("commit", image)
        assert all(word in said for word in words)
        assert names(tmp_path) == sorted([*rest, name]) and read(image) == before
        assert len(chain(image)) == 1 + len(rest)

    # All is written, and nothing renamed.
    put_mark(image, kept)
    parent = kept.read_bytes()
    complete()
    # From here on the file below holds all of it.
    whole = image.read_bytes()
    old = identity_bytes(whole, parent, image)

    def set_up(**files):
        for path in (image, kept, part_of(image), mark_of(image)):
            path.unlink(missing_ok=True)
        for path, data in files.items():
            {"image": image, "kept": kept, "part": part_of(image)}[path].write_bytes(data)
        put_mark(image, kept)

    set_up(image=child, kept=old)  # a second name for the child
    os.link(image, part_of(image))
    os.chmod(kept, 0o444)
    complete()
    set_up(part=child, kept=old)  # its other name alone, where there are no second ones
    complete()
    set_up(part=child, image=old)  # the parent has its name
    complete(["completed what an earlier run has begun"])
    set_up(image=old)  # the mark is left
    complete(["completed what an earlier run has begun"])
    set_up(image=whole)  # and is known by another GUID already
    complete(["completed what an earlier run has begun"])


def identity_bytes(whole: bytes, parent: bytes, image: Path) -> bytes:
    """The merged file as its child still knows it."""
    if image.suffix == ".vhd":
        return whole
    out = bytearray(whole)
    at, header = sparse_images.newest_header(whole)
    header[32:48] = sparse_images.newest_header(parent)[1][32:48]
    out[at : at + 4096] = sparse_images.sealed(header)
    return bytes(out)


def test_a_mark_of_another_time(tmp_path):
    """Of a parent that is not the image's, or that has no end: it says nothing."""
    image = changed_child(tmp_path, "debian.vhdx")
    before = read(image)
    for text in ("", "debian.1.vhdx", "other.vhdx\n", "../debian.1.vhdx\n"):
        mark_of(image).write_text(text, encoding="utf-8")
        assert "problem" not in chain(image)[0]
    succeed("commit", image)
    assert names(tmp_path) == ["debian.vhdx"] and merged(image, before, tmp_path)


# --- refused ------------------------------------------------------------------------------------------------------------


@BOTH
def test_no_room(tmp_path, name):
    with mounted(tmp_path / "mnt", "mount", "-t", "tmpfs", "-o", "size=60M", "tmpfs") as folder:
        image = make(folder, name)
        succeed("snapshot", "--reserve", "0", image)
        need("fallocate")
        os.chmod(image, 0o644)
        (folder / "other").write_bytes(b"")
        before = grown(image)
        room = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
        with open(folder / "other", "wb") as file:
            file.write(bytes(room - MIB // 2))
        refused(1, image, ["has room for"])
        assert read(image) == before
        (folder / "other").unlink()
        succeed("commit", image)
        assert read(image) == before and names(folder) == [name]


def grown(image: Path) -> bytes:
    """With a block that its parent has not: what qemu-img wrote is dense but for the zeros, so these are made."""
    kept = kept_by(image)
    os.chmod(kept, 0o644)
    empty = image.parent / f"empty{image.suffix}"
    form = "vhdx" if image.suffix == ".vhdx" else "vpc"
    more = [] if form == "vhdx" else ["-o", "force_size=on"]
    run("qemu-img", "create", "-f", form, *more, empty, SIZE)
    succeed("desparse", empty)
    os.replace(empty, kept)
    sectors = {number: b"new".ljust(512) for number in range(0, 8192)}
    if image.suffix == ".vhdx":
        sparse_images.make_vhdx(image, SIZE, sectors, CHILD,
                                parent=(identity(kept), {"relative_path": f".\\{kept.name}"}))
    else:
        sparse_images.make_vhd(image, SIZE, sectors, CHILD, parent=(identity(kept), 0, f".\\{kept.name}"))
    succeed("desparse", image)
    return read(image)


@BOTH
def test_another_child(tmp_path, name):
    image = changed_child(tmp_path, name)
    other = tmp_path / f"debian.try{image.suffix}"
    other.write_bytes(image.read_bytes())
    refused(3, image, [f"{other.name} beside it", "whose parent this is"])
    other.unlink()
    succeed("commit", image)


@BOTH
def test_what_is_a_parent_itself(tmp_path, name):
    image = make(tmp_path, name)
    for _ in range(2):
        snapshot(image, {1: b"x"})
    os.chmod(kept_by(image, "2"), 0o644)
    refused(3, kept_by(image, "2"), [f"{name} beside it", "whose parent this is"])


@BOTH
def test_in_use(tmp_path, name):
    image = changed_child(tmp_path, name)
    os.chmod(kept_by(image), 0o644)
    for path in (image, kept_by(image)):
        with open(path, "r+b"):
            refused(3, image, ["open for writing"])


def test_a_parent_of_another_time(tmp_path):
    image = make(tmp_path, "debian.vhd")
    before = snapshot(image, {3: b"one"})
    kept = kept_by(image)
    known = int(kept.stat().st_mtime)
    os.utime(kept, (known + 100, known + 100))
    refused(3, image, ["was changed at another time", f'touch -d @{known} "{kept}"'])
    run("touch", "-d", f"@{known}", kept)
    succeed("commit", image)
    assert merged(image, before, tmp_path)


@BOTH
def test_a_parent_that_is_another(tmp_path, name):
    image = changed_child(tmp_path, name)
    kept = kept_by(image)
    kept.unlink()
    refused(3, image, ["its parent image was not found"])
    make(tmp_path, kept.name)
    refused(3, image, ["another image than the one that the child was made from"])


def test_a_parent_with_holes(tmp_path):
    image = changed_child(tmp_path, "debian.vhd")
    kept = kept_by(image)
    run("fallocate", "-p", "-o", MIB, "-l", MIB, kept)
    refused(3, image, ["has holes", "desparse"])


def test_what_else_is_refused(tmp_path):
    image = changed_child(tmp_path, "debian.vhdx")
    checkpoint = image.rename(tmp_path / "debian.avhdx")
    refused(3, checkpoint, ["checkpoint of Hyper-V"])
    checkpoint.rename(image)
    os.chmod(image, 0o444)
    refused(1, image, ["write-protected"])
    os.chmod(image, 0o644)
    kept = kept_by(image)
    sparse_images.make_vhdx(image, SIZE + MIB, {1: b"x".ljust(512)}, CHILD,
                            parent=(identity(kept), {"relative_path": f".\\{kept.name}"}))
    refused(3, image, ["merge it in Windows"])
    (tmp_path / "base").mkdir()
    kept.rename(tmp_path / "base/debian.1.vhdx")
    sparse_images.make_vhdx(image, SIZE, {1: b"x".ljust(512)}, CHILD,
                            parent=(identity(tmp_path / "base/debian.1.vhdx"), {"relative_path": r".\base\debian.1.vhdx"}))
    refused(3, image, ["is in another folder"])
    refuse(1, "commit", tmp_path / "none.vhdx", words=["none.vhdx"])
    refuse(3, "commit", tmp_path, words=["folder"])
    assert vhdtool("commit").returncode == 2 and vhdtool("commit", image, image).returncode == 2


# --- delete -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, kind", KINDS[1:3])
def test_delete(place, name, kind):
    """What was tried beside the image."""
    image = make(place, name, kind)
    before = snapshot(image, {3: b"one"})
    tried = place / f"debian.try{image.suffix}"
    tried.write_bytes(image.read_bytes())
    refused(3, image, ["an image itself"], "delete")
    refused(3, kept_by(image), ["another image may need it"], "delete")
    assert "removed" in succeed("delete", tried)
    assert names(place) == sorted([name, kept_by(image).name]) and read(image) == before
    image.rename(place / "other")
    refused(3, kept_by(image), ["no differencing image but a disk of its own"], "delete")


@BOTH
def test_delete_what_was_kept_and_is_not_needed(tmp_path, name):
    image = make(tmp_path, name)
    for number in range(2):
        snapshot(image, {number: b"x"})
    kept = kept_by(image, "2")
    refused(3, kept, [f"{name} beside it", "which `vhdtool commit` merges into it and `vhdtool rollback` empties"], "delete")
    kept_by(image).rename(tmp_path / "saved")
    image.unlink()
    make(tmp_path, name)
    (tmp_path / "saved").rename(kept_by(image))
    succeed("delete", kept)
    assert names(tmp_path) == [kept_by(image).name, name]


def test_delete_refuses(tmp_path):
    image = changed_child(tmp_path, "debian.vhdx")
    tried = tmp_path / "debian.try.vhdx"
    tried.write_bytes(image.read_bytes())
    (tmp_path / "debian.try.efi").write_bytes(b"")
    refused(3, tried, ["debian.try.efi boots it"], "delete")
    (tmp_path / "debian.try.efi").unlink()
    put_mark(tried, kept_by(image))
    refused(3, tried, ["was begun"], "delete")
    mark_of(tried).unlink()
    with open(tried, "r+b"):
        refused(3, tried, ["open for writing"], "delete")
    moved = image.rename(tmp_path / "other.vhdx")
    refused(3, tried, ["an image itself"], "delete")
    moved.rename(image)
    disk = tmp_path / "debian.disk.img"
    disk.write_bytes(bytes(MIB))
    refused(3, disk, ["no differencing image"], "delete")
    refuse(1, "delete", tmp_path / "none.vhdx", words=["none.vhdx"])
    assert vhdtool("delete").returncode == 2
    done = subprocess.run([VHDTOOL, "delete", tried.name], capture_output=True, text=True, cwd=tmp_path, timeout=60,
                          check=False)
    assert done.returncode == 0 and not tried.exists(), done.stderr
