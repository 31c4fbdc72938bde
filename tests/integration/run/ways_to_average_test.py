#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ZeRO, bf16 on the wire, local SGD.

  ways_to_average_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import shutil

import run_case
from run_case import TRAIN_ROWS, RunTest


class WaysToAverage(RunTest):
    def weights_after(self, ranks, *sets):
        shutil.rmtree(self.output, ignore_errors=True)
        result = self.run_job(ranks, *sets)
        return result, (self.output / "model.safetensors").read_bytes()

    def test_a_sharded_optimizer_changes_no_bit(self):
        for optimizer in ("sgd", "adamw", "lars"):
            with self.subTest(optimizer=optimizer):
                common = ["max_steps=30", "communication.backend=mpi", "clip_norm=0.5",
                          f"optimizer.type={optimizer}", "optimizer.learning_rate=0.01"]
                _, plain = self.weights_after(3, *common)
                _, sharded = self.weights_after(3, *common, "communication.shard_optimizer=true")
                self.assertEqual(plain, sharded)

    def test_bf16_trains_as_well(self):
        plain, _ = self.weights_after(2, "epochs=2")
        for key in ("communication.wire=bf16", "precision=bf16"):
            with self.subTest(key=key):
                result, weights = self.weights_after(2, "epochs=2", key)
                self.assertAlmostEqual(result["train_loss"] / plain["train_loss"], 1, delta=0.05)
                self.assertEqual(weights, self.weights_after(2, "epochs=2", key)[1])

    def test_local_sgd_trains_every_rank_by_itself_in_between(self):
        local = ["communication.sync_every=4", "optimizer.learning_rate=0.01", "epochs=2"]
        result, weights = self.weights_after(3, *local)
        self.assertGreater(result["test_accuracy"], 0.9)
        self.assertEqual(result["samples_seen"], 2 * TRAIN_ROWS)
        self.assertEqual(weights, self.weights_after(3, *local)[1])
        # A mean after every step is the plain way, but for what momentum makes of other batches.
        plain, _ = self.weights_after(3, *local[1:])
        self.assertEqual(result["order_hash"], plain["order_hash"])

    def test_local_sgd_goes_on_from_a_checkpoint(self):
        local = ["communication.sync_every=4", "checkpoint.every_steps=20"]
        _, whole = self.weights_after(2, *local, "epochs=2")
        self.weights_after(2, *local, "epochs=2", "max_steps=40")
        resumed = self.run_job(2, *local, "epochs=2", "checkpoint.resume=auto")
        self.assertEqual(resumed["resumed_from_step"], 40)
        self.assertEqual((self.output / "model.safetensors").read_bytes(), whole)


if __name__ == "__main__":
    run_case.main()
