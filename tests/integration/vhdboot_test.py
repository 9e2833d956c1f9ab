# SPDX-License-Identifier: GPL-2.0-or-later
"""vhdboot on real volumes: an image is put into boot menus and taken out again, with nothing left; images are listed on
volumes that are mounted and that are not; a partition of one is mounted.

Needs root, FUSE with ntfs-3g, loop devices, e2fsprogs and fdisk."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import disk
from tests.support.command import run
from tests.support.images import small_kernel
from tests.support.paths import PRODUCTS

VHDBOOT = Path(os.environ.get("VHDBOOT_COMMAND", PRODUCTS / "vhdboot"))
RAW2VHD = Path(os.environ.get("VHDBOOT_RAW2VHD", PRODUCTS / "raw2vhd"))
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
MIB = disk.MIB
SERIAL = "5EEDB00712345678"
ROOT_ID = "5eed0001-0000-4000-8000-0000000000a1"
RELEASE = "6.1.0-small"
TREE = {
    "boot/grub/grub.cfg": f"menuentry 'Small' {{\nsearch --fs-uuid --set=root {ROOT_ID}\n"
                          f"linux /boot/vmlinuz-{RELEASE} root=UUID={ROOT_ID} ro\n}}\n",
    "etc/fstab": f"UUID={ROOT_ID} / ext4 defaults 0 1\n",
    "sbin/init": "none",
    f"usr/lib/modules/{RELEASE}/modules.builtin": "".join(f"kernel/{name}.ko\n" for name in (
        "drivers/md/dm-mod", "drivers/block/loop", "drivers/nvme/host/nvme", "drivers/ata/ahci", "fs/ext4/ext4")),
    f"usr/lib/modules/{RELEASE}/modules.dep": "",
}

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0 or not os.access("/dev/fuse", os.W_OK) or not os.access("/dev/loop-control", os.W_OK),
                       reason="mounting needs root, /dev/fuse and loop devices"),
    pytest.mark.skipif(any(shutil.which(tool, path=PATH) is None for tool in ("mkntfs", "ntfs-3g", "mke2fs", "sfdisk")),
                       reason="needs ntfs-3g, e2fsprogs and fdisk"),
]


def vhdboot(*words, status=(0,), stdin="") -> str:
    done = subprocess.run([VHDBOOT, *map(str, words)], capture_output=True, text=True, timeout=120, input=stdin, check=False)
    assert done.returncode in status, (done.returncode, done.stdout, done.stderr)
    return done.stdout if done.returncode in (0, 4) else done.stderr


@pytest.fixture(scope="module", name="image")
def make_image(tmp_path_factory) -> Path:
    """A fixed VHD with one ext4."""
    work = tmp_path_factory.mktemp("image")
    for name, text in TREE.items():
        (work / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (work / "tree" / name).write_text(text, encoding="utf-8")
    (work / f"tree/boot/vmlinuz-{RELEASE}").write_bytes(small_kernel(RELEASE))
    place = disk.Partition(MIB, 32 * MIB, disk.LINUX)
    raw = work / "debian.vhd"
    disk.create(raw, 34 * MIB, disk.Table("gpt", "5EED0001-0000-4000-8000-0000000000A0", [place]))
    run("mke2fs", "-q", "-t", "ext4", "-U", ROOT_ID, "-d", work / "tree", work / "root", f"{place.size // 1024}k")
    disk.place(work / "root", raw, place.start)
    run(RAW2VHD, raw)
    return raw


@pytest.fixture(name="volume")
def make_volume(image, tmp_path):
    """An NTFS volume with /boot/debian.vhd: the file and where it is mounted."""
    file, place = tmp_path / "volume.raw", tmp_path / "data"
    disk.create(file, 100 * MIB)
    run("mkntfs", "-F", "-Q", "-q", "--label", "Data", file)
    with open(file, "r+b") as raw:
        raw.seek(0x48)
        raw.write(bytes.fromhex(SERIAL)[::-1])
    place.mkdir()
    run("ntfs-3g", file, place)
    (place / "boot").mkdir()
    run("cp", "--sparse=never", image, place / "boot/debian.vhd")
    yield file, place
    subprocess.run(["umount", place], check=False, capture_output=True)


def everything(place: Path) -> dict[str, bytes]:
    return {str(path.relative_to(place)): path.read_bytes() if path.is_file() else b"" for path in place.rglob("*")}


def test_install_and_uninstall(volume):
    _, place = volume
    before = everything(place)
    words = ("--menu", "none", "--efi", PRODUCTS / "vhdboot.efi", "--set", "wait=60", place / "boot/debian.vhd")
    plan = vhdboot("install", "-n", *words)
    assert f"create {place}/boot/debian.efi: vhdboot " in plan and everything(place) == before
    vhdboot("install", "-y", *words)
    assert (place / "boot/debian.efi").read_bytes() == (PRODUCTS / "vhdboot.efi").read_bytes()
    assert (place / "boot/debian.conf").read_text("utf-8") == "wait 60\n"
    assert "change nothing" in vhdboot("install", "-y", *words)
    assert vhdboot("set", place / "boot/debian.vhd", "wait") == "60\n"
    vhdboot("set", "-y", place / "boot/debian.vhd", "wait=", "timeout=5")
    assert (place / "boot/debian.conf").read_text("utf-8") == "timeout 5\n"
    told = json.loads(vhdboot("uninstall", "-n", "--json", place / "boot/debian.vhd"))
    assert (told["schema"], len(told["changes"])) == ("vhdboot.uninstall/1", 2)
    vhdboot("uninstall", "-y", place / "boot/debian.vhd")
    assert everything(place) == before
    vhdboot("uninstall", "-y", place / "boot/debian.vhd", status=(3,))


def test_ventoy(volume):
    _, place = volume
    (place / "ventoy").mkdir()
    (place / "ventoy/ventoy.json").write_text('{\n    "control": [\n        { "VTOY_MENU_TIMEOUT": "10" }\n    ]\n}\n', "utf-8")
    before = everything(place)
    # The volume has another label.
    vhdboot("install", "-y", "--menu", "ventoy", "--title", "Small", "--efi", PRODUCTS / "vhdboot.efi",
            place / "boot/debian.vhd", status=(4,))
    told = json.loads((place / "ventoy/ventoy.json").read_text("utf-8"))
    assert told["image_blacklist"] == ["/boot/debian.vhd"]
    assert told["menu_alias"] == [{"image": "/boot/debian.efi", "alias": "Small"}]
    vhdboot("uninstall", "-y", place / "boot/debian.vhd")
    assert everything(place) == before


def ventoy_next(place: Path) -> None:
    """A default of Ventoy's for a time, and back to the letter."""
    iso, config = place / "ISO/Live.iso", place / "ventoy/ventoy.json"
    iso.parent.mkdir()
    iso.touch()
    assert "no mounted volume of Ventoy's" in vhdboot("next", iso, status=(1, 3))
    config.parent.mkdir()
    config.write_text('{\n    "control": [\n        { "VTOY_DEFAULT_IMAGE": "/old.iso" }\n    ]\n}\n', "utf-8")
    before = everything(place)
    assert "at every start until it is cleared" in vhdboot("next", "-n", iso) and everything(place) == before
    assert "read again, it is kept" in vhdboot("next", iso, status=(4,))
    told = json.loads(config.read_text("utf-8"))
    assert told["control"] == [{"VTOY_DEFAULT_IMAGE": "/ISO/Live.iso"}, {"VTOY_MENU_TIMEOUT": "10"}]
    (shown,) = json.loads(vhdboot("next", "--show", "--json"))["next"]
    assert shown["by"] == "ventoy" and f"{config}" in shown["text"]
    # Somebody else takes it away: that is told.
    written = config.read_bytes()
    config.write_bytes(before["ventoy/ventoy.json"])
    assert json.loads(vhdboot("next", "--show", "--json", status=(4,)))["forgotten"] is True
    config.write_bytes(written)
    vhdboot("next", "--clear")
    assert everything(place) == before
    config.write_text('{"control": [{"VTOY_MENU_TIMEOUT": "0"}]}', "utf-8")
    for words in ((), ("-n",)):
        assert "nobody could choose another one" in vhdboot("next", *words, iso, status=(3,))


