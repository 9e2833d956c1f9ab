# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest whose image grows: new blocks come from the reserve in its file, and are in its table before the guest is told
that they are written, whatever happens to who writes that table, and whatever to the power."""

import hashlib
import re
import shutil
import subprocess
import uuid

import pytest

from tests.support import disk, hostdisk, sparse_images, tiny_guest
from tests.support.command import run
from tests.support.guest import guest as get_guest
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE, GuestShell

IMAGE = "/boot/debian.vhdx"
RESERVE = 80 * disk.MIB
MODULES = ("dm-zero", "dm-snapshot", "nbd")
# The first start fills a part of the free space, loses its worker while it is stopped in the middle, and works until the
# power fails. The second one reads all that was promised.
SCRIPT = r"""
mount -t ext4 $root /mnt
mkdir -p /run
mount -t tmpfs run /run
check() { echo 3 > /proc/sys/vm/drop_caches; md5sum /mnt/file* | sed 's/^/guest: has /'; }
if [ -e /mnt/begun ]; then
  check
  dd if=/dev/urandom of=/mnt/file0 bs=1M count=2 conv=fsync status=none
  check
  umount /mnt
  until grep -qs 'state good' /run/vhdboot/space; do :; done  # the keeper's word comes in its own time
  # Without a new block the table is soon left in order: neither header of the file names a log any more.
  file=/dev/$(basename $(dirname $(dirname $(grep -lx vhdboot-file /sys/class/block/dm-*/dm/name))))
  log_of() { dd if=$file bs=4096 skip=$1 count=1 iflag=direct status=none | dd bs=1 skip=48 count=16 status=none; }
  until [ -z "$(log_of 16 | tr -d '\000')$(log_of 32 | tr -d '\000')" ]; do :; done
  echo 'guest: no log'
else
  write() { dd if=/dev/urandom of=/mnt/file$1 bs=1M count=$2 conv=fsync status=none; sync /mnt; }
  touch /mnt/begun
  write 1 6
  check
  keepers=$(grep -l '^@' /proc/[0-9]*/cmdline 2>/dev/null | grep -o '[0-9]*' | sort -n)
  echo "guest: keepers" $keepers
  for pid in $keepers; do
    parent=$(sed -n 's/^PPid:\t//p' /proc/$pid/status)
    # The first child of the supervisor.
    case " $(echo $keepers) " in *" $parent "*) worker=${worker:-$pid};; esac
  done
  kill -STOP $worker
  write 2 5 &
  dd if=/dev/loop0 of=/dev/null bs=1M count=8 iflag=direct status=none
  echo 'guest: reads go on'
  kill -KILL $worker
  wait
  echo 'guest: another worker'
  check
  n=3
  while [ $n -lt 200 ]; do
    rm -f /mnt/file$((n - 2))
    write $n 1
    echo "guest: wrote $(md5sum < /mnt/file$n | cut -c 1-32) $n"
    n=$((n + 1))
  done
