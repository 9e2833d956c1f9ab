# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that forgets: what it writes is gone at the next start, and not one byte of the host disk has changed."""

import re
from pathlib import Path

import pytest

from tests.support import disk, guest_root, hostdisk, tiny_guest
from tests.support.guest import guest as get_guest
from tests.support.hostdisk import HostSpec
from tests.support.images import guest_vhd
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE, GuestShell

EFI = PRODUCTS / "vhdboot.efi"
VHD = "/boot/debian.vhd"
# The partition of the host volume is the second one of its disk. The guest's two large partitions hold more than the
# store can.
SCRIPT = f"""
mkdir -p /run
mount -t tmpfs run /run
echo "guest: the note is '$(dd if=$notes bs={tiny_guest.BLOCK} count=1 status=none | tr -d '\\000')'"
write_note 0 remembered
echo "guest: now it is '$(dd if=$notes bs={tiny_guest.BLOCK} count=1 iflag=direct status=none | tr -d '\\000')'"
for device in /sys/class/block/vda2 /sys/class/block/dm-*; do
  echo "guest: ${{device##*/}} $(cat $device/dm/name 2>/dev/null) is $(cat $device/ro)"
done
dd if=/dev/zero of=/dev/vda2 bs=512 count=1 conv=notrunc 2>/dev/null || echo 'guest: the volume cannot be written'
if grep -q fill /proc/cmdline; then
  fill() {{ dd if=/dev/zero of=$1 bs=1M count=$2 oflag=direct 2>/dev/null; }}
  fill $root {tiny_guest.SIZES["root"] // disk.MIB} && echo 'guest: there was room'
  grep -q -m 1 'guest writes is [7-9][0-9]% full' /dev/kmsg && echo 'guest: it is nearly full'
  fill /dev/loop0p1 {tiny_guest.SIZES["esp"] // disk.MIB} || echo 'guest: it is full'
  grep -q -m 1 'guest writes is full' /dev/kmsg
  grep -q 'state full' /run/vhdboot/space && echo 'guest: so it says'
  dd if=/dev/loop0 of=/dev/null bs=1M iflag=direct 2>/dev/null && echo 'guest: reads go on'
  write_note 0 again 2>/dev/null || echo 'guest: writes fail'
fi
"""


def conf(folder: Path, text: str) -> Path:
    path = folder / "debian.conf"
    path.write_text(text, encoding="utf-8")
    return path


def check_forgetting(text: str) -> None:
    """What the guest's script has seen of a start."""
    assert "guest: the note is ''" in text
    assert "guest: now it is 'remembered'" in text
    devices = dict(re.findall(r"guest: \S+ (\S*) is (\d)", text))
    assert devices == {"": "1", "vhdboot-rows": "1", "vhdboot": "0", "vhdboot-host": "1"}
    assert "guest: the volume cannot be written" in text


def test_full_and_then_fresh(folder):
    """On a volume that is marked dirty, in several pieces, with `host-mount rw`. More is written than the store takes: writes
    fail and reads go on. The next start knows nothing of it."""
    guest = tiny_guest.make(SCRIPT, modules=("dm-snapshot",))
    settings = conf(folder, "ephemeral 64M\nhost-mount /disk rw\noptions fill\n")
    host = hostdisk.make(folder / "host.raw", HostSpec(slack=16 * disk.MIB, pieces=3),
                         {VHD: guest.image, "/boot/debian.efi": EFI, "/boot/debian.conf": settings})
    hostdisk.set_ntfs_flags(host, 1)
    before = disk.digest(host.path)
    for start in range(2):
        with Machine(MachineSpec([Disk(host.path, boot=0)], memory_mib=512), log=folder / f"{start}.log") as machine:
            machine.expect("is marked dirty, and what is read of it may be wrong", 240, failing=TROUBLE)
            machine.expect("the guest finds the volume read-only at /disk", 60, failing=TROUBLE)
            machine.expect("^guest: here I am", 240, failing=TROUBLE)
            machine.expect("^guest: done", 240, failing=TROUBLE)
            assert machine.wait_exit(60) == 0
            text = machine.text.replace("\r", "")
        check_forgetting(text)
        for said in ("there was room", "it is nearly full", "it is full", "so it says", "reads go on", "writes fail"):
            assert f"guest: {said}" in text
        assert re.search(r"vhdboot\[keeper\]: warning: the memory for what the guest writes is \d\d% full", text)
        assert "vhdboot[keeper]: warning: the memory for what the guest writes is full" in text
        assert disk.digest(host.path) == before


