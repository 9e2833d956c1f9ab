# SPDX-License-Identifier: GPL-2.0-or-later
"""A distribution of WSL 2 on the bare machine: its network, its servers of names and a login, nothing of its fstab that only
WSL has, and no file of its changed by that; with its own kernel, and with that of another image. And as a container of another
Linux."""

import hashlib
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.support import disk, hostdisk, pages
from tests.support.command import run
from tests.support.guest import guest as get_guest
from tests.support.hostdisk import HostSpec
from tests.support.images import guest_vhd
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import KERNEL_MESSAGES, NO_GETTY, PROMPT, TROUBLE, GuestShell, through_kernel_messages

EFI = PRODUCTS / "vhdboot.efi"
USERS_PROMPT = through_kernel_messages("me@") + rf"\S*?{KERNEL_MESSAGES}\S*?" + through_kernel_messages(":~$ ")
# QEMU answers as a DHCP server with these (net/slirp.c).
NETWORK = ["-nic", "user,model=virtio-net-pci"]
ADDRESS, NAMES = "10.0.2.15", "10.0.2.3"
# What systemd itself writes at a first start, in WSL as well.
OF_FIRST_START = {"machine-id", ".updated"}
CONSOLES = "options console=tty0 console=ttyS0,115200\n"


def etc_of(root: Path, folder: Path) -> dict[str, str]:
    """Each file below /etc, with its mode and a digest."""
    target = folder / "etc-of-guest"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    run("debugfs", "-R", f"rdump /etc {target}", root)
    found = {}
    for path in sorted(target.rglob("*")):
        status = path.lstat()
        content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        name = str(path.relative_to(target / "etc"))
        if name not in OF_FIRST_START:
            found[name] = f"{status.st_mode:o} {status.st_uid} {status.st_gid} {hashlib.sha256(content).hexdigest()}"
    shutil.rmtree(target)
    assert len(found) > 50
    return found


def vhdx(guest, folder: Path, *commands: list[str]) -> Path:
    """With blocks of 1 MiB, as WSL makes one: it grows. `commands`: what vhdtool is to do with it."""
    image = folder / "wsl.vhdx"
    run("qemu-img", "convert", "-f", "raw", "-O", "vhdx", "-o", "subformat=dynamic,block_size=1M", guest.disk, image)
    for command in (["desparse"], *commands):
        run(PRODUCTS / "vhdtool", *command, image)
    return image


def make_host(folder: Path, fs: str, image: Path, conf: str, more: dict[str, Path] | None = None) -> tuple:
    path = folder / "wsl.conf"
    path.write_text(conf + CONSOLES, encoding="utf-8")
    name = f"/boot/wsl{image.suffix}"
    host = hostdisk.make(folder / "host.raw", HostSpec(fs=fs, efi_path="/boot/wsl.efi"),
                         {name: image, "/boot/wsl.efi": EFI, "/boot/wsl.conf": path, **(more or {})})
    return host, name


def start(host, log: Path) -> Machine:
    return Machine(MachineSpec([Disk(host.path, boot=0)], extra=NETWORK), log=log)


def log_in(machine: Machine) -> GuestShell:
    """Nobody types a name or a password."""
    machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 240, failing=TROUBLE)
    machine.expect(USERS_PROMPT, 600, failing=f"{TROUBLE}|{NO_GETTY}")
    machine.send("sudo -i\n")
    machine.expect(PROMPT, 120)
    machine.send("dmesg -n 1; stty cols 500\n")
    return GuestShell(machine)


def look_around(shell: GuestShell, root: str = "/dev/loop0 rw", has_resolver: bool = False) -> None:
    status, text = shell.run("systemctl is-system-running --wait", 240)
    assert status == 0, f"{text}: {shell.run('systemctl --failed --no-legend')[1]}"
    assert shell.check("findmnt -no SOURCE,OPTIONS /").startswith(root)
    assert "fstab=no" in shell.check("cat /proc/cmdline")
    shell.check(f"until grep -q {ADDRESS} /proc/net/fib_trie; do udevadm settle; done", 120)
    shell.check("until [ -s /etc/resolv.conf ]; do udevadm settle; done", 120)
    assert f"nameserver {'127.0.0.53' if has_resolver else NAMES}" in shell.check("cat /etc/resolv.conf")
    if has_resolver:
        shell.check(f"until resolvectl dns | grep -q {NAMES}; do udevadm settle; done", 120)
    for unit in ("systemd-networkd.service", "systemd-tmpfiles-setup.service", "systemd-tmpfiles-setup-dev.service",
                 "srv.mount", "getty@tty1.service"):
        shell.check(f"systemctl is-active {unit}")
    assert shell.check("stat -fc %T /srv") == "tmpfs"
    assert "size=1024k" in shell.check("findmnt -no OPTIONS /srv")
    assert shell.run("findmnt /data || findmnt /mnt/c")[0] != 0
    assert "autologin me" in shell.check("systemctl cat getty@tty1.service")
    assert re.search(r"^me +tty1 ", shell.check("who"), re.MULTILINE)
    assert shell.run("printenv WSL_DISTRO_NAME")[0] == 1


