#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ringtrain dataset` as a whole: what it makes, and how it refuses files that were made to fool it (exit code 3 and
one clear line, nothing left behind).

  dataset_test.py PATH/OF/ringtrain [unittest arguments]
"""

import gzip
import io
import json
import os
import pathlib
import sys
import tarfile
import tempfile
import unittest
import zipfile

import dataset_case
from dataset_case import idx, linked, npy, png, tar


class DatasetTest(dataset_case.DatasetCase):
    def digits(self):
        rows = 300
        self.write("x", idx([rows, 4, 4], os.urandom(rows * 16)))
        self.write("y", idx([rows], bytes(row % 3 for row in range(rows))))
        self.make("import", "idx", "x", "y", "x", "y", "-o", "digits.h5", "--block-rows", 64,
                  "--class-names", "no,yes,maybe")
        return self.folder / "digits.h5"

    def test_the_whole_life_of_a_dataset(self):
        self.digits()
        info = json.loads(self.make("info", "digits.h5", "--json"))
        self.assertEqual((info["train_rows"], info["test_rows"]), (300, 300))
        self.assertEqual(info["classes"], ["no", "yes", "maybe"])
        self.assertIn("3 (no, yes, maybe)", self.make("info", "digits.h5"))
        self.assertIn("are whole", self.make("verify", "digits.h5"))
        self.make("split", "digits.h5", "--shards", 3, "-o", "parts")
        self.assertEqual(len(list((self.folder / "parts").iterdir())), 3)
        self.assertIn("300 training and 300 test rows are whole", self.make("verify", "parts"))
        self.make("export", "parts", "-o", "npy")
        self.make("import", "npy", "npy/train_x.npy", "npy/train_y.npy", "npy/test_x.npy", "npy/test_y.npy",
                  "-o", "again.h5", "--channels", "first")
        again = json.loads(self.make("info", "again.h5", "--json"))
        self.assertEqual(again["mean"], info["mean"])
        self.make("sample", "parts", "-o", "sheet.png", "--rows", 9)
        self.make("sample", "parts", "-o", "sheet.png", "--rows", 4)
        self.assertEqual((self.folder / "sheet.png").read_bytes()[:4], b"\x89PNG")
        whole = (self.folder / "digits.h5").read_bytes()
        self.refuse("digits.h5: exists already and is no PNG", "sample", "digits.h5", "-o", "digits.h5", exit_code=2)
        self.assertEqual((self.folder / "digits.h5").read_bytes(), whole)

    def test_refuses_a_dataset_that_is_none_or_damaged(self):
        path = self.digits()
        whole = path.read_bytes()
        for command in (["info"], ["verify"], ["split", "--shards", "2", "-o", "out/p"], ["export", "-o", "out"],
                        ["sample", "-o", "out/s.png"]):
            path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
            self.refuse("use: ringtrain dataset import hdf5", command[0], path, *command[1:])
            path.write_bytes(whole[:len(whole) // 2])
            self.refuse("truncated", command[0], path, *command[1:])
            path.write_bytes(b"")
            self.refuse("not an HDF5 file", command[0], path, *command[1:])
        self.refuse("No such file", "info", "nowhere.h5")
        os.mkfifo(self.folder / "fifo.h5")
        self.refuse("not a regular file", "info", "fifo.h5")
        flipped = bytearray(whole)
        at = whole.index((self.folder / "x").read_bytes()[16:32])  # the first row, wherever it is stored
        flipped[at] ^= 1
        path.write_bytes(flipped)
        self.refuse("damaged (wrong checksum)", "verify", path)

    def test_refuses_idx_headers_that_promise_the_world(self):
        labels = self.write("labels", idx([3], bytes(3)))
        for dimensions in ([2**32 - 1, 2**32 - 1], [2**20, 2**20, 2**20], [1, 2**30, 2**30]):
            images = self.write("images", idx(dimensions))
            self.refuse("", "import", "idx", images, labels, images, labels, "-o", "out/set.h5")
        images = self.write("images", idx([2**20, 2**20, 2**20]))
        self.refuse("more than the file can hold", "import", "idx", images, labels, images, labels, "-o", "out/set.h5")
        packed = self.write("packed", gzip.compress(idx([2**30, 28, 28]) + bytes(1 << 20)))
        self.refuse("more than the file can hold", "import", "idx", packed, labels, packed, labels, "-o", "out/set.h5")

    def test_refuses_arrays_that_could_run_code(self):
        labels = self.write("y.npy", npy("<i8", "(3,)", bytes(24)))
        for data, reason in ((npy("|O", "(3, 2)", b"\x80\x04."), "Python objects"),
                             (b"\x80\x04\x95pickled", "a pickle, which can run any code"),
                             (npy("<f8", f"({2**60}, 4)"), "more than the file can hold")):
            features = self.write("x.npy", data)
            self.refuse(reason, "import", "npy", features, labels, features, labels, "-o", "out/set.h5")

    def test_refuses_archives_that_lead_out(self):
        plain = (tarfile.TarInfo("a/1.png"), b"x")
        for members, reason in (([(tarfile.TarInfo("../a/1.png"), b"x")], "leads outside the archive"),
                                ([(tarfile.TarInfo("/a/1.png"), b"x")], "leads outside the archive"),
                                ([plain, (linked("a/2.png", "/etc/passwd", tarfile.SYMTYPE), b"")], "is a link"),
                                ([plain, (linked("a/2.png", "a/1.png", tarfile.LNKTYPE), b"")], "is a link"),
                                ([(linked("a/2.png", "", tarfile.FIFOTYPE), b"")], "is not a regular file")):
            archive = self.write("set.tar", tar(members))
            self.refuse(reason, "import", "images", archive, "-o", "out/set.h5")
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w") as archive:
            archive.writestr("../../a/1.png", "x")
        self.refuse("leads outside", "import", "images", self.write("set.zip", memory.getvalue()), "-o", "out/set.h5")

    def test_refuses_bombs(self):
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("b/2.png", "x")
            with archive.open("a/1.png", "w") as member:
                for _ in range(300):
                    member.write(bytes(1 << 20))
        bomb = self.write("bomb.zip", memory.getvalue())
        self.refuse("is larger than", "import", "images", bomb, "-o", "out/set.h5")

    def test_refuses_tables_by_line(self):
        table = self.write("t.csv", b"a,b,c\n1,2,x\n1,two,y\n3,4,x\n")
        self.refuse("t.csv: line 3: column 2 (b) is 'two'", "import", "csv", table, "-o", "out/set.h5")

    def test_asks_what_a_column_of_whole_numbers_is(self):
        rows = "".join(f"{row % 7},{1000 + 10 * (row % 100)}\n" for row in range(1000))
        table = self.write("t.csv", ("rooms,price\n" + rows).encode())
        self.refuse("t.csv: column 2 (price) has 100 different numbers in 1,000 rows, such as 1990: name a number to "
                    "predict with --target, or the column of the classes with --label",
                    "import", "csv", table, "-o", "out/set.h5")
        self.refuse("--label excludes --target", "import", "csv", table, "-o", "out/set.h5", "--target", "price",
                    "--label", "rooms", exit_code=2)
        self.assertIn("100 test rows of 1 x 1 x 1 f32, 1 target\n",
                      self.make("import", "csv", table, "-o", "set.h5", "--target", "price"))
        self.assertEqual(len(self.make("sample", "set.h5", "--rows", 3).splitlines()), 3)
        self.assertFalse((self.folder / "sample.png").exists())

    def test_a_destination_that_cannot_be_written_is_named(self):
        table = self.write("t.csv", b"1,2,x\n1,3,y\n")
        self.refuse("t.csv/set.h5: cannot create", "import", "csv", table, "-o", "t.csv/set.h5")

    def test_folders_inside_the_working_directory_are_made_others_when_asked(self):
        table = self.write("t.csv", b"1,2,x\n1,3,y\n")
        self.make("import", "csv", table, "-o", "a/b/set.h5")
        self.assertIn("are whole", self.make("verify", "a/b/set.h5"))
        with tempfile.TemporaryDirectory() as name:
            elsewhere = pathlib.Path(name) / "a"
            self.refuse(f"there is no folder {elsewhere}; --parents makes it", "import", "csv", table,
                        "-o", elsewhere / "set.h5", exit_code=2)
            self.assertFalse(elsewhere.exists())
            self.make("import", "csv", table, "--parents", "-o", elsewhere / "set.h5")
            self.make("import", "csv", table, "-o", elsewhere / "b.h5")

    def test_a_file_is_replaced_only_when_asked(self):
        table = self.write("t.csv", b"1,2,x\n1,3,y\n")
        other = self.write("other.csv", b"1,2,x\n1,3,y\n1,3,z\n")
        self.make("import", "csv", table, "-o", "set.h5")
        before = (self.folder / "set.h5").read_bytes()
        self.refuse("set.h5: exists already; --force replaces it", "import", "csv", other, "-o", "set.h5", exit_code=2)
        self.refuse("out: is a folder", "import", "csv", other, "--force", "-o", "out", exit_code=2)
        self.assertEqual((self.folder / "set.h5").read_bytes(), before)
        self.make("import", "csv", other, "--force", "-o", "set.h5")
        self.assertNotEqual((self.folder / "set.h5").read_bytes(), before)

    def test_an_import_never_replaces_what_it_reads(self):
        table = self.write("t.csv", b"1,2,x\n1,3,y\n")
        self.refuse("t.csv: is read by this import", "import", "csv", "t.csv", "--force", "-o", "./t.csv", exit_code=2)
        rows = self.write("rows.csv", b"1,2,x\n")
        self.refuse("rows.csv: is read by this import", "import", "csv", table, "--test", rows, "--force",
                    "-o", "rows.csv", exit_code=2)
        self.assertEqual((table.read_bytes(), rows.read_bytes()), (b"1,2,x\n1,3,y\n", b"1,2,x\n"))

    def test_an_export_replaces_files_only_when_asked(self):
        self.digits()
        self.make("export", "digits.h5", "-o", "npy")
        (self.folder / "npy/test_y.npy").write_bytes(b"mine")
        (self.folder / "npy/train_x.npy").unlink()
        self.refuse("npy/train_y.npy: exists already; --force replaces it", "export", "digits.h5", "-o", "npy",
                    exit_code=2)
        self.assertEqual((self.folder / "npy/test_y.npy").read_bytes(), b"mine")
        self.assertFalse((self.folder / "npy/train_x.npy").exists())
        self.make("export", "digits.h5", "-o", "npy", "--force")
        self.assertNotEqual((self.folder / "npy/test_y.npy").read_bytes(), b"mine")

    def test_training_rows_can_be_exported_in_parts(self):
        self.digits()
        self.make("export", "digits.h5", "-o", "parts", "--npz", 7)
        self.assertEqual(sorted(os.listdir(self.folder / "parts")), [f"{part}.npz" for part in range(7)])
        with zipfile.ZipFile(self.folder / "parts/6.npz") as archive:
            self.assertIsNone(archive.testzip())
            self.assertIn(b"(42, 4, 4)", archive.read("x.npy")[:128])
            self.assertIn(b"(42,)", archive.read("y.npy")[:128])
        self.make("import", "npz", "parts/6.npz", "-o", "part.h5", "--test-share", 0)
        self.assertEqual(json.loads(self.make("info", "part.h5", "--json"))["train_rows"], 42)
        self.refuse("0.npz: exists already", "export", "digits.h5", "-o", "parts", "--npz", 2, exit_code=2)
        self.refuse("--npz 301: must be from 1 to the 300 training rows", "export", "digits.h5", "-o", "out",
                    "--npz", 301, exit_code=2)

    def test_a_bad_share_of_test_rows_is_a_bad_option(self):
        table = self.write("t.csv", b"1,2,x\n1,3,y\n")
        self.refuse("--test-share 1.5: must lie between 0 and 1", "import", "csv", table, "-o", "out/set.h5",
                    "--test-share", 1.5, exit_code=2)

    def test_info_shows_the_rows_of_each_class_in_both_splits(self):
        kinds = ["cat"] * 1200 + ["dog"] * 40
        self.write("t.csv", "".join(f"{row},{kind}\n" for row, kind in enumerate(kinds)).encode())
        done = self.ringtrain("import", "csv", "t.csv", "-o", "set.h5", "--class-names", "Cat,Dog")
        self.assertEqual(done.stderr, "class names: Cat for cat, Dog for dog\n")
        self.assertIn("set.h5: 1,116 training and 124 test rows of", done.stdout)
        info = self.make("info", "set.h5")
        self.assertIn("rows a class  Cat: 1,080 train, 120 test\n              Dog: 36 train, 4 test\n", info)
        self.assertIn("label in column 2", info)
        self.assertRegex(info, r"file +/.*/set.h5 \(\d+\.\d KiB\)\n")
        counts = json.loads(self.make("info", "set.h5", "--json"))
        self.assertEqual((counts["train_rows_of_class"], counts["test_rows_of_class"]), ([1080, 36], [120, 4]))

    def test_info_is_short_for_many_classes(self):
        self.write("t.csv", "".join(f"{row},w{row % 30}\n" for row in range(300)).encode())
        self.make("import", "csv", "t.csv", "-o", "set.h5")
        self.assertIn("rows a class  train 9\n              test 1\n", self.make("info", "set.h5"))

    def test_info_says_how_a_table_is_normalised(self):
        for columns in (3, 300):
            rows = [",".join(str(row * 10 ** (column % 4)) for column in range(columns)) + f",{row % 2}\n"
                    for row in range(20)]
            table = self.write(f"{columns}.csv", "".join(rows).encode())
            self.make("import", "csv", table, "-o", f"{columns}.h5")
            info = self.make("info", f"{columns}.h5")
            self.assertIn(f"{columns} x 1 x 1 f32", info)
            self.assertIn("each column: (x - mean) / std, of the training rows", info)
            self.assertLess(max(map(len, info.splitlines())), 120)
            mean, = (line for line in info.splitlines() if line.startswith("mean"))
            self.assertEqual("(300 values from " in mean, columns == 300, mean)

    def test_images_that_are_left_out_are_named(self):
        for name in ("cat", "dog"):
            (self.folder / "pets" / name).mkdir(parents=True)
            for number in range(5):
                (self.folder / "pets" / name / f"{number}.png").write_bytes(png(20, 10))
        (self.folder / "pets/dog/old.bmp").write_bytes(b"BM")
        done = self.ringtrain("import", "images", "pets", "-o", "pets.h5")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.splitlines(), [
            "classes in the order of the alphabet: 0 cat, 1 dog",
            "pets/dog: left out 1 .bmp file; convert .bmp to JPEG or PNG",
            "samples are 10 x 20 (height x width), since most images have 10 x 20; --height and --width choose"])
        self.assertIn("3 x 10 x 20 u8, 2 classes", done.stdout)


if __name__ == "__main__":
    dataset_case.RINGTRAIN = os.path.abspath(sys.argv.pop(1))
    unittest.main()
