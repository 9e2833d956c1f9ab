# SPDX-License-Identifier: GPL-2.0-or-later
"""The examples of README, of the pages in docs/ and of the manuals do what they say: the lines for a shell are run, each block by itself,
in a folder and on volumes that are made for it; GRUB's go through grub-script-check, ours through vhdtool check.

Needs root, FUSE with ntfs-3g, loop devices, and a mount namespace of its own for /media, /mnt and what is mounted there.
"""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import disk, pages, wsl_folder
from tests.support.command import run
from tests.support.images import EMPTY_ARCHIVE, small_kernel
from tests.support.paths import PRODUCTS
from tests.support.web import faulty

PATH = f"{PRODUCTS}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
MIB = disk.MIB
RELEASE = "6.1.0-small"
ESP_ID, ROOT_ID, SWAP_ID = "5EED-E5B0", "5eed0001-0000-4000-8000-0000000000a1", "5eed0001-0000-4000-8000-0000000000a2"
TREE = {
    "boot/grub/grub.cfg": f"menuentry 'Small' {{\nsearch --fs-uuid --set=root {ROOT_ID}\n"
                          f"linux /boot/vmlinuz-{RELEASE} root=UUID={ROOT_ID} ro\ninitrd /boot/initrd.img-{RELEASE}\n}}\n",
    "etc/fstab": f"UUID={ROOT_ID} / ext4 defaults 0 1\nUUID={ESP_ID} /boot/efi vfat defaults 0 1\n"
                 f"UUID={SWAP_ID} none swap sw 0 0\n",
    "etc/initramfs-tools/conf.d/resume": f"RESUME=UUID={SWAP_ID}\n",
    "etc/os-release": "ID=small\nNAME=Small\n",
    f"usr/lib/modules/{RELEASE}/modules.builtin": "".join(f"kernel/{name}.ko\n" for name in (
        "drivers/md/dm-mod", "drivers/block/loop", "drivers/nvme/host/nvme", "drivers/ata/ahci")),
    f"usr/lib/modules/{RELEASE}/modules.dep": "",
}
# What the pages name and a test has in another size or place. The first are of a volume that is not mounted.
STAND_INS = {"/dev/nvme0n1p4": "$OTHER_VOLUME", "/dev/nvme0n1p2": "$OTHER_VOLUME", "/dev/sdb1": "$OTHER_VOLUME",
             "/dev/sda3": "$OTHER_VOLUME", "/vm/": "/boot/", "/media/stick": "/media/data", "64G": "64M", "+16G": "+16M", "+10G": "+10M",
             "--reserve 8G": "--reserve 8M"}
# Around a block: its own /media and /mnt; a volume at /media/data; and all of it undone, whatever happened.
AROUND = """set -u
mount -t tmpfs tmpfs /media && mount -t tmpfs tmpfs /mnt && mkdir /media/data && ntfs-3g "$VOLUME" /media/data || exit 99
OTHER_VOLUME=$(losetup --find --show "$OTHER_FILE") || exit 99
export OTHER_VOLUME
[ ! -e before.sh ] || bash -eu before.sh || exit 98
timeout 120 bash -eu lines.sh
status=$?
! mountpoint -q /mnt/boot/efi || umount /mnt/boot/efi
while [ "$(stat -f -c %T /mnt)" != tmpfs ]; do umount /mnt; done
umount /media/data
for file in *.img *.vhd "$OTHER_FILE"; do
    losetup --noheadings --output NAME --associated "$file" | xargs -r losetup --detach
done
exit $status
"""
# By 4 our programs say that it boots, or is done, with warnings: of a mounted volume there always are some. And this
# kernel may neither read partition tables by itself nor know FAT, nor have device-mapper.
FUNCTIONS = """vhdboot() { command vhdboot "$@" || [ $? = 4 ]; }
inspect() { vhdboot-inspect "$@" || [ $? = 4 ]; }
dmsetup() { [ "$*" = "create -r vm" ] && grep -E '^[0-9]+ [0-9]+ ' >rows && ! grep -vE ' linear [0-9]+:[0-9]+ [0-9]+$' rows; }
vhdtool() {
    if [ "$1" = attach ]; then
        device=$(command vhdtool "$@") || return; [ -e "${device}p1" ] || partx --add "$device"; echo "$device"
    else
        command vhdtool "$@" || { status=$?; [ "$1 $status" = "check 4" ] || return $status; }
    fi
}
losetup() {
    if [ "$*" = "--find --show --partscan debian.img" ]; then
        device=$(command losetup "$@"); [ -e "${device}p1" ] || partx --add "$device"; echo "$device"
    else
        command losetup "$@"
    fi
}
has_fat() { modprobe -q vfat 2>/dev/null; grep -qw vfat /proc/filesystems; }
mount() {
    if [ "$2" != /mnt/boot/efi ] || has_fat; then command mount "$@"; return; fi
    command mount -t tmpfs tmpfs "$2" && mcopy -s -i "$1" "::*" "$2"
}
umount() {
    if mountpoint -q /mnt/boot/efi && ! has_fat; then mcopy -s -o -i "${disk}p1" /mnt/boot/efi/* "::"; fi
    command umount "$@"
}
"""

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0 or not os.access("/dev/fuse", os.W_OK) or not os.access("/dev/loop-control", os.W_OK),
                       reason="mounting needs root, /dev/fuse and loop devices"),
    pytest.mark.skipif(any(shutil.which(tool, path=PATH) is None for tool in (
        "vhdtool", "raw2vhd", "qemu-img", "mkntfs", "ntfs-3g", "mke2fs", "mkswap", "mkfs.vfat", "sfdisk", "unshare")),
        reason="needs the products, qemu-utils, ntfs-3g, e2fsprogs, dosfstools and fdisk"),
]


