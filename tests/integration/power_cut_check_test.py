# SPDX-License-Identifier: GPL-2.0-or-later
"""The judge of the power cuts: what QEMU logs is what was written, a disk that keeps its promises is passed, and each
way to break one is noticed."""

import hashlib
import random
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support import disk, hostdisk, power_cut, write_log
from tests.support.command import run
from tests.support.power_cut import IMAGE, Boot, Check, Cut, Medium
from tests.support.tiny_guest import BLOCK, TinyGuest
from tests.support.write_log import Entry

ROOT, ROOT_SIZE = disk.MIB, 8 * disk.MIB
NOTES = ROOT + ROOT_SIZE
PAYLOAD = NOTES + disk.MIB
FLUSH = Entry(0, b"", True)


def test_what_qemu_logs(tmp_path):
    target, log = tmp_path / "disk", tmp_path / "log"
    disk.create(target, disk.MIB)
    log.touch()
    options = f"driver=blklogwrites,file.driver=file,file.filename={target},log.driver=file,log.filename={log}"
    words = [word for command in ("write -P 0xab 4k 8k", "flush", "write -P 0xcd 512 512", "write -P 0xef 64k 4k", "flush")
             for word in ("-c", command)]
    run("qemu-io", *words, "--image-opts", options)
    entries = write_log.read(log)
    # It flushes once more in the end.
    assert entries[:5] == [Entry(4096, b"\xab" * 8192), FLUSH, Entry(512, b"\xcd" * 512), Entry(65536, b"\xef" * 4096), FLUSH]
    assert entries[5:] in ([], [FLUSH])
    write_log.write(tmp_path / "again", entries)
    assert write_log.read(tmp_path / "again") == entries


def test_damaged_logs(tmp_path):
    log = tmp_path / "log"
    for damage, words in [(lambda data: data[:100], "no superblock|ends"), (lambda data: b"x" + data[1:], "no log of writes"),
                          (lambda data: data[:512 + 16] + b"\4" + data[512 + 17:], "flags 0x4"),
                          (lambda data: data[:-512], "ends within entry 0 of 1")]:
        write_log.write(log, [Entry(0, bytes(4096))])
        log.write_bytes(damage(log.read_bytes()))
        with pytest.raises(write_log.LogError, match=words):
            write_log.read(log)


@dataclass(frozen=True)
class Bench:
    folder: Path
    boot: Boot

    def where(self, place: int) -> int:
        """Of a byte of the guest's disk, on the host disk."""
        return hostdisk.file_ranges(self.boot.host, IMAGE, place, 1)[0][0]

    def changes(self, old: Path, new: Path) -> list[Entry]:
        """The blocks of the guest's root that differ, as writes."""
        before, after = old.read_bytes(), new.read_bytes()
        return [Entry(self.where(ROOT + at), after[at:at + BLOCK]) for at in range(0, len(after), BLOCK)
                if before[at:at + BLOCK] != after[at:at + BLOCK]]

    def note(self, step: int, digest: str) -> Entry:
        return Entry(self.where(NOTES + step * BLOCK), f"fsynced {step} {digest}\n".encode().ljust(BLOCK, b"\0"))

    def complaints(self, entries: list[Entry], seeds: int = 1) -> list[str]:
        """With everything that was given to the disk by then."""
        boot = replace(self.boot, entries=entries)
        check = Check(boot)
        found = []
        for seed in range(seeds):
            medium = Medium(disk.clone(boot.host.path, self.folder / "medium"), entries)
            cut = Cut(len(entries), str(seed))
            medium.bring_to(cut)
            found += check.complaints(cut, medium.path)
        return found


def write_files(root: Path, target: Path, files: dict[str, bytes], deleted: tuple[str, ...] = ()) -> Path:
    disk.clone(root, target)
    for name, data in files.items():
        source = target.with_name("source")
        source.write_bytes(data)
        run("debugfs", "-w", "-R", f"write {source} /files/{name}", target)
    for name in deleted:
        run("debugfs", "-w", "-R", f"rm /files/{name}", target)
    return target


@pytest.fixture
def bench(tmp_path):
    tree = tmp_path / "tree"
    (tree / "files").mkdir(parents=True)
    root = tmp_path / "root"
    disk.create(root, ROOT_SIZE)
    run("mke2fs", "-q", "-t", "ext4", "-b", BLOCK, "-d", tree, root)
    image = tmp_path / "image"
    disk.create(image, PAYLOAD + 512)
    disk.place(root, image, ROOT)
    spec = hostdisk.HostSpec(fs="exfat", pieces=7, loader="esp", slack=16 * disk.MIB)
    host = hostdisk.make(tmp_path / "host", spec, {IMAGE: image}, {})
    assert len(host.extents[IMAGE]) > 5
    return Bench(tmp_path, Boot(host, TinyGuest(image, PAYLOAD, ROOT, ROOT_SIZE, NOTES), []))


