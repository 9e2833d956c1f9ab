# SPDX-License-Identifier: GPL-2.0-or-later
"""The menu of stage 1, as a terminal at the serial line shows it and a person uses it: rows, the cursor, what a key does."""

import subprocess
import uuid
from pathlib import Path

import pyte
import pytest

from tests.support import disk, hostdisk, sparse_images, tiny_guest
from tests.support.hostdisk import HostSpec
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE

EFI = PRODUCTS / "vhdboot.efi"
VHD = "/boot/small.vhd"
UP, DOWN, ESC, ENTER = "\x1b[A", "\x1b[B", "\x1b", "\r"


class Screen(pyte.Screen):
    bells = 0

    def bell(self, *_) -> None:
        self.bells += 1


class Person:
    """In front of a terminal of 80 columns and 24 rows at the machine's serial line."""

    def __init__(self, esp: Path, host: Path, log: Path, memory_mib: int = 512):
        self.screen = Screen(80, 24)
        stream = pyte.Stream(self.screen)
        spec = MachineSpec([Disk(esp, boot=0), Disk(host)], memory_mib=memory_mib)
        self.machine = Machine(spec, log=log, echo=stream.feed, echo_raw=True)

    def __enter__(self) -> "Person":
        self.machine.__enter__()
        return self

    def __exit__(self, *what) -> None:
        self.machine.__exit__(*what)

    def sees(self, *texts: str, seconds: float = 60) -> None:
        """Waits until all of that is on the screen at once."""
        self.machine.wait_until(lambda: all(text in "\n".join(self.screen.display) for text in texts), seconds,
                                f"{texts} on the screen")

    def is_at(self, text: str) -> None:
        """The cursor is where a braille display looks: at the line with that text."""
        self.machine.wait_until(lambda: text in self.screen.display[self.screen.cursor.y], 30, f"the cursor at {text}")

    def hears(self, sounds: int) -> None:
        """So many since it began to listen."""
        self.machine.wait_until(lambda: self.screen.bells == sounds, 30, f"{sounds} sounds, not {self.screen.bells}")

    def types(self, text: str) -> None:
        self.machine.send(text)


@pytest.fixture(name="guest")
def fixture_guest():
    return tiny_guest.make("cat /proc/cmdline\n")


def make_host(folder: Path, guest, more: dict[str, Path] | None = None, fs: str = "ntfs") -> hostdisk.HostDisk:
    return hostdisk.make(folder / "host.raw", HostSpec(fs=fs, slack=16 * disk.MIB), {VHD: guest.image, **(more or {})})


def check_untouched(host: hostdisk.HostDisk, before: str) -> None:
    assert hostdisk.outside_digest(host, VHD) == before
    assert hostdisk.volume_complaints(host) == []


def test_menu_of_everything(folder, guest):
    """vhdboot.efi with no image beside it, on an ESP. What is refused cannot be started; the options of the other one are
    edited for this boot."""
    empty = folder / "empty.img"
    empty.write_bytes(bytes(disk.MIB))
    host = make_host(folder, guest, {"/vhd/empty.img": empty})
    before = hostdisk.outside_digest(host, VHD)
    beep = folder / "beep.conf"
    beep.write_text("beep on\n", encoding="utf-8")
    esp = hostdisk.make_esp_disk(folder / "esp.raw", {"/EFI/BOOT/BOOTX64.EFI": EFI, "/EFI/BOOT/BOOTX64.CONF": beep})
    with Person(esp, host.path, folder / "console.log") as person:
        person.machine.expect("checkpoint=menu", 240, failing=TROUBLE)
        person.sees("1 Small", "ready", "refused", f"VHDHOST:{VHD}", "Enter boot")
        person.is_at("1 Small")
        before_down = person.screen.bells
        assert before_down > 0
        person.types(DOWN)
        person.is_at("2 empty.img")
        person.hears(before_down + 2)
        person.types(ENTER)
        person.sees("It is not started: nothing to boot on the guest disk")
        person.types(ENTER)
        person.sees("It is not started")
        person.types(ESC)
        person.sees("Enter boot", "1 Small")
        person.types(UP)
        person.is_at("1 Small")
        person.types("l")
        person.sees("vhdboot[stage1]: checkpoint=settings")
        person.types(ESC)
        person.is_at("1 Small")
        person.types("e")
        person.sees("Options of Small", "console=ttyS0")
        person.types(" typed=here" + ENTER)
        person.machine.expect(r"^rdinit=\S+ console=ttyS0 typed=here", 120, failing=TROUBLE)
        person.machine.expect("^guest: done", 60, failing=TROUBLE)
        assert person.machine.wait_exit(60) == 0
    check_untouched(host, before)


