# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixed VHD footers, written independently of the product's code: what the tests compare with and break on purpose."""

import struct
import uuid
from pathlib import Path

FOOTER_SIZE = 512
EPOCH = 946684800  # 2000-01-01 UTC


def geometry(size: int) -> tuple[int, int, int]:
    """Cylinders, heads, sectors a track, by the appendix of Microsoft's VHD specification."""
    sectors = min(size // 512, 65535 * 16 * 255)
    if sectors >= 65535 * 16 * 63:
        return sectors // 255 // 16, 16, 255
    track = 17
    tracks = sectors // track
    heads = max(4, (tracks + 1023) // 1024)
    if tracks >= heads * 1024 or heads > 16:
        track, heads = 31, 16
        tracks = sectors // track
    if tracks >= heads * 1024:
        track, heads = 63, 16
        tracks = sectors // track
    return tracks // heads, heads, track


IDENTITY = uuid.UUID(int=0x5EEDB007)


def footer(size: int, kind: int = 2, checksum: int | None = None, current_size: int | None = None) -> bytes:
    """The footer of an image with so many bytes of payload. Kind 2 is fixed."""
    cylinders, heads, track = geometry(size)
    fields = struct.pack(">8sIIQI4sI4sQQHBBI", b"conectix", 2, 0x10000, 0xFFFFFFFFFFFFFFFF, 1700000000 - EPOCH, b"win ",
                         0xA0000, b"Wi2k", size, size if current_size is None else current_size,
                         cylinders, heads, track, kind)
    tail = IDENTITY.bytes + bytes(428)
    right = ~sum(fields + tail) & 0xFFFFFFFF
    return fields + struct.pack(">I", right if checksum is None else checksum) + tail


def make_fixed(image: Path) -> None:
    """Appends a footer to a raw image."""
    size = image.stat().st_size
    with open(image, "ab") as file:
        file.write(footer(size))
