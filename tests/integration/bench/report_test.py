#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""benchmarks/report on files as `ringtrain bench` writes them: the tables always, the page where vl-convert is."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
CACHE = pathlib.Path(os.environ.get("RINGTRAIN_CACHE") or
                     pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "ringtrain")
RATIO = {"median": 0.5, "low": 0.4, "high": 0.6, "coverage": 0.98, "p": 0.02}
PARTS = ("data wait", "load", "forward", "backward", "wait", "optimizer", "other")


def row(ranks):
    return {"class": "measured" if ranks < 3 else "oversubscribed", "mode": "strong", "ranks": ranks,
            "global_batch": 128, "samples_per_second": RATIO, "split_ms": dict.fromkeys(PARTS, 1.5),
            "factors": dict.fromkeys(("speedup", "efficiency", "batch", "share", "averaging"), RATIO),
            "cpu_seconds_per_million": RATIO, "rank_seconds_per_million": 7.5,
            **({"bound_of_efficiency": 0.5} if ranks > 2 else {})}


SCALING = [{"kind": "provenance", "cores": {"value": "2 | 2 <threads>", "how": "runtime"}},
           {"kind": "round", "disturbed": "", "runs": [{"ranks": 1, "global_batch": 128, "averages": True,
                                                         "samples_per_second": 10.0}]},
           {"kind": "table", "cores": 2, "rounds": 1, "rounds_run": 1,
            "base": {"ranks": 1, "global_batch": 128, "samples_per_second": RATIO}, "rows": [row(1), row(3)]}]
EMULATED = [{"kind": "provenance"},
            {"kind": "table", "model": "lenet5", "times": "measured", "rows": [
                {"class": "emulated x8", "ranks": ranks, "ranks_per_host": 8, "rounds": 3, "rounds_run": 4,
                 "void": void, "step_ms": RATIO, "predicted_step_ms": 0.51, "slept_share": RATIO, "cpu_share": RATIO,
                 "core_wait_share": RATIO, "start_seconds": RATIO}
                for ranks, void in ((8, ""), (64, "cores were busy"))]}]
PREDICTED = {"format": "ringtrain-prediction/1", "model": "a model", "inputs": [
    {"name": "step", "value": "4 ms", "origin": "--step-ms"}], "rows": [
    {"class": "predicted", "ranks": 64, "step_ms": 5.0, "step_ms_low": 4.5, "step_ms_high": 6.0,
     "samples_per_second": 1000.0, "of_linear": 0.8, "lost_points": {"stragglers": 12.0}}]}


def report(files, folder, python=sys.executable):
    files = files if isinstance(files, list) else [files]
    return subprocess.run([python, ROOT / "benchmarks/report", *files, "-o", folder], capture_output=True, text=True)


class Report(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, records, name="found.jsonl"):
        file = self.folder / name
        file.write_text("".join(json.dumps(record) + "\n" for record in records))
        return file

    def test_has_every_row_of_the_table(self):
        done = report(self.write(SCALING), self.folder / "out")
        self.assertEqual(done.returncode, 0, done.stderr)
        text = (self.folder / "out/report.md").read_text()
        self.assertIn("| strong | 3 | 128 | oversubscribed |", text)
        self.assertIn("0.500 (0.400 to 0.600)", text)
        self.assertIn("2 / 2 <threads>", text)  # a bar would end the cell

    def test_takes_what_bench_step_wrote(self):
        done = report(ROOT / "benchmarks/results/step.jsonl", self.folder / "out")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("| DDP, tuned |", (self.folder / "out/report.md").read_text())

    def test_joins_measured_emulated_and_predicted_and_keeps_them_apart(self):
        prediction = self.folder / "predicted.json"
        prediction.write_text(json.dumps(PREDICTED))
        files = [self.write(SCALING, "a.jsonl"), self.write(EMULATED, "b.jsonl"),
                 ROOT / "benchmarks/results/all_reduce.jsonl", prediction]
        done = report(files, self.folder / "out")
        self.assertEqual(done.returncode, 0, done.stderr)
        text = (self.folder / "out/report.md").read_text()
        for words in ("| emulated x8 | 8 | 8 | 0.50 (0.40 to 0.60) | 0.51 |", "void: cores were busy",
                      "| predicted | 64 | 5.00 (4.50 to 6.00) |", "## Sums over 2 ranks: all_reduce", "| memcpy |",
                      "The base of speed-ups is ringtrain on 1 rank"):
            self.assertIn(words, text)

    def test_refuses_other_files(self):
        for text, words in (("", "did not end"), ("[1]\n", ":1: not a record"), ("{\n", ":1: not a record")):
            (self.folder / "found.jsonl").write_text(text)
            done = report(self.folder / "found.jsonl", self.folder / "out")
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)
        self.assertEqual(report(self.folder / "missing", self.folder / "out").returncode, 1)
        self.assertFalse((self.folder / "out").exists())

    def test_draws_where_vl_convert_is(self):
        python = CACHE / "report/bin/python"
        if importlib.util.find_spec("vl_convert"):
            python = sys.executable
        elif not python.exists():
            self.skipTest("no vl-convert: scripts/setup --report")
        done = report(self.write(SCALING), self.folder / "out", python)
        self.assertEqual(done.returncode, 0, done.stderr)
        page = (self.folder / "out/report.html").read_text()
        self.assertIn("vegaEmbed", page)
        self.assertNotIn("<threads>", page)
        self.assertNotIn("https://cdn", page)
        for name in ("efficiency", "factors", "step", "rounds"):
            self.assertTrue((self.folder / f"out/{name}.svg").read_text().startswith("<svg"))


if __name__ == "__main__":
    unittest.main()
