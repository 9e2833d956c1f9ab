# SPDX-License-Identifier: GPL-2.0-or-later
"""vhdtool check on images and volumes: each broken thing gives its finding and the status, several give all of them,
nothing changes on disk, and no loop device or mount is left.

Needs what tests/support/images.py does; parts need mkntfs, mkfs.exfat, ntfs-3g with FUSE, root, a guest in the cache.
"""

import contextlib
import json
import os
import shutil
import struct
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import disk, guest_root, images, sparse_images  # noqa: E402
from support.command import run  # noqa: E402
from support.guest import RECIPES, load_recipe  # noqa: E402
from support.paths import PRODUCTS, cache_folder  # noqa: E402

MIB = disk.MIB
PARENT, CHILD = (uuid.UUID(int=0x5EED0000 + i) for i in range(2))
VHDTOOL = Path(os.environ.get("VHDBOOT_VHDTOOL", PRODUCTS / "vhdtool"))
RAW2VHD = Path(os.environ.get("VHDBOOT_RAW2VHD", PRODUCTS / "raw2vhd"))
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def need(*tools):
    for tool in tools:
        if shutil.which(tool, path=PATH) is None:
            pytest.skip(f"{tool} is not installed")


def need_fuse():
    need("ntfs-3g", "mkntfs", "umount")
    if os.geteuid() != 0 or not os.access("/dev/fuse", os.W_OK):
        pytest.skip("mounting with FUSE needs root and /dev/fuse")


def attached(image):
    """Loop devices of the image, and whether any is mounted: others may use theirs at the same time."""
    loops = set()
    for path in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):  # detached meanwhile
            if path.read_text().startswith(str(image)):
                loops.add(path.parent.parent.name)
    mounts = Path("/proc/self/mounts").read_text()
    return loops, [name for name in loops if f"/dev/{name} " in mounts]


def vhdtool(*args):
    return subprocess.run([VHDTOOL, *map(str, args)], capture_output=True, text=True, timeout=300)


def check(path, *options, watched=None, hashed=True):
    """The findings of one severity each, as (check, text), and the status; text, JSON and --quiet agree."""
    watched = watched or path

    def state():
        return disk.digest(watched) if hashed else None, watched.stat().st_mtime_ns, attached(watched)

    before = state()
    done = vhdtool("check", "--json", *options, path)
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert (told["schema"], told["file"], told["status"]) == ("vhdboot.check/1", str(path), done.returncode)
    findings = told["findings"]
    assert all(set(finding) == {"check", "severity", "text"} for finding in findings)
    severities = [finding["severity"] for finding in findings]
    assert done.returncode == (3 if "error" in severities else 4 if "warning" in severities else 0)
    shown = vhdtool("check", *options, path)
    assert shown.returncode == done.returncode and shown.stderr == ""
    *lines, verdict = shown.stdout.splitlines()
    assert sorted(line.split(":")[0] for line in lines) == sorted(severities)
    verdicts = ("will not boot",) if done.returncode == 3 else ("boots", "may boot or not") if done.returncode else ("boots",)
    assert verdict.startswith(tuple(f"{path}: {word}" for word in verdicts))
    assert all(finding["text"] in shown.stdout for finding in findings)
    quiet = vhdtool("check", "--quiet", *options, path)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (done.returncode, "", "")
    assert state() == before
    return done.returncode, {name: [(finding["check"], finding["text"]) for finding in findings
                                    if finding["severity"] == name] for name in ("ok", "warning", "error")}


def has(found, name, *words):
    """Exactly one of them is of that check, and it has these words."""
    texts = [text for check_name, text in found if check_name == name]
    assert len(texts) == 1, found
    assert all(word in texts[0] for word in words), texts[0]
    return True


def names(found):
    return sorted(name for name, _ in found)


@pytest.fixture(scope="module", name="kernel")
def fixture_kernel(tmp_path_factory):
    path = tmp_path_factory.mktemp("kernel") / "vmlinuz"
    path.write_bytes(images.small_kernel("6.1.0-small"))
    return path


@pytest.fixture(scope="module", name="uki")
def fixture_uki(kernel):
    need("sfdisk", "mkfs.vfat", "mcopy")
    initrd = kernel.with_name("initrd")
    initrd.write_bytes(images.EMPTY_ARCHIVE)
    return images.make_uki(kernel.with_name("small.efi"), kernel, initrd)


@pytest.fixture(scope="module", name="good")
def fixture_good(tmp_path_factory, uki):
    """A fixed VHD in which all is well."""
    path = images.small_disk(tmp_path_factory.mktemp("good") / "good.vhd", uki)
    run(RAW2VHD, path)
    return path


@pytest.fixture(name="image")
def fixture_image(tmp_path, good):
    return disk.clone(good, tmp_path / "disk.vhd")


# On the file system of a test there is always one warning, and without a root file system another.
USUAL = ["file-system", "modules"]


def test_one_that_boots(image):
    status, found = check(image)
    assert status == 4 and names(found["warning"]) == USUAL and not found["error"]
    has(found["warning"], "file-system", "is not one that vhdboot boots from: copy the image to NTFS or exFAT")
    has(found["ok"], "footer", "UUID")
    has(found["ok"], "kernel", "small.efi", "6.1.0-small", "default")


def test_raw_and_without_its_footer(tmp_path, uki):
    raw = images.small_disk(tmp_path / "disk.img", uki)
    assert check(raw)[0] == 4
    status, found = check(raw.rename(tmp_path / "disk.vhd"))
    assert status == 3 and has(found["error"], "footer", "raw2vhd disk.vhd")


def test_footer_of_another_size(image):
    with open(image, "r+b") as file:
        file.seek(-512, os.SEEK_END)
        footer = file.read()
        file.seek(-512, os.SEEK_END)
        file.write(bytes(MIB) + footer)
    status, found = check(image)
    assert status == 3 and has(found["error"], "footer", "raw2vhd")
    assert has(found["warning"], "gpt-backup", f'raw2vhd --relocate-gpt "{image}"')
    run(RAW2VHD, "--relocate-gpt", image)
    status, found = check(image)
    assert status == 4 and names(found["warning"]) == USUAL


