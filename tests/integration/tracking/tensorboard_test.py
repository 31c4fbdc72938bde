#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Event files of whole runs, read back by TensorBoard's own code.

  tensorboard_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "run"))
import run_case  # noqa: E402
from run_case import RINGTRAIN, RunTest  # noqa: E402,F401
import trackers  # noqa: E402

READ = """
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
accumulator = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
accumulator.Reload()
print(json.dumps({tag: [[one.step, one.value] for one in accumulator.Scalars(tag)]
                  for tag in accumulator.Tags()["scalars"]}))
"""


class TensorBoardFiles(RunTest):
    def scalars(self):
        done = subprocess.run([PYTHON, "-c", READ, str(self.output / "tensorboard")], capture_output=True, text=True,
                              timeout=run_case.DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def history(self):
        return [json.loads(line) for line in (self.output / "history.jsonl").read_text().splitlines()]

    def assert_same_as_history(self):
        scalars, history = self.scalars(), self.history()
        for tag in ("train_loss", "test_loss", "test_accuracy", "learning_rate"):
            self.assertEqual([step for step, _ in scalars[tag]], [epoch["step"] for epoch in history], tag)
            for (_, value), epoch in zip(scalars[tag], history):
                self.assertAlmostEqual(value, epoch[tag], places=5)
        return scalars

    def run_with_files(self, *words):
        done = self.call(run_case.RINGTRAIN, "run", self.job, "-n", 2, "--tensorboard", *words)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_hold_what_history_has(self):
        self.write_job(epochs=3)
        self.run_with_files()
        self.assert_same_as_history()

    def test_a_resumed_job_is_one_run_without_doubled_steps(self):
        self.write_job(epochs=2, checkpoint={"resume": "auto"})
        self.run_with_files()
        self.run_with_files("--set", "epochs=4")
        self.assertEqual(len(list((self.output / "tensorboard").iterdir())), 2)
        self.assert_same_as_history()

    def test_ranks_that_are_lost_leave_no_step_twice(self):
        self.write_job(epochs=400, batch_size=64, checkpoint={"resume": "never", "every_epochs": 7})
        launcher = self.launch([run_case.RINGTRAIN, "run", self.job, "-n", "2", "--tensorboard"],
                               2 * run_case.DEADLINE)
        for line in launcher.stderr:
            if "checkpoint of step" in line:
                os.kill(self.workers()[0], signal.SIGKILL)
                break
        rest = launcher.stderr.read()
        self.assertEqual(launcher.wait(), 0, rest)
        self.assertIn("restarting from", rest)
        scalars = self.assert_same_as_history()
        for tag, values in scalars.items():
            steps = [step for step, _ in values]
            self.assertEqual(steps, sorted(set(steps)), tag)


if __name__ == "__main__":
    (PYTHON,) = trackers.skip_without("python")
    run_case.main()