@pytest.mark.only_all
@pytest.mark.parametrize("name", ["debian12", "debian12-bare-sysvinit", "debian12-lvm", "debian13-luks", "debian13-btrfs"])
def test_debian_forgets(folder, name):
    """A whole system, started in the menu so that nothing is kept: it comes up, tells so, and takes little memory. Whatever
    its root lies on: nothing of the host disk changes."""
    text, files = "timeout menu\nmenu-style plain\n", {}
    guest = get_guest(name)
    systemd = "sysvinit" not in name
    if guest.recipe.container == "luks":
        # Its root hides its modules, and its initrd has no dm-snapshot.
        text += "modules-from /vhd/modules\n"
        modules = tiny_guest.make_module_folder(folder / "modules", guest.recipe.suite, ("dm-snapshot",))
        files = {f"/vhd/modules/{path}": file for path, file in modules.items()}
    host = hostdisk.make(folder / "host.raw", HostSpec(fs="exfat"),
                         {VHD: guest_vhd(guest), "/boot/debian.efi": EFI, "/boot/debian.conf": conf(folder, text), **files})
    before = disk.digest(host.path)
    with Machine(MachineSpec([Disk(host.path, boot=0)]), log=folder / "console.log") as machine:
        machine.expect("x ephemeral", 240, failing=TROUBLE)
        machine.send("x\r")
        machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 240, failing=TROUBLE)
        if guest.recipe.container == "luks":
            machine.expect(r"(?i)(unlock|passphrase).*: *", 300, failing=TROUBLE)
            machine.send(f"{guest_root.PASSPHRASE}\n")
        shell = GuestShell(machine)
        shell.log_in(600)
        if systemd:
            assert "what is changed on the disk of this system is forgotten" in machine.text
        space = dict(line.split() for line in shell.check("cat /run/vhdboot/space").splitlines())
        assert space["state"] == "good"
        assert int(space["used"]) <= 64 * disk.MIB < int(space["size"])
        if systemd:
            assert shell.run("systemctl is-system-running --wait", 240)[1] == "running"
        shell.check("cat /run/motd.d/vhdboot | grep forgotten")
        shell.check("echo something > /root/written; sync")
        shell.check("echo 3 > /proc/sys/vm/drop_caches; grep something /root/written")
        assert shell.check("for d in /sys/class/block/*; do [ $(cat $d/ro) = 0 ] || echo ${d##*/}; done | grep -c '^vda[0-9]$'") == "1"
        machine.send("poweroff\n")
        assert machine.wait_exit(240) == 0
        # In the host device, where the image lies (docs/troubleshooting.md), may be looked by anybody.
        trouble = r"(?m)^(?!.*Buffer I/O error on dev dm-2,).*(I/O error|(EXT4-fs|BTRFS) (error|warning))"
        assert not re.search(trouble, machine.text)
    assert disk.digest(host.path) == before


# The volume's device can be written to then, so nobody tries.
KEEPING = re.sub("(?m)^dd .*of=/dev/vda2.*\n", "", SCRIPT) + """
mount -t ext4 $root /mnt
echo "guest: kept is '$(cat /mnt/kept 2>/dev/null)'"
echo more >>/mnt/kept
umount /mnt
dd if=/dev/zero of=/dev/loop0 bs=512 seek=2 count=8 conv=notrunc oflag=direct 2>/dev/null && echo 'guest: the table stays'
"""


