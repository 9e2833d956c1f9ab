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
from tests.support.debian import Suite
from tests.support.guest import guest as get_guest
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE, GuestShell

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
  echo 'guest: second start'
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


# A VHD has no log.
SCRIPTS = {"vhdx": SCRIPT, "vhd": re.sub(r"(?m)^  (# Without|file=|log_of|until \[).*\n", "", SCRIPT)}


def growing_image(folder, kind, payload):
    """With a reserve. In a VHD most blocks are there in part, by their bitmaps."""
    image = folder / f"debian.{kind}"
    sectors = {number: payload[number * 512 : number * 512 + 512] for number in range(len(payload) // 512)
               if any(payload[number * 512 : number * 512 + 512])}
    if kind == "vhd":
        sparse_images.make_vhd(image, len(payload), sectors, uuid.UUID(int=0x5EED), block_size=disk.MIB)
        run(PRODUCTS / "vhdtool", "reserve", image, f"+{RESERVE}")
    else:
        sparse_images.make_vhdx(image, len(payload), sectors, uuid.UUID(int=0x5EED))
        with open(image, "r+b") as file:
            file.truncate(image.stat().st_size + RESERVE)
    return image


@pytest.mark.parametrize("kind", ["vhdx", pytest.param("vhd", marks=pytest.mark.only_all)])
def test_growth(folder, kind):
    guest = tiny_guest.make(SCRIPTS[kind], modules=MODULES)
    image = growing_image(folder, kind, guest.image.read_bytes()[: guest.payload])
    name = f"/boot/{image.name}"
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(slack=16 * disk.MIB, pieces=5),
                         {name: image, "/boot/debian.efi": PRODUCTS / "vhdboot.efi"})
    places = hostdisk.file_ranges(host, name, 0, image.stat().st_size)
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
    check_image(host, name, folder, outside, places, {f"file{last}": promised[str(last)]})

    with Machine(MachineSpec([Disk(host.path, boot=0)]), log=folder / "second.log") as machine:
        machine.expect("^guest: second start", 600, failing=TROUBLE)
        machine.expect("^guest: done", 60, failing=TROUBLE)
        assert machine.wait_exit(60) == 0
        again = machine.text.replace("\r", "")
    has = dict(re.findall(r"guest: has ([0-9a-f]{32})  /mnt/(file\d+)", again))
    has = {name: digest for digest, name in has.items()}
    assert has[f"file{last}"] == promised[str(last)]
    files = {name: digest for name, digest in has.items() if name in ("file0", f"file{last}")}
    check_image(host, name, folder, outside, places, files, replayed=True)


def check_image(host, name, folder, outside, places, files, replayed=False):
    """The volume is as it was but for the bytes of the file, and others read what was promised in it."""
    assert disk.digest_outside(host.path, places) == outside
    assert hostdisk.volume_complaints(host) == []
    kind = name.rpartition(".")[2]
    size = (folder / f"debian.{kind}").stat().st_size
    image = hostdisk.extract_file(host, name, folder / f"after.{kind}", size)
    raw = folder / "after.raw"
    run("vhdiinfo", image)
    if kind == "vhd":
        run("qemu-img", "convert", "-f", "vpc", "-O", "raw", image, raw)
    else:
        # qemu-img replays a log only into the file.
        run("qemu-img", "check", *(() if replayed else ("-r", "all")), "-f", "vhdx", image)
        run("qemu-img", "convert", "-f", "vhdx", "-O", "raw", image, raw)
    partition = tiny_guest.make(SCRIPTS[kind], modules=MODULES)
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


# Nobody is left to make a block. Each write goes on by itself, since one that needs a block never ends.
ALL_KILLED = r"""
mount -t ext4 $root /mnt
if [ -e /mnt/file1 ]; then
  md5sum /mnt/file* | sed 's/^/guest: has /'
  dd if=/dev/urandom of=/mnt/file2 bs=1M count=2 conv=fsync status=none && echo 'guest: blocks are made again'
  umount /mnt
else
  dd if=/dev/urandom of=/mnt/file1 bs=1M count=6 conv=fsync status=none
  sync /mnt
  write_note 1 'before'
  echo "guest: wrote $(md5sum < /mnt/file1 | cut -c 1-32)"
  keepers=$(grep -l '^@vhdboot/keeper' /proc/[0-9]*/cmdline 2>/dev/null | grep -o '[0-9]*')
  kill -KILL $keepers
  while kill -0 $keepers 2>/dev/null; do :; done
  dd if=/dev/zero of=$notes bs=1M seek=NEW count=1 oflag=direct conv=notrunc status=none &
  write_note 1 'after' && echo 'guest: what has its block is written'
  echo 3 > /proc/sys/vm/drop_caches
  md5sum /mnt/file1 > /dev/null && echo 'guest: and read'
  wait
fi
"""


