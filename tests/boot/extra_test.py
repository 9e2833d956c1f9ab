# SPDX-License-Identifier: GPL-2.0-or-later
"""A UKI with everything beside it (addons, credentials, extensions), once through the real systemd-stub and once
through vhdboot: the same command line and the same initrd, byte for byte.

The guest's init (dump_initrd.cpp) sends both home. test_firmware needs no product: it compares systemd-stub with what
entry/ makes of the same files (print_uki_parts.cpp). test_vhdboot compares the two boots.
"""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import disk, hostdisk
from tests.support.command import run
from tests.support.debian import Suite
from tests.support.guest import guest as get_guest
from tests.support.paths import PRODUCTS, REPOSITORY, TEST_OUTPUT
from tests.support.qemu import Disk, Machine, MachineSpec

OUTPUT = TEST_OUTPUT / "extra"
GUEST = "debian13"  # its kernel shows the initrd in /sys/firmware/initrd
UKI = "/EFI/Linux/extra+3-1.efi"
EXTRA = "/EFI/Linux/extra.efi.extra.d"  # the boot counter is no part of it
INSIDE = "  console=ttyS0,115200\tquiet no_timer_check retain_initrd panic=-1  inside\n"
SOURCES = ["base/text", "base/error", "base/glob", "base/range", "base/cpio_reader",
           *(f"kexec/{name}" for name in ("bzimage", "cmdline", "early_archive", "plan")),
           *(f"entry/{name}" for name in ("addon", "bls", "companion", "pe", "profile", "stub_archive", "uki", "uki_parts"))]


def cpio(*entries: tuple[str, int, bytes]) -> bytes:
    out = b""
    for name, mode, data in (*entries, ("TRAILER!!!", 0, b"")):
        fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return out