def leave(machine: Machine, shell: GuestShell) -> None:
    shell.check("dmesg -n 7")
    machine.send("poweroff\n")
    assert machine.wait_exit(240) == 0
    trouble = re.search(r"I/O error.*|EXT4-fs (error|warning).*|Failed to (mount|start).*", machine.text)
    assert trouble is None, trouble[0]


def judge(host, name: str, before: str, etc: dict[str, str], folder: Path) -> None:
    """The volume is as it was but for the image; in that nothing of ours is, and WSL finds it clean."""
    assert hostdisk.outside_digest(host, name) == before
    judge_image(host, name, etc, folder)


def judge_image(host, name: str, etc: dict[str, str], folder: Path) -> Path:
    """WSL finds it clean, with its configuration as it was; the root file system in it."""
    assert hostdisk.volume_complaints(host) == []
    image = hostdisk.extract_file(host, name, folder / f"after{Path(name).suffix}")
    root = folder / "root.raw"
    if name.endswith("vhdx"):
        run("qemu-img", "check", "-f", "vhdx", image)
        run("vhdiinfo", image)
        run("qemu-img", "convert", "-f", "vhdx", "-O", "raw", image, root)
    else:
        size = image.stat().st_size - image.stat().st_size % disk.MIB
        disk.extract(image, 0, size, root)
    assert hostdisk.guest_complaints(root) == []
    assert etc_of(root, folder) == etc
    image.unlink()
    return root


def test_with_its_own_kernel(folder):
    guest = get_guest("debian12-wsl")
    etc = etc_of(guest.disk, folder)
    host, name = make_host(folder, "ntfs", guest_vhd(guest), "login auto\n")
    before = hostdisk.outside_digest(host, name)
    with start(host, folder / "console.log") as machine:
        shell = log_in(machine)
        for said in ('"/mnt/c", is left out: only Windows offers that', '"/data", is left out: there is no such device here'):
            assert said in shell.check("cat /run/vhdboot/notes; dmesg | grep stage2")
        look_around(shell)
        leave(machine, shell)
    judge(host, name, before, etc, folder)


@pytest.mark.only_all
@pytest.mark.parametrize("kernel", ["debian12", "debian13-dracut"])
def test_with_the_kernel_of_another_image(folder, kernel):
    """In a VHDX as WSL makes one; where its folder for the resolver is missing, all of /mnt is one in memory."""
    guest, other = get_guest("debian12-wsl-no-kernel"), get_guest(kernel)
    etc = etc_of(guest.disk, folder)
    settings = "login auto\nkernel /debian.vhd\ntimeout menu\nmenu-style plain\n"
    host, name = make_host(folder, "exfat", vhdx(guest, folder, ["provision", "--full"]), settings,
                           {"/debian.vhd": guest_vhd(other)})
    before = hostdisk.outside_digest(host, name)
    with start(host, folder / "console.log") as machine:
        number = machine.expect(r"(\d) with the kernel of /debian.vhd, ready", 240, failing=TROUBLE)[1]
        machine.send(f"{number}\r")
        shell = log_in(machine)
        look_around(shell, has_resolver=True)
        shell.check("systemctl is-active vhdboot-kernel.service")
        assert re.match(r"/dev/loop1p\d\[/usr/lib/modules\] +ro", shell.check("findmnt -no SOURCE,OPTIONS /usr/lib/modules"))
        shell.check("modprobe dummy && grep -q '^dummy ' /proc/modules")
        firmware = "/run/vhdboot/kernel/usr/lib/firmware"
        assert shell.check("cat /sys/module/firmware_class/parameters/path") == firmware
        shell.check(f"findmnt -M {firmware.removesuffix('/usr/lib/firmware')} && ls {firmware.removesuffix('firmware')}")
        assert shell.check("cat /sys/block/loop1/ro") == "1"
        assert shell.run("touch /lib/modules/x")[0] != 0
        leave(machine, shell)
    judge(host, name, before, etc, folder)


