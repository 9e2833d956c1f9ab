# SPDX-License-Identifier: GPL-2.0-or-later
"""A whole boot: firmware, GRUB, vhdboot.efi, an untouched Debian up to login, power-off, and a host volume as it was.

The cases are tests/boot/cases/*.toml; --all adds every combination of guest, host file system and bus.
"""

import hashlib
import re
import shutil

import pytest

from tests.support import bootcase, disk, guest_boot, guest_root, hostdisk, proven
from tests.support.guest import guest as get_guest
from tests.support.guest import places
from tests.support.images import guest_vhd
from tests.support.paths import PRODUCTS, TEST_OUTPUT
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import LOGIN, TROUBLE, GuestShell

OUTPUT = TEST_OUTPUT / "boot"
# A lockup may be the host's doing, on a machine that is busy. dm-1 is the host device: who looks for file systems on all
# devices, as libblkid does before udev has, meets its errors where the image lies at the end of the volume.
TROUBLE_LATER = (r"(?m)^(?!.*Buffer I/O error on dev dm-1,).*(I/O error|EXT4-fs (error|warning)|BTRFS (error|warning)|XFS.*(corrupt|error)|Oops|"
                 r"BUG: (?!soft lockup|workqueue lockup)).*")
NO_FIRMWARE_DRIVER = ("uas",)  # OVMF speaks only the older USB storage protocol
ROOT_DEVICES = {"none": "/dev/loop", "luks": "/dev/mapper/root", "lvm": "/dev/mapper/guest-root"}
MARKER = "/root/written-in-the-guest"


def pytest_generate_tests(metafunc):
    if "case" in metafunc.fixturenames:
        cases = bootcase.cases(metafunc.config.getoption("--all"))
        metafunc.parametrize("case", cases, ids=lambda case: case.name)


@pytest.fixture(scope="module", autouse=True)
def products():
    for name in ("vhdboot.efi", "raw2vhd"):
        assert (PRODUCTS / name).is_file(), f"{PRODUCTS / name} is missing: cmake --preset release && " \
                                            "cmake --build --preset release"


@pytest.fixture
def folder(case):
    path = OUTPUT / case.name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    yield path
    for image in path.glob("*.raw"):
        image.unlink()


def make_host(case, guest, folder):
    """The host disk, and what else the machine starts from: GRUB's own disk when the host disk has no partition table,
    an ESP on another disk when the firmware has no driver for the host disk's bus."""
    image = guest.disk if case.raw else guest_vhd(guest)
    efi = PRODUCTS / "vhdboot.efi"
    elsewhere = case.bus in NO_FIRMWARE_DRIVER
    conf = folder / "debian.conf"
    conf.write_text((f"image {case.image}\n" if elsewhere else "") + case.config, encoding="utf-8")
    files = {case.image: image}
    esp_files = {"/EFI/BOOT/BOOTX64.EFI": efi, "/EFI/BOOT/BOOTX64.conf": conf}
    if case.start == "grub" and not elsewhere:
        files["/boot/debian.efi"] = efi
        if case.config:
            files["/boot/debian.conf"] = conf
    spec = hostdisk.HostSpec(fs=case.fs, table=case.table, block_size=case.block_size, cluster=case.cluster,
                             pieces=case.pieces, load_options=case.load_options, loader=case.start)
    host = hostdisk.make(folder / "host.raw", spec, files, esp_files)
    disks = [Disk(host.path, bus=case.bus, block_size=case.block_size, boot=1)]
    if elsewhere:
        disks.insert(0, Disk(hostdisk.make_esp_disk(folder / "start.raw", esp_files), boot=0))
    elif case.table == "none":
        disks.insert(0, Disk(hostdisk.make_grub_disk(folder / "start.raw", spec), boot=0))
    return host, disks


def test_boot(case, folder):
    proven.forget(case.name)
    guest = get_guest(case.guest)
    booted = hashlib.sha256((PRODUCTS / "vhdboot.efi").read_bytes()).hexdigest()
    host, disks = make_host(case, guest, folder)
    if case.pieces > 1:
        assert len(host.extents[case.image]) >= case.pieces * 9 // 10
    outside = hostdisk.outside_digest(host, case.image)
    efi = {name: hostdisk.extract_file(host, name, folder / "before.raw").read_bytes()
           for name in host.extents if name != case.image}

    with Machine(MachineSpec(disks, memory_mib=case.memory_mib), log=folder / "console.log") as machine:
        machine.expect(r"vhdboot\[stage1\]: checkpoint=start", 120)
        machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 240, failing=TROUBLE)
        # A guest that is "quiet" does not show it.
        machine.expect(rf"vhdboot\[stage2\]: checkpoint=init|(?={LOGIN})|(?=(?i:unlock|passphrase).*: )", 300, failing=TROUBLE)
        if guest.recipe.container == "luks":
            machine.expect(r"(?i)(unlock|passphrase).*: *", 300, failing=TROUBLE)
            machine.send(f"{guest_root.PASSPHRASE}\n")
        shell = GuestShell(machine)
        shell.log_in(600)
        look_around(case, guest, shell)
        facts = versions(guest, shell)
        shell.check(f"echo {case.name} > {MARKER}")
        leave(case, machine, shell)
        trouble = re.search(TROUBLE_LATER, machine.text)
        assert trouble is None, trouble[0]

    assert hostdisk.outside_digest(host, case.image) == outside
    assert hostdisk.volume_complaints(host) == []
    for name, contents in efi.items():
        assert hostdisk.extract_file(host, name, folder / "after.raw").read_bytes() == contents, name
    examine_image(case, guest, host, folder)
    proven.record(case, guest.recipe, *facts, booted)


