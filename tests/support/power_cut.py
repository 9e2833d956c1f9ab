# SPDX-License-Identifier: GPL-2.0-or-later
"""What a power cut leaves of a disk, worked out from the log of a boot's writes, and whether that is good enough.

A disk with a cache promises that what it was given before a flush is on the medium when the flush is done; of what came
later, each write may be there, or some of its blocks, or nothing, in whatever order it was given. So the disk after a cut
is everything before the last flush, and a part of what came after it that a seed chooses.

What was promised to whoever used the guest is a file whose fsync returned. The guest writes a note straight to its disk
after that, so a note in the log lies behind the flush that the fsync waited for, and a cut behind it must leave what it
says. Nothing depends on the time at which a line came over the serial console.
"""

import bisect
import hashlib
import json
import os
import random
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import disk, hostdisk, write_log
from .command import CommandError, run
from .guest_disks import KINDS, GuestDisk
from .hostdisk import HostDisk, HostSpec
from .paths import PRODUCTS
from .qemu import Disk, Machine, MachineSpec
from .shell import TROUBLE
from .tiny_guest import BLOCK, TinyGuest
from .write_log import Entry

IMAGE = KINDS["flat"].image
SLACK = 16 * disk.MIB
BEFORE, AFTER, LOG, ABOUT = "before.raw", "after.raw", "writes", "boot.json"
STEPS = 24
KEPT = 3  # of the files that a step writes, so many are there at a time
SAID = r"guest: fsynced (\d+) ([0-9a-f]{64})"
NOTE = re.compile(rb"fsynced (\d+) ([0-9a-f]{64})\n\0*")

# Each step writes a file, replaces another by renaming, deletes an old one, and fsyncs each of that and their folder;
# meanwhile something else makes writes that nobody waits for. It ends by itself: a program that it has started would
# outlive a kill, and keep the file system busy.
SCRIPT = f"""
mount -t ext4 $root /mnt
mkdir /mnt/files
cd /mnt/files
noise() {{
  while [ -e /mnt/noisy ]; do
    head -c 60000 /bin/busybox > /mnt/noise
    mv /mnt/noise /mnt/other
    rm -rf /mnt/folder
    mkdir /mnt/folder
    ln /mnt/other /mnt/folder/link
  done
}}
touch /mnt/noisy
noise &
n=1
while [ $n -le {STEPS} ]; do
  dd if=/dev/urandom of=file$n bs=1k count=$((n * 37 % 300 + 1)) status=none
  sync file$n
  {{ echo $n; seq $((n * 50)); }} > new
  sync new
  mv new current
  rm -f file$((n - {KEPT}))
  sync .
  sum=$(sha256sum < file$n)
  write_note $n "fsynced $n ${{sum%% *}}"
  echo "guest: fsynced $n ${{sum%% *}}"
  n=$((n + 1))
done
rm /mnt/noisy
wait
cd /
umount /mnt
"""


def current_text(step: int) -> str:
    """What the file that is replaced again and again holds after that step."""
    return "".join(f"{line}\n" for line in (step, *range(1, step * 50 + 1)))


@dataclass(frozen=True)
class Cut:
    """Power fails when the disk was given the first `position` entries of the log; `seed` chooses what reached it of
    those that were not flushed."""

    position: int
    seed: str

    def __str__(self) -> str:
        return f"cut before entry {self.position} of the log, seed {self.seed!r}"


@dataclass(frozen=True)
class Boot:
    """What a boot wrote. `host`: the disk as it was before."""

    host: HostDisk
    guest: TinyGuest
    entries: list[Entry]
    disk: GuestDisk = KINDS["flat"]

    def notes(self) -> list[tuple[int, int, str]]:
        """What the guest said to its disk: (place in the log, step, SHA-256 of the step's file), in the log's order."""
        found = [(number, NOTE.fullmatch(entry.data)) for number, entry in enumerate(self.entries)
                 if len(entry.data) == BLOCK]
        return [(number, int(note[1]), note[2].decode()) for number, note in found if note]


