# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's file systems, each in a file of its own: root, /boot, swap."""

import contextlib
import os
from pathlib import Path

from . import disk, guest_boot
from .command import CommandError, run

PASSPHRASE = "open sesame"
LUKS_UUID_OFFSET = 168  # LUKS1 on-disk format, section 2.1: 40 bytes of text
PHYSICAL_EXTENT = 4 * disk.MIB


def make(recipe, rootfs: Path, sizes: dict[str, int], work: Path) -> dict[str, Path]:
    """The contents of the partitions but the ESP. `rootfs` may be changed."""
    parts = {}
    boot = work / "boot"
    if "boot" in sizes:
        (rootfs / "boot").rename(boot)
        (rootfs / "boot").mkdir()
    root = _empty(work / "root.fs", _root_size(recipe, sizes["root"]))
    _fill(recipe, rootfs, root)
    if "boot" in sizes:
        parts["boot"] = _empty(work / "boot.fs", sizes["boot"])
        run("mke2fs", "-q", "-t", "ext4", "-L", "guestboot", "-U", recipe.identity("bootfs"), "-d", boot, parts["boot"])
    if "swap" in sizes:
        parts["swap"] = _empty(work / "swap", sizes["swap"])
        run("mkswap", "--quiet", "--uuid", recipe.identity("swapfs"), parts["swap"])
    if recipe.entry == "grub":
        _write_grub_cfg(recipe, root, parts.get("boot"))
    parts["root"] = _wrap(recipe, root, sizes["root"], work)
    return parts


def _empty(path: Path, size: int) -> Path:
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def _root_size(recipe, partition: int) -> int:
    match recipe.container:
        case "luks":
            return partition - 4 * disk.MIB
        case "lvm":
            return (partition // PHYSICAL_EXTENT - 1) * PHYSICAL_EXTENT
    return partition


def _fill(recipe, rootfs: Path, target: Path) -> None:
    identity = recipe.identity("rootfs")
    match recipe.root_fs:
        case "ext4":
            label = ["-L", recipe.label] if recipe.label else []
            run("mke2fs", "-q", "-t", "ext4", *recipe.mkfs, *label, "-U", identity, "-d", rootfs, target)
        case "btrfs":
            if recipe.subvolume:
                run("mkfs.btrfs", "-q", "-L", "guestroot", "-U", identity, target)
                with _mounted(target) as mounted:
                    (mounted / recipe.subvolume).parent.mkdir(parents=True, exist_ok=True)
                    run("btrfs", "subvolume", "create", mounted / recipe.subvolume)
                    run("cp", "-a", f"{rootfs}/.", mounted / recipe.subvolume)
                    if recipe.entry == "sdbootutil":
                        run("btrfs", "subvolume", "set-default", mounted / recipe.subvolume)
            else:
                run("mkfs.btrfs", "-q", "-L", "guestroot", "-U", identity, "--rootdir", rootfs, target)
        case "f2fs":
            run("mkfs.f2fs", "-q", "-l", "guestroot", "-U", identity, target)
            run("sload.f2fs", "-P", "-f", rootfs, target)
        case "xfs":
            run("mkfs.xfs", "-q", "-L", "guestroot", "-m", f"uuid={identity}", target)
            with _mounted(target) as mounted:
                run("cp", "-a", f"{rootfs}/.", mounted)
        case other:
            raise SystemExit(f"{recipe.name}: no way to make a root file system of type {other!r}")


@contextlib.contextmanager
def _mounted(file: Path, place: Path | None = None, options: str = "loop"):
    folder = place or file.with_name(file.name + ".mounted")
    if place is None:
        folder.mkdir()
    run("mount", "-o", options, file, folder)
    try:
        yield folder
    finally:
        run("umount", folder)
        if place is None:
            folder.rmdir()


def _write_grub_cfg(recipe, root: Path, boot: Path | None) -> None:
    def device_of(mounted: Path) -> Path:
        return Path(run("findmnt", "-no", "SOURCE", mounted).strip().split("[")[0])

    options = f"loop,subvol={recipe.subvolume}" if recipe.subvolume else "loop"
    with contextlib.ExitStack() as stack:
        mounted = stack.enter_context(_mounted(root, options=options))
        devices = {device_of(mounted): recipe.identity("rootfs")}
        if boot:
            stack.enter_context(_mounted(boot, mounted / "boot"))
            devices[device_of(mounted / "boot")] = recipe.identity("bootfs")
        guest_boot.write_grub_cfg(mounted, devices)


def _wrap(recipe, root: Path, size: int, work: Path) -> Path:
    match recipe.container:
        case "none":
            return root
        case "luks":
            return _encrypt(recipe, root, work / "luks")
        case "lvm":
            return _put_into_volume_group(root, size, work / "lvm")
    raise SystemExit(f"{recipe.name}: no container of type {recipe.container!r}")


def _encrypt(recipe, root: Path, target: Path) -> Path:
    """LUKS1 by QEMU, which needs no device-mapper. The header's UUID is not covered by a checksum."""
    words = ["qemu-img", "convert", "-f", "raw", "-O", "luks", "--object", f"secret,id=key,data={PASSPHRASE}",
             "-o", "key-secret=key,iter-time=50", root, target]
    # QEMU measures how fast this machine is, and now and then fails to, on one that is busy.
    for more_tries in (2, 1, 0):
        try:
            run(*words)
            break
        except CommandError as error:
            if not more_tries or "accurate CPU usage" not in str(error):
                raise
    with open(target, "r+b") as file:
        file.seek(LUKS_UUID_OFFSET)
        file.write(recipe.identity("luks").encode().ljust(40, b"\0"))
    root.unlink()
    return target


def decrypt(partition: Path, target: Path) -> Path:
    run("qemu-img", "convert", "--object", f"secret,id=key,data={PASSPHRASE}", "--image-opts",
        f"driver=luks,key-secret=key,file.filename={partition}", "-O", "raw", target)
    return target


def make_volume_group(name: str, extents: int, target: Path) -> Path:
    """A physical volume of the size that `target` has, in a volume group with one logical volume "root" at its first
    extents; LVM's tools write the metadata without device-mapper."""
    device = run("losetup", "--find", "--show", target).strip()
    try:
        config = f"devices {{ filter=[\"a|^{device}$|\",\"r|.*|\"] use_devicesfile=0 }} global {{ use_lvmpolld=0 }}"
        for words in (["pvcreate", "--yes", "--dataalignment", "4m", device],
                      ["vgcreate", "--physicalextentsize", "4m", name, device],
                      ["lvcreate", "--activate", "n", "--zero", "n", "--wipesignatures", "n", "--extents", extents,
                       "--name", "root", name]):
            run("lvm", *words, "--config", config, "--driverloaded", "n")
    finally:
        run("losetup", "--detach", device)
    return target


def _put_into_volume_group(root: Path, size: int, target: Path) -> Path:
    make_volume_group("guest", root.stat().st_size // PHYSICAL_EXTENT, _empty(target, size))
    disk.copy_range(root, 0, target, PHYSICAL_EXTENT, root.stat().st_size)
    root.unlink()
    return target


def plain_root(recipe, partition: Path, target: Path) -> Path:
    """The root file system out of its partition."""
    match recipe.container:
        case "luks":
            return decrypt(partition, target)
        case "lvm":
            return disk.extract(partition, PHYSICAL_EXTENT, os.stat(partition).st_size - PHYSICAL_EXTENT, target)
    return partition
