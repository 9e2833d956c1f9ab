# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest is booted by: a UKI or a boot loader entry on its ESP, or a grub.cfg beside its kernels."""

import contextlib
import shutil
from pathlib import Path

from . import disk
from .command import run
from .debian import Suite

MACHINE_ID = "6a9857a393724b7a981ebb5b8495b9ea"


def kernel_of(rootfs: Path) -> tuple[Path, Path, str]:
    """The kernel, its initrd (which need not exist) and its release."""
    kernel = max((rootfs / "boot").glob("vmlinuz-*"))
    version = kernel.name.removeprefix("vmlinuz-")
    return kernel, rootfs / f"boot/initrd.img-{version}", version


def esp_files(recipe, rootfs: Path, product: Path, work: Path) -> dict[str, Path]:
    match recipe.entry:
        case "uki":
            _make_uki(recipe, rootfs, product / "uki.efi")
            return {f"/EFI/Linux/{recipe.name}{recipe.counter}.efi": product / "uki.efi"}
        case "type1":
            return _entry_files(recipe, rootfs, work)
        case "loader.conf":
            _make_uki(recipe, rootfs, product / "uki.efi")
            return _chosen_by_loader_conf(recipe, rootfs, product / "uki.efi", work)
        case "sdbootutil":
            return _snapshot_entries(recipe, rootfs, work)
        case "limine":
            return _limine_files(recipe, rootfs, work)
        case "grub" | "none":
            return {"/EFI/debian/empty": Path("/dev/null")}
        case other:
            raise SystemExit(f"{recipe.name}: no way to boot by {other!r}")


def _make_uki(recipe, rootfs: Path, output: Path) -> None:
    """Debian 12 has no ukify; and its stub (252) warns of overlapping sections in what a newer ukify makes of it."""
    tools = Suite("trixie")
    ukify = tools.unpack("systemd-ukify") / "usr/lib/systemd/ukify"
    stub = tools.unpack("systemd-boot-efi") / "usr/lib/systemd/boot/efi/linuxx64.efi.stub"
    kernel, initrd, version = kernel_of(rootfs)
    # Debian's kernel wants a package that makes initrds; a guest that names none does not take what that made.
    words = [f"--initrd={initrd}"] if recipe.initrd else []
    run("/usr/bin/python3", ukify, "build", f"--linux={kernel}", *words, f"--cmdline={recipe.full_cmdline}",
        f"--os-release=@{rootfs}/usr/lib/os-release", f"--stub={stub}", f"--uname={version}", f"--output={output}")


def _entry_files(recipe, rootfs: Path, work: Path) -> dict[str, Path]:
    """As kernel-install lays them out."""
    kernel, initrd, version = kernel_of(rootfs)
    folder = f"/{MACHINE_ID}/{version}"
    entry = work / "entry.conf"
    entry.write_text(f"# Boot Loader Specification type#1 entry\ntitle      {recipe.name}\nversion    {version}\n"
                     f"machine-id {MACHINE_ID}\nsort-key   debian\noptions    {recipe.full_cmdline}\n"
                     f"linux      {folder}/linux\ninitrd     {folder}/{initrd.name}\n", encoding="utf-8")
    return {f"/loader/entries/{MACHINE_ID}-{version}{recipe.counter}.conf": entry, f"{folder}/linux": kernel,
            f"{folder}/{initrd.name}": initrd}


def _written(work: Path, name: str, text: str) -> Path:
    file = work / name
    file.write_text(text, encoding="utf-8")
    return file


def _chosen_by_loader_conf(recipe, rootfs: Path, image: Path, work: Path) -> dict[str, Path]:
    """systemd-boot's menu with two entries that must not be started: one whose kernel is gone, and a newer one. The one
    that loader.conf names, without its suffix as installers write it, starts an image by `efi`."""
    kernel, initrd, version = kernel_of(rootfs)
    entries = {
        "zz-gone": f"title Gone\nversion 99\nlinux /gone/linux\noptions {recipe.full_cmdline}\n",
        "yy-newer": f"title Newer\nversion 98\nlinux /there/linux\ninitrd /there/initrd\n"
                    f"options {recipe.full_cmdline} init=/bin/false\n",
        "chosen-1": f"title Chosen\nversion 1\nefi /EFI/Linux/below/{recipe.name}.efi\n"}
    files = {f"/loader/entries/{name}.conf": _written(work, f"{name}.conf", text) for name, text in entries.items()}
    return files | {"/loader/loader.conf": _written(work, "loader.conf", "timeout 3\ndefault Chosen-*\n"),
                    f"/EFI/Linux/below/{recipe.name}.efi": image, "/there/linux": kernel, "/there/initrd": initrd}


