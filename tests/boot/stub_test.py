# SPDX-License-Identifier: GPL-2.0-or-later
"""The stub alone, under real firmware (QEMU and OVMF): what it tells the init, and what it shows when it cannot start.

The EFI file is the product's stub and boot kernel around an init that prints /vhdboot/origin (print_origin.cpp). It is
started by the firmware from an ESP, by the UEFI shell, and by GRUB's chainloader from NTFS and exFAT partitions, which is
how Ventoy does it: there the firmware has no file system on the device.

    /usr/bin/python3 -m pytest -c tests/pytest.ini tests/boot/stub_test.py

Needs no root. VHDBOOT_STUB and VHDBOOT_KERNEL name other files than those of the release build.
"""

import os
import re
import shutil
import struct
import tempfile
import time
import unittest
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import disk, secure_boot
from tests.support.command import run
from tests.support.exfat import Exfat
from tests.support.paths import PRODUCTS, REPOSITORY, TEST_OUTPUT
from tests.support.qemu import Disk, Machine, MachineSpec

MIB = disk.MIB
STUB = Path(os.environ.get("VHDBOOT_STUB", PRODUCTS.parent / "programs/efi/stub.efi"))
KERNEL = Path(os.environ.get("VHDBOOT_KERNEL", PRODUCTS.parent / "kernel/bzImage"))
OUTPUT = TEST_OUTPUT / "stub"

EMBEDDED = "from the compressed initramfs\n"
MBR_IDENTITY = 0x0BADCAFE
DATA_UUID = "1b2c3d4e-5f60-4718-8293-a4b5c6d7e8f9"
GRUB_MODULES = "ntfs exfat fat part_gpt part_msdos chain search search_fs_file normal boot echo efi_gop gfxterm".split()

STARTED = r"vhdboot [0-9]\S*: starting the boot kernel"
GAVE_UP = r"vhdboot [0-9]\S* could not start\."


def need(*programs: str) -> None:
    for program in programs:
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            raise unittest.SkipTest(f"needs {program}")


