# SPDX-License-Identifier: GPL-2.0-or-later
"""vhdboot in a guest that vhdboot has started: it knows its image, and tells the firmware what to start next."""

import json
import re

from tests.support import disk, hostdisk, tiny_guest
from tests.support.hostdisk import HostSpec
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE

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
