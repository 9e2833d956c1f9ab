# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest disk costs that is more than a flat image, beside what it may cost: a root that forgets, an image that grows,
and qemu-nbd as the peer.

The same work is done on each guest disk and on a plain disk of the same machine, alternately. Where QEMU translates, the
processor is slow and the disks are not. So it is done twice: on disks that are made slow as well, by the clock; and on fast
ones, where the time counts that QEMU had a processor, which is what the layers alone cost, whatever else this machine does.

    /usr/bin/python3 -m tests.bench.layers_bench [--rounds N] [--logins N]
"""

import argparse
import random
import re
import shutil
import statistics
import tempfile
import uuid
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench.boot_bench import START
from tests.support import disk, hostdisk, sparse_images, tiny_guest
from tests.support.command import run
from tests.support.disk import MIB
from tests.support.guest import guest as get_guest
from tests.support.images import guest_vhd
from tests.support.paths import PRODUCTS, REPOSITORY, TEST_OUTPUT
from tests.support.qemu import Disk, Machine, MachineSpec, accelerator_words
from tests.support.shell import LOGIN, TROUBLE, GuestShell

EFI = PRODUCTS / "vhdboot.efi"
MODULES = ("dm-zero", "dm-snapshot", "exfat", "nbd")
# No terminal for its output, or the shell would edit the lines.
SCRIPT = """
mkdir -p /run /tools /host /var/lock
mount -t tmpfs run /run
mount -t ext4 -o ro /dev/vdc /tools
dmesg -n 1
stty -echo
sh -s 2>&1 | cat
"""
PLAIN, OURS = "/dev/vdb", "/dev/loop0p3"
PEERS = {"qemu-nbd, vhdx": ("/dev/nbd8", "vhdx", "/peer.vhdx"), "qemu-nbd, qcow2": ("/dev/nbd9", "qcow2", "/peer.qcow2")}
# Slow enough that the disk is waited for, and not the emulated processor; the one to the other as of a SATA SSD.
SLOW, FAST = (10_000_000, 1600), (0, 0)  # bytes and operations a second
PRESENT = 64 * MIB  # at the begin of the notes: what is there, and written over again and again
CELL = 16 * MIB  # what each case takes of what has not been written


@dataclass(frozen=True)
class Work:
    """So many blocks, with so many in flight: in no order, or in as many streams. `stride`: from the begin of one to the
    begin of the next; 0: no gaps."""

    write: bool
    mixed: bool
    block: int
    count: int
    depth: int
    stride: int = 0

    @property
    def size(self) -> int:
        return self.block * self.count

    def words(self, device: str, offset: int) -> str:
        return (f"/tools/guest_io {device} {'write' if self.write else 'read'} {'mixed' if self.mixed else 'streams'} {offset} "
                f"{self.block} {self.stride or self.block} {self.count} {self.depth}")


READS = Work(False, False, 256 * 1024, 64, 4)
RANDOM_READS = Work(False, True, 4096, 4096, 16)
WRITES = replace(READS, write=True)
RANDOM_WRITES = replace(RANDOM_READS, write=True)
NEW_WRITES = Work(True, False, 65536, CELL // 65536, 8)
NEW_WRITES_ONE_BY_ONE = replace(NEW_WRITES, depth=1)
FOUR = {"sequential reads": READS, "random reads": RANDOM_READS, "sequential writes": WRITES, "random writes": RANDOM_WRITES}


@dataclass(frozen=True)
class Case:
    """`target`: the least of the plain disk's speed; 0: none. `fresh`: each time where nothing was written before, in cells of
    that kind; else at `place`."""

    title: str
    work: Work
    target: float = 0
    fresh: str = ""
    device: str = OURS
    place: int = 0


FLAT = [Case(title, work) for title, work in FOUR.items()]
# What was never written is read from the disk, and the rest from memory.
FORGETS = [Case("sequential reads", READS, 0.95, place=PRESENT // 2), Case("random reads", RANDOM_READS, place=PRESENT // 2),
           Case("first sequential writes", NEW_WRITES_ONE_BY_ONE, 0.3, "zeroes"),
           Case("first random writes", RANDOM_WRITES, 0.9, "zeroes"), Case("random writes, again", RANDOM_WRITES, 0.9)]
GROWS = [*(Case(f"present, {title}", work, 0.85 if work.mixed else 0.95) for title, work in FOUR.items()),
         Case("new over zeroes, 8 in flight", NEW_WRITES, 0.45, "zeroes"),
         Case("new over a parent's data, 8 in flight", NEW_WRITES, 0.3, "parent"),
         Case("new over zeroes, one by one", NEW_WRITES_ONE_BY_ONE, 0.22, "zeroes")]
PEER_COUNT = 512  # a peer takes its time
OF_PEERS = [Case(f"{peer}, {title}", replace(work, count=PEER_COUNT, stride=32768), device=device)
            for peer, (device, _, _) in PEERS.items() for title, work in FOUR.items() if work.mixed]


class Layout:
    """Where in the notes what lies: what is present, cells over a parent's data, cells over nothing."""

    def __init__(self, rounds: int):
        self._rounds = 2 * rounds
        self._next = {"parent": PRESENT, "zeroes": PRESENT + self._rounds * CELL}
        self.parent_end = self._next["zeroes"]
        self.size = self.parent_end + (2 * self._rounds + 1) * CELL

    def take(self, kind: str) -> int:
        offset = self._next[kind]
        self._next[kind] += CELL
        return offset


