#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One job on 1 to 4 ranks.

  every_number_of_ranks_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import hashlib
import json

import run_case
from run_case import TEST_ROWS, TRAIN_ROWS, RunTest


class EveryNumberOfRanks(RunTest):
    def test_gives_the_same_training_run(self):
        runs = {ranks: self.run_job(ranks, "max_steps=50") for ranks in (1, 2, 3, 4)}
        runs["mpi"] = self.run_job(2, "max_steps=50", "communication.backend=mpi")
        alone = runs[1]
        self.assertEqual(alone["steps"], 50)
        self.assertEqual(alone["samples_seen"], 50 * 32)
        for ranks, result in runs.items():
            with self.subTest(ranks=ranks):
                self.assertEqual(result["ranks"], 2 if ranks == "mpi" else ranks)
                for key in ("order_hash", "steps", "samples_seen"):
                    self.assertEqual(result[key], alone[key])
                difference = abs(result["train_loss"] - alone["train_loss"])
                self.assertLessEqual(difference, 1e-5 * alone["train_loss"])
                # Every test sample counts once: the accuracy is a whole number of them.
                right = result["test_accuracy"] * TEST_ROWS
                self.assertAlmostEqual(right, round(right), places=6)
                self.assertAlmostEqual(result["test_loss"] / alone["test_loss"], 1, places=4)

    def test_counts_a_short_last_batch_truly(self):
        result = self.run_job(3, "epochs=2", "optimizer.learning_rate=0.01")
        self.assertEqual(result["samples_seen"], 2 * TRAIN_ROWS)
        self.assertEqual(result["steps"], 2 * 52)
        self.assertGreater(result["test_accuracy"], 0.9)
        history = (self.output / "history.jsonl").read_text().splitlines()
        self.assertEqual(len(history), 2)
        for line in history:
            self.assertIsInstance(json.loads(line)["train_loss"], float)

    def test_trains_shards_like_the_whole(self):
        whole, shards = self.folder / "whole.h5", self.folder / "shards"
        for arguments in (["import", "idx", *self.idx_files, "-o", whole, "--block-rows", 64],
                          ["split", whole, "--shards", 3, "-o", shards]):
            done = self.call(run_case.RINGTRAIN, "dataset", *arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
        results = [self.run_job(2, "epochs=1", f"dataset={dataset}") for dataset in (whole, shards)]
        for key in ("order_hash", "steps", "train_loss", "test_loss", "test_accuracy"):
            self.assertEqual(results[0][key], results[1][key], key)

    def test_augments_a_sample_in_the_same_way(self):
        changes = ("max_steps=20", "augment.crop_scale=0.3", "augment.horizontal_flip=true", "augment.brightness=0.4",
                   "augment.contrast=0.4")
        alone, plain = self.run_job(1, *changes), self.run_job(1, "max_steps=20")
        self.assertNotAlmostEqual(alone["train_loss"] / plain["train_loss"], 1, places=4)
        for ranks in (2, 3):
            result = self.run_job(ranks, *changes)
            self.assertLessEqual(abs(result["train_loss"] - alone["train_loss"]), 1e-5 * alone["train_loss"])

    def test_gives_the_same_bytes_again(self):
        digests = set()
        for _ in range(2):
            self.run_job(2, "max_steps=20")
            weights = (self.output / "model.safetensors").read_bytes()
            digests.add(hashlib.sha256(weights).hexdigest())
        self.assertEqual(len(digests), 1)


if __name__ == "__main__":
    run_case.main()
