# SPDX-License-Identifier: GPL-2.0-or-later
"""`vhdboot next` through restarts of one machine: what was asked for comes up once, then what comes up always. With each
boot loader that Debian has, in front of vhdboot."""

import pytest

from tests.support import disk, hostdisk, tiny_guest
from tests.support.command import run
from tests.support.debian import Suite
from tests.support.hostdisk import HostSpec
from tests.support.paths import PRODUCTS
from tests.support.qemu import Disk, Machine, MachineSpec
from tests.support.shell import TROUBLE

EFI = PRODUCTS / "vhdboot.efi"
VHD = "/boot/debian.vhd"
VHDBOOT = (PRODUCTS / "vhdboot",)
VARIABLES = "modprobe efivarfs\nmount -t efivarfs efivarfs /sys/firmware/efi/efivars\n"
OTHER = "echo 'guest: other'\nreboot -f\n"
# In the image: asks for what $1 is called at the first start, and says at the second one what is left of it.
IMAGE = VARIABLES + """
count=$(dd if=$notes bs=4096 count=1 status=none | tr -d '\\000')
write_note 0 $((${count:-0} + 1))
echo "guest: image, number ${count:-0}"
vhdboot next --show
vhdboot status
if [ "${count:-0}" = 0 ]; then
  vhdboot next '%s'
  reboot -f
fi
"""
NOTHING_SET = "^next start: nothing is set, the usual one"


def loader_of(package: str, path: str):
    return Suite("trixie").unpack(package) / path


def expect_once(machine: Machine, how: str) -> None:
    """The image, what it has asked for in that way, and the image again."""
    machine.expect("^guest: image, number 0", 240, failing=TROUBLE)
    machine.expect(NOTHING_SET, 60)
    machine.expect(f"^next start: .*{how}.*; read again, it is kept", 60, failing=TROUBLE)
    machine.expect("^guest: other", 240, failing=f"{TROUBLE}|^guest: image")
    machine.expect("^guest: image, number 1", 240, failing=f"{TROUBLE}|^guest: other")
    machine.expect(NOTHING_SET, 60)
    machine.expect("^guest: done", 60, failing=TROUBLE)
    assert machine.wait_exit(60) == 0


def boot_twice(folder, host, how: str, *more: Disk) -> None:
    before = hostdisk.outside_digest(host, VHD)
    spec = MachineSpec([Disk(host.path, boot=0), *more], memory_mib=512, no_reboot=False)
    with Machine(spec, log=folder / "console.log") as machine:
        expect_once(machine, how)
    assert hostdisk.outside_digest(host, VHD) == before
    assert hostdisk.volume_complaints(host) == []


def conf_for_image(folder):
    conf = folder / "conf"
    conf.write_text(f"image {VHD}\n", encoding="utf-8")
    return conf


@pytest.mark.only_all
def test_systemd_boot(folder):
    """Its entry starts vhdboot, which comes second and leaves alone what is meant for the first one."""
    image = tiny_guest.make(IMAGE % "other", VHDBOOT, ("efivarfs",))
    other = tiny_guest.take_uki(tiny_guest.make(OTHER), folder / "other.efi")
    for name, text in (("loader.conf", "timeout 0\ndefault vhdboot-debian.conf\n"),
                       ("vhdboot-debian.conf", "title Debian in a file\nefi /EFI/vhdboot/debian.efi\n"),
                       ("other.conf", "title Another one\nefi /EFI/other/other.efi\n")):
        (folder / name).write_text(text, encoding="utf-8")
    esp = {"/EFI/BOOT/BOOTX64.EFI": loader_of("systemd-boot-efi", "usr/lib/systemd/boot/efi/systemd-bootx64.efi"),
           "/loader/loader.conf": folder / "loader.conf",
           "/loader/entries/vhdboot-debian.conf": folder / "vhdboot-debian.conf",
           "/loader/entries/other.conf": folder / "other.conf",
           "/EFI/vhdboot/debian.efi": EFI, "/EFI/vhdboot/debian.conf": conf_for_image(folder),
           "/EFI/other/other.efi": other}
    host = hostdisk.make(folder / "host.raw", HostSpec(loader="esp", slack=16 * disk.MIB), {VHD: image.image}, esp)
    boot_twice(folder, host, r"other\.conf, once, by LoaderEntryOneShot of systemd-boot")


