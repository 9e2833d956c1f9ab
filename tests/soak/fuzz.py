# SPDX-License-Identifier: GPL-2.0-or-later
"""Long fuzzing: what reads volumes and images, and what other processes answer, gets five times as long as the rest. The
inputs that reached something new are kept, and so are those that broke a target."""

import hashlib
import os
import re
import subprocess
import time
from pathlib import Path

from tests.support import fuzzers
from tests.support.command import die_with_parent

from .results import Results

LONG = {"dynamic_vhd", "exfat", "fat", "footer", "handoff", "host_device", "image", "ntfs", "partition_table", "vhdx",
        "volume_path"}
SHORTER = 5
SLICE = 60  # seconds; what is lost when it is stopped
RUNS = re.compile(r"stat::number_of_executed_units: (\d+)")


class Fuzz:
    name = "fuzz"

    def __init__(self, folder: Path, minutes: float):
        self._folder = folder
        self._minutes = minutes
        self._results = Results(folder / "results.json", {})
        self._programs = {fuzzers.name_of(program): program for program in fuzzers.programs()}

    def run(self, say) -> None:
        for name, program in self._programs.items():
            key = hashlib.sha256(program.read_bytes()).hexdigest()[:12]
            if self._results.data.get(name, {}).get("program") != key:
                self._results.data[name] = {"program": key, "seconds": 0.0, "runs": 0, "broke": ""}
        together = os.cpu_count() or 1
        while left := [name for name in self._programs if self._left(name) > 0]:
            names = left[:together]
            say(f"fuzzing {' and '.join(names)}, {len(left)} target(s) left")
            self._fuzz(names, say)

    def _seconds(self, name: str) -> float:
        long = name in LONG or name.startswith("reader")
        return 60 * self._minutes / (1 if long else SHORTER)

    def _left(self, name: str) -> float:
        result = self._results.data[name]
        return 0 if result["broke"] else self._seconds(name) - result["seconds"]

    def _fuzz(self, names: list[str], say) -> None:
        """A slice of each, at once."""
        found = self._folder / "found"
        found.mkdir(parents=True, exist_ok=True)
        running: list[tuple[str, float, Path, subprocess.Popen]] = []
        try:
            for name in names:
                seconds = max(1, int(min(SLICE, self._left(name))))
                log = self._folder / f"{name}.log"
                words = fuzzers.words(self._programs[name], seconds, self._folder / "corpus" / name, found)
                with open(log, "wb") as file:
                    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                               preexec_fn=die_with_parent)
                running.append((name, time.monotonic(), log, process))
            for name, started, log, process in running:
                self._note(name, started, log, process.wait(), say)
        finally:
            for *_, process in running:
                process.kill()
                process.wait()

    def _note(self, name: str, started: float, log: Path, status: int, say) -> None:
        text = log.read_text("utf-8", "replace")
        result = self._results.data[name]
        result["seconds"] += time.monotonic() - started
        result["runs"] += sum(int(runs) for runs in RUNS.findall(text))
        if status != 0:
            written = re.search(r"Test unit written to (\S+)", text)
            result["broke"] = f"{self._programs[name]} {written[1] if written else '(no input was kept)'}"
            log.rename(log.with_suffix(".broke.log"))
            say(f"{name} broke: {result['broke']}")
        self._results.save()

    def summary(self) -> list[str]:
        lines = []
        for name, result in sorted(self._results.data.items()):
            if name in self._programs:
                done, wanted = result["seconds"] / 60, self._seconds(name) / 60
                broke = ", broke" if result["broke"] else ""
                lines.append(f"fuzz {name}: {done:.1f}/{wanted:g} minutes, {result['runs']} runs{broke}")
        return lines or ["fuzz: not begun"]

    def failures(self) -> dict[str, str]:
        return {f"fuzz {name}": f"again: {result['broke']}" for name, result in self._results.data.items()
                if result["broke"] and name in self._programs}

    def finished(self) -> bool:
        return all(name in self._results.data and self._left(name) <= 0 for name in self._programs)
