# SPDX-License-Identifier: GPL-2.0-or-later
"""Formatting, shell scripts, licence lines: of every file that git knows."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LICENCE = "SPDX-License-Identifier: GPL-2.0-or-later"


def tracked(*patterns):
    done = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--", *patterns], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def check(tool, *words, files):
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    assert files
    done = subprocess.run([tool, *words, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def test_clang_format():
    files = [path for path in tracked("*.h", "*.cpp") if "third_party" not in path.parts]
    check("clang-format-19", "--dry-run", "-Werror", files=files)


def test_shellcheck():
    check("shellcheck", "-x", files=[*tracked("*.sh"), *tracked(".ci/run")])


def test_manual_pages():
    check("mandoc", "-T", "lint", "-W", "warning", files=tracked("*.[1-8]"))


def test_python_compiles():
    for path in tracked("*.py"):
        compile(path.read_bytes(), path, "exec")


def test_licence_lines():
    files = [path for path in tracked("*.h", "*.cpp", "*.py", "*.sh", "*.cmake", "CMakeLists.txt", ".ci/run")
             if "third_party" not in path.parts and path.stat().st_size > 0]
    missing = [str(path.relative_to(ROOT)) for path in files
               if LICENCE not in "\n".join(path.read_text("utf-8").splitlines()[:3])]
    assert not missing


def test_no_unfinished_marks():
    words = ("TO" + "DO", "FIX" + "ME")
    files = tracked("*.h", "*.cpp", "*.py", "*.sh", "*.cmake", "*.txt", "*.config", "*.list")
    found = [f"{path.relative_to(ROOT)}: {word}" for path in files for word in words
             if word in path.read_text("utf-8", "replace")]
    assert not found
