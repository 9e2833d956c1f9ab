# SPDX-License-Identifier: GPL-2.0-or-later
"""The pages for people: every link and path in them exists, every example is run, checked or says why not, and what the
examples write for Windows and for boot menus is spelled as the documentation of those has it."""

import json
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from tests.support import pages
from tests.support.pages import Block

ROOT = Path(__file__).resolve().parents[2]
README = "README.md"
# What devices and records look like on a running system; nothing that a person types.
INDENTED_BLOCKS = {"docs/facts-of-a-boot.md"}
CHECKED = {"sh", "json", "grub", "systemd-boot", "refind", "conf", "load-options", "fstab", "powershell", "bat",
           "diskpart", "text"}

# https://www.ventoy.net/en/plugin.html and the pages of its plugins: plugin_control, plugin_menualias, plugin_imagelist.
VENTOY = {"control", "menu_alias", "image_list", "image_blacklist"}
VENTOY_CONTROL = {"VTOY_FILE_FLT_VHD", "VTOY_FILE_FLT_EFI", "VTOY_DEFAULT_IMAGE", "VTOY_MENU_TIMEOUT",
                  "VTOY_DEFAULT_SEARCH_ROOT"}
# https://uapi-group.org/specifications/specs/boot_loader_specification/
TYPE1 = {"title", "version", "machine-id", "sort-key", "linux", "initrd", "efi", "options", "architecture", "devicetree"}
# https://www.rodsbooks.com/refind/configfile.html, "Creating Manual Boot Stanzas"
REFIND = {"volume", "loader", "initrd", "icon", "ostype", "graphics", "options", "disabled"}

LEARN = "https://learn.microsoft.com/"
COMMANDS = LEARN + "windows-server/administration/windows-commands/"
# A command, what it takes besides values, and the page that says so.
WINDOWS = {
    "Convert-VHD": ({"-Path", "-DestinationPath", "-VHDType"}, LEARN + "powershell/module/hyper-v/convert-vhd"),
    "New-VHD": ({"-Path", "-SizeBytes", "-Fixed"}, LEARN + "powershell/module/hyper-v/new-vhd"),
    "Get-FileHash": ({"-Algorithm"}, LEARN + "powershell/module/microsoft.powershell.utility/get-filehash"),
    "Copy-Item": ({"-Path", "-Destination"}, LEARN + "powershell/module/microsoft.powershell.management/copy-item"),
    "Get-Item": (set(), LEARN + "powershell/module/microsoft.powershell.management/get-item"),
    "wsl": ({"--shutdown", "--export", "--vhd", "--import-in-place"}, LEARN + "windows/wsl/basic-commands"),
    "create": ({"vdisk", "file=", "maximum=", "type="}, LEARN + "previous-versions/windows/it-pro/"
               "windows-server-2008-r2-and-2008/gg252579(v=ws.10)"),
    "manage-bde": ({"-status", "-protectors", "-get", "-disable", "-RebootCount"}, COMMANDS + "manage-bde-protectors"),
    "powercfg": ({"/hibernate"}, LEARN + "windows-hardware/design/device-experiences/powercfg-command-line-options"),
    "reg": ({"add", "/v", "/t", "/d", "/f"}, COMMANDS + "reg-add"),
    "fsutil": ({"sparse", "queryflag", "setflag", "dirty", "query"}, COMMANDS + "fsutil-sparse"),
    "compact": ({"/u"}, COMMANDS + "compact"),
    "cipher": ({"/d"}, COMMANDS + "cipher"),
    "chkdsk": ({"/f"}, COMMANDS + "chkdsk"),
    # Of our own script, whose words tests/lint/windows_script_test.py knows.
    "powershell": ({"-ExecutionPolicy", "Bypass", "-File", "vhdboot.ps1", "check", "new", "convert", "install", "next", "snapshot",
                    "schedule", "-SizeGB", "64", "-WhatIf", "-Destination", "-Entry", "{1494260c-7b6a-11ee-be5c-802af81c9a66}",
                    "-Restart", "-Firmware", "-Clear", "-At", '"2026-12-24', '03:00"', "-Cancel"},
                   LEARN + "powershell/module/microsoft.powershell.core/about/about_powershell_exe"),
    "VBoxManage": ({"clonemedium", "disk", "--format", "--variant"},
                   "https://docs.oracle.com/en/virtualization/virtualbox/6.0/user/vboxmanage-clonemedium.html"),
}
# What they may be given.
VALUES = re.compile(r"[A-Z]:(\\[\w.\\-]+)?|HKLM\\[\w\\]+|vhdboot\.efi|Debian|Debian64|Fixed|VHD|SHA256|64GB|REG_DWORD|"
                    r"RealTimeIsUniversal|off|\d|65536|fixed")
