# SPDX-License-Identifier: GPL-2.0-or-later
"""vhdtool attach and detach in a running Linux with device-mapper: images on a mounted volume become disks, what is
written to them is in the images or nowhere, and nothing is left behind. On exFAT: the kernel has no driver for NTFS."""

import hashlib
import re
import subprocess

from tests.support import chains, disk, hostdisk, tiny_guest
from tests.support.command import run
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE

VHDTOOL = PRODUCTS / "vhdtool"
MODULES = ("dm-zero", "dm-snapshot", "exfat")
START, SIZE = disk.MIB, 12 * disk.MIB
CHAIN = ("debian.vhdx", "middle.vhdx", "base.vhdx")
WRITTEN = ("flat.vhd", "whole.vhdx", "whole.vhd", "child.vhdx")
SCRIPT = r"""
mkdir /v /m
for name in virtio_pci virtio_blk dm-mod loop; do modprobe $name; done
until [ -b /dev/vda ]; do :; done
mount -t exfat /dev/vda /v
sum() { md5sum < "$1" | cut -c 1-32; }
tell() { echo "guest: $*"; }
refused() { if vhdtool "$@"; then tell "not refused: $*"; fi; }
left() { losetup -a; ls -d /sys/block/dm-* 2>/dev/null || true; }
d=$(vhdtool attach --read-only /v/debian.vhdx)
tell chain $(sum $d) $(blockdev --getsize64 $d)
if dd if=/dev/zero of=$d bs=512 count=1 2>/dev/null && sync; then tell "written although read-only"; fi
vhdtool detach $d
d=$(vhdtool attach --ephemeral /v/debian.vhdx)
mount -t ext4 ${d}p1 /m
dd if=/dev/urandom of=/m/new bs=1M count=4 conv=fsync status=none
refused detach /v/debian.vhdx
umount /m
if [ $(sum $d) = $(sum /v/base.vhdx) ]; then tell nonsense; fi
tell forgotten $(sum $d)
vhdtool detach /v/debian.vhdx
d=$(vhdtool attach --read-only /v/debian.vhdx)
tell again $(sum $d)
refused attach /v/debian.vhdx
refused provision --full /v/debian.vhdx
vhdtool detach $d
refused attach /v/debian.vhdx
for image in flat.vhd whole.vhdx whole.vhd child.vhdx; do
  d=$(vhdtool attach /v/$image)
  mount -t ext4 ${d}p1 /m
  dd if=/dev/urandom of=/m/new bs=1M count=3 conv=fsync status=none
  rm /m/old
  tell wrote $image $(sum /m/new)
  refused attach /v/$image
  refused detach /v/$image
  umount /m
  tell whole $image $(sum $d)
  vhdtool detach /v/$image
  refused detach /v/$image
done
refused attach /v/child.parent.vhdx
tell left "$(left)".
umount /v
"""


def make_payload(folder) -> bytes:
    """A disk with a partition of ext4."""
    tree, root, image = folder / "tree", folder / "root", folder / "payload"
    tree.mkdir()
    (tree / "old").write_bytes(bytes(range(256)) * 4096)
    with open(root, "wb") as file:
        file.truncate(SIZE)
    run("mke2fs", "-q", "-t", "ext4", "-d", tree, root)
    disk.create(image, START + SIZE + disk.MIB, disk.Table("gpt", hostdisk.DISK_GUID, [disk.Partition(START, SIZE, disk.LINUX)]))
    disk.place(root, image, START)
    return image.read_bytes()


def make_images(folder, payload: bytes) -> dict:
    """Of that disk: a chain that is not whole, and whole images of each kind that can be written."""
    raw = folder / "payload"
    paths = chains.vhdx_of_three(folder, payload)
    run(PRODUCTS / "raw2vhd", disk.clone(raw, folder / "flat.vhd"))
    run(VHDTOOL, "desparse", folder / "flat.vhd")
    vhdx = ("-O", "vhdx", "-o", "block_size=1M")
    for name, words in (("whole.vhdx", vhdx), ("whole.vhd", ("-O", "vpc", "-o", "force_size=on")), ("child.vhdx", vhdx)):
        run("qemu-img", "convert", "-f", "raw", *words, raw, folder / name)
        run(VHDTOOL, "desparse", folder / name)
        run(VHDTOOL, "provision", "--full", folder / name)
    child = folder / "child.vhdx"
    run(VHDTOOL, "snapshot", "--reserve", "0", child, "parent")
    run(VHDTOOL, "provision", "--full", child)
    return {f"/{path.name}": path for path in (*paths, *(folder / name for name in WRITTEN), folder / "child.parent.vhdx")}


def test_attach(folder):
    payload = make_payload(folder)
    files = make_images(folder, payload)
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(fs="exfat", table="none"), files)
    parts = tiny_guest.take_parts(tiny_guest.make(SCRIPT, (VHDTOOL,), MODULES), folder)
    spec = MachineSpec([Disk(host.path, "virtio")], cmdline="console=ttyS0 quiet", **parts)
    with Machine(spec, log=folder / "console.log") as machine:
        machine.expect("^guest: here I am", 240)
        machine.expect("^guest: done", 300, failing=TROUBLE)
        machine.wait_exit(60)
        said = machine.text.replace("\r", "")

    told = dict(re.findall(r"^guest: (chain|again|forgotten) ([0-9a-f]{32})", said, re.MULTILINE))
    assert told["chain"] == told["again"] == hashlib.md5(payload).hexdigest() != told["forgotten"]
    assert f"guest: chain {told['chain']} {len(payload)}\n" in said
    assert "guest: not refused" not in said and "guest: written although" not in said
    assert "it is a differencing VHDX image that has not all of its blocks: run `vhdtool provision --full" in said
    assert re.search(r"detach: /v/debian.vhdx: /dev/loop\d+ is in use: unmount what is mounted of it", said)
    assert re.search(r"provision: /v/debian.vhdx: /dev/loop\d+ has it as its backing file; detach it with `vhdtool detach", said)
    assert "child.vhdx beside it is a differencing image whose parent this is" in said
    assert "guest: left .\n" in said

    assert hostdisk.volume_complaints(host) == []
    after = folder / "after"
    after.mkdir()
    for name, source in files.items():
        hostdisk.extract_file(host, name, after / source.name, source.stat().st_size)
    for name in (*CHAIN, "child.parent.vhdx"):
        assert (after / name).read_bytes() == files[f"/{name}"].read_bytes(), name
    for name in WRITTEN:
        with open(folder / "disk", "wb") as file:
            subprocess.run([VHDTOOL, "cat", after / name], stdout=file, check=True)
        assert f"guest: whole {name} {hashlib.md5((folder / 'disk').read_bytes()).hexdigest()}\n" in said
        root = disk.extract(folder / "disk", START, SIZE, folder / "root")
        assert hostdisk.guest_complaints(root) == []
        run("debugfs", "-R", f"dump /new {folder / 'new'}", root)
        assert f"guest: wrote {name} {hashlib.md5((folder / 'new').read_bytes()).hexdigest()}\n" in said
        if name != "child.vhdx":
            run("qemu-img", "compare", "-f", "raw", "-F", "vhdx" if name.endswith("x") else "vpc", folder / "disk", after / name)
