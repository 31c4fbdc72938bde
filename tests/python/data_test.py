#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ringtrain.data: the rows of a dataset as tensors, and the order of a job file on any number of ranks.

Environment: RINGTRAIN, the program, with ringtrain-worker beside it.
"""

import json
import os
import pathlib
import pickle
import shutil
import subprocess
import tempfile
import unittest

import numpy
import ranks
import torch
from ringtrain.data import Order, Rows
from torch import distributed
from torch.utils.data import DataLoader

ROWS, TEST_ROWS = 1003, 96
SHAPE = (3, 32, 32)  # 3 KiB of uint8, so that a block has some 130 rows
WORD = (1 << 64) - 1


def ringtrain(*arguments):
    done = subprocess.run([os.environ["RINGTRAIN"], *map(str, arguments)], capture_output=True, text=True, timeout=100)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return done


def sample(number, dtype):
    """A sample whose elements say which it is."""
    values = numpy.arange(3 * 32 * 32) * 7 + number
    if dtype == "uint8":
        values[:2] = number // 256, number
    return (values % 256 if dtype == "uint8" else values).astype(dtype).reshape(SHAPE)


def write_dataset(folder, dtype="uint8", targets=False):
    files = []
    for split, first, rows in (("train", 0, ROWS), ("test", ROWS, TEST_ROWS)):
        numbers = range(first, first + rows)
        numpy.save(folder / f"x-{split}.npy", numpy.stack([sample(number, dtype) for number in numbers]))
        y = [[number, -number] for number in numbers] if targets else [number % 10 for number in numbers]
        numpy.save(folder / f"y-{split}.npy", numpy.array(y, numpy.float32 if targets else numpy.int64))
        files += [folder / f"x-{split}.npy", folder / f"y-{split}.npy"]
    file = folder / f"{dtype}-{'targets' if targets else 'labels'}.h5"
    ringtrain("dataset", "import", "npy", *files, "-o", file)
    return file


def mix(word):
    """base/mix.hpp"""
    word = (word + 0x9e3779b97f4a7c15) & WORD
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9 & WORD
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb & WORD
    return word ^ (word >> 31)


def order_hash(order, epochs):
    """The hash in result.json: OrderTerms of datasets/reading/order.hpp."""
    total = 0
    for epoch in range(epochs):
        order.set_epoch(epoch)
        position = 0
        for rows in order:
            for row in rows:
                total += mix(mix(mix(epoch) + position & WORD) + row & WORD)
                position += 1
    return total & WORD


def is_in_file(tensor, file):
    with open("/proc/self/maps") as maps:
        spans = [line.split()[0].split("-") for line in maps if line.rstrip().endswith(str(file))]
    return any(int(first, 16) <= tensor.data_ptr() < int(end, 16) for first, end in spans)


class DataTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="ringtrain-data-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.file = write_dataset(cls.folder)


class RowsOfADataset(DataTest):
    def test_are_those_that_were_imported(self):
        for dtype, targets in (("uint8", False), ("float32", True), ("int64", False)):
            with self.subTest(dtype):
                file = self.file if dtype == "uint8" else write_dataset(self.folder, dtype, targets)
                for split, numbers in (("train", range(ROWS)), ("test", range(ROWS, ROWS + TEST_ROWS))):
                    rows = Rows(file, split)
                    self.assertEqual((len(rows), rows.shape), (len(numbers), SHAPE))
                    x, y = rows[:]
                    self.assertEqual(x.dtype, getattr(torch, dtype))
                    wanted = {sample(number, dtype).tobytes(): number for number in numbers}
                    found = [wanted[row.numpy().tobytes()] for row in x]
                    self.assertEqual(sorted(found), list(numbers))
                    self.assertEqual(y.tolist(), [[n, -n] if targets else n % 10 for n in found])
                    self.assertEqual(y.dtype, torch.float32 if targets else torch.int64)

    def test_are_the_same_one_by_one_together_and_in_any_order(self):
        rows = Rows(self.file)
        x, y = rows[:]
        some = [5, 900, 5, 0, 1002]
        for which in (some, torch.tensor(some)):
            self.assertTrue(torch.equal(rows[which][0], x[some]) and torch.equal(rows[which][1], y[some]))
        for row in (*some, -1):
            self.assertTrue(torch.equal(rows[row][0], x[row]) and rows[row][1] == y[row])
        self.assertTrue(torch.equal(rows[100:700:3][0], x[100:700:3]))
        self.assertEqual(len(rows[7:7][0]), 0)
        self.assertEqual(rows[[]][0].shape, (0, *SHAPE))

    def test_lie_in_the_mapped_file_and_outlive_it(self):
        rows = Rows(self.file)
        views = [rows[3][0], rows[100:900][0], rows[100:900][1]]
        self.assertTrue(all(is_in_file(view, self.file) for view in views))
        copy, expected = rows[[3]][0], rows[3][0].clone()
        self.assertFalse(is_in_file(copy, self.file))
        del rows
        self.assertTrue(torch.equal(views[0], expected))

    def test_a_write_to_a_view_stays_in_the_process(self):
        before = self.file.read_bytes()
        rows = Rows(self.file)
        rows[3][0].fill_(1)
        self.assertEqual(rows[3][0].sum(), 3 * 32 * 32)
        self.assertEqual(self.file.read_bytes(), before)
        self.assertFalse(torch.equal(Rows(self.file)[3][0], rows[3][0]))

    def test_of_shards_are_those_of_the_file(self):
        ringtrain("dataset", "split", self.file, "--shards", 2, "-o", self.folder / "shards")
        whole, shards = Rows(self.file), Rows(self.folder / "shards")
        self.assertEqual(whole.uuid, shards.uuid)
        self.assertTrue(torch.equal(whole[:][0], shards[:][0]))
        self.assertTrue(any(is_in_file(shards[0][0], file) for file in (self.folder / "shards").iterdir()))

    def test_are_normalised_as_for_a_model(self):
        rows = Rows(self.file)
        x = rows.normalise(rows[:][0])
        self.assertEqual(x.dtype, torch.float32)
        for channel in range(3):
            self.assertAlmostEqual(x[:, channel].mean().item(), 0, places=4)
            self.assertAlmostEqual(x[:, channel].std().item(), 1, places=3)

    def test_that_are_damaged_are_refused(self):
        file = self.folder / "damaged.h5"
        shutil.copy(self.file, file)
        rows = Rows(file)
        row = rows[500][0].numpy().tobytes()
        with open(file, "r+b") as bytes_of_file:
            content = bytes_of_file.read()
            bytes_of_file.seek(content.index(Rows(self.file)[900][0].numpy().tobytes()) + 5)
            bytes_of_file.write(b"\x99\x01\x99")
        self.assertEqual(rows[500][0].numpy().tobytes(), row)
        for read in (lambda: rows[900], lambda: rows[[900]], lambda: rows[:]):
            with self.assertRaisesRegex(RuntimeError, r"damaged\.h5: /train/x: damaged \(wrong checksum\) in rows"):
                read()
        with self.assertRaisesRegex(RuntimeError, r"damaged\.h5: /train/x: damaged"):
            Rows(file)

    def test_that_do_not_exist_are_refused(self):
        rows = Rows(self.file)
        for which in (ROWS, -ROWS - 1, [0, ROWS], [-1]):
            with self.assertRaisesRegex(IndexError, f"of {ROWS}"):
                rows[which]
        with self.assertRaisesRegex(ValueError, 'a split is "train" or "test", not "valid"'):
            Rows(self.file, "valid")
        with self.assertRaisesRegex(RuntimeError, r"none\.h5"):
            Rows(self.folder / "none.h5")


class TheOrder(DataTest):
    def test_is_that_of_a_job_file(self):
        job = self.folder / "job.yaml"
        job.write_text(f"dataset: {self.file}\nmodel: mlp\nbatch_size: 64\nepochs: 2\nseed: 9\n"
                       f"output: {self.folder}/output\ncheckpoint: {{every_epochs: 0}}\n")
        ringtrain("run", job, "-n", 2)
        wanted = json.loads((self.folder / "output/result.json").read_text())["order_hash"]
        found = order_hash(Order(Rows(self.file), 64, seed=9), 2)
        self.assertEqual(found, wanted if isinstance(wanted, int) else int(wanted, 16))

    def test_is_the_same_for_every_number_of_ranks(self):
        rows = Rows(self.file)
        alone = [list(Order(rows, 64, seed=3))]
        self.assertEqual(sorted(sum(alone[0], [])), list(range(ROWS)))
        for size in (2, 3, 5):
            parts = [list(Order(rows, 64, seed=3, rank=rank, world_size=size)) for rank in range(size)]
            self.assertEqual([sum(batch, []) for batch in zip(*parts)], alone[0])
            self.assertLessEqual(len(parts[0][0]) - len(parts[-1][0]), 1)

    def test_resumes_at_any_step(self):
        order = Order(Rows(self.file), 64, seed=3)
        epochs = [list(order), list(order)]
        self.assertNotEqual(epochs[0], epochs[1])
        order.set_step(order.steps_per_epoch + 5)
        self.assertEqual(len(order), 11)
        self.assertEqual(list(order), epochs[1][5:])
        order.set_epoch(1)
        self.assertEqual(list(order), epochs[1])

    def test_may_leave_out_the_last_batch_and_the_shuffle(self):
        order = Order(Rows(self.file), 100, shuffle=False, drop_last=True)
        self.assertEqual(sum(order, []), list(range(1000)))

    def test_refuses_batches_in_which_a_rank_has_no_row(self):
        rows = Rows(self.file)
        with self.assertRaisesRegex(ValueError, "a batch of 2 rows has none for some of 3 ranks"):
            Order(rows, 2, rank=0, world_size=3)
        with self.assertRaisesRegex(ValueError, r"the last batch of an epoch has 3 rows for 4 ranks: leave it out by"):
            Order(rows, 100, rank=0, world_size=4)
        with self.assertRaisesRegex(ValueError, "1003 train rows make no batch of 2000"):
            Order(rows, 2000, drop_last=True)

    def test_asks_for_the_process_group(self):
        os.environ["WORLD_SIZE"] = "2"
        self.addCleanup(os.environ.pop, "WORLD_SIZE")
        with self.assertRaisesRegex(RuntimeError, "init_process_group"):
            Order(Rows(self.file), 64)

    def test_with_data_loaders_on_real_ranks(self):
        rows = Rows(self.file)
        wanted = [[rows[row][0].numpy().tobytes() for row in batch] for batch in list(Order(rows, 64, seed=3))[4:]]

        def body(rank):
            order = Order(rows, 64, seed=3)
            loader = DataLoader(rows, batch_size=None, sampler=order, num_workers=2)
            order.set_step(4)
            own = [[image.numpy().tobytes() for image in images] for images, labels in loader]
            everyone = [None] * distributed.get_world_size()
            distributed.all_gather_object(everyone, own)
            assert [sum(batch, []) for batch in zip(*everyone)] == wanted

        for size in (1, 2, 3):
            with self.subTest(ranks=size):
                ranks.assert_all_passed(self, ranks.run(size, body))

    def test_in_batches_of_a_data_loader_that_are_collated(self):
        rows = Rows(self.file)
        loader = DataLoader(rows, batch_sampler=Order(rows, 64, seed=3))
        for (images, labels), own in zip(loader, Order(rows, 64, seed=3)):
            self.assertTrue(torch.equal(images, rows[own][0]) and torch.equal(labels, rows[own][1]))

    def test_rows_are_opened_again_by_workers_that_are_not_forked(self):
        rows = pickle.loads(pickle.dumps(Rows(self.file, "test")))
        self.assertTrue(torch.equal(rows[:][0], Rows(self.file, "test")[:][0]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