fi
"""


def test_growth(folder):
    guest = tiny_guest.make(SCRIPT, modules=MODULES)
    payload = guest.image.read_bytes()[: guest.payload]
    image = folder / "debian.vhdx"
    sectors = {number: payload[number * 512 : number * 512 + 512] for number in range(len(payload) // 512)
               if any(payload[number * 512 : number * 512 + 512])}
    sparse_images.make_vhdx(image, len(payload), sectors, uuid.UUID(int=0x5EED))
    with open(image, "r+b") as file:
        file.truncate(image.stat().st_size + RESERVE)
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(slack=16 * disk.MIB, pieces=5),
                         {IMAGE: image, "/boot/debian.efi": PRODUCTS / "vhdboot.efi"})
    places = hostdisk.file_ranges(host, IMAGE, 0, image.stat().st_size)
    outside = disk.digest_outside(host.path, places)

    with Machine(MachineSpec([Disk(host.path, boot=0)]), log=folder / "first.log") as machine:
        machine.expect("^guest: another worker", 600, failing=TROUBLE)
        machine.expect(r"^guest: wrote [0-9a-f]{32} 9", 240, failing=TROUBLE)
        machine.kill()
        text = machine.text.replace("\r", "")
    assert "guest: reads go on" in text
    assert "another one has taken over" in text
    promised = {"2": re.findall(r"guest: has ([0-9a-f]{32})  /mnt/file2", text)[-1]}
    promised |= {number: digest for digest, number in re.findall(r"guest: wrote ([0-9a-f]{32}) (\d+)", text)}
    last = max(int(number) for number in promised)
    check_image(host, folder, outside, places, {f"file{last}": promised[str(last)]})

    with Machine(MachineSpec([Disk(host.path, boot=0)]), log=folder / "second.log") as machine:
        machine.expect("^guest: no log", 600, failing=TROUBLE)
        machine.expect("^guest: done", 60, failing=TROUBLE)
        assert machine.wait_exit(60) == 0
        again = machine.text.replace("\r", "")
    has = dict(re.findall(r"guest: has ([0-9a-f]{32})  /mnt/(file\d+)", again))
    has = {name: digest for digest, name in has.items()}
    assert has[f"file{last}"] == promised[str(last)]
    files = {name: digest for name, digest in has.items() if name in ("file0", f"file{last}")}
    check_image(host, folder, outside, places, files, replayed=True)


def check_image(host, folder, outside, places, files, replayed=False):
    """The volume is as it was but for the bytes of the file, and others read what was promised in it."""
    assert disk.digest_outside(host.path, places) == outside
    assert hostdisk.volume_complaints(host) == []
    image = hostdisk.extract_file(host, IMAGE, folder / "after.vhdx")
    # qemu-img replays a log only into the file.
    run("qemu-img", "check", *(() if replayed else ("-r", "all")), "-f", "vhdx", image)
    run("vhdiinfo", image)
    raw = folder / "after.raw"
    run("qemu-img", "convert", "-f", "vhdx", "-O", "raw", image, raw)
    partition = tiny_guest.make(SCRIPT, modules=MODULES)
    root = disk.extract(raw, partition.root, partition.root_size, folder / "after.root")
    run("e2fsck", "-p", root, ok=(0, 1))
    run("e2fsck", "-f", "-n", root)
    found = folder / "found"
    shutil.rmtree(found, ignore_errors=True)
    found.mkdir()
    run("debugfs", "-R", f"rdump / {found}", root)
    for name, digest in files.items():
        content = (found / name).read_bytes()
        assert hashlib.md5(content, usedforsecurity=False).hexdigest() == digest, name


@pytest.mark.only_all
@pytest.mark.parametrize("name", ["debian12", "debian13"])
def test_debian_grows_into_a_snapshot(folder, name):
    """A whole system on a differencing image that `vhdtool snapshot` has made: it comes up, writes, and goes off as ever;
    what it has written is in the new file alone, and gone after `vhdtool rollback`."""
    raw, image = folder / "payload.raw", folder / "debian.vhdx"
    guest = get_guest(name)
    shutil.copy(guest.disk, raw)
    run("qemu-img", "convert", "-f", "raw", "-O", "vhdx", raw, image)
    for command in (["desparse"], ["snapshot", "--reserve", "512M"]):
        run(PRODUCTS / "vhdtool", *command, image)
    kept = folder / "debian.1.vhdx"
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(fs="exfat", slack=16 * disk.MIB),
                         {IMAGE: image, "/boot/debian.1.vhdx": kept, "/boot/debian.efi": PRODUCTS / "vhdboot.efi"})
    places = hostdisk.file_ranges(host, IMAGE, 0, image.stat().st_size)
    outside = disk.digest_outside(host.path, places)
    with Machine(MachineSpec([Disk(host.path, boot=0)]), log=folder / "console.log") as machine:
        shell = GuestShell(machine)
        shell.log_in(600)
        assert shell.run("systemctl is-system-running --wait", 240)[1] == "running"
        shell.check("dd if=/dev/urandom of=/root/written bs=1M count=100 conv=fsync status=none", 240)
        digest = shell.check("md5sum < /root/written")[:32]
        assert shell.check("echo 3 > /proc/sys/vm/drop_caches; md5sum < /root/written", 240)[:32] == digest
        space = dict(line.split() for line in shell.check("cat /run/vhdboot/space").splitlines())
        assert space["state"] == "good" and 100 * disk.MIB < int(space["used"]) < int(space["size"])
        machine.send("poweroff\n")
        assert machine.wait_exit(240) == 0
        assert not re.search(r"I/O error|EXT4-fs (error|warning)", machine.text)
    assert disk.digest_outside(host.path, places) == outside
    assert hostdisk.volume_complaints(host) == []
    (folder / "after").mkdir()
    after = hostdisk.extract_file(host, IMAGE, folder / "after/debian.vhdx", image.stat().st_size)
    kept.rename(folder / "after/debian.1.vhdx")
    assert "log:         empty" in run(PRODUCTS / "vhdtool", "info", after)
    for command in ("desparse", "rollback"):  # what was taken out of the volume has holes
        run(PRODUCTS / "vhdtool", command, after)
    read = folder / "after.raw"
    with open(read, "wb") as file:
        subprocess.run([PRODUCTS / "vhdtool", "cat", after], stdout=file, timeout=240, check=True)
    assert disk.digest(read) == disk.digest(raw)
