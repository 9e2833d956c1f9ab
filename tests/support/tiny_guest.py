# SPDX-License-Identifier: GPL-2.0-or-later
"""The smallest guest there can be: Debian's kernel, busybox, and a script that does what there is to do and powers off.

Its disk has an ESP with a unified kernel image, a root with the modules and nothing else, and a notebook: a partition
without a file system, of blocks that the script writes.
"""

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import disk, images, vhd
from .command import run
from .debian import Suite
from .paths import cache_folder, locked

FORMAT = 1  # of what is made of a script: count it up when that changes
BLOCK = 4096
SIZES = {"esp": 24 * disk.MIB, "root": 48 * disk.MIB, "notes": disk.MIB}  # unless it is told another for the notes
KINDS = {"esp": disk.ESP, "root": disk.LINUX_ROOT, "notes": disk.LINUX}
IDENTITY = "5EEDB007-0000-4000-9000-00000000000"
MODULES = ("dm-mod", "loop", "virtio_pci", "virtio_blk", "xhci_pci", "usb_storage", "sd_mod", "ext4", "crc32c_generic")
# The script is read after this; it may use $root and $notes, and write_note NUMBER TEXT.
BEGIN = f"""#!/bin/busybox sh
set -eu
export PATH=/bin
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
exec </dev/console >/dev/console 2>&1
mount -t proc proc /proc
mount -t sysfs sys /sys
root=/dev/loop0p2
notes=/dev/loop0p3
write_note() {{ echo "$2" | dd of=$notes bs={BLOCK} seek="$1" conv=sync oflag=direct status=none; }}
echo 'guest: here I am'
"""
END = "echo 'guest: done'\npoweroff -f\n"


@dataclass(frozen=True)
class TinyGuest:
    """`image` is a fixed VHD of `payload` bytes; the other numbers are places in it, in bytes."""

    image: Path
    payload: int
    root: int
    root_size: int
    notes: int


def make(script: str, programs: tuple[Path, ...] = (), modules: tuple[str, ...] = (),
         notes_size: int = SIZES["notes"], block_size: int = 512, suite: str = "bookworm") -> TinyGuest:
    """The guest of that script, from the cache or made now; static programs in its /bin, and more modules. `block_size`:
    of the logical blocks of its disk; `suite`: the Debian with its kernel."""
    text = BEGIN + script + END
    more = "".join(hashlib.sha256(program.read_bytes()).hexdigest() for program in programs) + " ".join(modules)
    more += f" {block_size}" if block_size != 512 else ""
    more += f" {suite}" if suite != "bookworm" else ""
    sizes = SIZES | {"notes": notes_size}
    key = hashlib.sha256(f"{FORMAT} {MODULES} {sizes} {text}{more}".encode()).hexdigest()[:16]
    image = cache_folder() / f"tiny-{key}.vhd"
    places = _places(sizes)
    with locked(cache_folder() / "tiny"):
        if not image.is_file():
            with tempfile.TemporaryDirectory(prefix="tiny.", dir=cache_folder()) as work:
                _build(text, list(places.values()), Path(work), programs, MODULES + modules, block_size,
                       suite).rename(image)
    root = places["root"]
    return TinyGuest(image, image.stat().st_size - vhd.FOOTER_SIZE, root.start, root.size, places["notes"].start)


def _places(sizes: dict[str, int]) -> dict[str, disk.Partition]:
    start, found = disk.MIB, {}
    for number, (role, size) in enumerate(sizes.items(), 1):
        found[role] = disk.Partition(start, size, KINDS[role], f"{IDENTITY}{number}", role)
        start += size
    return found