@pytest.mark.only_all
def test_all_keepers_are_killed(folder):
    """Nothing that was promised is lost, what has its block goes on, and the next start makes blocks again."""
    notes_mib = 16
    guest = tiny_guest.make(ALL_KILLED.replace("NEW", str(notes_mib - 2)), modules=MODULES, notes_size=notes_mib * disk.MIB)
    image = growing_image(folder, "vhdx", guest.image.read_bytes()[: guest.payload])
    name = f"/boot/{image.name}"
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(slack=16 * disk.MIB),
                         {name: image, "/boot/debian.efi": PRODUCTS / "vhdboot.efi"})
    outside = hostdisk.outside_digest(host, name)
    with Machine(MachineSpec([Disk(host.path, boot=0)]), log=folder / "first.log") as machine:
        digest = machine.expect("^guest: wrote ([0-9a-f]{32})", 600, failing=TROUBLE)[1]
        machine.expect("^guest: what has its block is written", 60, failing=TROUBLE)
        machine.expect("^guest: and read", 60, failing=TROUBLE)
        machine.kill()
    assert hostdisk.outside_digest(host, name) == outside
    with Machine(MachineSpec([Disk(host.path, boot=0)]), log=folder / "second.log") as machine:
        machine.expect(f"^guest: has {digest}  /mnt/file1", 600, failing=TROUBLE)
        machine.expect("^guest: blocks are made again", 60, failing=TROUBLE)
        machine.expect("^guest: done", 60, failing=TROUBLE)
        assert machine.wait_exit(60) == 0
    assert hostdisk.outside_digest(host, name) == outside
    assert hostdisk.volume_complaints(host) == []
    after = hostdisk.extract_file(host, name, folder / "after.vhdx", image.stat().st_size)
    run("qemu-img", "check", "-r", "all", "-f", "vhdx", after)
    run("qemu-img", "convert", "-f", "vhdx", "-O", "raw", after, folder / "after.raw")
    with open(folder / "after.raw", "rb") as file:
        file.seek(guest.notes + tiny_guest.BLOCK)
        assert file.read(6) == b"after\n"


MARK = b"here the disk cannot be read".ljust(512, b".")
BAD, TAIL, MADE = 8, 64, 80  # blocks of 1 MiB: one that cannot be copied, those behind the guest's, those in the reserve
# One block of the parent cannot be copied; then more is written than there is room for.
OVERFLOW = r"""
mkdir -p /run
mount -t tmpfs run /run
write() { dd if=/dev/urandom of=/dev/loop0 bs=4096 seek=$(($1 * 256 + 128)) count=1 oflag=direct conv=notrunc 2>/dev/null; }
read_all() { dd if=/dev/loop0 of=/dev/null bs=1M skip=$1 count=$2 iflag=direct 2>/dev/null; }
end=END
write $end || echo 'guest: no first block'
write $((end + BAD)) || echo 'guest: one write fails'
grep -q -m 1 'keeper.*new blocks can be made again' /dev/kmsg
read_all 0 $((end + BAD)) && echo 'guest: all is read'
echo something | dd of=/dev/loop0p3 bs=4096 conv=sync oflag=direct status=none && echo 'guest: it goes on'
n=1
while write $((end + n)); do
  n=$((n + 1))
  [ $n != BAD ] || n=$((n + 1))
done
echo "guest: wrote up to $n"
grep -q -m 1 'keeper.*what has its block already can be written' /dev/kmsg
write $end && write $((end + n - 1)) && echo 'guest: what is there can be written'
write $((end + n)) || write $((end + n + 1)) || echo 'guest: the rest cannot'
read_all $((end + BAD + 1)) $((2 * TAIL - BAD - 1)) && echo 'guest: and is read'
until grep -qs 'state full' /run/vhdboot/space; do :; done
dd if=/dev/loop0 bs=1M skip=$((end + BAD + 1)) iflag=direct 2>/dev/null | md5sum | sed 's/^/guest: sum /'
"""


