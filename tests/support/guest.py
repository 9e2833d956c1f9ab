# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests: minimal installed systems as raw disks, made by mmdebstrap from recipes (tests/boot/guests/*.toml).

Nothing of vhdboot is inside. A guest is a GPT disk with an ESP, which holds its UKI, and a root partition.
"""

import hashlib
import os
import shutil
import tempfile
import tomllib
import uuid
from dataclasses import dataclass
from pathlib import Path

from . import disk
from .command import run
from .debian import KEYRING, Suite, mirror
from .paths import REPOSITORY, cache_folder, locked

FORMAT = 2  # of what this module makes of a recipe: count it up when that changes
RECIPES = REPOSITORY / "tests/boot/guests"
NAMESPACE = uuid.UUID("6f1f9c8a-0c0e-4d53-9b0e-6d1a3f5b7c21")
USUAL_PACKAGES = ["systemd-sysv", "udev", "login", "kmod", "linux-image-amd64", "zstd"]
USUAL_INITRD = ["initramfs-tools", "busybox"]


@dataclass(frozen=True)
class Recipe:
    name: str
    suite: str
    initrd: tuple[str, ...]
    packages: tuple[str, ...]
    root_fs: str
    image_mib: int
    esp_mib: int
    cmdline: str

    def identity(self, what: str) -> str:
        """A UUID that is always the same for this recipe's disk, partition or file system."""
        return str(uuid.uuid5(NAMESPACE, f"{self.name}/{what}"))

    @property
    def full_cmdline(self) -> str:
        return f"root=UUID={self.identity('rootfs')} ro {self.cmdline}"

    @property
    def key(self) -> str:
        """Changes when the recipe does or the way guests are built."""
        return hashlib.sha256(f"{FORMAT} {self!r}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Guest:
    """`disk` is the raw image (sparse); `uki` the same UKI as on its ESP; the root partition's place in bytes."""

    recipe: Recipe
    disk: Path
    uki: Path
    root_offset: int
    root_size: int


def load_recipe(name: str) -> Recipe:
    path = RECIPES / f"{name}.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(file.stem for file in RECIPES.glob("*.toml")))
        raise SystemExit(f"there is no guest {name!r}; there are: {known}") from None
    return Recipe(
        name=name,
        suite=values["suite"],
        initrd=tuple(values.get("initrd", USUAL_INITRD)),
        packages=tuple(values.get("packages", [])),
        root_fs=values.get("root_fs", "ext4"),
        image_mib=values["image_mib"],
        esp_mib=values.get("esp_mib", 128),
        cmdline=values["cmdline"],
    )


def guest(name: str) -> Guest:
    """The guest of that recipe, from the cache or made now (root; a minute or two)."""
    recipe = load_recipe(name)
    folder = cache_folder() / f"{name}-{recipe.key}"
    with locked(cache_folder() / name):
        if not folder.is_dir():
            _build(recipe, folder)
            for old in cache_folder().glob(f"{name}-" + "?" * 16):
                if old != folder:
                    shutil.rmtree(old, ignore_errors=True)
    root = _layout(recipe).partitions[1]
    return Guest(recipe, folder / "disk.raw", folder / "uki.efi", root.start, root.size)


def _layout(recipe: Recipe) -> disk.Table:
    esp_size = recipe.esp_mib * disk.MIB
    root_start = disk.MIB + esp_size
    root_size = (recipe.image_mib - 1) * disk.MIB - root_start
    return disk.Table("gpt", recipe.identity("disk"), [
        disk.Partition(disk.MIB, esp_size, disk.ESP, recipe.identity("esp"), "esp"),
        disk.Partition(root_start, root_size, disk.LINUX_ROOT, recipe.identity("root"), "root"),
    ])


def _build(recipe: Recipe, folder: Path) -> None:
    if os.geteuid() != 0:
        raise SystemExit("making a guest needs root (mmdebstrap, device nodes)")
    for tool in ("mmdebstrap", "mke2fs", "sfdisk", "mcopy"):
        if shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
            raise SystemExit(f"{tool} is missing: run tests/run.sh, which installs what the tests need")
    with tempfile.TemporaryDirectory(prefix=f"{recipe.name}.", dir=folder.parent) as temporary:
        work = Path(temporary)
        rootfs = work / "rootfs"
        _install(recipe, rootfs, work / "mmdebstrap.log")
        product = work / "product"
        product.mkdir()
        _make_uki(recipe, rootfs, product / "uki.efi")
        _make_disk(recipe, rootfs, product / "uki.efi", product / "disk.raw")
        product.rename(folder)


def _install(recipe: Recipe, rootfs: Path, log: Path) -> None:
    hostname = recipe.name
    fstab = f"UUID={recipe.identity('rootfs')} / {recipe.root_fs} defaults 0 {int(recipe.root_fs == 'ext4')}"
    run("mmdebstrap", "--mode=root", "--variant=minbase", "--architectures=amd64", f"--keyring={KEYRING}",
        "--aptopt=Acquire::Languages none",
        "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        f"--include={','.join([*USUAL_PACKAGES, *recipe.initrd, *recipe.packages])}",
        f"--essential-hook=echo {hostname} > \"$1/etc/hostname\"; echo '{fstab}' > \"$1/etc/fstab\"",
        '--customize-hook=chroot "$1" passwd --quiet --delete root',
        recipe.suite, rootfs, f"deb {mirror()} {recipe.suite} main", log=log)


def _make_uki(recipe: Recipe, rootfs: Path, output: Path) -> None:
    """Debian 12 has no ukify; and its stub (252) warns of overlapping sections in what a newer ukify makes of it."""
    tools = Suite("trixie")
    ukify = tools.unpack("systemd-ukify") / "usr/lib/systemd/ukify"
    stub = tools.unpack("systemd-boot-efi") / "usr/lib/systemd/boot/efi/linuxx64.efi.stub"
    kernel = max((rootfs / "boot").glob("vmlinuz-*"))
    version = kernel.name.removeprefix("vmlinuz-")
    run("/usr/bin/python3", ukify, "build", f"--linux={kernel}", f"--initrd={rootfs}/boot/initrd.img-{version}",
        f"--cmdline={recipe.full_cmdline}", f"--os-release=@{rootfs}/usr/lib/os-release", f"--stub={stub}",
        f"--uname={version}", f"--output={output}")


def _make_disk(recipe: Recipe, rootfs: Path, uki: Path, output: Path) -> None:
    table = _layout(recipe)
    esp, root = table.partitions
    disk.create(output, recipe.image_mib * disk.MIB, table)
    esp_file = uki.with_name("esp.fat")
    disk.format_esp(esp_file, esp.size, {f"/EFI/Linux/{recipe.name}.efi": uki}, "GUESTESP", recipe.identity("esp")[:8])
    disk.place(esp_file, output, esp.start)
    esp_file.unlink()
    root_file = uki.with_name("root.fs")
    with open(root_file, "wb") as file:
        file.truncate(root.size)
    _make_root(recipe, rootfs, root_file)
    disk.place(root_file, output, root.start)
    root_file.unlink()


def _make_root(recipe: Recipe, rootfs: Path, target: Path) -> None:
    identity = recipe.identity("rootfs")
    match recipe.root_fs:
        case "ext4":
            run("mke2fs", "-q", "-t", "ext4", "-L", "guestroot", "-U", identity, "-d", rootfs, target)
        case "btrfs":
            run("mkfs.btrfs", "-q", "-L", "guestroot", "-U", identity, "--rootdir", rootfs, target)
        case "xfs":
            run("mkfs.xfs", "-q", "-L", "guestroot", "-m", f"uuid={identity}", target)
            mounted = target.with_name("mounted")
            mounted.mkdir()
            run("mount", "-o", "loop", target, mounted)
            try:
                run("cp", "-a", f"{rootfs}/.", mounted)
            finally:
                run("umount", mounted)
                mounted.rmdir()
        case other:
            raise SystemExit(f"{recipe.name}: no way to make a root file system of type {other!r}")
