# SPDX-License-Identifier: Apache-2.0
"""Makes a screenshot small: a PNG of at most 256 colours in place of one of millions."""

import collections
import struct
import zlib


def chunks(png):
    at = 8
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        yield kind, png[at + 8:at + 8 + length]
        at += length + 12


def rows_of(png):
    """Width, and each row as bytes of 3 a pixel."""
    data = b"".join(body for kind, body in chunks(png) if kind == b"IDAT")
    width, height, depth, colour, _, _, interlace = next(
        struct.unpack(">IIBBBBB", body) for kind, body in chunks(png) if kind == b"IHDR")
    if depth != 8 or colour not in (2, 6) or interlace:
        raise ValueError("not a screenshot of Chromium")
    size = 3 if colour == 2 else 4
    raw, before, rows = zlib.decompress(data), bytearray(width * size), []
    for y in range(height):
        start = y * (width * size + 1)
        row = bytearray(raw[start + 1:start + 1 + width * size])
        undo(raw[start], row, before, size)
        before = row
        rows.append(bytes(row) if size == 3 else bytes(b for i, b in enumerate(row) if i % 4 != 3))
    return width, rows


def undo(method, row, before, size):
    for i in range(len(row) if method else 0):
        left = row[i - size] if i >= size else 0
        up = before[i]
        if method == 1:
            row[i] = (row[i] + left) & 255
        elif method == 2:
            row[i] = (row[i] + up) & 255
        elif method == 3:
            row[i] = (row[i] + (left + up) // 2) & 255
        else:
            corner = before[i - size] if i >= size else 0
            guess = left + up - corner
            nearest = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))
            row[i] = (row[i] + nearest[2]) & 255


def palette_of(rows):
    counts = collections.Counter()
    for row in rows:
        counts.update(zip(row[0::3], row[1::3], row[2::3]))
    return counts, [colour for colour, _ in counts.most_common(256)]


def smaller(png):
    width, rows = rows_of(png)
    counts, palette = palette_of(rows)
    index = {colour: i for i, colour in enumerate(palette)}
    for colour in counts:
        if colour not in index:
            index[colour] = min(range(len(palette)),
                                key=lambda i: sum((a - b) ** 2 for a, b in zip(palette[i], colour)))
    raw = b"".join(b"\0" + bytes(index[pixel] for pixel in zip(row[0::3], row[1::3], row[2::3])) for row in rows)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, len(rows), 8, 3, 0, 0, 0))
            + chunk(b"PLTE", bytes(b for colour in palette for b in colour))
            + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))
