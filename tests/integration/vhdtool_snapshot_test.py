# SPDX-License-Identifier: GPL-2.0-or-later
"""vhdtool snapshot on real file systems: what is kept and what takes its place reads the same, to libvhdi too, and at
any moment there is one of them or the next run completes it."""

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
from tests.support.vhdtool import MIB, VHDTOOL, interrupt, need, refuse, succeed, vhdtool

@pytest.fixture(scope="module", autouse=True)
def _product():
    if not VHDTOOL.is_file():
        pytest.skip(f"{VHDTOOL} is not built")


@pytest.mark.parametrize("name, kind", [("debian.vhdx", "dynamic"), ("debian.vhd", "fixed"), ("debian.vhd", "dynamic")])
def test_snapshot(place, name, kind):
    image = make(place, name, kind)
    before = image.read_bytes()
    kept = place / f"debian.1{image.suffix}"
    said = succeed("snapshot", "--reserve", "8M", image)
    assert f"{kept} is kept" in said and names(place) == sorted([kept.name, image.name])
    assert kept.read_bytes() == before
    assert read(image) == read(kept) == contents()
    told = info(image)
    assert told["format"].startswith("differencing") and told["parent"]["file"] == str(kept)
    assert told["warnings"] == []
    assert image.stat().st_size >= 8 * MIB and image.stat().st_blocks * 512 >= 8 * MIB, "the reserve is there"


def test_one_after_the_other(tmp_path):
    image = make(tmp_path, "debian.vhdx")
    for name in ([], ["before-upgrade"], []):
        succeed("snapshot", "--reserve", "1M", image, *name)
    assert names(tmp_path) == ["debian.1.vhdx", "debian.2.vhdx", "debian.before-upgrade.vhdx", "debian.vhdx"]
    chain = []
    told = info(image)
    while "parent" in told:
        chain.append(Path(told["parent"]["file"]).name)
        told = info(Path(told["parent"]["file"]))
    assert chain == ["debian.2.vhdx", "debian.before-upgrade.vhdx", "debian.1.vhdx"]
    assert read(image) == contents()


@pytest.mark.parametrize("name, kind", [("debian.vhdx", "dynamic"), ("debian.vhd", "fixed")])
def test_what_libvhdi_makes_of_it(tmp_path, name, kind):
    need("vhdiinfo")
    image = make(tmp_path, name, kind)
    succeed("snapshot", "--reserve", "4M", image)
    told = run("vhdiinfo", image)
    assert "Differential" in told and "20 MiB" in told, told
    kept = tmp_path / f"debian.1{image.suffix}"
    assert f"Parent identifier\t: {identity(kept)}" in told, told


@pytest.mark.parametrize("reserve, blocks", [("0", 0), ("1M", 1), ("2M", 1), ("5M", 3)])
def test_the_reserve_of_a_vhd(tmp_path, reserve, blocks):
    image = make(tmp_path, "debian.vhd", "fixed")
    succeed("snapshot", "--reserve", reserve, image)
    assert info(image)["reserve"] == blocks * 2 * MIB


def test_the_kept_image_is_protected(tmp_path):
    image = make(tmp_path, "debian.vhdx")
    succeed("snapshot", "--reserve", "1M", image)
    assert stat.S_IMODE((tmp_path / "debian.1.vhdx").stat().st_mode) & 0o222 == 0
    assert stat.S_IMODE(image.stat().st_mode) & 0o200


def test_the_log_is_replayed_first(tmp_path):
    image = make(tmp_path, "debian.vhdx")
    data = image.read_bytes()
    table, _ = sparse_images.region(data, sparse_images.BAT)
    log = sparse_images.uuid.UUID(int=1)
    entry = sparse_images.log_entry(log, 1, 0, [(table, data[table : table + 4096])], len(data))
    with open(image, "r+b") as file:
        file.seek(table)
        file.write(bytes(4096))
    sparse_images.put_log(image, [(0, entry)], log)
    succeed("snapshot", "--reserve", "1M", image)
    kept = tmp_path / "debian.1.vhdx"
    assert sparse_images.newest_header(kept.read_bytes())[1][48:64] == bytes(16)
    assert read(kept) == read(image) == contents()