@pytest.mark.only_all
def test_refind(folder):
    """It keeps no request for one start: the firmware's BootNext goes past it."""
    image = tiny_guest.make(IMAGE % "UEFI Misc Device 2", VHDBOOT, ("efivarfs",))
    other = tiny_guest.take_uki(tiny_guest.make(OTHER), folder / "other.efi")
    conf = folder / "refind.conf"
    conf.write_text("timeout -1\ntextonly\nscanfor manual\ndefault_selection \"Debian in a file\"\n"
                    "menuentry \"Debian in a file\" {\n    loader /EFI/vhdboot/debian.efi\n}\n", encoding="utf-8")
    esp = {"/EFI/BOOT/BOOTX64.EFI": loader_of("refind", "usr/share/refind/refind/refind_x64.efi"),
           "/EFI/BOOT/refind.conf": conf, "/EFI/vhdboot/debian.efi": EFI, "/EFI/vhdboot/debian.conf": conf_for_image(folder)}
    host = hostdisk.make(folder / "host.raw", HostSpec(loader="esp", slack=16 * disk.MIB), {VHD: image.image}, esp)
    second = hostdisk.make_esp_disk(folder / "second.raw", {"/EFI/BOOT/BOOTX64.EFI": other})
    boot_twice(folder, host, "the firmware's BootNext", Disk(second, boot=1))


# As grub-mkconfig has it, of Debian's 00_header and 41_custom.
GRUB = """if [ -s $prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="0"
fi
set timeout=0
menuentry 'Debian GNU/Linux' --id gnulinux-simple-5eed {
    chainloader /EFI/debian/main.efi
}
if [ -f ${prefix}/custom.cfg ]; then
  source ${prefix}/custom.cfg
fi
"""
# As `vhdboot install` has it.
CUSTOM = f"""menuentry 'Debian in a file' --id 'vhdboot-debian' {{
    search --no-floppy --set=root --fs-uuid {hostdisk.NTFS_SERIAL}
    chainloader '/boot/debian.efi'
}}
"""
# The system that GRUB starts always; it is not in an image. Its /boot is the ESP, where GRUB can write.
MAIN = """modprobe virtio_pci
modprobe virtio_blk
modprobe efivarfs
mount -t efivarfs efivarfs /sys/firmware/efi/efivars
mkdir /boot
mount -t vfat /dev/vda1 /boot
echo "guest: main"
vhdboot next --show
if [ ! -e /boot/asked ]; then
  touch /boot/asked
  vhdboot next debian
  umount /boot
  reboot -f
fi
umount /boot
"""


def test_grub(folder):
    """A system beside the image asks GRUB for the image once."""
    image = tiny_guest.make("echo 'guest: image'\nreboot -f\n")
    main = tiny_guest.make(MAIN, VHDBOOT, ("efivarfs", "vfat", "nls_cp437", "nls_ascii"))
    for name, text in (("early.cfg", "search --no-floppy --file --set=root /grub/grub.cfg\nset prefix=($root)/grub\n"
                                     "configfile $prefix/grub.cfg\n"),
                       ("grub.cfg", GRUB), ("custom.cfg", CUSTOM)):
        (folder / name).write_text(text, encoding="utf-8")
    run("grub-editenv", folder / "grubenv", "create")
    modules = f"{hostdisk.GRUB_MODULES} configfile loadenv search_fs_uuid"
    run("grub-mkstandalone", "-O", "x86_64-efi", "-o", folder / "grub.efi", f"--install-modules={modules}",
        f"--modules={modules}", "--locales=", "--fonts=", "--themes=", f"boot/grub/grub.cfg={folder / 'early.cfg'}")
    esp = {"/EFI/BOOT/BOOTX64.EFI": folder / "grub.efi",
           "/EFI/debian/main.efi": tiny_guest.take_uki(main, folder / "main.efi"),
           **{f"/grub/{name}": folder / name for name in ("grub.cfg", "custom.cfg", "grubenv")}}
    host = hostdisk.make(folder / "host.raw", HostSpec(loader="esp", slack=16 * disk.MIB),
                         {VHD: image.image, "/boot/debian.efi": EFI}, esp)
    spec = MachineSpec([Disk(host.path, boot=0)], memory_mib=512, no_reboot=False)
    with Machine(spec, log=folder / "console.log") as machine:
        machine.expect("^guest: main", 240, failing=f"{TROUBLE}|^error: ")
        machine.expect(NOTHING_SET, 60)
        machine.expect("^next start: vhdboot-debian, once, by next_entry of GRUB; read again, it is kept", 60,
                       failing=TROUBLE)
        machine.expect("^guest: image", 240, failing=f"{TROUBLE}|^guest: main")
        machine.expect("^guest: main", 240, failing=f"{TROUBLE}|^guest: image")
        machine.expect(NOTHING_SET, 60)
        machine.expect("^guest: done", 60, failing=TROUBLE)
        assert machine.wait_exit(60) == 0
    assert hostdisk.volume_complaints(host) == []
