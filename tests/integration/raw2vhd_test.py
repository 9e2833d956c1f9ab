# SPDX-License-Identifier: GPL-2.0-or-later
"""raw2vhd on real files: what qemu-img, vhdiinfo, sgdisk and e2fsck say of what it makes, and that a file which it
refuses is left byte for byte as it was.

Needs qemu-utils and gdisk; with vhdiinfo (libvhdi-utils), ntfs-3g and root it does more.
"""

import contextlib
import hashlib
import json
import os
import re
import resource
import shutil
import socket
import stat
import struct
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.command import run  # noqa: E402
from support.paths import PRODUCTS  # noqa: E402

KIB, MIB, GIB = 1024, 1024**2, 1024**3
LIMIT = 2040 * GIB
UUID = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
RAW2VHD = PRODUCTS / "raw2vhd"
WRONG_SIZE, TOO_LARGE, OTHER_FORMAT = "wrong-size", "too-large", "other-format"
DAMAGED, NOT_REGULAR, READ_ONLY, IN_USE, NO_ROOM = "damaged", "not-regular", "read-only", "in-use", "no-room"


def status_of(reason):
    """The exit status that goes with the word."""
    return 1 if reason in ("failed", READ_ONLY, NO_ROOM) else 3

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def needs(tool):
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return pytest.mark.skipif(shutil.which(tool, path=path) is None, reason=f"{tool} is not installed")


# --- running it ---------------------------------------------------------------------------------------------------


def raw2vhd(*args, **options):
    """Runs it and returns the completed process, whatever the status."""
    return subprocess.run([RAW2VHD, *map(str, args)], capture_output=True, text=True, timeout=60, **options)


def convert(path, *options):
    """Runs it, which must succeed, and returns what it reports."""
    done = raw2vhd("--json", *options, path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["schema"], told["status"], len(told["files"])) == ("vhdboot.raw2vhd/1", 0, 1)
    return told["files"][0]