@pytest.mark.parametrize("kind,options", [("qcow2", ""), ("vhdx", ""), ("vpc", "subformat=dynamic,force_size=on")])
def test_other_formats(tmp_path, good, kind, options):
    need("qemu-img")
    raw = tmp_path / "raw"
    disk.copy_range(good, 0, raw, 0, good.stat().st_size - 512)
    path = tmp_path / "disk.image"
    run("qemu-img", "convert", "-f", "raw", "-O", kind, *(["-o", options] if options else []), raw, path)
    status, found = check(path)
    # What is inside counts as well, where it can be read.
    assert status == 3 and ("kernel" in names(found["ok"])) == (kind != "qcow2")
    if kind == "qcow2":
        assert names(found["error"]) == ["format"]
        has(found["error"], "format", "qemu-img convert -p -f qcow2 -O raw", "raw2vhd")
        return
    assert names(found["error"]) == ["writing"] and has(found["error"], "writing", "vhdtool provision --full", "`ephemeral yes`")
    assert has(found["ok"], "format", "dynamic VHD", "blocks in place")
    conf = tmp_path / "disk.conf"
    conf.write_text("ephemeral yes\n", encoding="utf-8")
    status, found = check(path, "--conf", conf)
    assert status in (0, 4) and found["error"] == []
    conf.write_text("ephemeral yes\nkeep 1\n", encoding="utf-8")
    status, found = check(path, "--conf", conf)
    assert status == 3 and "writing" in names(found["error"]) and has(found["error"], "writing", "without `keep`")
    conf.write_text("ephemeral yes\nkeep 9\n", encoding="utf-8")
    assert has(check(path, "--conf", conf)[1]["error"], "keep", "no partition of the guest disk is partition 9")


def test_a_chain(tmp_path, good):
    base, child = tmp_path / "base.vhd", tmp_path / "child.vhd"
    size = good.stat().st_size - 512
    with open(good, "rb") as file:
        base.write_bytes(file.read(size) + sparse_images.vhd_footer(size, 2, PARENT))
    sparse_images.make_vhd(child, size, {}, CHILD, parent=(PARENT, 0, ".\\base.vhd"))
    status, found = check(child)
    assert status == 3 and names(found["error"]) == ["writing"]
    assert has(found["ok"], "parents", f"it stands on {base}") and "kernel" in names(found["ok"])
    base.unlink()
    status, found = check(child)
    assert status == 3 and has(found["error"], "format", "its parent image was not found", "base.vhd")


def test_a_parent(tmp_path, good):
    """As the boot says: what stands on it would be worth nothing once it was written to."""
    base, child, conf = tmp_path / "base.vhd", tmp_path / "Child.VHD", tmp_path / "forgets.conf"
    size = good.stat().st_size - 512
    with open(good, "rb") as file:
        base.write_bytes(file.read(size) + sparse_images.vhd_footer(size, 2, PARENT))
    sparse_images.make_vhd(child, size, {}, CHILD, parent=(PARENT, 0, ".\\base.vhd"))
    conf.write_text("ephemeral yes\n", encoding="utf-8")
    status, found = check(base)
    assert status == 3 and names(found["error"]) == ["children"]
    assert has(found["error"], "children", "Child.VHD beside it is a differencing image whose parent this is")
    assert check(base, "--conf", conf)[1]["error"] == []
    need_fuse()
    volume = make_ntfs(tmp_path / "volume", 160 * MIB)
    with mounted(volume, tmp_path / "mnt") as folder:
        for file in (base, child):
            shutil.copy(file, folder / file.name)
    status, found = check("/BASE.vhd", "--volume", volume, watched=volume)
    assert status == 3 and names(found["error"]) == ["children"]
    assert has(found["error"], "children", "/Child.VHD is a differencing image whose parent this is")
    assert check("/base.vhd", "--volume", volume, "--conf", conf, watched=volume)[1]["error"] == []
    child.write_bytes(child.read_bytes()[:700])  # no image any more
    assert check(base)[1]["error"] == []


def test_a_parent_on_another_volume(tmp_path, good):
    need_fuse()
    base, child, conf = tmp_path / "base.vhd", tmp_path / "child.vhd", tmp_path / "named.conf"
    size = good.stat().st_size - 512
    with open(good, "rb") as file:
        base.write_bytes(file.read(size) + sparse_images.vhd_footer(size, 2, PARENT))
    sparse_images.make_vhd(child, size, {}, CHILD, parent=(PARENT, 0, "D:\\old\\base.vhd"))
    own, other = make_ntfs(tmp_path / "own", 64 * MIB), make_ntfs(tmp_path / "other", 160 * MIB)
    serial = run("blkid", "-p", "-o", "value", "-s", "UUID", other).strip()
    with mounted(own, tmp_path / "mnt") as folder:
        shutil.copy(child, folder)
    with mounted(other, tmp_path / "mnt2") as folder:
        (folder / "old").mkdir()
        shutil.copy(base, folder / "old")
    conf.write_text(f"parent-volume {serial}\nephemeral yes\n", encoding="utf-8")
    words = ("/child.vhd", "--volume", own)
    status, found = check(*words, watched=own)
    assert status == 3 and has(found["error"], "format", "its parent image was not found", "D:\\old\\base.vhd")
    status, found = check(*words, "--conf", conf, watched=own)
    assert status == 3 and has(found["warning"], "parents", f"UUID={serial}", "say where that is with --parent-volume")
    status, found = check(*words, "--conf", conf, "--parent-volume", other, watched=own)
    assert found["error"] == [] and has(found["ok"], "parents", "it stands on /old/base.vhd")
    status, found = check(*words, "--parent-volume", other, watched=own)
    assert status == 3 and has(found["error"], "parents", "name that with `parent-volume` in its configuration")
    conf.write_text("parent-volume LABEL=Bases\nephemeral yes\n", encoding="utf-8")
    status, found = check(*words, "--conf", conf, "--parent-volume", other, watched=own)
    assert status == 3 and has(found["error"], "parents", "the volume of its parents: `parent-volume` names another one")
    with mounted(own, tmp_path / "mnt") as folder, mounted(other, tmp_path / "mnt2") as parents:
        assert has(check(folder / "child.vhd", "--conf", conf)[1]["error"], "format", "its parent image was not found")
        status, found = check(folder / "child.vhd", "--conf", conf, "--parent-volume", parents)
        assert found["error"] == [] and has(found["ok"], "parents", f"it stands on {parents}/old/base.vhd")
        elsewhere = ("--parent-volume", tmp_path / "nowhere", folder / "child.vhd")
        for command in ("check", "info", "cat"):
            done = vhdtool(command, *elsewhere)
            assert done.returncode == 1 and "the volume with parents" in done.stderr and "nowhere" in done.stderr
        there = ("--parent-volume", parents, folder / "child.vhd")
        assert f"{parents}/old/base.vhd" in vhdtool("info", *there).stdout
        with open(tmp_path / "read", "wb") as file:
            subprocess.run([VHDTOOL, "cat", *there], stdout=file, timeout=120, check=False)
        assert (tmp_path / "read").read_bytes() == good.read_bytes()[:size]


