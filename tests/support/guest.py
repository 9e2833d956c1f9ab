# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests: minimal installed systems as raw disks, made by mmdebstrap from recipes (tests/boot/guests/*.toml).

Nothing of vhdboot is inside: a guest is what a person would have on a disk.
"""

import hashlib
import os
import shlex
import shutil
import tempfile
import tomllib
import uuid
from dataclasses import dataclass, field, fields
from pathlib import Path

from . import disk, guest_boot, guest_initrd, guest_root
from .command import run
from .debian import bootstrap_words
from .paths import REPOSITORY, cache_folder, locked

FORMAT = 3  # of what is made of a recipe: count it up when that changes
RECIPES = REPOSITORY / "tests/boot/guests"
NAMESPACE = uuid.UUID("6f1f9c8a-0c0e-4d53-9b0e-6d1a3f5b7c21")
USUAL_PACKAGES = ["udev", "login", "kmod", "linux-image-amd64", "zstd"]
UNMERGED = "/usr/share/mmdebstrap/hooks/no-merged-usr"
MADE_BY = "initrd-made-by"  # in a guest's folder: the package and its version, when that is not in the guest
GPT_TYPES = {"esp": disk.ESP, "boot": disk.LINUX, "swap": disk.LINUX_SWAP, "root": disk.LINUX_ROOT}
MBR_TYPES = {"esp": "ef", "boot": "83", "swap": "82", "root": "83"}


@dataclass(frozen=True)
class Recipe:
    """What is in a guest, and where.

    `init`, `initrd`, `packages`: Debian packages; NAME/SUITE takes one from another suite; for the initrd also mkosi,
    which leaves no more than its product in the guest. `table`: gpt, mbr, or none for a bare file system.
    `root_fs`: ext4 (made with the further words of `mkfs`), btrfs (its root in `subvolume`, if given), xfs or f2fs, within a
    `container`: none, luks, lvm.
    `entry`: how it is booted: uki or type1 on its ESP, loader.conf, sdbootutil or limine there (with entries that must not
    be started), grub (a grub.cfg beside the kernels), none (kernels alone, and what `setup` puts beside them).
    `tries`: the boot counter of its entry; 0 for none.
    `root_option`: the value of root=; "" for no root= at all, "-" for the usual UUID.
    `esp_mib`, `boot_mib`, `swap_mib`: sizes of these partitions; 0 for none.
    `files`: more files of the root file system, there before the initrd is made. In them and in `cmdline`, {rootfs},
    {luks} and {root} stand for UUIDs of the root file system, of the container, and of the partition.
    `label`: of an ext4; "" for none. `kernel`: false for a guest that has none.
    `setup`: shell commands, run in the guest's root when everything is installed; an initrd that these concern is theirs
    to make anew. `merged_usr`: false for /bin, /sbin and /lib that are directories of their own.

    A key with repr=False came later: it counts for `key` only when it is given, so that guests made before stay good."""

    name: str
    suite: str
    image_mib: int
    cmdline: str
    init: tuple[str, ...] = ("systemd-sysv",)
    initrd: tuple[str, ...] = ("initramfs-tools", "busybox")
    packages: tuple[str, ...] = ()
    table: str = "gpt"
    root_fs: str = "ext4"
    subvolume: str = ""
    container: str = "none"
    entry: str = "uki"
    root_option: str = "-"
    esp_mib: int = 128
    boot_mib: int = 0
    swap_mib: int = 0
    files: tuple[tuple[str, str], ...] = ()
    tries: int = field(default=0, repr=False)
    setup: tuple[str, ...] = field(default=(), repr=False)
    merged_usr: bool = field(default=True, repr=False)
    mkfs: tuple[str, ...] = field(default=(), repr=False)
    label: str = field(default="guestroot", repr=False)
    kernel: bool = field(default=True, repr=False)

    def identity(self, what: str) -> str:
        """A UUID that is always the same for this recipe's disk, partition or file system."""
        return str(uuid.uuid5(NAMESPACE, f"{self.name}/{what}"))

    @property
    def disk_identity(self) -> str:
        whole = self.identity("disk")
        return f"0x{whole[:8]}" if self.table == "mbr" else whole

    def partuuid(self, role: str) -> str:
        if self.table == "gpt":
            return self.identity(role)
        return f"{self.disk_identity[2:]}-{self.roles.index(role) + 1:02}"

    @property
    def roles(self) -> list[str]:
        """The partitions, in their order on the disk."""
        sizes = {"esp": self.esp_mib, "boot": self.boot_mib, "swap": self.swap_mib, "root": 1}
        return [role for role, size in sizes.items() if size]

    def expand(self, text: str) -> str:
        for name in ("rootfs", "luks", "root"):
            text = text.replace(f"{{{name}}}", self.partuuid("root") if name == "root" else self.identity(name))
        return text

    @property
    def full_cmdline(self) -> str:
        root = f"UUID={self.identity('rootfs')}" if self.root_option == "-" else self.root_option
        subvolume = f" rootflags=subvol={self.subvolume}" if self.subvolume else ""
        return self.expand(f"root={root}{subvolume} ro {self.cmdline}" if root else f"ro {self.cmdline}")

    @property
    def fstab(self) -> str:
        options = f"subvol={self.subvolume}" if self.subvolume else "defaults"
        lines = [f"UUID={self.identity('rootfs')} / {self.root_fs} {options} 0 {int(self.root_fs == 'ext4')}"]
        if self.boot_mib:
            lines.append(f"UUID={self.identity('bootfs')} /boot ext4 defaults 0 2")
        if self.swap_mib:
            lines.append(f"UUID={self.identity('swapfs')} none swap sw 0 0")
        return "".join(f"{line}\n" for line in lines)

    @property
    def counter(self) -> str:
        """What the name of its boot entry has before the suffix."""
        return f"+{self.tries}" if self.tries else ""

    @property
    def key(self) -> str:
        """Changes when the recipe does or the way guests are built."""
        later = {one.name: getattr(self, one.name) for one in fields(self) if not one.repr}
        given = [f" {name}={later[name]!r}" for name, value in later.items() if value != type(self).__dict__[name]]
        return hashlib.sha256(f"{FORMAT} {self!r}{''.join(given)}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Guest:
    """`disk` is the raw image (sparse); `uki` the same UKI as on its ESP, where it has one; the place, in bytes, of the
    partition with the root file system. `made_by`: package and version of what made the initrd outside of the guest."""

    recipe: Recipe
    disk: Path
    uki: Path
    root_offset: int
    root_size: int
    made_by: str = ""


def load_recipe(name: str) -> Recipe:
    path = RECIPES / f"{name}.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(file.stem for file in RECIPES.glob("*.toml")))
        raise SystemExit(f"there is no guest {name!r}; there are: {known}") from None
    known = {one.name for one in fields(Recipe)} - {"name"}
    if unknown := set(values) - known:
        raise SystemExit(f"{path}: unknown key {sorted(unknown)[0]!r}")
    if "files" in values:
        values["files"] = tuple(values["files"].items())
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    if values.get("table") == "none":
        values["esp_mib"] = 0
    return Recipe(name=name, **values)


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
    root = places(recipe)["root"]
    made_by = folder / MADE_BY
    return Guest(recipe, folder / "disk.raw", folder / "uki.efi", root.start, root.size,
                 made_by.read_text(encoding="utf-8") if made_by.exists() else "")


def places(recipe: Recipe) -> dict[str, disk.Partition]:
    """Where each partition lies; of a bare file system, the whole disk."""
    whole = recipe.image_mib * disk.MIB
    if recipe.table == "none":
        return {"root": disk.Partition(0, whole, "")}
    sizes = {"esp": recipe.esp_mib, "boot": recipe.boot_mib, "swap": recipe.swap_mib}
    types = GPT_TYPES if recipe.table == "gpt" else MBR_TYPES
    start = disk.MIB
    found = {}
    for role in recipe.roles:
        size = sizes[role] * disk.MIB if role in sizes else whole - disk.MIB - start
        gpt = recipe.table == "gpt"
        found[role] = disk.Partition(start, size, types[role], recipe.identity(role) if gpt else "", role if gpt else "")
        start += size
    return found


def _build(recipe: Recipe, folder: Path) -> None:
    if os.geteuid() != 0:
        raise SystemExit("making a guest needs root (mmdebstrap, device nodes)")
    for tool in ("mmdebstrap", "mke2fs", "sfdisk", "mcopy"):
        if shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
            raise SystemExit(f"{tool} is missing: run tests/run.sh, which installs what the tests need")
    with tempfile.TemporaryDirectory(prefix=f"{recipe.name}.", dir=folder.parent) as temporary:
        work = Path(temporary)
        rootfs = work / "rootfs"
        _install(recipe, rootfs, work)
        product = work / "product"
        product.mkdir()
        if guest_initrd.is_made_outside(recipe):
            guest_initrd.make_outside(recipe, rootfs, product / MADE_BY, work)
        _make_disk(recipe, rootfs, product, work)
        product.rename(folder)


def _install(recipe: Recipe, rootfs: Path, work: Path) -> None:
    skeleton = work / "skeleton"
    files = {"/etc/hostname": f"{recipe.name}\n", "/etc/fstab": recipe.fstab,
             "/etc/hosts": f"127.0.0.1 localhost {recipe.name}\n", **dict(recipe.files)}
    for name, text in files.items():
        path = skeleton / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(recipe.expand(text), encoding="utf-8")
        path.chmod(0o755 if text.startswith("#!") else 0o644)
    made_outside = guest_initrd.is_made_outside(recipe)
    named = [*recipe.init, *([] if made_outside else recipe.initrd), *recipe.packages]
    elsewhere = dict(package.split("/") for package in named if "/" in package)
    unused = {*elsewhere, *([] if recipe.kernel else ["linux-image-amd64"])}
    usual = [package for package in USUAL_PACKAGES if package not in unused]
    run(*bootstrap_words(recipe.suite, [*usual, *named], rootfs, elsewhere.values()),
        *([] if recipe.merged_usr else [f"--hook-dir={UNMERGED}"]),
        f"--essential-hook=sync-in {skeleton} /",
        '--customize-hook=chroot "$1" passwd --quiet --delete root',
        *(f'--customize-hook=chroot "$1" sh -euc {shlex.quote(recipe.expand(command))}' for command in recipe.setup),
        log=work / "mmdebstrap.log")


def _make_disk(recipe: Recipe, rootfs: Path, product: Path, work: Path) -> None:
    where = places(recipe)
    table = None
    if recipe.table != "none":
        label = {"gpt": "gpt", "mbr": "dos"}[recipe.table]
        table = disk.Table(label, recipe.disk_identity, list(where.values()))
    output = product / "disk.raw"
    disk.create(output, recipe.image_mib * disk.MIB, table)
    parts = guest_root.make(recipe, rootfs, {role: place.size for role, place in where.items()}, work)
    if "esp" in where:
        parts["esp"] = work / "esp.fat"
        files = guest_boot.esp_files(recipe, rootfs, product, work)
        disk.format_esp(parts["esp"], where["esp"].size, files, "GUESTESP", recipe.identity("esp")[:8])
    for role, file in parts.items():
        disk.place(file, output, where[role].start)
        file.unlink()
