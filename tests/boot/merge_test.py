# SPDX-License-Identifier: GPL-2.0-or-later
"""Snapshots are made, rolled back and merged on a volume that a kernel's own driver has mounted, which is how most people
have it: the kernel's exFAT, and ntfs3, of which the machine that builds has none."""

import hashlib

import pytest

from tests.support import disk, hostdisk, snapshots, tiny_guest
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE

KINDS = ("vhd", "vhdx")
SCRIPT = r"""
mkdir /v
for name in virtio_pci virtio_blk; do modprobe $name; done
until [ -b /dev/vda ]; do :; done
mount -t DRIVER /dev/vda /v
tell() { echo "guest: $*"; }
sum() { vhdtool cat $1 | md5sum | cut -c 1-32; }
step() {
  vhdtool "$@" || tell "failed: $*"
  tell $kind $1 $(sum $image)
}
for kind in KINDS; do
  image=/v/$kind/debian.$kind
  step info $image
  step snapshot --reserve 4M $image
  echo "guest: $kind names" $(ls /v/$kind)
  case $(stat -c %A /v/$kind/debian.2.$kind) in *w*) tell "a parent may be changed";; esac
  step rollback $image
  step commit $image
  step snapshot --reserve 0 $image try
  step commit $image
  step commit $image
  echo "guest: $kind names" $(ls /v/$kind)
  [ $(($(stat -c %b $image) * 512)) -ge $(stat -c %s $image) ] || tell "$kind has holes"
done
umount /v
mount -t DRIVER -o ro /dev/vda /v
for kind in KINDS; do tell $kind afterwards $(sum /v/$kind/debian.$kind); done
umount /v
""".replace("KINDS", " ".join(KINDS))
STEPS = ("info", "snapshot", "rollback", "commit", "afterwards")


@pytest.mark.only_all
@pytest.mark.parametrize(("fs", "driver", "suite"), [("exfat", "exfat", "bookworm"), ("ntfs", "ntfs3", "trixie")])
def test_snapshots_on_a_mounted_volume(folder, fs, driver, suite):
    files = {}
    for kind in KINDS:
        (folder / kind).mkdir()
        child = snapshots.changed_child(folder / kind, f"debian.{kind}")
        files |= {f"/{kind}/{path.name}": path for path in (child, folder / kind / f"debian.1.{kind}")}
    contents = {kind: hashlib.md5(snapshots.read(folder / kind / f"debian.{kind}")).hexdigest() for kind in KINDS}
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(fs=fs, table="none", slack=96 * disk.MIB), files)
    guest = tiny_guest.make(SCRIPT.replace("DRIVER", driver), (PRODUCTS / "vhdtool",), (driver,), suite=suite)
    spec = MachineSpec([Disk(host.path, "virtio")], cmdline="console=ttyS0 quiet", **tiny_guest.take_parts(guest, folder))
    with Machine(spec, log=folder / "console.log") as machine:
        machine.expect("^guest: here I am", 240)
        machine.expect("^guest: done", 300, failing=TROUBLE)
        machine.wait_exit(60)
        said = machine.text.replace("\r", "")
    assert "guest: failed" not in said and "holes" not in said and "may be changed" not in said
    for kind in KINDS:
        for step in STEPS:
            assert f"guest: {kind} {step} {contents[kind]}\n" in said, step
        assert f"guest: {kind} names debian.1.{kind} debian.2.{kind} debian.{kind}\n" in said
        assert f"guest: {kind} names debian.{kind}\n" in said
    assert hostdisk.volume_complaints(host) == []