def _snapshot_entries(recipe, rootfs: Path, work: Path) -> dict[str, Path]:
    """As openSUSE's sdbootutil lays them out, one entry a snapshot. No loader.conf chooses: the newest snapshot, which
    is none, comes first, and the btrfs default subvolume is that of the other."""
    kernel, initrd, version = kernel_of(rootfs)
    folder = f"/opensuse-tumbleweed/{version}"
    files = {f"{folder}/linux-0123abcd": kernel, f"{folder}/initrd-4567ef": initrd}
    for number, subvolume in ((2, "@/.snapshots/2/snapshot"), (1, recipe.subvolume)):
        options = recipe.full_cmdline.replace(f"rootflags=subvol={recipe.subvolume}", f"rootflags=subvol={subvolume}")
        text = (f"# Boot Loader Specification type#1 entry\ntitle      openSUSE Tumbleweed\n"
                f"version    {number}@{version}\nsort-key   opensuse-tumbleweed\noptions    {options}\n"
                f"linux      {folder}/linux-0123abcd\ninitrd     {folder}/initrd-4567ef\n")
        files[f"/loader/entries/opensuse-tumbleweed-{version}-{number}.conf"] = _written(work, f"{number}.conf", text)
    return files


def _limine_files(recipe, rootfs: Path, work: Path) -> dict[str, Path]:
    """As Arch's tools for Limine lay them out, the default below a folder; an entry that must not be started is first."""
    kernel, initrd, version = kernel_of(rootfs)
    folder = f"/{MACHINE_ID}/{version}"
    entry = (f"  protocol: linux\n  path: boot():{folder}/vmlinuz#{'0' * 128}\n"
             f"  module_path: boot():{folder}/initrd\n  cmdline: {recipe.full_cmdline}")
    text = (f"timeout: 3\ndefault_entry: 3\n\n/+{recipe.name}\ncomment: machine-id={MACHINE_ID}\n"
            f"  //other\n{entry} init=/bin/false\n\n  //usual\n{entry}\n\n"
            "/Windows\n  protocol: efi\n  path: boot():/EFI/Microsoft/Boot/bootmgfw.efi\n")
    return {"/limine.conf": _written(work, "limine.conf", text), f"{folder}/vmlinuz": kernel, f"{folder}/initrd": initrd}


@contextlib.contextmanager
def seen_by_grub(mounted: Path, devices: dict[Path, str]):
    """A guest's root in which grub-probe finds the loop devices that are mounted there, with the UUIDs of their file
    systems, which it believes only when udev has made links for them. Of what is called a loop device it would take the
    file behind."""
    nodes = mounted / "dev"
    links = nodes / "disk/by-uuid"
    links.mkdir(parents=True)
    for device, identity in devices.items():
        number = device.name.removeprefix("loop")
        run("mknod", nodes / f"guest{number}", "b", 7, number)
        (nodes / device.name).symlink_to(f"guest{number}")
        (links / identity).symlink_to(f"../../guest{number}")
    run("mount", "-t", "proc", "proc", mounted / "proc")
    try:
        yield
    finally:
        run("umount", mounted / "proc")
        shutil.rmtree(nodes / "disk")
        for device in devices:
            (nodes / device.name).unlink()
            (nodes / device.name.replace("loop", "guest")).unlink()


def write_grub_cfg(mounted: Path, devices: dict[Path, str]) -> None:
    """Debian's own grub-mkconfig, in a guest's root."""
    with seen_by_grub(mounted, devices):
        (mounted / "boot/grub").mkdir(exist_ok=True)
        run("chroot", mounted, "grub-mkconfig", "-o", "/boot/grub/grub.cfg")


def entry_names(recipe, image: Path, where: disk.Partition, work: Path) -> list[str]:
    """The boot entries on a guest's ESP as they are called now."""
    folder = {"uki": "/EFI/Linux", "type1": "/loader/entries"}[recipe.entry]
    esp = disk.extract(image, where.start, where.size, work / "esp.raw")
    names = run("mdir", "-i", esp, "-b", f"::{folder}").split()
    esp.unlink()
    return sorted(name.rsplit("/", 1)[1] for name in names)
