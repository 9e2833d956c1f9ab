# SPDX-License-Identifier: GPL-2.0-or-later
"""The soak goes on where it was stopped, counts what was done, and keeps what failed. With stand-ins for what takes long."""


import pytest

from tests.soak import fuzz, starts
from tests.soak.results import Results
from tests.support import disk, fuzzers
from tests.support.hostdisk import HostDisk, HostSpec

SILENT = print


class Stopped(Exception):
    """In place of Ctrl-C."""


def test_results_are_whole(tmp_path):
    results = Results(tmp_path / "new/results", {"done": 0})
    results.data["done"] = 5
    results.save()
    assert Results(tmp_path / "new/results", {"done": 0, "more": 1}).data == {"done": 5, "more": 1}


@pytest.fixture
def target(tmp_path, monkeypatch):
    """A fuzz target whose end the test can choose."""
    program = tmp_path / "fuzz_vhdx"

    def write(status=0):
        program.write_text(f"#!/bin/sh\necho 'stat::number_of_executed_units: 1000'\n"
                           f"echo 'Test unit written to /found/vhdx-crash-1'\nexit {status}\n", encoding="utf-8")
        program.chmod(0o755)

    monkeypatch.setattr(fuzzers, "programs", lambda: [program])
    # The stand-in ends at once; so each slice is told to have taken its time.
    ticks = iter(range(0, 10 ** 6, 30))
    monkeypatch.setattr(fuzz.time, "monotonic", lambda: next(ticks))
    write()
    return write


def test_fuzzing_goes_on(target, tmp_path):
    def stop(_):
        raise Stopped

    first = fuzz.Fuzz(tmp_path / "state", 1)
    with pytest.raises(Stopped):
        first.run(stop)
    assert not first.finished()
    first.run(SILENT)
    assert first.finished() and first.failures() == {}
    assert first.summary() == ["fuzz vhdx: 1.0/1 minutes, 2000 runs"]
    # What was done is done.
    again = fuzz.Fuzz(tmp_path / "state", 1)
    again.run(stop)
    assert again.summary() == first.summary()
    # And more can be asked for; but another program begins anew.
    more = fuzz.Fuzz(tmp_path / "state", 2)
    more.run(SILENT)
    assert more.summary() == ["fuzz vhdx: 2.0/2 minutes, 4000 runs"]
    target(1)
    broken = fuzz.Fuzz(tmp_path / "state", 2)
    broken.run(SILENT)
    assert broken.finished()
    assert "/found/vhdx-crash-1" in broken.failures()["fuzz vhdx"]
    assert broken.summary() == ["fuzz vhdx: 0.5/2 minutes, 1000 runs, broke"]


def test_a_start_that_drifts(tmp_path):
    path = tmp_path / "disk"
    path.write_bytes(bytes(8192) + b"7\n" + bytes(8190))
    counter = (8192, 4096)
    started = starts.Started(HostDisk(path, HostSpec(), 0, 0), counter, disk.digest_outside(path, [counter]))
    assert started.count() == 7 and not started.drifted()
    data = bytearray(path.read_bytes())
    data[8192:8194] = b"8\n"
    path.write_bytes(data)
    assert started.count() == 8 and not started.drifted()
    data[100] = 1
    path.write_bytes(data)
    assert started.drifted()