Times = dict[tuple[tuple[int, int], str], list[float]]  # by the disk's speed and the title, in seconds
NOTHING = Work(False, False, 4096, 1, 1)


def measure(machine: Machine, shell: GuestShell, cases: list[Case], layout: Layout, rounds: int) -> Times:
    """Each case and the same on the plain disk, in turn: by the clock on slow disks, by the processor's time on fast ones."""
    times: Times = defaultdict(list)

    def once(words: str) -> float:
        before = machine.processor_seconds()
        by_clock = int(shell.check(words, 240)) / 1e6
        return by_clock if speed == SLOW else machine.processor_seconds() - before

    for speed in (SLOW, FAST):
        for number in (0, 1):
            machine.slow_down(number, *speed)
        # What starting a program takes.
        start = 0 if speed == SLOW else statistics.median(once(NOTHING.words(PLAIN, 0)) for _ in range(7))
        for _ in range(rounds):
            for case in cases:
                for title, device, place in ((f"plain {case.title}", PLAIN, 0),
                                             (case.title, case.device, layout.take(case.fresh) if case.fresh else case.place)):
                    times[speed, title].append(once(case.work.words(device, place)) - start)
    return times


def flushes_of_new_blocks(machine: Machine, shell: GuestShell, layout: Layout) -> dict[str, float]:
    """Flushes of the host disk for each block that is written to for the first time, without the one that ends the work."""
    cell, found = layout.take("zeroes"), {}
    for title, count, depth in (("the first of all", 1, 1), ("one by one", 7, 1), ("eight at once", 8, 8)):
        before = machine.block_statistics(0)["flush_operations"]
        shell.check(Work(True, False, 4096, count, depth, MIB).words(OURS, cell))
        found[title] = (machine.block_statistics(0)["flush_operations"] - before - 1) / count
        cell += count * MIB
    return found


def start_peers(shell: GuestShell) -> None:
    """On the same host volume, mounted as the guest may. The kernel tells when each has its device."""
    shell.check("mount -t exfat /dev/$(basename $(dirname $(dirname $(grep -lx vhdboot-host /sys/class/block/dm-*/dm/name)))) /host")
    for device, kind, file in PEERS.values():
        shell.check(f"/tools/ld.so --library-path /tools /tools/qemu-nbd --fork -c {device} -f {kind} --cache=none --aio=native "
                    f"/host{file} && grep -q -m 1 '{Path(device).name}: detected capacity change from 0' /dev/kmsg", 120)


# --- what is booted

def make_tools(folder: Path) -> Path:
    """A file system with the program that does the work, and qemu-nbd with its libraries."""
    tree, image = folder / "tools", folder / "tools.raw"
    tree.mkdir()
    run("g++", "-std=c++20", "-static", "-O2", REPOSITORY / "tests/bench/guest_io.cpp", "-o", tree / "guest_io")
    server = shutil.which("qemu-nbd")
    shutil.copy(server, tree)
    for library in re.findall(r"(/\S+) \(0x", run("ldd", server)):
        shutil.copy(library, tree / ("ld.so" if "/ld-linux" in library else ""))
    disk.create(image, 64 * MIB)
    run("mke2fs", "-q", "-t", "ext4", "-d", tree, image)
    return image