def fingerprint(path):
    """All of a file that could change; holes are skipped, so that a large sparse file costs nothing."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        at = 0
        while at < size:
            try:
                start = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            at = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            for offset in range(start, at, MIB):
                block = os.pread(file.fileno(), min(MIB, at - offset), offset)
                for sector in range(0, len(block), 512):
                    data = block[sector : sector + 512]
                    if data.count(0) != len(data):
                        digest.update(struct.pack("<Q", offset + sector) + data)
    return size, digest.hexdigest(), path.stat().st_mtime_ns


def refuse(path, reason, *words, options=(), **how):
    """It must refuse, with one sentence that has these words, and leave the file alone."""
    before = fingerprint(path) if path.is_file() else None
    for dry_run in ([], ["--dry-run"]):
        done = raw2vhd(*dry_run, *options, path, **how)
        assert done.returncode == status_of(reason), (done.returncode, done.stderr)
        assert done.stdout == ""
        assert done.stderr.startswith("raw2vhd: ") and done.stderr.count("\n") == 1, done.stderr
        for word in words:
            assert word in done.stderr
    if before is not None:
        assert fingerprint(path) == before
    told = json.loads(raw2vhd("--json", *options, path, **how).stdout)
    [reported] = told["files"]
    assert told["status"] == reported["status"] == status_of(reason)
    assert reported["reason"] == reason and reported["message"] in done.stderr
    return done.stderr


# --- images -------------------------------------------------------------------------------------------------------


def make_raw(path, size, seed=1):
    """A sparse raw image with pieces of recognisable data at its start, in its middle and at its end."""
    with open(path, "wb") as file:
        file.truncate(size)
        for place in (4096, size // 2 // 512 * 512, max(0, size - 4096)):
            file.seek(place)
            file.write(hashlib.sha512(f"{seed} {place}".encode()).digest()[: size - place])
    return path


def make_gpt(path, size):
    make_raw(path, size)
    with open(path, "r+b") as file:
        file.seek(size - 33 * 512)
        file.write(bytes(33 * 512))
    run("sgdisk", "--clear", "--new=1:2048:+4M", "--typecode=1:ef00", "--new=2:0:0", path)
    return path


def grow(path, size):
    """As `truncate -s`; size may be "+10G"."""
    run("truncate", "-s", size, path)


def footer_of(path):
    with open(path, "rb") as file:
        file.seek(-512, os.SEEK_END)
        data = file.read(512)
    assert data[:8] == b"conectix"
    names = "features version data_offset timestamp creator creator_version creator_os original_size size"
    fields = dict(zip(names.split(), struct.unpack(">IIQI4sI4sQQ", data[8:56])))
    fields["geometry"] = struct.unpack(">HBB", data[56:60])
    fields["type"], fields["checksum"] = struct.unpack(">II", data[60:68])
    fields["uuid"] = str(uuid.UUID(bytes=data[68:84]))
    assert fields["checksum"] == ~(sum(data) - sum(data[64:68])) & 0xFFFFFFFF
    assert data[84:] == bytes(428)
    return fields


def specified_geometry(sectors):
    """The appendix of the Virtual Hard Disk Image Format Specification, independent of vhd/geometry.h."""
    sectors = min(sectors, 65535 * 16 * 255)
    if sectors >= 65535 * 16 * 63:
        per_track, heads = 255, 16
        tracks = sectors // per_track
    else:
        per_track = 17
        tracks = sectors // per_track
        heads = max((tracks + 1023) // 1024, 4)
        if tracks >= heads * 1024 or heads > 16:
            per_track, heads = 31, 16
            tracks = sectors // per_track
        if tracks >= heads * 1024:
            per_track, heads = 63, 16
            tracks = sectors // per_track
    return tracks // heads, heads, per_track


def qemu_size(path, *options):
    return json.loads(run("qemu-img", "info", "--output=json", *options, path))["virtual-size"]


def check_vhd(path, payload):
    """Every reader that there is agrees that it is a fixed VHD of that size."""
    footer = footer_of(path)
    assert path.stat().st_size == payload + 512
    assert footer["size"] == payload and footer["type"] == 2 and footer["creator"] == b"win "
    assert footer["data_offset"] == 2**64 - 1 and footer["version"] == 0x10000
    assert footer["geometry"] == specified_geometry(payload // 512)
    assert qemu_size(path, "-f", "vpc") == payload
    if shutil.which("vhdiinfo"):
        said = run("vhdiinfo", path)
        assert re.search(r"Disk type\s*: Fixed", said)
        assert re.search(rf"Media size\s*: .*\b{payload} bytes", said)
        assert re.search(rf"Identifier\s*: {footer['uuid']}", said)
    return footer


def same_content(vhd, raw):
    """qemu reads the same disk through the VHD as from the raw image; what is longer is zeros."""
    run("qemu-img", "compare", "-f", "vpc", "-F", "raw", vhd, raw)


@pytest.fixture
def image(tmp_path):
    return make_raw(tmp_path / "disk.vhd", 10 * MIB)


# --- raw images ---------------------------------------------------------------------------------------------------


def test_a_raw_image_becomes_a_fixed_vhd(image, tmp_path):
    raw = tmp_path / "copy.raw"
    shutil.copyfile(image, raw)
    before = int(time.time())
    report = convert(image)
    footer = check_vhd(image, 10 * MIB)
    assert report["change"] == "created" and report["uuid"] == footer["uuid"]
    assert report["writes"] == [{"offset": 10 * MIB, "length": 512, "what": "footer"}]
    assert before <= footer["timestamp"] + 946684800 <= time.time()
    assert uuid.UUID(footer["uuid"]).version == 4
    same_content(image, raw)
    assert image.read_bytes()[:-512] == raw.read_bytes()
    # Probed by its first bytes, as Ventoy and `-drive file=` do, it is a raw disk that is one sector longer.
    probed = json.loads(run("qemu-img", "info", "--output=json", image))
    assert (probed["format"], probed["virtual-size"]) == ("raw", 10 * MIB + 512)


def test_qemu_img_converts_it(image, tmp_path):
    raw = tmp_path / "copy.raw"
    shutil.copyfile(image, raw)
    convert(image)
    for target in ("raw", "qcow2", "vhdx"):
        run("qemu-img", "convert", "-f", "vpc", "-O", target, image, tmp_path / f"out.{target}")
        run("qemu-img", "compare", "-f", target, "-F", "raw", tmp_path / f"out.{target}", raw)
        if target != "raw":
            run("qemu-img", "check", "-f", target, tmp_path / f"out.{target}")


def test_running_again_changes_nothing(image):
    convert(image)
    before = fingerprint(image)
    report = convert(image)
    assert report["change"] == "unchanged" and report["writes"] == []
    assert fingerprint(image) == before
    assert "nothing to do" in raw2vhd(image).stdout


def boundaries():
    """Sizes in sectors around every place where the geometry's class changes, up to the largest disk."""
    edges = {1, 17, 68, 17 * 4 * 1024, 17 * 16 * 1024, 31 * 16 * 1024, 65535 * 16 * 63, 65535 * 16 * 255, LIMIT // 512}
    edges |= {17 * 1024 * heads for heads in range(4, 18)}
    near = {edge + delta for edge in edges for delta in (-18, -17, -1, 0, 1, 16, 17, 18)}
    return sorted(sectors for sectors in near if 0 < sectors <= LIMIT // 512)


def test_geometry_of_every_class(tmp_path):
    path = tmp_path / "disk.vhd"
    for sectors in boundaries():
        path.unlink(missing_ok=True)
        grow(path, sectors * 512)
        convert(path)
        footer = footer_of(path)
        assert footer["geometry"] == specified_geometry(sectors), sectors
        assert footer["size"] == footer["original_size"] == sectors * 512


@pytest.mark.parametrize("size", [MIB, 8 * GIB - 512, 127 * GIB, 128 * GIB, 500 * 10**9, 2000 * GIB, LIMIT])
def test_qemu_and_vhdiinfo_read_every_size(tmp_path, size):
    path = tmp_path / "disk.vhd"
    grow(path, size)
    convert(path)
    check_vhd(path, size)


def test_the_cost_does_not_depend_on_the_size(tmp_path):
    for size in (MIB, GIB, 1024 * GIB, LIMIT):
        path = make_raw(tmp_path / "disk.vhd", size)
        blocks = path.stat().st_blocks
        started = time.monotonic()
        report = convert(path)
        assert time.monotonic() - started < 5
        assert sum(write["length"] for write in report["writes"]) == 512
        assert (path.stat().st_blocks - blocks) * 512 <= 64 * KIB
        path.unlink()


def test_pad(tmp_path):
    path = make_raw(tmp_path / "disk.vhd", MIB - 100)
    raw = path.read_bytes()
    report = convert(path, "--pad")
    check_vhd(path, MIB)
    assert path.read_bytes()[:-512] == raw + bytes(100)
    assert len(report["writes"]) == 1
    assert convert(path, "--pad")["writes"] == []


def test_uuid_and_time_can_be_given(image):
    done = raw2vhd("--uuid", UUID.upper(), image, env={**os.environ, "SOURCE_DATE_EPOCH": "1000000000"})
    assert done.returncode == 0 and UUID in done.stdout
    footer = check_vhd(image, 10 * MIB)
    assert footer["uuid"] == UUID
    assert footer["timestamp"] == 1000000000 - 946684800
    assert convert(image, "--uuid", UUID)["writes"] == []
    other = str(uuid.uuid4())
    assert convert(image, "--uuid", other)["writes"] == [{"offset": 10 * MIB, "length": 512, "what": "footer"}]
    assert check_vhd(image, 10 * MIB)["uuid"] == other


def test_a_symbolic_link_is_followed(image, tmp_path):
    link = tmp_path / "link.vhd"
    link.symlink_to(image.name)
    convert(link)
    assert link.is_symlink()
    check_vhd(image, 10 * MIB)


# --- VHDs of other programs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [5 * MIB, 71 * MIB, 300 * MIB, 600 * MIB, 40 * GIB, 2000 * GIB])
@pytest.mark.parametrize("force_size", ["on", "off"])
def test_a_vhd_by_qemu_stays_and_can_be_grown(tmp_path, size, force_size):
    path = tmp_path / "disk.vhd"
    run("qemu-img", "create", "-q", "-f", "vpc", "-o", f"subformat=fixed,force_size={force_size}", path, size)
    if size < GIB:
        run("qemu-io", "-f", "vpc", "-c", "write -P 7 1M 64k", path)
    before = footer_of(path)
    if force_size == "off":  # qemu chose the geometry and made the disk to fit it
        assert specified_geometry(before["size"] // 512) == before["geometry"]
    untouched = fingerprint(path)
    assert convert(path)["change"] == "unchanged"
    assert fingerprint(path) == untouched

    raw = tmp_path / "copy.raw"
    if size < GIB:
        run("qemu-img", "convert", "-f", "vpc", "-O", "raw", path, raw)
    grow(path, "+1G")
    report = convert(path)
    assert report["change"] == "grown"
    after = check_vhd(path, before["size"] + GIB)
    assert (after["uuid"], after["timestamp"]) == (before["uuid"], before["timestamp"])
    if size < GIB:
        grow(raw, "+1G")
        same_content(path, raw)


# --- growing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size, payload",
    [("+10G", 64 * MIB + 10 * GIB), ("+1M", 65 * MIB), ("+512", 64 * MIB + 512), ("2G", 2 * GIB), ("3GB", 3 * 10**9)],
)
@pytest.mark.parametrize("relocate", [False, True])
def test_after_truncate_the_disk_grows_by_what_was_asked(tmp_path, size, payload, relocate):
    path = make_gpt(tmp_path / "disk.vhd", 64 * MIB)
    convert(path, "--uuid", UUID)
    time_of_birth = footer_of(path)["timestamp"]
    raw = tmp_path / "copy.raw"
    shutil.copyfile(path, raw)
    os.truncate(raw, 64 * MIB)
    grow(path, size)
    # What a dry run says is what happens, and it does nothing.
    untouched = fingerprint(path)
    options = ["--relocate-gpt"] if relocate else []
    promised = convert(path, "--dry-run", *options)
    assert fingerprint(path) == untouched
    report = convert(path, *options)
    assert {**promised, "dry_run": False} == report

    footer = check_vhd(path, payload)
    assert (footer["uuid"], footer["timestamp"]) == (UUID, time_of_birth)
    assert (report["old_payload_size"], report["payload_size"]) == (64 * MIB, payload)
    with open(path, "rb") as file:
        there = os.pread(file.fileno(), 512, 64 * MIB)
    # The new backup table may lie where the old footer was.
    assert there[:8] != b"conectix" if relocate else there == bytes(512)
    if not relocate:
        grow(raw, payload)
        same_content(path, raw)
    assert bool(report["hints"]) != relocate
    again = convert(path, *options)
    assert again["change"] == "unchanged" and again["writes"] == []
    check_gpt(path, payload, relocated=relocate)


def check_gpt(path, payload, relocated):
    """What sgdisk says of the disk without the footer."""
    disk = path.with_suffix(".disk")
    run("cp", "--sparse=always", path, disk)
    os.truncate(disk, payload)
    said = run("sgdisk", "--verify", disk)
    assert ("No problems found" in said) == relocated, said
    if relocated:
        # The MBR protects the whole of it.
        with open(disk, "rb") as file:
            start, count = struct.unpack("<II", os.pread(file.fileno(), 8, 446 + 8))
        assert (start, count) == (1, min(payload // 512 - 1, 0xFFFFFFFF))
        # The backup alone is enough.
        partition = run("sgdisk", "--info=2", disk)
        with open(disk, "r+b") as file:
            file.seek(512)
            file.write(bytes(33 * 512))
        assert partition in run("sgdisk", "--info=2", disk)
    disk.unlink()


def test_the_backup_can_be_moved_later(tmp_path):
    path = make_gpt(tmp_path / "disk.vhd", 64 * MIB)
    convert(path)
    grow(path, "1G")
    assert "raw2vhd --relocate-gpt" in raw2vhd(path).stdout
    report = convert(path, "--relocate-gpt")
    assert report["change"] == "unchanged" and len(report["writes"]) == 4
    check_gpt(path, GIB, relocated=True)


def test_the_backup_of_a_raw_image_that_was_grown(tmp_path):
    path = make_gpt(tmp_path / "disk.vhd", 64 * MIB)
    grow(path, "1G")
    assert convert(path, "--relocate-gpt")["change"] == "created"
    check_vhd(path, GIB)
    check_gpt(path, GIB, relocated=True)


def test_growing_again_and_again(tmp_path):
    path = make_gpt(tmp_path / "disk.vhd", 64 * MIB)
    convert(path, "--uuid", UUID)
    payload = 64 * MIB
    for step in (512, 4096, 10 * KIB, MIB, 3 * MIB + 512, 100 * MIB, GIB):
        grow(path, f"+{step}")
        payload += step
        assert convert(path, "--relocate-gpt")["change"] == "grown"
        assert check_vhd(path, payload)["uuid"] == UUID
        check_gpt(path, payload, relocated=True)


def test_growing_again_without_moving_the_backup(tmp_path):
    path = make_gpt(tmp_path / "disk.vhd", 64 * MIB)
    convert(path, "--uuid", UUID)
    for size in ("1G", "2G", "3G"):
        grow(path, size)
        assert convert(path)["change"] == "grown"
    assert check_vhd(path, 3 * GIB)["uuid"] == UUID
    with open(path, "rb") as file:
        for old in (64 * MIB, GIB, 2 * GIB):
            assert os.pread(file.fileno(), 512, old) == bytes(512)


@needs("mkfs.ext4")
@pytest.mark.parametrize("table", ["mbr", "none"])
def test_a_disk_without_gpt(tmp_path, table):
    path = tmp_path / "disk.vhd"
    grow(path, "64M")
    if table == "mbr":
        run("sfdisk", "-q", path, stdin=b"label: dos\nstart=2048, size=100000, type=83\n")
    else:
        run("mkfs.ext4", "-q", path)
    convert(path, "--uuid", UUID)
    grow(path, "+64M")
    assert convert(path)["change"] == "grown"
    assert check_vhd(path, 128 * MIB)["uuid"] == UUID
    with open(path, "r+b") as file:
        assert os.pread(file.fileno(), 512, 64 * MIB) == bytes(512)
        file.truncate(128 * MIB)
    if table == "none":
        run("e2fsck", "-fn", path)
        run("resize2fs", path)
        run("e2fsck", "-fn", path)
    else:
        assert "100000" in run("sfdisk", "--dump", path)


def test_what_an_interrupted_run_left_is_wiped(tmp_path):
    """The state between the two writes of a growth: both footers are there."""
    for gpt in (True, False):
        path = tmp_path / "disk.vhd"
        path.unlink(missing_ok=True)
        (make_gpt if gpt else make_raw)(path, 64 * MIB)
        convert(path, "--uuid", UUID)
        old = path.read_bytes()[-512:]
        grow(path, "+1G")
        convert(path)
        finished = fingerprint(path)[:2]
        with open(path, "r+b") as file:
            os.pwrite(file.fileno(), old, 64 * MIB)
        report = convert(path)
        assert [write["offset"] for write in report["writes"]] == [64 * MIB]
        assert fingerprint(path)[:2] == finished


# --- refusals -------------------------------------------------------------------------------------------------------


def test_sizes(tmp_path):
    path = tmp_path / "disk.img"
    path.write_bytes(b"")
    refuse(path, WRONG_SIZE, "empty")
    refuse(path, WRONG_SIZE, "empty", options=["--pad"])
    path.write_bytes(bytes(1000))
    refuse(path, WRONG_SIZE, "1000 bytes", "--pad")
    grow(path, LIMIT + 512)
    refuse(path, TOO_LARGE, "2040 GiB")


FOREIGN = {
    "dynamic.vhd": ("vpc", ["-o", "subformat=dynamic"], "dynamic VHD"),
    "disk.vhdx": ("vhdx", [], "VHDX"),
    "disk.qcow2": ("qcow2", [], "qcow2"),
    "disk.qed": ("qed", [], "QED"),
    "disk.vdi": ("vdi", [], "VDI"),
    "disk.vmdk": ("vmdk", [], "VMDK"),
    "disk.parallels": ("parallels", [], "Parallels"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_other_formats_and_the_command_that_helps(tmp_path, name):
    kind, options, called = FOREIGN[name]
    path = tmp_path / name
    run("qemu-img", "create", "-q", "-f", kind, *options, path, "8M")
    run("qemu-io", "-f", kind, "-c", "write -P 9 1M 128k", path)
    # The same with `--pad`: some of these are no multiple of 512.
    sentence = refuse(path, OTHER_FORMAT, called, "qemu-img convert", options=["--pad"])
    commands = re.findall(r"`([^`]*)`", sentence)
    assert len(commands) == 2
    for command in commands:
        subprocess.run(
            command, shell=True, check=True, env={**os.environ, "PATH": f"{PRODUCTS}:{os.environ['PATH']}"}, timeout=60
        )
    made = Path(f"{path}.raw")
    run("qemu-img", "compare", "-f", "vpc", "-F", kind, made, path)
    assert footer_of(made)["creator"] == b"win "


def test_a_differencing_vhd(tmp_path):
    path = tmp_path / "child.vhd"
    run("qemu-img", "create", "-q", "-f", "vpc", "-o", "subformat=dynamic", path, "8M")
    data = bytearray(path.read_bytes())
    for footer in (0, len(data) - 512):
        data[footer + 60 : footer + 68] = struct.pack(">II", 4, 0)
        struct.pack_into(">I", data, footer + 64, ~sum(data[footer : footer + 512]) & 0xFFFFFFFF)
    path.write_bytes(data)
    refuse(path, OTHER_FORMAT, "differencing VHD", "vhdtool cat", "raw2vhd")


def test_a_compressed_file(image):
    run("gzip", image)
    refuse(Path(f"{image}.gz"), OTHER_FORMAT, "compressed", "decompress")


def test_a_damaged_footer_and_the_command_that_helps(image):
    convert(image)
    with open(image, "r+b") as file:
        os.pwrite(file.fileno(), b"x", 10 * MIB + 300)
    sentence = refuse(image, DAMAGED, "checksum", "truncate")
    subprocess.run(re.search(r"`(truncate[^`]*)`", sentence).group(1), shell=True, check=True)
    convert(image)
    check_vhd(image, 10 * MIB)


def test_a_footer_of_another_size_is_put_right(tmp_path):
    path = make_raw(tmp_path / "disk.vhd", 10 * MIB)
    convert(path, "--uuid", UUID)
    footer = path.read_bytes()[-512:]
    os.truncate(path, 10 * MIB)
    grow(path, 20 * MIB)
    with open(path, "ab") as file:
        file.write(footer)
    report = convert(path)
    assert (report["change"], report["old_payload_size"]) == ("resized", 10 * MIB)
    assert check_vhd(path, 20 * MIB)["uuid"] == UUID


def test_an_image_that_was_cut_off(tmp_path):
    path = make_gpt(tmp_path / "disk.img", 64 * MIB)
    os.truncate(path, 32 * MIB)
    refuse(path, DAMAGED, "missing")


def test_a_damaged_partition_table(tmp_path):
    path = make_gpt(tmp_path / "disk.img", 64 * MIB)
    with open(path, "r+b") as file:
        os.pwrite(file.fileno(), b"x", 512 + 60)
    refuse(path, DAMAGED, "gdisk", options=["--relocate-gpt"])
    convert(path)


def test_what_is_no_regular_file(tmp_path):
    refuse(Path("/dev/null"), NOT_REGULAR, "character device")
    refuse(tmp_path, NOT_REGULAR, "folder")
    os.mkfifo(tmp_path / "pipe")
    refuse(tmp_path / "pipe", NOT_REGULAR, "pipe")
    with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(tmp_path):
        server.bind("socket")
        refuse(tmp_path / "socket", NOT_REGULAR, "socket")
    refuse(tmp_path / "nothing", "failed", "No such file")


def test_a_block_device(tmp_path):
    device = next((path for path in sorted(Path("/dev").iterdir()) if stat.S_ISBLK(path.stat().st_mode)), None)
    if device is None:
        pytest.skip("no block device here")
    refuse(device, NOT_REGULAR, "block device", options=["--dry-run"])


@contextlib.contextmanager
def another_process(*args, **options):
    """A program that runs while the test does; it has begun when it has printed something."""
    with subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options) as child:
        try:
            assert child.stdout.read(1)
            yield
        finally:
            child.kill()


def python_that(code):
    code = f"import fcntl, mmap, sys\n{code}\nprint('ready', flush=True)\nsys.stdin.read()"
    return another_process(sys.executable, "-c", code)


def test_open_for_writing(image):
    with python_that(f"file = open({str(image)!r}, 'r+b')"):
        refuse(image, IN_USE, "open for writing")
    convert(image)


def test_mapped_for_writing(image):
    with python_that(f"with open({str(image)!r}, 'r+b') as file: area = mmap.mmap(file.fileno(), 4096)"):
        refuse(image, IN_USE, "open for writing")


def test_open_for_reading_does_not_matter(image):
    with python_that(f"file = open({str(image)!r}, 'rb')"):
        convert(image)


def test_locked(image):
    with python_that(f"file = open({str(image)!r}, 'rb'); fcntl.flock(file, fcntl.LOCK_SH)"):
        refuse(image, IN_USE, "locked")


@needs("qemu-io")
@pytest.mark.parametrize("mode", [[], ["-r"]])
def test_used_by_qemu(image, mode):
    with another_process("qemu-io", "-f", "raw", *mode, image):
        refuse(image, IN_USE)


@needs_root
@pytest.mark.parametrize("mode", [[], ["--read-only"]])
def test_behind_a_loop_device(image, mode):
    try:
        device = run("losetup", "--find", "--show", *mode, image).strip()
    except RuntimeError as error:
        pytest.skip(f"no loop device: {error}")
    try:
        sentence = refuse(image, IN_USE, device, f"losetup -d {device}")
        # An ordinary user may not open the device, but sees its file.
        os.chmod(image, 0o666)
        for folder in image.parents:
            if folder.owner() == "root" and folder != Path("/"):
                os.chmod(folder, folder.stat().st_mode | 0o055)
        with contextlib.suppress(PermissionError):
            if raw2vhd("--version", user=65534).returncode == 0:
                refuse(image, IN_USE, device, user=65534)
    finally:
        subprocess.run(re.search(r"`([^`]*)`", sentence).group(1), shell=True, check=True)
    convert(image)


def test_write_protected(image):
    os.chmod(image, 0o444)
    sentence = refuse(image, READ_ONLY, "write-protected")
    subprocess.run(re.search(r"`([^`]*)`", sentence).group(1), shell=True, check=True)
    convert(image)


@needs_root
def test_immutable(image):
    try:
        run("chattr", "+i", image)
    except RuntimeError as error:
        pytest.skip(f"no immutable files here: {error}")
    try:
        done = raw2vhd(image)
        assert done.returncode == status_of(READ_ONLY), done.stderr
    finally:
        run("chattr", "-i", image)


@contextlib.contextmanager
def mounted(*args):
    folder = args[-1]
    folder.mkdir()
    try:
        run("mount", *args)
    except RuntimeError as error:
        pytest.skip(f"no mount here: {error}")
    try:
        yield folder
    finally:
        run("umount", folder)


@needs_root
def test_a_read_only_file_system(tmp_path):
    with mounted("-t", "tmpfs", "none", tmp_path / "mnt") as folder:
        path = make_raw(folder / "disk.img", MIB)
        run("mount", "-o", "remount,ro", folder)
        refuse(path, READ_ONLY, "read-only")


@needs_root
def test_no_room(tmp_path):
    with mounted("-t", "tmpfs", "-o", "size=1M", "none", tmp_path / "mnt") as folder:
        path = folder / "disk.img"
        path.write_bytes(b"\1" * MIB)
        before = fingerprint(path)[:2]
        done = raw2vhd(path)
        assert done.returncode == status_of(NO_ROOM), done.stderr
        assert "footer" in done.stderr and done.stderr.count("\n") == 1
        assert fingerprint(path)[:2] == before
        # Grown into a hole that cannot be filled.
        path.write_bytes(b"\1" * (MIB // 2))
        convert(path)
        grow(path, "1G")
        (folder / "rest").write_bytes(b"\1" * (MIB // 2 - 4 * KIB))
        before = fingerprint(path)[:2]
        assert raw2vhd(path).returncode == status_of(NO_ROOM)
        assert fingerprint(path)[:2] == before


def test_no_room_for_so_large_a_file(image):
    """As on FAT, whose files end at 4 GiB: here by a limit of the process."""
    before = fingerprint(image)[:2]
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10 * MIB + 100, resource.RLIM_INFINITY))  # noqa: E731
    done = raw2vhd(image, preexec_fn=limit)
    assert done.returncode == status_of(NO_ROOM), done.stderr
    assert fingerprint(image)[:2] == before
    convert(image)


@needs_root
@needs("ntfs-3g")
def test_on_ntfs(tmp_path):
    disk = tmp_path / "ntfs.img"
    grow(disk, "200M")
    run("mkntfs", "-F", "-Q", disk)
    folder = tmp_path / "mnt"
    folder.mkdir()
    try:
        run("ntfs-3g", disk, folder)
    except RuntimeError as error:
        pytest.skip(f"ntfs-3g cannot mount here: {error}")
    try:
        path = make_gpt(folder / "disk.vhd", 32 * MIB)
        convert(path, "--uuid", UUID)
        check_vhd(path, 32 * MIB)
        grow(path, "+32M")
        assert convert(path, "--relocate-gpt")["change"] == "grown"
        assert check_vhd(path, 64 * MIB)["uuid"] == UUID
        assert convert(path)["writes"] == []
    finally:
        run("umount", folder)


# --- the command line -------------------------------------------------------------------------------------------------


def test_several_files(tmp_path):
    good = [make_raw(tmp_path / f"{name}.vhd", MIB, name) for name in "ab"]
    bad = tmp_path / "odd.img"
    bad.write_bytes(bytes(100))
    done = raw2vhd("--json", good[0], bad, "/dev/null", good[1])
    assert done.returncode == 3, "that of the first which was not done"
    assert done.stdout.count("\n") == 1, "one object for all"
    reports = json.loads(done.stdout)["files"]
    assert [report["status"] for report in reports] == [0, 3, 3, 0]
    assert [report.get("reason") for report in reports] == [None, WRONG_SIZE, NOT_REGULAR, None]
    assert raw2vhd("--dry-run", tmp_path / "missing", bad).returncode == 1
    for path in good:
        check_vhd(path, MIB)
    assert footer_of(good[0])["uuid"] != footer_of(good[1])["uuid"]


def test_quiet(image, tmp_path):
    done = raw2vhd("--quiet", image)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = raw2vhd("-q", tmp_path / "nothing")
    assert done.returncode == 1 and done.stderr


def test_names_are_printed_safely(tmp_path):
    path = make_raw(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n\x1b[31m.vhd")), MIB)
    done = raw2vhd("--dry-run", path)
    assert done.returncode == 0 and "\x1b" not in done.stdout
    assert json.loads(raw2vhd("--json", path).stdout)["files"][0]["payload_size"] == MIB


@pytest.mark.parametrize(
    "args, says",
    [
        ([], "which FILE"),
        (["--uuid"], "needs a value"),
        (["--uuid", "x", "f"], "no UUID"),
        (["--uuid", str(uuid.UUID(int=0)), "f"], "no UUID"),
        (["--uuid", UUID, "a", "b"], "one FILE"),
        (["--frobnicate", "f"], "--frobnicate"),
        (["-x", "f"], "-x"),
    ],
)
def test_wrong_usage(args, says):
    done = raw2vhd(*args)
    assert done.returncode == 2
    assert says in done.stderr and done.stderr.count("\n") == 1


def test_help_and_version():
    said = raw2vhd("--help")
    assert said.returncode == 0 and "Examples:" in said.stdout and "Exit status:" in said.stdout
    for option in "--dry-run --pad --relocate-gpt --uuid --json --quiet --help --version".split():
        assert option in said.stdout
    assert all(len(line) <= 80 for line in said.stdout.splitlines())
    assert re.fullmatch(r"raw2vhd \(vhdboot\) \d+\.\d+\.\d+\n", raw2vhd("--version").stdout)


def test_output_that_cannot_be_written(image):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([RAW2VHD, image], stdout=full, check=False)
    assert done.returncode == 1
    check_vhd(image, 10 * MIB)


@pytest.mark.skipif("VHDBOOT_PRODUCTS" in os.environ, reason="not the product build")
def test_the_product_is_static():
    assert "INTERP" not in run("readelf", "--program-headers", RAW2VHD)