@pytest.mark.only_all
def test_tried_without_a_trace(folder):
    """The disk as it is, growing and without a reserve: not one byte of the volume changes, and who may not log in is told
    why."""
    guest = get_guest("debian12-wsl")
    host, _ = make_host(folder, "ntfs", vhdx(guest, folder), "ephemeral yes\n")
    before = disk.digest(host.path)
    with start(host, folder / "console.log") as machine:
        machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 240, failing=TROUBLE)
        machine.expect("Neither me nor root has a password, so nobody can log in", 600, failing=TROUBLE)
        machine.expect(" login: ", 60)
        # Nobody can power it off from there, but its power button does.
        machine.power_button()
        assert machine.wait_exit(240) == 0
    assert disk.digest(host.path) == before


def of_the_page(begin: str) -> str:
    """The block of docs/wsl.md that begins so."""
    return next(block.text for block in pages.pages()["docs/wsl.md"].blocks if block.text.startswith(begin))


def disk_for_the_container(folder: Path) -> Path:
    """With the files of the page, and vhdtool."""
    tree, image = folder / "tree", folder / "tools.raw"
    tree.mkdir()
    shutil.copy(PRODUCTS / "vhdtool", tree)
    begins = {"wsl-debian.nspawn": "[Files]\n", "wsl-debian.service": "[Unit]\n", "lines.sh": "disk=$(vhdtool attach "}
    for name, begin in begins.items():
        (tree / name).write_text(of_the_page(begin), encoding="utf-8")
    disk.create(image, 16 * disk.MIB)
    run("mke2fs", "-q", "-t", "ext4", "-L", "tools", "-d", tree, image)
    return image


def type_inside(machine: Machine, shell: GuestShell, command: str, name: str, typed: str) -> None:
    """What `command` gives is a shell of root on a machine of that name."""
    machine.send(f"{command}; ended=$?\n")
    machine.expect(re.escape(f"root@{name}:~# "), 120)
    machine.send(f"{typed}; exit\n")
    machine.expect(re.escape("root@debian12-containers:~# "), 120)
    shell.check("[ $ended = 0 ]")


@pytest.mark.only_all
def test_as_a_container(folder):
    """By the lines and the unit of the page: all of it comes up, is shut down, and its disk is let go and clean."""
    guest, around = get_guest("debian12-wsl"), get_guest("debian12-containers")
    etc = etc_of(guest.disk, folder)
    image = vhdx(guest, folder, ["provision", "--full"])
    volume = hostdisk.make(folder / "volume.raw", HostSpec(fs="exfat", table="none"), {"/wsl/debian.vhdx": image})
    image.unlink()
    esp = hostdisk.make_esp_disk(folder / "esp.raw", {"/EFI/BOOT/BOOTX64.EFI": around.uki})
    disks = [Disk(esp, boot=0), Disk(disk.clone(around.disk, folder / "around.raw")), Disk(volume.path),
             Disk(disk_for_the_container(folder))]
    commands = "cp /mnt/vhdtool /usr/local/bin && cp /mnt/*.nspawn /etc/systemd/nspawn && cp /mnt/*.service /etc/systemd/system"
    with Machine(MachineSpec(disks), log=folder / "console.log") as machine:
        shell = GuestShell(machine)
        shell.log_in(600)
        shell.check("echo nameserver 192.0.2.53 >/etc/resolv.conf")
        shell.check("mkdir -p /media/data /etc/systemd/nspawn; mount LABEL=VHDHOST /media/data && mount -o ro LABEL=tools /mnt")
        shell.check(commands)
        copy = "cat /etc/resolv.conf /etc/fstab >~/from-"
        type_inside(machine, shell, "sh -eu /mnt/lines.sh", "wsl-debian", f"{copy}a-shell")
        assert re.search("\u2713 bootable system for container", machine.text)
        shell.check("systemctl daemon-reload && systemctl start wsl-debian || { journalctl -n 40 -u wsl-debian; false; }", 360)
        shell.check("systemctl -M wsl-debian is-active multi-user.target console-getty.service")
        status, text = shell.run("systemctl -M wsl-debian is-system-running --wait", 120)
        assert status == 0, f"{text}: {shell.run('systemctl -M wsl-debian --failed --no-legend')[1]}"
        type_inside(machine, shell, "machinectl shell wsl-debian", "debian12-wsl", f"{copy}all-of-it")
        shell.check("systemctl stop wsl-debian", 360)
        assert shell.check("systemctl show -P Result wsl-debian") == "success"
        assert shell.check("losetup -a; ls /dev/mapper") == "control"
        assert "wsl-debian has been shut down" in shell.check("journalctl -u wsl-debian -o cat")
        shell.check("umount /media/data")
        machine.send("poweroff\n")
        assert machine.wait_exit(240) == 0
    root = judge_image(volume, "/wsl/debian.vhdx", etc, folder)
    for name in ("/root/from-a-shell", "/root/from-all-of-it"):
        assert hostdisk.read_guest_file(root, "ext4", name) == "nameserver 192.0.2.53\n"
