#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The files that say how a run ended, and how it went.

  outcome_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import datetime
import json
import os
import pathlib
import signal

import run_case
from run_case import RunTest


def records(folder):
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


class Outcome(RunTest):
    LONG = {"epochs": 1000000, "evaluate_every_epochs": 0, "restarts": 0}

    def outcome(self, status, exit_code, folder=None):
        """The outcome of a run that has just ended so, without what all of them have."""
        outcome = json.loads(((folder or self.output) / "outcome.json").read_text())
        self.assertEqual(outcome.pop("version"), 1)
        started, ended = (datetime.datetime.fromisoformat(outcome.pop(key).replace("Z", "+00:00"))
                          for key in ("started", "ended"))
        self.assertLessEqual(started, ended)
        self.assertLess((datetime.datetime.now(datetime.timezone.utc) - ended).total_seconds(), run_case.DEADLINE)
        self.assertEqual((outcome.pop("status"), outcome.pop("exit_code")), (status, exit_code))
        return outcome

    def events(self, *kinds, folder=None):
        """The kinds of events, in order; `kinds` must be among them."""
        events = records(folder or self.output)
        for event in events:
            self.assertEqual(event["version"], 1)
            self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertGreaterEqual(event["attempt"], 1)
        found = [event["event"] for event in events]
        for kind in kinds:
            self.assertIn(kind, found)
        return found

    def test_of_a_finished_run(self):
        self.run_job(2, "max_steps=10")
        self.assertEqual(self.outcome("finished", 0),
                         {"cause": "", "signal": None, "rank": None, "host": None, "attempts": 1})
        found = self.events("started", "epoch", "result")
        self.assertEqual((found[0], found[-1]), ("started", "result"))

    def test_of_a_run_that_fails(self):
        cut = self.folder / "cut.h5"
        cut.write_bytes(self.dataset.read_bytes()[:-1000])
        done = self.call(run_case.RINGTRAIN, "run", self.job, "--set", f"dataset={cut}")
        self.assertEqual(done.returncode, 3, done.stderr)
        outcome = self.outcome("failed", 3)
        self.assertIn("cut.h5", outcome["cause"])
        self.assertEqual((outcome["rank"], outcome["attempts"]), (0, 1))
        self.assertEqual(self.events("failure")[-1], "failure")

    def test_of_a_run_that_loses_a_rank(self):
        self.job = self.write_job(**self.LONG)
        launcher, workers = self.start()
        os.kill(workers[1], signal.SIGKILL)
        launcher.communicate(timeout=15)
        outcome = self.outcome("lost", 4)
        self.assertIn("was ended by signal 9", outcome["cause"])
        self.assertIn(outcome["rank"], (0, 1))
        self.assertTrue(outcome["host"])
        self.events("started")

    def test_of_an_interrupted_run(self):
        self.job = self.write_job(**self.LONG)
        launcher, _ = self.start()
        self.assertFalse((self.output / "outcome.json").exists())
        launcher.send_signal(signal.SIGTERM)
        launcher.communicate(timeout=15)
        outcome = self.outcome("cancelled", 128 + signal.SIGTERM)
        self.assertEqual(outcome["signal"], signal.SIGTERM)
        self.assertIn("stopped by signal 15", outcome["cause"])
        self.assertEqual(self.events("started")[-1], "stopped")

    def test_of_a_killed_launcher_and_of_the_run_after_it(self):
        self.job = self.write_job(checkpoint={"resume": "auto"}, **self.LONG)
        launcher, _ = self.start()
        launcher.kill()
        self.wait_until_all_are_gone()
        outcome = self.outcome("killed", None)
        self.assertIn("the launcher was killed", outcome["cause"])
        self.assertEqual(outcome["attempts"], 1)
        before = len(self.events("started"))

        launcher, _ = self.start()
        self.assertFalse((self.output / "outcome.json").exists(), "an outcome of a run that lives")
        launcher.send_signal(signal.SIGINT)
        launcher.communicate(timeout=15)
        self.outcome("cancelled", 128 + signal.SIGINT)
        self.assertEqual(self.events()[before], "started")

    def test_of_a_run_that_is_started_while_the_one_before_ends(self):
        self.job = self.write_job(checkpoint={"resume": "auto"}, **self.LONG)
        first, _ = self.start()
        first.kill()
        second, _ = self.start()
        self.assertFalse((self.output / "outcome.json").exists())
        second.send_signal(signal.SIGINT)
        second.communicate(timeout=15)
        self.outcome("cancelled", 128 + signal.SIGINT)

    def test_in_a_folder_of_its_own(self):
        folder = self.folder / "runs" / "1"
        done = self.call(run_case.RINGTRAIN, "run", self.job, "--set", "max_steps=10", "--run-dir", folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.outcome("finished", 0, folder)
        self.events("result", folder=folder)
        self.assertFalse((self.output / "outcome.json").exists())
        self.assertFalse((self.output / "events.jsonl").exists())

        self.call(run_case.RINGTRAIN, "run", self.folder / "nowhere.yaml", "--run-dir", folder)
        outcome = self.outcome("failed", 2, folder)
        self.assertIn("nowhere.yaml", outcome["cause"])
        self.assertEqual(outcome["attempts"], 0)

    def test_in_a_folder_that_cannot_be(self):
        file = self.folder / "file"
        file.write_text("")
        for folder in (file, file / "below", pathlib.Path("/proc/below")):
            done = self.call(run_case.RINGTRAIN, "run", self.job, "--run-dir", folder)
            self.assertEqual(done.returncode, 2, done.stderr)
            lines = self.assert_one_clear_line(done.stderr, "--run-dir", str(folder))
            self.assertEqual(len(lines), 1)
        self.assertFalse(self.output.exists())


if __name__ == "__main__":
    run_case.main()
