# SPDX-License-Identifier: GPL-2.0-or-later
"""clang-tidy on what was changed: in the working copy, and since the branch left origin's (without one: the last commit).
A changed header is checked with one source that includes it. --all checks all sources. A source that was clean once, with
the same headers and the same checks, is not checked again."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/tests/tidy"
CLEAN = BUILD / "clean"
TIDY = "clang-tidy-19"
FOLDERS = ("base/", "disk/", "efi/", "entry/", "init/", "kexec/", "tools/", "vhd/")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def git(*words):
    """The lines that git prints; nothing when it fails."""
    done = subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else None


def changed_files():
    head = git("rev-parse", "HEAD")
    if head is None:
        return None
    since = git("merge-base", "HEAD", "origin/HEAD") or git("merge-base", "HEAD", "origin/main") or head
    if since == head:
        since = git("rev-parse", "HEAD~1")
    if since is None:
        return None
    return {*git("diff", "--name-only", since[0]), *git("ls-files", "-o", "--exclude-standard")}


def with_headers(source):
    """A source and all headers of ours that it reads, as paths from the root."""
    seen, todo = set(), [source]
    while todo:
        name = todo.pop()
        if name in seen or not (ROOT / name).is_file():
            continue
        seen.add(name)
        todo += INCLUDE.findall((ROOT / name).read_text("utf-8"))
    return seen


def fingerprint(files, version):
    digest = hashlib.sha256(version.encode() + (ROOT / ".clang-tidy").read_bytes())
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + hashlib.sha256((ROOT / name).read_bytes()).digest())
    return digest.hexdigest()


def all_sources():
    """The sources of the native build, after it was configured: clang-tidy needs to know how each one is compiled."""
    done = subprocess.run(["cmake", "-S", ROOT, "-B", BUILD, "-G", "Ninja", "-DVHDBOOT_SUPERBUILD=OFF",
                           "-DVHDBOOT_TESTS=ON"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    commands = json.loads((BUILD / "compile_commands.json").read_text("utf-8"))
    names = {Path(command["file"]).relative_to(ROOT).as_posix() for command in commands
             if Path(command["file"]).is_relative_to(ROOT)}
    return sorted(name for name in names if name.startswith(FOLDERS) and name.endswith(".cpp"))


def complaints(name):
    done = subprocess.run([TIDY, "-p", BUILD, "--quiet", ROOT / name], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{name}\n{done.stdout or done.stderr}"


def least_sources(reads, changed):
    """The sources that were changed, and for each changed header that none of them reads its own source or the first."""
    chosen = {name for name in reads if name in changed}
    for header in sorted(changed):
        readers = sorted(name for name, files in reads.items() if header in files)
        if readers and not chosen & set(readers):
            own = Path(header).with_suffix(".cpp").as_posix()
            chosen.add(own if own in readers else readers[0])
    return chosen


def test_clang_tidy(request):
    for tool in (TIDY, "cmake", "ninja"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    version = subprocess.run([TIDY, "--version"], capture_output=True, text=True, check=True).stdout
    reads = {name: with_headers(name) for name in all_sources()}
    assert reads
    changed = None if request.config.getoption("--all") else changed_files()
    every = changed is None or ".clang-tidy" in changed
    marks = {name: CLEAN / fingerprint(reads[name], version) for name in (reads if every else least_sources(reads, changed))}
    todo = {name: mark for name, mark in sorted(marks.items()) if not mark.is_file()}
    CLEAN.mkdir(parents=True, exist_ok=True)
    found = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for (name, mark), text in zip(todo.items(), pool.map(complaints, todo)):
            if text:
                found.append(text)
            else:
                mark.touch()
    assert not found, "\n".join(found)[-20000:]


def test_least_sources():
    reads = {"a.cpp": {"a.cpp", "a.h", "c.h"}, "b.cpp": {"b.cpp", "a.h", "c.h", "d.h"}, "e.cpp": {"e.cpp", "d.h"}}
    assert least_sources(reads, {"README.md"}) == set()
    assert least_sources(reads, {"b.cpp"}) == {"b.cpp"}
    assert least_sources(reads, {"a.h"}) == {"a.cpp"}
    assert least_sources(reads, {"a.h", "b.cpp"}) == {"b.cpp"}
    assert least_sources(reads, {"d.h"}) == {"b.cpp"}
    assert least_sources(reads, {"c.h", "e.cpp"}) == {"a.cpp", "e.cpp"}


def test_the_choice_itself():
    reads = with_headers("disk/selector.cpp")
    assert {"disk/selector.cpp", "disk/selector.h"} <= reads
    assert "base/text.h" in with_headers("init/record/config.cpp")
    assert fingerprint(reads, "1") != fingerprint(reads, "2")
    assert fingerprint(reads, "1") != fingerprint(reads | {"base/crc32.h"}, "1")
