# SPDX-License-Identifier: GPL-2.0-or-later
"""tests/demo.sh: what it says before anything is built or installed."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import REPOSITORY

SCRIPT = REPOSITORY / "tests/demo.sh"


def demo(*words, **more):
    return subprocess.run(["/bin/bash", SCRIPT, *words], capture_output=True, text=True, timeout=60, check=False, **more)


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["--exfat", "--help"]])
def test_help_needs_no_other_program(tmp_path, words):
    done = demo(*words, env={"PATH": str(tmp_path)}, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    source = Path(REPOSITORY / "tests/support/demo.py").read_text(encoding="utf-8")
    options = set(re.findall(r'add_argument\("(--[a-z]+)"', source)) - {"--check"}
    assert options and options | {"--help"} == set(re.findall(r"--[a-z]+", done.stdout))


@pytest.mark.parametrize("words, says", [(["--hel"], "--hel"), (["--nonsense"], "--nonsense"),
                                         (["--image", "/nothing"], "/nothing")])
def test_wrong_usage_ends_it_before_anything_is_done(words, says):
    done = demo(*words)
    assert (done.returncode, done.stdout) == (2, "") and says in done.stderr
