# SPDX-License-Identifier: GPL-2.0-or-later
"""The bench by hand: `/usr/bin/python3 -m tests.support guest|host|boot ...` from the repository's root."""

import argparse
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import disk, hostdisk, proven
from .guest import guest
from .qemu import BUSES, Disk, Machine, MachineError, MachineSpec
from .vhd import make_fixed


def _guest(args) -> int:
    with ThreadPoolExecutor(max_workers=2) as makers:
        for made in makers.map(guest, args.name):
            print(made.disk, *([made.uki] if made.uki.exists() else []), sep="\n")
    return 0


def _host(args) -> int:
    spec = hostdisk.HostSpec(fs=args.fs, table=args.table, block_size=args.block_size, cluster=args.cluster,
                             pieces=args.pieces, load_options=args.options)
    image = args.out.with_name(args.out.name + ".vhd")
    disk.clone(guest(args.guest).disk, image)
    make_fixed(image)
    files = {"/boot/debian.vhd": image, "/boot/debian.efi": args.efi}
    if args.conf:
        files["/boot/debian.conf"] = args.conf
    made = hostdisk.make(args.out, spec, files)
    image.unlink()
    print(made.path, f"extents {made.extents['/boot/debian.vhd'][:8]}", sep="\n")
    return 0


def _proven(_) -> int:
    proven.write_page()
    print(proven.PAGE)
    return 0


def _boot(args) -> int:
    disks = [Disk(path, bus=args.bus, block_size=args.block_size, boot=number) for number, path in enumerate(args.disk)]
    spec = MachineSpec(disks, memory_mib=args.memory, kernel=args.kernel, initrd=args.initrd, cmdline=args.append)
    with Machine(spec, log=args.log, echo=lambda text: print(text, end="", flush=True)) as machine:
        try:
            for step in args.step or [r"expect:login:", "send:root\\n", "expect:# ", "send:poweroff\\n", "exit"]:
                word, _, rest = step.partition(":")
                match word:
                    case "expect":
                        machine.expect(rest, args.seconds)
                        print(f"\n[{machine.now():.2f} s: {rest}]", flush=True)
                    case "send":
                        machine.send(re.sub(r"\\n", "\n", rest))
                    case "screenshot":
                        machine.screenshot(Path(rest))
                    case "button":
                        machine.power_button()
                    case "exit":
                        print(f"\n[{machine.wait_exit(args.seconds)} after {machine.now():.2f} s]")
                    case _:
                        raise SystemExit(f"unknown step {step!r}")
        except MachineError as error:
            print(f"\n{str(error).splitlines()[0]}", file=sys.stderr)
            return 1
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="/usr/bin/python3 -m tests.support", description=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("guest", help="make guests, or take them from the cache; print disk and UKI")
    one.add_argument("name", nargs="+")
    one.set_defaults(run=_guest)
    two = commands.add_parser("host", help="make a host disk with a guest's image and an EFI file")
    two.add_argument("--guest", default="debian12")
    two.add_argument("--efi", type=Path, required=True)
    two.add_argument("--conf", type=Path)
    two.add_argument("--fs", choices=("ntfs", "exfat"), default="ntfs")
    two.add_argument("--table", choices=("gpt", "mbr", "none"), default="gpt")
    two.add_argument("--block-size", type=int, default=512)
    two.add_argument("--cluster", type=int, default=4096)
    two.add_argument("--pieces", type=int, default=1)
    two.add_argument("--options", default="", help="load options, passed by GRUB's chainloader")
    two.add_argument("out", type=Path)
    two.set_defaults(run=_host)
    four = commands.add_parser("proven", help="write docs/proven.md from the last run of the boot tests")
    four.set_defaults(run=_proven)
    three = commands.add_parser("boot", help="boot disks; steps: expect:REGEX send:TEXT screenshot:FILE button exit")
    three.add_argument("--bus", choices=BUSES, default="virtio")
    three.add_argument("--block-size", type=int, default=512)
    three.add_argument("--memory", type=int, default=1024)
    three.add_argument("--kernel", type=Path)
    three.add_argument("--initrd", type=Path)
    three.add_argument("--append", default="")
    three.add_argument("--seconds", type=float, default=180, help="the deadline of each step")
    three.add_argument("--log", type=Path)
    three.add_argument("--step", action="append")
    three.add_argument("disk", type=Path, nargs="*")
    three.set_defaults(run=_boot)
    args = parser.parse_args()
    return args.run(args)


if __name__ == "__main__":
    sys.exit(main())