class Workshop:
    """Makes the files of the guest's ESP in a folder, as `tree`."""

    def __init__(self, folder: Path, kernel: Path, root: str):
        self.folder = folder
        self.tree = folder / "tree"
        self.kernel = kernel
        self.root = root
        tools = Suite("trixie")
        self.ukify = tools.unpack("systemd-ukify") / "usr/lib/systemd/ukify"
        self.stubs = tools.unpack("systemd-boot-efi") / "usr/lib/systemd/boot/efi"
        self.fill()

    def write(self, name: str, data: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def build(self, name: str, stub: str, *words: str) -> None:
        target = self.tree / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        run("/usr/bin/python3", self.ukify, "build", f"--stub={self.stubs / stub}", f"--output={target}", *words)

    def addon(self, name: str, *words: str) -> None:
        self.build(name, "addonx64.efi.stub", *words)

    def archive(self, name: str) -> Path:
        """An archive whose length is no multiple of four, as compressed ones have."""
        return self.write(f"{name}.cpio", cpio((name, 0o100644, name.encode() * 3)) + bytes(3))

    def initrd(self) -> Path:
        init = self.folder / "init"
        run("g++", "-static", "-Os", "-s", REPOSITORY / "tests/boot/dump_initrd.cpp", "-o", init)
        plain = self.write("initrd.cpio", cpio(("dev", 0o40755, b""), ("init", 0o100755, init.read_bytes())))
        target = self.folder / "initrd.zst"
        run("zstd", "-q", "-f", "-19", plain, "-o", target)
        return target

    def fill(self) -> None:
        release = re.search(r"version (\S+)", run("file", "-b", self.kernel))[1]
        cmdline = self.write("cmdline", f"{self.root}{INSIDE}")
        osrel = self.write("osrel", "ID=extra\nNAME=Extra\nVERSION_ID=1\n")
        self.build(UKI, "linuxx64.efi.stub", f"--linux={self.kernel}", f"--initrd={self.initrd()}",
                   f"--cmdline=@{cmdline}", f"--os-release=@{osrel}", f"--uname={release}",
                   f"--microcode={self.archive('uki-microcode')}", "--profile=ID=main\nTITLE=The usual one\n",
                   f"--pcrpkey={self.write('pcrpkey', 'not a key, 17 b.')}",
                   f"--section=.pcrsig:@{self.write('pcrsig', '{}')}")
        # Global before the image's own; upper case before lower.
        for place, names in (("/loader/addons", ("b", "Z", "a")), (EXTRA, ("d", "C"))):
            for name in names:
                text = self.write("addon-cmdline", f" {name}=1\n{name}=2 \n")
                self.addon(f"{place}/{name}.addon.efi", f"--cmdline=@{text}",
                           f"--initrd={self.archive(f'initrd-{name}')}", f"--microcode={self.archive(f'ucode-{name}')}")
        self.addon(f"{EXTRA}/blank.addon.efi", f"--cmdline=@{self.write('blank', ' ')}")
        self.addon(f"{EXTRA}/begins.addon.efi", "--cmdline=begins", f"--uname={release[:-2]}")
        self.addon(f"{EXTRA}/other.addon.efi", "--cmdline=other", "--uname=6.1.0-other")
        shutil.copy(self.tree / UKI.lstrip("/"), self.tree / EXTRA.lstrip("/") / "uki.addon.efi")
        for path, text in {
                f"{EXTRA}/b.cred": "secret b", f"{EXTRA}/a.CRED": "secret", f"{EXTRA}/empty.cred": "",
                f"{EXTRA}/tool.sysext.raw": "system extension", f"{EXTRA}/old.raw": "older name",
                f"{EXTRA}/site.confext.raw": "configuration", f"{EXTRA}/.hidden.cred": "no", f"{EXTRA}/notes.txt": "no",
                f"{EXTRA}/junk.addon.efi": "no PE file", "/loader/credentials/global.cred": "everybody's",
                "/loader/credentials/x.raw": "no", "/loader/addons/x.cred": "no"}.items():
            self.write(f"tree{path}", text)

    def files(self) -> dict[str, Path]:
        return {f"/{path.relative_to(self.tree)}": path for path in sorted(self.tree.rglob("*")) if path.is_file()}


@dataclass(frozen=True)
class Dump:
    """What dump_initrd.cpp sent."""

    cmdline: str
    initrd: bytes
    list: str


def read_dump(path: Path) -> Dump:
    _, begin, data = path.read_bytes().partition(b"\nBEGIN DUMP\n")
    assert begin, "nothing was sent"
    parts = {}
    for name in ("cmdline", "initrd", "list"):
        head, _, data = data.partition(b"\n")
        assert re.fullmatch(rb"%s \d+" % name.encode(), head), f"{head[:80]!r} instead of {name}"
        size = int(head.split()[1])
        assert len(data) >= size, f"{name} broke off"
        parts[name], data = data[:size], data[size:]
    assert data == b""
    return Dump(parts["cmdline"].decode().rstrip("\n"), parts["initrd"], parts["list"].decode())


def boot(name: str, disks: list[Disk], folder: Path, seconds: float) -> Dump:
    target = folder / f"{name}.dump"
    spec = MachineSpec(disks, memory_mib=1024,
                       extra=["-chardev", f"file,id=dump,path={target}", "-serial", "chardev:dump"])
    with Machine(spec, log=OUTPUT / f"{name}.log") as machine:
        machine.expect("init is done", seconds, failing=r".*(Kernel panic|\[s\] shell +\[r\] restart).*")
        machine.wait_exit(60)
    return read_dump(target)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    for tool in ("qemu-system-x86_64", "mkfs.vfat", "mcopy", "zstd", "g++", "objcopy", "file"):
        if shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
            pytest.skip(f"{tool} is not installed")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    folder = tmp_path_factory.mktemp("extra")
    guest = get_guest(GUEST)
    kernel = folder / "kernel"
    run("objcopy", "-O", "binary", "--only-section=.linux", guest.uki, kernel)
    return Workshop(folder, kernel, f"root=UUID={guest.recipe.identity('rootfs')}")


@pytest.fixture(scope="module")
def by_stub(work):
    """The boot by the firmware and systemd-stub, from an ESP that has the UKI a second time as its default."""
    esp = work.folder / "esp.fat"
    shell = work.write("startup.nsh", f"fs0:{UKI}\r\n".replace("/", "\\"))
    disk.format_esp(esp, 100 * disk.MIB, {**work.files(), "/startup.nsh": shell})
    path = work.folder / "esp.raw"
    disk.create(path, 104 * disk.MIB, disk.Table("gpt", "5EEDE512-0000-4000-8000-000000000001", [
        disk.Partition(disk.MIB, 100 * disk.MIB, disk.ESP)]))
    disk.place(esp, path, disk.MIB)
    return boot("stub", [Disk(path, bus="ahci", boot=1)], work.folder, 600)


@pytest.mark.only_all
def test_firmware(work, by_stub):
    program = work.folder / "print_uki_parts"
    run("g++", "-std=gnu++23", "-O1", f"-I{REPOSITORY}", REPOSITORY / "tests/boot/print_uki_parts.cpp",
        *(REPOSITORY / f"{name}.cpp" for name in SOURCES), "-o", program)
    initrd = work.folder / "ours"
    cmdline = run(program, work.tree, UKI, "0", initrd).removesuffix("\n")
    assert by_stub.cmdline == cmdline
    assert "begins" in cmdline and "other" not in cmdline
    assert by_stub.initrd == initrd.read_bytes()
    assert "100400 8 0 " in by_stub.list


@pytest.mark.only_all
def test_vhdboot(work, by_stub):
    efi = PRODUCTS / "vhdboot.efi"
    assert efi.is_file(), f"{efi} is missing: cmake --preset release && cmake --build --preset release"
    guest = get_guest(GUEST)
    image = disk.clone(guest.disk, work.folder / "guest.img")
    add_to_esp(image, work.files())
    conf = work.write("debian.conf", "image debian.img\nentry extra.efi\n")
    host = hostdisk.make(work.folder / "host.raw", hostdisk.HostSpec(fs="ntfs"),
                         {"/boot/debian.img": image, "/boot/debian.efi": efi, "/boot/debian.conf": conf})
    image.unlink()
    ours = boot("vhdboot", [Disk(host.path, boot=1)], work.folder, 600)
    assert sorted(ours.list.splitlines()) == sorted(by_stub.list.splitlines())
    # What vhdboot adds stands behind it.
    assert ours.initrd[:len(by_stub.initrd)] == by_stub.initrd
    words = ours.cmdline.split(" ")
    assert words[0] == "rdinit=/vhdboot/init"
    told = [word for word in words if word.startswith("vhdboot.")]
    assert " ".join(words[1:]) == " ".join([*by_stub.cmdline.split(), "nohibernate", *told])
    assert told[:3] == ["vhdboot.image=/boot/debian.img", "vhdboot.entry=extra.efi", "vhdboot.efi=/boot/debian.efi"]
    assert len(told) == 4 and told[3].startswith("vhdboot.version=")


def add_to_esp(image: Path, files: dict[str, Path]) -> None:
    """Adds files to the guest's ESP, in place: the first partition, a MiB behind the start."""
    target = f"{image}@@1M"
    made = {"/EFI", "/EFI/Linux"}
    for name, source in files.items():
        for folder in reversed(Path(name).parents[:-1]):
            if str(folder) not in made:
                run("mmd", "-i", target, f"::{folder}")
                made.add(str(folder))
        run("mcopy", "-i", target, source, f"::{name}")
