# SPDX-License-Identifier: GPL-2.0-or-later
"""What --passed of tests/conftest.py leaves out, in one process and with pytest-xdist, as the boot tests run."""

import os
import subprocess
import sys

import pytest

from tests.support.paths import REPOSITORY


@pytest.mark.parametrize("words", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_what_has_passed_is_left_out(words, tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "sample_test.py").write_text("def test_one():\n    pass\n\n\ndef test_two():\n    pass\n")

    def run(*more):
        done = subprocess.run([sys.executable, "-m", "pytest", "-c", "pytest.ini", "-p", "tests.conftest", "-q",
                               f"--passed={tmp_path / 'passed'}", *words, *more, "sample_test.py"], cwd=tmp_path,
                              env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True)
        return done.returncode, done.stdout

    assert run("-k", "one")[0] == 0
    assert (tmp_path / "passed").read_text().split() == ["sample_test.py::test_one"]
    status, shown = run("-k", "one")
    assert status == 0 and "1 passed" not in shown, "nothing is left of them"
    assert run("-k", "typo")[0] == pytest.ExitCode.NO_TESTS_COLLECTED
    status, shown = run()
    assert status == 0 and "1 passed" in shown
    assert run()[0] == 0
    assert run("-k", "typo")[0] == pytest.ExitCode.NO_TESTS_COLLECTED
