#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""benchmarks/links/points --check on records as it writes them."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]


def record(step, predicted, void="", **option):
    return {"kind": "point", "point": {"model": "lenet", "hosts": 4, "ranks_per_host": 1, "link_gbit": 4,
                                       "latency_ms": 0.2, "bucket_mib": 4, **option},
            "row": {"void": void, "compute_ms": 50.0, "step_ms": {"median": step}, "predicted_step_ms": predicted,
                    "predicted_step_ms_low": 0.9 * predicted, "predicted_step_ms_high": 1.1 * predicted}}


class Points(unittest.TestCase):
    def check_records(self, records):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "found.jsonl"
            file.write_text("".join(json.dumps(entry) + "\n" for entry in records))
            done = subprocess.run([sys.executable, ROOT / "benchmarks/links/points", "programs", "--check", file],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout

    def test_judges_the_predictor_by_the_valid_points_alone(self):
        text = self.check_records([record(60, 63), record(100, 80, wire="bf16"), record(70, 7, void="cores were busy"),
                                   {"kind": "point", "point": record(1, 1)["point"], "refused": "the cable alone"}])
        self.assertIn("n = 2 valid of 4 points", text)
        self.assertIn("(a) mean error of the step 12.5%", text)  # 5% and 20%
        self.assertIn("the worst 20.0%", text)
        self.assertIn("(b) median error of the loss 35%", text)  # 13 for 10, 30 for 50
        self.assertIn("(d) the 95% interval covers 1 of 2", text)
        self.assertIn("void: cores were busy", text)
        self.assertIn("refused: the cable alone", text)
        self.assertIn("wire bf16", text)

    def test_says_so_where_no_point_is_valid(self):
        self.assertIn("no valid point of 1", self.check_records([record(60, 63, void="cores were busy")]))


if __name__ == "__main__":
    unittest.main()