def test_completed_after_a_loss_of_power_between_the_names(tmp_path):
    image = make(tmp_path, "debian.vhdx")
    succeed("snapshot", "--reserve", "1M", image)
    image.rename(tmp_path / "debian.vhdx.vhdtool-part")
    assert "completed what an earlier run has begun" in succeed("snapshot", image)
    assert names(tmp_path) == ["debian.1.vhdx", "debian.vhdx"] and read(image) == contents()


def test_after_a_loss_of_power_with_two_names(tmp_path):
    """It is done anew: the image is whole under its own name."""
    image = make(tmp_path, "debian.vhdx")
    succeed("snapshot", "--reserve", "1M", image)
    image.rename(tmp_path / "debian.vhdx.vhdtool-part")
    os.chmod(tmp_path / "debian.1.vhdx", 0o644)
    os.link(tmp_path / "debian.1.vhdx", image)
    succeed("snapshot", "--reserve", "2M", image, "again")
    assert names(tmp_path) == ["debian.again.vhdx", "debian.vhdx"] and read(image) == contents()
    assert info(image)["reserve"] == 2 * MIB and info(image)["format"].startswith("differencing")


def test_what_is_in_use_is_not_completed(tmp_path):
    image = make(tmp_path, "debian.vhdx")
    succeed("snapshot", "--reserve", "1M", image)
    os.chmod(tmp_path / "debian.1.vhdx", 0o644)
    image.rename(tmp_path / "debian.vhdx.vhdtool-part")
    with open(tmp_path / "debian.1.vhdx", "r+b"):
        refuse(3, "snapshot", image, words=["open for writing"])
    assert names(tmp_path) == ["debian.1.vhdx", "debian.vhdx.vhdtool-part"]


@pytest.mark.parametrize("command", ["snapshot", "rollback"])
@pytest.mark.parametrize("name", ["debian.vhdx", "debian.vhd"])
def test_by_a_symbolic_link(tmp_path, name, command):
    (tmp_path / "real").mkdir()
    image = changed_child(tmp_path / "real", name)
    before = read(image)
    link = tmp_path / f"link{image.suffix}"
    link.symlink_to(f"real/{name}")
    succeed(command, *(["--reserve", "2M"] if command == "snapshot" else []), link)
    assert link.is_symlink() and read(image) == (before if command == "snapshot" else contents())


def test_what_an_earlier_run_left_incomplete_is_replaced(tmp_path):
    image = make(tmp_path, "debian.vhdx")
    (tmp_path / "debian.vhdx.vhdtool-part").write_bytes(bytes(5000))
    succeed("snapshot", "--reserve", "1M", image)
    assert names(tmp_path) == ["debian.1.vhdx", "debian.vhdx"] and read(image) == contents()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_stopped(tmp_path, how):
    image = make(tmp_path, "debian.vhdx")
    before = image.read_bytes()
    status, said = interrupt(how, 2, "snapshot", "--reserve", "2G", image)
    assert status == 1 and "stopped by a signal; it is as it was" in said
    assert names(tmp_path) == ["debian.vhdx"] and image.read_bytes() == before


@pytest.mark.parametrize("name", ["debian.vhdx", "debian.vhd"])
def test_rollback(tmp_path, name):
    image = changed_child(tmp_path, name)
    size, kept = image.stat().st_size, tmp_path / f"debian.1{image.suffix}"
    before = kept.read_bytes()
    assert f"reads as {kept} again" in succeed("rollback", image)
    assert read(image) == contents() and kept.read_bytes() == before
    assert image.stat().st_size >= size and info(image)["allocated_blocks"] == 0
    assert names(tmp_path) == [kept.name, image.name]
    if image.suffix == ".vhdx":
        _, header = sparse_images.newest_header(image.read_bytes())
        assert bytes(header[32:48]) != CHILD.bytes_le and bytes(header[48:64]) == bytes(16)
    succeed("rollback", image)
    assert read(image) == contents()


def test_rollback_of_one_that_is_full(tmp_path):
    image = changed_child(tmp_path, "debian.vhdx")
    succeed("provision", "--full", image)
    assert info(image)["reserve"] == 0
    succeed("rollback", image)
    assert read(image) == contents() and info(image)["allocated_blocks"] == 0


def test_rollback_of_a_vhd_whose_parent_is_elsewhere(tmp_path):
    image = changed_child(tmp_path, "debian.vhd")
    (tmp_path / "base").mkdir()
    (tmp_path / "debian.1.vhd").rename(tmp_path / "base/debian.vhd")
    link = identity(tmp_path / "base/debian.vhd")
    sparse_images.make_vhd(image, SIZE, {5000: b"changed".ljust(512)}, CHILD, parent=(link, 0, ".\\base\\debian.vhd"))
    before = image.read_bytes()
    refuse(3, "rollback", image, words=["is in another folder"])
    assert image.read_bytes() == before


