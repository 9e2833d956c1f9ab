# SPDX-License-Identifier: GPL-2.0-or-later
"""What it takes until a system whose image lies on a web server is at its login prompt: time, bytes and memory. As root:

    /usr/bin/python3 -m tests.bench.arrive_bench [--rate MBIT]... [--size GIB]... [--what WHAT]... [--guest NAME]

`vhdtool fetch` writes to the file system here, and what is there then is put on an NTFS volume, of which a machine of QEMU's
is booted. WHAT is

    whole     all of it is fetched before the start
    boot-set  what `vhdtool boot-set` says of the image is fetched, the rest comes while it runs
    read      the same with the list of what that first start has read
    nbdkit    nothing is fetched: the disk of `whole`, before its start, is QEMU's by nbdkit's plugin curl and filter cache, with
              cache-on-read=true, and cache=unsafe, as nothing can be written to the server. So firmware, GRUB and vhdboot do
              the same as with the others, and each block of the host disk comes when it is read, vhdboot.efi too.
              It takes Debian's package nbdkit.

The line is as slow as it is said, for all connections together, and without a delay. Bytes are those of the bodies of nginx's
answers; "tree" is all that is not of the image: the hash tree, and the list. "zeros" is for how long nothing came while the
file was written with zeros; "later" is what comes until all is there, for which only `boot-set` at the first rate waits. A
size of 0 is the guest as it is. The others are the guest on a larger disk, its root file system grown to it, with `boot-set`
and the first rate only, on exFAT; they take their size on the disk here.

Memory is that of vhdboot's processes at the prompt, each byte once (Pss), what they have locked, and the most that nbdkit had
here, without the file of its cache. With `whole` and `boot-set`, what was complete before the start and what has arrived are
read, through the disk and through the file system: how many times as fast the latter is, by the clock and by the time that
QEMU had a processor.
"""

import argparse
import contextlib
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from tests.support import disk, hostdisk, vhd
from tests.support.arriving import NETWORK
from tests.support.command import die_with_parent, run
from tests.support.disk import MIB
from tests.support.guest import Guest
from tests.support.guest import guest as get_guest
from tests.support.paths import PRODUCTS, TEST_OUTPUT
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import LOGIN, TROUBLE, GuestShell
from tests.support.vhdtool import loop_device
from tests.support.web import Line, line, nginx

GIB = 1024 * MIB
OUTPUT = TEST_OUTPUT / "bench"
WHAT = ("whole", "nbdkit", "boot-set", "read")
ALL_THERE = "until dmesg | grep -q 'from now on it is one like any other'; do sleep 1; done"
MEMORY = """for file in $(grep -l '^@vhdboot/arrive' /proc/[0-9]*/cmdline); do
cat ${file%cmdline}status ${file%cmdline}smaps_rollup; done | grep -E '^(VmRSS|VmLck|Pss):'"""
READS = {"the disk": "dd if=$(findmnt -no SOURCE /) of=/dev/null bs=1M count=512 iflag=direct",
         "the file system": "cat /usr/lib/x86_64-linux-gnu/*.so* /usr/bin/* > /dev/null"}
ROUNDS = 3


@dataclass(frozen=True)
class Image:
    served: Path  # the folder
    size: int
    is_grown: bool
    root_hash: str
    first: str  # what `vhdtool boot-set` says of it

    def set_list(self, text: str) -> None:
        (self.served / "debian.vhd.boot-set").write_text(text, encoding="ascii")


class Web:
    """The server, behind the line."""

    def __init__(self, slow: Line, log: Path):
        self.line = slow
        self.url = f"{slow.url}/debian.vhd"
        self._log = log

    def moved(self) -> dict[str, int]:
        """Bytes of the bodies of all answers so far."""
        found = {"image": 0, "tree": 0}
        for name, size in re.findall(r'"GET /(\S+) HTTP[^"]*" 20[06] (\d+)', self._log.read_text(encoding="utf-8")):
            found["image" if name in ("debian.vhd", "host.raw") else "tree"] += int(size)
        return found


@contextlib.contextmanager
def web(image: Image, rate: int, folder: Path):
    with nginx(image.served, folder / "nginx") as url, line(url, rate * 125_000) as slow:
        yield Web(slow, folder / "nginx/access.log")


def make_image(guest: Guest, gib: int, folder: Path) -> Image:
    """gib: of the disk; 0: as it is."""
    folder.mkdir()
    file = disk.clone(guest.disk, folder / "debian.vhd")
    if gib:
        grow(file, guest, gib * GIB)
    size = file.stat().st_size
    vhd.make_fixed(file)
    root_hash = run(PRODUCTS / "vhdtool", "hashes", file).strip()
    return Image(folder, size, gib != 0, root_hash, run(PRODUCTS / "vhdtool", "boot-set", file))


