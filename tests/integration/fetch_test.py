# SPDX-License-Identifier: GPL-2.0-or-later
"""Every source of a build from the Debian archive as it is today, into an empty cache: what a newcomer meets.

300 MB, so only with --all, and with VHDBOOT_TEST_FETCH=1, which .ci/run sets. There no network is a failure, too. Where the products
of the same run are built from an empty cache, nothing is fetched a second time.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import REPOSITORY

PINS = (REPOSITORY / "cmake/sources.cmake").read_text(encoding="utf-8")
LIBRARIES = re.findall(r"^vhdboot_source\((\S+) source ", PINS, re.MULTILINE)
KERNEL = re.search(r"VHDBOOT_KERNEL_PACKAGE (\S+) ", (REPOSITORY / "cmake/superbuild.cmake").read_text(encoding="utf-8")).group(1)
NAMES = [*LIBRARIES, "gcc-12-source", "busybox-static", KERNEL]
DEMANDED = os.environ.get("VHDBOOT_TEST_FETCH") == "1"


@pytest.fixture(scope="module", name="folder")
def empty_cache(tmp_path_factory, request) -> Path:
    if os.environ.get("VHDBOOT_TEST_FETCH") == "done":
        pytest.skip("the products of this very run were built from an empty cache: everything was fetched then")
    if not DEMANDED and not request.config.getoption("--all"):
        pytest.skip("300 MB: only with --all or VHDBOOT_TEST_FETCH=1, as in .ci/run")
    return tmp_path_factory.mktemp("fetch")


def cmake(script: str, *definitions: str) -> subprocess.CompletedProcess:
    return subprocess.run(["cmake", *(f"-D{definition}" for definition in definitions), "-P",
                           REPOSITORY / "cmake/script" / script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=1200)


@pytest.mark.parametrize("name", NAMES)
def test_fetch(folder, name):
    (folder / "stamps").mkdir(exist_ok=True)
    done = cmake("fetch.cmake", f"NAME={name}", f"CACHE={folder / 'cache'}", f"STAMP={folder / 'stamps' / name}")
    if "the Debian archive cannot be reached" in " ".join(done.stdout.split()) and not DEMANDED:
        pytest.skip("the Debian archive cannot be reached from here")
    assert done.returncode == 0, done.stdout
    version = (folder / "stamps" / name).read_text(encoding="utf-8")
    assert any((folder / "cache/packages" / name / version.replace(":", "%3a")).iterdir())
    print(f"{name} {version}\n{done.stdout}")


def test_the_list_of_them(folder):
    if not all((folder / "stamps" / name).exists() for name in NAMES):
        pytest.skip("not all of them were fetched")
    done = cmake("sources_list.cmake", f"CACHE={folder / 'cache'}", f"NAMES={';'.join(NAMES)}", f"STAMPS={folder / 'stamps'}",
                 f"OUT={folder / 'sources.md'}")
    assert done.returncode == 0, done.stdout
    listed = (folder / "sources.md").read_text(encoding="utf-8")
    assert [row.split(" | ")[0] for row in re.findall(r"^\| (.*) \|$", listed, re.MULTILINE)[2:2 + len(NAMES)]] == NAMES
