# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines whose image arrives from a web server while its guest runs."""

import re
import shutil
from pathlib import Path

from . import hostdisk
from .command import run
from .paths import PRODUCTS

MODULES = ("nbd", "macvlan", "virtio_net")
NETWORK = ["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="]


def make_host(url: str, root_hash: str, folder: Path, fs: str = "ntfs", more: str = "", source: str = "") -> hostdisk.HostDisk:
    """A host disk with what `vhdtool fetch --boot-set` brings of NAME.vhd at that address; `more` is for its configuration, and
    `source` the address of the rest, when that is another one."""
    here, name = folder / "here", url.rpartition("/")[2].removesuffix(".vhd")
    here.mkdir()
    run(PRODUCTS / "vhdtool", "fetch", "--boot-set", url, here / f"{name}.vhd", "--root-hash", root_hash)
    # As the machine sees this one.
    source = re.sub("//[^:/]*", "//10.0.2.2", source or url)
    (here / f"{name}.conf").write_text(f"source {source}\nroot-hash {root_hash}\n{more}", encoding="ascii")
    # The first is the one that is torn in pieces.
    files = {f"/boot/{path.name}": path for path in sorted(here.iterdir(), key=lambda path: path.suffix != ".vhd")}
    files[f"/boot/{name}.efi"] = PRODUCTS / "vhdboot.efi"
    host = hostdisk.make(folder / "host.raw", hostdisk.HostSpec(fs=fs, pieces=3, efi_path=f"/boot/{name}.efi"), files)
    shutil.rmtree(here)
    return host