def sectors_of(data: bytes, place: int) -> dict[int, bytes]:
    return {(place + at) // 512: data[at : at + 512] for at in range(0, len(data), 512) if any(data[at : at + 512])}


def make_chain(folder: Path, guest: tiny_guest.TinyGuest, layout: Layout) -> list[Path]:
    """A growing VHDX with a reserve, and its parent: of the notes, some are in the one and some in the other."""
    numbers = random.Random(7)
    leaf, base = folder / "debian.vhdx", folder / "base.vhdx"
    identity = uuid.UUID(int=0x5EED)
    below = sectors_of(guest.image.read_bytes()[: guest.notes], 0)
    below |= sectors_of(numbers.randbytes(layout.parent_end - PRESENT), guest.notes + PRESENT)
    sparse_images.make_vhdx(base, guest.payload, below, identity)
    sparse_images.make_vhdx(leaf, guest.payload, sectors_of(numbers.randbytes(PRESENT), guest.notes), uuid.UUID(int=0x5EEE),
                            parent=(identity, {"relative_path": f".\\{base.name}"}))
    with open(leaf, "r+b") as file:
        file.truncate(leaf.stat().st_size + layout.size - PRESENT + 96 * MIB)
    return [leaf, base]


def make_peers(folder: Path) -> list[Path]:
    raw = folder / "peer.raw"
    raw.write_bytes(random.Random(8).randbytes(PRESENT))
    files = [folder / Path(file).name for _, _, file in PEERS.values()]
    for file in files:
        run("qemu-img", "convert", "-f", "raw", "-O", file.suffix[1:], raw, file)
    return files


def full(path: Path) -> Path:
    """The file without holes, so that writing to it is only writing."""
    whole = path.with_suffix(".whole")
    run("cp", "--sparse=never", path, whole)
    return whole.rename(path)


def boot(folder: Path, plain: Path, tools: Path, files: list[Path], settings: str, work):
    """Starts vhdboot from a volume with these files; what `work` makes of the machine and its shell."""
    conf = folder / "debian.conf"
    conf.write_text(settings, encoding="utf-8")
    names = {f"{'/' if file.name.startswith('peer') else '/boot/'}{file.name}": file for file in files}
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(fs="exfat"),
                         {**names, "/boot/debian.conf": conf, "/boot/debian.efi": EFI})
    disks = [Disk(full(host.path), boot=0, cache="none"), Disk(plain, cache="none"), Disk(tools, read_only=True)]
    with Machine(MachineSpec(disks), log=TEST_OUTPUT / f"bench/layers-{folder.name}.log") as machine:
        machine.expect("^guest: here I am", 600, failing=TROUBLE)
        result = work(machine, GuestShell(machine))
        machine.send("exit\n")
        machine.expect("^guest: done", 120)
        machine.wait_exit(60)
    host.path.unlink()
    return result


# --- a root that forgets, at the login prompt

def logins(rounds: int, folder: Path) -> dict[str, dict[str, list[float]]]:
    """Seconds to the login prompt, of the clock and of the processor, and what of the memory is in use there."""
    disks, found = {}, {}
    for name, settings in {"flat": "", "forgets": "ephemeral yes\n"}.items():
        conf = folder / f"{name}.conf"
        conf.write_text(settings, encoding="utf-8")
        files = {"/boot/debian.vhd": guest_vhd(get_guest("debian12")), "/boot/debian.efi": EFI, "/boot/debian.conf": conf}
        disks[name] = hostdisk.make(folder / f"{name}.raw", hostdisk.HostSpec(), files).path
        found[name] = defaultdict(list)
    for _ in range(rounds):
        for name, path in disks.items():
            spec = MachineSpec([Disk(path, boot=0)], extra=["-snapshot"])
            with Machine(spec, log=TEST_OUTPUT / f"bench/login-{name}.log") as machine:
                machine.expect(START, 60)
                begin = machine.processor_seconds()
                shell = GuestShell(machine)
                machine.expect(f"(?=(?:{LOGIN}))", 600, failing=TROUBLE)
                found[name]["processor"].append(machine.processor_seconds() - begin)
                found[name]["clock"].append(machine.time_of(LOGIN) - machine.time_of(START))
                if name == "forgets":
                    shell.log_in(60)
                    space = dict(line.split() for line in shell.check("cat /run/vhdboot/space").splitlines())
                    found[name]["store"].append(int(space["used"]) / MIB)
    return found


# --- what is printed

def verdict(good: bool) -> str:
    return "ok" if good else "short"


def report_logins(found: dict[str, dict[str, list[float]]]) -> None:
    medians = {name: {key: statistics.median(values) for key, values in what.items()} for name, what in found.items()}
    flat, forgets = medians["flat"], medians["forgets"]
    print(f"{'':44}{'flat':>9}{'forgets':>9}{'more':>9}  target")
    for key in ("clock", "processor"):
        more = forgets[key] - flat[key]
        print(f"{f'seconds to the login prompt, {key}':44}{flat[key]:9.1f}{forgets[key]:9.1f}{more:9.1f}  at most 1 {verdict(more <= 1)}")
    print(f"{'store in use at the login prompt, MiB':44}{'':9}{forgets['store']:9.1f}{'':9}  at most 64 "
          f"{verdict(forgets['store'] <= 64)}\n", flush=True)


