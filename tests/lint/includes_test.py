# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may include whom: the table of the architecture, as a test. Headers of ours are spelled from the repository's root."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {
    "base": {"base"},
    "efi": {"base", "efi"},
    "disk": {"base", "disk"},
    "kexec": {"base", "kexec"},
    "vhd": {"base", "disk", "vhd"},
    "entry": {"base", "disk", "kexec", "entry"},
    "init/volume": {"base", "init/volume"},
    "init/record": {"base", "disk", "entry", "init/volume", "init/record"},
    "init/blocks": {"base", "vhd", "init/volume", "init/blocks"},
    "init/modules": {"base", "disk", "kexec", "init/modules"},
    "init/guest": {"base", "disk", "kexec", "entry", "init/volume", "init/record", "init/modules", "init/guest"},
    "init/sys": {"base", "disk", "kexec", "init/volume", "init/record", "init/blocks", "init/modules", "init/sys"},
    "init/stage": {"base", "disk", "kexec", "vhd", "entry", "init/volume", "init/record", "init/blocks",
                   "init/modules", "init/guest", "init/sys", "init/stage"},
    "tools/common": {"base", "disk", "vhd", "tools/common"},
    "tools/raw2vhd": {"base", "disk", "vhd", "tools/common", "tools/raw2vhd"},
    "tools/vhdtool": {"base", "disk", "kexec", "vhd", "entry", "init/volume", "init/record", "init/blocks",
                      "init/modules", "init/guest", "init/sys", "tools/common", "tools/vhdtool"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def sources(folder):
    return sorted(path for path in (ROOT / folder).rglob("*") if path.suffix in (".h", ".cpp"))


def home(name):
    """The folder of the table that a header lies in."""
    return next((folder for folder in sorted(ALLOWED, key=len, reverse=True) if name.startswith(f"{folder}/")), None)


def complaints(path, folder):
    for name in INCLUDE.findall(path.read_text(encoding="utf-8")):
        place = f"{path.relative_to(ROOT)} includes {name}"
        if not (ROOT / name).is_file():
            # What the build makes lies in its folder under the same name; everything else is spelled from the root.
            if home(name) != folder or (path.parent / name).is_file():
                yield f"{place}, which is not a path from the repository's root"
        elif home(name) not in ALLOWED[folder]:
            yield f"{place}: {folder} may use {', '.join(sorted(ALLOWED[folder]))}"


@pytest.mark.parametrize("folder", ALLOWED)
def test_includes_follow_the_table(folder):
    # A folder may keep programs of its own (main functions), which may include any library.
    files = [path for path in sources(folder) if home(f"{path.relative_to(ROOT)}") == folder]
    assert files, f"no source in {folder}"
    found = [text for path in files if "int main(" not in path.read_text(encoding="utf-8")
             for text in complaints(path, folder)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name,folder,fine", [
    ("base/result.h", "kexec", True),
    ("init/record/config.h", "kexec", False),
    ("init/sys/loop.h", "init/blocks", False),
    ("result.h", "base", False),
])
def test_the_check_itself(tmp_path, monkeypatch, name, folder, fine):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    for header in ("base/result.h", "init/record/config.h", "init/sys/loop.h"):
        (tmp_path / header).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / header).touch()
    path = tmp_path / folder / "x.cpp"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#include "{name}"\n', encoding="utf-8")
    assert (list(complaints(path, folder)) == []) == fine
