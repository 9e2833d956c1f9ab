# SPDX-License-Identifier: GPL-2.0-or-later
"""Turns QEMU's screen dump (a binary PPM) into a PNG."""

import re
import struct
import zlib


def png_from_ppm(ppm: bytes) -> bytes:
    header = re.match(rb"P6\s+(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)\s+255\s", ppm)
    if not header:
        raise ValueError("not a binary PPM with 8 bits a colour")
    width, height = int(header[1]), int(header[2])
    stride = width * 3
    pixels = ppm[header.end():]
    if len(pixels) < stride * height:
        raise ValueError("the PPM is cut short")
    rows = b"".join(b"\0" + pixels[row * stride:(row + 1) * stride] for row in range(height))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))
