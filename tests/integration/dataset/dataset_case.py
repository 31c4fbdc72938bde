# SPDX-License-Identifier: Apache-2.0
"""Shared by tests of `ringtrain dataset`: small files of its sources, and how it makes or refuses something."""

import io
import pathlib
import struct
import subprocess
import tarfile
import tempfile
import unittest
import zlib

RINGTRAIN = None  # set by main
DEADLINE = 60  # seconds until something hangs


def npy(descr, shape, data=b""):
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def idx(dimensions, data=b""):
    return struct.pack(f">HBB{len(dimensions)}I", 0, 8, len(dimensions), *dimensions) + data


def png(width, height):
    """A black picture."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(bytes((width + 1) * height))) + chunk(b"IEND", b""))


def tar(members):
    """members: (TarInfo, bytes)."""
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return memory.getvalue()


def linked(name, target, kind):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


class DatasetCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ringtrain-dataset-test.")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.out = self.folder / "out"
        self.out.mkdir()

    def write(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return path

    def ringtrain(self, *arguments):
        return subprocess.run([RINGTRAIN, "dataset", *map(str, arguments)], cwd=self.folder, timeout=DEADLINE,
                              capture_output=True, text=True, check=False)

    def make(self, *arguments):
        done = self.ringtrain(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refuse(self, expected, *arguments, exit_code=3):
        done = self.ringtrain(*arguments)
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        self.assertEqual(done.returncode, exit_code, (arguments, done))
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertIn(expected, lines[0])
        self.assertEqual(list(self.out.iterdir()), [], "something was left behind")