def grow(file: Path, guest: Guest, size: int) -> None:
    """The disk, its last partition, and the file system there."""
    os.truncate(file, size)
    run("sgdisk", "--move-second-header", file)
    root = size - MIB - guest.root_offset
    run("sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", "-N", len(guest.recipe.roles), file,
        stdin=f", {root // 512}\n".encode())
    with loop_device(file, "--offset", guest.root_offset, "--sizelimit", root) as device:
        run("e2fsck", "-f", "-p", device, ok=(0, 1))
        run("resize2fs", device)
    run("fallocate", "--dig-holes", file)


@dataclass
class Fetched:
    host: hostdisk.HostDisk
    seconds: float  # without
    zeros: float
    moved: dict[str, int]


def fetch(image: Image, server: Web, folder: Path, *options: str) -> Fetched:
    """And a host disk with it."""
    here = folder / "here"
    here.mkdir()
    server.line.silence = 0
    began = time.monotonic()
    run(PRODUCTS / "vhdtool", "fetch", *options, server.url, here / "debian.vhd", "--root-hash", image.root_hash)
    seconds = time.monotonic() - began
    zeros = server.line.silence
    moved = server.moved()
    if options:
        source = re.sub("//[^:/]*", "//10.0.2.2", server.url)
        (here / "debian.conf").write_text(f"source {source}\nroot-hash {image.root_hash}\n", encoding="ascii")
    # An exFAT is filled here without writing all the zeros once more.
    spec = hostdisk.HostSpec(fs="exfat" if image.is_grown else "ntfs", cluster=32768 if image.is_grown else 4096)
    files = {f"/boot/{path.name}": path for path in sorted(here.iterdir())}
    host = hostdisk.make(folder / "host.raw", spec, files | {"/boot/debian.efi": PRODUCTS / "vhdboot.efi"})
    shutil.rmtree(here)
    return Fetched(host, seconds - zeros, zeros, moved)


def what_was_read(host: hostdisk.HostDisk, folder: Path) -> str:
    """By the map, which is saved some seconds later at most."""
    hostdisk.extract_file(host, "/boot/debian.vhd.map", folder / "debian.vhd.map")
    (folder / "debian.vhd").touch()
    return run(PRODUCTS / "vhdtool", "boot-set", folder / "debian.vhd")


# --- what is booted

def log_in(machine: Machine) -> tuple[float, GuestShell]:
    """Seconds from the firmware's start to the login prompt."""
    shell = GuestShell(machine)
    machine.expect(f"(?=(?:{LOGIN}))", 1800, failing=TROUBLE)
    seconds = machine.now()
    shell.log_in(60)
    return seconds, shell


def memory(shell: GuestShell) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for name, kib in re.findall(r"(\w+):\s+(\d+) kB", shell.check(MEMORY)):
        found[name] += int(kib) / 1024
    return found


Speeds = dict[str, tuple[float, float]]  # seconds of the clock and of the processor


def read_all(machine: Machine, shell: GuestShell) -> Speeds:
    shell.check("systemctl is-system-running --wait", 240)
    found = {}
    for name, command in READS.items():
        times = []
        for _ in range(ROUNDS):
            shell.check("echo 3 > /proc/sys/vm/drop_caches")
            before = machine.processor_seconds()
            text = shell.check(f"a=$(date +%s%N); {command} 2>/dev/null; b=$(date +%s%N); echo $((b - a))", 240)
            times.append((int(text) / 1e9, machine.processor_seconds() - before))
        found[name] = tuple(statistics.median(column) for column in zip(*times, strict=True))
    return found


# --- what is printed

def mib(count: int) -> str:
    return f"{count / MIB:9.1f}"


def print_head() -> None:
    print(f"{'':25}{'seconds':^32} {'MiB before the start':^18}{'to the':>9}{'':9} {'memory, MiB':^16}\n"
          f"{'Mbit/s':>6} {'GiB':>5} {'what':12}{'zeros':>8}{'fetch':>8}{'prompt':>8}{'all':>8} {'image':>9}{'tree':>9}"
          f"{'prompt':>9}{'later':>9} {'used':>8}{'locked':>8}", flush=True)


def print_row(rate: int, image: Image, what: str, fetched: Fetched | None, login: float, until: dict[str, int],
              later: str, used: str, locked: str) -> None:
    before = fetched.moved if fetched else {"image": 0, "tree": 0}
    zeros, seconds = (fetched.zeros, fetched.seconds) if fetched else (0, 0)
    print(f"{rate:6} {image.size / GIB:5.2f} {what:12}{zeros:8.1f}{seconds:8.1f}{login:8.1f}{zeros + seconds + login:8.1f} "
          f"{mib(before['image'])}{mib(before['tree'])}{mib(sum(until.values()) - sum(before.values()))}{later:>9} "
          f"{used:>8}{locked:>8}", flush=True)


def machine_of(path: Path, name: str) -> Machine:
    return Machine(MachineSpec([Disk(path, boot=0)], extra=NETWORK), log=OUTPUT / f"arrive-{name}.log")


