# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from tests.support.command import run
from tests.support.vhdtool import MIB, loop_device, make_ntfs, mounted, mounted_ntfs, need


@pytest.fixture(params=["disk", "tmpfs", "ntfs", "exfat"])
def place(request, tmp_path):
    """A folder on each kind of file system."""
    if request.param == "disk":
        yield tmp_path
    elif request.param == "tmpfs":
        with mounted(tmp_path / "mnt", "mount", "-t", "tmpfs", "-o", "size=200M", "tmpfs") as folder:
            yield folder
    elif request.param == "ntfs":
        with mounted_ntfs(make_ntfs(tmp_path / "volume"), tmp_path / "mnt") as folder:
            yield folder
    else:
        need("mkfs.exfat", "mount.exfat-fuse")
        run("truncate", "-s", 300 * MIB, tmp_path / "volume")
        run("mkfs.exfat", tmp_path / "volume")
        with loop_device(tmp_path / "volume") as device:
            with mounted(tmp_path / "mnt", "mount.exfat-fuse", "-d", device) as folder:
                yield folder