def boot(folder: Path, fs: str, pieces: int, kind: str = "flat") -> Boot:
    """Boots the guest of SCRIPT with a log of writes until it is off. What it returns lies in `folder`: see load()."""
    guest_disk = KINDS[kind]
    guest = guest_disk.guest(SCRIPT)
    disk_spec = HostSpec(fs=fs, pieces=pieces, slack=SLACK)
    with tempfile.TemporaryDirectory(prefix="vhdboot-files.", dir=folder) as work:
        host = hostdisk.make_started_from_esp(folder / BEFORE, disk_spec, guest_disk.files(Path(work), guest),
                                              PRODUCTS / "vhdboot.efi", guest_disk.config())
    made = record(folder, host, guest, guest_disk)
    about = {"kind": kind, "fs": fs, "offset": host.offset, "size": host.size, "extents": host.extents, "sizes": host.sizes}
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")
    return made


def record(folder: Path, host: HostDisk, guest: TinyGuest, guest_disk: GuestDisk, devices: Sequence[str] = ()) -> Boot:
    """The boot of a copy of that disk, on a machine with more devices."""
    after, log = disk.clone(host.path, folder / AFTER), folder / LOG
    log.unlink(missing_ok=True)
    spec = MachineSpec([Disk(after, boot=0, write_log=log)], memory_mib=512, extra=[*devices])
    with Machine(spec, log=folder / "console.log") as machine:
        machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 240, failing=TROUBLE)
        assert log.stat().st_size == 0, "something was written before the jump into the guest's kernel"
        machine.expect(r"^guest: done", 420, failing=TROUBLE)
        assert machine.wait_exit(60) == 0
        said = re.findall(SAID, machine.text)
    made = Boot(host, guest, write_log.read(log), guest_disk)
    assert [(str(step), digest) for _, step, digest in made.notes()] == said, "the log and the console differ"
    assert len(said) == STEPS
    assert not lost_writes(made, after, folder / "replayed.raw"), "the log does not lead to what is on the disk"
    after.unlink()
    return made


def load(folder: Path) -> Boot:
    """The boot that was made in that folder, which may have moved."""
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    extents = {name: [tuple(extent) for extent in places] for name, places in about["extents"].items()}
    host = HostDisk(folder / BEFORE, HostSpec(fs=about["fs"]), about["offset"], about["size"], extents, about["sizes"])
    guest_disk = KINDS[about["kind"]]
    return Boot(host, guest_disk.guest(SCRIPT), write_log.read(folder / LOG), guest_disk)


def lost_writes(made: Boot, after: Path, work: Path) -> bool:
    """Whether the log does not lead from the disk as it was to the one that the boot left."""
    replayed = disk.clone(made.host.path, work)
    with open(replayed, "r+b") as file:
        for entry in made.entries:
            os.pwrite(file.fileno(), entry.data, entry.offset)
    same = disk.digest(replayed) == disk.digest(after)
    replayed.unlink()
    return not same


def choose_cuts(made: Boot, count: int, seed: str) -> list[Cut]:
    """Every other one where a flush was asked for and is not done, so that what it shall cover may be lost; the rest behind
    notes, where most was promised. Each of these places once, as long as they last; then anywhere."""
    numbers = random.Random(f"{seed}:where")
    flushes = [number for number, entry in enumerate(made.entries) if entry.flush]
    behind_notes = [place + 1 for place, *_ in made.notes()]
    cuts = []
    for number in range(count):
        places = behind_notes if number % 2 else flushes
        position = places.pop(numbers.randrange(len(places))) if places else numbers.randint(1, len(made.entries))
        cuts.append(Cut(position, f"{seed}:{number}"))
    return cuts


def survivors(entries: list[Entry], seed: str) -> Iterator[tuple[int, bytes]]:
    """What reached the medium of writes that no flush covers: (offset, bytes), in their order."""
    numbers = random.Random(seed)
    # Nothing, everything, or something between: each as likely.
    share = numbers.choice((0.0, numbers.random(), 1.0))
    for entry in entries:
        torn = numbers.random() < 0.2
        whole = numbers.random() < share
        for start in range(0, len(entry.data), BLOCK):
            if numbers.random() < share if torn else whole:
                yield entry.offset + start, entry.data[start:start + BLOCK]


