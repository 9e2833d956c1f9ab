# SPDX-License-Identifier: GPL-2.0-or-later
"""Power cuts: a boot with a log of its writes for every CUTS_OF_A_BOOT of them, each on another host volume."""

import shutil
import time
from pathlib import Path

from tests.support import disk, power_cut
from tests.support.command import CommandError
from tests.support.guest_disks import KINDS

from .results import Results

CUTS_OF_A_BOOT = 400  # more than twice the flushes of one
VOLUMES = [("ntfs", 1), ("exfat", 40), ("ntfs", 300), ("exfat", 1)]  # and how many pieces the image lies in
SEED = "soak"
MEDIUM = "medium.raw"


class Cuts:
    name = "cuts"

    def __init__(self, folder: Path, work: Path, count: int):
        """`folder` keeps the logs of the boots; `work` is for what need not be kept."""
        self._folder = folder
        self._work = work
        self._count = count
        # What was wrong after each cut, by its number, and with the boots themselves.
        self._results = Results(folder / "results.json", {"cuts": {}, "boots": {}, "seconds": 0.0})
        self._data = self._results.data

    def run(self, say) -> None:
        for boot in range(-(-self._count // CUTS_OF_A_BOOT)):
            first = boot * CUTS_OF_A_BOOT
            last = min(first + CUTS_OF_A_BOOT, self._count)
            left = [number for number in range(first, last) if str(number) not in self._data["cuts"]]
            if left:
                self._run_boot(boot, left, say)

    def again(self, number: int, say) -> None:
        """One cut once more, from the log that was kept; the disk after it is kept, too."""
        self._run_boot(number // CUTS_OF_A_BOOT, [number], say)
        kept = self._folder / f"cut-{number}.raw"
        shutil.move(self._work / MEDIUM, kept)
        say(f"the disk after the cut: {kept}")

    def _run_boot(self, boot: int, numbers: list[int], say) -> None:
        made = self._made(boot, say)
        if made is None:
            return
        chosen = power_cut.choose_cuts(made, CUTS_OF_A_BOOT, f"{SEED}:{boot}")
        cuts = {number: chosen[number % CUTS_OF_A_BOOT] for number in numbers}
        check = power_cut.Check(made)
        medium = power_cut.Medium(disk.clone(made.host.path, self._work / MEDIUM), made.entries)
        say(f"{len(cuts)} power cuts in boot {boot}, {len(made.entries)} entries in its log")
        for number, cut in sorted(cuts.items(), key=lambda item: item[1].position):
            started = time.monotonic()
            medium.bring_to(cut)
            complaints = check.complaints(cut, medium.path)
            self._data["cuts"][str(number)] = complaints
            self._data["seconds"] += time.monotonic() - started
            self._results.save()
            for complaint in complaints:
                say(f"cut {number}: {complaint}")

    def _made(self, boot: int, say) -> power_cut.Boot | None:
        folder = self._folder / f"boot-{boot}"
        if folder.is_dir():
            return power_cut.load(folder)
        kind = list(KINDS)[boot % len(KINDS)]
        fs, pieces = VOLUMES[(boot + boot // len(KINDS)) % len(VOLUMES)]
        say(f"booting a guest for power cuts, on {fs}, its disk {kind}, in {pieces} piece(s)")
        self._data["boots"].pop(str(boot), None)
        fresh = self._work / folder.name
        fresh.mkdir()
        try:
            power_cut.boot(fresh, fs, pieces, kind)
        except (AssertionError, CommandError) as error:
            self._data["boots"][str(boot)] = str(error)
            self._results.save()
            say(f"boot {boot}: {error}")
            return None
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh.rename(folder)
        return power_cut.load(folder)

    def summary(self) -> list[str]:
        done = len(self._data["cuts"])
        each = f", {self._data['seconds'] / done:.1f} s each" if done else ""
        return [f"power cuts: {done}/{self._count} done{each}"]

    def failures(self) -> dict[str, str]:
        """By name."""
        found = {f"boot {boot}": problem for boot, problem in self._data["boots"].items()}
        return found | {f"cut {number}": "\n".join([*complaints, f"again: tests/run.sh soak --cut {number}"])
                        for number, complaints in self._data["cuts"].items() if complaints}

    def finished(self) -> bool:
        return len(self._data["cuts"]) >= self._count
