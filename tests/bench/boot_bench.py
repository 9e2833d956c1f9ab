# SPDX-License-Identifier: GPL-2.0-or-later
"""How much longer a boot through vhdboot takes than the firmware starting the same UKI from a disk of its own.

Both are started by the firmware from an ESP, alternately, on the same kind of disk; times count from that start. With
--compare another vhdboot.efi takes part in the same run, and where each spends its time is printed side by side. On a
machine that does other work: --clock processor, and --short, which ends each run when the root is mounted.

    /usr/bin/python3 -m tests.bench.boot_bench [--guest NAME] [--fs ntfs|exfat] [--runs N] [--compare OTHER.efi]
        [--clock wall|processor] [--short] [--json FILE]
"""

import argparse
import json
import re
import statistics
import tempfile
from pathlib import Path

from tests.support import disk, hostdisk
from tests.support.guest import guest as get_guest
from tests.support.images import guest_vhd
from tests.support.paths import PRODUCTS, TEST_OUTPUT
from tests.support.qemu import Disk, Machine, MachineSpec, accelerator_words
from tests.support.shell import LOGIN, GuestShell

START = r"BdsDxe: starting Boot"
KERNEL = r"^\[ +0\.0+\] Linux version .*"
ROOT = r"EXT4-fs \(\w+\): mounted filesystem"
PROCESS = ("target kernel's first process", r"Run /\S+ as init process")
ALL = [("target kernel's first line", KERNEL), PROCESS, ("root mounted", ROOT), ("login prompt", LOGIN)]
STAGE1 = "stage 1: start"
# The boot kernel says nothing by itself, so the first "Linux version" is the target's. Its own start is counted back
# from what stage 1 says of its clock.
BOOT_KERNEL = "boot kernel's clock starts"
UPTIME = r"vhdboot\[stage1\]: checkpoint=start uptime=(\d+\.\d+)"
OURS = [("stub starts the boot kernel", r"vhdboot \d\S*: starting the boot kernel")] + [
    (f"stage 1: {name}", rf"vhdboot\[stage1\]: checkpoint={name}\b")
    for name in ("start", "settings", "volume", "image", "attached", "entry", "modules", "loaded", "kexec")
] + ALL[:2] + [
    (f"stage 2: {name}", rf"vhdboot\[stage2\]: checkpoint={name}\b")
    for name in ("start", "modules", "volume", "attached", "init")
] + ALL[2:]


def measure(args, disks: list[Disk], moments, log: Path) -> dict[str, float]:
    """When each of the moments came, in order."""
    # A run that is cut off leaves nothing on the disks.
    spec = MachineSpec(disks, extra=["-snapshot"] if args.short else [])
    with Machine(spec, log=log, processor_time=args.clock == "processor") as machine:
        if args.short:
            machine.expect(KERNEL, 300)
            machine.expect(ROOT, 600)
        else:
            GuestShell(machine).log_in(900)
        start = machine.time_of(START)
        times = {name: machine.time_of(pattern) for name, pattern in moments}
        uptime = re.search(UPTIME, machine.text)
        if uptime:
            times[BOOT_KERNEL] = times[STAGE1] - float(uptime[1])
        if not args.short:
            machine.send("poweroff\n")
            machine.wait_exit(300)
    found = {name: moment - start for name, moment in times.items() if moment is not None}
    return dict(sorted(found.items(), key=lambda item: item[1]))


def median(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs if name in run) for name in runs[0]}


def run_all(args, output: Path) -> dict[str, list[dict[str, float]]]:
    """What each way measured, run after run: one of each in turn, so that what else the machine does hits all alike."""
    guest = get_guest(args.guest)
    products = {"vhdboot": PRODUCTS / "vhdboot.efi"} | ({"other": args.compare} if args.compare else {})
    with tempfile.TemporaryDirectory(prefix="boot.", dir=output) as temporary:
        folder = Path(temporary)
        disk.clone(guest.disk, folder / "direct")
        starter = hostdisk.make_esp_disk(folder / "starter", {"/EFI/BOOT/BOOTX64.EFI": guest.uki})
        ways = {"direct": ([Disk(folder / "direct"), Disk(starter, boot=0)], ALL)}
        for name, efi in products.items():
            host = hostdisk.make_started_from_esp(folder / name / "host", hostdisk.HostSpec(fs=args.fs),
                                                  {"/boot/guest.vhd": guest_vhd(guest)}, efi)
            ways[name] = ([Disk(host.path, boot=0)], OURS)
        runs = {name: [] for name in ways}
        for number in range(args.runs):
            for name, (disks, moments) in ways.items():
                runs[name].append(measure(args, disks, moments, output / f"{name}-{number}.log"))
    return runs


def report(args, medians: dict[str, dict[str, float]]) -> None:
    direct = medians["direct"]
    ours = {name: times for name, times in medians.items() if name != "direct"}
    clock = "" if args.clock == "wall" else "of processor time "
    print(f"\n{args.guest} on {args.fs}, {args.runs} run(s), {' '.join(accelerator_words())}; seconds {clock}since the "
          "firmware started the EFI file\n")
    print(f"{'':32}{'direct':>8}" + "".join(f"{name:>9}{'ratio':>7}" for name in ours))
    for name, _ in ALL:
        if name in direct and all(name in times for times in ours.values()):
            print(f"{name:32}{direct[name]:8.2f}" + "".join(
                f"{times[name]:9.2f}{times[name] / direct[name]:7.2f}" for times in ours.values()))
    heads = [f"{name if len(ours) > 1 else ''} at" for name in ours]
    print(f"\n{'where vhdboot spends it':32}" + "".join(f"{head.strip():>11}{'took':>7}" for head in heads))
    last = dict.fromkeys(ours, 0.0)
    for name in ours["vhdboot"]:
        row = ""
        for way, times in ours.items():
            if name in times:
                row += f"{times[name]:11.2f}{times[name] - last[way]:7.2f}"
                last[way] = times[name]
            else:
                row += f"{'-':>11}{'-':>7}"
        print(f"{name:32}{row}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--guest", default="debian12")
    parser.add_argument("--fs", choices=("ntfs", "exfat"), default="ntfs")
    parser.add_argument("--runs", type=int, default=1, help="of each; the median counts")
    parser.add_argument("--compare", type=Path, metavar="OTHER.efi", help="measure this vhdboot.efi too, as `other`")
    parser.add_argument("--clock", choices=("wall", "processor"), default="wall")
    parser.add_argument("--short", action="store_true", help="end each run when the root is mounted")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    output = TEST_OUTPUT / "bench"
    output.mkdir(parents=True, exist_ok=True)
    runs = run_all(args, output)
    report(args, {name: median(times) for name, times in runs.items()})
    if args.json:
        args.json.write_text(json.dumps(runs, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
