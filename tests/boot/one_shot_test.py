# SPDX-License-Identifier: GPL-2.0-or-later
"""systemd's Boot Loader Interface, through restarts of one machine: what the stub tells a guest, and what that asks for."""

import pytest

from tests.support import disk, hostdisk, tiny_guest
from tests.support.hostdisk import HostSpec
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE

EFI = PRODUCTS / "vhdboot.efi"
VENDOR = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
ENTER = "\r"

# One start asks for the next one. What bootctl and logind write: attributes (7: kept, for both boot and run time), then
# UTF-16 with a NUL.
FIRST = f"""
modprobe efivarfs
mount -t efivarfs efivarfs /sys/firmware/efi/efivars
variable() {{ echo /sys/firmware/efi/efivars/$1-{VENDOR}; }}
text_of() {{ dd if=$(variable $1) bs=4096 status=none | tail -c +5 | tr '\\000' '~' | sed 's/~~~/ /g; s/~//g'; }}
ask() {{
  {{ printf '\\007\\000\\000\\000'; echo -n "$1" | sed 's/./&\\n/g' | tr '\\n' '\\000'; printf '\\000\\000'; }} >/asked
  dd if=/asked of=$(variable LoaderEntryOneShot) bs=4096 conv=notrunc status=none
  echo "guest: asked for $1"
  reboot -f
}}
count=$(dd if=$notes bs={tiny_guest.BLOCK} count=1 status=none | tr -d '\\000')
write_note 0 $((${{count:-0}} + 1))
echo "guest: first, number ${{count:-0}}"
ls /sys/firmware/efi/efivars | grep -q '^LoaderEntryOneShot' || echo 'guest: no request is left'
echo "guest: LoaderInfo is $(text_of LoaderInfo)"
echo "guest: LoaderEntries is $(text_of LoaderEntries)"
echo "guest: LoaderFeatures is $(od -An -tx1 $(variable LoaderFeatures) | tr -d ' ')"
ls /sys/firmware/efi/efivars | grep '^LoaderDevice' || true
case ${{count:-0}} in
  0) ask vhdboot-second ;;
  1) ask vhdboot-nowhere ;;
  2) ask auto-vhdboot-menu ;;
esac
"""
SECOND = "echo 'guest: second'\nreboot -f\n"


@pytest.mark.only_all  # what a guest asks for itself always runs, in command_test.py
def test_what_is_asked_for_is_booted_once(folder):
    """With an ordinary start that shows the menu for a moment: what was asked for is booted without it. What is not there
    is told, and nothing else is booted."""
    first, second = tiny_guest.make(FIRST, modules=("efivarfs",)), tiny_guest.make(SECOND)
    conf = folder / "conf"
    conf.write_text("image /boot/first.vhd\nwait 5\ntimeout 1\nmenu-style plain\n", encoding="utf-8")
    images = {"/boot/first.vhd": first.image, "/vhd/Second.vhd": second.image}
    host = hostdisk.make(folder / "host.raw", HostSpec(loader="esp", slack=16 * disk.MIB), images,
                         {"/EFI/BOOT/BOOTX64.EFI": EFI, "/EFI/BOOT/BOOTX64.CONF": conf})
    images_at = [extent for extents in host.extents.values() for extent in extents]
    before = disk.digest_outside(host.path, images_at)
    spec = MachineSpec([Disk(host.path, boot=0)], memory_mib=512, no_reboot=False)
    with Machine(spec, log=folder / "console.log") as machine:
        machine.expect("checkpoint=menu", 240, failing=TROUBLE)
        machine.expect("^guest: first, number 0", 120, failing=TROUBLE)
        machine.expect("^guest: LoaderInfo is vhdboot [0-9]", 60)
        machine.expect("^guest: LoaderEntries is auto-vhdboot-menu auto-vhdboot-first", 60)
        machine.expect("^guest: LoaderFeatures is 060000000800000000000000", 60)
        machine.expect("^guest: asked for vhdboot-second", 60, failing="^LoaderDevicePartUUID")

        machine.expect("once     second", 240, failing=f"{TROUBLE}|checkpoint=menu")
        machine.expect("^guest: second", 120, failing=f"{TROUBLE}|checkpoint=menu|^guest: first")

        machine.expect("checkpoint=menu", 240, failing=f"{TROUBLE}|^guest:")
        machine.expect("^guest: first, number 1", 120, failing=TROUBLE)
        machine.expect("^guest: no request is left", 60)
        machine.expect("^guest: asked for vhdboot-nowhere", 60)

        machine.expect("error: no image is called nowhere, which was asked for this once, after 5 seconds", 240,
                       failing="checkpoint=menu|^guest:")
        machine.expect("c choose another image", 60)
        machine.send("t" + ENTER)
        machine.expect("error: no image is called nowhere, which was asked for this once, after 5 seconds", 60,
                       failing="^guest:")
        machine.expect("c choose another image", 60)
        machine.send("r" + ENTER)

        machine.expect("^guest: first, number 2", 240, failing=TROUBLE)
        machine.expect("^guest: asked for auto-vhdboot-menu", 60)

        machine.expect("checkpoint=menu", 240, failing=TROUBLE)
        machine.expect("1 Small, ready", 60, failing="^guest:")
        machine.send("1" + ENTER)
        machine.expect("^guest: first, number 3", 120, failing=TROUBLE)
        machine.expect("^guest: no request is left", 60)
        machine.expect("^guest: done", 60)
        assert machine.wait_exit(60) == 0
    assert disk.digest_outside(host.path, images_at) == before
    assert hostdisk.volume_complaints(host) == []