@dataclass(frozen=True)
class Work:
    """The writes of a step, and its note."""

    writes: list[Entry]
    note: Entry
    data: bytes


@pytest.fixture
def work(bench):
    data = random.Random(1).randbytes(20 * BLOCK)
    files = {"file1": data, "current": power_cut.current_text(1).encode()}
    after = write_files(bench.folder / "root", bench.folder / "after", files)
    writes = bench.changes(bench.folder / "root", after)
    return Work(writes, bench.note(1, hashlib.sha256(data).hexdigest()), data)


def test_promises_that_are_kept(bench, work):
    assert bench.complaints([*work.writes, FLUSH, work.note], seeds=3) == []
    # Nothing was promised yet.
    assert bench.complaints([]) == []


def test_the_next_step_may_have_come_to_the_disk(bench, work):
    after = write_files(bench.folder / "after", bench.folder / "later", {"file2": work.data}, ("current",))
    write_files(after, bench.folder / "latest", {"current": power_cut.current_text(2).encode()})
    later = bench.changes(bench.folder / "after", bench.folder / "latest")
    assert bench.complaints([*work.writes, FLUSH, work.note, *later, FLUSH]) == []


def test_a_flush_that_does_not_come(bench, work):
    assert bench.complaints([*work.writes, work.note], seeds=8)


def test_a_write_that_is_lost(bench, work):
    lost = next(entry for entry in work.writes if entry.data in work.data)
    kept = [entry for entry in work.writes if entry is not lost]
    assert "file1 is not what was fsynced" in " ".join(bench.complaints([*kept, FLUSH, work.note]))


def test_a_write_that_comes_after_its_flush(bench, work):
    late = next(entry for entry in work.writes if entry.data in work.data)
    others = [entry for entry in work.writes if entry is not late]
    found = bench.complaints([*others, FLUSH, work.note, late], seeds=8)
    assert "file1 is not what was fsynced" in " ".join(found)


def test_a_file_that_is_lost(bench, work):
    entries = [FLUSH, work.note]
    found = " ".join(bench.complaints(entries))
    assert "file1 is not there" in found and "current is not what step 1 or 2" in found


def test_a_deletion_that_is_lost(bench, work):
    later = bench.note(4, "0" * 64)
    assert "file1 is there, and was deleted" in " ".join(bench.complaints([*work.writes, FLUSH, work.note, FLUSH, later]))


def test_a_damaged_file_system(bench, work):
    damaged = Entry(bench.where(ROOT + 4 * BLOCK), b"\xff" * BLOCK)
    assert "e2fsck" in " ".join(bench.complaints([*work.writes, damaged, FLUSH, work.note]))


@pytest.mark.parametrize("place", ["footer", "volume", "table"])
def test_a_write_outside_of_the_guest_disk(bench, work, place):
    host = bench.boot.host
    at = {"footer": bench.where(PAYLOAD), "volume": host.offset + 6 * 512, "table": 512}[place]
    found = bench.complaints([*work.writes, Entry(at, b"x" * 512), FLUSH, work.note])
    assert "the disk changed outside" in " ".join(found)


def test_a_log_that_lacks_a_write(bench, work):
    entries = [*work.writes, FLUSH]
    boot = replace(bench.boot, entries=entries)
    medium = Medium(disk.clone(boot.host.path, bench.folder / "medium"), entries)
    medium.bring_to(Cut(len(entries), ""))
    assert not power_cut.lost_writes(boot, medium.path, bench.folder / "replayed")
    boot = replace(boot, entries=entries[1:])
    assert power_cut.lost_writes(boot, medium.path, bench.folder / "replayed")


def test_cuts(bench):
    entries = [Entry(0, b"a" * BLOCK), FLUSH, Entry(BLOCK, b"b" * BLOCK), Entry(0, b"c" * BLOCK), FLUSH] * 20
    entries.append(bench.note(1, "0" * 64))
    boot = replace(bench.boot, entries=entries)
    cuts = power_cut.choose_cuts(boot, 200, "seed")
    assert cuts == power_cut.choose_cuts(boot, 200, "seed") != power_cut.choose_cuts(boot, 200, "other")
    wanted = {number for number, entry in enumerate(entries) if entry.flush} | {len(entries)}
    assert wanted <= {cut.position for cut in cuts}
    # What was flushed is there; of the rest anything may be, but for what never was.
    path = bench.folder / "medium"
    disk.create(path, 2 * BLOCK)
    medium = Medium(path, entries[:-1])
    seen = set()
    for cut in sorted(cuts, key=lambda cut: cut.position):
        medium.bring_to(cut)
        if cut.position > 5:
            seen.add(path.read_bytes()[::BLOCK])
    assert seen == {b"ab", b"cb"}
