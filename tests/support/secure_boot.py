# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines that enforce Secure Boot, with Debian's snakeoil key among those that they trust, and files signed with it."""

import shutil
import tempfile
from pathlib import Path

from .command import run
from .paths import PRODUCTS, REPOSITORY

SNAKEOIL = Path("/usr/share/ovmf/PkKek-1-snakeoil")
KEY, CERTIFICATE = SNAKEOIL.with_suffix(".key"), SNAKEOIL.with_suffix(".pem")
BUILD = PRODUCTS.parent
# Words of a MachineSpec.
MACHINE = {"code": Path("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"), "variables": Path("/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd"),
           "extra": ["-machine", "smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"]}


def missing() -> str:
    """What this machine lacks for it; nothing when all is there."""
    files = (MACHINE["code"], MACHINE["variables"], KEY, CERTIFICATE)
    return ", ".join([*(str(file) for file in files if not file.exists()),
                      *(program for program in ("sbsign", "openssl") if not shutil.which(program))])


def sign(source: Path, target: Path) -> Path:
    with tempfile.TemporaryDirectory(prefix="vhdboot-key.") as work:
        key = Path(work) / "key"
        run("openssl", "rsa", "-in", KEY, "-passin", "pass:snakeoil", "-out", key)
        run("sbsign", "--key", key, "--cert", CERTIFICATE, "--output", target, source)
    return target


def assemble(target: Path, stub: Path, kernel: Path, initrd: Path, cmdline: Path, osrel: Path, sbat: Path) -> Path:
    """An EFI file as the build makes vhdboot.efi, of these parts."""
    with tempfile.TemporaryDirectory(prefix="vhdboot-efi.", dir=target.parent) as work:
        run("cmake", f"-DSTUB={stub}", f"-DKERNEL={kernel}", f"-DINITRD={initrd}", f"-DCMDLINE={cmdline}", f"-DOSREL={osrel}",
            f"-DSBAT={sbat}", f"-DWORK={work}", f"-DOUT={target}", "-P", REPOSITORY / "cmake/script/efi_file.cmake")
    return target


def signed_product(folder: Path) -> Path:
    """vhdboot.efi as somebody would sign it against all advice: the boot kernel first, then the whole."""
    kernel = sign(BUILD / "kernel/bzImage", folder / "kernel.signed")
    whole = assemble(folder / "unsigned.efi", BUILD / "programs/efi/stub.efi", kernel, BUILD / "initramfs.cpio.zst",
                     REPOSITORY / "kconfig/cmdline", BUILD / "efi/os-release", BUILD / "efi/sbat.csv")
    return sign(whole, folder / "signed.efi")
