# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of what was proven: each boot test that passes leaves what it booted, and `/usr/bin/python3 -m tests.support proven`
makes a page of it."""

import collections
import json
import re
from pathlib import Path

from .bootcase import BootCase
from .guest import Recipe
from .paths import REPOSITORY, TEST_OUTPUT

RECORDS = TEST_OUTPUT / "proven"
PAGE = REPOSITORY / "docs/proven.md"
COLUMNS = ("system", "kernel", "init", "initrd", "root", "boot entry", "image", "host")
ENTRIES = {"uki": "UKI", "type1": "Type #1", "grub": "/boot, grub.cfg", "none": "/boot",
           "loader.conf": "Type #1, `efi`, by loader.conf", "limine": "limine.conf",
           "sdbootutil": "Type #1, by the default subvolume"}
NOT_NOTED = "not noted"
TABLES = {"gpt": "GPT", "mbr": "MBR", "none": "bare file system"}


def booted(text: str) -> dict[str, int]:
    """Of a page: the SHA-256 of each vhdboot.efi that was booted, and how many rows are about it."""
    return {sum_: int(rows) for sum_, rows in re.findall(rf"^- `?([0-9a-f]{{64}}|{NOT_NOTED})`?: (\d+) rows?$", text, re.MULTILINE)}


def forget(name: str) -> None:
    """A case that is being tried is not proven."""
    (RECORDS / f"{name}.json").unlink(missing_ok=True)


def record(case: BootCase, recipe: Recipe, system: str, kernel: str, packages: dict[str, str], efi: str) -> None:
    """`packages`: the versions of those that the guest has; `efi`: the SHA-256 of the file that was booted."""
    def versions(names) -> str:
        return ", ".join(f"{name} {packages[name]}" for name in names if name in packages) or "none"

    layers = [recipe.root_fs + (" subvolume" if recipe.subvolume else "")]
    if recipe.container != "none":
        layers.append({"luks": "LUKS", "lvm": "LVM"}[recipe.container])
    extras = [f"{what} partition" for what, size in (("/boot", recipe.boot_mib), ("swap", recipe.swap_mib)) if size]
    option = {"-": "by UUID", "": "no root="}.get(recipe.root_option, recipe.expand(recipe.root_option).split("=")[0])
    row = {
        "system": system + ("" if recipe.merged_usr else ", /usr not merged"),
        "kernel": kernel,
        "init": versions(recipe.init),
        "initrd": versions(recipe.initrd),
        "root": f"{' on '.join(layers)}, {option}",
        "boot entry": ENTRIES[recipe.entry],
        "image": ", ".join(["raw" if case.raw else "VHD", TABLES[recipe.table], *extras]),
        "host": f"{case.fs.upper() if case.fs == 'ntfs' else 'exFAT'}, {case.bus}",
        "efi": efi,
    }
    RECORDS.mkdir(parents=True, exist_ok=True)
    (RECORDS / f"{case.name}.json").write_text(json.dumps(row), encoding="utf-8")


def page() -> str:
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RECORDS.glob("*.json"))]
    files = collections.Counter(row.get("efi", NOT_NOTED) for row in rows)
    lines = ["# What was proven", "",
             "Each row was booted in QEMU under UEFI firmware, from an image on a host volume to a login prompt and",
             "down to a clean volume, by `tests/run.sh boot`. Nothing of vhdboot was in the guest.",
             "`/usr/bin/python3 -m tests.support proven` makes this page from the last run.", "",
             "The `vhdboot.efi` that was booted, by its SHA-256:", "",
             *[f"- {name if name == NOT_NOTED else f'`{name}`'}: {count} row{'s' if count > 1 else ''}"
               for name, count in sorted(files.items())], "",
             "| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
    lines += ["| " + " | ".join(row[column] for column in COLUMNS) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def write_page(target: Path = PAGE) -> None:
    target.write_text(page(), encoding="utf-8")
