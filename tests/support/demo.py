# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests/demo.sh shows: from nothing to a Debian that booted out of a VHD on an NTFS or exFAT volume."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import termios
import time
import tty
from pathlib import Path

from . import disk, hostdisk
from .command import CommandError, run
from .guest import guest as get_guest
from .paths import PRODUCTS, REPOSITORY, TEST_OUTPUT
from .qemu import Disk, Machine, MachineError, MachineSpec
from .shell import LOGIN, TROUBLE, GuestShell

BOLD, PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
CHECKPOINTS = [
    ("firmware and GRUB", r"^Welcome to GRUB"),
    ("vhdboot.efi starts the boot kernel", r"vhdboot \d\S*: starting the boot kernel"),
    ("stage 1 runs", r"vhdboot\[stage1\]: checkpoint=start"),
    ("image found and attached", r"vhdboot\[stage1\]: checkpoint=attached"),
    ("kexec", r"vhdboot\[stage1\]: checkpoint=kexec"),
    ("the guest's kernel starts", r"^\[ +0\.0+\] Linux version"),
    ("stage 2 runs", r"vhdboot\[stage2\]: checkpoint=start"),
    ("the guest's own /init", r"vhdboot\[stage2\]: checkpoint=init"),
    ("login prompt", LOGIN),
]


class Steps:
    """Says what happens now, and in the end how long each thing took."""

    def __init__(self):
        self._times: list[tuple[str, float]] = []

    @contextlib.contextmanager
    def step(self, title: str):
        print(f"{BOLD}== {title}{PLAIN}", flush=True)
        started = time.monotonic()
        place = len(self._times)
        yield
        self._times.insert(place, (title, time.monotonic() - started))

    def add(self, title: str, seconds: float) -> None:
        self._times.append((title, seconds))

    def report(self) -> None:
        print(f"\n{BOLD}Time of each step:{PLAIN}")
        for title, seconds in self._times:
            print(f"  {seconds:7.1f} s  {title}")


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests/demo.sh", usage="tests/demo.sh [OPTION]...; see tests/demo.sh --help", add_help=False,
        allow_abbrev=False)
    parser.add_argument("--exfat", action="store_true")
    parser.add_argument("--interactive", action="store_true")
    parser.add_argument("--image", type=Path)
    parser.add_argument("--screenshot", type=Path)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args(words)
    if args.image and not args.image.is_file():
        parser.error(f"there is no file {args.image}")
    return args


def build() -> None:
    for words in (["cmake", "--preset", "release"], ["cmake", "--build", "--preset", "release"]):
        done = subprocess.run(words, cwd=REPOSITORY, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise CommandError(f"{' '.join(words)}: exit status {done.returncode}")


def make_image(args, folder: Path) -> Path:
    """The image to boot, as a copy in `folder`: a VHD made by raw2vhd, or the person's own."""
    if args.image:
        with open(args.image, "rb") as file:
            file.seek(max(0, args.image.stat().st_size - 512))
            is_vhd = file.read(8) == b"conectix"
        return disk.clone(args.image, folder / f"debian.{'vhd' if is_vhd else 'img'}")
    image = disk.clone(get_guest("debian12").disk, folder / "debian.vhd")
    print(run(PRODUCTS / "raw2vhd", image).strip())
    return image


def hand_over(machine: Machine, seconds: float) -> None:
    """The terminal becomes the machine's console until the machine is off or Ctrl-] is pressed."""
    print(f"{BOLD}The console is yours (root, no password); `poweroff` or Ctrl-] ends it.{PLAIN}", flush=True)
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)

    def typed() -> bool:
        data = os.read(keyboard, 1024)
        if not data or b"\x1d" in data:
            return False
        machine.send(data.decode("utf-8", "replace"))
        return True

    tty.setraw(keyboard)
    try:
        machine.attend(keyboard, typed, seconds)
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
        print()


def switch_off(machine: Machine) -> None:
    """Asks a system that may be anybody's to power off. Without logind nobody answers the button, but every init
    answers Ctrl-Alt-Del, by a restart, which ends the machine as well."""
    machine.power_button()
    if machine.exits_within(90):
        return
    print("\nIt does not answer its power button: pressing Ctrl-Alt-Del.", flush=True)
    machine.press("ctrl", "alt", "delete")
    if not machine.exits_within(300):
        raise MachineError("it answers neither its power button nor Ctrl-Alt-Del: use --interactive and shut it down "
                           "yourself")


