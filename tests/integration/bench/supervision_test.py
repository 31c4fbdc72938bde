#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Emulated ranks under the real launcher: one is killed, and the job ends all the same.

  supervision_test.py FOLDER_OF_PROGRAMS [unittest arguments]
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAMS = None  # set by main


class Supervision(unittest.TestCase):
    def test_a_killed_rank_of_four_is_replaced_and_nothing_is_left(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "found.jsonl"
            done = subprocess.run([sys.executable, ROOT / "benchmarks/emulation/supervision", PROGRAMS, "--ranks", "4",
                                   "--rounds", "1", "--json", file], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            found = json.loads(file.read_text())
            self.assertEqual((found["class"], found["ranks"], found["exit_code"], found["left_behind"]),
                             ("emulated", 4, 0, 0))
            self.assertGreaterEqual(found["resumed_from_step"], 5)
            self.assertGreater(found["recovery_seconds"], found["gone_seconds"])

    def test_a_worker_without_a_job_says_what_is_missing(self):
        done = subprocess.run([PROGRAMS / "ringtrain-emulated-worker", "job.yaml"], capture_output=True, text=True)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
        self.assertIn("RINGTRAIN_EMULATED_JOB", done.stderr)


if __name__ == "__main__":
    PROGRAMS = pathlib.Path(sys.argv[1]).resolve()
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