def test_a_chain_that_is_as_long_as_it_may_be(tmp_path):
    image = make(tmp_path, "debian.vhdx")
    for _ in range(63):
        succeed("snapshot", "--reserve", "0", image)
    before = names(tmp_path), image.read_bytes()
    refuse(3, "snapshot", "--reserve", "0", image, words=["another snapshot of it could not be opened"])
    assert (names(tmp_path), image.read_bytes()) == before and read(image) == contents()


def test_a_parent_does_not_grow(tmp_path):
    image = make(tmp_path, "debian.vhd", "fixed")
    succeed("snapshot", "--reserve", "2M", image)
    os.chmod(tmp_path / "debian.1.vhd", 0o644)
    refuse(3, "grow", tmp_path / "debian.1.vhd", "+4M", words=["debian.vhd beside it"])
    assert read(image) == contents()


def test_owner_and_mode_stay(tmp_path):
    image = make(tmp_path, "debian.vhdx")
    os.chmod(image, 0o640)
    if os.geteuid() == 0:
        os.chown(image, 1234, 5678)
    before = image.stat()
    succeed("snapshot", "--reserve", "1M", image)
    after = image.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_rollback_refuses(tmp_path):
    image = make(tmp_path, "debian.vhdx")
    before = image.read_bytes()
    refuse(3, "rollback", image, words=["dynamic VHDX", "nothing to roll it back to"])
    refuse(1, "rollback", tmp_path / "none.vhdx", words=["none.vhdx"])
    assert image.read_bytes() == before
    child = changed_child(tmp_path, "debian.vhdx")
    (tmp_path / "debian.1.vhdx").unlink()
    before = child.read_bytes()
    refuse(3, "rollback", child, words=["its parent image was not found"])
    assert child.read_bytes() == before


def test_what_is_a_parent_is_left_alone(tmp_path):
    image = make(tmp_path, "debian.vhdx")
    for _ in range(2):
        succeed("snapshot", "--reserve", "1M", image)
    for kept in ("debian.1.vhdx", "debian.2.vhdx"):
        os.chmod(tmp_path / kept, 0o644)
        refuse(3, "snapshot", tmp_path / kept, words=["differencing image whose parent this is"])
    done = subprocess.run([VHDTOOL, "rollback", "debian.2.vhdx"], capture_output=True, text=True, cwd=tmp_path, timeout=60,
                          check=False)
    assert done.returncode == 3 and "debian.vhdx beside it" in done.stderr, done.stderr
    assert read(image) == contents()


def test_refused(tmp_path):
    image = make(tmp_path, "debian.vhdx")
    before = image.read_bytes()
    raw = tmp_path / "debian.img"
    raw.write_bytes(bytes(MIB))
    refuse(3, "snapshot", raw, words=[str(raw), "raw2vhd"])
    named = image.rename(tmp_path / "debian.img2")
    refuse(3, "snapshot", named, words=["does not end in .vhdx"])
    named.rename(image)
    refuse(1, "snapshot", tmp_path / "none.vhdx", words=["none.vhdx"])
    assert vhdtool("snapshot", image, "a/b").returncode == 2
    assert vhdtool("snapshot", image, "../x").returncode == 2
    assert vhdtool("snapshot", "--reserve", "much", image).returncode == 2
    assert vhdtool("snapshot").returncode == 2
    refuse(1, "snapshot", "--reserve", "20T", image, words=["has room for", "a smaller reserve"])
    refuse(3, "snapshot", "--reserve", "900T", image, words=["no file can have such a reserve"])
    with open(image, "r+b"):
        refuse(3, "snapshot", image, words=["open for writing"])
    (tmp_path / "debian.kept.vhdx").write_bytes(b"")
    refuse(3, "snapshot", image, "kept", words=["debian.kept.vhdx is there already"])
    assert names(tmp_path) == ["debian.img", "debian.kept.vhdx", "debian.vhdx"] and image.read_bytes() == before