def test_nothing_to_boot(tmp_path, uki):
    # An ESP is one whatever its type is.
    assert check(images.small_disk(tmp_path / "none.img", uki, esp=False))[0] == 4
    status, found = check(images.small_disk(tmp_path / "no.img", None, esp=False))
    assert status == 3 and has(found["error"], "entry", "nothing to boot on the guest disk (GPT, 1 partition)")
    status, found = check(images.small_disk(tmp_path / "empty.img", None))
    assert status == 3 and has(found["error"], "entry", "no unified kernel image in /EFI/Linux", "no kernel in a /boot")
    blank = tmp_path / "blank.img"
    blank.write_bytes(bytes(MIB))
    status, found = check(blank)
    assert status == 3 and has(found["error"], "entry", "no partition table")


def test_what_does_not_start(tmp_path, kernel):
    junk = tmp_path / "junk"
    junk.write_bytes(b"no program" * 100)
    status, found = check(images.small_disk(tmp_path / "a.img", junk))
    assert status == 3 and has(found["error"], "entry", "/EFI/Linux/small.efi")
    plain = images.make_uki(tmp_path / "plain.efi", kernel, None)
    status, found = check(images.small_disk(tmp_path / "b.img", plain))
    assert status == 3 and has(found["error"], "initrd", "there is no initrd, and no root=")
    other = images.make_uki(tmp_path / "other.efi", junk, junk)
    status, found = check(images.small_disk(tmp_path / "c.img", other))
    assert status == 3 and has(found["error"], "entry", "small.efi: the kernel in it: not a Linux kernel")


def test_without_an_initrd(tmp_path, kernel):
    path = images.small_disk(tmp_path / "disk.img", images.make_uki(tmp_path / "plain.efi", kernel, None))
    (tmp_path / "disk.conf").write_text("options root=/dev/sda1\n")
    status, found = check(path)
    assert status == 4 and has(found["ok"], "initrd", "vhdboot mounts its root, partition 1 (vfat)")
    assert has(found["ok"], "root", "root=/dev/sda1 becomes UUID=")
    (tmp_path / "disk.conf").write_text("options root=/dev/sda7\n")
    status, found = check(path)
    assert status == 3 and has(found["error"], "root", "/dev/sda7", "only partition 1")


def disk_with_files(path, files):
    """An ESP with these files, and nothing else."""
    disk.create(path, 42 * MIB, disk.Table("gpt", "5EEDB007-0000-4000-8000-000000000001", [
        disk.Partition(MIB, 40 * MIB, disk.ESP)]))
    fat = path.with_suffix(".fat")
    disk.format_esp(fat, 40 * MIB, files)
    disk.place(fat, path, MIB)
    return path


def test_a_boot_loader_entry(tmp_path, kernel):
    conf = tmp_path / "conf"
    conf.write_text("title Small\nlinux /small/linux\ninitrd /small/initrd\noptions quiet\n")
    initrd = tmp_path / "initrd"
    initrd.write_bytes(images.EMPTY_ARCHIVE)
    files = {"/small/linux": kernel, "/small/initrd": initrd, "/loader/entries/small+2-1.conf": conf}
    status, found = check(disk_with_files(tmp_path / "disk.img", files))
    assert status == 4 and has(found["ok"], "kernel", "small.conf: Small, kernel 6.1.0-small", "by default")
    assert has(found["ok"], "tries", "2 tries left")
    files["/loader/entries/small+0-3.conf"] = files.pop("/loader/entries/small+2-1.conf")
    status, found = check(disk_with_files(tmp_path / "tried.img", files))
    assert status == 4 and has(found["warning"], "tries", "no tries left")
    del files["/small/initrd"]
    status, found = check(disk_with_files(tmp_path / "less.img", files))
    assert status == 3 and has(found["error"], "entry", "small+0-3.conf: /small/initrd is not there")


def test_crooked_partitions(tmp_path, uki):
    path = tmp_path / "disk.img"
    disk.create(path, 44 * MIB, disk.Table("gpt", "5EEDB007-0000-4000-8000-000000000001", [
        disk.Partition(MIB + 512, 40 * MIB, disk.ESP)]))
    fat = tmp_path / "fat"
    disk.format_esp(fat, 40 * MIB, {"/EFI/Linux/small.efi": uki})
    disk.place(fat, path, MIB + 512)
    status, found = check(path)
    assert status == 4 and has(found["warning"], "alignment", "4 KiB")


def test_a_damaged_table(image):
    with open(image, "r+b") as file:
        file.seek(512 + 60)
        file.write(b"x")
    status, found = check(image)
    assert status == 3 and has(found["error"], "partition-table", "which Linux does not do")
    assert "kernel" in names(found["ok"])