# What others say on the screen.
OF_OTHERS = {"Access Denied", "Security Violation", "prohibited by secure boot policy", "NOT ntfs",
             "ventoy_vhdboot.img", "Buffer I/O error on dev dm-1"}


def every_block() -> list[Block]:
    return [block for page in pages.pages().values() for block in page.blocks]


def of(*languages: str):
    found = [block for language in languages for block in pages.blocks(language)]
    return pytest.mark.parametrize("block", found, ids=[block.place for block in found])


@cache
def keys_of_the_configuration() -> list[str]:
    return re.findall(r'^ +Key\{"([\w-]+)"', (ROOT / "init/record/config.cpp").read_text("utf-8"), re.MULTILINE)


# --- links and paths --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", pages.pages())
def test_links(name):
    page = pages.pages()[name]
    wrong = []
    for line, target in page.links():
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.folder / path).resolve() if path else ROOT / name
        if not file.exists():
            wrong.append(f"{name}:{line}: there is no {path}")
        elif anchor and anchor not in pages.pages()[file.relative_to(ROOT).as_posix()].anchors():
            wrong.append(f"{name}:{line}: {path or name} has no heading for #{anchor}")
    assert not wrong, "\n".join(wrong)


def paths_in(text: str):
    """What looks like a path of this repository, but for names that stand for some (in capitals, with stars)."""
    for match in re.finditer(r"(?<![\w/.~-])(?:docs|tests|tools|cmake|init|efi|entry|kconfig)/[\w./*-]+", text):
        path = match[0].rstrip(".")
        if "*" not in path and not re.search(r"/[A-Z]{2,}(?!\.md)", path):
            yield path


@pytest.mark.parametrize("name", pages.pages())
def test_paths(name):
    text = (ROOT / name).read_text("utf-8")
    folders = (ROOT, (ROOT / name).parent)
    assert not [path for path in paths_in(text) if not any((folder / path).exists() for folder in folders)]


def test_every_page_is_in_the_index():
    linked = {target.partition("#")[0] for _, target in pages.pages()[README].links()}
    assert set(pages.pages()) - {README} <= linked
    manuals = {path.relative_to(ROOT).as_posix() for folder in ("docs", "tools") for path in (ROOT / folder).rglob("*.[1-8]")}
    assert manuals and manuals <= linked


def test_of_the_check_of_links():
    page = pages.parse("docs/x.md", "# A `b`, c's\n\n[x](y.md#z) `[no](link)`\n\n   ```sh run\n   ls\n   ```\n\n[a](b)\n")
    assert page.links() == [(3, "y.md#z"), (9, "b")] and page.anchors() == {"a-b-cs"}
    assert page.blocks == (Block("docs/x.md", 5, "sh", "run", "ls\n"),)
    text = "`tests/run.sh` out/docs/x docs/NAME.toml tests/*_test.py docs/a.md."
    assert list(paths_in(text)) == ["tests/run.sh", "docs/a.md"]