def measure_nbdkit(rate: int, image: Image, host: hostdisk.HostDisk, folder: Path) -> None:
    program = shutil.which("nbdkit", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        print("SKIP nbdkit: it is not there, install the package nbdkit", flush=True)
        return
    folder.mkdir()
    shared = image.served / "host.raw"
    shared.symlink_to(host.path)
    socket = folder / "socket"
    with web(image, rate, folder) as server:
        words = [program, "--foreground", "--unix", socket, "--filter=cache", "curl", f"{server.line.url}/host.raw",
                 "cache=unsafe", "cache-on-read=true"]
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(folder)},
                              preexec_fn=die_with_parent) as process:
            try:
                while not socket.exists():
                    assert process.poll() is None, "nbdkit has ended"
                    time.sleep(0.05)
                with machine_of(Path(f"nbd:unix:{socket}"), "nbdkit") as machine:
                    login, _ = log_in(machine)
                    moved = server.moved()
                    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            finally:
                process.kill()
    used = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024
    print_row(rate, image, "nbdkit", None, login, moved, "", f"{used:.1f}", "")
    shared.unlink()
    shutil.rmtree(folder)


def measure_whole(rate: int, image: Image, whats: list[str], folder: Path, to_the_end: bool) -> Speeds | None:
    """The two for which all of it is fetched."""
    with web(image, rate, folder) as server:
        fetched = fetch(image, server, folder)
    if "nbdkit" in whats:
        measure_nbdkit(rate, image, fetched.host, folder / "nbdkit")
    if "whole" not in whats:
        return None
    with machine_of(fetched.host.path, "whole") as machine:
        login, shell = log_in(machine)
        print_row(rate, image, "whole", fetched, login, fetched.moved, mib(0), "", "")
        return read_all(machine, shell) if to_the_end else None


def measure_arrival(rate: int, image: Image, what: str, folder: Path, to_the_end: bool) -> tuple[Speeds | None, str]:
    """How fast it is when all is there, if so long is waited; what has been read."""
    speeds, later = None, ""
    with web(image, rate, folder) as server:
        fetched = fetch(image, server, folder, "--boot-set")
        with machine_of(fetched.host.path, what) as machine:
            login, shell = log_in(machine)
            until = server.moved()
            used = memory(shell)
            if to_the_end:
                shell.check(ALL_THERE, 1800)
                later = mib(sum(server.moved().values()) - sum(until.values()))
                speeds = read_all(machine, shell)
            shell.check("sync", 120)
    print_row(rate, image, what, fetched, login, until, later, f"{used['Pss']:.1f}", f"{used['VmLck']:.1f}")
    return speeds, what_was_read(fetched.host, folder)


def measure(rate: int, image: Image, whats: list[str], work: Path, to_the_end: bool) -> None:
    """Each is deleted before the next begins."""
    image.set_list(image.first)
    flat = arrived = None
    if {"whole", "nbdkit"} & set(whats):
        with tempfile.TemporaryDirectory(dir=work) as folder:
            flat = measure_whole(rate, image, whats, Path(folder), to_the_end)
    if {"boot-set", "read"} & set(whats):
        with tempfile.TemporaryDirectory(dir=work) as folder:
            arrived, text = measure_arrival(rate, image, "boot-set", Path(folder), to_the_end)
    if "read" in whats:
        image.set_list(text)
        with tempfile.TemporaryDirectory(dir=work) as folder:
            measure_arrival(rate, image, "read", Path(folder), False)
    for name in READS if flat and arrived else ():
        clock, processor = (one / other for one, other in zip(flat[name], arrived[name], strict=True))
        print(f"       complete, {name}: {clock:.2f} times as fast as flat by the clock, {processor:.2f} by the processor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, action="append", help="megabits a second; 100 and 1000 unless given")
    parser.add_argument("--size", type=int, action="append", help="GiB; 0, 4 and 40 unless given")
    parser.add_argument("--what", choices=WHAT, action="append", help="all of them unless given")
    parser.add_argument("--guest", default="debian12")
    words = parser.parse_args()
    rates, whats = words.rate or [100, 1000], words.what or list(WHAT)
    guest = get_guest(words.guest)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    print_head()
    for gib in words.size or [0, 4, 40]:
        with tempfile.TemporaryDirectory(prefix="arrive.", dir=OUTPUT) as name:
            work = Path(name)
            needed = gib * GIB * 21 // 20 + 6 * GIB
            if (free := shutil.disk_usage(work).free) < needed:
                print(f"SKIP {gib} GiB: {needed / GIB:.0f} GiB are needed in {OUTPUT}, {free / GIB:.0f} are free", flush=True)
                continue
            image = make_image(guest, gib, work / "served")
            for rate in rates[:1] if gib else rates:
                measure(rate, image, ["boot-set"] if gib else whats, work, rate == rates[0] and not gib)


if __name__ == "__main__":
    main()