def test_everything_at_once(tmp_path, kernel):
    """A raw disk called VHD, a kernel that is none, without an initrd, a second image that is none, no backup GPT."""
    junk = tmp_path / "junk"
    junk.write_bytes(b"no kernel" * 1000)
    path = images.small_disk(tmp_path / "disk.vhd", images.make_uki(tmp_path / "a.efi", junk, None))
    run("mcopy", "-i", f"{path}@@1M", junk, "::EFI/Linux/second.efi")
    with open(path, "r+b") as file:
        file.seek(-512, os.SEEK_END)
        file.write(bytes(512))
    status, found = check(path)
    assert status == 3
    assert names(found["error"]) == ["entry", "entry", "footer"]
    assert names(found["warning"]) == ["file-system", "gpt-backup"]


def test_usage_and_what_cannot_be_read(tmp_path, image):
    missing = tmp_path / "missing"
    for status, *args in ([2], [2, image, image], [2, "--nonsense", image], [1, missing], [3, tmp_path],
                          [3, "--volume", image, "disk.vhd"], [1, "--volume", missing, "disk.vhd"]):
        done = vhdtool("check", *args)
        assert done.returncode == status and done.stdout == "" and done.stderr.count("\n") == 1, (args, done)
        if status != 2:
            told = json.loads(vhdtool("check", "--json", *args).stdout)
            assert told["status"] == status and told["message"] in done.stderr and "findings" not in told
    told = vhdtool("check", "--help")
    assert told.returncode == 0 and "Examples:" in told.stdout


def test_the_configuration_beside_it(tmp_path, image):
    conf = tmp_path / "disk.conf"
    assert "config" not in names(check(image)[1]["ok"])
    conf.write_text("entry small*\noptions quiet\n")
    status, found = check(image)
    assert status == 4 and has(found["ok"], "config", "disk.conf")
    assert has(found["ok"], "kernel", "is booted as configured")
    conf.write_text("entry other*\nimgae x\n")
    status, found = check(image)
    assert status == 3 and has(found["error"], "entry", "other*")
    assert has(found["warning"], "config", "disk.conf:2: ")
    conf.write_text("# by hand\nrescue steam\n")
    status, found = check(image)
    assert status == 3 and has(found["error"], "config", "disk.conf:2: ")
    named = conf.rename(tmp_path / "other.conf")
    assert check(image)[0] == 4
    status, found = check(image, "--conf", named)
    assert status == 3 and has(found["error"], "config", "other.conf:2: ")
    named.write_text("modules guest\n")
    status, found = check(image, "--conf", named)
    assert status == 4 and has(found["warning"], "modules", "`modules guest`")
    done = vhdtool("check", "--conf", tmp_path / "missing.conf", image)
    assert done.returncode == 1 and done.stdout == "" and "missing.conf" in done.stderr


def test_the_configuration_on_an_unmounted_volume(tmp_path, volume):
    copy = disk.clone(volume, tmp_path / "volume")
    with mounted(copy, tmp_path / "mounted") as folder:
        (folder / "boot/good.conf").write_text("entry nothing\n")
    status, found = check("/boot/good.vhd", "--volume", copy, watched=copy)
    assert status == 3 and has(found["error"], "entry", "nothing") and has(found["ok"], "config", "good.conf")


def test_a_scratch_file(tmp_path, volume):
    copy, conf = disk.clone(volume, tmp_path / "volume"), tmp_path / "debian.conf"
    with mounted(copy, tmp_path / "mounted") as folder:
        (folder / "small.img").write_bytes(bytes(MIB))
        (folder / "boot/scratch.img").write_bytes(bytes(64 * MIB))

    def judged(file):
        conf.write_text(f"ephemeral {file}\n", encoding="utf-8")
        return check("/boot/good.vhd", "--volume", copy, "--conf", conf, watched=copy)

    status, found = judged("\\BOOT\\scratch.img")
    assert status == 4 and names(found["warning"]) == ["modules"]
    for file, words in {"/boot/missing.img": "missing.img", "/small.img": "at least 64 MiB",
                        "/boot/good.vhd": "something else is in it"}.items():
        status, found = judged(file)
        assert status == 3 and names(found["error"]) == ["scratch"] and has(found["error"], "scratch", "its scratch file", words)
    assert "sparse" in names(judged("/sparse.vhd")[1]["error"])


def test_further_disks(tmp_path, volume):
    copy, conf = disk.clone(volume, tmp_path / "volume"), tmp_path / "debian.conf"
    with mounted(copy, tmp_path / "mounted") as folder:
        (folder / "boot/data.img").write_bytes(bytes(MIB))
        run("qemu-img", "create", "-q", "-f", "vpc", folder / "holes.vhd", "8M")

    def judged(text):
        conf.write_text(text, encoding="utf-8")
        return check("/boot/good.vhd", "--volume", copy, "--conf", conf, watched=copy)

    status, found = judged("disk data.img\n")
    assert status == 4 and names(found["warning"]) == ["modules"]
    for text, name, words in (("disk missing.img", "disk", "missing.img"), ("disk good.vhd", "disk", "already"),
                              ("disk data.img\ndisk \\BOOT\\DATA.img", "disk", "already"),
                              ("disk /holes.vhd", "writing", "`vhdtool provision --full`")):
        status, found = judged(text + "\n")
        assert status == 3 and names(found["error"]) == [name], found
        assert has(found["error"], name, "its further disk", words)
    assert judged("disk /holes.vhd\nephemeral yes\n")[0] == 4
    assert "sparse" in names(judged("disk /sparse.vhd\n")[1]["error"])