def parametrized(found):
    return pytest.mark.parametrize("block", found, ids=[block.place for block in found])


def make_disk(target: Path, work: Path) -> Path:
    """A raw disk with an ESP, a root and swap space: a system that GRUB starts, with a kernel that is none."""
    tree = work / "tree"
    for name, text in TREE.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, encoding="utf-8")
    (tree / "boot/efi").mkdir()
    (tree / f"boot/vmlinuz-{RELEASE}").write_bytes(small_kernel(RELEASE))
    (tree / f"boot/initrd.img-{RELEASE}").write_bytes(EMPTY_ARCHIVE)
    places = [disk.Partition(MIB, 16 * MIB, disk.ESP), disk.Partition(17 * MIB, 32 * MIB, disk.LINUX),
              disk.Partition(49 * MIB, 2 * MIB, disk.LINUX_SWAP)]
    disk.create(target, 52 * MIB, disk.Table("gpt", "5EED0001-0000-4000-8000-0000000000A0", places))
    grub, file = work / "grub.cfg", work / "file"
    grub.write_text(f"search.fs_uuid {ROOT_ID} root\nconfigfile ($root)/boot/grub/grub.cfg\n", encoding="ascii")
    files = {"/EFI/debian/grub.cfg": grub, "/EFI/debian/grubx64.efi": grub}
    disk.format_esp(file, places[0].size, files, serial=ESP_ID.replace("-", ""))
    disk.place(file, target, places[0].start)
    file.unlink()
    run("mke2fs", "-q", "-t", "ext4", "-U", ROOT_ID, "-d", tree, file, f"{places[1].size // 1024}k")
    disk.place(file, target, places[1].start)
    file.unlink()
    with open(file, "wb") as swap:
        swap.truncate(places[2].size)
    run("mkswap", "-U", SWAP_ID, file)
    disk.place(file, target, places[2].start)
    return target


def wsl_system() -> dict[str, wsl_folder.File]:
    """The folder of a WSL 1 distribution into which somebody installed that kernel."""
    data = {name: text.encode() for name, text in TREE.items() if "grub" not in name and "resume" not in name}
    data |= {"etc/fstab": b"", f"boot/vmlinuz-{RELEASE}": small_kernel(RELEASE), f"boot/initrd.img-{RELEASE}": EMPTY_ARCHIVE,
             "usr/sbin/init": b"#!/bin/sh\n"}
    folders = {parent.as_posix() for name in data for parent in Path(name).parents}
    files = {"" if name == "." else name: wsl_folder.directory() for name in sorted(folders)}
    files |= {name: wsl_folder.File(mode=0o100755, data=text) for name, text in data.items()}
    return files | {name: wsl_folder.symlink(f"usr/{name}") for name in ("bin", "lib", "sbin")}


