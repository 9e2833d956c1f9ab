# SPDX-License-Identifier: GPL-2.0-or-later
"""Python is always the one that has the packages of tests/packages.list, whichever `python3` stands first in PATH."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# A word of its own, not the name of a Debian package.
FROM_PATH = re.compile(r"(?<!/usr/bin/)\bpython3?\b(?!-)")
EXCEPT = {"tests/packages.list", "tests/lint/python_test.py"}


def files() -> list[str]:
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    return [name for name in listing.split("\0") if name and name not in EXCEPT and (ROOT / name).is_file()]


def test_no_python_from_path():
    found = [f"{name}: {line.strip()}" for name in files()
             for line in (ROOT / name).read_text(encoding="utf-8", errors="replace").splitlines() if FROM_PATH.search(line)]
    assert not found, "write /usr/bin/python3:\n" + "\n".join(found)


@pytest.mark.parametrize("command", [["tests/run.sh", "--help"], ["tests/demo.sh", "--help"], ["tests/release.sh", "--help"],
                                     ["tests/run.sh", "no-such-part"]])
def test_another_python_in_path(command, tmp_path):
    """It is never started."""
    for name in ("python3", "python"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\nexit 1\n", encoding="utf-8")
        program.chmod(0o755)
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    assert done.returncode == (0 if command[1] == "--help" else 2), done.stdout
    assert not (tmp_path / "started").exists()