def test_an_image_for_what_is_kept(tmp_path, volume):
    need("mke2fs")
    copy, conf, keep = disk.clone(volume, tmp_path / "volume"), tmp_path / "debian.conf", tmp_path / "keep"
    disk.create(keep, 8 * MIB)
    run("mke2fs", "-q", "-t", "ext4", "-E", "nodiscard", keep)
    with mounted(copy, tmp_path / "mounted") as folder:
        (folder / "boot/keep.img").write_bytes(keep.read_bytes())
        (folder / "boot/empty.img").write_bytes(bytes(8 * MIB))

    def judged(text):
        conf.write_text(text, encoding="utf-8")
        return check("/boot/good.vhd", "--volume", copy, "--conf", conf, watched=copy)

    status, found = judged("ephemeral yes\npersist \\BOOT\\keep.img\npersist-paths /home /var/log\n")
    assert status == 4 and names(found["warning"]) == ["modules"]
    for file, words in {"/boot/missing.img": "missing.img", "/boot/empty.img": "it holds nothing, and no file system"}.items():
        status, found = judged(f"ephemeral yes\npersist {file}\npersist-paths /home\n")
        assert status == 3 and names(found["error"]) == ["persist"]
        assert has(found["error"], "persist", "its image of `persist`", words)
    assert "sparse" in names(judged("ephemeral yes\npersist /sparse.vhd\npersist-paths /home\n")[1]["error"])
    assert judged("ephemeral yes\npersist /boot/good.vhd\npersist-paths /home\n")[0] == 3
    for text, words in {"persist /boot/keep.img\npersist-paths /home\n": "without `ephemeral`",
                        "ephemeral yes\npersist /boot/keep.img\n": "must both be said",
                        "ephemeral yes\npersist-paths /home\n": "must both be said",
                        "persist-paths /home /home/me\n": "lies in another one"}.items():
        status, found = judged(text)
        assert status == 3 and has(found["error"], "config", words)


def test_a_file_that_is_two_of_a_guest(tmp_path, volume):
    """Where the volume is mounted, and by another name of the file, too."""
    copy, conf = disk.clone(volume, tmp_path / "volume"), tmp_path / "debian.conf"
    with mounted(copy, tmp_path / "mounted") as folder:
        (folder / "boot/data.img").write_bytes(bytes(MIB))
        for text, name in (("disk data.img\ndisk /boot/data.img\n", "data.img"), ("disk good.vhd\n", "good.vhd"),
                           ("ephemeral /boot/data.img\ndisk data.img\n", "data.img"),
                           ("ephemeral yes\ndisk data.img\npersist /boot/data.img\npersist-paths /home\n", "data.img")):
            conf.write_text(text, encoding="utf-8")
            status, found = check(folder / "boot/good.vhd", "--conf", conf)
            assert status == 3 and has(found["error"], "disk", f"{name} is a file of this guest already"), (text, found)
        conf.write_text("disk data.img\n", encoding="utf-8")
        assert check(folder / "boot/good.vhd", "--conf", conf)[1]["error"] == []


KERNEL = "6.1.0-small"


def elf_module(release):
    """The least that kmod calls a module: sections "", .modinfo and .shstrtab."""
    info, names_ = f"vermagic={release} SMP \0".encode(), b"\0.modinfo\0.shstrtab\0"
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 1, 62, 1, 0, 0, 64, 0, 64, 0, 0, 64, 3, 2)
    section = "<IIQQQQIIQQ"
    return (head + bytes(64) + struct.pack(section, 1, 1, 0, 0, 256, len(info), 0, 0, 1, 0) +
            struct.pack(section, 10, 3, 0, 0, 256 + len(info), len(names_), 0, 0, 1, 0) + info + names_)


def disk_with_root(tmp_path, uki, fstab, release=KERNEL, builtin=("nvme", "ahci", "sd_mod")):
    """A guest with modules that are files, and others that are built in."""
    need("mke2fs")
    root = tmp_path / "root"
    modules = root / "usr/lib/modules" / KERNEL
    modules.mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc/fstab").write_text(fstab)
    (modules / "dm-mod.ko").write_bytes(elf_module(release))
    (modules / "loop.ko").write_bytes(elf_module(KERNEL))
    (modules / "modules.dep").write_text("dm-mod.ko:\nloop.ko:\n")
    (modules / "modules.builtin").write_text("".join(f"kernel/{name}.ko\n" for name in builtin))
    path = tmp_path / "disk.img"
    disk.create(path, 60 * MIB, disk.Table("gpt", "5EEDB007-0000-4000-8000-000000000001", [
        disk.Partition(MIB, 40 * MIB, disk.ESP), disk.Partition(41 * MIB, 16 * MIB, disk.LINUX_ROOT)]))
    part = tmp_path / "part"
    disk.format_esp(part, 40 * MIB, {"/EFI/Linux/small.efi": uki})
    disk.place(part, path, MIB)
    part.write_bytes(bytes(16 * MIB))
    run("mke2fs", "-q", "-t", "ext4", "-d", root, part)
    disk.place(part, path, 41 * MIB)
    return path


ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0 or not Path("/dev/loop-control").exists(),
                               reason="needs root, loop devices")


@ROOT_ONLY
def test_what_a_root_says(tmp_path, uki):
    path = disk_with_root(tmp_path, uki, "UUID=1 / ext4 defaults 0 1\n/dev/sda2 /home ext4 defaults 0 2\n")
    status, found = check(path)
    assert status == 4 and has(found["ok"], "modules", "dm_mod, loop") and has(found["ok"], "vermagic", "2 modules")
    assert has(found["ok"], "storage", "NVMe (built in), SATA (AHCI) (built in)")
    assert has(found["warning"], "storage", "USB (xHCI) (xhci_pci, usb_storage)")
    assert has(found["warning"], "fstab", "line 2", "/dev/sda2", "UUID=")
    (tmp_path / "disk.conf").write_text("modules-from 9\n")
    status, found = check(path)
    assert status == 3 and has(found["error"], "root", "the guest disk has no such partition")
    (tmp_path / "disk.conf").write_text("modules-from 2\nmodules guest\n")
    status, found = check(path)
    assert status == 4 and has(found["warning"], "modules", "`modules guest`") and "fstab" in names(found["warning"])
    assert "vermagic" not in names(found["ok"])


@ROOT_ONLY
def test_modules_of_another_kernel(tmp_path, uki):
    path = disk_with_root(tmp_path, uki, "UUID=1 / ext4\n", "6.0.9-other")
    status, found = check(path)
    assert status == 3 and has(found["error"], "vermagic", "dm-mod.ko", "6.0.9-other", KERNEL)
    assert has(found["ok"], "fstab", "by the order")


