# SPDX-License-Identifier: GPL-2.0-or-later
"""Dynamic and differencing VHDs and VHDX files, written field by field from the specifications and not by the product's
code: what the tests read, and break on purpose. What qemu-img can make is better made by it."""

import struct
import sys
import tempfile
import uuid
from pathlib import Path

from .command import run

KIB, MIB = 1024, 1024**2
EPOCH = 946684800  # 2000-01-01 UTC


def _table(polynomial):
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        table.append(value)
    return table


CASTAGNOLI = _table(0x82F63B78)


def crc32c(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ CASTAGNOLI[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def sealed(data: bytes | bytearray, at: int = 4) -> bytes:
    """The structure with its CRC-32C."""
    data = bytearray(data)
    struct.pack_into("<I", data, at, 0)
    struct.pack_into("<I", data, at, crc32c(data))
    return bytes(data)


def vhd_sum(data: bytes | bytearray, at: int) -> bytes:
    data = bytearray(data)
    struct.pack_into(">I", data, at, 0)
    struct.pack_into(">I", data, at, ~sum(data) & 0xFFFFFFFF)
    return bytes(data)


def vhd_footer(size: int, kind: int, identity: uuid.UUID, timestamp: int = 0) -> bytes:
    fields = struct.pack(">8sIIQI4sI4sQQHBBI", b"conectix", 2, 0x10000, 512 if kind > 2 else 2**64 - 1, timestamp,
                         b"win ", 0xA0000, b"Wi2k", size, size, 0, 0, 0, kind)
    return vhd_sum(fields + bytes(4) + identity.bytes + bytes(428), 64)


def make_vhd(path: Path, size: int, sectors: dict[int, bytes], identity: uuid.UUID, block_size: int = 512 * KIB,
             parent: tuple[uuid.UUID, int, str] | None = None) -> None:
    """A dynamic VHD with these sectors, or with a parent (UUID, time stamp, path in Windows) a differencing one."""
    kind = 4 if parent else 3
    footer = vhd_footer(size, kind, identity)
    header = bytearray(1024)
    blocks = -(-size // block_size)
    locator_at = 512 + 1024
    table_at = locator_at + 512
    struct.pack_into(">8sQQIII", header, 0, b"cxsparse", 2**64 - 1, table_at, 0x10000, blocks, block_size)
    locator = b""
    if parent:
        name = parent[2].rsplit("\\", 1)[-1]
        struct.pack_into(">16sI", header, 40, parent[0].bytes, parent[1])
        header[64 : 64 + 2 * len(name)] = name.encode("utf-16-be")
        locator = parent[2].encode("utf-16-le")
        struct.pack_into(">4sIIIQ", header, 576, b"W2ru", 512, len(locator), 0, locator_at)
    table = [0xFFFFFFFF] * blocks
    at = table_at + -(-blocks * 4 // 512) * 512
    per_block = block_size // 512
    bitmap_size = -(-per_block // 8 // 512) * 512
    bodies = []
    for block in sorted({sector // per_block for sector in sectors}):
        table[block] = at // 512
        bitmap, body = bytearray(bitmap_size), bytearray(block_size)
        for sector, data in sectors.items():
            if sector // per_block == block:
                within = sector % per_block
                bitmap[within // 8] |= 0x80 >> within % 8
                body[within * 512 : within * 512 + 512] = data
        bodies.append((at, bytes(bitmap + body)))
        at += bitmap_size + block_size
    with open(path, "wb") as file:
        file.write(footer + vhd_sum(header, 36) + locator)
        file.seek(table_at)
        file.write(struct.pack(f">{blocks}I", *table))
        for place, body in bodies:
            file.seek(place)
            file.write(body)
        file.seek(at)
        file.write(footer)


# --- VHDX -----------------------------------------------------------------------------------------------------------

HEADERS = (64 * KIB, 128 * KIB)
BAT = uuid.UUID("2dc27766-f623-4200-9d64-115e9bfd4a08")
METADATA = uuid.UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e")


def newest_header(data: bytes) -> tuple[int, bytearray]:
    """Where the header lies that counts, and its 4 KiB."""
    found = [(at, bytearray(data[at : at + 4096])) for at in HEADERS if data[at : at + 4] == b"head"]
    return max(found, key=lambda header: struct.unpack_from("<Q", header[1], 8)[0])


def region(data: bytes, kind: uuid.UUID) -> tuple[int, int]:
    """Offset and length of a region."""
    count = struct.unpack_from("<I", data, 192 * KIB + 8)[0]
    for i in range(count):
        entry = 192 * KIB + 16 + 32 * i
        if data[entry : entry + 16] == kind.bytes_le:
            return struct.unpack_from("<QI", data, entry + 16)
    raise LookupError(kind)


def log_entry(log: uuid.UUID, sequence: int, tail: int, updates: list[tuple[int, bytes | int]], file_size: int) -> bytes:
    """An entry of the log: each update is an offset and either 4096 bytes or a number of zeros."""
    descriptors, sectors = b"", b""
    for offset, data in updates:
        if isinstance(data, int):
            descriptors += struct.pack("<4sIQQQ", b"zero", 0, data, offset, sequence)
        else:
            assert len(data) == 4096
            descriptors += struct.pack("<4s4s8sQQ", b"desc", data[-4:], data[:8], offset, sequence)
            sectors += struct.pack("<4sI4084sI", b"data", sequence >> 32, data[8:-4], sequence & 0xFFFFFFFF)
    head = -(-(64 + len(descriptors)) // 4096) * 4096
    entry = struct.pack("<4sIIIQII16sQQ", b"loge", 0, head + len(sectors), tail, sequence, len(updates), 0, log.bytes_le,
                        file_size, file_size) + descriptors
    return sealed(entry.ljust(head, b"\0") + sectors)


def put_log(path: Path, entries: list[tuple[int, bytes]], log: uuid.UUID) -> None:
    """Writes entries at their places in the log (around its end, too) and marks the file as one to be replayed."""
    data = path.read_bytes()
    at, header = newest_header(data)
    header[48:64] = log.bytes_le
    length, offset = struct.unpack_from("<IQ", header, 68)
    with open(path, "r+b") as file:
        for place, entry in entries:
            first = min(len(entry), length - place)
            file.seek(offset + place)
            file.write(entry[:first])
            file.seek(offset)
            if first < len(entry):
                file.write(entry[first:])
        file.seek(at)
        file.write(sealed(header))


def make_vhdx(path: Path, size: int, sectors: dict[int, bytes], data_write: uuid.UUID, block_size: int = MIB,
              parent: tuple[uuid.UUID, dict[str, str]] | None = None, sector_size: int = 512) -> None:
    """A dynamic VHDX with these sectors, or with a parent (its data write GUID, the other keys of its locator) a
    differencing one. At 1 MiB its log, at 2 the metadata, at 3 the block table, then blocks."""
    ratio = 2**23 * sector_size // block_size
    blocks = -(-size // block_size)
    entries = -(-blocks // ratio) * (ratio + 1) if parent else blocks + (blocks - 1) // ratio
    bat = [0] * entries
    at = 3 * MIB + -(-entries * 8 // MIB) * MIB
    bat_length = at - 3 * MIB
    bodies = []
    per_block = block_size // sector_size
    bitmaps: dict[int, bytearray] = {}
    for block in sorted({sector // per_block for sector in sectors}):
        body = bytearray(block_size)
        held = [sector for sector in sectors if sector // per_block == block]
        for sector in held:
            start = sector % per_block * sector_size
            body[start : start + sector_size] = sectors[sector]
            chunk = sector // 2**23
            bitmaps.setdefault(chunk, bytearray(MIB))[sector % 2**23 // 8] |= 1 << sector % 8
        state = 7 if parent and len(held) < per_block else 6
        bat[block + block // ratio] = at | state
        bodies.append((at, bytes(body)))
        at += block_size
    if parent:
        for chunk, bitmap in bitmaps.items():
            bat[chunk * (ratio + 1) + ratio] = at | 6
            bodies.append((at, bytes(bitmap)))
            at += MIB

    items = [
        ("caa16737-fa36-4d43-b3b6-33f0aa44e76b", struct.pack("<II", block_size, 2 if parent else 0), 4),
        ("2fa54224-cd1b-4876-b211-5dbed83bf4b8", struct.pack("<Q", size), 6),
        ("beca12ab-b2e6-4523-93ef-c309e000c746", uuid.UUID(int=0x5EEDB007).bytes_le, 6),
        ("8141bf1d-a96f-4709-ba47-f233a8faab5f", struct.pack("<I", sector_size), 6),
        ("cda348c7-445d-4471-9cc9-e9885251c556", struct.pack("<I", 4096), 6),
    ]
    if parent:
        pairs = {"parent_linkage": f"{{{parent[0]}}}", **parent[1]}
        head = uuid.UUID("b04aefb7-d19e-4a81-b789-25b8e9445913").bytes_le + struct.pack("<HH", 0, len(pairs))
        table, text = b"", b""
        start = 20 + 12 * len(pairs)
        for key, value in pairs.items():
            key, value = key.encode("utf-16-le"), value.encode("utf-16-le")
            place = start + len(text)
            table += struct.pack("<IIHH", place, place + len(key), len(key), len(value))
            text += key + value
        items.append(("a8d35f2d-b30b-454d-abf7-d3d84834ab0c", head + table + text, 4))
    metadata = struct.pack("<8sHH20x", b"metadata", 0, len(items))
    body = b""
    for guid, value, flags in items:
        metadata += uuid.UUID(guid).bytes_le + struct.pack("<IIII", 64 * KIB + len(body), len(value), flags, 0)
        body += value
    metadata = metadata.ljust(64 * KIB, b"\0") + body

    header = struct.pack("<4sIQ16s16s16sHHIQ", b"head", 0, 7, uuid.uuid4().bytes_le, data_write.bytes_le, bytes(16), 0, 1,
                         MIB, MIB).ljust(4096, b"\0")
    regions = struct.pack("<4sIII", b"regi", 0, 2, 0)
    regions += BAT.bytes_le + struct.pack("<QII", 3 * MIB, bat_length, 1)
    regions += METADATA.bytes_le + struct.pack("<QII", 2 * MIB, MIB, 1)
    regions = sealed(regions.ljust(64 * KIB, b"\0"))
    with open(path, "wb") as file:
        file.truncate(at)
        for place, data in [(0, b"vhdxfile" + "test".encode("utf-16-le")), (HEADERS[0], sealed(header)),
                            (HEADERS[1], sealed(header[:8] + struct.pack("<Q", 6) + header[16:])),
                            (192 * KIB, regions), (256 * KIB, regions), (2 * MIB, metadata),
                            (3 * MIB, struct.pack(f"<{entries}Q", *bat)), *bodies]:
            file.seek(place)
            file.write(data)


# --- seeds of the fuzz targets ------------------------------------------------------------------------------------------


def encode_sparse(data: bytes) -> bytes:
    """The input that tests/support/sparse_encoding.h makes these bytes of."""
    out = bytearray(struct.pack("<I", len(data) // 512))
    at = 0
    while at < len(data):
        block = data[at : at + 512]
        if not any(block):
            at += 512
        elif block.count(block[0]) == len(block):
            start = at
            while data[at : at + 512] == block:
                at += 512
            out += struct.pack("<BIIB", 1, start, at - start, block[0])
        else:
            kept = block.rstrip(b"\0")
            piece = kept.lstrip(b"\0")
            out += struct.pack("<BIH", 0, at + len(kept) - len(piece), len(piece)) + piece
            at += 512
    return bytes(out)


def write_seeds(corpus: Path) -> None:
    """Makes the inputs of dynamic_vhd, vhdx, block_writer and fat anew; by hand: /usr/bin/python3 -m tests.support.sparse_images CORPUS."""
    identity, parent, log = (uuid.UUID(int=0x5EED + i) for i in range(3))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "image"

        def save(target, seed):
            (corpus / target).mkdir(parents=True, exist_ok=True)
            (corpus / target / seed).write_bytes(encode_sparse(path.read_bytes()))

        sectors = {0: b"a" * 512, 9: b"b" * 512, 10: bytes(range(256)) * 2, 30: b"c" * 512}
        make_vhd(path, 32 * KIB, sectors, identity, block_size=4 * KIB)
        save("dynamic_vhd", "dynamic")
        make_vhd(path, 32 * KIB, sectors, identity, block_size=4 * KIB, parent=(parent, 0, "..\\a\\base.vhd"))
        save("dynamic_vhd", "differencing")
        make_vhd(path, 32 * KIB, sectors, identity, block_size=4 * KIB, parent=(identity, 0, "C:\\itself.vhd"))
        save("dynamic_vhd", "circle")
        make_vhdx(path, 3 * MIB, {0: b"a" * 512, 5000: b"b" * 512}, identity)
        save("vhdx", "dynamic")
        size = path.stat().st_size
        put_log(path, [(0, log_entry(log, 5, 0, [(5 * MIB, b"x" * 4096), (4 * MIB, 8192)], size)),
                       (8192, log_entry(log, 6, 0, [(4 * MIB + 4096, bytes(range(256)) * 16)], size))], log)
        save("vhdx", "log")
        make_vhdx(path, 3 * MIB, {0: b"a" * 512, 5000: b"b" * 512}, identity,
                  parent=(parent, {"relative_path": "base.vhdx"}))
        save("vhdx", "differencing")
        make_vhdx(path, 3 * MIB, {0: b"a" * 4096}, identity, sector_size=4096)
        save("vhdx", "sectors-4096")
        for name_of, parent_of in (("dynamic", None), ("differencing", (parent, 0, "base.vhd"))):
            make_vhd(path, 32 * KIB, sectors, identity, block_size=4 * KIB, parent=parent_of)
            whole = path.read_bytes()  # with a reserve before its footer
            path.write_bytes(whole[:-512] + b"\xee" * 64 * KIB + whole[-512:])
            save("block_writer", f"vhd-{name_of}")
        for block_size, parent_of in ((1, None), (2, None), (1, (parent, {"relative_path": "base.vhdx"}))):
            make_vhdx(path, 7 * MIB, {0: b"a" * 512, 5000: b"b" * 512}, identity, block_size=block_size * MIB,
                      parent=parent_of)
            with open(path, "ab") as file:
                file.truncate(path.stat().st_size + 6 * MIB)
            save("block_writer", f"vhdx-{block_size}-{'differencing' if parent_of else 'dynamic'}")
            size = path.stat().st_size
            put_log(path, [(0, log_entry(log, 5, 0, [(size - MIB, b"x" * 4096), (size - 2 * MIB, 8192)], size))], log)
            save("block_writer", f"vhdx-{block_size}-{'differencing' if parent_of else 'dynamic'}-log")
        for bits, blocks in ((12, 256), (16, 4400), (32, 34000)):
            path.unlink()
            run("mkfs.vfat", "-C", "-F", bits, "-s", 1, "-i", "5eed0000", path, blocks)
            contents = Path(name) / "contents"
            contents.write_bytes(b"title Test\n" * 100)
            for folder in ("EFI", "EFI/Linux"):
                run("mmd", "-i", path, f"::/{folder}")
            for file in ("a long name.efi", "B.EFI", "größe und mehr.efi"):
                run("mcopy", "-i", path, contents, f"::/EFI/Linux/{file}")
            save("fat", f"fat{bits}")


if __name__ == "__main__":
    write_seeds(Path(sys.argv[1]))