@pytest.fixture(name="nothing_noted")
def forget_what_was_set():
    yield
    Path("/run/vhdboot/next").unlink(missing_ok=True)


@pytest.mark.usefixtures("nothing_noted")
def test_next_of_ventoy_on_ntfs(volume):
    ventoy_next(volume[1])


@pytest.mark.usefixtures("nothing_noted")
@pytest.mark.skipif(shutil.which("mount.exfat-fuse", path=PATH) is None, reason="needs exfat-fuse")
def test_next_of_ventoy_on_exfat(tmp_path):
    file, place = tmp_path / "volume.raw", tmp_path / "data"
    disk.create(file, 16 * MIB)
    run("mkfs.exfat", file)
    place.mkdir()
    device = run("losetup", "--find", "--show", file).strip()
    try:
        run("mount.exfat-fuse", device, place)
        try:
            ventoy_next(place)
        finally:
            run("umount", place)
    finally:
        run("losetup", "--detach", device)


def test_what_is_refused(volume, tmp_path):
    _, place = volume
    words = ("-y", "--menu", "none", "--efi", PRODUCTS / "vhdboot.efi")
    assert "on" in vhdboot("install", *words, tmp_path / "volume.raw", status=(3,))
    (place / "boot/debian.efi").write_bytes(b"another program")
    assert "is not vhdboot's" in vhdboot("install", *words, place / "boot/debian.vhd", status=(3,))
    assert "no EFI file of vhdboot's" in vhdboot("uninstall", "-y", place / "boot/debian.vhd", status=(3,))
    assert (place / "boot/debian.efi").read_bytes() == b"another program"
    assert "is none of the boot menus" in vhdboot("install", "--menu", "lilo", place / "boot/debian.vhd", status=(2,))