@pytest.fixture(scope="module", name="things")
def make_things(tmp_path_factory) -> Path:
    """What the blocks find beside them: a folder to be cloned, and the volumes."""
    base = tmp_path_factory.mktemp("things")
    work, home = base / "work", base / "home"
    for folder in (work, home):
        folder.mkdir()
    raw = make_disk(home / "debian.img", work)
    run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, home / "machine.qcow2")
    run("qemu-img", "convert", "-f", "raw", "-O", "vhdx", raw, home / "debian.vhdx")
    image = disk.clone(raw, home / "debian.vhd")
    run(PRODUCTS / "raw2vhd", image)
    shutil.copy(PRODUCTS / "vhdboot.efi", home)
    volume = base / "volume.raw"
    disk.create(volume, 400 * MIB)
    run("mkntfs", "-F", "-Q", "-q", volume)
    folder = base / "mounted"
    folder.mkdir()
    run("ntfs-3g", volume, folder)
    try:
        (folder / "boot").mkdir()
        run("cp", "--sparse=never", image, folder / "boot/debian.vhd")
        wsl_folder.fill(folder / "wsl/debian/rootfs", wsl_system(), "lxfs")
    finally:
        run("umount", folder)
    return base


def run_lines(text: str, things: Path, folder: Path, before: str = "") -> tuple[subprocess.CompletedProcess, Path]:
    """Runs them; also returns the volume that was mounted meanwhile."""
    home = folder / "home"
    home.mkdir()
    for file in (things / "home").iterdir():
        disk.clone(file, home / file.name)
    volumes = [disk.clone(things / "volume.raw", folder / f"{name}.raw") for name in ("volume", "other")]
    for name, stand_in in STAND_INS.items():
        text = text.replace(name, stand_in)
    if before:
        (home / "before.sh").write_text(before, encoding="utf-8")
    with faulty(home) as web:
        (home / "lines.sh").write_text(FUNCTIONS + re.sub("http://(server|192.168.1.10)", web.url, text), encoding="utf-8")
        done = subprocess.run(["unshare", "--mount", "--propagation", "private", "bash", "-c", AROUND], cwd=home, text=True,
                              env={**os.environ, "PATH": PATH, "VOLUME": str(volumes[0]), "OTHER_FILE": str(volumes[1])},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180,
                              check=False)
    return done, volumes[0]


def would_boot(*words) -> bool:
    done = subprocess.run([PRODUCTS / "vhdtool", "check", *words], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 4), done.stdout + done.stderr
    return True


@parametrized(pages.blocks("sh", pages.RUN))
def test_lines(block, things, tmp_path):
    before = ""
    if "vhdtool create" in block.text:
        before = "rm /media/data/boot/debian.vhd\n"
    elif "vhdtool desparse" in block.text:
        before = "cp --sparse=always debian.vhd /media/data/boot/debian.vhd\n"
    elif any(f"vhdtool {command}" in block.text for command in ("snapshot", "rollback", "commit")):
        before = "cp --sparse=never debian.vhdx /media/data/boot/debian.vhdx\n"
        if "vhdtool snapshot" not in block.text:
            before += "vhdtool snapshot --reserve 8M /media/data/boot/debian.vhdx\n"
    elif "mke2fs" in block.text and "-d root" in block.text:
        before = ("vhdtool export --volume $OTHER_VOLUME /wsl/debian >wsl.tar && mkdir root && "
                  "tar --xattrs-include='*' -xpf wsl.tar -C root && rm wsl.tar\n")
    elif "vhdtool fetch" in block.text:
        before = "rm /media/data/boot/debian.vhd\nvhdtool hashes debian.vhd >root-hash\n"
        if "--boot-set" in block.text:
            before += "vhdtool boot-set debian.vhd >debian.vhd.boot-set\n"
    elif "vhdtool update" in block.text:
        before = ("vhdtool hashes debian.vhd >root-hash\n"
                  "dd if=/dev/urandom of=/media/data/boot/debian.vhd bs=1M count=2 seek=20 conv=notrunc\n")
    elif block.text == "raw2vhd debian.vhd\n":
        before = "mv debian.img debian.vhd\n"
    elif "debian.qcow2" in block.text:
        before = "mv machine.qcow2 debian.qcow2\n"
    done, volume = run_lines(block.text, things, tmp_path, before)
    assert done.returncode == 0, f"{block.place}\n{done.stdout}"
    home = tmp_path / "home"
    footed = [name for name in ("debian.vhd", "debian.img") if f"raw2vhd {name}" in block.text or f"grow {name}" in block.text]
    for name in footed:
        would_boot(home / name)
        assert "fixed-vhd" in run(PRODUCTS / "vhdtool", "info", "--json", home / name)
    if "/media/data/boot" in block.text and "--boot-set" not in block.text:
        if "vhdtool create" in block.text:
            done = subprocess.run([PRODUCTS / "vhdtool", "check", "--volume", volume, "/boot/debian.vhd"], capture_output=True,
                                  text=True, timeout=120, check=False)
            assert done.returncode == 3 and "nothing" in done.stdout  # it is in order, and empty
        else:
            would_boot("--volume", volume, "/boot/debian.vhd")
    if "wsl.vhd" in block.text:
        would_boot("--volume", volume, "/boot/wsl.vhd")
    if "tune2fs" in block.text:
        new_identities(home / "debian.img", tmp_path)


