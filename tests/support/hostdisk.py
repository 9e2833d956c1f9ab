# SPDX-License-Identifier: GPL-2.0-or-later
"""Host disks: a disk image with an ESP that holds GRUB and an NTFS or exFAT partition that holds the guests' images.

GRUB chainloads the EFI file from that partition, which is how Ventoy starts one. Offsets and sizes are in bytes.
"""

import fcntl
import os
import re
import struct
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import disk
from .command import CommandError, run
from .exfat import Exfat

DISK_GUID = "8B6E4F5A-7F4E-4C7B-9C39-0F2D6A5B1E01"
ESP_GUID = "8B6E4F5A-7F4E-4C7B-9C39-0F2D6A5B1E02"
HOST_GUID = "8B6E4F5A-7F4E-4C7B-9C39-0F2D6A5B1E03"
MBR_SIGNATURE = "0x5eedb007"
NTFS_SERIAL = "5EEDB00712345678"
EXFAT_SERIAL = "5EED-B007"
ATTRIBUTE_COMPRESSED = 0x800
ESP_SIZE = 32 * disk.MIB
GRUB_MODULES = "part_gpt part_msdos ntfs exfat fat chain search search_fs_file regexp echo test normal"


@dataclass(frozen=True)
class HostSpec:
    """`table` is gpt, mbr or none (no partition table; GRUB then needs a disk of its own: `make_grub_disk`).

    `loader` grub: GRUB on the ESP chainloads `efi_path` from the host volume; esp: `esp_files` of `make` are on the ESP.
    `sparse`, `compressed`, `encrypted`: the files (NTFS) to be made so; a sparse one is all hole. `half_valid`: the files
    (exFAT) whose valid data length is half their size. `journal`: what $LogFile shall begin with. `pieces`: how many
    fragments the first file shall have. `slack`: free space in the host volume.
    """

    fs: str = "ntfs"
    table: str = "gpt"
    block_size: int = 512
    cluster: int = 4096
    pieces: int = 1
    label: str = "VHDHOST"
    efi_path: str = "/boot/debian.efi"
    load_options: str = ""
    loader: str = "grub"
    slack: int = 64 * disk.MIB
    sparse: tuple[str, ...] = ()
    compressed: tuple[str, ...] = ()
    encrypted: tuple[str, ...] = ()
    half_valid: tuple[str, ...] = ()
    journal: bytes = b""


@dataclass(frozen=True)
class HostDisk:
    """`extents`: where the bytes of each file lie on the disk, as (offset, length), in the file's order; `sizes`: of the files,
    in bytes, which end within their last cluster."""

    path: Path
    spec: HostSpec
    offset: int
    size: int
    extents: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def partuuid(self) -> str:
        """As blkid prints it; empty without a partition table."""
        return {"gpt": HOST_GUID.lower(), "mbr": f"{MBR_SIGNATURE[2:]}-02", "none": ""}[self.spec.table]

    @property
    def serial(self) -> str:
        return NTFS_SERIAL if self.spec.fs == "ntfs" else EXFAT_SERIAL

    def moved(self, path: Path) -> "HostDisk":
        """The same disk in a copy of its file."""
        return replace(self, path=path)