def test_list(volume):
    file, place = volume
    told = json.loads(vhdboot("list", "--json", place, status=(0, 4)))
    assert told["schema"] == "vhdboot.list/1"
    (one,) = told["images"]
    assert (one["name"], one["path"], one["file"]) == ("debian", "/boot/debian.vhd", f"{place}/boot/debian.vhd")
    assert one["state"] in ("ready", "unknown"), one
    assert vhdboot("list", "--names", place) == "debian\n"
    # Where the configuration of an EFI file lets the menu look, too.
    (place / "VMs").mkdir()
    (place / "boot/debian.vhd").rename(place / "VMs/debian.vhd")
    assert vhdboot("list", "--names", place) == ""
    (place / "boot/vhdboot.efi").touch()
    (place / "boot/vhdboot.conf").write_text("folder /vms\n", "utf-8")
    assert vhdboot("list", "--names", place) == "debian\n"
    run("umount", place)
    assert vhdboot("list", "--names", file) == "debian\n"
    (same,) = json.loads(vhdboot("list", "--json", file, status=(0, 4)))["images"]
    assert (same["name"], same["volume"], same["device"], same["state"]) == ("debian", "Data", str(file), "ready"), same
    assert "debian" in vhdboot("list", file, status=(0, 4))


def test_mount(image, tmp_path):
    if "ext4" not in Path("/proc/filesystems").read_text("ascii"):
        pytest.skip("this kernel has no ext4")
    folder, before = tmp_path / "mnt", disk.digest(image)
    folder.mkdir()
    assert "partition 1 (ext4" in vhdboot("mount", image, folder)
    try:
        assert (folder / "etc/fstab").read_text("utf-8") == TREE["etc/fstab"]
        assert os.statvfs(folder).f_flag & os.ST_RDONLY
    finally:
        run("umount", folder)
    assert disk.digest(image) == before
    assert not run("losetup", "--associated", image)
    assert "there is no partition 2" in vhdboot("mount", "--partition", 2, image, folder, status=(3,))


def test_try(image):
    """How QEMU would be run; the exFAT volume that it would see is judged by fsck.exfat in the unit tests."""
    if shutil.which("qemu-system-x86_64") is None or not Path("/usr/share/ovmf/OVMF.fd").exists():
        pytest.skip("needs qemu-system-x86 and ovmf")
    line = vhdboot("try", "-n", "--efi", PRODUCTS / "vhdboot.efi", "--memory", "512M", image)
    assert " -m 512M " in line and "snapshot=on" in line
    assert not list(Path(os.environ.get("TMPDIR", "/tmp")).glob("vhdboot-try-*"))
    assert "unknown key" in vhdboot("try", "-n", "--efi", PRODUCTS / "vhdboot.efi", "--set", "wiat=5", image, status=(3,))


def test_report(tmp_path):
    file = tmp_path / "report.txt"
    vhdboot("report", "--redact", "-o", file)
    text = file.read_text("utf-8")
    assert text.startswith("== system\nvhdboot: ") and "== private data that were taken out" in text
    assert os.uname().nodename not in text.split("== status")[0].split("command line")[0]
    vhdboot("report", "-o", file, status=(3,))


def test_status_and_next():
    told = json.loads(vhdboot("--json"))
    assert told["schema"] == "vhdboot.status/1" and told["in_guest"] is False
    assert json.loads(vhdboot("next", "--show", "--json"))["schema"] == "vhdboot.next/1"
    advice = json.loads(vhdboot("snapshot", "--json"))
    assert advice["schema"] == "vhdboot.snapshot/1" and advice["possible_now"] is False and advice["now"] == []
    assert "does not run from an image" in vhdboot("snapshot")
    assert "nothing is called" in vhdboot("next", "-n", "no such entry", status=(3,))
    assert "did you mean: list" in vhdboot("lst", status=(2,))