def boot(args, disks: list[Disk], steps: Steps) -> bool:
    """Returns whether the machine was powered off from within."""
    TEST_OUTPUT.mkdir(parents=True, exist_ok=True)
    log = TEST_OUTPUT / "demo-console.log"
    show = lambda text: print(text, end="", flush=True)  # noqa: E731
    with Machine(MachineSpec(disks), log=log, echo=show, echo_raw=args.interactive) as machine:
        if args.interactive:
            hand_over(machine, 24 * 3600)
            return machine.exited
        machine.expect(r"vhdboot\[stage1\]: checkpoint=entry", 300, failing=TROUBLE)
        if args.screenshot:
            machine.screenshot(args.screenshot.with_stem(f"{args.screenshot.stem}-vhdboot"))
        machine.expect(r"vhdboot\[stage1\]: checkpoint=kexec", 300, failing=TROUBLE)
        if args.image:
            machine.expect(r"login: ", 900, failing=TROUBLE)
        else:
            GuestShell(machine).log_in(900)
        if args.screenshot:
            machine.screenshot(args.screenshot)
        last = 0.0
        for title, pattern in CHECKPOINTS:
            if (moment := machine.time_of(pattern)) is not None:
                steps.add(f"  boot: {title} (at {moment:.1f} s)", moment - last)
                last = moment
        before = machine.now()
        if args.image:
            switch_off(machine)
        else:
            machine.send("poweroff\n")
            machine.wait_exit(300)
        steps.add("  power-off", machine.now() - before)
    print()
    return True


def show_off(args) -> int:
    steps = Steps()
    fs = "exfat" if args.exfat else "ntfs"
    TEST_OUTPUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="demo.", dir=TEST_OUTPUT) as temporary:
        folder = Path(temporary)
        with steps.step("Building vhdboot.efi, vhdboot-init and raw2vhd (the first time: a quarter of an hour)"):
            build()
        with steps.step("Making a minimal Debian 12 on a raw disk and a fixed VHD of it" if not args.image else
                        f"Copying {args.image}"):
            image = make_image(args, folder)
        name = f"/boot/{image.name}"
        with steps.step(f"Putting {image.name} and debian.efi on an {fs.upper() if fs == 'ntfs' else 'exFAT'} volume"):
            files = {name: image, "/boot/debian.efi": PRODUCTS / "vhdboot.efi"}
            if args.image:
                # Anybody's system speaks to the screen; what is waited for is said on the serial line.
                conf = folder / "debian.conf"
                conf.write_text(f"image {image.name}\noptions console=ttyS0,115200\n", encoding="utf-8")
                files["/boot/debian.conf"] = conf
            host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(fs=fs), files)
            outside = hostdisk.outside_digest(host, name)
        with steps.step("Booting it in QEMU: UEFI firmware, GRUB's chainloader (as Ventoy does it), debian.efi"):
            finished = boot(args, [Disk(host.path, boot=0)], steps)
        if not finished:
            print("The machine was switched off while it ran: nothing to check.")
            return 0
        with steps.step("Checking the volume"):
            fine = check(host, outside, name, image, folder, args)
        steps.report()
    print(f"\nThe console's log: {TEST_OUTPUT / 'demo-console.log'}")
    return 0 if fine else 1


def check(host, outside: str, name: str, image: Path, folder: Path, args) -> bool:
    complaints = hostdisk.volume_complaints(host)
    if hostdisk.outside_digest(host, name) != outside:
        complaints.append("something outside the image has changed")
    after = hostdisk.extract_file(host, name, folder / "after", image.stat().st_size)
    if not args.image:
        guest = get_guest("debian12")
        root = disk.extract(after, guest.root_offset, guest.root_size, folder / "root")
        complaints += hostdisk.guest_complaints(root)
    for complaint in complaints:
        print(f"  NOT CLEAN: {complaint}")
    if not complaints:
        print("  the volume is clean, everything outside the image is byte for byte as it was" +
              ("" if args.image else ", and e2fsck finds nothing in the guest's root"))
    return not complaints


def main() -> int:
    args = parse(sys.argv[1:])
    if args.check:
        return 0
    if args.interactive and not sys.stdin.isatty():
        print("--interactive needs a terminal", file=sys.stderr)
        return 2
    # Being ended runs the same clean-up as Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return show_off(args)
    except KeyboardInterrupt:
        print("\nstopped; everything temporary is removed", file=sys.stderr)
        return 130
    except (CommandError, MachineError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
