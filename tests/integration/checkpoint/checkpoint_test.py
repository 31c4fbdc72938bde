#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs that are killed, stopped, cut off from their disk, and resumed: with real ranks under a real mpirun.

  checkpoint_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "run"))
import run_case  # noqa: E402
from run_case import RunTest, command_line_of, processes_with  # noqa: E402

DEADLINE = 90  # seconds until something hangs
STEPS_PER_EPOCH = 52


class CheckpointTest(RunTest):
    EPOCHS = 20

    def write_job(self, name="job.yaml", **keys):
        # Small steps, so that losses keep falling and a difference would show.
        defaults = {"hidden": [64], "epochs": self.EPOCHS, "evaluate_every_epochs": 5,
                    "optimizer": {"learning_rate": 0.002},
                    "checkpoint": {"every_steps": 10, "keep": 3}}
        return super().write_job(name, **{**defaults, **keys})

    def start(self, ranks, *sets):
        """A run under way. Its ranks speak on stderr."""
        root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
        overrides = [word for key_value in sets for word in ("--set", key_value)]
        run = subprocess.Popen(
            ["mpirun", *root, "--oversubscribe", "--bind-to", "none", "-np", str(ranks),
             run_case.WORKER, self.job, *overrides],
            text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"})
        give_up = threading.Timer(DEADLINE, run.kill)
        give_up.start()
        self.addCleanup(give_up.cancel)
        self.addCleanup(run.stderr.close)
        self.addCleanup(lambda: run.poll() is None and run.kill())
        return run

    def finish(self, run):
        """Returns its output until its end, which must be a success."""
        said = run.stderr.read()
        self.assertEqual(run.wait(), 0, said)
        return said

    def train(self, ranks, *sets):
        """The result and the words of a run to its end."""
        said = self.finish(self.start(ranks, *sets))
        return json.loads((self.output / "result.json").read_text()), said

    def wait_for(self, run, text):
        for line in run.stderr:
            if text in line:
                return line
        self.fail(f"it never said '{text}'")

    def workers(self):
        return sorted(process for process in processes_with(str(self.job))
                      if command_line_of(process).startswith(run_case.WORKER))

    def wait_until_gone(self):
        until = time.monotonic() + DEADLINE
        while processes_with(str(self.job)) and time.monotonic() < until:
            time.sleep(0.01)
        self.assertEqual(processes_with(str(self.job)), {})

    def model(self):
        return hashlib.sha256((self.output / "model.safetensors").read_bytes()).hexdigest()

    def history(self):
        """Its lines of whole epochs: a run that max_steps ends has one more, of what it did of the last."""
        lines = [json.loads(line) for line in
                 (self.output / "history.jsonl").read_text().splitlines()]
        lines = [line for line in lines if line["step"] % STEPS_PER_EPOCH == 0]
        for line in lines:
            del line["seconds"], line["step_seconds"]
            del line["epochs"]  # how many the job had asked for then
        return lines

    def checkpoints(self):
        return sorted(path.name for path in (self.output / "checkpoints").iterdir())

    def start_anew(self):
        shutil.rmtree(self.output, ignore_errors=True)

    def undisturbed(self, ranks, *sets):
        """Result, model and history of a run that was not interrupted."""
        result, _ = self.train(ranks, *sets)
        whole = result, self.model(), self.history()
        self.start_anew()
        return whole

    def assert_same(self, found, expected):
        for key in ("order_hash", "steps", "samples_seen", "train_loss", "test_loss",
                    "test_accuracy", "skipped_steps", "rollbacks"):
            self.assertEqual(found[key], expected[key], key)


class Killed(CheckpointTest):
    EPOCHS = 30

    def kill_and_resume(self, ranks, *sets):
        self.start_anew()
        expected, model, history = self.undisturbed(ranks, *sets)
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

    def test_and_resumed_on_as_many_ranks_is_as_if_nothing_had_been(self):
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
        expected, _, _ = self.undisturbed(1)
        for first, then in ((2, 3), (3, 1)):
            with self.subTest(ranks=(first, then)):
                self.train(first, "max_steps=75")
                found, _ = self.train(then)
                self.assertEqual(found["resumed_from_step"], 75)
                for key in ("order_hash", "steps", "samples_seen"):
                    self.assertEqual(found[key], expected[key])
                self.assertAlmostEqual(found["train_loss"] / expected["train_loss"], 1, places=4)
                self.start_anew()

    def test_with_batch_normalisation_gives_the_same_bytes(self):
        self.job = self.write_job(model="resnet18", hidden=[], max_steps=4,
                                  checkpoint={"every_steps": 2})
        _, model, _ = self.undisturbed(2)
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

    def test_with_more_epochs_is_as_if_it_had_had_them_from_the_start(self):
        expected, model, history = self.undisturbed(2, "epochs=6")
        self.train(2, "max_steps=100")
        self.train(2, "epochs=4")
        found, _ = self.train(2, "epochs=6")
        self.assertEqual(found["resumed_from_step"], 4 * STEPS_PER_EPOCH)
        self.assertEqual(self.model(), model)
        self.assertEqual(found["order_hash"], expected["order_hash"])
        self.assertEqual(self.history()[-1]["train_loss"], history[-1]["train_loss"])

    def test_passes_damaged_checkpoints_over(self):
        _, model, history = self.undisturbed(2)
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

    def test_as_told(self):
        self.train(2, "max_steps=30")
        middle = self.output / "checkpoints" / self.checkpoints()[0]
        result, said = self.train(2, "max_steps=40", f"checkpoint.resume={middle}")
        self.assertEqual(result["resumed_from_step"], int(middle.name[5:]))
        self.assertIn("of an earlier run are now in", said)
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


class Signalled(CheckpointTest):
    EPOCHS = 1000

    def test_to_stop_leaves_what_the_same_run_goes_on_from(self):
        _, model, history = self.undisturbed(2, "epochs=20")
        for number, to in ((signal.SIGTERM, "one rank"), (signal.SIGUSR2, "mpirun")):
            with self.subTest(number):
                self.start_anew()
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

    def test_for_a_checkpoint_goes_on(self):
        run = self.start(2, "checkpoint.every_epochs=0", "checkpoint.every_steps=0")
        self.wait_for(run, "epoch 1/")
        run.send_signal(signal.SIGUSR1)
        line = self.wait_for(run, "info checkpoint")
        self.assertIn("training paused for", line)
        self.assertIsNone(run.poll())
        run.send_signal(signal.SIGUSR2)
        self.finish(run)
        # mpirun passes a signal on rank by rank: it may reach two ranks in two steps, each its checkpoint.
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

    def goes_on(self, run, *texts):
        for text in texts:
            self.wait_for(run, text)
        self.assertIsNone(run.poll())

    def stop(self, run):
        run.send_signal(signal.SIGUSR2)
        said = self.finish(run)
        self.assertIn("resumes from", said)

    def test_that_has_room_training_goes_on(self):
        run = self.start(2)
        self.wait_for(run, "info checkpoint")
        filler = self.output / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        self.goes_on(run, "No space left on device; training continues, earlier checkpoints are kept")
        kept = self.checkpoints()
        self.assertTrue([name for name in kept if name[0] == "s"], kept)
        filler.unlink()
        self.goes_on(run, "info checkpoint")
        self.stop(run)

    def test_that_can_be_written_to_training_goes_on(self):
        run = self.start(2)
        self.wait_for(run, "info checkpoint")
        # A file that is open for writing at this moment forbids it.
        while subprocess.run(["mount", "-o", "remount,ro", self.output],
                             stderr=subprocess.DEVNULL).returncode != 0:
            self.assertIsNone(run.poll())
        self.goes_on(run, "Read-only file system; training continues")
        subprocess.run(["mount", "-o", "remount,rw", self.output], check=True)
        self.goes_on(run, "info checkpoint")
        self.stop(run)


if __name__ == "__main__":
    run_case.RINGTRAIN, run_case.WORKER = (str(pathlib.Path(path).resolve())
                                           for path in sys.argv[1:3])
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
