#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One clear line and an exit code, and nothing lost.

  bad_input_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import gzip
import pathlib

import run_case
from run_case import SIDE, TRAIN_ROWS, idx, write_digits, RunTest


class BadInput(RunTest):
    def refuse(self, exit_code, *names, ranks=2, sets=(), job=None):
        overrides = [word for key_value in sets for word in ("--set", key_value)]
        done = self.call(run_case.RINGTRAIN, "run", job or self.job, "-n", ranks, *overrides)
        self.assertEqual(done.returncode, exit_code, done.stderr)
        self.assertEqual(done.stdout, "")
        lines = self.assert_one_clear_line(done.stderr, *names)
        if self.output.is_dir():
            self.assertEqual(list(self.output.glob("*.safetensors*")), [])
            self.assertEqual(list(self.output.glob("*.pt*")), [])
            self.assertEqual(list(self.output.glob("*.json*.*")), [])
        return lines

    def import_digits(self, **size):
        """A dataset of another size, for this case alone."""
        for part in ("train", "test"):
            write_digits(self.folder, name=part, seed=1, **size)
        files = [self.folder / f"{part}-{what}" for part in ("train", "test")
                 for what in ("images", "labels")]
        done = self.call(run_case.RINGTRAIN, "dataset", "import", "idx", *files, "-o",
                         self.folder / "small.h5")
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.folder / "small.h5"

    def refuse_at_once(self, *arguments, **options):
        self.assertEqual(len(self.refuse(*arguments, **options)), 1)

    def test_job_keys_are_named_with_their_line(self):
        for name, keys, names in (
                ("unknown", {"epoch": 3}, ("unknown.yaml:6: epoch:", "did you mean epochs")),
                ("type", {"epochs": "many"}, ("type.yaml:6: epochs:", "a whole number")),
                ("range", {"epochs": 0}, ("range.yaml:6: epochs:", "from 1")),
                ("model", {"seed": 1, "model": "vgg"}, ("model.yaml:1: model:", "'vgg'"))):
            with self.subTest(name):
                self.refuse_at_once(2, *names, job=self.write_job(f"{name}.yaml", **keys))
        self.refuse_at_once(2, "--set optimizer.learning_rate", sets=["optimizer.learning_rate=x"])
        self.refuse_at_once(2, "nowhere.yaml", job=self.folder / "nowhere.yaml")
        self.assertFalse(self.output.exists())

    def test_a_hostfile_is_read_strictly(self):
        hosts = self.folder / "hosts"
        hosts.write_text("node1 slots=two\n")
        done = self.call(run_case.RINGTRAIN, "run", self.job, "--hostfile", hosts)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(self.assert_one_clear_line(done.stderr, "hosts:1:", "slots")), 1)

    def test_a_dataset_that_is_not_there(self):
        self.refuse_at_once(3, "nowhere.h5", sets=["dataset=nowhere.h5"])

    def test_a_truncated_dataset(self):
        cut = self.folder / "cut.h5"
        cut.write_bytes(self.dataset.read_bytes()[:-1000])
        self.refuse(3, "cut.h5", sets=[f"dataset={cut}"])

    def test_a_flipped_bit(self):
        flipped = self.folder / "flipped.h5"
        content = bytearray(self.dataset.read_bytes())
        content[len(content) // 2] ^= 0x10  # the rows are nearly all of the file
        flipped.write_bytes(content)
        self.refuse(3, "flipped.h5", sets=[f"dataset={flipped}"])
        self.assertEqual(list(self.output.glob("result.json")), [])

    def test_what_is_no_dataset(self):
        foreign = self.folder / "foreign.h5"
        foreign.write_bytes(b"This is no HDF5 file.\n" * 100)
        self.refuse(3, "foreign.h5", sets=[f"dataset={foreign}"])

    def test_a_model_that_does_not_fit(self):
        dataset = self.import_digits(rows=40, side=4)
        self.refuse(2, "lenet5", "4", sets=["model=lenet5", "hidden=", f"dataset={dataset}"])

    def test_more_ranks_than_samples(self):
        dataset = self.import_digits(rows=3)
        self.refuse(2, "4 ranks", "3 training samples", ranks=4, sets=[f"dataset={dataset}"])

    def test_an_output_that_cannot_be_written(self):
        file = self.folder / "file"
        file.write_text("")
        self.refuse_at_once(2, f"{file}/out", sets=[f"output={file}/out"])
        self.refuse_at_once(2, "/proc/out", sets=["output=/proc/out"])

    def test_idx_files_that_lie(self):
        images = pathlib.Path(self.idx_files[0]).read_bytes()
        cases = {
            "cut": images[:-1],
            "more": idx([TRAIN_ROWS + 1, SIDE, SIDE], images[16:]),
            "many": idx([2**32 - 1] * 3, images[16:]),
            "packed": gzip.compress(idx([2**32 - 1] * 3, images[16:])),
            "text": b"label,pixel\n1,2\n",
            "nothing": b"",
        }
        for name, content in cases.items():
            with self.subTest(name):
                liar = self.folder / f"{name}-idx"
                liar.write_bytes(content)
                made = self.folder / "made.h5"
                done = self.call(run_case.RINGTRAIN, "dataset", "import", "idx", liar, *self.idx_files[1:],
                                 "-o", made)
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertEqual(len(self.assert_one_clear_line(done.stderr, liar.name)), 1)
                self.assertEqual(list(self.folder.glob("*made.h5*")), [])

    def test_gradients_that_are_not_finite(self):
        # Parameters grow by 10,000 with every step.
        self.refuse(4, "step ", "not finite", "learning rate",
                    sets=["optimizer.learning_rate=1000", "optimizer.weight_decay=10",
                          "max_skipped_steps=2"])


if __name__ == "__main__":
    run_case.main()
