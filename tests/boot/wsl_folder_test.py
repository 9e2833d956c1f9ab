# SPDX-License-Identifier: GPL-2.0-or-later
"""The folder of a WSL 1 distribution boots as it lies on the volume, with the kernel of an image beside it: all that Linux
knows of its files is there, what the guest writes is above it in memory, and not one byte of the volume changes."""

from pathlib import Path

import pytest

from tests.boot.wsl_test import CONSOLES, EFI, leave, log_in, look_around, start
from tests.support import disk, hostdisk
from tests.support import wsl_folder as wsl
from tests.support.command import run
from tests.support.guest import guest as get_guest
from tests.support.hostdisk import HostSpec
from tests.support.images import guest_vhd
from tests.support.shell import TROUBLE

FOLDER = "/wsl/debian"


def make_host(folder: Path, generation: str, conf: str, more: dict[str, Path] | None = None) -> hostdisk.HostDisk:
    """With the system of a WSL guest in FOLDER, and an image with a kernel."""
    guest = get_guest("debian12-wsl")
    path = folder / "wsl.conf"
    path.write_text(f"image {FOLDER}\n{conf}{CONSOLES}", encoding="utf-8")
    host = hostdisk.make(folder / "host.raw", HostSpec(efi_path="/boot/wsl.efi", slack=guest.disk.stat().st_size + 1024 * disk.MIB),
                         {"/debian.vhd": guest_vhd(get_guest("debian12")), "/boot/wsl.efi": EFI, "/boot/wsl.conf": path,
                          **(more or {})})
    volume, root = folder / "volume.raw", folder / "root"
    disk.extract(host.path, host.offset, host.size, volume)
    root.mkdir()
    run("mount", "-o", "ro,loop,noload", guest.disk, root)
    try:
        with wsl.mounted(volume) as place:
            assert wsl.copy_tree(root, place / FOLDER[1:] / "rootfs", generation) > 5000
    finally:
        run("umount", root)
    disk.place(volume, host.path, host.offset)
    volume.unlink()
    return host


def test_a_folder_boots_as_it_lies(folder):
    host = make_host(folder, "wslfs", "kernel /debian.vhd\nlogin auto\n")
    before = disk.digest(host.path)
    with start(host, folder / "console.log") as machine:
        machine.expect(r"image    /wsl/debian, folder of a WSL 1 distribution with \d{5} files, [\d.]+ MiB of it in memory, on",
                       240, failing=TROUBLE)
        shell = log_in(machine)
        look_around(shell, root="vhdboot-folder rw")
        # Each file of these packages, by names that Windows could not hold: libc6:amd64.md5sums. The guest came without
        # what is below /usr/share.
        packages = "libc6:amd64 libsystemd0:amd64 coreutils dash mount"
        assert shell.run(f"dpkg --verify {packages} 2>&1 | grep -v '^missing .*/usr/share/'", 300) == (1, "")
        assert shell.check("stat -c %a%u%g /usr/bin/su /tmp /root").split() == ["475500", "177700", "70000"]
        shell.check("modprobe dummy && grep -q '^dummy ' /proc/modules")
        assert shell.check("blockdev --getro /dev/vda2") == "1"
        shell.check("echo new >/usr/bin/new && mv /etc/skel /etc/skeleton && rm /etc/motd && sync")
        assert "forgotten" in shell.check("cat /run/motd.d/vhdboot")
        leave(machine, shell)
    assert disk.digest(host.path) == before


@pytest.mark.only_all
def test_what_is_written_above_a_folder_is_kept_in_an_image(folder):
    """Of the older generation of WSL 1, chosen in the menu. Once something in the folder is another, what was written above
    it is refused."""
    changes = folder / "changes.img"
    disk.create(changes, 512 * disk.MIB)
    run("mkfs.ext4", "-q", "-F", "-E", "nodiscard", changes)
    conf = "kernel /debian.vhd\nlogin auto\nephemeral yes\npersist /changes.img\npersist-paths /\n"
    host = make_host(folder, "lxfs", f"{conf}timeout menu\nmenu-style plain\n", {"/changes.img": changes})
    before = hostdisk.outside_digest(host, "/changes.img")
    for start_number in range(2):
        with start(host, folder / f"console-{start_number}.log") as machine:
            number = machine.expect(r"(\d) with the kernel of /debian.vhd, ready", 240, failing=TROUBLE)[1]
            machine.send(f"{number}\r")
            shell = log_in(machine)
            if start_number == 0:
                look_around(shell, root="vhdboot-folder rw")
                shell.check("echo new >/usr/bin/new && mv /etc/skel /etc/skeleton && rm /etc/motd && mkdir /srv2")
                shell.check("setfattr -n user.note -v kept /usr/bin/new || true; chmod 4711 /usr/bin/new; sync")
            else:
                assert shell.check("cat /usr/bin/new; stat -c %a /usr/bin/new; ls -d /etc/skel* /srv2").split() == [
                    "new", "4711", "/etc/skeleton", "/srv2"]
                assert shell.run("test -e /etc/motd")[0] != 0
            assert "is kept in /changes.img" in shell.check("cat /run/motd.d/vhdboot")
            leave(machine, shell)
        assert hostdisk.outside_digest(host, "/changes.img") == before
        assert hostdisk.volume_complaints(host) == []
        after = hostdisk.extract_file(host, "/changes.img", folder / "after.img")
        assert hostdisk.guest_complaints(after) == []
        assert "needs_recovery" not in run("dumpe2fs", "-h", after)
    volume = disk.extract(host.path, host.offset, host.size, folder / "volume.raw")
    with wsl.mounted(volume) as place:
        # By Windows, which knows nothing of the time that Linux sees, and as many bytes.
        name = place / FOLDER[1:] / "rootfs/etc/hostname"
        name.write_bytes(name.read_bytes().upper())
    disk.place(volume, host.path, host.offset)
    before = hostdisk.outside_digest(host, "/changes.img")
    with start(host, folder / "console-other.log") as machine:
        number = machine.expect(r"(\d) with the kernel of /debian.vhd, ready", 240, failing=TROUBLE)[1]
        machine.send(f"{number}\r")
        machine.expect("has changes to the folder as it was before", 240)
    assert hostdisk.outside_digest(host, "/changes.img") == before
