# SPDX-License-Identifier: GPL-2.0-or-later
"""Starts without drift: the smallest guest there can be counts, on its own disk, how often it was started, and powers
off at once. After each start nothing else on the host disk is other than before the first."""

import time
from dataclasses import dataclass
from pathlib import Path

from tests.support import disk, hostdisk, tiny_guest
from tests.support.hostdisk import HostDisk, HostSpec
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineError, MachineSpec
from tests.support.shell import TROUBLE

from .results import Results

IMAGE = "/boot/debian.vhd"
VOLUMES = {"ntfs": 40, "exfat": 1}  # started in turn; in how many pieces the image lies
SCRIPT = """
count=$(dd if=$notes bs=512 count=1 status=none | tr -d '\\0')
write_note 0 $((count + 1))
"""


@dataclass(frozen=True)
class Started:
    """A disk, where its guest counts, and the digest of all the rest."""

    host: HostDisk
    counter: tuple[int, int]
    rest: str

    def count(self) -> int:
        with open(self.host.path, "rb") as file:
            file.seek(self.counter[0])
            return int(file.read(self.counter[1]).rstrip(b"\0") or b"0")

    def drifted(self) -> bool:
        return disk.digest_outside(self.host.path, [self.counter]) != self.rest


class Starts:
    name = "starts"

    def __init__(self, folder: Path, work: Path, count: int):
        """`folder` keeps the disks; `work` is for what need not be kept."""
        self._folder = folder
        self._work = work
        self._count = count
        self._results = Results(folder / "results.json", {"done": 0, "seconds": 0.0, "failed": {}, "disks": {}})
        self._data = self._results.data

    def run(self, say) -> None:
        if self._data["done"] >= self._count:
            return
        disks = [self._disk(fs) for fs in VOLUMES]
        say(f"{self._count - self._data['done']} starts")
        while (number := self._data["done"]) < self._count:
            started = time.monotonic()
            problem = self._start(disks[number % len(disks)], self._folder / f"start-{number}.log")
            if problem:
                self._data["failed"][str(number)] = problem
                say(f"start {number}: {problem}")
            self._data["done"] += 1
            self._data["seconds"] += time.monotonic() - started
            self._results.save()
            if self._data["done"] % 50 == 0:
                say(f"{self._data['done']} starts")

    def _start(self, made: Started, log: Path) -> str | None:
        """The log stays when something is wrong."""
        before = made.count()
        try:
            with Machine(MachineSpec([Disk(made.host.path, boot=0)], memory_mib=512), log=log) as machine:
                machine.expect(r"^guest: done", 300, failing=TROUBLE)
                status = machine.wait_exit(60)
        except MachineError as error:
            return str(error)
        if status != 0:
            return f"QEMU's exit status is {status}"
        if made.count() != before + 1:
            return f"the guest counted {made.count()} after {before}"
        if made.drifted():
            return f"{made.host.path} has changed where nothing writes"
        log.unlink()
        return None

    def _disk(self, fs: str) -> Started:
        """Of earlier starts, or a new one."""
        path = self._folder / f"{fs}.raw"
        known = self._data["disks"].get(fs)
        if known is None:
            guest = tiny_guest.make(SCRIPT)
            fresh = self._work / path.name
            spec = HostSpec(fs=fs, pieces=VOLUMES[fs], slack=16 * disk.MIB)
            host = hostdisk.make_started_from_esp(fresh, spec, {IMAGE: guest.image}, PRODUCTS / "vhdboot.efi")
            counter = hostdisk.file_ranges(host, IMAGE, guest.notes, tiny_guest.BLOCK)[0]
            known = {"offset": host.offset, "size": host.size, "counter": counter,
                     "rest": disk.digest_outside(fresh, [counter])}
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh.rename(path)
            self._data["disks"][fs] = known
            self._results.save()
        host = HostDisk(path, HostSpec(fs=fs), known["offset"], known["size"])
        return Started(host, tuple(known["counter"]), known["rest"])

    def summary(self) -> list[str]:
        done = self._data["done"]
        each = f", {self._data['seconds'] / done:.1f} s each" if done else ""
        return [f"starts: {done}/{self._count} done{each}"]

    def failures(self) -> dict[str, str]:
        return {f"start {number}": problem for number, problem in self._data["failed"].items()}

    def finished(self) -> bool:
        return self._data["done"] >= self._count
