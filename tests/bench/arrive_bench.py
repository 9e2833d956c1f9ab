# SPDX-License-Identifier: GPL-2.0-or-later
"""How long it takes to the login prompt of a system whose image lies on a web server, and what moves until then: with what
a boot needs, and with all of it fetched before. As root:

    /usr/bin/python3 -m tests.bench.arrive_bench [--rate MBIT]... [--guest NAME]

The server's rate is limited; the machine is one of QEMU's. A second start of the first kind has the list of what the first
one has read. Writing the file with zeros before anything comes is part of each fetch, and told apart.
"""

import argparse
import re
import shutil
import tempfile
import time
from pathlib import Path

from tests.support import disk, hostdisk, vhd
from tests.support.command import run
from tests.support.guest import guest as get_guest
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import LOGIN, TROUBLE
from tests.support.web import nginx

NETWORK = ["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="]


def moved(log: Path) -> int:
    """Bytes of the bodies of all answers about the image, by nginx."""
    return sum(int(size) for size in re.findall(r'"GET /debian\.vhd HTTP[^"]*" 206 (\d+)', log.read_text(encoding="utf-8")))


def boot(files: dict[str, Path], folder: Path) -> tuple[float, hostdisk.HostDisk]:
    """Seconds from the firmware's start to the login prompt."""
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(), files | {"/boot/debian.efi": PRODUCTS / "vhdboot.efi"})
    with Machine(MachineSpec([Disk(host.path, boot=0)], extra=NETWORK)) as machine:
        machine.expect(LOGIN, 1800, failing=TROUBLE)
        return machine.now(), host


def fetch(url: str, root_hash: str, here: Path, *options: str) -> float:
    began = time.monotonic()
    run(PRODUCTS / "vhdtool", "fetch", *options, url, here / "debian.vhd", "--root-hash", root_hash)
    return time.monotonic() - began


def measure(rate: int, served: Path, root_hash: str, work: Path, kind: str) -> None:
    with tempfile.TemporaryDirectory(dir=work) as name:
        folder = Path(name)
        here = folder / "here"
        here.mkdir()
        with nginx(served, folder / "nginx", limit=rate * 125_000) as url:
            seconds = fetch(f"{url}/debian.vhd", root_hash, here, *([] if kind == "all before" else ["--boot-set"]))
            before = moved(folder / "nginx/access.log")
            if kind != "all before":
                source = re.sub("//[^:/]*", "//10.0.2.2", url)
                (here / "debian.conf").write_text(f"source {source}/debian.vhd\nroot-hash {root_hash}\n", encoding="ascii")
            files = sorted(here.iterdir(), key=lambda path: path.suffix != ".vhd")
            login, host = boot({f"/boot/{path.name}": path for path in files}, folder)
            all_moved = moved(folder / "nginx/access.log")
        print(f"{rate:5} Mbit/s, {kind:17}: fetch {seconds:6.1f} s, {before / disk.MIB:7.1f} MiB; to the login prompt "
              f"{login:6.1f} s, {(all_moved - before) / disk.MIB:7.1f} MiB; together {seconds + login:6.1f} s, "
              f"{all_moved / disk.MIB:7.1f} MiB", flush=True)
        if kind == "what a boot needs":
            # What has been read is in the map when it is saved, some seconds later at most.
            kept = hostdisk.extract_file(host, "/boot/debian.vhd.map", folder / "debian.vhd.map")
            (folder / "debian.vhd").touch()
            text = run(PRODUCTS / "vhdtool", "boot-set", kept.with_suffix(""))
            (served / "debian.vhd.boot-set").write_text(text, encoding="ascii")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, action="append", help="megabits a second; 100 and 1000 unless given")
    parser.add_argument("--guest", default="debian12")
    words = parser.parse_args()
    guest = get_guest(words.guest)
    with tempfile.TemporaryDirectory(prefix="vhdboot-arrive.") as name:
        work = Path(name)
        served = work / "served"
        served.mkdir()
        image = served / "debian.vhd"
        run("cp", "--sparse=always", guest.disk, image)
        vhd.make_fixed(image)
        root_hash = run(PRODUCTS / "vhdtool", "hashes", image).strip()
        first = run(PRODUCTS / "vhdtool", "boot-set", image)
        for rate in words.rate or [100, 1000]:
            (served / "debian.vhd.boot-set").write_text(first, encoding="ascii")
            for kind in ("all before", "what a boot needs", "what one has read"):
                measure(rate, served, root_hash, work, kind)
        shutil.rmtree(served)


if __name__ == "__main__":
    main()