def speed_text(work: Work, seconds: float) -> str:
    return f"{work.count / seconds:.0f}/s" if work.mixed else f"{work.size / seconds / 1e6:.0f} MB/s"


def ratio_text(ratio: float, target: float) -> str:
    return f"{ratio:7.2f} {verdict(ratio >= target) if target else '':5}"


def report(title: str, cases: list[Case], times: Times, flat: Times) -> None:
    """The same work's ratio on a flat image tells how much of it is the loop device's, which every image has."""
    print(f"{title:40}" + f"{'plain':>10}{'here':>10}{'ratio':>7} {'':5}{'flat':>6}" * 2 + "  target")
    titles = {case.work: case.title for case in FLAT}
    for case in cases:
        row = f"  {case.title:38}"
        for speed in (SLOW, FAST):
            plain, here = (statistics.median(times[speed, name]) for name in (f"plain {case.title}", case.title))
            target = case.target if speed == SLOW else 0  # no disk costs nothing
            row += f"{speed_text(case.work, plain):>10}{speed_text(case.work, here):>10}{ratio_text(plain / here, target)}"
            name = titles.get(case.work)
            usual = statistics.median(flat[speed, f"plain {name}"]) / statistics.median(flat[speed, name]) if name else 0
            row += f"{usual:6.2f}" if usual else f"{'':6}"
        print(f"{row}{f'  at least {case.target}' if case.target else ''}".rstrip())
    print(flush=True)


def report_peers(times: Times) -> None:
    """How many times the peer's speed ours is."""
    print(f"{'an image that grows, present, beside':40}" + f"{'':20}{'times':>7} {'':11}" * 2 + "  target")
    for peer in PEERS:
        for title in ("random reads", "random writes"):
            row = f"  {f'{peer}, {title}':38}"
            for speed in (SLOW, FAST):
                ours = statistics.median(times[speed, f"present, {title}"]) / FOUR[title].count
                theirs = statistics.median(times[speed, f"{peer}, {title}"]) / PEER_COUNT
                row += f"{'':20}{ratio_text(theirs / ours, 3)}{'':6}"
            print(f"{row}  at least 3")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="of each case; the median counts")
    parser.add_argument("--logins", type=int, default=2, help="starts of each Debian; 0: none")
    args = parser.parse_args()
    output = TEST_OUTPUT / "bench"
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="layers.", dir=output) as name:
        folder = Path(name)
        for kind in ("flat", "forgets", "grows"):
            (folder / kind).mkdir()
        tools, plain = make_tools(folder), folder / "plain.raw"
        plain.write_bytes(random.Random(9).randbytes(PRESENT))
        guest = tiny_guest.make(SCRIPT, modules=MODULES, notes_size=Layout(args.rounds).size)
        image = shutil.copy(guest.image, folder / "debian.vhd")
        print(f"{' '.join(accelerator_words())}; medians of {args.rounds}. Left: by the clock, on disks of {SLOW[0] // 1_000_000} "
              f"MB/s and {SLOW[1]} operations a second;\nright: by the time of the processor, on disks that cost it nothing. "
              "flat: the ratio of the same work on a flat image.\n", flush=True)

        def in_turn(cases: list[Case], layout: Layout):
            return lambda machine, shell: measure(machine, shell, cases, layout, args.rounds)

        def grow(machine: Machine, shell: GuestShell) -> tuple[Times, dict[str, float]]:
            flushes = flushes_of_new_blocks(machine, shell, layout)
            start_peers(shell)
            return measure(machine, shell, GROWS + OF_PEERS, layout, args.rounds), flushes

        if args.logins:
            report_logins(logins(args.logins, folder))
        flat = boot(folder / "flat", plain, tools, [image], "", in_turn(FLAT, Layout(args.rounds)))
        report("a flat image", FLAT, flat, flat)
        report("a root that forgets", FORGETS, boot(folder / "forgets", plain, tools, [image], "ephemeral yes\n",
                                                    in_turn(FORGETS, Layout(args.rounds))), flat)
        layout = Layout(args.rounds)
        files = make_chain(folder / "grows", guest, layout) + make_peers(folder / "grows")
        times, flushes = boot(folder / "grows", plain, tools, files, "host-mount /disk rw\n", grow)
        report("an image that grows", GROWS, times, flat)
        report("the peers", OF_PEERS, times, flat)
        report_peers(times)
        for title, each in flushes.items():
            print(f"  flushes for a new block, {title:15}{each:6.2f}  at most 2 {verdict(each <= 2)}")


if __name__ == "__main__":
    main()
