# SPDX-License-Identifier: GPL-2.0-or-later
"""An image that arrives while its guest runs: it is booted with what a boot needs, the rest comes from a web server, and in
the end it is an image like any other, with what the guest wrote."""

import random
import re
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import disk, hostdisk, tiny_guest, vhd
from tests.support.arriving import MODULES, NETWORK, make_host
from tests.support.command import run
from tests.support.guest import guest as get_guest
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE, GuestShell
from tests.support.web import faulty, nginx

BLOCK = 4096
NOTES = 24 * disk.MIB
# What it writes is in a block that has not come, a part of one, and one behind which it looks at once. `part`: what comes
# of the root and of the notes is the same whenever it is read.
SCRIPT = r"""
sum() { echo 3 > /proc/sys/vm/drop_caches; dd if=$notes bs=1M iflag=direct status=none | md5sum | cut -c 1-32; }
mount -t ext4 -o ro $root /mnt && echo 'guest: root is mounted'
grep -c 'nbd.*p' /proc/partitions | sed 's/^/guest: partitions elsewhere: /'
if grep -q '^@vhdboot/arrive' /proc/[0-9]*/cmdline; then
  write_note 1500 'the guest was here'
  echo half | dd of=$notes bs=512 seek=16001 conv=sync oflag=direct status=none
  sync $notes
  echo 'guest: it has written'
  echo "guest: sum $(sum)"
  find /mnt -type f -exec cat {} + > /dev/null && echo 'guest: root is read'
  until dmesg | grep -q 'from now on it is one like any other'; do :; done
  write_note 1501 'and later on'
  sync $notes
  while grep -q '^@vhdboot/arrive' /proc/[0-9]*/cmdline 2>/dev/null; do :; done
fi
echo "guest: last sum $(sum)"
"""


@dataclass(frozen=True)
class Arrival:
    host: hostdisk.HostDisk
    source: bytes  # the whole image
    notes: int     # where in it the notes begin
    came: int      # bytes that came before the first start

    def read_image(self, folder: Path) -> bytes:
        return hostdisk.extract_file(self.host, "/boot/tiny.vhd", folder / "after.vhd", len(self.source)).read_bytes()


def wrote(notes: bytes, more: dict[int, bytes]) -> bytes:
    """The notes after what the guest writes into them: by place."""
    after = bytearray(notes)
    for place, data in more.items():
        after[place:place + len(data)] = data
    return bytes(after)


NOTED = {1500 * BLOCK: b"the guest was here\n".ljust(BLOCK, b"\0"), 16001 * 512: b"half\n".ljust(512, b"\0")}
LATER = {1501 * BLOCK: b"and later on\n".ljust(BLOCK, b"\0")}


