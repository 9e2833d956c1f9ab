# SPDX-License-Identifier: GPL-2.0-or-later
"""What vhdboot refuses, each by the whole way from the firmware on: the sentence on the serial console says what, where
and what to do; then the menu; and not one byte of any disk has changed.

The images are small: stage 1 gives up before anything in them is started.
"""

import shutil
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Callable

import pytest

from tests.support import disk, guest_root, hostdisk, images, sparse_images, vhd
from tests.support.command import run
from tests.support.guest import guest as get_guest
from tests.support.hostdisk import HostSpec
from tests.support.paths import PRODUCTS, TEST_OUTPUT
from tests.support.qemu import Disk, Machine, MachineError, MachineSpec

OUTPUT = TEST_OUTPUT / "failure"
EFI = PRODUCTS / "vhdboot.efi"
VHD = "/boot/debian.vhd"
SLACK = 16 * disk.MIB
KEXEC_DISABLED = "sysctl.kernel.kexec_load_disabled=1"
# The menu's page, or, where the menu has nothing to show, a line of keys.
MENU = r"\[?t\]? try again +(\[?c\]? choose another image)?[\s\S]* \[?r\]? restart[\s\S]* \[?p\]? power off"
SHELL = r"\[?s\]? shell"


class Bench:
    """Makes the parts of a failure in a folder of its own."""

    def __init__(self, folder: Path):
        self.folder = folder

    def text(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def blob(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def image(self, uki: Path | None = None, esp: bool = True, footer: bytes | None = None) -> Path:
        path = images.small_disk(self.folder / "small.vhd", uki, esp)
        size = path.stat().st_size
        with open(path, "ab") as file:
            file.write(vhd.footer(size) if footer is None else footer)
        return path

    def host(self, files: dict[str, Path], conf: str = "", name: str = "host.raw", efi: Path = EFI,
             **spec) -> hostdisk.HostDisk:
        """GRUB starts debian.efi from the host volume, with that configuration beside it."""
        files = {**files, "/boot/debian.efi": efi}
        if conf:
            files["/boot/debian.conf"] = self.text("debian.conf", conf)
        return hostdisk.make(self.folder / name, HostSpec(slack=SLACK, **spec), files)

    def host_with_esp(self, files: dict[str, Path], conf: str, **spec) -> hostdisk.HostDisk:
        """The firmware starts vhdboot.efi from the ESP, with that configuration beside it."""
        esp_files = {"/EFI/BOOT/BOOTX64.EFI": EFI, "/EFI/BOOT/BOOTX64.conf": self.text("boot.conf", conf)}
        return hostdisk.make(self.folder / "host.raw", HostSpec(slack=SLACK, loader="esp", **spec), files, esp_files)


def no_image(bench):
    return bench.host({})


def no_image_anywhere(bench):
    return bench.host_with_esp({"/boot/other.vhd": bench.image()}, "image /boot/debian.vhd\nwait 2\n")


def no_such_volume(bench):
    return bench.host({VHD: bench.image()}, "volume LABEL=ELSEWHERE\nwait 2\n")


def two_images(bench):
    image = bench.image()
    one = bench.host_with_esp({VHD: image}, "image /boot/debian.vhd\n")
    other = hostdisk.make(bench.folder / "other.raw", HostSpec(fs="exfat", table="mbr", slack=SLACK), {VHD: image})
    return one, other


def no_esp(bench):
    return bench.host({VHD: bench.image(esp=False)})


def no_uki(bench):
    return bench.host({VHD: bench.image()})


def garbage_uki(bench):
    return bench.host({VHD: bench.image(bench.blob("uki", b"MZ" + b"no UKI at all" * 5000))})


def truncated_uki(bench):
    whole = get_guest("debian12").uki.read_bytes()
    return bench.host({VHD: bench.image(bench.blob("uki", whole[:len(whole) // 2]))})


def uki_without_initrd(bench):
    kernel = PRODUCTS.parent / "kernel/bzImage"
    return bench.host({VHD: bench.image(images.make_uki(bench.folder / "uki", kernel, None))})


def kernel_is_none(bench):
    blob = bench.blob("kernel", b"this is not a kernel, " * 4096)
    return bench.host({VHD: bench.image(images.make_uki(bench.folder / "uki", blob, blob))})


def no_such_entry(bench):
    uki = images.make_uki(bench.folder / "uki", PRODUCTS.parent / "kernel/bzImage", None)
    return bench.host({VHD: bench.image(uki)}, "entry other*.efi\n")


def broken_footer(bench):
    return bench.host({VHD: bench.image(footer=vhd.footer(42 * disk.MIB, checksum=0x12345678))})


def dynamic_vhd(bench):
    image = bench.folder / "dynamic.vhd"
    sparse_images.make_vhd(image, 42 * disk.MIB, {0: bytes(512)}, uuid.UUID(int=1))
    return bench.host({VHD: image})


def no_parent(bench):
    image = bench.folder / "differencing.vhd"
    sparse_images.make_vhd(image, 42 * disk.MIB, {}, uuid.UUID(int=1), parent=(vhd.IDENTITY, 0, "C:\\vm\\base.vhd"))
    return bench.host({VHD: image})


def footer_of_another_size(bench):
    return bench.host({VHD: bench.image(footer=vhd.footer(42 * disk.MIB, current_size=80 * disk.MIB))})


def hibernated(bench):
    return bench.host({VHD: bench.image(), "/hiberfil.sys": bench.blob("hiber", b"hibr" + bytes(65532))})


def dirty_ntfs(bench):
    host = bench.host({VHD: bench.image()})
    hostdisk.set_ntfs_flags(host, 0x1)
    return host


def dirty_exfat(bench):
    host = bench.host({VHD: bench.image()}, fs="exfat", table="mbr")
    hostdisk.set_exfat_flags(host, 0x2)
    return host


def sparse_file(bench):
    return bench.host({VHD: bench.image()}, sparse=(VHD,))


def compressed_file(bench):
    return bench.host({VHD: bench.image()}, compressed=(VHD,))


def encrypted_file(bench):
    return bench.host({VHD: bench.image()}, encrypted=(VHD,))


def half_valid_file(bench):
    return bench.host({VHD: bench.image()}, fs="exfat", table="mbr", half_valid=(VHD,))


def open_journal(bench):
    return bench.host({VHD: bench.image()}, journal=hostdisk.ntfs_restart_page(2, 0))


def bitlocker(bench):
    host = bench.host_with_esp({VHD: bench.image()}, "image /boot/debian.vhd\nwait 2\n")
    with open(host.path, "r+b") as file:
        file.seek(host.offset + 3)
        file.write(b"-FVE-FS-")
    return host


def wrong_value(bench):
    return bench.host({VHD: bench.image()}, "# mine\nrescue sideways\n")


def wrong_load_option(bench):
    return bench.host({VHD: bench.image()}, load_options="wait=soon")


def kexec_refused(bench):
    """The whole way up to the last step, in a boot kernel that was told to refuse it."""
    refusing = images.with_kernel_option(bench.folder / "refusing.efi", EFI, KEXEC_DISABLED)
    return bench.host({VHD: images.guest_vhd(get_guest("debian12"))}, efi=refusing)


def copy_of_a_disk(bench):
    """The machine still has the disk that the image was copied from."""
    guest = get_guest("debian12")
    host = bench.host({VHD: images.guest_vhd(guest)})
    return host, SimpleNamespace(path=disk.clone(guest.disk, bench.folder / "original.raw"))


def volume_group_twice(bench):
    """Another system's volume group is called as the one in the image."""
    host = bench.host({VHD: images.guest_vhd(get_guest("debian12-lvm"))})
    other = bench.folder / "other.raw"
    disk.create(other, 16 * disk.MIB)
    return host, SimpleNamespace(path=guest_root.make_volume_group("guest", 2, other))


def with_file(bench, name: str, text: str) -> Path:
    """debian12's image with a file in its root."""
    guest = get_guest("debian12")
    image = disk.clone(images.guest_vhd(guest), bench.folder / "changed.vhd")
    run("debugfs", "-w", "-R", f"write {bench.text('file', text)} {name}", f"{image}?offset={guest.root_offset}")
    return image


def crypttab_formats(bench):
    """A swap space that is made anew at every start, on the disk that was the guest's own where it was installed."""
    return bench.host({VHD: with_file(bench, "/etc/crypttab", "swap /dev/vda2 /dev/urandom swap,cipher=aes-xts-plain64\n")})


def saved_virtual_machine(bench):
    footer = bytearray(vhd.footer(42 * disk.MIB))
    footer[84] = 1
    footer[64:68] = bytes(4)
    footer[64:68] = (~sum(footer) & 0xFFFFFFFF).to_bytes(4, "big")
    return bench.host({VHD: bench.image(footer=bytes(footer))})


def a_parent(bench):
    """As Hyper-V's checkpoints, or `qemu-img create -b`, leave it."""
    image = bench.image()
    child = bench.folder / "child.vhd"
    sparse_images.make_vhd(child, 42 * disk.MIB, {}, uuid.UUID(int=1), parent=(vhd.IDENTITY, 0, ".\\debian.vhd"))
    return bench.host({VHD: image, "/boot/child.vhd": child})


def no_further_disk(bench):
    return bench.host({VHD: bench.image()}, "disk data.vhd\n")


def further_disk_twice(bench):
    image = bench.image()
    return bench.host({VHD: image, "/data.vhd": image}, "disk /data.vhd\ndisk \\DATA.vhd\n")


def further_disk_is_the_image(bench):
    return bench.host({VHD: bench.image()}, "disk debian.vhd\n")


def sparse_further_disk(bench):
    image = bench.image()
    return bench.host({VHD: image, "/data.vhd": image}, "disk /data.vhd\n", sparse=("/data.vhd",))


def growing_further_disk(bench):
    data = bench.folder / "data.vhd"
    sparse_images.make_vhd(data, 42 * disk.MIB, {0: bytes(512)}, uuid.UUID(int=1))
    return bench.host({VHD: bench.image(), "/data.vhd": data}, "disk /data.vhd\n")


def further_disk_is_a_copy(bench):
    image = images.guest_vhd(get_guest("debian12"))
    return bench.host({VHD: image, "/copy.vhd": image}, "disk /copy.vhd\n")


def grows_without_systemd(bench):
    image = bench.folder / "debian.vhdx"
    run("qemu-img", "convert", "-f", "raw", "-O", "vhdx", "-o", "block_size=1M", get_guest("debian12-bare-sysvinit").disk, image)
    for command in (["desparse", image], ["reserve", image, "+128M"]):
        run(PRODUCTS / "vhdtool", *command)
    return bench.host({"/boot/debian.vhdx": image})


def kernel_of_no_system(bench):
    image = bench.image()
    return bench.host({VHD: image, "/other.vhd": image}, "kernel /other.vhd\n")


def wsl_without_init(bench):
    """As an image of WSL is made: a bare file system whose init is WSL's own."""
    tree = bench.folder / "tree"
    for name, content in {"etc/wsl.conf": b"", "etc/fstab": b"", "boot/vmlinuz-6.1.0-small": images.small_kernel("6.1.0-small"),
                          "boot/initrd.img-6.1.0-small": images.EMPTY_ARCHIVE}.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content)
    image = bench.blob("wsl.vhd", bytes(16 * disk.MIB))
    run("mkfs.ext4", "-q", "-G", "4096", "-d", tree, image)
    shutil.rmtree(tree)
    vhd.make_fixed(image)
    return bench.host({VHD: image})


KEEPING = "ephemeral 64M\npersist /vhd/keep.img\npersist-paths /home\n"


def nothing_to_keep_in(bench):
    """As `persist` finds it when nobody has made a file system."""
    return bench.host({VHD: bench.image(), "/vhd/keep.img": bench.blob("keep", bytes(4 * disk.MIB))}, KEEPING)


def keeps_in_itself(bench):
    return bench.host({VHD: bench.image()}, KEEPING.replace("/vhd/keep.img", VHD))


def keeps_and_forgets_nothing(bench):
    return bench.host({VHD: bench.image()}, KEEPING.removeprefix("ephemeral 64M\n"))


def keeps_without_systemd(bench):
    keep = bench.blob("keep", bytes(8 * disk.MIB))
    run("mkfs.ext4", "-q", "-E", "nodiscard", keep)
    return bench.host({VHD: images.guest_vhd(get_guest("debian12-bare-sysvinit")), "/vhd/keep.img": keep}, KEEPING)


@dataclass(frozen=True)
class Failure:
    """`sentence`: what the error line must match, in this order, whatever is between."""

    make: Callable[[Bench], object]
    sentence: list[str]

    @property
    def name(self) -> str:
        return self.make.__name__


FAILURES = [
    Failure(no_image, ["no image beside /boot/debian.efi", "NTFS", "VHDHOST", "put /boot/debian.vhd"]),
    Failure(no_image_anywhere, ["no image /boot/debian.vhd", "after 2 seconds", "looked at", "NTFS"]),
    Failure(no_such_volume, ["no volume LABEL=ELSEWHERE", "after 2 seconds", "looked at"]),
    Failure(two_images, ["two images match", "NTFS", "exFAT", "say which with `volume`"]),
    Failure(no_esp, ["nothing to boot", "GPT, 1 partition", "no kernel in a /boot"]),
    Failure(no_uki, ["nothing to boot", "no unified kernel image in /EFI/Linux", "no entry in /loader/entries"]),
    Failure(garbage_uki, ["/EFI/Linux/small.efi"]),
    Failure(truncated_uki, ["/EFI/Linux/small.efi"]),
    Failure(uki_without_initrd, ["small.efi", "no initrd", "no root="]),
    Failure(kernel_is_none, ["kernel"]),
    Failure(no_such_entry, ["other*.efi", "small.efi"]),
    Failure(broken_footer, ["/boot/debian.vhd", "checksum"]),
    Failure(dynamic_vhd, ["/boot/debian.vhd", "a dynamic VHD", "`vhdtool provision --full`", "`ephemeral yes`"]),
    Failure(no_parent, ["/boot/debian.vhd", "its parent image was not found", "C:\\vm\\base.vhd"]),
    Failure(footer_of_another_size, ["/boot/debian.vhd", "footer"]),
    Failure(hibernated, ["must not be written", "hibernated", "Shift"]),
    Failure(dirty_ntfs, ["must not be written", "marked dirty", "chkdsk /f"]),
    Failure(dirty_exfat, ["must not be written", "marked dirty", "chkdsk /f", "fsck.exfat -p /dev/vda2"]),
    Failure(sparse_file, ["/boot/debian.vhd", "is sparse", "fsutil sparse setflag"]),
    Failure(compressed_file, ["/boot/debian.vhd", "is compressed", "compact /u"]),
    Failure(encrypted_file, ["/boot/debian.vhd", "is encrypted", "cipher /d"]),
    Failure(half_valid_file, ["/boot/debian.vhd", "is written only up to byte", "valid data length"]),
    Failure(open_journal, ["must not be written", "journal is still open", "Shift"]),
    Failure(bitlocker, ["no image /boot/debian.vhd", "BitLocker"]),
    Failure(wrong_value, ["debian.conf:2", "rescue", "sideways"]),
    Failure(wrong_load_option, ["wait", "soon"]),
    Failure(kexec_refused, ["kexec is forbidden", "locked down"]),
    Failure(copy_of_a_disk, ["root=UUID=", "is also /dev/vdb2", "copy of that disk", "Unplug"]),
    Failure(crypttab_formats, ["/etc/crypttab", "/dev/vda2", "formatted whenever the guest starts", "PARTUUID="]),
    Failure(saved_virtual_machine, ["/boot/debian.vhd", "virtual machine was saved", "shut it down"]),
    Failure(nothing_to_keep_in, ["`persist`: it holds nothing", "no file system", "`mkfs.ext4 -E nodiscard`"]),
    Failure(keeps_in_itself, ["`persist`", "a file of this guest already", "name another image"]),
    Failure(keeps_and_forgets_nothing, ["`persist` is said without `ephemeral`", "say `ephemeral yes`"]),
    Failure(keeps_without_systemd, ["`persist` needs a guest with systemd"]),
    Failure(grows_without_systemd, ["has not all of its blocks", "is not systemd", "`vhdtool provision --full`"]),
    Failure(a_parent, ["/boot/child.vhd", "differencing", "parent"]),
    Failure(no_further_disk, ["the further disk /boot/data.vhd", "not"]),
    Failure(further_disk_twice, ["the further disk /DATA.vhd", "of another disk of this guest already"]),
    Failure(further_disk_is_the_image, ["the further disk /boot/debian.vhd", "of another disk of this guest already"]),
    Failure(sparse_further_disk, ["the further disk /data.vhd", "is sparse"]),
    Failure(growing_further_disk, ["the further disk /data.vhd", "a dynamic VHD", "`vhdtool provision --full`"]),
    Failure(further_disk_is_a_copy, ["root=UUID=", "is also partition 2 of /copy.vhd", "the guest would have both"]),
    Failure(kernel_of_no_system, ["the image of `kernel`, /other.vhd", "nothing to boot", "GPT, 1 partition"]),
    Failure(wsl_without_init, ["the guest has no init", "in WSL install", "systemd-sysv", "systemd=true"]),
    Failure(volume_group_twice, ["the volume group guest", "so has /dev/vdb", "Unplug", "vgrename"]),
]


@pytest.fixture
def bench(failure):
    folder = OUTPUT / failure.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield Bench(folder)
    for path in folder.iterdir():
        if path.name != "console.log":
            path.unlink()


def start(hosts, folder) -> Machine:
    disks = [Disk(host.path, boot=number) for number, host in enumerate(hosts)]
    return Machine(MachineSpec(disks, memory_mib=512), log=folder / "console.log")


def press_until_off(machine: Machine, key: str) -> int:
    """As a person does: once more when nothing happens."""
    for _ in range(5):
        machine.send(key)
        try:
            return machine.wait_exit(15)
        except MachineError:
            continue
    raise AssertionError(f"the menu does not obey {key!r}")


def as_tuple(made):
    return made if isinstance(made, tuple) else (made,)


# Others of their kind always run, and all of them are refused by the same code in the unit tests.
ONLY_ALL = {no_image_anywhere, no_uki, truncated_uki, kernel_is_none, no_parent, footer_of_another_size, dirty_exfat,
            compressed_file, encrypted_file, wrong_load_option, a_parent, no_such_volume, no_esp, uki_without_initrd,
            no_such_entry, crypttab_formats, saved_virtual_machine, no_further_disk, further_disk_twice,
            further_disk_is_the_image, sparse_further_disk, growing_further_disk, further_disk_is_a_copy,
            nothing_to_keep_in, keeps_in_itself, keeps_and_forgets_nothing, keeps_without_systemd,
            grows_without_systemd, kernel_of_no_system, wsl_without_init}


def always_or_not(failure: Failure):
    return pytest.param(failure, id=failure.name, marks=[pytest.mark.only_all] if failure.make in ONLY_ALL else [])


@pytest.mark.parametrize("failure", map(always_or_not, FAILURES))
def test_failure(failure, bench):
    hosts = as_tuple(failure.make(bench))
    before = [disk.digest(host.path) for host in hosts]
    with start(hosts, bench.folder) as machine:
        machine.expect(r"vhdboot\[stage1\]: checkpoint=start", 120)
        said = machine.expect(r"vhdboot\[stage1\]: error: (.*)\n", 120, failing=r"checkpoint=kexec")[1]
        machine.expect(MENU, 30)
        assert press_until_off(machine, "p") == 0
    assert [disk.digest(host.path) for host in hosts] == before
    position = 0
    for part in failure.sentence:
        found = said.lower().find(part.lower(), position)
        assert found >= 0, f"{part!r} is not said, or too early: {said}"
        position = found + len(part)


@pytest.mark.parametrize("failure", [replace(FAILURES[0])], ids=["rescue_shell"])
def test_rescue_shell(failure, bench):
    """The shell has the tools to look around, and leads back to the menu; nothing it was used for wrote anything."""
    hosts = as_tuple(failure.make(bench))
    before = [disk.digest(host.path) for host in hosts]
    with start(hosts, bench.folder) as machine:
        machine.expect(SHELL, 180)
        machine.send("s")
        machine.expect(r"# $", 30)
        for command, answer in [
            ("blkid", r"TYPE=\"?ntfs"),
            ("losetup -a; echo lo''setup=$?", r"losetup=0"),
            ("mount | head -n 3; echo mo''unt=$?", r"mount=0"),
            ("inspect", r"(?i)NTFS"),
        ]:
            machine.send(f"{command}\n")
            machine.expect(answer, 60)
        machine.send("exit\n")
        machine.expect(MENU, 30)
        # Nothing has changed, and all of it is looked at again.
        machine.send("t")
        machine.expect(r"vhdboot\[stage1\]: error: ", 120)
        machine.expect(MENU, 30)
        assert press_until_off(machine, "r") == 0
    assert [disk.digest(host.path) for host in hosts] == before


@pytest.mark.parametrize("failure", [Failure(dirty_exfat, [])], ids=["dirty_exfat_without_windows"])
def test_dirty_exfat_is_checked_in_the_shell(failure, bench):
    """After a crash of a guest that wrote to the volume, on a machine without Windows."""
    host = failure.make(bench)
    assert hostdisk.volume_complaints(host) != []
    with start([host], bench.folder) as machine:
        machine.expect(SHELL, 180)
        machine.send("s")
        machine.expect(r"# $", 30)
        machine.send("fsck.exfat -p /dev/vda2; echo che''ck=$?\n")
        machine.expect(r"check=[01]\n", 60)
        machine.send("exit\n")
        machine.expect(MENU, 30)
        assert press_until_off(machine, "p") == 0
    assert hostdisk.volume_complaints(host) == []


def in_pieces(bench):
    """The whole way up to the last step, over device-mapper, which an image in one piece would not need."""
    refusing = images.with_kernel_option(bench.folder / "refusing.efi", EFI, KEXEC_DISABLED)
    return bench.host({VHD: images.guest_vhd(get_guest("debian12"))}, efi=refusing, pieces=3)


@pytest.mark.parametrize("failure", [Failure(in_pieces, [])], ids=["rescue_plan"])
def test_rescue_plan(failure, bench):
    """The plan of this very boot, told in the rescue shell: nothing stays attached, nothing is written."""
    hosts = as_tuple(failure.make(bench))
    before = [disk.digest(host.path) for host in hosts]
    with start(hosts, bench.folder) as machine:
        machine.expect(r"kexec is forbidden", 240)
        machine.expect(SHELL, 30)
        machine.send("s")
        machine.expect(r"# $", 30)
        machine.send("inspect --plan; echo pl''an=$?\n")
        for line in [
            r"image +/boot/debian\.vhd",
            r"fixed VHD of .* in \d+ pieces",
            r"volume +/dev/\S+ \(NTFS",
            r"entry +unified kernel image",
            r"kernel +6\.1\.",
            r"command line +from the image",
            r"rdinit=/vhdboot/init .*nohibernate",
            r"initrd in the image, \d",
            r"stage 2 and \d+ modules",
            r"the controller pci:\S+, here driven by",
            r"dm_mod, .*: the guest disk: device-mapper",
            r"plan=[04]",
        ]:
            machine.expect(line, 120, failing=r"plan=[13]")
        machine.send("ls -d /sys/block/dm-*; losetup -a | grep -c vhd; echo le''ft=$?\n")
        machine.expect(r"left=1", 30, failing=r"left=0|^/sys/block/dm-")
        machine.send("exit\n")
        machine.expect(MENU, 30)
        assert press_until_off(machine, "p") == 0
    assert [disk.digest(host.path) for host in hosts] == before
