# SPDX-License-Identifier: GPL-2.0-or-later
"""How much longer stage 1 and stage 2 take for a chain in tens of thousands of rows than for a flat image: from the
image being found to it being attached. The figure to hold is 300 ms.

    /usr/bin/python3 -m tests.bench.chain_bench [--fs ntfs|exfat] [--runs N]
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from tests.support import chains, hostdisk, tiny_guest
from tests.support.paths import PRODUCTS, TEST_OUTPUT
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE

MOST_MS = 300
STEPS = {"stage 1": (r"vhdboot\[stage1\]: checkpoint=volume\b", r"vhdboot\[stage1\]: checkpoint=attached\b"),
         "stage 2": (r"vhdboot\[stage2\]: checkpoint=volume\b", r"vhdboot\[stage2\]: checkpoint=attached\b")}
MODULES = ("dm-zero", "dm-snapshot")
PIECE = 5  # sectors: some 30,000 rows


def measure(files: list[Path], fs: str, folder: Path) -> dict[str, float]:
    conf = folder / "debian.conf"
    conf.write_text(f"image /boot/{files[0].name}\nephemeral yes\n", encoding="utf-8")
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(fs=fs), {
        **{f"/boot/{file.name}": file for file in files}, "/boot/debian.conf": conf,
        "/boot/debian.efi": PRODUCTS / "vhdboot.efi"})
    with Machine(MachineSpec([Disk(host.path, boot=0)]), log=folder / f"{files[0].stem}.log") as machine:
        machine.expect(r"guest: done", 600, failing=TROUBLE)
        machine.wait_exit(120)
        return {step: machine.time_of(last) - machine.time_of(first) for step, (first, last) in STEPS.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fs", choices=("ntfs", "exfat"), default="ntfs")
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    output = TEST_OUTPUT / "bench"
    output.mkdir(parents=True, exist_ok=True)
    guest = tiny_guest.make("", modules=MODULES)
    with tempfile.TemporaryDirectory(prefix="chain.", dir=output) as name:
        folder = Path(name)
        payload = guest.image.read_bytes()[: guest.payload]
        chain = chains.vhdx_of_three(folder, payload, piece=PIECE, dense=True)
        print(f"{len(payload) // (512 * PIECE)} rows")
        flat: dict[str, list[float]] = {step: [] for step in STEPS}
        rows: dict[str, list[float]] = {step: [] for step in STEPS}
        for _ in range(args.runs):
            for files, times in (([guest.image], flat), (chain, rows)):
                for step, seconds in measure(files, args.fs, folder).items():
                    times[step].append(seconds)
    print(f"from the volume to the attached image, ms, median of {args.runs}, {args.fs}\n")
    print(f"{'':10}{'flat':>10}{'chain':>10}{'more':>10}  target")
    for step in STEPS:
        one, other = (1000 * statistics.median(times[step]) for times in (flat, rows))
        print(f"{step:10}{one:10.0f}{other:10.0f}{other - one:10.0f}  at most {MOST_MS} "
              f"{'ok' if other - one <= MOST_MS else 'short'}")


if __name__ == "__main__":
    main()
