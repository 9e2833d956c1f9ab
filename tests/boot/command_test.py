# SPDX-License-Identifier: GPL-2.0-or-later
"""vhdboot in a guest that vhdboot has started: it knows its image, and tells the firmware what to start next."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.support import disk, hostdisk, tiny_guest
from tests.support.command import run
from tests.support.debian import Suite
from tests.support.guest import guest as get_guest
from tests.support.hostdisk import HostSpec
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE, GuestShell

EFI = PRODUCTS / "vhdboot.efi"
VHD = "/boot/debian.vhd"  # GRUB on the disk of a test starts /boot/debian.efi
OTHER = "UEFI Misc Device 2"  # as OVMF calls the second disk
SCRIPT = """say() { name=$1; shift; if "$@"; then code=0; else code=$?; fi; echo "$name: $code"; }
modprobe efivarfs
mount -t efivarfs efivarfs /sys/firmware/efi/efivars
if [ -n "$(dd if=$notes bs=4096 count=1 status=none | tr -d '\\000')" ]; then
  echo "back: $(vhdboot next --show --json)"
  poweroff -f
fi
write_note 0 started
echo "status: $(vhdboot status --json)"
vhdboot status
current=$(vhdboot status --json | sed 's/.*"firmware_entry":"Boot\\([0-9A-F]*\\).*/\\1/')
echo "current: $current"
say set vhdboot next "$current"
echo "shown: $(vhdboot next --show --json)"
say cleared vhdboot next --clear
say setup vhdboot next firmware
echo "then: $(vhdboot next --show --json)"
say unknown vhdboot next 'no such entry'
say other vhdboot next '%s'
reboot -f
""" % OTHER


def test_status_and_next_in_a_guest(folder):
    guest = tiny_guest.make(SCRIPT, (PRODUCTS / "vhdboot",), ("efivarfs",))
    host = hostdisk.make(folder / "host.raw", HostSpec(fs="ntfs", slack=16 * disk.MIB),
                         {VHD: guest.image, "/boot/debian.efi": EFI})
    program = tiny_guest.take_uki(tiny_guest.make("echo 'guest: other'\nreboot -f\n"), folder / "other.efi")
    other = hostdisk.make_esp_disk(folder / "other.raw", {"/EFI/BOOT/BOOTX64.EFI": program})
    before = hostdisk.outside_digest(host, VHD)
    spec = MachineSpec([Disk(host.path, boot=0), Disk(other, boot=1)], memory_mib=512, no_reboot=False)
    with Machine(spec, log=folder / "console.log") as machine:
        machine.expect("^guest: here I am", 240, failing=TROUBLE)
        # By BootNext: once, and then back.
        machine.expect("^guest: other", 240, failing=TROUBLE)
        machine.expect("^back: ", 240, failing=f"{TROUBLE}|^guest: other")
        assert machine.wait_exit(60) == 0
        text = machine.text.replace("\r", "")

    def said(name: str) -> str:
        found = re.search(rf"^{name}: (.*)$", text, re.MULTILINE)
        assert found, name
        return found[1]

    status = json.loads(said("status"))
    assert status["in_guest"] is True
    assert (status["image"]["path"], status["image"]["format"]) == (VHD, "fixed VHD")
    assert (status["entry"], status["efi_file"]) == ("tiny.efi", "/boot/debian.efi")
    assert (status["volume"]["kind"], status["disk"]["device"], status["disk"]["writes"]) == ("NTFS", "/dev/loop0", "image")
    assert status["disk"]["size"] == guest.payload
    assert [said(name) for name in ("set", "cleared", "setup", "unknown", "other")] == ["0", "0", "0", "3", "0"]
    (shown,) = json.loads(said("shown"))["next"]
    assert shown["by"] == "bootnext" and f"Boot{said('current')}" in shown["text"]
    (then,) = json.loads(said("then"))["next"]
    assert then["by"] == "setup"
    assert json.loads(said("back")) == {"schema": "vhdboot.next/1", "next": [], "forgotten": False}
    assert hostdisk.outside_digest(host, VHD) == before
    assert hostdisk.volume_complaints(host) == []


# With it systemd-logind runs, which waits with a restart and tells people of it; and vhdboot. No guest of the tests has it.
DBUS = ("adduser", "libexpat1", "libapparmor1", "libdbus-1-3", "dbus-bin", "dbus-daemon", "dbus-session-bus-common",
        "dbus-system-bus-common", "dbus")
WARNING = "This machine restarts into vhdboot-second \\(vhdboot schedule\\)"
# Asked of logind itself, which tells people before it writes that down.
SCHEDULED = ("busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager "
             "ScheduledShutdown")


def guest_with_dbus(folder: Path) -> Path:
    guest = get_guest("debian12")
    image, root = disk.clone(guest.disk, folder / "debian.img"), folder / "root"
    root.mkdir()
    run("mount", "-o", f"loop,offset={guest.root_offset},sizelimit={guest.root_size}", image, root)
    try:
        packages = [Suite("bookworm").fetch(name, root / "root") for name in DBUS]
        run("chroot", root, "env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--install",
            *(f"/root/{package.name}" for package in packages))
        for package in packages:
            package.unlink()
        shutil.copy(PRODUCTS / "vhdboot", root / "usr/local/bin")
        # This one waits for its terminals on a busy machine, too, and does nothing that takes long.
        (root / "etc/systemd/system.conf.d").mkdir()
        (root / "etc/systemd/system.conf.d/patience.conf").write_text(
            "[Manager]\nDefaultDeviceTimeoutSec=10min\nDefaultTimeoutStartSec=10min\n", encoding="utf-8")
        (root / "etc/systemd/system/e2scrub_reap.service").symlink_to("/dev/null")
    finally:
        run("umount", root)
    return image


@pytest.mark.only_all
def test_schedule(folder):
    """At its time people are told, and some minutes later the machine restarts into the other system, once. The guest's clock
    is put forward to these moments. Until then all of it can be taken back."""
    second = tiny_guest.make("echo 'guest: second'\nreboot -f\n")
    conf = folder / "conf"
    conf.write_text("image /boot/debian.img\n", encoding="utf-8")
    host = hostdisk.make(folder / "host.raw", HostSpec(loader="esp", slack=16 * disk.MIB),
                         {"/boot/debian.img": guest_with_dbus(folder), "/vhd/second.vhd": second.image},
                         {"/EFI/BOOT/BOOTX64.EFI": EFI, "/EFI/BOOT/BOOTX64.CONF": conf})
    images_at = [extent for extents in host.extents.values() for extent in extents]
    before = disk.digest_outside(host.path, images_at)
    spec = MachineSpec([Disk(host.path, boot=0)], no_reboot=False)
    with Machine(spec, log=folder / "console.log") as machine:
        shell = GuestShell(machine)
        shell.log_in(600)
        # On the same day: at another one systemd's own timers would all have something to do.
        shell.check("date -s 12:00:10")
        patience = 300  # for what systemd is asked

        bus = "/run/dbus/system_bus_socket"
        status, text = shell.run(f"mv {bus} {bus}.away; vhdboot schedule -y --at 13:00 --next vhdboot-second; "
                                 f"code=$?; mv {bus}.away {bus}; (exit $code)")
        assert status == 3 and "D-Bus" in text, text
        status, text = shell.run("vhdboot schedule -y --at 13:00 --next nowhere")
        assert status == 3 and "nothing is called" in text, text
        assert "nothing is scheduled" in shell.check("vhdboot schedule --show")

        shell.check("vhdboot schedule -y --at 12:10 --next vhdboot-second", patience)
        assert " 12:10: next vhdboot-second" in shell.check("vhdboot schedule --show")
        assert "vhdboot-next.timer" in shell.check("systemctl list-timers")
        machine.send("date -s 12:09:58\n")
        machine.expect(WARNING, patience)
        assert '"reboot"' in shell.check(SCHEDULED, patience)
        assert "vhdboot-second" in shell.check("vhdboot next --show")
        assert "nothing is scheduled any more" in shell.check("vhdboot schedule --cancel", patience)
        assert '"reboot"' not in shell.check(SCHEDULED, patience)
        assert "nothing is set" in shell.check("vhdboot next --show")
        shell.check("! ls /etc/systemd/system/vhdboot-next.* /etc/systemd/system/timers.target.wants/vhdboot-next.*")
        status, text = shell.run("vhdboot schedule --cancel")
        assert status == 3 and "nothing is scheduled" in text, text

        shell.check("vhdboot schedule -y --at 12:30 --next vhdboot-second", patience)
        machine.send("date -s 12:29:58\n")
        machine.expect(WARNING, patience)
        assert '"reboot"' in shell.check(SCHEDULED, patience)
        machine.send("date -s 12:34:59\n")
        machine.expect("once     second", 300, failing=TROUBLE)
        machine.expect("^guest: second", 600, failing=TROUBLE)
        machine.expect("image    /boot/debian.img", 600, failing=f"{TROUBLE}|once     second")
        machine.kill()
    assert disk.digest_outside(host.path, images_at) == before
    assert hostdisk.volume_complaints(host) == []
