#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The files of a finished run, and what it said.

  what_a_run_leaves_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import struct
import zipfile

import run_case
from run_case import SIDE, RunTest


class WhatARunLeaves(RunTest):
    RESULT = {
        "name": str, "status": str, "ranks": int, "placement": list, "device": str, "precision": str, "epochs": int,
        "steps": int, "samples_seen": int, "train_loss": float, "test_loss": float,
        "test_accuracy": float, "samples_per_second": float, "seconds": dict, "order_hash": str,
        "model": str,
    }
    SECONDS = ("total", "startup", "compute", "exposed_communication", "data_wait", "evaluate",
               "checkpoint")

    def test_is_whole_and_as_documented(self):
        result = self.run_job(2, "max_steps=10")  # --json: stdout is the result and nothing else
        self.assertEqual(json.loads((self.output / "result.json").read_text()), result)
        for key, kind in self.RESULT.items():
            self.assertIsInstance(result[key], kind, key)
        self.assertEqual(result["status"], "finished")
        self.assertEqual([rank["rank"] for rank in result["placement"]], [0, 1])
        for rank in result["placement"]:
            self.assertIsInstance(rank["host"], str)
            self.assertIsInstance(rank["device"], str)
        for key in self.SECONDS:
            self.assertIsInstance(result["seconds"][key], float, key)
            self.assertGreaterEqual(result["seconds"][key], 0, key)
        self.assertEqual(len((self.output / "history.jsonl").read_text().splitlines()), 1)

        for model in ("model.pt", "model.pth"):
            self.assertTrue(zipfile.is_zipfile(self.output / model))
        weights = (self.output / "model.safetensors").read_bytes()
        header_size = struct.unpack("<Q", weights[:8])[0]
        header = json.loads(weights[8:8 + header_size])
        self.assertEqual(json.loads(header["__metadata__"]["ringtrain"])["shape"], [1, SIDE, SIDE])
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name[0] != "_"]
        self.assertEqual(8 + header_size + max(ends), len(weights))

    def test_says_in_words_what_happened(self):
        done = self.call(run_case.RINGTRAIN, "run", self.job, "-n", 2, "--set", "max_steps=10")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("test accuracy", done.stdout)
        self.assertIn("10 steps on 2 ranks", done.stdout)
        self.assertIn(str(self.output / "model.pt"), done.stdout)


if __name__ == "__main__":
    run_case.main()
