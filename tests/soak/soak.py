# SPDX-License-Identifier: GPL-2.0-or-later
"""The soak part of tests/run.sh: power cuts, starts and fuzzing, one after the other, as far as they are not done."""

import contextlib
import fcntl
import hashlib
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.support import junit
from tests.support.command import run as run_tool
from tests.support.paths import PRODUCTS

from .cuts import Cuts
from .fuzz import Fuzz
from .starts import Starts


class Soak:
    """`folder` keeps everything: the results of each vhdboot.efi in a folder of its own, the fuzzers' inputs for all."""

    def __init__(self, folder: Path, cuts: int, starts: int, fuzz_minutes: float):
        self._folder = folder
        self._work = folder / "work"
        self._passed: list[str] = []
        efi = PRODUCTS / "vhdboot.efi"
        build = hashlib.sha256(efi.read_bytes()).hexdigest()[:12] if efi.is_file() else "none"
        boots = folder / build
        self._cuts = Cuts(boots / "cuts", self._work, cuts)
        self._parts = [*([self._cuts] if cuts else []),
                       *([Starts(boots / "starts", self._work, starts)] if starts else [])]
        if fuzz_minutes:
            self._parts.append(Fuzz(folder / "fuzz", fuzz_minutes))

    def run(self, say: Callable[[str], None]) -> None:
        """Until everything is done, or Ctrl-C or SIGTERM stop it (KeyboardInterrupt)."""
        with self._alone():
            for part in self._parts:
                part.run(say)

    def again(self, cut: int, say: Callable[[str], None]) -> None:
        with self._alone():
            self._cuts.again(cut, say)
        if f"cut {cut}" not in self._cuts.failures():
            self._passed.append(f"cut {cut}")

    @contextlib.contextmanager
    def _alone(self):
        """With a folder for temporary files that the next run clears when this one is killed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        before = tempfile.tempdir
        with open(self._folder / "lock", "w", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SystemExit(f"another soak runs in {self._folder}") from None
            self._clear()
            self._work.mkdir()
            tempfile.tempdir = str(self._work)
            handler = signal.signal(signal.SIGTERM, signal.default_int_handler)
            try:
                yield
            finally:
                signal.signal(signal.SIGTERM, handler)
                tempfile.tempdir = before
                self._clear()

    def _clear(self) -> None:
        """Of what a killed run left, a volume may still be mounted."""
        for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
            place = line.split(" ")[1]
            if Path(place).is_relative_to(self._folder):
                run_tool("umount", place)
        shutil.rmtree(self._work, ignore_errors=True)

    def summary(self) -> list[str]:
        lines = [line for part in self._parts for line in part.summary()]
        lines += [f"failed: {name}: {problem}" for part in self._parts for name, problem in part.failures().items()]
        return lines

    def junit_cases(self) -> list[junit.Case]:
        """One for each failure, and for each part that is done without."""
        cases = [junit.Case("soak", name, 0, problem) for part in self._parts
                 for name, problem in part.failures().items()]
        passed = [part.name for part in self._parts if part.finished() and not part.failures()]
        return cases + [junit.Case("soak", name, 0) for name in (*self._passed, *passed)]