def test_rolls_back(folder):
    """A snapshot: what its differencing image has is shown, taken back when that is confirmed, and not before; nothing else
    of the volume changes."""
    note = "echo \"guest: note $(dd if=$notes bs=4096 count=1 status=none | tr -d '\\000')\"\n"
    guest = tiny_guest.make(note, modules=("dm-zero", "dm-snapshot"))
    payload = guest.image.read_bytes()[: guest.payload]
    parent, child = folder / "small.1.vhdx", folder / "small.vhdx"
    identity = uuid.UUID(int=0x5EED)
    sectors = {number: payload[number * 512 : number * 512 + 512] for number in range(len(payload) // 512)}
    sparse_images.make_vhdx(parent, len(payload), {n: data for n, data in sectors.items() if any(data)}, identity)
    written = {guest.notes // 512: b"the child".ljust(512, b"\0")}
    sparse_images.make_vhdx(child, len(payload), written, uuid.UUID(int=0x5EEE), parent=(identity, {"relative_path": ".\\small.1.vhdx"}))
    with open(child, "r+b") as file:
        file.truncate(child.stat().st_size + 2 * disk.MIB)
    host = hostdisk.make(folder / "host.raw", HostSpec(slack=16 * disk.MIB), {"/boot/small.vhdx": child, "/boot/small.1.vhdx": parent})
    before, whole = hostdisk.outside_digest(host, "/boot/small.vhdx"), disk.digest(host.path)
    esp = hostdisk.make_esp_disk(folder / "esp.raw", {"/EFI/BOOT/BOOTX64.EFI": EFI})
    with Person(esp, host.path, folder / "console.log", memory_mib=1024) as person:
        person.machine.expect("checkpoint=menu", 240, failing=TROUBLE)
        person.sees("small.vhdx", "small.1.vhdx", "u roll back")
        person.types("2u")
        person.sees("Roll", "It will read as small.1.vhdx again.", "lost, for good")
        person.types(ENTER + ESC)
        person.sees("Enter boot")
        assert disk.digest(host.path) == whole
        person.types("x")
        person.machine.expect("^guest: note the child", 240, failing=TROUBLE)
        person.machine.expect("^guest: done", 60, failing=TROUBLE)
        assert person.machine.wait_exit(60) == 0
    assert disk.digest(host.path) == whole
    with Person(esp, host.path, folder / "again.log", memory_mib=1024) as person:
        person.machine.expect("checkpoint=menu", 240, failing=TROUBLE)
        person.sees("small.vhdx", "small.1.vhdx", "u roll back")
        person.types("2uy")
        person.sees("/boot/small.vhdx was rolled back to small.1.vhdx", "Enter boot")
        person.sees("u roll back")
        person.machine.screenshot(folder / "rolled-back.png")
        person.types("2x")
        person.machine.expect("^guest: note $", 240, failing=TROUBLE)
        person.machine.expect("^guest: done", 60, failing=TROUBLE)
        assert person.machine.wait_exit(60) == 0
    assert hostdisk.outside_digest(host, "/boot/small.vhdx") == before
    assert hostdisk.volume_complaints(host) == []
    for name in ("small.vhdx", "small.1.vhdx"):
        hostdisk.extract_file(host, f"/boot/{name}", folder / name)
    with open(folder / "disk", "wb") as file:
        subprocess.run([PRODUCTS / "vhdtool", "cat", child], stdout=file, check=True)
    assert (folder / "disk").read_bytes() == payload


def test_asked_for_by_a_key(folder, guest):
    """Of a boot that would need no menu. The default is selected in it, and no time runs: somebody is there, at a German
    keyboard, and adds an option."""
    host = make_host(folder, guest, {"/boot/small.efi": EFI}, fs="exfat")
    before = hostdisk.outside_digest(host, VHD)
    esp = hostdisk.make_esp_disk(folder / "esp.raw",
                                 {"/EFI/BOOT/BOOTX64.EFI": EFI, "/EFI/BOOT/BOOTX64.CONF": conf(folder, "timeout 0", "keymap de")})
    with Person(esp, host.path, folder / "console.log") as person:
        person.machine.expect("checkpoint=start", 240, failing=TROUBLE)
        person.types(" ")
        person.machine.expect("checkpoint=menu", 60, failing=TROUBLE)
        person.sees("ready", "Enter boot")
        person.types("e")
        person.sees("Options of")
        for keys in (["spc"], ["y"], ["slash"], ["shift", "7"], ["alt_r", "q"]):
            person.machine.press(*keys)
        person.sees(" z-/@")
        person.types(ENTER)
        person.machine.expect(r"^[^\n]* z-/@\s", 120, failing=TROUBLE)
        person.machine.expect("^guest: done", 60, failing=TROUBLE)
        assert person.machine.wait_exit(60) == 0
    check_untouched(host, before)


def test_page_of_a_failure(folder, guest):
    """What failed, where, and what helps, on one page; from there the same again, the list, and another image."""
    lines = conf(folder, "entry nothing*")
    host = make_host(folder, guest, {"/boot/small.efi": EFI, "/boot/small.conf": lines, "/boot/other.vhd": guest.image})
    before = hostdisk.outside_digest(host, VHD)
    with Person(hostdisk.make_esp_disk(folder / "esp.raw", {"/EFI/BOOT/BOOTX64.EFI": EFI,
                                                            "/EFI/BOOT/BOOTX64.CONF": lines}),
                host.path, folder / "console.log") as person:
        person.machine.expect("error: no boot entry matches", 240)
        page = ["no boot entry matches", "started from: /EFI/BOOT/BOOTX64.EFI", f"image: {VHD}", "volume: ", "firmware: ",
                "What to do:", "Nothing was written to any disk.", "t try again", "c choose another image"]
        person.sees(*page)
        person.types("t")
        person.machine.expect("error: no boot entry matches", 120)
        person.sees(*page)
        person.types("l")
        person.sees("checkpoint=image")
        person.types(ESC)
        person.sees(*page)
        person.types("c")
        person.sees("other.vhd", "refused", "ready", seconds=120)
        person.types("/other" + ENTER)
        person.sees("VHDHOST:/boot/other.vhd")
        person.types(ENTER)
        person.machine.expect("^guest: done", 120)
        assert person.machine.wait_exit(60) == 0
    check_untouched(host, before)


def conf(folder: Path, *lines: str) -> Path:
    path = folder / "some.conf"
    path.write_text("\n".join((f"image {VHD}", *lines, "")), encoding="utf-8")
    return path


def test_after_an_error_and_by_itself(folder, guest):
    """The image that was asked for is not there: another one is chosen. The menu counts down, and nobody presses a key."""
    host = make_host(folder, guest)
    before = hostdisk.outside_digest(host, VHD)
    wrong = folder / "wrong.conf"
    wrong.write_text("image /boot/gone.vhd\nwait 1\nmenu-style plain\nkeymap klingon\n", encoding="utf-8")
    esp = hostdisk.make_esp_disk(folder / "esp.raw", {"/EFI/BOOT/BOOTX64.EFI": EFI, "/EFI/BOOT/BOOTX64.CONF": wrong})
    with Person(esp, host.path, folder / "console.log") as person:
        person.machine.expect(r"error: no image /boot/gone\.vhd", 240)
        person.machine.expect("c choose another image, .* p power off", 60)
        person.types("c" + ENTER)
        person.machine.expect(r"1 Small, ready", 60)
        assert 'no keyboard layout "klingon"; there are al, at, ' in person.machine.text
        person.types("1" + ENTER)
        person.machine.expect("^guest: done", 120)
        assert person.machine.wait_exit(60) == 0
    check_untouched(host, before)
    esp = hostdisk.make_esp_disk(folder / "esp2.raw",
                                 {"/EFI/BOOT/BOOTX64.EFI": EFI, "/EFI/BOOT/BOOTX64.CONF": conf(folder, "timeout 2")})
    with Person(esp, host.path, folder / "console2.log") as person:
        person.machine.expect("checkpoint=menu", 240, failing=TROUBLE)
        person.sees("Starts in")
        person.machine.expect("^guest: done", 120, failing=TROUBLE)
        assert person.machine.wait_exit(60) == 0
    check_untouched(host, before)
