# SPDX-License-Identifier: GPL-2.0-or-later
"""What the build left in its output folder: sizes, static programs, the sections of vhdboot.efi, the initramfs in it."""

import re
import struct
import subprocess
from dataclasses import dataclass

import pytest

from tests.support.command import run
from tests.support.paths import PRODUCTS, REPOSITORY

BUILD = PRODUCTS.parent


def product(name):
    path = PRODUCTS / name
    if not path.exists():
        pytest.skip(f"{path} is not built")
    return path.read_bytes()


@dataclass
class Section:
    name: str
    virtual_size: int
    address: int
    raw_size: int
    flags: int
    content: bytes


@pytest.fixture(scope="module", name="efi")
def parse_efi():
    """The header and the sections of vhdboot.efi; offsets as in Microsoft's PE format specification."""
    image = product("vhdboot.efi")
    header = struct.unpack_from("<I", image, 0x3C)[0]
    assert image[header:header + 4] == b"PE\0\0"
    count, optional_size = struct.unpack_from("<H12xH", image, header + 6)
    sections = []
    for index in range(count):
        at = header + 24 + optional_size + 40 * index
        name, virtual_size, address, raw_size, raw_at, flags = struct.unpack_from("<8sIIII12xI", image, at)
        length = min(virtual_size, raw_size)
        sections.append(Section(name.rstrip(b"\0").decode(), virtual_size, address, raw_size, flags,
                                image[raw_at:raw_at + length]))
    return image, header, sections


def section(efi, name):
    found = [entry for entry in efi[2] if entry.name == name]
    assert len(found) == 1, f"{len(found)} sections {name}"
    return found[0]


@pytest.mark.parametrize("name,limit", [("vhdboot.efi", 8 << 20), ("vhdboot-init", 5 << 18)])
def test_size(name, limit):
    assert 32768 <= len(product(name)) <= limit


@pytest.mark.parametrize("name", ["vhdboot-init", "vhdboot-inspect", "raw2vhd", "vhdboot", "vhdtool"])
def test_program_is_static(name):
    program = product(name)
    assert program[:4] == b"\x7fELF"
    table, entry_size, count = struct.unpack_from("<Q14xHH", program, 32)
    kinds = {struct.unpack_from("<I", program, table + entry_size * index)[0] for index in range(count)}
    interpreter, dynamic = 3, 2
    assert interpreter not in kinds and dynamic not in kinds
    assert b"GLIBC_" not in program


def test_an_exception_is_caught_when_there_is_no_memory(tmp_path):
    """Linked as the programs are: their unwind tables have no index, and what registers them needs none."""
    compiler = PRODUCTS.parent / "sysroot/bin/musl-c++"
    if not compiler.exists():
        pytest.skip("the toolchain is not beside the products")
    program = tmp_path / "out_of_memory"
    run(compiler, "-std=gnu++23", "-Oz", "-ffunction-sections", "-fno-asynchronous-unwind-tables", "-fno-rtti",
        "-fuse-ld=gold", "-Wl,--gc-sections", "-Wl,--no-eh-frame-hdr", "-Wl,--icf=all", "-s", "-o", program,
        REPOSITORY / "tests/integration/out_of_memory.cpp")
    options = (REPOSITORY / "cmake/options.cmake").read_text(encoding="utf-8")
    assert all(f"INTERFACE -Wl,{one})" in options for one in ("--no-eh-frame-hdr", "--icf=all"))
    done = subprocess.run([program], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (7, b"caught\n")


def test_sections_are_where_firmware_wants_them(efi):
    image, header, sections = efi
    alignment = struct.unpack_from("<I", image, header + 24 + 32)[0]
    assert alignment == 4096
    end = 0
    for entry in sorted(sections, key=lambda entry: entry.address):
        assert entry.address % 4096 == 0 and entry.address >= end, entry.name
        end = entry.address + entry.virtual_size
        assert entry.raw_size >= entry.virtual_size > 0, f"{entry.name} would be empty in memory"
    assert struct.unpack_from("<I", image, header + 24 + 56)[0] >= end, "SizeOfImage"
    subsystem = struct.unpack_from("<H", image, header + 24 + 68)[0]
    assert subsystem == 10


@pytest.mark.parametrize("name", [".osrel", ".cmdline", ".sbat", ".initrd", ".linux"])
def test_payload_is_data_that_nobody_writes(efi, name):
    initialised, execute, read, write = 0x40, 0x20000000, 0x40000000, 0x80000000
    flags = section(efi, name).flags
    assert flags & initialised and flags & read and not flags & (write | execute)


def test_no_symbols_and_no_time_of_the_build(efi):
    image, header, _ = efi
    time, symbols, symbol_count = struct.unpack_from("<III", image, header + 8)
    assert (symbols, symbol_count) == (0, 0)
    assert time in (0, 1704067200)


def test_kernel_and_texts(efi):
    assert section(efi, ".linux").content == (BUILD / "kernel/bzImage").read_bytes()
    words = section(efi, ".cmdline").content.decode().split(" ")
    assert words[0].startswith("console=") and "panic=30" in words and "" not in words and "#" not in "".join(words)
    assert section(efi, ".sbat").content.startswith(b"sbat,1,")
    assert b"ID=vhdboot\n" in section(efi, ".osrel").content


def read_cpio(archive):
    """name -> (mode, device, content) of a newc archive."""
    entries = {}
    at = 0
    while True:
        assert archive[at:at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * index:at + 14 + 8 * index], 16) for index in range(13)]
        name_size, size = fields[11], fields[6]
        name = archive[at + 110:at + 110 + name_size - 1].decode()
        start = (at + 110 + name_size + 3) & ~3
        if name == "TRAILER!!!":
            return entries
        assert name not in entries, name
        entries[name] = (fields[1], (fields[9], fields[10]), archive[start:start + size])
        at = (start + size + 3) & ~3


