# SPDX-License-Identifier: GPL-2.0-or-later
"""How many flushes reach the disk for each fsync in the guest, by the number of pieces that its image lies in.

    /usr/bin/python3 -m tests.bench.flush_bench [--guest NAME]... [--fs ntfs|exfat] [--pieces N]... [--fsyncs N]
"""

import argparse
import tempfile
from pathlib import Path

from tests.support import hostdisk
from tests.support.guest import guest as get_guest
from tests.support.images import guest_vhd
from tests.support.paths import PRODUCTS, TEST_OUTPUT
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE, GuestShell


def flushes(guest: str, fs: str, pieces: int, fsyncs: int, folder: Path) -> float:
    """Flushes an fsync of one block, where nothing else writes."""
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(fs=fs, pieces=pieces), {
        "/boot/debian.vhd": guest_vhd(get_guest(guest)), "/boot/debian.efi": PRODUCTS / "vhdboot.efi"})
    with Machine(MachineSpec([Disk(host.path, boot=0)]), log=folder / f"{guest}-{pieces}.log") as machine:
        machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 240, failing=TROUBLE)
        shell = GuestShell(machine)
        shell.log_in(900)
        # A write without a change of the file's length, so that the journal has nothing to do.
        shell.check("systemctl is-system-running --wait; dd if=/dev/zero of=/root/f bs=4k count=1 conv=fsync; sync", 240)
        before = machine.block_statistics(0)["flush_operations"]
        shell.check(f"for i in $(seq {fsyncs}); do dd if=/dev/urandom of=/root/f bs=4k count=1 conv=notrunc,fsync "
                    "status=none; done", 600)
        after = machine.block_statistics(0)["flush_operations"]
        machine.send("poweroff\n")
        machine.wait_exit(240)
    return (after - before) / fsyncs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--guest", action="append")
    parser.add_argument("--fs", choices=("ntfs", "exfat"), default="ntfs")
    parser.add_argument("--pieces", action="append", type=int)
    parser.add_argument("--fsyncs", type=int, default=20)
    args = parser.parse_args()
    output = TEST_OUTPUT / "bench"
    output.mkdir(parents=True, exist_ok=True)
    print(f"flushes of the disk for each of {args.fsyncs} fsyncs, {args.fs}\n")
    for guest in args.guest or ["debian12", "debian13"]:
        one = None
        for pieces in args.pieces or [1, 4, 20_000]:
            with tempfile.TemporaryDirectory(prefix="flush.", dir=output) as folder:
                each = flushes(guest, args.fs, pieces, args.fsyncs, Path(folder))
            one = one or each
            print(f"{guest:12}{pieces:8} piece(s){each:8.2f}{each / one:8.2f} times", flush=True)


if __name__ == "__main__":
    main()