@contextlib.contextmanager
def mounted(volume, folder):
    folder.mkdir(exist_ok=True)
    run("ntfs-3g", volume, folder)
    try:
        yield folder
    finally:
        run("umount", folder)


def make_ntfs(path, size):
    with open(path, "wb") as file:
        file.truncate(size)
    run("mkntfs", "-F", "-q", "-Q", "-s", 512, "-c", 4096, "-p", 2048, "-H", 255, "-S", 63, path)
    return path


@pytest.fixture(scope="module", name="volume")
def fixture_volume(tmp_path_factory, good):
    need_fuse()
    volume = make_ntfs(tmp_path_factory.mktemp("volume") / "volume.ntfs", 160 * MIB)
    with mounted(volume, volume.with_name("mounted")) as folder:
        (folder / "boot").mkdir()
        run("cp", "--sparse=never", good, folder / "boot/good.vhd")
        run("cp", "--sparse=always", good, folder / "sparse.vhd")
        (folder / "tiny.vhd").write_bytes(b"tiny")
    return volume


def test_on_an_unmounted_volume(volume):
    status, found = check("/BOOT/good.vhd", "--volume", volume, watched=volume)
    assert status == 4 and names(found["warning"]) == ["modules"]
    assert has(found["ok"], "volume", "NTFS, clean") and has(found["ok"], "extents", "piece")
    status, found = check("sparse.vhd", "--volume", volume, watched=volume)
    assert status == 3 and has(found["error"], "sparse", "fsutil sparse setflag FILE 0")
    status, found = check("tiny.vhd", "--volume", volume, watched=volume)
    assert status == 3 and has(found["error"], "resident", "lies within the MFT")
    status, found = check("boot", "--volume", volume, watched=volume)
    assert status == 3 and has(found["error"], "folder", "has no metadata of WSL 1")
    done = vhdtool("check", "--volume", volume, "/boot/missing.vhd")
    assert done.returncode == 3 and done.stdout == "" and "missing.vhd" in done.stderr


def test_on_a_mounted_volume(tmp_path, volume):
    with mounted(volume, tmp_path / "mounted") as folder:
        done = vhdtool("check", folder / "boot/good.vhd")
        assert done.returncode == 4, done.stdout
        assert "this driver does not tell where the file lies" in done.stdout
        assert "no holes, not compressed, not encrypted" in done.stdout and "error:" not in done.stdout
        done = vhdtool("check", folder / "sparse.vhd")
        assert done.returncode == 3 and "fsutil sparse" in done.stdout


def test_a_volume_that_is_in_use(volume):
    device = run("losetup", "--find", "--show", "--read-only", volume).strip()
    try:
        for name, word in ((volume, "detach it first"), (device, None)):
            done = vhdtool("check", "--volume", name, "/boot/good.vhd")
            if word:
                assert done.returncode == 3 and done.stdout == "" and word in done.stderr
            else:
                assert done.returncode == 4 and "NTFS, clean" in done.stdout, done
    finally:
        run("losetup", "--detach", device)


def test_a_dirty_volume(tmp_path, good):
    need("mkfs.exfat")
    volume = tmp_path / "volume.exfat"
    with open(volume, "wb") as file:
        file.truncate(64 * MIB)
    run("mkfs.exfat", volume)
    with open(volume, "r+b") as file:
        file.seek(106)
        file.write(b"\x02\x00")  # VolumeFlags: VolumeDirty
    done = vhdtool("check", "--volume", volume, "/nothing")
    assert done.returncode == 3 and "nothing" in done.stderr
    need_fuse()
    ntfs = make_ntfs(tmp_path / "volume.ntfs", 64 * MIB)
    with mounted(ntfs, tmp_path / "mounted") as folder:
        run("cp", "--sparse=never", good, folder / "d.vhd")
        (folder / "hiberfil.sys").write_bytes(b"hibr" + bytes(8192))
    status, found = check("d.vhd", "--volume", ntfs, watched=ntfs)
    assert status == 3 and has(found["error"], "volume", "Windows is hibernated on it", "powercfg /h off")


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/dev/loop-control").exists(), reason="needs root, loop devices")
@pytest.mark.parametrize("root,word", [("luks", "partition 2 of the guest disk is encrypted"),
                                       ("ext4", "partition 2 of the guest disk has no modules of kernel 6.1.0-small"),
                                       ("none", "partition 1 of the guest disk has no modules of kernel 6.1.0-small")])
def test_roots_without_modules(tmp_path, uki, root, word):
    path = tmp_path / "disk.img"
    disk.create(path, 60 * MIB, disk.Table("gpt", "5EEDB007-0000-4000-8000-000000000001", [
        disk.Partition(MIB, 40 * MIB, disk.ESP), disk.Partition(41 * MIB, 16 * MIB, disk.LINUX_ROOT)]))
    part = tmp_path / "part"
    disk.format_esp(part, 40 * MIB, {"/EFI/Linux/small.efi": uki})
    disk.place(part, path, MIB)
    if root == "luks":  # LUKS2 needs a whole header, LUKS1 only this
        with open(path, "r+b") as file:
            file.seek(41 * MIB)
            file.write(b"LUKS\xba\xbe\x00\x01" + bytes(160) + b"5eedb007-0000-4000-8000-00000000000a")
    elif root == "ext4":
        part.write_bytes(bytes(16 * MIB))
        run("mke2fs", "-q", "-t", "ext4", part)
        disk.place(part, path, 41 * MIB)
    status, found = check(path)
    assert status == 4 and has(found["warning"], "modules", "its initrd has no modprobe to load a module for", word)


@ROOT_ONLY
def test_an_initrd_that_the_kernel_would_not_unpack(tmp_path, kernel):
    initrd = tmp_path / "initrd"
    initrd.write_bytes(images.EMPTY_ARCHIVE + b"what a download left")
    status, found = check(encrypted_disk(tmp_path, entry_files(tmp_path, kernel, 1, initrd)))
    assert status == 3 and has(found["error"], "modules", "the kernel would not unpack its initrd: at byte 124"), found


