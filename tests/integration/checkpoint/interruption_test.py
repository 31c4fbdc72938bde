#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs that are stopped by a signal or cut off from their disk: with real ranks under a real mpirun.

  interruption_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import os
import signal
import subprocess
import unittest

from checkpoint_case import STEPS_PER_EPOCH, CheckpointTest, run_case


class Signalled(CheckpointTest):
    EPOCHS = 1000

    def test_to_stop_leaves_a_checkpoint_that_the_same_command_resumes(self):
        _, model, history = self.uninterrupted(2, "epochs=20")
        for number, to in ((signal.SIGTERM, "one rank"), (signal.SIGUSR2, "mpirun")):
            with self.subTest(number):
                self.start_over()
                run = self.start(2, "checkpoint.every_steps=0")
                self.wait_for(run, "epoch 1/")
                if to == "mpirun":
                    run.send_signal(number)
                else:
                    os.kill(self.workers()[1], number)
                said = self.finish(run)
                self.assertRegex(said, r"stopped at step \d+ of 52000: the same command resumes from")
                self.assertFalse((self.output / "result.json").exists())
                step = int(self.checkpoints()[-1][5:])
                if step < 20 * STEPS_PER_EPOCH:
                    found, _ = self.train(2, "epochs=20")
                    self.assertEqual(found["resumed_from_step"], step)
                    self.assertEqual(self.model(), model)
                    self.assertEqual(self.history(), history)

    def test_for_a_checkpoint_continues(self):
        run = self.start(2, "checkpoint.every_epochs=0", "checkpoint.every_steps=0")
        self.wait_for(run, "epoch 1/")
        run.send_signal(signal.SIGUSR1)
        line = self.wait_for(run, "info checkpoint")
        self.assertIn("training paused for", line)
        self.assertIsNone(run.poll())
        run.send_signal(signal.SIGUSR2)
        self.finish(run)
        # mpirun forwards a signal rank by rank: it may reach two ranks in two steps, with a checkpoint each.
        self.assertIn(len(self.checkpoints()), (2, 3))


@unittest.skipUnless(os.geteuid() == 0, "mounts a file system, which only root may")
class WithoutADisk(CheckpointTest):
    EPOCHS = 100000

    def setUp(self):
        super().setUp()
        self.output.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", self.output],
                                 capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest(f"cannot mount: {mounted.stderr}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.output], check=True)

    def continues(self, run, *texts):
        for text in texts:
            self.wait_for(run, text)
        self.assertIsNone(run.poll())

    def stop(self, run):
        run.send_signal(signal.SIGUSR2)
        said = self.finish(run)
        self.assertIn("resumes from", said)

    def test_with_room_training_continues(self):
        run = self.start(2)
        self.wait_for(run, "info checkpoint")
        filler = self.output / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        self.continues(run, "No space left on device; training continues, earlier checkpoints are kept")
        kept = self.checkpoints()
        self.assertTrue([name for name in kept if name[0] == "s"], kept)
        filler.unlink()
        self.continues(run, "info checkpoint")
        self.stop(run)

    def test_that_can_be_written_to_training_continues(self):
        run = self.start(2)
        self.wait_for(run, "info checkpoint")
        # A file that is open for writing at this moment forbids it.
        while subprocess.run(["mount", "-o", "remount,ro", self.output],
                             stderr=subprocess.DEVNULL).returncode != 0:
            self.assertIsNone(run.poll())
        self.continues(run, "Read-only file system; training continues")
        subprocess.run(["mount", "-o", "remount,rw", self.output], check=True)
        self.continues(run, "info checkpoint")
        self.stop(run)

if __name__ == "__main__":
    run_case.main()