def versions(guest, shell):
    """What is running: the system's name, its kernel, the packages that the recipe names."""
    system = shell.check(". /etc/os-release; echo $PRETTY_NAME $(cat /etc/debian_version)")
    names = " ".join([*guest.recipe.init, *guest.recipe.initrd])
    rows = shell.run(f"dpkg-query -W -f '${{Package}} ${{Version}}\\n' {names}")[1].splitlines()
    packages = dict(line.split(" ", 1) for line in [*rows, *guest.made_by.splitlines()] if line.count(" ") == 1)
    kernel, module = shell.check("uname -r; ls /lib/modules/$(uname -r)/kernel/drivers/block/loop.ko*").splitlines()
    return system, f"{kernel}, {module[module.index('.ko'):]}", packages


def leave(case, machine, shell):
    """Powers off, restarts (which ends QEMU) or starts another kernel: that one knows nothing of vhdboot and is ended."""
    shell.check("dmesg -n 7")
    if case.power == "kexec":
        shell.check("kexec --load /boot/vmlinuz-$(uname -r) --append='console=ttyS0,115200 panic=1'", 120)
        machine.send("systemctl kexec\n")
    else:
        machine.send(f"{case.power}\n")
    if case.power == "kexec":
        machine.expect(r"^\[ +0\.0+\] Linux version .*", 240)
    else:
        assert machine.wait_exit(240) == 0


def look_around(case, guest, shell):
    """What a person would look at first in the guest."""
    recipe = guest.recipe
    assert shell.check("findmnt -no SOURCE /").startswith(ROOT_DEVICES[recipe.container])
    if "systemd-sysv" in recipe.init:
        status, text = shell.run("systemctl is-system-running --wait", 240)
        failed = "" if status == 0 else shell.run("systemctl --failed --no-legend")[1]
        assert status == 0, f"the guest is {text}: {failed}"
    links = shell.check("ls /dev/disk/by-uuid /dev/disk/by-partuuid /dev/disk/by-label 2>&1 || true")
    for link in expected_links(recipe):
        assert link in links
    if recipe.tries:
        shell.check("systemctl is-active vhdboot-bless-boot.service")
    if recipe.swap_mib:
        assert "/dev/loop" in shell.check("cat /proc/swaps")
    # Nothing of ours is left behind.
    assert shell.run("grep -cE '^[0-9]+ [0-9]+ [0-9:]+ [^ ]+ /vhdboot' /proc/self/mountinfo")[1] == "0"
    for command in case.commands:
        shell.check(command)


def expected_links(recipe):
    """What udev must have found on the guest disk."""
    yield recipe.identity("rootfs")
    yield "guestroot"
    for role in recipe.roles if recipe.table != "none" else []:
        yield recipe.partuuid(role)
    if "esp" in recipe.roles:
        yield "GUESTESP"


def examine_image(case, guest, host, folder):
    """The image still is one, its file system is in order, and what the guest wrote is in it."""
    size = guest.disk.stat().st_size + (0 if case.raw else 512)
    image = hostdisk.extract_file(host, case.image, folder / "image.raw", size)
    if not case.raw:
        assert image.read_bytes()[-512:] == guest_vhd(guest).read_bytes()[-512:], "the footer changed"
    if guest.recipe.tries:
        esp = places(guest.recipe)["esp"]
        names = guest_boot.entry_names(guest.recipe, image, esp, folder)
        assert names and not any(re.search(r"\+[0-9]+(-[0-9]+)?\.[a-z]+$", name) for name in names), \
            "it came up well, and its entry has a counter still"
    partition = disk.extract(image, guest.root_offset, guest.root_size, folder / "partition.raw")
    root = guest_root.plain_root(guest.recipe, partition, folder / "root.raw")
    assert hostdisk.guest_complaints(root, guest.recipe.root_fs) == []
    if guest.recipe.root_fs == "f2fs":  # which the kernel of this machine need not know
        assert MARKER.rsplit("/", 1)[1].encode() in root.read_bytes()
        return
    options = "subvolid=5" if guest.recipe.subvolume else ""
    assert hostdisk.read_guest_file(root, guest.recipe.root_fs, guest.recipe.subvolume + MARKER, options).strip() == case.name