@pytest.mark.only_all
def test_an_error_and_no_room(folder):
    """A block that cannot be copied and a reserve that is used up cost what was being written, and nothing else: the disk is
    mended while its guest runs."""
    payload_mib = -(-tiny_guest.make("", modules=MODULES).payload // disk.MIB)
    script = OVERFLOW.replace("END", str(payload_mib)).replace("BAD", str(BAD)).replace("TAIL", str(TAIL))
    guest = tiny_guest.make(script, modules=MODULES)
    data = bytearray(guest.image.read_bytes()[: guest.payload].ljust(payload_mib * disk.MIB, b"\0"))
    data += b"parent's".ljust(512, b"!") * (2 * TAIL * 2048)
    bad = (payload_mib + BAD) * disk.MIB
    data[bad : bad + 512] = MARK
    sectors = {number: bytes(data[number * 512 : number * 512 + 512]) for number in range(len(data) // 512)
               if any(data[number * 512 : number * 512 + 512])}
    base, image = folder / "base.vhdx", folder / "debian.vhdx"
    sparse_images.make_vhdx(base, len(data), sectors, uuid.UUID(int=0x5EED_01))
    sparse_images.make_vhdx(image, len(data), {}, uuid.UUID(int=0x5EED_02),
                            parent=(uuid.UUID(int=0x5EED_01), {"relative_path": ".\\base.vhdx"}))
    with open(image, "r+b") as file:
        file.truncate(image.stat().st_size + MADE * disk.MIB)
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(slack=16 * disk.MIB), {
        "/boot/debian.vhdx": image, "/boot/base.vhdx": base, "/boot/debian.efi": PRODUCTS / "vhdboot.efi"})
    places = hostdisk.file_ranges(host, "/boot/debian.vhdx", 0, image.stat().st_size)
    outside = disk.digest_outside(host.path, places)
    (first, _), *_ = hostdisk.file_ranges(host, "/boot/base.vhdx", base.read_bytes().index(MARK), 512)
    with Machine(MachineSpec([Disk(host.path, boot=0, bad_sectors=(first // 512,))]), log=folder / "console.log") as machine:
        machine.expect("^guest: done", 900, failing=TROUBLE)
        assert machine.wait_exit(60) == 0
        text = machine.text.replace("\r", "")
    for said in ("one write fails", "all is read", "it goes on", "what is there can be written", "the rest cannot", "and is read"):
        assert f"guest: {said}\n" in text
    assert "guest: no first block" not in text
    # One for the first write, one for the notebook, and one that the failed copy has taken.
    made = int(re.search(r"guest: wrote up to (\d+)", text)[1])
    assert MADE - 6 <= made <= MADE + 1
    assert disk.digest_outside(host.path, places) == outside
    assert hostdisk.volume_complaints(host) == []
    (folder / "after").mkdir()
    after = hostdisk.extract_file(host, "/boot/debian.vhdx", folder / "after/debian.vhdx", image.stat().st_size)
    base.rename(folder / "after/base.vhdx")
    assert "log:         empty" in run(PRODUCTS / "vhdtool", "info", after)
    read = folder / "after.raw"
    with open(read, "wb") as file:
        subprocess.run([PRODUCTS / "vhdtool", "cat", after], stdout=file, timeout=240, check=True)
    tail = read.read_bytes()[(payload_mib + BAD + 1) * disk.MIB :]
    assert hashlib.md5(tail, usedforsecurity=False).hexdigest() == re.search(r"guest: sum ([0-9a-f]{32})", text)[1]


PACKAGE = "fonts-noto-cjk"  # 90 MB of files, and needs nothing


def package_disk(folder, suite):
    """A disk that is a file system with that package, for who has no network."""
    (folder / "package").mkdir()
    Suite(suite).fetch(PACKAGE, folder / "package")
    path = folder / "package.raw"
    with open(path, "wb") as file:
        file.truncate(128 * disk.MIB)
    run("mke2fs", "-q", "-t", "ext4", "-d", folder / "package", path)
    return path


@pytest.mark.only_all
@pytest.mark.parametrize(("name", "kind"), [("debian12", "vhdx"), ("debian13", "vhdx"), ("debian12", "vhd")])
def test_debian_grows_into_a_snapshot(folder, name, kind):
    """A whole system on a differencing image that `vhdtool snapshot` has made: it comes up, has something large installed,
    and goes off as ever; what it has written is in the new file alone, and gone after `vhdtool rollback`."""
    raw, image = folder / "payload.raw", folder / f"debian.{kind}"
    guest = get_guest(name)
    shutil.copy(guest.disk, raw)
    run("qemu-img", "convert", "-f", "raw", "-O", *(("vpc", "-o", "force_size=on") if kind == "vhd" else ("vhdx",)), raw, image)
    for command in (["desparse"], ["snapshot", "--reserve", "512M"]):
        run(PRODUCTS / "vhdtool", *command, image)
    kept = folder / f"debian.1.{kind}"
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(fs="exfat", slack=16 * disk.MIB),
                         {f"/boot/{image.name}": image, f"/boot/{kept.name}": kept, "/boot/debian.efi": PRODUCTS / "vhdboot.efi"})
    places = hostdisk.file_ranges(host, f"/boot/{image.name}", 0, image.stat().st_size)
    outside = disk.digest_outside(host.path, places)
    with Machine(MachineSpec([Disk(host.path, boot=0), Disk(package_disk(folder, guest.recipe.suite))]),
                 log=folder / "console.log") as machine:
        shell = GuestShell(machine)
        shell.log_in(600)
        assert shell.run("systemctl is-system-running --wait", 240)[1] == "running"
        shell.check("mount -o ro /dev/vdb /mnt && apt-get -q -y install /mnt/*.deb && umount /mnt", 600)
        shell.check(f"sync; echo 3 > /proc/sys/vm/drop_caches; dpkg -V {PACKAGE}", 240)
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
    after = hostdisk.extract_file(host, f"/boot/{image.name}", folder / "after" / image.name, image.stat().st_size)
    kept.rename(folder / "after" / kept.name)
    if kind == "vhdx":
        assert "log:         empty" in run(PRODUCTS / "vhdtool", "info", after)
    for command in ("desparse", "rollback"):  # what was taken out of the volume has holes
        run(PRODUCTS / "vhdtool", command, after)
    read = folder / "after.raw"
    with open(read, "wb") as file:
        subprocess.run([PRODUCTS / "vhdtool", "cat", after], stdout=file, timeout=240, check=True)
    assert disk.digest(read) == disk.digest(raw)