def make(target: Path, spec: HostSpec, files: dict[str, Path], esp_files: dict[str, Path] | None = None) -> HostDisk:
    """Makes a host disk with these files ({"/boot/debian.vhd": source}); the first is the one to be torn in pieces."""
    target.parent.mkdir(parents=True, exist_ok=True)
    contents = sum(source.stat().st_size for source in files.values())
    # exFAT and NTFS spend little; tearing costs a cluster a piece.
    size = contents + contents // 100 + spec.slack + 2 * spec.pieces * spec.cluster
    size = -(-size // disk.MIB) * disk.MIB
    if spec.table == "none":
        offset, total = 0, size
        disk.create(target, total)
    else:
        offset = disk.MIB + ESP_SIZE
        total = offset + size + disk.MIB
        gpt = spec.table == "gpt"
        disk.create(target, total, disk.Table("gpt" if gpt else "dos", DISK_GUID if gpt else MBR_SIGNATURE, [
            disk.Partition(disk.MIB, ESP_SIZE, disk.ESP if gpt else "ef", ESP_GUID if gpt else ""),
            disk.Partition(offset, size, disk.BASIC_DATA if gpt else "07", HOST_GUID if gpt else ""),
        ]), spec.block_size)
        with tempfile.TemporaryDirectory(prefix="vhdboot-esp.", dir=target.parent) as work:
            if spec.loader == "grub":
                esp = _grub_esp(Path(work), spec)
            else:
                esp = Path(work) / "esp.fat"
                disk.format_esp(esp, ESP_SIZE, esp_files or {}, block_size=spec.block_size)
            disk.place(esp, target, disk.MIB)
    with tempfile.TemporaryDirectory(prefix="vhdboot-host.", dir=target.parent) as work:
        volume = Path(work) / "volume"
        disk.create(volume, size)
        extents = (_fill_ntfs if spec.fs == "ntfs" else _fill_exfat)(volume, offset, spec, files)
        disk.place(volume, target, offset)
    placed = {name: [(offset + start, length) for start, length in runs] for name, runs in extents.items()}
    return HostDisk(target, spec, offset, size, placed, {name: source.stat().st_size for name, source in files.items()})


def make_started_from_esp(target: Path, spec: HostSpec, files: dict[str, Path], efi: Path, settings: str = "") -> HostDisk:
    """A disk from whose ESP the firmware starts `efi`, which boots the first of these files on the host volume; `settings`:
    more lines of its configuration."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="vhdboot-conf.", dir=target.parent) as work:
        conf = Path(work) / "conf"
        # Named, as it is when GRUB or Ventoy starts vhdboot from the host volume: else every disk is waited for.
        serial = NTFS_SERIAL if spec.fs == "ntfs" else EXFAT_SERIAL
        conf.write_text(f"image {next(iter(files))}\nvolume {serial}\n{settings}", encoding="utf-8")
        esp = {"/EFI/BOOT/BOOTX64.EFI": efi, "/EFI/BOOT/BOOTX64.conf": conf}
        return make(target, replace(spec, loader="esp"), files, esp)


# --- GRUB

def grub_config(spec: HostSpec) -> str:
    # On the disk that GRUB comes from, if there is one; as Ventoy does.
    return (f"regexp --set=1:own '^\\(([^,)]*)' $cmdpath\n"
            f"search --no-floppy --file --set=host --hint=$own, {spec.efi_path}\n"
            f"echo \"GRUB: chainloading ($host){spec.efi_path} {spec.load_options}\"\n"
            f"set root=$host\n"
            f"chainloader ($host){spec.efi_path} {spec.load_options}\n"
            "boot\n")


def _grub_esp(work: Path, spec: HostSpec) -> Path:
    config = work / "grub.cfg"
    config.write_text(grub_config(spec), encoding="utf-8")
    program = work / "grub.efi"
    run("grub-mkstandalone", "-O", "x86_64-efi", "-o", program, f"--install-modules={GRUB_MODULES}",
        f"--modules={GRUB_MODULES}", "--locales=", "--fonts=", "--themes=", f"boot/grub/grub.cfg={config}")
    esp = work / "esp.fat"
    disk.format_esp(esp, ESP_SIZE, {"/EFI/BOOT/BOOTX64.EFI": program}, block_size=spec.block_size)
    return esp


def make_esp_disk(target: Path, files: dict[str, Path], block_size: int = 512, size: int = 128 * disk.MIB) -> Path:
    """A small GPT disk with nothing but an ESP."""
    disk.create(target, size + 2 * disk.MIB, disk.Table("gpt", DISK_GUID[:-1] + "9", [
        disk.Partition(disk.MIB, size, disk.ESP, ESP_GUID[:-1] + "9")]), block_size)
    with tempfile.TemporaryDirectory(prefix="vhdboot-esp.", dir=target.parent) as work:
        esp = Path(work) / "esp.fat"
        disk.format_esp(esp, size, files, block_size=block_size)
        disk.place(esp, target, disk.MIB)
    return target


def make_grub_disk(target: Path, spec: HostSpec) -> Path:
    """A disk with nothing but GRUB, which looks for the host volume on every other disk."""
    with tempfile.TemporaryDirectory(prefix="vhdboot-esp.", dir=target.parent) as work:
        esp = _grub_esp(Path(work), replace(spec, block_size=512))
        disk.create(target, ESP_SIZE + 2 * disk.MIB, disk.Table("gpt", DISK_GUID[:-1] + "8", [
            disk.Partition(disk.MIB, ESP_SIZE, disk.ESP, ESP_GUID[:-1] + "8")]))
        disk.place(esp, target, disk.MIB)
    return target


# --- NTFS

class Mounted:
    """A file system by FUSE in a file of its own, mounted as long as the block runs."""

    def __init__(self, volume: Path, *options: str):
        self._volume = volume
        self._options = options
        self.folder = volume.with_name(volume.name + ".mounted")

    def __enter__(self) -> Path:
        self.folder.mkdir()
        words = [word for option in self._options for word in ("-o", option)]
        run("ntfs-3g", *words, self._volume, self.folder)
        return self.folder

    def __exit__(self, *_) -> None:
        run("umount", self.folder)
        self.folder.rmdir()
        self._wait_for_driver()

    def _wait_for_driver(self) -> None:
        """It closes the volume a moment after umount; a lease is granted when it has."""
        deadline = time.monotonic() + 60
        with open(self._volume, "rb") as volume:
            while True:
                try:
                    fcntl.fcntl(volume, fcntl.F_SETLEASE, fcntl.F_RDLCK)
                    break
                except BlockingIOError:
                    assert time.monotonic() < deadline, f"{self._volume} stays open"
            fcntl.fcntl(volume, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def format_ntfs(volume: Path, offset: int, spec: HostSpec) -> None:
    run("mkntfs", "-F", "-Q", "-q", "-s", spec.block_size, "-c", spec.cluster, "-p", offset // spec.block_size,
        "-H", 255, "-S", 63, "-L", spec.label, volume)
    with open(volume, "r+b") as file:
        boot = bytearray(file.read(512))
        boot[72:80] = bytes.fromhex(NTFS_SERIAL)[::-1]
        # The copy of the boot sector is in the volume's last sector.
        last = struct.unpack_from("<Q", boot, 40)[0] * spec.block_size
        for place in (0, last):
            file.seek(place)
            if file.read(8)[3:] == b"NTFS ":
                file.seek(place)
                file.write(boot)


def ntfs_flag_places(host: HostDisk) -> list[int]:
    """Where in the volume the flags of the $Volume file lie: in the MFT and in its mirror."""
    places = []
    with open(host.path, "rb") as file:
        file.seek(host.offset)
        boot = file.read(512)
        cluster = struct.unpack_from("<H", boot, 11)[0] * boot[13]
        size = struct.unpack_from("<b", boot, 64)[0]
        record = cluster * size if size > 0 else 1 << -size
        for place in struct.unpack_from("<QQ", boot, 48):
            at = place * cluster + 3 * record
            file.seek(host.offset + at)
            data = file.read(record)
            attribute = _attribute(data, 0x70)  # $VOLUME_INFORMATION
            places.append(at + attribute + struct.unpack_from("<H", data, attribute + 20)[0] + 10)
    return places


def set_ntfs_flags(host: HostDisk, flags: int) -> None:
    """Sets these flags, such as 1 for dirty."""
    places = ntfs_flag_places(host)
    with open(host.path, "r+b") as file:
        for place in places:
            file.seek(host.offset + place)
            file.write(struct.pack("<H", flags))


def _attribute(record: bytes, wanted: int) -> int:
    """Where the attribute of that type begins in an MFT record."""
    at = struct.unpack_from("<H", record, 20)[0]
    while (kind := struct.unpack_from("<I", record, at)[0]) != wanted:
        if kind == 0xFFFFFFFF:
            raise ValueError(f"no attribute {wanted:#x} in the record")
        at += struct.unpack_from("<I", record, at + 4)[0]
    return at


def ntfs_restart_page(major: int, minor: int) -> bytes:
    """The first page of $LogFile as a Windows leaves it that has the volume open: one client, not clean."""
    page = bytearray(4096)
    struct.pack_into("<4sHHQIIHHH", page, 0, b"RSTR", 30, 9, 0, 4096, 4096, 64, minor, major)
    for place in (30, *range(510, 4096, 512)):
        struct.pack_into("<H", page, place, 1)  # the update sequence number
    struct.pack_into("<QHHHHI", page, 64, 1000, 1, 0xFFFF, 0, 0, 0)
    return bytes(page)


def set_exfat_flags(host: HostDisk, flags: int) -> None:
    """Sets VolumeFlags in the boot sector, which its checksum leaves out; 2 is dirty."""
    with open(host.path, "r+b") as file:
        file.seek(host.offset + 106)
        file.write(struct.pack("<H", flags))


def _fill_ntfs(volume: Path, offset: int, spec: HostSpec, files: dict[str, Path]) -> dict:
    format_ntfs(volume, offset, spec)
    first, *others = files.items()
    separators = _separate(volume, spec, first[1].stat().st_size) if spec.pieces > 1 else []
    _write_ntfs(volume, spec, dict([first]))
    _mark(volume, separators, used=False)
    _write_ntfs(volume, spec, dict(others))
    for name in spec.encrypted:
        _mark_encrypted(volume, name)
    if spec.journal:
        with open(volume, "r+b") as file:
            os.pwrite(file.fileno(), spec.journal, _runs(volume, "-i", 2)[0][0])
    return {name: ntfs_extents(volume, name) for name in files}


def _write_ntfs(volume: Path, spec: HostSpec, files: dict[str, Path]) -> None:
    """Writes every byte, holes too: ntfs-3g then allocates everything, and the valid data length is the size."""
    if not files:
        return
    with Mounted(volume, "big_writes", "compression") as folder:
        for name, source in files.items():
            path = folder / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            # What is made in a compressed directory is compressed.
            attributes = ATTRIBUTE_COMPRESSED if name in spec.compressed else 0
            os.setxattr(path.parent, "system.ntfs_attrib", struct.pack("<I", attributes))
            with open(source, "rb") as reader, open(path, "wb", buffering=0) as writer:
                if name in spec.sparse:
                    writer.truncate(source.stat().st_size)
                    continue
                while data := reader.read(disk.MIB):
                    writer.write(data)


def _mark_encrypted(volume: Path, name: str) -> None:
    """Sets the flags by which Windows knows a file that EFS encrypts; no driver here can make one."""
    number = int(re.search(r"Dumping Inode (\d+)", run("ntfsinfo", "-F", name.lstrip("/"), volume))[1])
    size = int(re.search(r"MFT Record Size: (\d+)", run("ntfsinfo", "-m", volume))[1])
    at = number * size
    for start, length in _runs(volume, "-i", 0):
        if at < length:
            break
        at -= length
    with open(volume, "r+b") as file:
        record = bytearray(_pread(file, start + at, size))
        information = _attribute(record, 0x10)
        attributes = information + struct.unpack_from("<H", record, information + 20)[0] + 32
        for place, form in ((attributes, "<I"), (_attribute(record, 0x80) + 12, "<H")):
            struct.pack_into(form, record, place, struct.unpack_from(form, record, place)[0] | 0x4000)
        os.pwrite(file.fileno(), record, start + at)


def _separate(volume: Path, spec: HostSpec, size: int) -> list[int]:
    """Takes single clusters out of the free space at even distances, so that a file of that size falls in pieces."""
    with open(volume, "rb") as file:
        bits = b"".join(_pread(file, start, length) for start, length in _runs(volume, "-i", 6))
    step = max(1, -(-size // spec.cluster) // spec.pieces) + 1
    clusters = volume.stat().st_size // spec.cluster
    free = [number for number in range(0, clusters, step) if not bits[number // 8] >> number % 8 & 1]
    _mark(volume, free, used=True)
    return free


def _mark(volume: Path, clusters: list[int], used: bool) -> None:
    """Sets or clears the bits of clusters in $Bitmap."""
    if not clusters:
        return
    runs = _runs(volume, "-i", 6)
    with open(volume, "r+b") as file:
        bits = bytearray(b"".join(_pread(file, start, length) for start, length in runs))
        for number in clusters:
            mask = 1 << number % 8
            bits[number // 8] = bits[number // 8] | mask if used else bits[number // 8] & ~mask
        done = 0
        for start, length in runs:
            os.pwrite(file.fileno(), bits[done:done + length], start)
            done += length


def _pread(file, start: int, length: int) -> bytes:
    return os.pread(file.fileno(), length, start)


def ntfs_extents(volume: Path, name: str) -> list[tuple[int, int]]:
    """Where a file's bytes lie in an NTFS volume, as ntfsinfo lists its runs. Whole clusters."""
    return _runs(volume, "-F", name.lstrip("/"))


def _runs(volume: Path, *which) -> list[tuple[int, int]]:
    cluster = int(re.search(r"Cluster Size: (\d+)", run("ntfsinfo", "-m", volume))[1])
    runs = []
    for part in run("ntfsinfo", "-v", *which, volume).split("Dumping attribute ")[1:]:
        if part.startswith("$DATA"):
            runs += re.findall(r"^\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s*$", part, re.MULTILINE)
    ordered = sorted((int(vcn, 16), int(lcn, 16), int(length, 16)) for vcn, lcn, length in runs)
    return [(lcn * cluster, length * cluster) for _, lcn, length in ordered]


# --- exFAT

def _fill_exfat(volume: Path, _offset: int, spec: HostSpec, files: dict[str, Path]) -> dict:
    if spec.block_size != 512:
        # mkfs.exfat asks the device for its logical block size; a file counts as 512.
        device = run("losetup", "--find", "--show", "--sector-size", spec.block_size, volume).strip()
    else:
        device = volume
    try:
        run("mkfs.exfat", "-c", spec.cluster, "-L", spec.label, device)
        run("exfatlabel", "-i", device, f"0x{EXFAT_SERIAL.replace('-', '')}")
    finally:
        if device != volume:
            run("losetup", "--detach", device)
    with Exfat(volume) as writer:
        return {name: writer.put(name, source, spec.pieces if number == 0 else 1,
                                 source.stat().st_size // 2 if name in spec.half_valid else None)
                for number, (name, source) in enumerate(files.items())}


# --- what became of it

def outside_digest(host: HostDisk, name: str) -> str:
    """A hash of everything on the disk but that file's bytes."""
    return disk.digest_outside(host.path, host.extents[name])


def file_ranges(host: HostDisk, name: str, start: int, length: int) -> list[tuple[int, int]]:
    """Where a part of the file lies on the disk, as (offset, length), in the file's order."""
    ranges, position = [], 0
    for place, size in host.extents[name]:
        first, last = max(start, position), min(start + length, position + size)
        if first < last:
            ranges.append((place + first - position, last - first))
        position += size
    return ranges


def extract_file(host: HostDisk, name: str, target: Path, length: int | None = None) -> Path:
    """The file's bytes, or so many of them, read from where they lay when the disk was made."""
    with open(target, "wb") as file:
        file.truncate(length if length is not None else host.sizes[name])
    done = 0
    for start, size in file_ranges(host, name, 0, target.stat().st_size):
        disk.copy_range(host.path, start, target, done, size)
        done += size
    return target


def volume_complaints(host: HostDisk) -> list[str]:
    """What is not clean about the host volume: flags, journal, structure. Empty: nothing."""
    with tempfile.TemporaryDirectory(prefix="vhdboot-check.", dir=host.path.parent) as work:
        volume = disk.extract(host.path, host.offset, host.size, Path(work) / "volume")
        return ntfs_complaints(volume) if host.spec.fs == "ntfs" else exfat_complaints(volume)


def ntfs_complaints(volume: Path) -> list[str]:
    complaints = []
    try:
        flags = re.search(r"Volume Flags:\s+(0x[0-9a-f]+)(.*)", run("ntfsinfo", "-f", "-m", volume))
        if int(flags[1], 16) != 0:
            complaints.append(f"the NTFS volume flags are {flags[1]}{flags[2]}")
        said = run("ntfsfix", "-n", volume)
        if "was processed successfully" not in said and "OK" not in said:
            complaints.append(f"ntfsfix says: {said}")
    except CommandError as error:
        complaints.append(str(error))
    return complaints


def exfat_complaints(volume: Path) -> list[str]:
    complaints = []
    with open(volume, "rb") as file:
        flags = struct.unpack_from("<H", file.read(512), 106)[0]
    if flags & 0x2:
        complaints.append(f"the exFAT volume is marked dirty (flags {flags:#x})")
    try:
        run("fsck.exfat", "-n", volume)
    except CommandError as error:
        complaints.append(str(error))
    return complaints


def guest_complaints(root: Path, kind: str = "ext4") -> list[str]:
    """What the file system's own checker finds in a guest's root; it writes nothing."""
    checkers = {"ext4": ("e2fsck", "-f", "-n"), "btrfs": ("btrfs", "check", "--readonly"), "xfs": ("xfs_repair", "-n"),
                "f2fs": ("fsck.f2fs", "--dry-run", "-f")}
    try:
        said = run(*checkers[kind], root)
    except CommandError as error:
        return [str(error)]
    return [said] if "recovering journal" in said.lower() else []


def read_guest_file(root: Path, root_fs: str, name: str, options: str = "") -> str:
    """A file of a guest's root file system; one that is not ext4 is mounted read-only for it, with more options (root)."""
    if root_fs == "ext4":  # with features that this machine's kernel need not know
        return run("debugfs", "-R", f"cat {name}", root)
    folder = root.with_name(root.name + ".mounted")
    folder.mkdir()
    try:
        run("mount", "-o", f"loop,ro,{options}".rstrip(","), root, folder)
        try:
            return (folder / name.lstrip("/")).read_text(encoding="utf-8")
        finally:
            run("umount", folder)
    finally:
        folder.rmdir()
