# SPDX-License-Identifier: GPL-2.0-or-later
"""How much longer a boot through vhdboot takes than the firmware starting the same UKI from a disk of its own.

Both are started by the firmware from an ESP, alternately, on the same kind of disk; times count from that start.

    python3 -m tests.bench.boot_bench [--guest NAME] [--fs ntfs|exfat] [--runs N] [--json FILE]
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from tests.support import disk, hostdisk
from tests.support.guest import guest as get_guest
from tests.support.images import guest_vhd
from tests.support.paths import PRODUCTS, TEST_OUTPUT
from tests.support.qemu import Disk, Machine, MachineSpec, accelerator_words
from tests.support.shell import TROUBLE, GuestShell

START = r"BdsDxe: starting Boot"
KERNEL = r"^\[ +0\.0+\] Linux version .*"
ROOT = r"EXT4-fs \(\w+\): mounted filesystem"
LOGIN = r"^\S+ login: "
PROCESS = ("target kernel's first process", r"Run /\S+ as init process")
ALL = [("target kernel's first line", KERNEL), PROCESS, ("root mounted", ROOT), ("login prompt", LOGIN)]
# The boot kernel is quiet, so the first "Linux version" is the target's.
OURS = [("stub starts the boot kernel", r"vhdboot [\d.]+: starting the boot kernel")] + [
    (f"stage 1: {name}", rf"vhdboot\[stage1\]: checkpoint={name}")
    for name in ("start", "settings", "image", "attached", "entry", "modules", "loaded", "kexec")
] + ALL[:2] + [
    (f"stage 2: {name}", rf"vhdboot\[stage2\]: checkpoint={name}")
    for name in ("start", "modules", "volume", "attached", "init")
] + ALL[2:]


def measure(disks: list[Disk], moments, log: Path) -> dict[str, float]:
    with Machine(MachineSpec(disks), log=log) as machine:
        GuestShell(machine).log_in(900)
        start = machine.time_of(START)
        times = {name: machine.time_of(pattern) for name, pattern in moments}
        machine.send("poweroff\n")
        machine.wait_exit(300)
    return {name: moment - start for name, moment in times.items() if moment is not None}


def median(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs if name in run) for name in runs[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--guest", default="debian12")
    parser.add_argument("--fs", choices=("ntfs", "exfat"), default="ntfs")
    parser.add_argument("--runs", type=int, default=1, help="of each; the median counts")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    guest = get_guest(args.guest)
    output = TEST_OUTPUT / "bench"
    output.mkdir(parents=True, exist_ok=True)
    direct, ours = [], []
    with tempfile.TemporaryDirectory(prefix="boot.", dir=output) as temporary:
        folder = Path(temporary)
        conf = folder / "conf"
        spec = hostdisk.HostSpec(fs=args.fs, loader="esp")
        # Named, as it is when GRUB or Ventoy starts vhdboot from the host volume: else every disk is waited for.
        serial = hostdisk.NTFS_SERIAL if args.fs == "ntfs" else hostdisk.EXFAT_SERIAL
        conf.write_text(f"image /boot/guest.vhd\nvolume {serial}\n", encoding="utf-8")
        esp = {"/EFI/BOOT/BOOTX64.EFI": PRODUCTS / "vhdboot.efi", "/EFI/BOOT/BOOTX64.conf": conf}
        hostdisk.make(folder / "ours", spec, {"/boot/guest.vhd": guest_vhd(guest)}, esp)
        disk.clone(guest.disk, folder / "direct")
        starter = hostdisk.make_esp_disk(folder / "starter", {"/EFI/BOOT/BOOTX64.EFI": guest.uki})
        for number in range(args.runs):
            direct.append(measure([Disk(folder / "direct"), Disk(starter, boot=0)], ALL,
                                  output / f"direct-{number}.log"))
            ours.append(measure([Disk(folder / "ours", boot=0)], OURS, output / f"vhdboot-{number}.log"))
    report(args, median(direct), median(ours))
    if args.json:
        args.json.write_text(json.dumps({"direct": direct, "vhdboot": ours}, indent=2) + "\n", encoding="utf-8")


def report(args, direct: dict[str, float], ours: dict[str, float]) -> None:
    print(f"\n{args.guest} on {args.fs}, {args.runs} run(s), {' '.join(accelerator_words())}; seconds since the firmware "
          "started the EFI file\n")
    print(f"{'':32}{'direct':>8}{'vhdboot':>9}{'ratio':>7}")
    for name, _ in ALL:
        if name in direct and name in ours:
            print(f"{name:32}{direct[name]:8.2f}{ours[name]:9.2f}{ours[name] / direct[name]:7.2f}")
    print(f"\n{'where vhdboot spends it':32}{'at':>8}{'took':>9}")
    last = 0.0
    for name, _ in OURS:
        if name in ours:
            print(f"{name:32}{ours[name]:8.2f}{ours[name] - last:9.2f}")
            last = ours[name]


if __name__ == "__main__":
    main()
