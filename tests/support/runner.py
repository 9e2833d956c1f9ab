# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests/run.sh does: builds, runs every tier of tests, counts the test cases of all of them.

The product (which takes long when nothing is cached) and the guests are made in the background from the start.
A part that could not run counts as a failed test.
"""

import argparse
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tests.soak.soak import Soak

from . import fuzzers, junit
from .bootcase import cases
from .paths import PRODUCTS, REPOSITORY, TEST_OUTPUT, product_cache, soak_folder

PARTS = ("lint", "unit", "fuzz", "integration", "boot")
PYTEST_PARTS = ("lint", "integration", "boot")
MORE_PARTS = ("bench", "soak")  # only when they are named
RESULTS = TEST_OUTPUT / "results"
PASSED = TEST_OUTPUT / "passed"  # a file a commit
PART_SECONDS = 5400
PART_SECONDS_OF_ALL = 6 * 3600
LOGS = TEST_OUTPUT / "logs"
OTHER_GUESTS = {"debian12", "debian12-lvm"}  # of tests that are no cases
TWO_AT_A_TIME = ("-n", str(min(2, os.cpu_count() or 1)))
NEED_PRODUCTS = {"integration", "boot", "bench", "soak"}


def commit_of_a_clean_tree() -> str | None:
    """Nothing where something is changed, or that cannot be told."""
    def git(*words: str) -> str | None:
        done = subprocess.run(["git", *words], cwd=REPOSITORY, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    return git("rev-parse", "HEAD") if git("status", "--porcelain") == "" else None


class StepFailed(Exception):
    """A build step or test program failed; the text says which and ends with what it said."""


class Runner:
    def __init__(self, args: argparse.Namespace):
        self._args = args
        self._start = time.monotonic()
        self._steps = ThreadPoolExecutor(max_workers=2)
        self._lock = threading.Lock()
        self._background: dict[str, Future] = {}
        self._last_lines: list[str] = []
        self._stopped = False
        self._passed_words: list[str] = []
        self._passed_before = 0  # tests, on this commit

    def say(self, text: str) -> None:
        with self._lock:
            print(f"[{time.monotonic() - self._start:6.0f} s] {text}", flush=True)

    def step(self, title: str, *words, seconds: float, env: dict | None = None, stream: bool = False,
             good: tuple[int, ...] = (0,)) -> None:
        """Runs a command with its output in a log file (or on the screen)."""
        self.say(title)
        log = LOGS / f"{title.replace(' ', '-').replace('/', '-')}.log"
        with open(log, "wb") as file:
            try:
                done = subprocess.run([str(word) for word in words], cwd=REPOSITORY, env={**os.environ, **(env or {})},
                                      stdin=subprocess.DEVNULL, stdout=None if stream else file,
                                      stderr=None if stream else subprocess.STDOUT, timeout=seconds)
            except subprocess.TimeoutExpired:
                raise StepFailed(f"{title}: not done after {seconds:.0f} s; the log: {log}") from None
            except OSError as error:
                raise StepFailed(f"{title}: {error}") from None
        if done.returncode not in good:
            tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-40:])
            raise StepFailed(f"{title}: exit status {done.returncode}; the log: {log}\n{tail}")

    # --- what is made in the background

    def start_background(self, parts: list[str]) -> None:
        boots = self._args.cuts or self._args.starts or self._args.cut is not None
        needed = NEED_PRODUCTS & set(parts) - (set() if boots else {"soak"})
        # Those that VHDBOOT_PRODUCTS names are there.
        if needed and PRODUCTS.is_relative_to(REPOSITORY):
            if not (product_cache() / "packages").exists():
                os.environ["VHDBOOT_TEST_FETCH"] = "done"  # by that build: see tests/integration/fetch_test.py
            self._background["products"] = self._steps.submit(self._build_products)
        if {"boot", "bench"} & set(parts):
            self._background["guests"] = self._steps.submit(self._make_guests)

    def _build_products(self) -> None:
        self.step("configuring the products", "cmake", "--preset", "release", seconds=600)
        self.step("building the products", "cmake", "--build", "--preset", "release", seconds=3600)
        self.say("the products are built")

    def _make_guests(self) -> None:
        self.step("making the guests", sys.executable, "-m", "tests.support", "guest", *sorted({case.guest for case in cases(self._args.all)} | OTHER_GUESTS), seconds=3600)
        self.say("the guests are made")

    def wait_for(self, *names: str) -> None:
        for name in names:
            if name in self._background:
                self._background[name].result()

    # --- the parts

    def native_build(self, *words: str) -> None:
        self.step("configuring the native tests", "cmake", "--preset", "test", seconds=300)
        self.step("building the native tests", "cmake", "--build", "--preset", "test", *words, seconds=3600)

    def unit(self) -> None:
        self.native_build("--target", "unit_programs", "fuzzers")
        build = REPOSITORY / "build/test"
        # The large ones take longest: none of them is to be the last, alone.
        programs = sorted((path for path in (build / "unit").glob("unit_*") if os.access(path, os.X_OK)),
                          key=lambda path: -path.stat().st_size)
        if not programs:
            raise StepFailed("there is no unit test program in build/test/unit")
        words = [f"--gtest_filter=*{self._args.k}*"] if self._args.k else []
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(lambda program: self._unit_one(program, words), programs))
        if not self._args.k:
            result = RESULTS / "unit-replay.xml"
            self.attempt("unit replay", result, lambda: self.step(
                "replaying the fuzzers' inputs", "ctest", "--test-dir", build, "-E", "^unit_", "-j2",
                "--output-on-failure", "--output-junit", result, seconds=900))

    def _unit_one(self, program: Path, words: list[str]) -> None:
        result = RESULTS / f"unit-{program.name}.xml"
        self.attempt(f"unit {program.name}", result, lambda: self.step(
            f"unit {program.name}", program, f"--gtest_output=xml:{result}", "--gtest_brief=1", *words, seconds=900))

    def fuzz(self) -> None:
        self.native_build("--target", "fuzzers")
        programs = [path for path in fuzzers.programs() if (self._args.k or "") in path.name]
        if not programs:
            raise StepFailed("there is no fuzz target in build/test/fuzz")
        self.say(f"fuzzing {len(programs)} targets, {self._args.fuzz_seconds} s each")
        with ThreadPoolExecutor(max_workers=2) as pool:
            junit.write(RESULTS / "fuzz.xml", list(pool.map(self._fuzz_one, programs)))

    def _fuzz_one(self, program: Path) -> junit.Case:
        name = fuzzers.name_of(program)
        found = TEST_OUTPUT / "fuzz" / name
        started = time.monotonic()
        problem = None
        try:
            self.step(f"fuzz {name}", *fuzzers.words(program, self._args.fuzz_seconds, found, found.parent),
                      seconds=self._args.fuzz_seconds + 300)
        except StepFailed as error:
            problem = str(error)
            self.say(problem)
        return junit.Case("fuzz", name, time.monotonic() - started, problem)

    def pytest(self, part: str, *words: str) -> None:
        result = RESULTS / f"{part}.xml"
        chosen = (["-k", self._args.k] if self._args.k else []) + (["--all"] if self._args.all else [])
        seconds = PART_SECONDS_OF_ALL if self._args.all else PART_SECONDS
        self.attempt(part, result, lambda: self.step(
            f"{part} tests", sys.executable, "-m", "pytest", "-c", "tests/pytest.ini", f"tests/{part}", "-v",
            "--durations=10", f"--junit-xml={result}", *self._passed_words, *chosen, *words, seconds=seconds, stream=True))

    def begin_to_note_what_passes(self) -> None:
        """By the commit: what was changed since is another thing."""
        commit = commit_of_a_clean_tree()
        if commit is None:
            if self._args.resume:
                raise SystemExit("tests/run.sh: --resume goes by the commit, and files have changed since: commit them")
            return
        PASSED.mkdir(parents=True, exist_ok=True)
        for path in PASSED.iterdir():
            if path.name != commit or not self._args.resume:
                path.unlink()
        path = PASSED / commit
        self._passed_words = [f"--passed={path}"]
        if path.exists():
            self._passed_before = len(path.read_text(encoding="utf-8").splitlines())
            self._last_lines.append(
                f"{self._passed_before} tests of {', '.join(PYTEST_PARTS)} passed before, on this commit")

    def lint(self) -> None:
        self.pytest("lint", "-q")

    def integration(self) -> None:
        self.wait_for("products")
        self.pytest("integration", *TWO_AT_A_TIME, "--dist", "loadfile")

    def boot(self) -> None:
        self.wait_for("products", "guests")
        self.pytest("boot", *TWO_AT_A_TIME)

    def bench(self) -> None:
        self.wait_for("products", "guests")
        programs = ["boot_bench", "flush_bench", "chain_bench", "layers_bench"]
        for program in programs:
            self.step(program, sys.executable, "-m", f"tests.bench.{program}", seconds=3600, stream=True)
        junit.write(RESULTS / "bench.xml", [junit.Case("bench", program, 0) for program in programs])

    def soak(self) -> None:
        args = self._args
        if args.fuzz_minutes and args.cut is None:
            self.native_build("--target", "fuzzers")
        self.wait_for("products")
        soak = Soak(args.soak_folder, args.cuts, args.starts, args.fuzz_minutes)
        self.say(f"the soak begins, or goes on where it was; what it keeps is in {args.soak_folder}")
        try:
            if args.cut is None:
                soak.run(self.say)
            else:
                soak.again(args.cut, self.say)
        except KeyboardInterrupt:
            self._stopped = True
        junit.write(RESULTS / "soak.xml", soak.junit_cases())
        self._last_lines += [*soak.summary(), *(["stopped: the same command goes on here"] if self._stopped else [])]
        (args.soak_folder / "summary.txt").write_text("\n".join(self._last_lines) + "\n", encoding="utf-8")

    # --- counting

    def attempt(self, name: str, result: Path, action) -> None:
        """Runs something that writes `result`; when it did not, its failure is written there instead."""
        started = time.monotonic()
        try:
            action()
            problem = None if result.is_file() else f"{name}: wrote no results"
        except StepFailed as error:
            problem = str(error)
            self.say(problem)
        if problem and (not result.is_file() or junit.count(result)[0].failed == 0):
            extra = result.with_name(f"{result.stem}-itself.xml")
            junit.write(extra, [junit.Case("run", name, time.monotonic() - started, problem)])

    def run(self, parts: list[str]) -> int:
        shutil.rmtree(RESULTS, ignore_errors=True)
        RESULTS.mkdir(parents=True)
        LOGS.mkdir(parents=True, exist_ok=True)
        self.begin_to_note_what_passes()
        self.start_background(parts)
        for part in parts:
            try:
                getattr(self, part)()
            except StepFailed as error:
                self.say(str(error))
                junit.write(RESULTS / f"{part}-itself.xml", [junit.Case("run", part, 0, str(error))])
        self._steps.shutdown()
        return self.summary()

    def summary(self) -> int:
        total, failed = junit.Counts(), []
        print("\nResults:")
        for path in sorted(RESULTS.glob("*.xml")):
            counts, names = junit.count(path)
            print(f"  {path.stem:24} {counts}")
            total += counts
            failed += names
        for name in failed:
            print(f"  failed: {name}")
        print(f"  in {time.monotonic() - self._start:.0f} s\n")
        if total.passed + total.failed == 0 and not self._stopped and not self._passed_before:
            total += junit.Counts(failed=1)
            print("no test ran")
        print(*self._last_lines, total, sep="\n", flush=True)
        return 1 if total.failed else 130 if self._stopped else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/run.sh", description="Builds vhdboot and runs its tests.")
    parser.add_argument("part", nargs="*", metavar="PART",
                        help=f"{', '.join(PARTS)}, bench or soak; without one: all of them but bench and soak")
    parser.add_argument("--all", action="store_true",
                        help="every combination of the boot tests, and builds on machines made from nothing")
    parser.add_argument("--resume", action="store_true",
                        help=f"leave out those tests of {', '.join(PYTEST_PARTS)} that passed before on this commit")
    parser.add_argument("-k", metavar="EXPRESSION", help="only the tests whose name matches (as pytest's -k)")
    parser.add_argument("--fuzz-seconds", type=int, default=2, help="how long each fuzz target runs (default 2)")
    soak = parser.add_argument_group("soak", "runs for hours; the same command goes on where it was stopped, by Ctrl-C or a "
                                             "kill at any moment")
    soak.add_argument("--cuts", type=int, default=1600, help="how many power cuts; 0 for none (default 1600)")
    soak.add_argument("--starts", type=int, default=1000, help="how many starts; 0 for none (default 1000)")
    soak.add_argument("--fuzz-minutes", type=float, default=10,
                      help="how long what reads volumes and images is fuzzed, each; other targets a fifth of it; 0: not at "
                           "all (default 10)")
    soak.add_argument("--cut", type=int, metavar="NUMBER", help="only this power cut, once more; its disk is kept")
    soak.add_argument("--soak-folder", type=Path, default=soak_folder(), metavar="FOLDER",
                      help="where logs, disks, results and their summary are kept (default %(default)s)")
    args = parser.parse_args()
    unknown = [part for part in args.part if part not in (*PARTS, *MORE_PARTS)]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}")
    parts = [part for part in (*PARTS, *MORE_PARTS) if part in (args.part or PARTS)]
    return Runner(args).run(parts)


if __name__ == "__main__":
    sys.exit(main())
