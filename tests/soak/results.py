# SPDX-License-Identifier: GPL-2.0-or-later
"""Results in a file that is whole whenever the run is stopped."""

import json
import os
from pathlib import Path


class Results:
    """`data`: what the file says, or what it is to say."""

    def __init__(self, path: Path, empty: dict):
        self._path = path
        self.data = {**empty, **(json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {})}

    def save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(f"{self._path.name}.fresh")
        fresh.write_text(json.dumps(self.data, indent=1) + "\n", encoding="utf-8")
        os.replace(fresh, self._path)