def _build(script: str, places: list[disk.Partition], work: Path, programs: tuple[Path, ...],
           modules: tuple[str, ...], block_size: int, suite_name: str) -> Path:
    suite = Suite(suite_name)
    package = suite.unpack(suite.kernel_package())
    kernel = max((package / "boot").glob("vmlinuz-*"))
    release = kernel.name.removeprefix("vmlinuz-")
    tree = work / "tree"
    _copy_modules(package, tree, release, modules)
    initrd = _pack(script, tree, (_below_usr(suite.unpack("busybox-static"), "bin/busybox"), *programs), work)
    esp, root, image = work / "esp", work / "root", work / "image"
    disk.format_esp(esp, places[0].size, {"/EFI/Linux/tiny.efi": images.make_uki(work / "uki", kernel, initrd, release)},
                    block_size=block_size)
    with open(root, "wb") as file:
        file.truncate(places[1].size)
    run("mke2fs", "-q", "-t", "ext4", "-b", BLOCK, "-U", f"{IDENTITY}0", "-E", "root_owner=0:0", "-d", tree, root)
    disk.create(image, places[-1].start + places[-1].size + disk.MIB, disk.Table("gpt", f"{IDENTITY}9", places), block_size)
    disk.place(esp, image, places[0].start)
    disk.place(root, image, places[1].start)
    vhd.make_fixed(image)
    return image


def make_module_folder(folder: Path, suite_name: str, modules: tuple[str, ...]) -> dict[str, Path]:
    """A copy of the /usr/lib/modules of that Debian, with the modules of every guest here and those: its files, by their
    paths in it."""
    suite = Suite(suite_name)
    package = suite.unpack(suite.kernel_package())
    release = max((package / "boot").glob("vmlinuz-*")).name.removeprefix("vmlinuz-")
    _copy_modules(package, folder, release, MODULES + modules)
    top = folder / "lib/modules"
    return {str(file.relative_to(top)): file for file in top.rglob("*") if file.is_file()}


def _below_usr(package: Path, name: str) -> Path:
    """Debian 13 has all of its files there."""
    return next(path for path in (package / name, package / "usr" / name) if path.exists())


def _copy_modules(package: Path, tree: Path, release: str, modules: tuple[str, ...]) -> None:
    """Those modules and what they need, as Debian's packages lay them out; unpacked, as busybox loads them."""
    source = _below_usr(package, f"lib/modules/{release}")
    target = tree / "lib/modules" / release
    files = {file.name.split(".")[0].replace("-", "_"): file for file in source.rglob("*.ko*")}
    wanted, taken = [name.replace("-", "_") for name in modules], set()
    while wanted:
        name = wanted.pop()
        # What is not there is built in.
        if name in taken or name not in files:
            continue
        taken.add(name)
        place = target / files[name].relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files[name], place)
        if place.suffix == ".xz":
            run("xz", "-d", place)
        depends = run("modinfo", "-F", "depends", files[name]).strip()
        wanted += [other.replace("-", "_") for other in depends.split(",") if other]
    for file in source.glob("modules.*"):
        shutil.copy(file, target)
    run("depmod", "-b", tree, release)


def _pack(script: str, tree: Path, programs: tuple[Path, ...], work: Path) -> Path:
    folder = work / "initrd"
    shutil.copytree(tree, folder)
    for name in ("bin", "dev", "proc", "sys", "mnt"):
        (folder / name).mkdir()
    (folder / "sbin").symlink_to("bin")  # where the kernel looks for modprobe
    for program in programs:
        shutil.copy(program, folder / "bin")
    init = folder / "init"
    init.write_text(script, encoding="utf-8")
    init.chmod(0o755)
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    packed = work / "initrd.cpio"
    run("cpio", "-o", "--quiet", "-H", "newc", "-D", folder, "-F", packed, stdin="\n".join(names).encode())
    run("zstd", "-q", "-3", packed)
    return packed.with_name("initrd.cpio.zst")


def take_uki(guest: TinyGuest, target: Path) -> Path:
    """The kernel with the script alone, as a program for an ESP: it runs without its disk, and without vhdboot."""
    esp = _places(SIZES)["esp"]
    run("mcopy", "-n", "-i", f"{guest.image}@@{esp.start}", "::/EFI/Linux/tiny.efi", target)
    return target


def take_parts(guest: TinyGuest, folder: Path) -> dict[str, Path]:
    """The kernel and the initrd with the script, for a machine that starts them itself: by their words for MachineSpec."""
    uki = take_uki(guest, folder / "uki.efi")
    parts = {"kernel": "linux", "initrd": "initrd"}
    for section in parts.values():
        run("objcopy", "-O", "binary", f"--only-section=.{section}", uki, folder / section)
    return {word: folder / section for word, section in parts.items()}