class Medium:
    """A disk's file that is brought to the state after one cut after another; the positions may only grow."""

    def __init__(self, path: Path, entries: list[Entry]):
        """`path`: a copy of the disk as it was before."""
        self.path = path
        self._entries = entries
        self._flushes = [number for number, entry in enumerate(entries) if entry.flush]
        self._done = 0
        self._undo: list[tuple[int, bytes]] = []

    def bring_to(self, cut: Cut) -> None:
        before = bisect.bisect_left(self._flushes, cut.position)
        flushed = self._flushes[before - 1] + 1 if before else 0
        if flushed < self._done:
            raise ValueError(f"{cut} is before the last one")
        with open(self.path, "r+b") as file:
            for offset, data in reversed(self._undo):
                os.pwrite(file.fileno(), data, offset)
            for entry in self._entries[self._done:flushed]:
                os.pwrite(file.fileno(), entry.data, entry.offset)
            self._done = flushed
            self._undo = []
            for offset, data in survivors(self._entries[flushed:cut.position], cut.seed):
                self._undo.append((offset, os.pread(file.fileno(), len(data), offset)))
                os.pwrite(file.fileno(), data, offset)


class Check:
    """Judges disks after cuts in one boot."""

    def __init__(self, made: Boot):
        self._boot = made
        self._may_change = made.disk.may_change(made.host, made.guest)
        self._outside = disk.digest_outside(made.host.path, self._may_change)
        self._notes = made.notes()

    def complaints(self, cut: Cut, path: Path) -> list[str]:
        """What is wrong with the disk after that cut. `path` is not written."""
        host = self._boot.host.moved(path)
        found = []
        if disk.digest_outside(path, self._may_change) != self._outside:
            found.append("the disk changed outside of what the guest may write")
        found += hostdisk.volume_complaints(host)
        guest = self._boot.guest
        with tempfile.TemporaryDirectory(prefix="vhdboot-cut.", dir=path.parent) as name:
            folder = Path(name)
            try:
                payload, complaints = self._boot.disk.read(host, guest, folder)
            except (CommandError, subprocess.CalledProcessError) as error:
                return [f"{cut}: {complaint}" for complaint in (*found, str(error))]
            root = disk.extract(payload, guest.root, guest.root_size, folder / "root")
            found += complaints
            found += self._recover(root) or self._look_for_promised(cut, root, folder / "found")
        return [f"{cut}: {complaint}" for complaint in found]

    def _recover(self, root: Path) -> list[str]:
        """As the guest's next start does it: the journal is replayed. Nothing else may have to be mended."""
        try:
            run("e2fsck", "-p", root, ok=(0, 1))
            run("e2fsck", "-f", "-n", root)
        except CommandError as error:
            return [str(error)]
        return []

    def _look_for_promised(self, cut: Cut, root: Path, folder: Path) -> list[str]:
        promised = {step: digest for place, step, digest in self._notes if place < cut.position}
        if not promised:
            return []
        folder.mkdir()
        run("debugfs", "-R", f"rdump /files {folder}", root)
        work = folder / "files"
        last = max(promised)
        found = []
        for step, digest in promised.items():
            file = work / f"file{step}"
            # The next step may have deleted one already.
            if step > last - KEPT + 1 and not file.exists():
                found.append(f"file{step} is not there, and was fsynced with its folder")
            elif step <= last - KEPT and file.exists():
                found.append(f"file{step} is there, and was deleted before its folder was fsynced")
            elif file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() != digest:
                found.append(f"file{step} is not what was fsynced")
        current = work / "current"
        text = current.read_text("utf-8", "replace") if current.exists() else None
        if text not in (current_text(last), current_text(last + 1)):
            found.append(f"current is not what step {last} or {last + 1} made of it")
        return found
