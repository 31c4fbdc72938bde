# SPDX-License-Identifier: Apache-2.0
"""Shared by tests of checkpoints: runs under a real mpirun that are started, interrupted and compared."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

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

    def start_over(self):
        shutil.rmtree(self.output, ignore_errors=True)

    def uninterrupted(self, ranks, *sets):
        """Result, model and history of a run that was not interrupted."""
        result, _ = self.train(ranks, *sets)
        whole = result, self.model(), self.history()
        self.start_over()
        return whole

    def assert_same(self, found, expected):
        for key in ("order_hash", "steps", "samples_seen", "train_loss", "test_loss",
                    "test_accuracy", "skipped_steps", "rollbacks"):
            self.assertEqual(found[key], expected[key], key)