def packed_initrd(folder, modules, builtin=("ext4",)):
    """As an initrd generator leaves it, with these modules."""
    tree = folder / f"initrd-{'-'.join(modules)}"
    there = tree / "usr/lib/modules" / KERNEL
    there.mkdir(parents=True)
    (tree / "usr/sbin").mkdir()
    (tree / "usr/sbin/modprobe").write_bytes(b"ELF")
    for name in modules:
        (there / f"{name}.ko").write_bytes(elf_module(KERNEL))
    (there / "modules.dep").write_text("".join(f"{name}.ko:\n" for name in modules))
    (there / "modules.builtin").write_text("".join(f"kernel/{name}.ko\n" for name in builtin))
    archive = tree.with_suffix(".img")
    run("sh", "-euc", f"cd {tree} && find . | cpio --quiet -oH newc | gzip > {archive}")
    return archive


def encrypted_disk(tmp_path, files):
    """An ESP with these files, and a root that nobody reads."""
    path = tmp_path / "disk.img"
    disk.create(path, 60 * MIB, disk.Table("gpt", "5EEDB007-0000-4000-8000-000000000001", [
        disk.Partition(MIB, 40 * MIB, disk.ESP), disk.Partition(41 * MIB, 16 * MIB, disk.LINUX_ROOT)]))
    part = tmp_path / "part"
    disk.format_esp(part, 40 * MIB, files)
    disk.place(part, path, MIB)
    with open(path, "r+b") as file:
        file.seek(41 * MIB)
        file.write(b"LUKS\xba\xbe\x00\x01" + bytes(160) + b"5eedb007-0000-4000-8000-00000000000a")
    return path


def entry_files(folder, kernel, version, initrd):
    conf = folder / f"{version}.conf"
    conf.write_text(f"title Small\nsort-key small\nversion {version}\nlinux /{version}/linux\n"
                    f"initrd /{version}/initrd\noptions root=/dev/mapper/root\n")
    return {f"/loader/entries/small-{version}.conf": conf, f"/{version}/linux": kernel, f"/{version}/initrd": initrd}


@ROOT_ONLY
def test_an_initrd_for_another_machine(tmp_path, kernel):
    need("cpio")
    other = entry_files(tmp_path, kernel, 2, packed_initrd(tmp_path, ["dm-mod", "ahci"]))
    good = entry_files(tmp_path, kernel, 1, packed_initrd(tmp_path, ["dm-mod", "loop"]))
    path = encrypted_disk(tmp_path, other)
    status, found = check(path)
    assert status == 3 and has(found["error"], "modules", "its initrd has no module for the guest disk: loop devices",
                               "partition 2 of the guest disk is encrypted", "modules-from /FOLDER")
    assert not [text for _, texts in found.items() for _, text in texts if "is booted" in text]
    (tmp_path / "disk.conf").write_text("modules guest\n")
    status, found = check(path)
    assert status == 4 and has(found["warning"], "modules", "no module for the guest disk: loop devices")
    (tmp_path / "disk.conf").unlink()
    # The boot passes it over.
    status, found = check(encrypted_disk(tmp_path, other | good))
    assert status == 4, found
    assert [text for name, text in found["ok"] if name == "kernel" and "small-1.conf" in text and "before it" in text]
    assert ("initrd", "small-1.conf has an initrd: /1/initrd") in found["ok"]
    modules = [text for name, text in found["warning"] if name == "modules"]
    assert len(modules) == 1 and "no module for the guest disk: loop" in modules[0], found
    assert has(found["ok"], "modules", "its initrd has what the guest disk is made of")
    storage = [text for name, text in found["warning"] if name == "storage"]
    assert "the initrd for kernel 6.1.0-small has no driver for NVMe (nvme)" in storage[0], storage
    (tmp_path / "disk.conf").write_text("entry small-2*\n")
    status, found = check(tmp_path / "disk.img")
    assert status == 3 and "modules" in names(found["error"])


@ROOT_ONLY
def test_modules_from_a_folder_of_the_volume(tmp_path, kernel):
    need_fuse()
    need("cpio")
    image = encrypted_disk(tmp_path, entry_files(tmp_path, kernel, 2, packed_initrd(tmp_path, ["ahci"])))
    run(RAW2VHD, image)
    modules = tmp_path / "modules" / KERNEL
    modules.mkdir(parents=True)
    for name in ("dm-mod", "loop"):
        (modules / f"{name}.ko").write_bytes(elf_module(KERNEL))
    (modules / "modules.dep").write_text("dm-mod.ko:\nloop.ko:\n")
    ntfs = make_ntfs(tmp_path / "volume.ntfs", 160 * MIB)
    with mounted(ntfs, tmp_path / "mounted") as folder:
        run("cp", "--sparse=never", image, folder / "debian.vhd")
        (folder / "debian.conf").write_text("modules-from \\VHD\\Modules\n")
        (folder / "vhd").mkdir()
        run("cp", "-r", tmp_path / "modules", folder / "vhd/modules")
        status, found = check(folder / "debian.vhd")
        assert has(found["ok"], "modules", "dm_mod, loop"), "the boot ignores case, and Linux' driver does not"
    image_alone = tmp_path / "alone"
    image_alone.mkdir()
    run("cp", image, image_alone / "debian.vhd")
    (image_alone / "debian.conf").write_text("modules-from /vhd/modules\n")
    status, found = check(image_alone / "debian.vhd")
    assert status == 4 and has(found["warning"], "modules", "of the volume that the image is booted from"), found
    status, found = check("debian.vhd", "--volume", ntfs, watched=ntfs)
    assert has(found["ok"], "modules", "dm_mod, loop") and has(found["ok"], "vermagic", "the 2 modules"), found
    with mounted(ntfs, tmp_path / "mounted") as folder:
        (folder / "debian.conf").write_text("modules-from /vhd\n")
    status, found = check("debian.vhd", "--volume", ntfs, watched=ntfs)
    assert status == 3 and has(found["error"], "modules", "the folder /vhd on the volume has no modules of kernel")


