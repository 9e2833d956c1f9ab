# SPDX-License-Identifier: GPL-2.0-or-later
"""vhdtool export: folders of WSL 1, made with ntfs-3g as WSL leaves them, become archives that GNU tar, bsdtar and
Python read, with everything as it was. The volume stays byte for byte as it is.

Needs root, ntfs-3g and /dev/fuse.
"""

import hashlib
import io
import os
import random
import shutil
import stat
import struct
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import wsl_folder as wsl  # noqa: E402
from support.command import run  # noqa: E402
from support.hostdisk import HostSpec, _mark_encrypted, format_ntfs  # noqa: E402
from support.paths import PRODUCTS  # noqa: E402
from support.wsl_folder import File, directory, symlink  # noqa: E402

MIB = 1024**2
VHDTOOL = Path(os.environ.get("VHDBOOT_VHDTOOL", PRODUCTS / "vhdtool"))
# As ping has it: version 2, effective, CAP_NET_RAW.
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
DEEP = "/".join(f"folder-{number:03}" for number in range(40))

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists("/dev/fuse"), reason="needs root and /dev/fuse")


def tree(lxfs):
    """All that there is, by path; "" is the root."""
    files = {
        "": directory(0o755),
        "bin": symlink("usr/bin"),
        "usr": directory(), "usr/bin": directory(),
        "usr/bin/ping": File(0o100755, data=b"\x7fELF" + bytes(range(256)) * 40,
                             attributes={"security.capability": CAPABILITY, "user.note": b"a=b"}),
        "usr/bin/sudo": File(0o104755, data=b"setuid"),
        "etc": directory(), "etc/shadow": File(0o100640, gid=42, data=b"root:*:1::::::\n"),
        "etc/empty": File(),
        "home": directory(), "home/me": directory(0o700, uid=1000, gid=1000),
        "home/me/Makefile": File(uid=1000, gid=1000, data=b"upper"), "home/me/makefile": File(uid=1000, data=b"lower"),
        "home/me/µ ünïcode": File(uid=1000, gid=70000, data=b"x" * 700),
        "tmp": directory(0o1777),
        "var": directory(), "var/libc6:amd64.list": File(data=b"/.\n"),
        'var/a<b>c:d"e\\f|g*h?i\x01\x1f': File(data=b"all that Windows forbids"),
        "var/hash#0041#tag": File(data=b"# is escaped in one generation only"),
        "var/system-a\\x2db.slice": symlink("../usr/lib/x\\x2dy"),
        "var/long": symlink("/very/" + "long-" * 60 + "target"),
        "var/hard": File(0o100600, uid=7, data=b"twice"), "var/hard link": File(same="var/hard"),
        "dev": directory(), "dev/tty1": File(0o020620, gid=5, device=(4, 1)),
        "dev/sda17": File(0o060660, gid=6, device=(259, 1048575)),
        "dev/initctl": File(0o010600), "dev/log": File(0o140666),
        "old": File(mtime=-86_400_000_000_000 + 500_000_000, data=b"before 1970"),
        "big uid": File(uid=4294967294, gid=2097152),
    }
    path = ""
    for part in DEEP.split("/"):
        path = f"{path}/{part}".lstrip("/")
        files[path] = directory()
    files[f"{path}/{'n' * 120}"] = File(data=b"deep")
    if lxfs:
        files["old"].mtime += 1  # a nanosecond, which NTFS could not keep
    return files


def make_volume(path, size=64 * MIB):
    with open(path, "wb") as file:
        file.truncate(size)
    format_ntfs(path, 0, HostSpec())
    return path


def vhdtool(*args, **options):
    return subprocess.run([VHDTOOL, *map(str, args)], capture_output=True, timeout=300, **options)


def digest(path):
    return hashlib.sha256(path.read_bytes()).digest()


def export(volume, folder, status=0):
    """The archive and the line of counts; the volume is not changed."""
    before = digest(volume)
    done = vhdtool("export", "--volume", volume, folder)
    assert done.returncode == status, done.stderr.decode()
    assert digest(volume) == before
    return done.stdout, done.stderr.decode()


def refuse(*args, status=3, words=()):
    done = vhdtool("export", *args)
    text = done.stderr.decode()
    assert done.returncode == status, text
    assert not done.stdout and text.count("\n") == 1, text
    for word in words:
        assert word in text, text