def not_run():
    return [block for block in pages.blocks("sh") if block.note.startswith(pages.NOT_RUN)]


@parametrized(not_run())
def test_lines_that_are_not_run(block):
    """A shell can read them, and our programs have these commands and options."""
    run("bash", "-n", "-c", block.text)
    for line in block.text.replace("\\\n", "").splitlines():
        words = shlex.split(line.split("|")[0], comments=True)
        words = words[words[:1] == ["sudo"]:]
        if not words or words[0] not in ("vhdboot", "vhdtool", "raw2vhd", "inspect"):
            continue
        command = words[1:2] if words[0] in ("vhdboot", "vhdtool") and not words[1].startswith("-") else []
        program = PRODUCTS / ("vhdboot-inspect" if words[0] == "inspect" else words[0])
        known = set(re.findall(r"(?<![\w-])--?[\w-]+", run(program, *command, "--help")))
        assert not {word.partition("=")[0] for word in words[1:] if word.startswith("-")} - known, line


def test_of_the_programs_in_the_examples():
    """Each of them is in one of the manuals' examples."""
    text = "".join(block.text for page in pages.manuals().values() for block in page.blocks if block.language == "sh")
    assert {"vhdboot", "vhdtool", "raw2vhd", "inspect"} <= set(re.findall(r"^(\w+) ", text, re.MULTILINE))


def new_identities(image: Path, work: Path) -> None:
    """None of the old ones is left in a file of the system, and the new ones are those of the file systems."""
    root = disk.extract(image, 17 * MIB, 32 * MIB, work / "root")
    esp = disk.extract(image, MIB, 16 * MIB, work / "esp")
    swap = disk.extract(image, 49 * MIB, 2 * MIB, work / "swap")
    now = [run("blkid", "-p", "-o", "value", "-s", "UUID", file).strip() for file in (esp, root, swap)]
    for old, new in zip((ESP_ID, ROOT_ID, SWAP_ID), now):
        assert old.lower() != new.lower()
        texts = {name: run("debugfs", "-R", f"cat /{name}", root) for name in TREE}
        texts["grub.cfg of the ESP"] = run("mtype", "-i", esp, "::/EFI/debian/grub.cfg")
        assert not [name for name, text in texts.items() if old.lower() in text.lower()]
        assert any(new in text for text in texts.values())


@parametrized(pages.blocks("grub"))
def test_grub(block, tmp_path):
    if shutil.which("grub-script-check") is None:
        pytest.skip("grub-script-check is not installed")
    file = tmp_path / "grub.cfg"
    file.write_text(block.text, encoding="utf-8")
    run("grub-script-check", file)
    assert re.search(r"^ *chainloader \S*/boot/debian\.efi\b", block.text, re.MULTILINE)


@parametrized([*pages.blocks("conf"), *pages.blocks("load-options")])
def test_configuration(block, things, tmp_path):
    """Without a warning and without an error: of the values, too."""
    text = block.text
    if block.language == "load-options":
        words = re.findall(r'(?:[^\s"]|"[^"]*")+', text)
        text = "".join(word.replace('"', "").replace("=", " ", 1) + "\n" for word in words)
    file = tmp_path / "debian.conf"
    file.write_text(text, encoding="utf-8")
    done = subprocess.run([PRODUCTS / "vhdtool", "check", "--conf", file, things / "home/debian.vhd"], capture_output=True,
                          text=True, timeout=120, check=False)
    said = [line for line in done.stdout.splitlines() if "debian.conf" in line and not line.startswith("ok")]
    assert not said and done.returncode in (0, 3, 4), done.stdout + done.stderr  # 3: its entry is of another system