@ROOT_ONLY
def test_the_default_subvolume_chooses(tmp_path, kernel):
    """As in the boot: the entry of the newest snapshot is none when the root was rolled back to an older one."""
    need("mkfs.btrfs", "btrfs")
    if "btrfs" not in Path("/proc/filesystems").read_text():
        pytest.skip("this kernel has no btrfs")
    part = tmp_path / "part"
    part.write_bytes(bytes(120 * MIB))
    run("mkfs.btrfs", "-q", "-U", "5eedb007-0000-4000-8000-00000000000b", part)
    (tmp_path / "top").mkdir()
    run("mount", "-o", "loop", part, tmp_path / "top")
    try:
        for number in (1, 2):
            run("btrfs", "subvolume", "create", tmp_path / f"top/{number}")
        run("btrfs", "subvolume", "set-default", tmp_path / "top/1")
    finally:
        run("umount", tmp_path / "top")
    files = {}
    initrd = tmp_path / "initrd"
    initrd.write_bytes(images.EMPTY_ARCHIVE)
    for number in (1, 2):
        files |= entry_files(tmp_path, kernel, number, initrd)
        conf = tmp_path / f"{number}.conf"
        conf.write_text(conf.read_text().replace("root=/dev/mapper/root", "root=UUID=5eedb007-0000-4000-8000-00000000000b "
                                                 f"rootflags=subvol={number}"))
    path = tmp_path / "disk.img"
    disk.create(path, 164 * MIB, disk.Table("gpt", "5EEDB007-0000-4000-8000-000000000001", [
        disk.Partition(MIB, 40 * MIB, disk.ESP), disk.Partition(41 * MIB, 120 * MIB, disk.LINUX_ROOT)]))
    disk.place(part, path, 41 * MIB)
    disk.format_esp(part, 40 * MIB, files)
    disk.place(part, path, MIB)
    _, found = check(path)
    booted = [text for name, text in found["ok"] if name == "kernel" and "is booted" in text]
    assert len(booted) == 1 and "small-1.conf" in booted[0] and "default subvolume" in booted[0], found


@ROOT_ONLY
def test_a_root_on_a_logical_volume(tmp_path, uki):
    need("lvm", "mke2fs")
    path = disk_with_root(tmp_path, uki, "/dev/mapper/vg-root / ext4\n")
    root = tmp_path / "part"  # the file system that is on it now
    group = tmp_path / "group"
    group.write_bytes(bytes(28 * MIB))
    guest_root.make_volume_group("vg", 4, group)
    disk.copy_range(root, 0, group, 4 * MIB, 16 * MIB)
    lvm = tmp_path / "lvm.img"
    disk.create(lvm, 72 * MIB, disk.Table("gpt", "5EEDB007-0000-4000-8000-000000000001", [
        disk.Partition(MIB, 40 * MIB, disk.ESP), disk.Partition(41 * MIB, 28 * MIB, disk.LINUX_ROOT)]))
    disk.copy_range(path, MIB, lvm, MIB, 40 * MIB)
    disk.place(group, lvm, 41 * MIB)
    (tmp_path / "lvm.conf").write_text("options root=/dev/mapper/vg-root\n")
    status, found = check(lvm)
    assert status == 4 and has(found["ok"], "modules", "dm_mod, loop") and has(found["ok"], "fstab"), found


def cached_guests():
    for recipe in sorted(RECIPES.glob("*.toml")):
        loaded = load_recipe(recipe.stem)
        path = cache_folder() / f"{loaded.name}-{loaded.key}" / "disk.raw"
        if path.is_file():
            yield loaded, path


GUESTS = list(cached_guests())


@pytest.mark.parametrize("recipe,path", GUESTS, ids=[recipe.name for recipe, _ in GUESTS])
def test_modules_of_a_guest(recipe, path):
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        pytest.skip("looking into a guest's root needs root and loop devices")
    if f"\t{recipe.root_fs}\n" not in Path("/proc/filesystems").read_text(encoding="ascii"):
        status, found = check(path)
        assert status == 4 and any(f"it holds {recipe.root_fs}" in text for _, text in found["warning"]), "the boot knows it"
        pytest.skip(f"this kernel has no {recipe.root_fs}")
    if "casefold" in recipe.mkfs and not Path("/sys/fs/ext4/features/casefold").exists():
        status, found = check(path)
        assert status == 4 and has(found["warning"], "unread", "it holds ext4")
        pytest.skip("this kernel does not know casefold")
    status, found = check(path, hashed=path == GUESTS[0][1])
    if not recipe.kernel:
        assert status == 3 and has(found["error"], "entry", "or name an image that has one by `kernel`")
        return
    assert status == 4 and not found["error"], found
    if recipe.container == "luks":
        passed_over = ["modules"] if recipe.name in ("debian13-fedora-luks", "debian13-arch-luks") else []
        assert names(found["warning"]) == ["file-system", *passed_over], found
        assert has(found["ok"], "modules", "its initrd has what the guest disk is made of")
        assert has(found["ok"], "storage", "NVMe, SATA (AHCI), USB (xHCI)")
        return
    # Entries that are no more, and an fstab of WSL's.
    stale = ["entry"] if recipe.entry == "loader.conf" or recipe.name == "debian12-wsl" else []
    assert names(found["warning"]) == [*stale, "file-system"], found
    assert has(found["ok"], "modules", "dm_mod, loop")


@pytest.mark.skipif(os.geteuid() != 0 or not GUESTS, reason="needs root and a guest in the cache")
def test_without_root_nothing_is_mounted():
    """And that is told."""
    program = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", VHDTOOL, "check", "--json", "/dev/stdin"]
    with open(GUESTS[0][1], "rb") as image:
        done = subprocess.run([str(word) for word in program], stdin=image, capture_output=True, text=True)
    if "Permission denied" in done.stderr or done.returncode not in (3, 4):
        pytest.skip("another user cannot reach the program")
    assert "run this as root to look into it" in done.stdout