def entries_of(archive):
    """By path, as Python's tarfile reads them."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name.removeprefix("./") if member.name != "." else "": (member, tar.extractfile(member).read()
                if member.isreg() else None) for member in tar}


def check_archive(archive, files):
    """Against what was made, by Python's tarfile."""
    entries = entries_of(archive)
    expected = {name: file for name, file in files.items() if not stat.S_ISSOCK(file.mode)}
    assert set(entries) == set(expected)
    links = {}
    for name, file in expected.items():
        member, data = entries[name]
        real = expected[file.same or name]
        if member.islnk():
            links[name] = member.linkname.removeprefix("./")
        assert (member.uid, member.gid) == (real.uid, real.gid), name
        assert member.mode == (0o777 if stat.S_ISLNK(real.mode) else real.mode & 0o7777), name
        mtime = member.pax_headers.get("mtime", str(int(member.mtime)))
        seconds, _, rest = mtime.lstrip("-").partition(".")
        time = int(seconds) * 10**9 + int(rest.ljust(9, "0") or 0)
        assert (-time if mtime.startswith("-") else time) == real.mtime, name
        if stat.S_ISREG(real.mode) and not member.islnk():
            assert data == real.data, name
        if stat.S_ISLNK(real.mode):
            assert member.issym() and member.linkname == real.data.decode(), name
        if stat.S_ISCHR(real.mode) or stat.S_ISBLK(real.mode):
            assert (member.devmajor, member.devminor) == real.device, name
            assert member.ischr() == stat.S_ISCHR(real.mode), name
        if not member.islnk():
            found = {key.removeprefix("SCHILY.xattr."): value.encode("utf-8", "surrogateescape")
                     for key, value in member.pax_headers.items() if key.startswith("SCHILY.xattr.")}
            assert found == real.attributes, name
    pairs = {name: file.same for name, file in expected.items() if file.same}
    # Either of two names may come first.
    assert {frozenset(pair) for pair in links.items()} == {frozenset(pair) for pair in pairs.items()}


