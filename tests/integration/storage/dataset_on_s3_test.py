#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ringtrain dataset` with URLs of a real S3 server:  dataset_on_s3_test.py PATH/OF/ringtrain [unittest arguments]"""

import io
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile
import zlib

import s3_server

RINGTRAIN = sys.argv.pop(1)
ROWS, SIDE = 900, 24


def idx(dimensions, data):
    return struct.pack(f">HBB{len(dimensions)}I", 0, 8, len(dimensions), *dimensions) + data


def png(side, grey):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress((b"\0" + bytes([grey]) * side) * side)) + chunk(b"IEND", b""))


def animals():
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for number in range(20):
            archive.writestr(f"PetImages/Cat/{number}.png", png(16, number))
            archive.writestr(f"PetImages/Dog/{number}.png", png(16, 255 - number))
    return memory.getvalue()


class DatasetsOnS3(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="ringtrain-s3."))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.bucket = cls.folder / "buckets/data"
        cls.enterClassContext(s3_server.running_server(cls.bucket.parent))
        cls.bucket.mkdir()

    @classmethod
    def enterClassContext(cls, context):
        cls.url = context.__enter__()
        cls.addClassCleanup(context.__exit__, None, None, None)

    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        # A server that is asked is one that has them: written here, and read through its own folder.
        for split, rows in (("train", ROWS), ("test", 90)):
            pixels = bytes((row * 31 + at * 7) % 251 for row in range(rows) for at in range(SIDE * SIDE))
            self.put(f"{split} images", idx([rows, SIDE, SIDE], pixels))
            self.put(f"{split}-labels", idx([rows], bytes(row % 5 for row in range(rows))))

    def tearDown(self):
        self.assertEqual(os.listdir(self.scratch), [], "something was left behind")

    def put(self, key, data):
        (self.bucket / key).write_bytes(data)

    def call(self, *arguments, url=None, **environment):
        variables = {**s3_server.environment(url or self.url), "TMPDIR": str(self.scratch), **environment}
        return subprocess.run([RINGTRAIN, "dataset", *arguments], env=variables, timeout=120, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def succeed(self, *arguments, **keys):
        done = self.call(*arguments, **keys)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refuse(self, text, *arguments, code=3, **keys):
        done = self.call(*arguments, **keys)
        self.assertIn(text, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertEqual(done.returncode, code, done.stderr)

    def make(self, to="s3://data/digits.h5", *more):
        self.succeed("import", "idx", "s3://data/train images", "s3://data/train-labels", "s3://data/test images",
                     "s3://data/test-labels", "-o", to, "--force", "--block-rows", "50", *more)

    def test_a_dataset_is_imported_from_s3_to_s3_and_looked_at_there(self):
        self.make()
        info = json.loads(self.succeed("info", "--json", "s3://data/digits.h5"))
        self.assertEqual((info["train_rows"], info["test_rows"]), (ROWS, 90))
        self.assertEqual(info["train_rows_of_class"], [ROWS // 5] * 5)
        self.assertEqual(info["files"][0]["path"], "s3://data/digits.h5")
        self.assertIn("s3://data/train images", info["source"])
        self.assertIn("900 training and 90 test rows are whole", self.succeed("verify", "s3://data/digits.h5"))
        picture = self.folder / "sheet.png"
        self.succeed("sample", "s3://data/digits.h5", "-o", str(picture))
        self.assertEqual(picture.read_bytes()[:4], b"\x89PNG")
        local = self.folder / "local.h5"
        shutil.copy(self.bucket / "digits.h5", local)
        here = self.folder / "here.png"
        self.succeed("sample", str(local), "-o", str(here))
        self.assertEqual(picture.read_bytes(), here.read_bytes())

    def test_a_zip_of_images_becomes_a_dataset(self):
        self.put("animals.zip", animals())
        said = self.succeed("import", "images", "s3://data/animals.zip", "-o", "s3://data/sub/animals.h5")
        self.assertIn("s3://data/sub/animals.h5: 36 training and 4 test rows of 3 x 16 x 16 u8, 2 classes", said)
        self.succeed("verify", "s3://data/sub/animals.h5")
        self.refuse("s3://data/sub/animals.h5: exists already; --force replaces it", "import", "images",
                    "s3://data/animals.zip", "-o", "s3://data/sub/animals.h5", code=2)

    def test_a_folder_of_shards(self):
        self.make()
        self.succeed("split", "s3://data/digits.h5", "--shards", "3", "-o", str(self.folder / "shards"))
        shutil.copytree(self.folder / "shards", self.bucket / "shards")
        self.succeed("verify", "s3://data/shards/")
        os.unlink(next(iter((self.bucket / "shards").iterdir())))
        self.refuse("s3://data/shards/: holds 2 of 3 shards", "verify", "s3://data/shards/")

    def test_every_fault_between_the_server_and_us_is_overcome(self):
        self.make()
        for fault in ("busy", "broken", "cut", "clock"):
            with self.subTest(fault), s3_server.running_proxy(self.url, fault) as proxy:
                self.succeed("verify", "s3://data/digits.h5", url=proxy.url)

    def test_what_is_wrong_is_said_in_a_line(self):
        self.make()
        self.refuse("s3://data/none.h5: there is no such object", "info", "s3://data/none.h5")
        self.refuse("correct the bucket's name", "verify", "s3://no-bucket/folder/")
        self.refuse("s3://data/empty/: holds no .h5 files", "verify", "s3://data/empty/")
        self.refuse("no name of a bucket", "info", "s3://a/b", code=3)
        self.refuse("not an HDF5 file", "info", "s3://data/train images")
        self.refuse("are the keys of AWS_ACCESS_KEY_ID the right ones", "info", "s3://data/digits.h5",
                    AWS_SECRET_ACCESS_KEY="wrong")
        self.refuse("is AWS_ENDPOINT_URL right?", "info", "s3://data/digits.h5", url="http://127.0.0.1:9")
        self.refuse("is not an address of the public internet", "info", self.url + "/data/digits.h5",
                    RINGTRAIN_URLS="public")
        damaged = bytearray((self.bucket / "digits.h5").read_bytes())
        damaged[len(damaged) // 2] ^= 1
        self.put("damaged.h5", bytes(damaged))
        self.refuse("s3://data/damaged.h5: /train/x: damaged (wrong checksum)", "verify", "s3://data/damaged.h5")
        self.put("half.h5", bytes(damaged[:len(damaged) // 2]))
        self.refuse("s3://data/half.h5: truncated", "info", "s3://data/half.h5")
        with s3_server.running_proxy(self.url, "etag") as proxy:
            self.refuse("s3://data/digits.h5: has changed since it was opened", "verify", "s3://data/digits.h5",
                        url=proxy.url)

    def test_an_import_that_fails_leaves_no_object(self):
        self.put("cut.zip", animals()[:2000])
        done = self.call("import", "images", "s3://data/cut.zip", "-o", "s3://data/cut.h5")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertFalse((self.bucket / "cut.h5").exists())


if __name__ == "__main__":
    unittest.main()
