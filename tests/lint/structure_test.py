# SPDX-License-Identifier: GPL-2.0-or-later
"""What a folder promises: its namespace, that a pure library makes no system call, that the stub stays freestanding."""

import re
from pathlib import Path

import pytest

from tests.lint.includes_test import ALLOWED

ROOT = Path(__file__).resolve().parents[2]
NAMESPACES = {
    "base": "vhdboot", "efi": "vhdboot::efi", "disk": "vhdboot::disk", "kexec": "vhdboot::kexec",
    "vhd": "vhdboot::vhd", "entry": "vhdboot::entry", "init/volume": "vhdboot::volume",
    "init/record": "vhdboot::record", "init/blocks": "vhdboot::blocks", "init/modules": "vhdboot::modules",
    "init/guest": "vhdboot::guest", "init/menu": "vhdboot::menu", "init/tree": "vhdboot::tree",
    "init/arrive": "vhdboot::arrive", "init/sys": "vhdboot::sys",
    "init/stage": "vhdboot::stage",
    "tools/common": "vhdboot::tools", "tools/raw2vhd": "vhdboot::raw2vhd", "tools/vhdtool": "vhdboot::vhdtool",
    "tools/vhdboot": "vhdboot::command",
}
# What the firmware and the compiler call by names of theirs.
NAMED_BY_OTHERS = {"efi/main.cpp", "efi/runtime.cpp"}
# Where system calls are at home; the stub talks to the firmware and has a test of its own.
IMPURE = {"efi", "init/sys", "init/stage", "tools/common", "tools/raw2vhd", "tools/vhdtool", "tools/vhdboot"}
# The few files of other folders that may make some.
EXEMPT = {
    "base/fd.cpp", "base/fd.h", "base/held_signals.h",
    "kexec/kexec_load.cpp",
    "init/volume/ntfs3g.h",  # needs them for libntfs-3g's own headers
}
PURE = [folder for folder in ALLOWED if folder not in IMPURE]
SYSTEM_HEADER = re.compile(
    r"^\s*#\s*include\s+<((?:sys|linux|asm|net|netinet)/\S+|unistd\.h|fcntl\.h|dirent\.h|poll\.h|spawn\.h|termios\.h|"
    r"stdio\.h|cstdio|iostream|fstream|print|filesystem|thread|csignal|signal\.h)>", re.MULTILINE)
NAMESPACE = re.compile(r"^namespace (vhdboot[\w:]*) \{", re.MULTILINE)
BASE_HEADER = re.compile(r'^\s*#\s*include\s+"(base/[^"]+)"', re.MULTILINE)


def sources(folder, *suffixes):
    return sorted(path for path in (ROOT / folder).glob("*") if path.suffix in (suffixes or (".h", ".cpp")))


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def is_program(text):
    return re.search(r"^int main\(", text, re.MULTILINE) is not None


@pytest.mark.parametrize("folder", NAMESPACES)
def test_headers_are_read_once(folder):
    assert not [name_of(path) for path in sources(folder, ".h") if "\n#pragma once\n" not in path.read_text("utf-8")]


@pytest.mark.parametrize("folder,namespace", NAMESPACES.items())
def test_namespace_of_the_folder(folder, namespace):
    wrong = []
    for path in sources(folder):
        text = path.read_text("utf-8")
        found = NAMESPACE.findall(text)
        fine = [name for name in found if name == namespace or name.startswith(f"{namespace}::")]
        # A program has nothing that others would have to find.
        exempt = not found and (is_program(text) or name_of(path) in NAMED_BY_OTHERS)
        if (not found or found != fine) and not exempt:
            wrong.append(f"{name_of(path)}: {found} instead of {namespace}")
    assert not wrong, "\n".join(wrong)


def system_headers(path):
    """What a source includes of the system, by line."""
    text = path.read_text("utf-8")
    for match in [] if is_program(text) else SYSTEM_HEADER.finditer(text):
        line = text.count("\n", 0, match.start(1)) + 1
        yield f"{path.name}:{line} includes <{match.group(1)}>"


def test_every_folder_has_a_namespace():
    assert set(NAMESPACES) == set(ALLOWED)
    assert IMPURE <= set(ALLOWED)


@pytest.mark.parametrize("folder", PURE)
def test_pure_libraries_leave_the_system_alone(folder):
    wrong = [f"{folder}/{found}" for path in sources(folder) if name_of(path) not in EXEMPT
             for found in system_headers(path)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", EXEMPT)
def test_no_file_is_exempt_for_nothing(name):
    assert list(system_headers(ROOT / name))


def test_the_stub_uses_only_what_is_freestanding():
    wrong = []
    for path in sources("efi"):
        for name in BASE_HEADER.findall(path.read_text("utf-8")):
            comment = (ROOT / name).read_text("utf-8").split("#pragma once")[0]
            if "Freestanding" not in comment:
                wrong.append(f"{name_of(path)} includes {name}, which does not say that it is freestanding")
    assert not wrong, "\n".join(wrong)


def test_of_the_check_of_system_headers(tmp_path):
    for line in ("#include <sys/mount.h>", "# include <cstdio>", "  #include <unistd.h>"):
        assert SYSTEM_HEADER.search(line), line
    for line in ("#include <string>", '#include "init/sys/fd.h"', "// #include <cstdio>"):
        assert not SYSTEM_HEADER.search(line), line
    path = tmp_path / "x.cpp"
    path.write_text("#include <string>\n\n#include <unistd.h>\n", encoding="utf-8")
    assert list(system_headers(path)) == ["x.cpp:3 includes <unistd.h>"]
    path.write_text("#include <unistd.h>\nint main() {}\n", encoding="utf-8")
    assert not list(system_headers(path))
