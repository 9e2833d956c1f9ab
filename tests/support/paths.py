# SPDX-License-Identifier: GPL-2.0-or-later
"""Where things lie: the repository, the products, the cache of the test bench."""

import contextlib
import fcntl
import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PRODUCTS = Path(os.environ.get("VHDBOOT_PRODUCTS", REPOSITORY / "build/release/out"))
TEST_OUTPUT = REPOSITORY / "build/tests"


def _in_cache(name: str) -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "vhdboot" / name


def cache_folder() -> Path:
    """The folder of everything that is slow to make and safe to keep."""
    chosen = os.environ.get("VHDBOOT_TEST_CACHE")
    folder = Path(chosen) if chosen else _in_cache("guests")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def product_cache() -> Path:
    """Where the build of the products keeps what it has fetched and compiled; need not be there."""
    return Path(os.environ.get("VHDBOOT_CACHE") or _in_cache(""))


def soak_folder() -> Path:
    """The folder of how far tests/run.sh soak is, unless it is told another."""
    return _in_cache("soak")


@contextlib.contextmanager
def locked(path: Path):
    """Holds an exclusive lock on PATH.lock, so that two runs do not make the same thing at once."""
    with open(f"{path}.lock", "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