def check_unpacked(folder, files, time_of_root=True):
    """Against what was made, after somebody unpacked it as root."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert found == {name for name, file in files.items() if name and not stat.S_ISSOCK(file.mode)}
    for name in found | {""}:
        file = files[files[name].same or name]
        status = os.lstat(folder / name)
        assert stat.S_IFMT(status.st_mode) == stat.S_IFMT(file.mode), name
        if not stat.S_ISLNK(file.mode):
            assert status.st_mode == file.mode, name
        assert (status.st_uid, status.st_gid) == (file.uid, file.gid), name
        if name or time_of_root:
            assert status.st_mtime_ns == file.mtime, name
        if stat.S_ISREG(file.mode):
            assert (folder / name).read_bytes() == file.data, name
        if stat.S_ISLNK(file.mode):
            assert os.readlink(folder / name) == file.data.decode(), name
        if stat.S_ISCHR(file.mode) or stat.S_ISBLK(file.mode):
            assert (os.major(status.st_rdev), os.minor(status.st_rdev)) == file.device, name
        if not stat.S_ISLNK(file.mode):
            for key, value in file.attributes.items():
                assert os.getxattr(folder / name, key) == value, name
        if files[name].same:
            assert status.st_ino == os.lstat(folder / files[name].same).st_ino


@pytest.mark.parametrize("generation", ["lxfs", "wslfs"])
def test_everything_is_as_it_was(tmp_path, generation):
    files = tree(generation == "lxfs")
    volume = make_volume(tmp_path / "volume.img")
    with wsl.mounted(volume) as folder:
        wsl.fill(folder / "wsl" / "rootfs", files, generation)
    archive, said = export(volume, "/wsl")
    assert export(volume, "\\wsl\\rootfs")[0] == archive
    check_archive(archive, files)
    folders = sum(stat.S_ISDIR(file.mode) for file in files.values())
    regular = sum(stat.S_ISREG(file.mode) and not file.same for file in files.values())
    unescaped = 4 if generation == "lxfs" else 3
    assert said == (f"vhdtool export: /wsl/rootfs: {regular} files, {folders} folders, 3 symbolic links, 1 hard link, "
                    f"2 devices, 1 FIFO, 1 with extended attributes, {unescaped} names unescaped; left out: 1 socket\n")

    # GNU tar unpacks it.
    path = tmp_path / "wsl.tar"
    path.write_bytes(archive)
    unpacked = tmp_path / "gnu"
    unpacked.mkdir()
    run("tar", "--xattrs", "--xattrs-include=*", "--numeric-owner", "-xpf", path, "-C", unpacked)
    check_unpacked(unpacked, files)

    # Into a file, where nothing may be lost either.
    target = tmp_path / "again.tar"
    done = vhdtool("export", "--volume", volume, "-o", target, "/wsl")
    assert (done.returncode, done.stdout, done.stderr.decode()) == (0, b"", said)
    assert target.read_bytes() == archive and stat.S_IMODE(target.stat().st_mode) == 0o600
    refuse("--volume", volume, "-o", target, "/wsl", words=["again.tar exists already"])
    assert not list(tmp_path.glob("*-part"))


@pytest.mark.skipif(shutil.which("bsdtar") is None, reason="bsdtar (libarchive-tools) is not installed")
def test_bsdtar_unpacks_it_too(tmp_path):
    """By libarchive, which `wsl --import` and `mke2fs -d` use."""
    files = tree(True)
    files["old"].mtime = -86_400_000_000_000  # it reads a fraction of a second before 1970 as one behind it
    volume = make_volume(tmp_path / "volume.img")
    with wsl.mounted(volume) as folder:
        wsl.fill(folder / "rootfs", files, "lxfs")
        (folder / "rootfs/sparse").touch()
        os.truncate(folder / "rootfs/sparse", MIB)
        os.setxattr(folder / "rootfs/sparse", "system.ntfs_ea", wsl.attribute_list(wsl.lxfs_attributes(File())))
        os.utime(folder / "rootfs/sparse", ns=(File().atime, File().mtime))
    files["sparse"] = File(data=bytes(MIB))
    path = tmp_path / "wsl.tar"
    path.write_bytes(export(volume, "/rootfs")[0])
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    run("bsdtar", "--numeric-owner", "-xpf", path, "-C", unpacked, env={"LC_ALL": "C.UTF-8"})
    check_unpacked(unpacked, files, time_of_root=False)  # it leaves the folder that it unpacks into as it is


def test_names_are_unescaped_by_their_generation_alone(tmp_path):
    volume = make_volume(tmp_path / "volume.img")
    with wsl.mounted(volume) as folder:
        for generation, attributes in (("lxfs", wsl.lxfs_attributes), ("wslfs", wsl.wslfs_attributes)):
            root = folder / generation
            root.mkdir()
            wsl.set_attributes(root, attributes(directory()))
            # What is no escape, or of a character that needs none, or of the other generation.
            for name in ("#003a", "#0041", "#12", "\uf03a", "#003A", "\uf041", "#002F"):
                (root / name).touch()
                wsl.set_attributes(root / name, attributes(File()))
    names = set(entries_of(export(volume, "/lxfs")[0]))
    assert names == {"", "#003a", "#0041", "#12", "\uf03a", ":", "\uf041", "#002F"}
    names = set(entries_of(export(volume, "/wslfs")[0]))
    assert names == {"", "#003a", "#0041", "#12", ":", "#003A", "\uf041", "#002F"}


def test_of_two_names_that_are_one_in_linux_the_second_is_left_out(tmp_path):
    volume = make_volume(tmp_path / "volume.img")
    with wsl.mounted(volume) as folder:
        wsl.fill(folder / "d", {"": directory(), "C#": File(data=b"WSL"), "C": File()}, "lxfs")
        (folder / "d/C#").write_bytes(b"Windows")
    archive, said = export(volume, "/d", status=4)
    assert {name: data for name, (_, data) in entries_of(archive).items() if data} in ({"C#": b"WSL"}, {"C#": b"Windows"})
    assert "C#: warning: it is left out: another file of this folder" in said


def test_the_oldest_layout_has_two_folders_beside_the_root(tmp_path):
    volume = make_volume(tmp_path / "volume.img")
    root = {"": directory(), "home": directory(0o700), "root": directory(), "etc": directory()}
    with wsl.mounted(volume) as folder:
        lxss = folder / "lxss"
        wsl.fill(lxss / "rootfs", root, "lxfs")
        wsl.fill(lxss / "home", {"": directory(0o755), "me": directory(uid=1000), "me/file": File(uid=1000, data=b"1")},
                 "lxfs")
        wsl.fill(lxss / "root", {"": directory(0o700), ".bashrc": File(data=b"2")}, "lxfs")
        (lxss / "mnt").mkdir()
    archive, said = export(volume, "/lxss")
    entries = entries_of(archive)
    assert set(entries) == {"", "etc", "home", "home/me", "home/me/file", "root", "root/.bashrc"}
    assert entries["home"][0].mode == 0o755 and entries["root"][0].mode == 0o700
    assert said.count("\n") == 3 and "the folder home beside it becomes /home" in said
    # What WSL would hide is named.
    with wsl.mounted(volume) as folder:
        (folder / "lxss/rootfs/home/hidden").touch()
    archive, said = export(volume, "/lxss", status=4)
    assert "what is in rootfs/home is left out" in said and "home/hidden" not in entries_of(archive)


def test_what_has_no_metadata_gets_the_default_and_is_counted(tmp_path):
    volume = make_volume(tmp_path / "volume.img")
    with wsl.mounted(volume) as folder:
        wsl.fill(folder / "d", {"": directory(), "with": File(0o100600, uid=5)}, "wslfs")
        (folder / "d/made by Windows.txt").write_bytes(b"x")
        (folder / "d/folder").mkdir()
        (folder / "d/read only").touch()
        os.setxattr(folder / "d/read only", "system.ntfs_attrib", struct.pack("<I", 1))
        # A part of it, and of the other generation.
        (folder / "d/part").touch()
        wsl.set_attributes(folder / "d/part", {"$LXUID": struct.pack("<I", 9)})
        (folder / "d/other").touch()
        wsl.set_attributes(folder / "d/other", wsl.lxfs_attributes(File(0o100777, uid=9)))
    archive, said = export(volume, "/d")
    found = {name: (member.mode, member.uid) for name, (member, _) in entries_of(archive).items()}
    assert found == {"": (0o755, 0), "with": (0o600, 5), "made by Windows.txt": (0o644, 0), "folder": (0o755, 0),
                     "read only": (0o444, 0), "part": (0o644, 9), "other": (0o644, 0)}
    assert said == "vhdtool export: /d: 5 files, 2 folders, 5 without metadata\n"


def windows_link(target, junction=False):
    name = target.encode("utf-16-le")
    if junction:
        data = struct.pack("<HHHH", 0, len(name), len(name) + 2, 0) + name + b"\0\0\0\0"
        return struct.pack("<IHH", 0xA0000003, len(data), 0) + data
    data = struct.pack("<HHHHI", 0, len(name), len(name), 0, 0 if target.startswith("\\??") else 1) + name
    return struct.pack("<IHH", 0xA000000C, len(data), 0) + data


def test_what_windows_made_of_files_is_read_or_named(tmp_path):
    """Links, what NTFS compresses, holes, streams; CompactOS and EFS."""
    volume = make_volume(tmp_path / "volume.img")
    numbers = random.Random(14)
    text = b"".join(b"line %d of a text that compresses well\n" % numbers.randrange(1000) for _ in range(9000))
    mixed = text[:150_000] + numbers.randbytes(200_000) + bytes(300_000) + text[150_000:]
    with wsl.mounted(volume) as folder:
        root = folder / "d"
        wsl.fill(root, {"": directory(), "small": directory(), "plain": File(data=b"plain")}, "wslfs")
        os.setxattr(root / "small", "system.ntfs_attrib", struct.pack("<I", wsl.COMPRESSED))
        for name, data in (("text", text), ("mixed", mixed), ("tail", text[:65536 * 2 + 17]), ("resident", b"little")):
            with open(root / "small" / name, "wb", buffering=0) as file:
                for at in range(0, len(data), 65536):
                    file.write(data[at:at + 65536])
        assert 0 < os.stat(root / "small/text").st_blocks * 512 < len(text) / 2
        with open(root / "sparse", "wb") as file:
            file.write(b"begin")
            file.seek(20 * MIB)
            file.write(b"end")
            file.truncate(30 * MIB)
        for name, target in (("drive", "\\??\\C:\\Users\\me"), ("relative", "..\\plain")):
            (root / name).touch()
            os.setxattr(root / name, "system.ntfs_reparse_data", windows_link(target))
        (root / "junction").mkdir()
        os.setxattr(root / "junction", "system.ntfs_reparse_data", windows_link("\\??\\D:\\data", junction=True))
        (root / "compact").touch()
        os.setxattr(root / "compact", "system.ntfs_reparse_data", struct.pack("<IHH4I", 0x80000017, 16, 0, 1, 2, 1, 0))
        (root / "secret").write_bytes(b"x" * 5000)
        os.setxattr(root / "plain", "user.Zone.Identifier", b"[ZoneTransfer]\r\n")
    _mark_encrypted(volume, "/d/secret")
    archive, said = export(volume, "/d", status=4)
    entries = entries_of(archive)
    assert entries["small/text"][1] == text
    assert entries["small/mixed"][1] == mixed
    assert entries["small/tail"][1] == text[:65536 * 2 + 17] and entries["small/resident"][1] == b"little"
    sparse = entries["sparse"][1]
    assert sparse[:5] == b"begin" and sparse[20 * MIB:20 * MIB + 3] == b"end" and len(sparse) == 30 * MIB
    assert not sparse[5:20 * MIB].strip(b"\0") and len(archive) < 5 * MIB
    links = {name: member.linkname for name, (member, _) in entries.items() if member.issym()}
    assert links == {"drive": "/mnt/c/Users/me", "relative": "../plain", "junction": "/mnt/d/data"}
    assert "compact" not in entries and "secret" not in entries
    assert "compact: warning: it is left out: Windows compressed it (CompactOS)" in said
    assert "secret: warning: it is left out: it is encrypted (EFS)" in said
    assert said.splitlines()[-1] == ("vhdtool export: /d: 6 files, 2 folders, 3 symbolic links, 3 links of Windows, "
                                     "8 without metadata; left out: 1 stream of Windows, 2 that could not be taken")
    path = tmp_path / "d.tar"
    path.write_bytes(archive)
    unpacked = tmp_path / "gnu"
    unpacked.mkdir()
    run("tar", "-xpf", path, "-C", unpacked)
    assert (unpacked / "sparse").read_bytes() == sparse and (unpacked / "small/mixed").read_bytes() == mixed


def test_damaged_metadata_is_named_and_the_default_taken(tmp_path):
    volume = make_volume(tmp_path / "volume.img")
    good = wsl.lxfs_attributes(File(0o100600, uid=5))["LXATTRB"]
    with wsl.mounted(volume) as folder:
        wsl.fill(folder / "d", {"": directory()}, "lxfs")
        bad = {"short": {"LXATTRB": good[:-1]}, "version": {"LXATTRB": b"\0\0\2\0" + good[4:]},
               "loop": {"LXATTRB": good, "LXXATTR": struct.pack("<IIHB", 1 << 16, 1, 1, 1) + b"ab"},
               "device": {"LXATTRB": wsl.lxfs_attributes(File(0o020600))["LXATTRB"]},
               "nowhere": {"LXATTRB": wsl.lxfs_attributes(symlink(""))["LXATTRB"]}}
        for name, attributes in bad.items():
            (folder / "d" / name).touch()
            wsl.set_attributes(folder / "d" / name, attributes)
    archive, said = export(volume, "/d", status=4)
    entries = entries_of(archive)
    assert set(entries) == {"", "short", "version", "loop", "device"}
    assert all(entries[name][0].mode == 0o644 for name in ("short", "version", "loop"))
    assert entries["device"][0].ischr()
    assert said.count("is not of the form that WSL writes") == 3 and "nowhere: warning: it is left out" in said
    assert said.splitlines()[-1].endswith("3 without metadata, 3 with damaged metadata; left out: "
                                          "1 that could not be taken")


def test_what_is_no_folder_of_wsl_is_refused_with_what_leads_on(tmp_path):
    volume = make_volume(tmp_path / "volume.img")
    with wsl.mounted(volume) as folder:
        (folder / "photos").mkdir()
        (folder / "file").touch()
        (folder / "wsl2").mkdir()
        (folder / "wsl2/ext4.vhdx").touch()
    refuse("--volume", volume, "/photos", words=["/photos has no metadata of WSL 1", "which has rootfs in it"])
    refuse("--volume", volume, "/wsl2", words=["WSL 2", "ext4.vhdx", "boots as it is"])
    refuse("--volume", volume, "/file", words=["not a directory"])
    refuse("--volume", volume, "/nothing", words=['there is no "nothing" in /'])
    refuse(tmp_path, words=["on no NTFS volume", "`vhdtool export --volume "])
    exfat = tmp_path / "exfat.img"
    with open(exfat, "wb") as file:
        file.truncate(16 * MIB)
    run("mkfs.exfat", exfat)
    refuse("--volume", exfat, "/", words=["exFAT", "no folder of WSL"])
    with wsl.mounted(volume) as folder:
        refuse(folder / "photos", words=["umount", '"/photos"'])


def test_a_volume_that_was_not_left_in_order_is_read_with_a_warning(tmp_path):
    volume = make_volume(tmp_path / "volume.img")
    with wsl.mounted(volume) as folder:
        wsl.fill(folder / "d", {"": directory(), "file": File(data=b"1")}, "wslfs")
        (folder / "hiberfil.sys").write_bytes(b"hibr" + bytes(4092))
    archive, said = export(volume, "/d", status=4)
    assert "what is read may be old or torn: Windows is hibernated" in said
    assert entries_of(archive)["file"][1] == b"1"


def test_a_path_that_linux_could_not_open_is_named(tmp_path):
    volume = make_volume(tmp_path / "volume.img")
    with wsl.mounted(volume) as folder:
        wsl.fill(folder / "d", {"": directory(), "ä" * 120: directory(), "kept": File()}, "wslfs")
        (folder / "d" / ("ä" * 130)).touch()
        here = os.open(folder / "d", os.O_RDONLY)
        try:
            for _ in range(21):  # of 200 bytes each
                os.mkdir("d" * 199, dir_fd=here)
                here, last = os.open("d" * 199, os.O_RDONLY, dir_fd=here), here
                os.close(last)
        finally:
            os.close(here)
    archive, said = export(volume, "/d", status=4)
    entries = entries_of(archive)
    assert {"kept", "ä" * 120} <= set(entries) and "ä" * 130 not in entries
    assert max(len(name) for name in entries) == 20 * 200 - 1
    assert said.count("Linux opens no path above 4095 bytes") == 2


def test_check_says_whether_the_folder_boots(tmp_path):
    """As it lies: by its volume, with the configuration that names a kernel."""
    volume = make_volume(tmp_path / "volume.img")
    with wsl.mounted(volume) as folder:
        wsl.fill(folder / "d" / "rootfs", {"": directory(), "file": File(data=b"1")}, "wslfs")
        (folder / "photos").mkdir()
        mounted = vhdtool("check", folder / "d")
        assert mounted.returncode == 3 and b"--volume DEVICE PATH" in mounted.stderr
    conf = tmp_path / "wsl.conf"
    for text, status, words in (("image /d\n", 3, ["has no kernel", "`kernel`", "--conf"]),
                                ("image /d\nkernel /debian.vhd\n", 4, ["1 file, 1 folder", "KiB of it go to memory"]),
                                ("image /d\nkernel /debian.vhd\nephemeral /scratch.img\n", 3, ["scratch file"]),
                                ("image /d\nkernel /debian.vhd\nephemeral no\n", 3, ["only read"])):
        conf.write_text(text, encoding="ascii")
        done = vhdtool("check", "--volume", volume, "--conf", conf, "/d")
        assert done.returncode == status, done.stdout + done.stderr
        for word in words:
            assert word in done.stdout.decode(), done.stdout.decode()
    done = vhdtool("check", "--volume", volume, "/photos")
    assert done.returncode == 3 and "/photos has no metadata of WSL 1" in done.stdout.decode()
    with wsl.mounted(volume) as folder:
        (folder / "d/rootfs/secret").write_bytes(b"x" * 5000)
    _mark_encrypted(volume, "/d/rootfs/secret")
    conf.write_text("image /d\nkernel /debian.vhd\n", encoding="ascii")
    before = digest(volume)
    done = vhdtool("check", "--volume", volume, "--conf", conf, "/d")
    assert done.returncode == 4 and "secret: it is left out: it is encrypted (EFS)" in done.stdout.decode()
    assert digest(volume) == before
