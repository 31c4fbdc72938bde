#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ringtrain dataset import` of what users of other systems have: archives of NumPy, one-hot labels, no test part, the
first rows, given mean and std, raw row order, images with a table; and of such sources made to fool it.

  import_test.py PATH/OF/ringtrain [unittest arguments]
"""

import io
import json
import os
import struct
import sys
import tarfile
import unittest
import zipfile

import dataset_case
from dataset_case import npy, png, tar


def npz(arrays, compression=zipfile.ZIP_STORED):
    """arrays: the bytes of .npy files by name, as numpy.savez and savez_compressed store them."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", compression) as archive:
        for name, data in arrays.items():
            archive.writestr(name + ".npy", data)
    return memory.getvalue()


def numbers(count):
    return bytes(row % 256 for row in range(count))


class ImportTest(dataset_case.DatasetCase):
    def info(self, name="set.h5"):
        return json.loads(self.make("info", name, "--json"))

    def test_the_chunk_of_mnist_that_a_splitter_left(self):
        x = npy("|u1", "(40, 28, 28)", numbers(40 * 784))
        y = npy("|u1", "(40,)", bytes(row % 10 for row in range(40)))
        for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            self.write("0.npz", npz({"x": x, "y": y}, compression))
            out = self.make("import", "npz", "0.npz", "-o", "set.h5", "--force", "--test-share", 0)
            self.assertEqual(out, "set.h5: 40 training and 0 test rows of 1 x 28 x 28 u8, 10 classes\n")
        self.make("verify", "set.h5")

    def test_one_hot_labels_of_two_files_in_raw_order(self):
        self.write("x.npy", npy("<f4", "(4, 2)", struct.pack("<8f", *range(8))))
        self.write("y.npy", npy("<f8", "(4, 3)", struct.pack("<12d", 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0)))
        self.make("import", "npy", "x.npy", "y.npy", "-o", "set.h5", "--test-share", 0, "--keep-order",
                  "--mean", "0.5", "--std", "2,4", "--class-names", "a,b,c")
        info = self.info()
        self.assertEqual((info["classes"], info["train_rows_of_class"]), (["a", "b", "c"], [1, 2, 1]))
        self.assertEqual((info["mean"], info["std"]), ([0.5, 0.5], [2, 4]))
        self.assertEqual((info["row_order"], info["shuffle_seed"], info["test_rows"]), ("source", None, 0))
        self.assertIn("row order     of the source", self.make("info", "set.h5"))
        self.make("export", "set.h5", "-o", "npy")
        x = (self.folder / "npy/train_x.npy").read_bytes()
        self.assertEqual(x[-32:], struct.pack("<8f", *range(8)))
        self.make("import", "npy", "x.npy", "y.npy", "-o", "two.h5", "--test-share", 0, "--limit", 2)
        self.assertEqual(self.info("two.h5")["train_rows"], 2)

    def test_options_that_do_not_fit_are_refused(self):
        self.write("x.npy", npy("<f4", "(2, 2)", bytes(16)))
        self.write("y.npy", npy("|u1", "(2,)", b"\0\1"))
        both = ("import", "npy", "x.npy", "y.npy", "-o", "out/set.h5")
        self.refuse("--mean and --std belong together", *both, "--mean", 1, exit_code=2)
        self.refuse("--std: 0 is not positive", *both, "--mean", 1, "--std", 0, exit_code=2)
        self.refuse("a file of test samples comes with a file of their labels", "import", "npy", "x.npy", "y.npy",
                    "x.npy", "-o", "out/set.h5", exit_code=2)
        self.refuse("y.npy: has one number a row; one-hot labels have one a class", *both, "--labels", "one-hot")
        self.refuse("--limit", *both, "--limit", 0, exit_code=2)
        self.refuse("--limit: the first images of a tree", "import", "images", ".", "-o", "out/set.h5", "--limit", 3,
                    exit_code=2)
        self.refuse("--test-labels, --file-column and --label-column go with --labels", "import", "images", ".",
                    "-o", "out/set.h5", "--file-column", "f", exit_code=2)

    def test_refuses_hostile_npz_archives(self):
        y = npy("<i8", "(3,)", struct.pack("<3q", 0, 1, 0))
        x = npy("|u1", "(3, 2)", bytes(6))
        whole = npz({"x": x, "y": y})
        for data, reason in ((npz({"x": npy("|u1", f"({2**40}, 2)"), "y": y}), "more than the file can hold"),
                             (npz({"x": npy("|O", "(3, 2)", b"\x80\x04."), "y": y}), "a.npz: x: an array of Python"),
                             (npz({"x": npy("<U3", "(3, 2)"), "y": y}), "a.npz: x: has the type '<U3'"),
                             (npz({"x": x, "y": npy("<i8", "(3,)", struct.pack("<3q", 0, 1, 2**60))}),
                              "a.npz: y: row 2 has the label"),
                             (npz({"\x1b[2Jq": x, "y": y}), "holds \\x1b[2Jq, y: name samples"),
                             (whole[:len(whole) // 2], "a.npz: "), (whole[:30], "a.npz: "),
                             (b"PK\x03\x04" + bytes(60), "a.npz: "), (x, "ringtrain dataset import npy")):
            self.write("a.npz", data)
            self.refuse(reason, "import", "npz", "a.npz", "-o", "out/set.h5")
        flipped = bytearray(whole)
        flipped[whole.index(x) + len(x) - 1] ^= 1
        self.write("a.npz", flipped)
        self.refuse("a.npz: damaged at 'x.npy'", "import", "npz", "a.npz", "-o", "out/set.h5")

    def test_refuses_an_npz_bomb(self):
        bomb = npz({"x": npy("|u1", "(3, 100000000)", bytes(300_000_000)), "y": npy("<i8", "(3,)", bytes(24))},
                   zipfile.ZIP_DEFLATED)
        self.write("bomb.npz", bomb)
        self.refuse("bomb.npz", "import", "npz", "bomb.npz", "-o", "out/set.h5", "--one-class")

    def pictures(self):
        for number in range(6):
            (self.folder / "set/train").mkdir(parents=True, exist_ok=True)
            (self.folder / f"set/train/{number}.png").write_bytes(png(4 + number, 4))

    def test_images_with_a_table(self):
        self.pictures()
        rows = "".join(f"{number}.png,{'ab'[number % 2]}\n" for number in range(5))
        self.write("set/labels.csv", ("filename,label\n" + rows).encode())
        done = self.ringtrain("import", "images", "set", "--labels", "labels.csv", "-o", "set.h5", "--height", 4,
                              "--width", 4, "--test-share", 0.4)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("set/train: left out 1 unlabelled image file", done.stderr)
        self.assertIn("set.h5: 3 training and 2 test rows of 3 x 4 x 4 u8, 2 classes", done.stdout)
        with zipfile.ZipFile(self.folder / "set.zip", "w") as archive:
            for path in (self.folder / "set").rglob("*.*"):
                archive.write(path, path.relative_to(self.folder / "set"))
        self.make("import", "images", "set.zip", "--labels", "labels.csv", "-o", "zip.h5", "--height", 4, "--width", 4,
                  "--test-share", 0.4)
        self.assertEqual(self.info("zip.h5")["uuid"], self.info()["uuid"])
        self.write("bad.csv", b"f,l\n0.png,a\n77.png,b\n")
        self.refuse("bad.csv: line 3: there is no image '77.png'", "import", "images", "set", "--labels", "bad.csv",
                    "-o", "out/set.h5")
        self.refuse("labels.csv: is a file of set, which this import reads", "import", "images", "set",
                    "--labels", "set/labels.csv", "-o", "set/labels.csv", "--force", exit_code=2)

    def shard(self, name, samples):
        """samples: (key, suffix, bytes) in their order."""
        self.write(name, tar([(tarfile.TarInfo(f"{key}.{suffix}"), data) for key, suffix, data in samples]))

    def test_shards_of_webdataset(self):
        for shard in range(3):
            samples = []
            for row in range(4):
                samples += [(f"a/{shard}{row}", "cls", f"{row % 2}\n".encode()),
                            (f"a/{shard}{row}", "png", png(5, 4)), (f"a/{shard}{row}", "json", b"{}")]
            self.shard(f"train-{shard:03}.tar", samples)
        self.shard("val.tar", [("0", "cls", b"1"), ("0", "png", png(5, 4))])
        for pattern in (["train-{000..002}.tar"], ["train-*.tar"], ["train-000.tar", "train-00[12].tar"]):
            out = self.make("import", "webdataset", *pattern, "--test", "val.tar", "-o", "set.h5", "--force")
            self.assertEqual(out, "set.h5: 12 training and 1 test rows of 3 x 4 x 5 u8, 2 classes\n")
        one = self.info()["uuid"]
        self.make("import", "webdataset", "train-*.tar", "--test", "val.tar", "-o", "two.h5")
        self.assertEqual(self.info("two.h5")["uuid"], one)
        self.refuse("train-003.tar: no such file", "import", "webdataset", "train-{003..004}.tar", "-o", "out/set.h5")
        self.shard("bad.tar", [("0", "cls", b"1"), ("1", "cls", b"1"), ("1", "png", png(5, 4))])
        self.refuse("bad.tar: the sample '0' has no .jpg, .jpeg or .png", "import", "webdataset", "bad.tar",
                    "-o", "out/set.h5")
        whole = (self.folder / "train-000.tar").read_bytes()
        self.write("cut.tar", whole[:len(whole) // 3])
        self.refuse("cut.tar: ", "import", "webdataset", "cut.tar", "-o", "out/set.h5")

    def test_names_with_control_characters_are_printed_safely(self):
        self.write("t.csv", "".join(f"{row},{kind}\n" for row in range(20)
                                    for kind in ("\x1b[31mred", "a\u202eb")).encode())
        done = self.ringtrain("import", "csv", "t.csv", "-o", "set.h5")
        self.assertEqual(done.returncode, 0, done.stderr)
        shown = done.stderr + done.stdout + self.make("info", "set.h5") + self.make("sample", "set.h5", "--rows", 9)
        for text in (shown, self.make("info", "set.h5", "--json")):
            self.assertNotIn("\x1b", text)
        self.assertNotIn("\u202e", shown)
        self.assertIn("\\x1b[31mred", shown)
        self.write("bad.csv", b"a,b\n1,x\n\x1b]0;title\x07,y\n")
        self.refuse("\\x1b]0;title\\x07", "import", "csv", "bad.csv", "-o", "out/set.h5")


if __name__ == "__main__":
    dataset_case.RINGTRAIN = os.path.abspath(sys.argv.pop(1))
    unittest.main()