# --- the marks of examples --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(pages.pages()) - INDENTED_BLOCKS))
def test_no_example_without_a_mark(name):
    page = pages.pages()[name]
    indented = [number for number, (before, line) in enumerate(zip(page.prose, page.prose[1:]), 2)
                if line.startswith("    ") and not before.strip()]
    assert not indented, "fence the examples of these lines, so that they are checked"
    unknown = [block.place for block in page.blocks if block.language not in CHECKED]
    assert not unknown, "these have no language that is checked"


@pytest.mark.parametrize("name", pages.manuals())
def test_no_example_of_a_manual_without_a_mark(name):
    unknown = [block.place for block in pages.manuals()[name].blocks if block.language not in CHECKED]
    assert not unknown, "these have no mark above them as tests/support/pages.py has it, or no language that is checked"


def test_of_the_reader_of_manuals():
    text = '.\\" sh run\n.Dl $ a \\(dqb\\(dq\n.Dl # c\n.Pp\n.Dl d\n.\\" conf\n.Bd -literal\nx  y\n.Ed\n'
    assert pages.parse_manual("x.1", text).blocks == (Block("x.1", 2, "sh", "run", 'a "b"\nc\n'),
                                                      Block("x.1", 5, "", "", "d\n"), Block("x.1", 7, "conf", "", "x  y\n"))


@of("sh")
def test_marks_of_shell_lines(block):
    if block.note not in (pages.RUN, pages.IN_QEMU):
        assert block.note.startswith(pages.NOT_RUN), "mark it with run, or with not run: and the reason"
        assert len(block.note.removeprefix(pages.NOT_RUN)) > 20


def test_readme_is_an_entry():
    text = (ROOT / README).read_text("utf-8")
    assert len(text.splitlines()) <= 150
    for command in ("tests/demo.sh", "tests/run.sh"):
        assert re.search(rf"^{re.escape(command)} +#", text, re.MULTILINE), command
    headings = pages.pages()[README].headings()
    assert headings[:7] == ["vhdboot", "The file", "With Ventoy and Windows", "Linux beside Windows", "In QEMU",
                            "How to get rid of it", "What it never touches"]
    steps = [int(number) for number in re.findall(r"^(\d+)\. ", text, re.MULTILINE)]
    assert steps.count(1) == 2 and max(steps) <= 8
    (qemu,) = [block for block in pages.blocks("sh", pages.IN_QEMU) if block.page == README]
    assert qemu.text.replace("\\\n", "").count("\n") <= 8


# --- what boot menus read ---------------------------------------------------------------------------------------------


@of("json")
def test_ventoy(block):
    assert block.note == "ventoy"
    told = json.loads(block.text)
    assert set(told) <= VENTOY and not {"image_list", "image_blacklist"} <= set(told)
    for item in told.get("control", []):
        assert len(item) == 1 and set(item) <= VENTOY_CONTROL and all(isinstance(value, str) for value in item.values())
    named = [*told.get("image_blacklist", []), *[item["image"] for item in told.get("menu_alias", [])]]
    assert all(re.fullmatch(r"/[!-~]+\.(vhd|efi)", path) for path in named)


@of("systemd-boot")
def test_systemd_boot(block):
    fields = dict(line.split(None, 1) for line in block.text.splitlines())
    assert set(fields) <= TYPE1 and {"title", "efi"} <= set(fields)
    assert not fields["efi"].lower().startswith("/efi/linux/")
    check_options(fields["options"])


@of("refind")
def test_refind(block):
    first, *inside, last = block.text.splitlines()
    assert re.fullmatch(r'menuentry "[^"]+" \{', first) and last == "}"
    fields = dict(shlex.split(line) for line in inside)
    assert set(fields) <= REFIND and "loader" in fields
    check_options(fields["options"])


# --- our own configuration --------------------------------------------------------------------------------------------


def check_options(text: str):
    for word in shlex.split(text):
        key, equals, value = word.partition("=")
        assert key in keys_of_the_configuration() and equals and value, word


@of("load-options")
def test_load_options(block):
    check_options(block.text)


