# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may include whom: the table of the architecture, as a test. Headers of ours are spelled from the repository's root."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# From what all stand on up to the programs: nothing may use what comes after it.
ORDER = ["base", "efi", "disk", "kexec", "vhd", "entry", "init/volume", "init/record", "init/blocks", "init/modules",
         "init/guest", "init/menu", "init/tree", "init/arrive", "init/sys", "init/stage", "tools/common",
         "tools/raw2vhd", "tools/vhdtool", "tools/vhdboot"]
# What each folder may use beside itself.
ALLOWED = {
    "base": set(),
    "efi": {"base"},
    "disk": {"base"},
    "kexec": {"base"},
    "vhd": {"base", "disk"},
    "entry": {"base", "disk", "kexec"},
    "init/volume": {"base"},
    "init/record": {"base", "disk", "entry", "init/volume"},
    "init/blocks": {"base", "vhd", "init/volume"},
    "init/modules": {"base", "disk", "kexec"},
    "init/guest": {"base", "disk", "kexec", "entry", "init/volume", "init/record", "init/blocks", "init/modules"},
    "init/menu": {"base"},
    "init/tree": {"base", "init/volume"},
    "init/arrive": {"base"},
    "init/sys": {"base", "disk", "kexec", "init/volume", "init/record", "init/blocks", "init/modules", "init/menu",
                 "init/tree", "init/arrive"},
    "init/stage": {"base", "disk", "kexec", "vhd", "entry", "init/volume", "init/record", "init/blocks",
                   "init/modules", "init/guest", "init/menu", "init/tree", "init/arrive", "init/sys"},
    "tools/common": {"base", "disk", "vhd"},
    "tools/raw2vhd": {"base", "disk", "vhd", "tools/common"},
    "tools/vhdtool": {"base", "disk", "kexec", "vhd", "entry", "init/volume", "init/record", "init/stage", "init/blocks",
                      "init/modules", "init/guest", "init/tree", "init/arrive", "init/sys", "tools/common"},
    "tools/vhdboot": {"base", "disk", "kexec", "vhd", "entry", "init/volume", "init/record", "init/guest", "init/sys",
                      "tools/common", "tools/vhdtool"},
}
# Sources of what is not the product.
APART = {"build", "tests", "cmake"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def source_folders(root):
    """Every folder of the product with a source in it."""
    tops = [path for path in root.iterdir() if path.is_dir() and path.name not in APART and path.name[0] != "."]
    return {path.parent.relative_to(root).as_posix() for top in tops for path in top.rglob("*")
            if path.suffix in (".h", ".cpp")}


def upward(table, order):
    """The edges of a table that the order does not allow."""
    return [f"{folder} may use {used}, which comes after it" for folder in table for used in sorted(table[folder])
            if order.index(used) >= order.index(folder)]


def complaints(root, folder):
    """What in a folder breaks the table, by file and line. Programs (main functions) may include any library."""
    for path in sorted(path for path in (root / folder).glob("*") if path.suffix in (".h", ".cpp")):
        text = path.read_text(encoding="utf-8")
        if re.search(r"^int main\(", text, re.MULTILINE):
            continue
        for match in INCLUDE.finditer(text):
            name = match.group(1)
            used = Path(name).parent.as_posix()
            line = text.count("\n", 0, match.start(1)) + 1
            place = f"{path.relative_to(root)}:{line} includes {name}"
            if not (root / name).is_file():
                # What the build makes lies in its folder under the same name; all else is spelled from the root.
                if used != folder or (path.parent / name).is_file():
                    yield f"{place}, which is not a path from the repository's root"
            elif used not in ALLOWED[folder] | {folder}:
                yield f"{place}: {folder} may use {', '.join(sorted(ALLOWED[folder])) or 'nothing'}"


def test_every_folder_is_in_the_table():
    assert source_folders(ROOT) == set(ALLOWED), "a new folder needs a row in ALLOWED and a place in ORDER"


def test_the_table_has_no_edge_upwards():
    assert not upward(ALLOWED, ORDER)


@pytest.mark.parametrize("folder", ALLOWED)
def test_includes_follow_the_table(folder):
    found = list(complaints(ROOT, folder))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("folder,text,found", [
    ("kexec", '#include "base/result.h"\n', []),
    ("kexec", '#include "kexec/x.h"\n', []),
    ("kexec", '#include <vector>\n\n  #  include "init/record/config.h"\n',
     ["kexec/x.cpp:3 includes init/record/config.h: kexec may use base"]),
    ("init/record", '#include "init/sys/loop.h"\n',
     ["init/record/x.cpp:1 includes init/sys/loop.h: init/record may use base, disk, entry, init/volume"]),
    ("base", '#include "result.h"\n', ["base/x.cpp:1 includes result.h, which is not a path from the repository's root"]),
    ("base", '// #include "init/sys/loop.h"\n', []),
    ("base", '#include "init/sys/loop.h"\nint main() {}\n', []),
])
def test_of_the_check_of_includes(tmp_path, folder, text, found):
    for name in ("base/result.h", "kexec/x.h", "init/record/config.h", "init/sys/loop.h"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / folder / "x.cpp").write_text(text, encoding="utf-8")
    assert list(complaints(tmp_path, folder)) == found


def test_of_the_check_of_folders(tmp_path):
    for name in ("base/x.h", "init/new/x.cpp", "init/CMakeLists.txt", "tests/unit/x.cpp", "build/x/x.h", ".git/x.h"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert source_folders(tmp_path) == {"base", "init/new"}


def test_of_the_check_of_the_table():
    assert upward({"a": set(), "b": {"a"}}, ["a", "b"]) == []
    assert upward({"a": {"b"}, "b": {"b"}}, ["a", "b"]) == ["a may use b, which comes after it",
                                                            "b may use b, which comes after it"]
