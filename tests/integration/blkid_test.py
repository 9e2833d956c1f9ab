# SPDX-License-Identifier: GPL-2.0-or-later
"""The product's libblkid, of which cmake/third_party/CMakeLists.txt leaves out a part: what must stay does, and works.
Asked through the command for the rescue shell, which is linked with the same library as vhdboot-init. The images are
util-linux's own, with what its own tests expect."""

import lzma
import re
import tarfile

import pytest

from tests.support.command import run
from tests.support.paths import PRODUCTS

MIB = 1 << 20

# A member of one of these must never be taken for the volume whose first sectors it holds.
MEMBERS = """
    linux_raid_member ddf_raid_member isw_raid_member lsi_mega_raid_member via_raid_member silicon_medley_raid_member
    nvidia_raid_member promise_fasttrack_raid_member hpt45x_raid_member hpt37x_raid_member adaptec_raid_member
    jmicron_raid_member bcache ceph_bluestore drbd drbdmanage_control_volume drbdproxy_datalog LVM2_member LVM1_member
    DM_snapshot_cow DM_verity_hash DM_integrity crypto_LUKS VMFS_volume_member ubi vdo stratis BitLocker
    """.split()
# What host volumes, guest disks and the media for them hold; the journals of some.
FILE_SYSTEMS = """
    vfat ntfs exfat ReFS ext2 ext3 ext4 ext4dev jbd btrfs xfs xfs_external_log f2fs nilfs2 jfs reiserfs reiser4
    zfs_member swap swsuspend squashfs squashfs3 erofs iso9660 udf apfs hfs hfsplus
    """.split()

# Of util-linux's tests.
IMAGES = """
    mdraid ddf-raid isw-raid lsi-raid via-raid silicon-raid nvidia-raid promise-raid hpt45x-raid hpt37x-raid
    adaptec-raid jmicron-raid bcache-B bcache-C bluestore drbd-v08 drbd-v09 drbdmanage-control-volume lvm2 luks1 luks2
    vmfs_volume ubi vdo
    fat fat16_noheads small-fat32 fat32_xp_label1 ntfs exfat ext2 ext3 jbd xfs xfs-v5 xfs-log f2fs nilfs2 jfs reiser3
    reiser4 zfs swap0 swap1 tuxonice erofs iso iso-joliet iso-rr-joliet udf udf-hdd-win7 hfs hfsplus
    """.split()

# What those have none of: the magic alone is asked for.
MAGICS = [
    ("BitLocker", 0, b"\xeb\x52\x90-FVE-FS-"),
    ("DM_snapshot_cow", 0, b"SnAp"),
    ("DM_verity_hash", 0, b"verity\0\0\1\0\0\0"),
    ("DM_integrity", 0, b"integrt\0\1"),
    ("squashfs", 0, b"hsqs" + bytes(24) + b"\4\0"),
]

ISW_SIGNATURE = b"Intel Raid ISM Cfg Sig. 1.0.00\0\0"


@pytest.fixture(scope="module", name="blkid")
def find_blkid():
    program = PRODUCTS.parent / "sysroot/bin/blkid"
    if not program.exists():
        pytest.skip(f"{program} is not built")
    return program


def seen(blkid, image):
    """What it says of an image, by key."""
    lines = run(blkid, "-p", "-o", "udev", image, ok=(0, 2, 8)).splitlines()
    return dict(line.split("=", 1) for line in lines if line)


@pytest.fixture(scope="module", name="samples")
def unpack_samples(tmp_path_factory):
    """Folder with NAME.img.xz and low-probe-NAME, from the source package that the product was built from."""
    settings = PRODUCTS.parent / "CMakeCache.txt"
    cache = re.search(r"^VHDBOOT_CACHE:PATH=(.+)$", settings.read_text(), re.MULTILINE) if settings.exists() else None
    if cache is None:
        pytest.skip(f"{settings} does not tell where the sources are")
    [archive] = PRODUCTS.parent.joinpath(cache[1], "packages/util-linux").glob("*/util-linux_2.38.1.orig.tar.xz")
    folder = tmp_path_factory.mktemp("samples")
    wanted = {f"tests/ts/blkid/images-fs/{name}.img.xz" for name in IMAGES}
    wanted |= {f"tests/expected/blkid/low-probe-{name}" for name in IMAGES}
    with tarfile.open(archive) as members:
        for member in members:
            path = member.name.partition("/")[2]
            if path in wanted:
                folder.joinpath(path.rpartition("/")[2]).write_bytes(members.extractfile(member).read())
    return folder


def test_every_kind_is_known(blkid):
    known = run(blkid, "-k").split()
    assert sorted(known) == sorted(MEMBERS + FILE_SYSTEMS)


@pytest.mark.parametrize("name", IMAGES)
def test_image_is_named_as_by_util_linux(blkid, samples, tmp_path, name):
    image = tmp_path / "image"
    with lzma.open(samples / f"{name}.img.xz") as packed, image.open("wb") as file:
        while piece := packed.read(MIB):
            if any(piece):
                file.write(piece)
            else:
                file.seek(len(piece), 1)
        file.truncate(file.tell())
    expected = dict(line.split("=", 1) for line in (samples / f"low-probe-{name}").read_text().splitlines() if line)
    assert expected["ID_FS_TYPE"] in MEMBERS + FILE_SYSTEMS
    assert seen(blkid, image) == expected


@pytest.mark.parametrize("kind,offset,magic", MAGICS)
def test_magic_is_known(blkid, tmp_path, kind, offset, magic):
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(8 * MIB)
        file.seek(offset)
        file.write(magic)
    assert seen(blkid, image)["ID_FS_TYPE"] == kind


@pytest.mark.parametrize("kind,size,words", [("ext4", 16, ["mkfs.ext4", "-qF"]), ("btrfs", 128, ["mkfs.btrfs", "-q"]),
                                             ("ntfs", 8, ["mkntfs", "-qFf"]), ("exfat", 8, ["mkfs.exfat"])])
def test_new_volume_is_known(blkid, tmp_path, kind, size, words):
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(size * MIB)
    run(*words, image)
    assert seen(blkid, image)["ID_FS_TYPE"] == kind


def test_raid_member_is_not_the_volume_on_it(blkid, tmp_path):
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(8 * MIB)
    run("mkntfs", "-qFf", image)
    assert seen(blkid, image)["ID_FS_TYPE"] == "ntfs"
    with image.open("r+b") as file:
        file.seek(8 * MIB - 1024)
        file.write(ISW_SIGNATURE)
    assert seen(blkid, image)["ID_FS_TYPE"] == "isw_raid_member"