@pytest.fixture(name="server")
def make_server(request, folder):
    """A web server, with the image of a guest and what belongs to it; the parameter is the Debian with its kernel."""
    if shutil.which("curl") is None:
        pytest.skip("vhdtool fetch needs curl")
    guest = tiny_guest.make(SCRIPT, modules=MODULES, notes_size=NOTES, suite=getattr(request, "param", "bookworm"))
    served = folder / "served"
    served.mkdir()
    image = Path(shutil.copy(guest.image, served / "tiny.vhd"))
    with open(image, "r+b") as file:
        file.seek(guest.notes)
        file.write(random.Random(3).randbytes(NOTES))
    run(PRODUCTS / "vhdtool", "boot-set", image)  # it can be told of this one, too
    blocks = guest.payload // BLOCK
    # What stage 1 reads, and no more of the notes than what looks for file systems.
    notes = range(guest.notes // BLOCK + 64, guest.notes // BLOCK + NOTES // BLOCK - 64)
    wanted = [(0, notes.start), (notes.stop, blocks - notes.stop)]
    text = f"vhdboot-boot-set/1 {blocks}\n" + "".join(f"{first} {count}\n" for first, count in wanted)
    image.with_name("tiny.vhd.boot-set").write_text(text, encoding="ascii")
    with faulty(served) as server:
        server.guest, server.image = guest, image
        server.root_hash = run(PRODUCTS / "vhdtool", "hashes", image).strip()
        yield server
    shutil.rmtree(served)


def fetch_boot_set(server, folder, fs="ntfs", more="") -> Arrival:
    server.asked.clear()
    host = make_host(f"{server.url}/tiny.vhd", server.root_hash, folder, fs, more)
    came = sum(length for name, _, length in server.asked if name == "tiny.vhd")
    server.asked.clear()
    return Arrival(host, server.image.read_bytes(), server.guest.notes, came)


def outside(arrival: Arrival) -> str:
    """Of all that may not change: neither the image nor the map of it."""
    places = [place for name in ("/boot/tiny.vhd", "/boot/tiny.vhd.map")
              for place in hostdisk.file_ranges(arrival.host, name, 0, arrival.host.sizes[name])]
    return disk.digest_outside(arrival.host.path, places)


def md5(data: bytes) -> str:
    return run("md5sum", stdin=data)[:32]


@pytest.mark.parametrize("server", ["bookworm", pytest.param("trixie", marks=pytest.mark.only_all)], indirect=True)
def test_it_comes_while_it_runs(server, folder):
    """The network is away for a while; in the end the file is the source with what the guest wrote, and needs no network."""
    arrival = fetch_boot_set(server, folder)
    assert arrival.came < len(arrival.source) - NOTES + disk.MIB
    before = outside(arrival)
    broken = []

    def fault(handler, name, first, last):
        if name != "tiny.vhd" or len(broken) == 6:
            return False
        broken.append(name)
        handler.close_connection = True  # in the middle of an answer
        handler.begin(first, last, len(arrival.source))
        handler.wfile.write(arrival.source[first:first + 100])
        return True

    server.fault = fault
    notes = arrival.source[arrival.notes:arrival.notes + NOTES]
    with Machine(MachineSpec([Disk(arrival.host.path, boot=0)], extra=NETWORK), log=folder / "first.log") as machine:
        machine.expect("^guest: root is mounted", 600, failing=TROUBLE)
        machine.expect("^guest: partitions elsewhere: 0", 60, failing=TROUBLE)
        machine.expect("^guest: it has written", 120, failing=TROUBLE)
        found = machine.expect("^guest: sum ([0-9a-f]{32})", 300, failing=TROUBLE)[1]
        assert found == md5(wrote(notes, NOTED))
        machine.expect("^guest: root is read", 120, failing=TROUBLE)
        last = machine.expect("^guest: last sum ([0-9a-f]{32})", 300, failing=TROUBLE)[1]
        assert last == md5(wrote(notes, NOTED | LATER))
        machine.expect("^guest: done", 60, failing=TROUBLE)
        assert machine.wait_exit(60) == 0
    assert broken
    check_complete(arrival, folder, before)
    moved = sum(length for name, _, length in server.asked if name == "tiny.vhd")
    assert moved < NOTES + 4 * disk.MIB
    server.asked.clear()
    with Machine(MachineSpec([Disk(arrival.host.path, boot=0)]), log=folder / "second.log") as machine:
        assert machine.expect("^guest: last sum ([0-9a-f]{32})", 600, failing=TROUBLE)[1] == last
        machine.expect("^guest: done", 60, failing=TROUBLE)
        assert machine.wait_exit(60) == 0
    assert not server.asked
    check_complete(arrival, folder, before)


def check_complete(arrival, folder, before):
    """The file is the source but for the notes that the guest wrote; the volume is otherwise as it was."""
    after = arrival.read_image(folder)
    notes = wrote(arrival.source[arrival.notes:arrival.notes + NOTES], NOTED | LATER)
    assert after[arrival.notes:arrival.notes + NOTES] == notes
    assert after[:arrival.notes] == arrival.source[:arrival.notes]
    assert after[arrival.notes + NOTES:] == arrival.source[arrival.notes + NOTES:]
    assert outside(arrival) == before
    assert hostdisk.volume_complaints(arrival.host) == []


def wait_for(machine, pattern, seconds):
    return machine.expect(pattern, seconds, failing=TROUBLE)


@pytest.mark.only_all
@pytest.mark.parametrize("fs", ["ntfs", "exfat"])
def test_power_cuts(server, folder, fs):
    """The power fails while the rest comes, again and again: what the guest was told is there is there, and what came is
    not wrong."""
    arrival = fetch_boot_set(server, folder, fs)
    before = outside(arrival)
    notes = arrival.source[arrival.notes:arrival.notes + NOTES]

    def fault(handler, name, first, _last):
        if name != "tiny.vhd" or first < arrival.notes + NOTES // 2:
            return False
        handler.close_connection = True
        return True

    server.fault = fault
    for number in range(3):
        with Machine(MachineSpec([Disk(arrival.host.path, boot=0)], extra=NETWORK), log=folder / f"cut{number}.log") as machine:
            wait_for(machine, "^guest: it has written", 600)
            if number:
                wait_for(machine, "the system waits for a part of its image", 300)
            machine.kill()
        assert outside(arrival) == before
        after = arrival.read_image(folder)[arrival.notes:arrival.notes + NOTES]
        assert not any(after[NOTES // 2 + disk.MIB:][:BLOCK])
        for place, data in NOTED.items():
            assert after[place:place + len(data)] == data
    server.fault = None
    with Machine(MachineSpec([Disk(arrival.host.path, boot=0)], extra=NETWORK), log=folder / "last.log") as machine:
        last = wait_for(machine, "^guest: last sum ([0-9a-f]{32})", 900)[1]
        wait_for(machine, "^guest: done", 60)
        assert machine.wait_exit(60) == 0
    assert last == md5(wrote(notes, NOTED | LATER))
    check_complete(arrival, folder, before)


@pytest.mark.only_all
def test_a_damaged_block_is_waited_for(server, folder):
    """What the root hash does not stand for is never given to the guest; it waits, and says for what."""
    arrival = fetch_boot_set(server, folder)
    place = arrival.notes + NOTES // 2
    damaged = [True]

    def fault(handler, name, first, last):
        if name != "tiny.vhd" or not damaged or not first <= place <= last:
            return False
        data = bytearray(arrival.source[first:last + 1])
        data[place - first] ^= 1
        handler.begin(first, last, len(arrival.source))
        handler.wfile.write(data)
        return True

    server.fault = fault
    notes = arrival.source[arrival.notes:arrival.notes + NOTES]
    with Machine(MachineSpec([Disk(arrival.host.path, boot=0)], extra=NETWORK), log=folder / "console.log") as machine:
        wait_for(machine, "^guest: it has written", 600)
        wait_for(machine, "the system waits for a part of its image from .*: the bytes from .* are not those that the root hash",
                 300)
        assert "guest: sum" not in machine.text
        damaged.clear()
        wait_for(machine, "what the system has waited for has come, it goes on", 120)
        assert wait_for(machine, "^guest: sum ([0-9a-f]{32})", 300)[1] == md5(wrote(notes, NOTED))
        machine.kill()


@pytest.mark.only_all
def test_a_card_that_leads_elsewhere(server, folder):
    """One of two cards has no cable, the other a network without the server. When the first gets its cable the server sends
    next to nothing, and later that cable is pulled out for a while: the system waits, and goes on."""
    arrival = fetch_boot_set(server, folder)
    before = outside(arrival)
    drips, given_up = threading.Event(), threading.Event()
    drips.set()

    def drip(handler, name, first, last):
        if name != "tiny.vhd" or not drips.is_set():
            return False
        handler.close_connection = True
        handler.begin(first, last, len(arrival.source))
        try:
            while not given_up.wait(1):
                handler.wfile.write(b"x")
        except OSError:
            given_up.set()
        return True

    server.fault = drip
    cards = ["-netdev", "user,id=elsewhere,net=10.9.0.0/24,restrict=on", "-device", "virtio-net-pci,netdev=elsewhere,romfile=",
             "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,id=card,romfile="]
    notes = arrival.source[arrival.notes:arrival.notes + NOTES]
    with Machine(MachineSpec([Disk(arrival.host.path, boot=0)], extra=cards), log=folder / "console.log") as machine:
        machine.set_cable("card", False)
        wait_for(machine, "^guest: root is mounted", 600)
        wait_for(machine, "the system waits for a part of its image from .*: reaching the server: Network unreachable", 300)
        machine.set_cable("card", True)
        machine.wait_until(given_up.is_set, 300, "the end of a connection by which next to nothing comes")
        drips.clear()
        wait_for(machine, "what the system has waited for has come, it goes on", 120)
        wait_for(machine, "^guest: it has written", 120)
        machine.set_cable("card", False)
        wait_for(machine, "the system waits for a part of its image", 120)
        machine.set_cable("card", True)
        assert wait_for(machine, "^guest: sum ([0-9a-f]{32})", 300)[1] == md5(wrote(notes, NOTED))
        assert wait_for(machine, "^guest: last sum ([0-9a-f]{32})", 300)[1] == md5(wrote(notes, NOTED | LATER))
        wait_for(machine, "^guest: done", 60)
        assert machine.wait_exit(60) == 0
    check_complete(arrival, folder, before)


@pytest.mark.only_all
def test_an_address_without_dhcp(server, folder):
    """The one of the configuration is asked from, and processes that are killed are replaced."""
    arrival = fetch_boot_set(server, folder, more="address 10.0.2.77/24 10.0.2.2\n")
    before = outside(arrival)
    notes = arrival.source[arrival.notes:arrival.notes + NOTES]
    with Machine(MachineSpec([Disk(arrival.host.path, boot=0)], extra=NETWORK), log=folder / "console.log") as machine:
        assert wait_for(machine, "^guest: sum ([0-9a-f]{32})", 600)[1] == md5(wrote(notes, NOTED))
        assert wait_for(machine, "^guest: last sum ([0-9a-f]{32})", 300)[1] == md5(wrote(notes, NOTED | LATER))
        wait_for(machine, "^guest: done", 60)
        assert machine.wait_exit(60) == 0
    check_complete(arrival, folder, before)


@pytest.mark.only_all
@pytest.mark.parametrize("name", ["debian12", "debian13-dracut"])
def test_debian_with_a_network_of_its_own(folder, name):
    """Its card keeps its usual name, and its own programs have it as they like; what it wrote is there when the rest has been
    fetched."""
    guest = get_guest(name)
    served = folder / "served"
    served.mkdir()
    image = served / "debian.vhd"
    run("cp", "--sparse=always", guest.disk, image)
    vhd.make_fixed(image)
    with open(served / "debian.vhd.boot-set", "w", encoding="ascii") as file:
        file.write(run(PRODUCTS / "vhdtool", "boot-set", image))
    root_hash = run(PRODUCTS / "vhdtool", "hashes", image).strip()
    with nginx(served, folder / "nginx") as url:
        host = make_host(f"{url}/debian.vhd", root_hash, folder)
        with Machine(MachineSpec([Disk(host.path, boot=0)], extra=NETWORK), log=folder / "console.log") as machine:
            shell = GuestShell(machine)
            shell.log_in(900)
            names = shell.check("ls /sys/class/net")
            assert "nbd" not in shell.check("ls -l /dev/disk/by-uuid /dev/disk/by-partuuid; findmnt -no SOURCE /")
            assert "eth0" not in names.split() and "vhdboot0" not in names, names
            shell.check("mkdir -p /run/systemd/network")
            shell.check("printf '[Match]\\nName=en*\\n[Network]\\nDHCP=yes\\n' > /run/systemd/network/80-own.network")
            shell.check("systemctl start systemd-networkd", 120)
            shell.check("until grep -q -e '-- 10.0.2.[1-9]' /proc/net/fib_trie; do :; done", 120)
            shell.check("echo it was here > /root/marker; sync", 120)
            shell.check("flags=$(echo /sys/class/net/en*/flags); echo $(($(cat $flags) & ~1)) > $flags")
            # systemd has ended nobody as it left its initrd. Who talks to the network may do little; who is killed is replaced.
            assert shell.run("dmesg | grep 'taken over'")[0] != 0
            status = {pid: shell.check(f"cat /proc/{pid}/status") for pid in
                      shell.check("grep -ls '^@vhdboot/arrive' /proc/[0-9]*/cmdline | cut -d/ -f3").split()}
            talks = [pid for pid, text in status.items() if not re.search("^Uid:\\s+\\d+\\s+0", text, re.MULTILINE)]
            assert len(status) == 3 and len(talks) == 1, status
            for line in ("CapEff:\t0000000000003400", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
                assert line in status[talks[0]]
            parent = {pid: re.search(r"^PPid:\s+(\d+)", text, re.MULTILINE)[1] for pid, text in status.items()}
            shell.check(f"kill -9 {talks[0]}; cat /usr/bin/[a-m]* > /dev/null", 900)
            # Whom it talked for has ended with it.
            serves = f"$(grep -ls '^PPid:.{parent[parent[talks[0]]]}$' /proc/[0-9]*/status | cut -d/ -f3)"
            shell.check(f"kill -9 {serves} && cat /usr/bin/* /usr/sbin/* > /dev/null", 900)
            assert shell.check("dmesg | grep -c 'another one has taken over'") == "2"
            assert shell.run("systemctl --failed --no-legend")[1] == ""
            shell.check("grep -l '^@vhdboot/arrive' /proc/[0-9]*/cmdline")
            shell.check("dmesg -n 7")
            said = len(machine.text)
            machine.send("systemctl poweroff\n")
            assert machine.wait_exit(240) == 0
            assert "taken over" not in machine.text[said:]
        here = folder / "after"
        here.mkdir()
        for suffix in ("", ".map", ".verity"):
            hostdisk.extract_file(host, f"/boot/debian.vhd{suffix}", here / f"debian.vhd{suffix}",
                                  host.sizes[f"/boot/debian.vhd{suffix}"])
        run(PRODUCTS / "vhdtool", "fetch", f"{url}/debian.vhd", here / "debian.vhd", "--root-hash", root_hash)
    assert [path.name for path in here.iterdir()] == ["debian.vhd"]
    root = disk.extract(here / "debian.vhd", guest.root_offset, guest.root_size, folder / "root.raw")
    assert hostdisk.guest_complaints(root) == []
    assert hostdisk.read_guest_file(root, "ext4", "/root/marker") == "it was here\n"
    assert hostdisk.volume_complaints(host) == []
    shutil.rmtree(served)
    shutil.rmtree(here)