def cpio_entry(name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> bytes:
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


class Workshop:
    """Makes the files of all tests, each once."""

    def __init__(self, folder: Path):
        self.folder = folder

    def write(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def initramfs(self) -> Path:
        """Compressed, and of a length that is no multiple of four, so that the stub must pad."""
        init = self.folder / "init"
        run("g++", "-static", "-Os", REPOSITORY / "tests/boot/print_origin.cpp", "-o", init)
        entries = (cpio_entry("dev", 0o40755) + cpio_entry("dev/console", 0o20600, device=(5, 1)) +
                   cpio_entry("embedded", 0o100644, EMBEDDED.encode()) + cpio_entry("init", 0o100755, init.read_bytes()))
        target = self.folder / "initramfs.cpio.zst"
        for filler in range(1, 100):
            name = "".join(chr(ord("a") + (number * number) % 26) for number in range(filler))
            source = self.write("initramfs.cpio", entries + cpio_entry(name, 0o100644) + cpio_entry("TRAILER!!!", 0))
            run("zstd", "-q", "-f", "-1", source, "-o", target)
            if target.stat().st_size % 4:
                return target
        raise AssertionError("every compressed initramfs had a multiple of four bytes")

    def efi_file(self, name: str, kernel: Path) -> Path:
        return secure_boot.assemble(self.folder / name, STUB, kernel, self.initramfs(),
                                    self.write("cmdline", b"console=ttyS0 quiet panic=-1"), self.write("osrel", b"ID=test"),
                                    self.write("sbat", b"sbat,1"))

    def grub(self, commands: list[str]) -> Path:
        """A GRUB for an ESP that runs these commands."""
        config = self.write("early.cfg", "".join(f"{line}\n" for line in commands).encode())
        target = self.folder / "grubx64.efi"
        run("grub-mkimage", "-O", "x86_64-efi", "-p", "/", "-c", config, "-o", target, *GRUB_MODULES)
        return target

    def esp(self, files: dict[str, Path]) -> Path:
        path = self.folder / "esp.fat"
        disk.format_esp(path, 40 * MIB, files)
        return path

    def disk_with_esp(self, files: dict[str, Path]) -> Path:
        path = self.folder / "esp.raw"
        disk.create(path, 48 * MIB, disk.Table("gpt", DATA_UUID, [disk.Partition(MIB, 40 * MIB, disk.ESP)]))
        disk.place(self.esp(files), path, MIB)
        return path

    def data_volume(self, kind: str, path_on_it: str, efi_file: Path) -> Path:
        volume = self.folder / f"{kind}.volume"
        with open(volume, "wb") as file:
            file.truncate(48 * MIB)
        if kind == "ntfs":
            run("mkntfs", "-q", "-F", "-Q", volume)
            run("ntfscp", "-q", volume, efi_file, path_on_it)
        else:
            run("mkfs.exfat", volume)
            with Exfat(volume) as exfat:
                exfat.put(path_on_it, efi_file)
        return volume

    def ventoy_like_disk(self, label: str, volume: Path, esp: Path) -> Path:
        """First the data partition, behind it the one that the firmware boots from."""
        path = self.folder / "disk.raw"
        data_kind, esp_kind = ("07", "ef") if label == "dos" else (disk.BASIC_DATA, disk.ESP)
        identity = f"0x{MBR_IDENTITY:08x}" if label == "dos" else "77777777-0000-4000-8000-000000000001"
        uuid = DATA_UUID if label == "gpt" else ""
        disk.create(path, 100 * MIB, disk.Table(label, identity, [
            disk.Partition(MIB, 48 * MIB, data_kind, uuid), disk.Partition(50 * MIB, 40 * MIB, esp_kind)]))
        disk.place(volume, path, MIB)
        disk.place(esp, path, 50 * MIB)
        return path


class StubTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        need("qemu-system-x86_64", "mkfs.vfat", "mcopy", "zstd", "sfdisk", "cmake", "g++")
        for file in (STUB, KERNEL):
            if not file.exists():
                raise unittest.SkipTest(f"needs {file}: build the release preset first")
        OUTPUT.mkdir(parents=True, exist_ok=True)

    def setUp(self) -> None:
        self.work = Workshop(Path(self.enterContext(tempfile.TemporaryDirectory(prefix="vhdboot-stub."))))

    def machine(self, path: Path, **changes) -> Machine:
        spec = MachineSpec(disks=[Disk(path, bus="ahci", boot=1)], memory_mib=512)
        return Machine(replace(spec, **changes), log=OUTPUT / f"{self.id().rsplit('.', 1)[-1]}.log")

    def printed(self, machine: Machine, path: str) -> str | None:
        """What the init printed of a file, or None when it was not there."""
        found = machine.expect(rf"BEGIN {path}( MISSING)?\n((?:.*\n)*?)(?:END\n|(?=BEGIN|init is done))", 60,
                               failing=GAVE_UP)
        return None if found[1] else found[2]

    def check_boot(self, machine: Machine, origin: dict[str, str], conf: str | None = None) -> None:
        machine.expect(STARTED, 90, failing=GAVE_UP)
        started = machine.now()
        lines = self.printed(machine, "/vhdboot/origin").splitlines()
        self.assertEqual(dict(line.split(" ", 1) for line in lines), origin)
        self.assertEqual(self.printed(machine, "/vhdboot/origin.conf"), conf)
        self.assertEqual(self.printed(machine, "/embedded"), EMBEDDED)
        machine.expect("init is done", 10)
        print(f"\n    {self.id().rsplit('.', 1)[-1]}: stub after {started:.1f} s, init {machine.now() - started:.1f} s later")
        self.assertEqual(machine.wait_exit(30), 0)

    def check_failure(self, machine: Machine, sentence: str) -> Path:
        """The stub shows this sentence, counts down, and restarts the machine when a key is pressed. The screenshot."""
        machine.expect(GAVE_UP, 90)
        machine.expect(r"\s+".join(re.escape(word) for word in sentence.split()), 10)
        machine.expect("it restarts by itself in 29 s", 10)
        shot = OUTPUT / f"{self.id().rsplit('.', 1)[-1]}.png"
        machine.screenshot(shot)
        machine.expect("it restarts by itself in 27 s", 10)
        machine.press("spc")
        self.assertEqual(machine.wait_exit(10), 0)  # QEMU is told to end instead of a restart
        return shot


class FromEsp(StubTest):
    """The firmware has a file system on our device."""

    def origin(self, path: str) -> dict[str, str]:
        return {"partuuid": self.esp_uuid(), "path": path}

    def esp_uuid(self) -> str:
        return run("sfdisk", "--part-uuid", self.work.folder / "esp.raw", "1").strip().lower()

    def test_firmware(self) -> None:
        efi_file = self.work.efi_file("test.efi", KERNEL)
        conf = self.work.write("conf", b"# beside it\nimage /boot/debian.vhd\n")
        path = self.work.disk_with_esp({"/EFI/BOOT/BOOTX64.EFI": efi_file, "/EFI/BOOT/BOOTX64.CONF": conf})
        with self.machine(path) as machine:
            self.check_boot(machine, self.origin("/EFI/BOOT/BOOTX64.EFI"), conf.read_text())

    def test_least_memory(self) -> None:
        path = self.work.disk_with_esp({"/EFI/BOOT/BOOTX64.EFI": self.work.efi_file("test.efi", KERNEL)})
        with self.machine(path, memory_mib=256) as machine:
            self.check_boot(machine, self.origin("/EFI/BOOT/BOOTX64.EFI"))

    def test_shell(self) -> None:
        script = self.work.write("startup.nsh", "fs0:\r\ncd boot\r\nDebian image=/a.vhd options=\"1 2\"\r\n".encode())
        path = self.work.disk_with_esp({"/boot/debian.efi": self.work.efi_file("test.efi", KERNEL),
                                        "/startup.nsh": script})
        with self.machine(path) as machine:
            # The shell names the file as it was typed; the init compares as Windows does.
            self.check_boot(machine, {**self.origin("/boot/Debian.EFI"), "options": 'image=/a.vhd options="1 2"'})


class FromGrub(StubTest):
    """As Ventoy: the firmware knows no file system on our device."""

    def boot(self, label: str, kind: str, options: str = "", set_root: bool = True) -> None:
        need("grub-mkimage", "mkntfs", "ntfscp", "mkfs.exfat", "blkid")
        path = "/boot/menu/debian.efi" if kind == "exfat" else "/debian.efi"
        volume = self.work.data_volume(kind, path, self.work.efi_file("test.efi", KERNEL))
        variable = "root" if set_root else "data"
        grub = self.work.grub([f"search --no-floppy --file {path} --set={variable}",
                               f"chainloader (${variable}){path} {options}", "boot"])
        image = self.work.ventoy_like_disk(label, volume, self.work.esp({"/EFI/BOOT/BOOTX64.EFI": grub}))
        origin = {"path": path}
        if set_root:
            origin["partuuid"] = f"{MBR_IDENTITY:08x}-01" if label == "dos" else DATA_UUID
            origin["serial"] = run("blkid", "-p", "-o", "value", "-s", "UUID", volume).strip()
        if options:
            origin["options"] = options
        with self.machine(image) as machine:
            self.check_boot(machine, origin)

    @pytest.mark.only_all
    def test_ntfs_mbr(self) -> None:
        self.boot("dos", "ntfs")

    def test_ntfs_gpt(self) -> None:
        self.boot("gpt", "ntfs", "image=/boot/debian.vhd entry=linux*")

    def test_exfat_mbr(self) -> None:
        self.boot("dos", "exfat", "image=/boot/bücher.vhd")

    @pytest.mark.only_all
    def test_exfat_gpt(self) -> None:
        self.boot("gpt", "exfat")

    def test_wrong_root(self) -> None:
        """GRUB tells us of the partition in its variable `root`, here still its own ESP, whatever the file's is."""
        self.boot("gpt", "ntfs", set_root=False)


class Failures(StubTest):
    def test_incomplete_file(self) -> None:
        path = self.work.disk_with_esp({"/EFI/BOOT/BOOTX64.EFI": STUB})
        with self.machine(path) as machine:
            self.check_failure(machine, "error: this file is not complete: it holds no boot kernel.")

    @pytest.mark.only_all
    def test_incomplete_file_from_grub(self) -> None:
        """GRUB left the screen in a graphics mode of its own: the firmware's must come back, or the text is lost in it."""
        need("grub-mkimage", "mkntfs", "ntfscp")
        volume = self.work.data_volume("ntfs", "/debian.efi", STUB)
        grub = self.work.grub(["set gfxmode=1024x768", "terminal_output gfxterm", "echo GRUB was here",
                               "search --no-floppy --file /debian.efi --set=root", "chainloader /debian.efi", "boot"])
        image = self.work.ventoy_like_disk("dos", volume, self.work.esp({"/EFI/BOOT/BOOTX64.EFI": grub}))
        with self.machine(image) as machine:
            machine.expect("GRUB", 60)
            shot = self.check_failure(machine, "error: this file is not complete: it holds no boot kernel.")
        size = struct.unpack_from(">II", shot.read_bytes(), 16)  # of the PNG's IHDR
        self.assertNotEqual(size, (1024, 768))

    def test_not_a_kernel(self) -> None:
        junk = self.work.write("junk", b"MZ" + bytes(100000))
        path = self.work.disk_with_esp({"/EFI/BOOT/BOOTX64.EFI": self.work.efi_file("test.efi", junk)})
        with self.machine(path) as machine:
            self.check_failure(machine, "error: the firmware cannot load the boot kernel inside this file")

    def test_nobody_presses_a_key(self) -> None:
        path = self.work.disk_with_esp({"/EFI/BOOT/BOOTX64.EFI": STUB})
        with self.machine(path) as machine:
            machine.expect(GAVE_UP, 90)
            before = time.monotonic()
            self.assertEqual(machine.wait_exit(60), 0)
            self.assertAlmostEqual(time.monotonic() - before, 30, delta=8)


class SecureBoot(StubTest):
    def setUp(self) -> None:
        super().setUp()
        if lacking := secure_boot.missing():
            raise unittest.SkipTest(f"needs {lacking}")

    def sign(self, source: Path, name: str) -> Path:
        return secure_boot.sign(source, self.work.folder / name)

    def secure_machine(self, efi_file: Path) -> Machine:
        path = self.work.disk_with_esp({"/EFI/BOOT/BOOTX64.EFI": efi_file})
        return self.machine(path, **secure_boot.MACHINE)

    def test_unsigned_kernel(self) -> None:
        with self.secure_machine(self.sign(self.work.efi_file("test.efi", KERNEL), "signed.efi")) as machine:
            self.check_failure(machine, "error: Secure Boot does not trust the boot kernel inside this file: sign the")

    def test_both_signed(self) -> None:
        efi_file = self.work.efi_file("test.efi", self.sign(KERNEL, "kernel"))
        with self.secure_machine(self.sign(efi_file, "signed.efi")) as machine:
            uuid = run("sfdisk", "--part-uuid", self.work.folder / "esp.raw", "1").strip().lower()
            self.check_boot(machine, {"partuuid": uuid, "path": "/EFI/BOOT/BOOTX64.EFI"})

