#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mpijob/image/ringtrain-steps, the steps of a TrainInKube around its MPIJob:  steps_test.py RINGTRAIN"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
STEPS = ROOT / "mpijob/image/ringtrain-steps"
ROWS = 40


def npy(shape, data):
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


class Steps(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ringtrain-steps-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.source = self.folder / "PreprocessedData"
        self.source.mkdir()
        self.write("train", ROWS)

    def write(self, split, rows):
        (self.source / f"x_{split}.npy").write_bytes(npy((rows, 4, 4, 3), bytes(i % 251 for i in range(rows * 48))))
        (self.source / f"y_{split}.npy").write_bytes(npy((rows, 1), bytes(i % 2 for i in range(rows))))

    def run_step(self, *arguments, program=None):
        folder = (program or RINGTRAIN).parent
        environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}",
                                    "RINGTRAIN_REPORT": str(self.folder / "report")}
        return subprocess.run([STEPS, *map(str, arguments)], env=environment, capture_output=True, text=True)

    def split(self, models="", program=None):
        return self.run_step("split", self.source, self.folder / "Chunks/example.h5", self.folder / "example", models,
                             program=program)

    def update(self, program=None):
        return self.run_step("update", self.folder / "example", self.folder, self.folder / "Chunks/example.h5",
                             program=program)

    def report(self):
        return json.loads((self.folder / "report").read_text())

    def test_split_makes_a_dataset_and_reports_rows_and_model(self):
        (self.folder / "model.pt").write_bytes(b"any")
        done = self.split(self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = self.report()
        self.assertEqual(report["model"], str(self.folder / "model.pt"))
        self.assertGreaterEqual(report["train_rows"], ROWS * 0.8)
        self.assertTrue((self.folder / "Chunks/example.h5").exists())
        self.assertTrue((self.folder / "example").is_dir())

    def test_test_files_are_used_where_they_are_there(self):
        self.write("test", 10)
        self.assertEqual(self.split().returncode, 0)
        self.assertEqual(self.report(), {"model": "", "train_rows": ROWS})

    def test_the_newer_one_of_two_models_is_taken(self):
        for name, age in (("model.h5", 200), ("model.pt", 100)):
            (self.folder / name).write_bytes(b"any")
            os.utime(self.folder / name, (1e9 - age, 1e9 - age))
        self.assertEqual(self.split(self.folder).returncode, 0)
        self.assertEqual(self.report()["model"], str(self.folder / "model.pt"))

    def test_a_model_of_keras_is_converted_and_goes_back_as_one(self):
        """With a stand-in for `ringtrain model convert`, which has tests of its own."""
        program = self.folder / "bin/ringtrain"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\n[ "$1" != model ] || {{ echo "$@" > "$4"; exit; }}\nexec {RINGTRAIN} "$@"\n')
        program.chmod(0o755)
        (self.folder / "model.h5").write_bytes(b"any")
        self.assertEqual(self.split(self.folder, program).returncode, 0)
        network = self.folder / "Chunks/example.pt"
        self.assertEqual(self.report()["model"], str(network))
        self.assertEqual(network.read_text(), f"model convert {self.folder}/model.h5 {network}\n")
        done = self.update(program)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / "model.h5").read_text(),
                         f"model convert {self.folder}/example/model.safetensors {self.folder}/example/model.h5 "
                         f"--like {self.folder}/model.h5 --force\n")

    def test_what_is_missing_is_named(self):
        done = self.split(self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"has written neither model.h5 nor model.pt to {self.folder}", done.stderr)
        (self.source / "y_train.npy").unlink()
        self.assertIn(f"{self.source}/y_train.npy is missing", self.split().stderr)
        self.assertFalse((self.folder / "report").exists())

    def test_update_puts_the_model_back_and_nothing_else(self):
        output = self.folder / "example"
        output.mkdir()
        self.assertIn("holds no model", self.update().stderr)
        (self.folder / "model.pt").write_bytes(b"before")
        for name in ("model.pt", "model.safetensors", "result.json"):
            (output / name).write_bytes(name.encode())
        self.assertEqual(self.update().returncode, 0)
        self.assertEqual((self.folder / "model.pt").read_bytes(), b"model.pt")
        self.assertEqual(sorted(path.name for path in self.folder.glob("*model*")), ["model.pt", "model.safetensors"])
        self.assertEqual(list(self.folder.glob(".*")), [])


if __name__ == "__main__":
    RINGTRAIN = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
