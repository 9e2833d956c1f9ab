# SPDX-License-Identifier: GPL-2.0-or-later
"""`inspect --plan` on real volumes and images: what it reports of a guest that is built here for it, that it writes
nothing and leaves nothing attached, whatever happens.

Needs root, loop devices and ext4, but neither device-mapper, as the image lies in one piece, nor, but for one test, a
kernel that reads partition tables: the root lies on the whole disk.
"""

import contextlib
import os
import shutil
import signal
import struct
import subprocess
from pathlib import Path

import pytest

from tests.support import disk
from tests.support.command import run
from tests.support.exfat import Exfat
from tests.support.images import EMPTY_ARCHIVE
from tests.support.paths import PRODUCTS

PROGRAM = Path(os.environ.get("VHDBOOT_INSPECT", PRODUCTS / "vhdboot-inspect"))
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
RELEASE = "6.1.0-plan"
ROOT_UUID = "5eed0001-0000-4000-8000-000000000001"
ROOT_PARTUUID = "5EED0001-0000-4000-8000-000000000002"
IMAGE = "/boot/guest.img"
SIGNATURE = b"~Module signature appended~\n"

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0 or not os.access("/dev/loop-control", os.W_OK),
                       reason="attaching needs root and loop devices"),
    pytest.mark.skipif("\text4\n" not in Path("/proc/filesystems").read_text(encoding="ascii"),
                       reason="this kernel has no ext4"),
    pytest.mark.skipif(any(shutil.which(tool, path=PATH) is None for tool in ("mkfs.exfat", "mke2fs", "sfdisk")),
                       reason="needs exfatprogs, e2fsprogs and fdisk"),
]


def kernel(release: str = RELEASE) -> bytes:
    """A file with the header of a kernel (Documentation/arch/x86/boot.rst) and nothing behind it."""
    data = bytearray(64 * 1024)
    data[0x1F1] = 4
    struct.pack_into("<HBB4sH", data, 0x1FE, 0xAA55, 0xEB, 0x66, b"HdrS", 0x20F)
    struct.pack_into("<H", data, 0x20E, 0x200)
    data[0x211] = 1
    struct.pack_into("<II", data, 0x22C, 0x7FFFFFFF, 0x200000)
    struct.pack_into("<BBHI", data, 0x234, 1, 21, 3, 2047)
    struct.pack_into("<QI", data, 0x258, 0x1000000, 0x1000000)
    text = f"{release} (us@here) #1\0".encode()
    data[0x400:0x400 + len(text)] = text
    return bytes(data)


def module(name: str) -> bytes:
    """An ELF file with nothing but .modinfo, signed."""
    modinfo = f"name={name}\0vermagic={RELEASE} SMP \0".encode()
    names = b"\0.modinfo\0.shstrtab\0"
    at = 64 + 3 * 64

    def section(name_at, offset, size):
        return struct.pack("<IIQQQQIIQQ", name_at, 1, 0, 0, offset, size, 0, 0, 1, 0)

    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, 64, 0, 64, 0, 0, 64,
                                                                  3, 2)
    return (header + bytes(64) + section(1, at, len(modinfo)) + section(10, at + len(modinfo), len(names)) + modinfo +
            names + SIGNATURE)


