# SPDX-License-Identifier: GPL-2.0-or-later
"""The fuzz targets that were built, and how one is run."""

import os
from pathlib import Path

from .paths import REPOSITORY

CORPUS = REPOSITORY / "tests/fuzz/corpus"


def programs() -> list[Path]:
    found = sorted((REPOSITORY / "build/test/fuzz").glob("fuzz_*"))
    return [path for path in found if os.access(path, os.X_OK)]


def name_of(program: Path) -> str:
    return program.name.removeprefix("fuzz_")


def words(program: Path, seconds: int, corpus: Path, artifacts: Path) -> list[str]:
    """Inputs that reach something new are added to `corpus`; what breaks the target is written into `artifacts`."""
    name = name_of(program)
    corpus.mkdir(parents=True, exist_ok=True)
    known = [CORPUS / name] if (CORPUS / name).is_dir() else []
    return [str(word) for word in (
        program, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
        f"-artifact_prefix={artifacts}/{name}-", corpus, *known)]
