# SPDX-License-Identifier: GPL-2.0-or-later
import hashlib
from pathlib import Path

import pytest

from tests.support.command import run
from tests.support.paths import REPOSITORY, TEST_OUTPUT, locked
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


def program(name: str, *folders: str) -> Path:
    """The program of tests/integration/NAME.cpp with the sources of these folders; compiled once for the tests that run
    beside each other."""
    need("g++")
    if not Path("/usr/include/ntfs-3g/volume.h").exists():
        pytest.skip("ntfs-3g-dev is not installed")
    parts = [path for folder in folders for path in sorted((REPOSITORY / folder).glob("*.cpp"))]
    sources = [REPOSITORY / f"tests/integration/{name}.cpp", *parts, REPOSITORY / "base/text.cpp",
               REPOSITORY / "base/error.cpp"]
    headers = [path for folder in (*folders, "base", "tests/support") for path in sorted((REPOSITORY / folder).glob("*.h"))]
    content = hashlib.sha256(b"".join(path.read_bytes() for path in [*sources, *headers])).hexdigest()
    TEST_OUTPUT.mkdir(parents=True, exist_ok=True)
    out = TEST_OUTPUT / f"{name}-{content[:16]}"
    with locked(TEST_OUTPUT / name):
        if not out.exists():
            for old in TEST_OUTPUT.glob(f"{name}-*"):
                old.unlink()
            # As Debian built the library: these two change its structures.
            run("g++", "-std=gnu++23", "-O0", "-D_FILE_OFFSET_BITS=64", "-DXATTR_MAPPINGS=1", "-DPOSIXACLS=1",
                f"-I{REPOSITORY}", *sources, "-lntfs-3g", "-o", f"{out}.new")
            Path(f"{out}.new").rename(out)
    return out


@pytest.fixture(scope="session")
def print_volume() -> Path:
    """What init/volume says of a volume."""
    return program("print_volume", "init/volume")


@pytest.fixture(scope="session")
def folder_image() -> Path:
    """What init/tree makes of the folder of a WSL 1 distribution."""
    return program("folder_image", "init/volume", "init/tree")