@of("conf")
def test_configuration(block):
    for line in block.text.splitlines():
        assert line.startswith("#") or line.split(None, 1)[0] in keys_of_the_configuration(), line


def test_load_options_of_commands():
    """Of GRUB's lines and the firmware's."""
    grub = re.compile(r"^ *chainloader \S+ (.+)$", re.MULTILINE)
    firmware = re.compile(r"--unicode (.+)$", re.MULTILINE)
    found = [words for block in pages.blocks("grub") for words in grub.findall(block.text)]
    found += [words for block in pages.blocks("sh") for words in firmware.findall(block.text)]
    assert len(found) >= 3
    for words in found:
        check_options(" ".join(shlex.split(words)))


def test_tables_of_the_keys():
    """In the page and in the manual: all keys, each once."""
    page = (ROOT / "docs/starting.md").read_text("utf-8")
    assert sorted(re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE)) == sorted(keys_of_the_configuration())
    manual = (ROOT / "docs/vhdboot.7").read_text("utf-8").split(".Sh CONFIGURATION")[1].split("\n.Sh")[0]
    assert sorted(re.findall(r"^\.It Cm ([\w-]+)", manual, re.MULTILINE)) == sorted(keys_of_the_configuration())


@of("fstab")
def test_fstab(block):
    for line in block.text.splitlines():
        assert len(line.split()) == 6


# --- Windows ----------------------------------------------------------------------------------------------------------


def words_of_windows(line: str) -> list[str]:
    """In their order, with what is assigned cut off: (Get-Item X).Y = Z is Get-Item X."""
    assigned = re.fullmatch(r"\((.*)\)\.LastWriteTime = Get-Date", line)
    return (assigned[1] if assigned else line).split()


@of("powershell", "bat", "diskpart")
def test_windows(block):
    for line in block.text.splitlines():
        command, *words = words_of_windows(line)
        known, _ = WINDOWS[command]
        for word in words:
            key, equals, value = word.partition("=")
            if word in known or VALUES.fullmatch(word):
                continue
            assert equals and key + equals in known and VALUES.fullmatch(value), f"{command}: {word}"


def test_windows_commands_are_used():
    used = {words_of_windows(line)[0] for language in ("powershell", "bat", "diskpart")
            for block in pages.blocks(language) for line in block.text.splitlines()}
    assert used == set(WINDOWS)
    assert all(page.startswith("https://") for _, page in WINDOWS.values())


# --- what is said on the screen ---------------------------------------------------------------------------------------


@cache
def what_is_said() -> str:
    """All texts of the programs, those in pieces put together."""
    text = "\n".join(path.read_text("utf-8") for folder in ("efi", "init", "entry", "vhd", "disk")
                     for path in sorted((ROOT / folder).rglob("*.cpp")))
    return re.sub(r'"\s*\n\s*"', "", text).replace('\\"', '"')


def missing(sentence: str) -> list[str]:
    return [piece.strip() for piece in sentence.split("...") if piece.strip() and piece.strip() not in what_is_said()]


def test_sentences_of_the_table():
    page = pages.pages()["docs/troubleshooting.md"]
    rows = [line.split("|")[1] for line in page.prose if line.startswith("| ") and "---" not in line]
    sentences = [sentence for row in rows for sentence in re.findall(r"`([^`]+)`", row)
                 if sentence not in OF_OTHERS and not sentence.startswith("debian.")]
    assert len(sentences) > 10
    wrong = [piece for sentence in sentences for piece in missing(sentence)]
    assert not wrong, "no program says this"


@of("text")
def test_sentences_of_the_examples(block):
    paragraphs = [" ".join(text.split()) for text in block.text.split("\n\n")]
    said = [sentence for text in paragraphs for sentence in re.findall(r"error: .*?\): (.*)", text)]
    assert len(said) == block.text.count("error: ")
    assert not [piece for sentence in said for part in sentence.split(": ", 1) for piece in missing(part)]