@pytest.mark.only_all
def test_one_partition_is_kept(folder):
    """What is written to it is there at the next start, and it alone has changed."""
    guest = tiny_guest.make(KEEPING, modules=("dm-snapshot",))
    settings = conf(folder, "ephemeral 64M\nkeep PARTLABEL=root\n")
    host = hostdisk.make(folder / "host.raw", HostSpec(slack=16 * disk.MIB, pieces=3),
                         {VHD: guest.image, "/boot/debian.efi": EFI, "/boot/debian.conf": settings})
    kept = hostdisk.file_ranges(host, VHD, guest.root, guest.root_size)
    before = disk.digest_outside(host.path, kept)
    for expected in ("", "more"):
        with Machine(MachineSpec([Disk(host.path, boot=0)], memory_mib=512), log=folder / "console.log") as machine:
            machine.expect("^guest: here I am", 300, failing=TROUBLE)
            machine.expect("^guest: the note is ''", 60, failing=TROUBLE)
            machine.expect(f"^guest: kept is '{expected}'", 60, failing=TROUBLE)
            machine.expect("^guest: done", 60, failing=TROUBLE)
            assert machine.wait_exit(60) == 0
            text = machine.text.replace("\r", "")
        devices = dict(re.findall(r"guest: \S+ (vhdboot\S*) is (\d)", text))
        assert devices == {"vhdboot-rows": "1", "vhdboot-forgets": "0", "vhdboot-keeps": "0", "vhdboot": "0", "vhdboot-host": "1"}
        assert "guest: the table stays" in text
        assert disk.digest_outside(host.path, kept) == before
    assert hostdisk.volume_complaints(host) == []
    root = hostdisk.extract_file(host, VHD, folder / "image.raw")
    disk.extract(root, guest.root, guest.root_size, folder / "root.raw")
    assert hostdisk.guest_complaints(folder / "root.raw") == []


# A partition without a file system: who writes to it has written to the disk.
SCRATCHING = re.sub("(?m)^dd .*of=/dev/vda2.*\\n", "", SCRIPT).replace("guest: the note is", "guest: it was")


def test_in_a_scratch_file(folder):
    """More is written than the scratch file takes, in several pieces: writes fail and reads go on, but for a partition that is
    kept. The next start finds an empty one. Of the host disk that partition and that file alone have changed."""
    guest = tiny_guest.make(SCRATCHING, modules=("dm-snapshot",))
    settings = conf(folder, "ephemeral /vhd/scratch.img\nkeep PARTLABEL=notes\noptions fill\n")
    scratch = folder / "scratch"
    scratch.write_bytes(bytes(64 * disk.MIB))
    host = hostdisk.make(folder / "host.raw", HostSpec(fs="exfat", slack=16 * disk.MIB),
                         {VHD: guest.image, "/vhd/scratch.img": scratch, "/boot/debian.efi": EFI, "/boot/debian.conf": settings})
    may_change = hostdisk.file_ranges(host, VHD, guest.notes, tiny_guest.SIZES["notes"]) + host.extents["/vhd/scratch.img"]
    before = disk.digest_outside(host.path, may_change)
    for was in ("", "again"):
        with Machine(MachineSpec([Disk(host.path, boot=0)], memory_mib=512), log=folder / "console.log") as machine:
            machine.expect("^guest: here I am", 300, failing=TROUBLE)
            machine.expect("^guest: done", 240, failing=TROUBLE)
            assert machine.wait_exit(60) == 0
            text = machine.text.replace("\r", "")
        assert f"guest: it was '{was}'" in text
        devices = dict(re.findall(r"guest: \S+ (vhdboot\S*) is (\d)", text))
        assert devices.pop("vhdboot-host") == devices.pop("vhdboot-rows") == "1" and set(devices.values()) == {"0"}
        for said in ("there was room", "it is nearly full", "it is full", "so it says", "reads go on"):
            assert f"guest: {said}" in text
        assert "guest: writes fail" not in text
        assert "vhdboot[keeper]: warning: the scratch file for what the guest writes is full" in text
        assert disk.digest_outside(host.path, may_change) == before
    assert hostdisk.volume_complaints(host) == []