@pytest.mark.parametrize("name", ["debian.vhdx", "debian.vhd"])
def test_snapshots(tmp_path, name):
    image = changed_child(tmp_path, name)
    kept = tmp_path / f"debian.1{image.suffix}"
    before = image.read_bytes(), kept.read_bytes()
    leaf, base = chain(image)
    assert (leaf["file"], base["file"]) == (str(image), str(kept))
    assert leaf["format"].startswith("differencing") and leaf["own_data"] == info(image)["allocated_blocks"] * info(
        image)["block_size"]
    assert not {"problem"} & (leaf.keys() | base.keys())
    assert base["changed"] == int(kept.stat().st_mtime) and ("made" in base) == (image.suffix == ".vhd")
    lines = succeed("snapshots", image).splitlines()
    assert [line.split()[-1] for line in lines] == ["file", str(image), str(kept)]
    assert (image.read_bytes(), kept.read_bytes()) == before


@pytest.mark.parametrize("name", ["debian.vhdx", "debian.vhd"])
def test_snapshots_with_something_wrong(tmp_path, name):
    image = changed_child(tmp_path, name)
    kept = tmp_path / f"debian.1{image.suffix}"
    right = kept.read_bytes()
    kept.unlink()
    (leaf,) = chain(image, status=4)
    assert "its parent image was not found" in leaf["problem"]
    make(tmp_path, kept.name)
    leaf, base = chain(image, status=4)
    assert "problem" not in leaf and "another image than the one that its child was made from" in base["problem"]
    kept.write_bytes(right[: len(right) // 2])
    assert "problem" in chain(image, status=4)[-1]
    refuse(1, "snapshots", tmp_path / "none.vhdx", words=["none.vhdx"])
    assert vhdtool("snapshots").returncode == 2


def four(folder: Path, name: str) -> tuple[Path, list[Path]]:
    """An image on three others, and their files from the newest to the oldest."""
    image = make(folder, name)
    for number in range(3):
        succeed("snapshot", "--reserve", "4M", image)
        write_like_a_guest(image, {number: b"x%d" % number, 5000: b"y%d" % number})
    return image, [image, *(folder / f"debian.{number}{image.suffix}" for number in (3, 2, 1))]


@pytest.mark.parametrize("name", ["debian.vhdx", "debian.vhd"])
def test_snapshots_of_a_long_chain(tmp_path, name):
    image, files = four(tmp_path, name)
    layers = chain(image)
    assert [layer["file"] for layer in layers] == [str(path) for path in files]
    assert not any("problem" in layer for layer in layers)
    assert [layer["format"].startswith("differencing") for layer in layers] == [True, True, True, False]
    assert len(chain(files[2])) == 2, "of one of them: what is below it"


@pytest.mark.parametrize("name", ["debian.vhdx", "debian.vhd"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_snapshots_with_something_wrong_further_down(tmp_path, name, depth):
    """It is said of the file that is meant, and all above it are listed."""
    image, files = four(tmp_path, name)
    right = files[depth].read_bytes()

    def problems() -> dict[str, str]:
        done = chain(image, status=4)
        assert [layer["file"] for layer in done] == [str(path) for path in files[: len(done)]]
        return {Path(layer["file"]).name: layer["problem"] for layer in done if "problem" in layer}

    files[depth].unlink()
    said = problems()
    assert list(said) == [files[depth - 1].name] and "its parent image was not found" in said[files[depth - 1].name]
    files[depth].write_bytes(right[: len(right) // 2])
    assert list(problems()) == [files[depth].name]
    files[depth].unlink()
    other = make(tmp_path, f"other{image.suffix}")
    other.rename(files[depth])
    said = problems()
    assert list(said) == [files[depth].name] and "another image than the one" in said[files[depth].name]
    files[depth].write_bytes(right)
    if image.suffix == ".vhd":
        os.utime(files[depth], (1, 1))
        said = problems()
        assert list(said) == [image.name] and f"{files[depth]} was changed at another time" in said[image.name]
    else:
        assert not any("problem" in layer for layer in chain(image))


def test_snapshots_of_a_chain_that_is_its_own_parent(tmp_path):
    image, files = four(tmp_path, "debian.vhdx")
    sparse_images.make_vhdx(files[3], SIZE, {}, identity(files[3]),
                            parent=(identity(files[2]), {"relative_path": f".\\{files[2].name}"}))
    layers = chain(image, status=4)
    assert len(layers) <= 64 and any("one of its own" in layer.get("problem", "") for layer in layers)