@pytest.fixture(scope="module", name="initramfs")
def unpack_initramfs(efi):
    packed = section(efi, ".initrd").content
    assert len(packed) % 4 == 0, "the origin record follows behind it"
    done = subprocess.run(["zstd", "-dcq"], input=packed.rstrip(b"\0"), stdout=subprocess.PIPE, check=True)
    return read_cpio(done.stdout)


@pytest.mark.parametrize("name,program", [("init", "vhdboot-init"), ("bin/inspect", "vhdboot-inspect")])
def test_program_is_ours(initramfs, name, program):
    mode, _, content = initramfs[name]
    assert mode == 0o100755
    assert content == product(program)


def test_console_is_there_from_the_start(initramfs):
    mode, device, _ = initramfs["dev/console"]
    assert (mode, device) == (0o020600, (5, 1))


@pytest.mark.parametrize("name", ["proc", "sys", "dev", "run", "tmp", "vhdboot"])
def test_directories(initramfs, name):
    assert initramfs[name][0] & 0o170000 == 0o040000


def test_links_end_somewhere(initramfs):
    for name, (mode, _, content) in initramfs.items():
        if mode & 0o170000 == 0o120000:
            target = content.rstrip(b"\0").decode()
            folder = name.rpartition("/")[0]
            full = target.lstrip("/") if target.startswith("/") else f"{folder}/{target}".lstrip("/")
            assert full in initramfs, f"{name} -> {target}"


@pytest.mark.parametrize("name", ["sh", "ls", "cat", "mount", "umount", "blkid", "losetup", "dmesg", "less", "vi", "find",
                                  "grep", "hexdump", "dd", "df", "free", "reboot", "poweroff", "inspect", "vhdtool"])
def test_rescue_shell_has(initramfs, name):
    assert f"bin/{name}" in initramfs


def test_blkid_runs(initramfs, tmp_path):
    program = tmp_path / "blkid"
    program.write_bytes(initramfs["bin/blkid"][2])
    program.chmod(0o755)
    volume = tmp_path / "volume"
    with volume.open("wb") as file:
        file.truncate(8 << 20)
    subprocess.run(["mkfs.fat", "-i", "1234ABCD", volume], check=True, stdout=subprocess.DEVNULL)
    said = subprocess.run([program, volume], stdout=subprocess.PIPE, check=True).stdout.decode()
    assert 'UUID="1234-ABCD"' in said and 'TYPE="vfat"' in said


def test_vhdtool_of_the_rescue_shell_runs(initramfs, tmp_path):
    program = tmp_path / "vhdtool"
    program.write_bytes(initramfs["bin/vhdtool"][2])
    program.chmod(0o755)
    path = tmp_path / "disk.img"
    with path.open("wb") as file:
        file.truncate(8 << 20)
    run = subprocess.run([program, "desparse", path], stdout=subprocess.PIPE, check=True, text=True)
    assert "filled" in run.stdout and path.stat().st_blocks * 512 >= 8 << 20


def script(name, *definitions):
    words = ["cmake", *(f"-D{definition}" for definition in definitions), "-P", REPOSITORY / "cmake/script" / name]
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_too_large_a_file_stops_the_build(tmp_path):
    stub = BUILD / "programs/efi/stub.efi"
    if not stub.exists():
        pytest.skip(f"{stub} is not built")
    (tmp_path / "large").write_bytes(bytes(8 << 20))
    (tmp_path / "text").write_text("text\n")
    text = tmp_path / "text"
    done = script("efi_file.cmake", f"STUB={stub}", f"OSREL={text}", f"SBAT={text}", f"CMDLINE={text}", f"INITRD={text}",
                  f"KERNEL={tmp_path}/large", f"WORK={tmp_path}/work", f"OUT={tmp_path}/out.efi")
    assert done.returncode != 0 and b"at most 8 MiB" in done.stdout
    assert not (tmp_path / "out.efi").exists()


def test_kernel_configuration_has_what_is_required():
    config = BUILD / "kernel/config"
    if not config.exists():
        pytest.skip(f"{config} is not built")
    set_symbols = set(re.findall(r"^CONFIG_(\w+)=y$", config.read_text(), re.MULTILINE))
    required = re.findall(r"^\w+$", (REPOSITORY / "kconfig/required.list").read_text(), re.MULTILINE)
    assert len(required) > 40
    assert set(required) <= set_symbols
    assert "MODULES" not in set_symbols
