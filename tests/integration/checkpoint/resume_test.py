#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs that are killed or have ended, and are resumed: with real ranks under a real mpirun.

  resume_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import os
import random
import signal
import time

from checkpoint_case import STEPS_PER_EPOCH, CheckpointTest, run_case


class Killed(CheckpointTest):
    EPOCHS = 30

    def kill_and_resume(self, ranks, *sets):
        self.start_over()
        expected, model, history = self.uninterrupted(ranks, *sets)
        choice = random.Random(ranks)
        run = self.start(ranks, *sets)
        self.wait_for(run, "epoch 1/")
        run.send_signal(signal.SIGUSR2)  # the disk may be so slow that nothing else leaves a checkpoint
        self.finish(run)
        for _ in range(2):
            run = self.start(ranks, *sets)
            self.wait_for(run, "resuming from")
            time.sleep(choice.random() / 10)
            workers = self.workers()
            if workers:
                os.kill(choice.choice(workers), signal.SIGKILL)
            run.stderr.read()
            run.wait()
            self.wait_until_gone()
        found, said = self.train(ranks, *sets)
        if "already complete" not in said:  # the kill came too late
            self.assertIn("resuming from", said)
        self.assert_same(found, expected)
        self.assertEqual(self.model(), model)
        self.assertEqual(self.history(), history)
        self.assertEqual([name for name in self.checkpoints() if name[0] == "."], [])
        return found

    def test_and_resumed_on_as_many_ranks_gives_the_same_bytes(self):
        for ranks in (1, 2, 3):
            with self.subTest(ranks=ranks):
                self.kill_and_resume(ranks)

    def test_with_adamw_over_mpi(self):
        self.kill_and_resume(2, "communication.backend=mpi", "optimizer.type=adamw",
                             "schedule.type=cosine", "augment.crop_padding=1")

    def test_with_rollbacks(self):
        found = self.kill_and_resume(2, "rollback.factor=1.1", "rollback.window=5",
                                     "rollback.limit=1000", "checkpoint.every_steps=50")
        self.assertGreater(found["rollbacks"], 0)


class Resumed(CheckpointTest):
    EPOCHS = 4

    def test_on_other_numbers_of_ranks_sees_the_same_samples(self):
        expected, _, _ = self.uninterrupted(1)
        for first, then in ((2, 3), (3, 1)):
            with self.subTest(ranks=(first, then)):
                self.train(first, "max_steps=75")
                found, _ = self.train(then)
                self.assertEqual(found["resumed_from_step"], 75)
                for key in ("order_hash", "steps", "samples_seen"):
                    self.assertEqual(found[key], expected[key])
                self.assertAlmostEqual(found["train_loss"] / expected["train_loss"], 1, places=4)
                self.start_over()

    def test_with_batch_normalisation_gives_the_same_bytes(self):
        self.job = self.write_job(model="resnet18", hidden=[], max_steps=4,
                                  checkpoint={"every_steps": 2})
        _, model, _ = self.uninterrupted(2)
        self.train(2, "max_steps=2")
        self.train(2)
        self.assertEqual(self.model(), model)

    def test_after_its_end_does_nothing(self):
        result, _ = self.train(2)
        model, history = self.model(), self.history()
        said = self.finish(self.start(2))
        self.assertIn(f"is already complete after {result['steps']} steps", said)
        self.assertEqual(json.loads((self.output / "result.json").read_text()), result)
        self.assertEqual((self.model(), self.history()), (model, history))
        # Killed after the last checkpoint and before the model: that is made up for.
        (self.output / "model.safetensors").unlink()
        again, _ = self.train(2)
        self.assertEqual(self.model(), model)
        self.assert_same(again, result)

    def test_with_more_epochs_equals_a_run_that_had_them_from_the_start(self):
        expected, model, history = self.uninterrupted(2, "epochs=6")
        self.train(2, "max_steps=100")
        self.train(2, "epochs=4")
        found, _ = self.train(2, "epochs=6")
        self.assertEqual(found["resumed_from_step"], 4 * STEPS_PER_EPOCH)
        self.assertEqual(self.model(), model)
        self.assertEqual(found["order_hash"], expected["order_hash"])
        self.assertEqual(self.history()[-1]["train_loss"], history[-1]["train_loss"])

    def test_skips_damaged_checkpoints(self):
        _, model, history = self.uninterrupted(2)
        for end in (40, 70, 100):  # how many checkpoints a run leaves on its way depends on the disk
            self.train(2, f"max_steps={end}")
        checkpoints = self.output / "checkpoints"
        newest, second, third = sorted(self.checkpoints())[:-4:-1]
        weights = checkpoints / newest / "weights.safetensors"
        content = bytearray(weights.read_bytes())
        content[len(content) // 2] ^= 1
        weights.write_bytes(content)
        (checkpoints / second / "manifest.json").unlink()
        _, said = self.train(2)
        self.assertIn(f"{newest}/weights.safetensors: its checksum does not match", said)
        self.assertIn(f"{second}/manifest.json: cannot open", said)
        self.assertIn(f"resuming from {checkpoints / third}", said)
        self.assertEqual(self.model(), model)
        self.assertEqual(self.history(), history)

    def test_as_another_job_is_refused(self):
        self.train(2, "max_steps=20")
        run = self.start(2, "batch_size=16", "seed=3")
        said = run.stderr.read()
        self.assertEqual(run.wait(), 2, said)
        self.assertIn("batch_size is 16, the checkpoint's 32; seed is 3", said)
        self.assertIn("checkpoint.resume=never", said)
        _, said = self.train(2, "max_steps=40", "optimizer.learning_rate=0.004")
        self.assertIn("optimizer.learning_rate is 0.004, the checkpoint's 0.002", said)

    def test_as_checkpoint_resume_says(self):
        self.train(2, "max_steps=30")
        middle = self.output / "checkpoints" / self.checkpoints()[0]
        result, said = self.train(2, "max_steps=40", f"checkpoint.resume={middle}")
        self.assertEqual(result["resumed_from_step"], int(middle.name[5:]))
        self.assertIn("of an earlier run to", said)
        result, _ = self.train(2, "max_steps=20", "checkpoint.resume=never")
        self.assertIsNone(result["resumed_from_step"])
        self.assertEqual(self.checkpoints()[-1], "step-00000020")

    def test_from_another_model(self):
        result, _ = self.train(2)
        weights = self.output / "model.safetensors"
        other = self.folder / "other"
        run = self.start(2, f"initialize_from={weights}", f"output={other}", "max_steps=1",
                         "optimizer.learning_rate=1e-12")
        self.assertIn("4 of the model's 4 tensors loaded", self.finish(run))
        tuned = json.loads((other / "result.json").read_text())
        self.assertAlmostEqual(tuned["test_loss"] / result["test_loss"], 1, places=6)

if __name__ == "__main__":
    run_case.main()