class Guest:
    """A root file system in a folder, then on a disk, then on a volume."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.root = folder / "root"
        self.modules = f"usr/lib/modules/{RELEASE}"
        self.write(f"boot/vmlinuz-{RELEASE}", kernel())
        self.write(f"boot/initrd.img-{RELEASE}", EMPTY_ARCHIVE.ljust(5006, b"\0"))
        self.write("etc/fstab", f"UUID={ROOT_UUID} / ext4 defaults 0 1\n")
        self.write("etc/os-release", "PRETTY_NAME=\"Plan Linux\"\n")
        self.write("etc/kernel/cmdline", "root=/dev/sda ro quiet\n")
        self.write(f"{self.modules}/modules.builtin", "kernel/drivers/block/loop.ko\n")
        self.add_modules({"dm_mod": ["dax"], "dax": [], "ext4": []})

    def write(self, name: str, data: bytes | str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)

    def add_modules(self, modules: dict[str, list[str]]) -> None:
        """Replaces them; by the names of what they depend on."""
        shutil.rmtree(self.root / self.modules / "kernel", ignore_errors=True)
        lines = ""
        for name, needs in modules.items():
            self.write(f"{self.modules}/kernel/{name}.ko", module(name))
            lines += f"kernel/{name}.ko:" + "".join(f" kernel/{other}.ko" for other in needs) + "\n"
        self.write(f"{self.modules}/modules.dep", lines)

    def disk(self, table: bool = False) -> Path:
        size = 24 * disk.MIB
        file_system = self.folder / "ext4"
        with open(file_system, "wb") as file:
            file.truncate(size)
        run("mke2fs", "-q", "-t", "ext4", "-U", ROOT_UUID, "-d", self.root, file_system)
        if not table:
            return file_system
        image = self.folder / "guest.img"
        disk.create(image, size + 2 * disk.MIB, disk.Table("gpt", "5EED0001-0000-4000-8000-000000000003", [
            disk.Partition(disk.MIB, size, disk.LINUX_ROOT, ROOT_PARTUUID)]))
        disk.place(file_system, image, disk.MIB)
        return image

    def volume(self, pieces: int = 1, table: bool = False) -> Path:
        path = self.folder / "volume"
        with open(path, "wb") as file:
            file.truncate(64 * disk.MIB)
        run("mkfs.exfat", "-c", "4K", "-L", "HOST", path)
        with Exfat(path) as volume:
            volume.put(IMAGE, self.disk(table), pieces)
        return path


@pytest.fixture
def guest(tmp_path):
    return Guest(tmp_path)


def attached(file: Path) -> str:
    return run("losetup", "--noheadings", "--output", "NAME,BACK-FILE", "--associated", file)


def plan(volume: Path, *words: str) -> subprocess.CompletedProcess:
    """Runs it, and sees that it wrote nothing and left nothing."""
    before = disk.digest(volume), attached(volume)
    done = subprocess.run([PROGRAM, "--plan", *words, volume, IMAGE], capture_output=True, text=True, timeout=120,
                          check=False)
    assert (disk.digest(volume), attached(volume)) == before
    return done


def report(volume: Path, *words: str) -> list[str]:
    done = plan(volume, *words)
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    warned = any(line.startswith("warning ") for line in lines)
    assert done.returncode == (4 if warned else 0), done.stdout + done.stderr
    assert done.stderr == ""
    return lines


def refusal(volume: Path, *words: str, status: int = 3) -> str:
    done = plan(volume, *words)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("inspect: ") and done.stderr.count("\n") == 1
    return done.stderr


def test_all_of_it(guest):
    lines = report(guest.volume())
    size = len(module("dm_mod"))
    expected = [
        f"image {IMAGE}",
        "raw image of 24 MiB, a disk of 24 MiB, in 1 piece",
        "clean",
        "guest disk no partition table, logical blocks of 512 bytes",
        f"entry kernel vmlinuz-{RELEASE}",
        "Plan Linux",
        f"/boot/vmlinuz-{RELEASE} on the guest disk",
        f"kernel {RELEASE}, 64 KiB",
        "command line from /etc/kernel/cmdline",
        f"rdinit=/vhdboot/init root=UUID={ROOT_UUID} ro quiet nohibernate",
        f"initrd /boot/initrd.img-{RELEASE}, 4.8 KiB",
        f"modules dax, {len(module('dax'))} B: dependency of dm_mod, for the guest disk: device-mapper",
        f"dm_mod, {size} B: the guest disk: device-mapper",
        "loop, built in: the guest disk: loop devices",
    ]
    assert [line for line in expected if line not in lines] == [], "\n".join(lines)
    assert any(line.startswith(f"* root=/dev/sda becomes root=UUID={ROOT_UUID}: ") for line in lines)
    assert any(line.startswith("* nohibernate: ") for line in lines)
    assert not any(line.startswith(("warning", "root ")) for line in lines)


def test_boot_loader_entry(guest):
    guest.write("boot/loader/entries/plan+3-1.conf",
                f"title A Title\nversion 1\nlinux /boot/vmlinuz-{RELEASE}\ninitrd /boot/initrd.img-{RELEASE}\n"
                "initrd /boot/more.img\noptions root=/dev/sda mount.usr=/dev/nvme0n1\n")
    guest.write("boot/more.img", b"x" * 100)
    guest.write("boot/loader/entries/old.conf", f"title Old\nlinux /boot/vmlinuz-{RELEASE}\n")
    lines = report(guest.volume())
    expected = [
        "entry boot loader entry plan.conf",
        "A Title",
        "/boot/loader/entries/plan+3-1.conf on the guest disk",
        "tries left: 3",
        "command line from the entry",
        f"rdinit=/vhdboot/init root=UUID={ROOT_UUID} mount.usr=UUID={ROOT_UUID} nohibernate",
        f"initrd /boot/initrd.img-{RELEASE}, 4.8 KiB",
        "/boot/more.img, 100 B",
    ]
    assert [line for line in expected if line not in lines] == [], "\n".join(lines)
    conf = guest.folder / "guest.conf"
    conf.write_text("entry old*\n", encoding="ascii")
    lines = report(guest.folder / "volume", "--conf", str(conf))
    assert "entry boot loader entry old.conf" in lines
    # A disk that is one file system is the root, whatever the entry says.
    assert f"rdinit=/vhdboot/init nohibernate root=UUID={ROOT_UUID}" in lines, "\n".join(lines)


def test_another_disk(guest):
    guest.write("etc/kernel/cmdline", "root=/dev/sda cryptdevice=/dev/sdb:data\n")
    assert "cryptdevice=: the guest names \"/dev/sdb\", a further disk" in refusal(guest.volume())


def kernel_reads_tables(image: Path) -> bool:
    device = run("losetup", "--find", "--show", "--read-only", "--partscan", image).strip()
    try:
        return Path(f"{device}p1").exists()
    finally:
        run("losetup", "--detach", device)


def test_partitions(guest):
    guest.write("etc/kernel/cmdline", "root=/dev/vda1\n")
    volume = guest.volume(table=True)
    if not kernel_reads_tables(guest.folder / "guest.img"):
        pytest.skip("this kernel reads no GPT")
    lines = report(volume)
    assert "guest disk GPT, 1 partition, logical blocks of 512 bytes" in lines
    assert f"/boot/vmlinuz-{RELEASE} on partition 1 of the guest disk" in lines
    # A disk that is one file system is the root, whatever the entry says.
    assert f"rdinit=/vhdboot/init nohibernate root=UUID={ROOT_UUID}" in lines, "\n".join(lines)


def test_from_a_device(guest):
    """A block device is the same as a file; the system that runs here may use it."""
    device = run("losetup", "--find", "--show", "--read-only", guest.volume()).strip()
    try:
        lines = report(Path(device))
    finally:
        run("losetup", "--detach", device)
    assert any(line.startswith(f"volume {device} (exFAT") for line in lines)


def test_configuration(guest):
    conf = guest.folder / "guest.conf"
    conf.write_text("options debug\nmodules guest\n", encoding="ascii")
    lines = report(guest.volume(), "--conf", str(conf))
    assert "* debug: the configured options" in lines
    assert "modules none are taken: as configured" in lines
    assert "dm_mod: the guest disk: device-mapper" in lines
    assert any(line.startswith("warning taking no kernel modules") for line in lines)
    conf.write_text("modules sideways\n", encoding="ascii")
    assert "guest.conf:1: modules" in refusal(guest.folder / "volume", "--conf", str(conf))


def test_without_an_initrd(guest):
    (guest.root / f"boot/initrd.img-{RELEASE}").unlink()
    guest.write("etc/kernel/cmdline", "root=/dev/sda rootflags=noatime init=/bin/start\n")
    lines = report(guest.volume())
    assert "root no initrd: stage 2 mounts the guest disk as ext4, read-only" in lines
    assert "with the options noatime" in lines
    assert any(line.endswith("then executes /bin/start") for line in lines)
    assert any(line.endswith("B: the guest's root file system: ext4") for line in lines)


def test_without_an_initrd_nothing_may_be_missing(guest):
    guest.add_modules({"dm_mod": []})
    lines = report(guest.volume())
    assert not any("ext4" in line for line in lines)
    (guest.root / f"boot/initrd.img-{RELEASE}").unlink()
    said = refusal(guest.volume())
    assert f"kernel {RELEASE} has no module for the guest's root file system: ext4" in said
    assert "no initrd that could bring one" in said


def test_no_device_mapper(guest):
    guest.add_modules({"ext4": []})
    assert "no device-mapper (dm_mod)" in refusal(guest.volume())


def test_module_of_another_kernel(guest):
    guest.write(f"{guest.modules}/kernel/dax.ko", module("dax").replace(RELEASE.encode(), b"6.1.0-none"))
    assert "was built for kernel" in refusal(guest.volume())


def test_not_a_kernel(guest):
    guest.write(f"boot/vmlinuz-{RELEASE}", b"no kernel" * 1000)
    assert "not a Linux kernel" in refusal(guest.volume())


def test_a_volume_that_must_not_be_written(guest):
    volume = guest.volume()
    with open(volume, "r+b") as file:
        file.seek(106)
        file.write(struct.pack("<H", 2))
    assert "marked dirty" in refusal(volume)


def has_device_mapper() -> bool:
    try:  # the node may be there without it
        os.close(os.open("/dev/mapper/control", os.O_RDWR))
    except OSError:
        return False
    return True


def test_pieces(guest):
    volume = guest.volume(pieces=3)
    if has_device_mapper():
        assert any(line.endswith("in 3 pieces") for line in report(volume))
    else:
        assert "lies in 3 pieces, and to look at it takes device-mapper" in refusal(volume, status=1)


def test_interrupted(guest):
    """Ctrl-C while the image is attached: first it is detached."""
    volume = guest.volume()
    before = attached(volume)

    def looking() -> bool:
        for file in Path("/sys/block").glob("loop*/loop/backing_file"):
            with contextlib.suppress(OSError):  # detached meanwhile
                if str(volume) in file.read_text(encoding="utf-8", errors="replace"):
                    return True
        return False

    with subprocess.Popen([PROGRAM, "--plan", volume, IMAGE], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while process.poll() is None and not looking():
            pass
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=120)
    assert attached(volume) == before
    assert (process.returncode, out) == (-signal.SIGINT, b"") or process.returncode == 0


@pytest.mark.parametrize("words", [["/dev/null"], ["--conf"], ["--conf", "x"], ["a", "b", "c"], ["-x", "y"]])
def test_usage(words):
    done = subprocess.run([PROGRAM, "--plan", *words], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: inspect" in done.stderr


def test_only_a_boot_has_a_plan_of_its_own():
    done = subprocess.run([PROGRAM, "--plan"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert "say which image is meant" in done.stderr


def test_modules_without_a_signature(guest):
    """A kernel that wants them would refuse the module, and stage 2 wait for a disk that never appears."""
    unsigned = module("dm_mod").removesuffix(SIGNATURE)
    guest.write(f"{guest.modules}/kernel/dm_mod.ko", unsigned)
    assert not any("signed" in line for line in report(guest.volume()))
    guest.write("etc/kernel/cmdline", "root=/dev/sda ro lockdown=integrity\n")
    assert ("the guest's kernel takes signed modules only (lockdown=integrity on its command line), and dm_mod (the "
            "guest disk: device-mapper) has no signature: sign it, or lift that restriction") in refusal(guest.volume())
    guest.write(f"{guest.modules}/kernel/dm_mod.ko", unsigned + SIGNATURE)
    assert "dm_mod" in "".join(report(guest.volume()))


def test_a_kernel_that_is_built_to_want_signatures(guest):
    guest.write(f"boot/config-{RELEASE}", "CONFIG_MODULES=y\nCONFIG_MODULE_SIG_FORCE=y\n")
    guest.write(f"{guest.modules}/kernel/dax.ko", module("dax").removesuffix(SIGNATURE))
    assert "(it was built with CONFIG_MODULE_SIG_FORCE=y), and dax (dependency of dm_mod" in refusal(guest.volume())


def add_kernel_without_device_mapper(guest: Guest) -> str:
    newer = "6.9.0-plan"
    guest.write(f"boot/vmlinuz-{newer}", kernel(newer))
    guest.write(f"boot/initrd.img-{newer}", EMPTY_ARCHIVE.ljust(5006, b"\0"))
    guest.write(f"usr/lib/modules/{newer}/modules.builtin", "kernel/drivers/block/loop.ko\n")
    guest.write(f"usr/lib/modules/{newer}/modules.dep", "kernel/ext4.ko:\n")
    return newer


def test_an_entry_that_would_not_boot_is_passed_over(guest):
    newer = add_kernel_without_device_mapper(guest)
    lines = report(guest.volume())
    assert f"entry kernel vmlinuz-{RELEASE}" in lines
    passed = [line for line in lines if f"passing over vmlinuz-{newer}" in line]
    assert len(passed) == 1 and "device-mapper" in passed[0], lines


def test_an_entry_that_was_asked_for_is_not_replaced(guest, tmp_path):
    newer = add_kernel_without_device_mapper(guest)
    conf = tmp_path / "guest.conf"
    conf.write_text(f"entry vmlinuz-{newer}\n", encoding="utf-8")
    assert "device-mapper" in refusal(guest.volume(), "--conf", conf)
