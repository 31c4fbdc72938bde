#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The trainer of k8s-distributed-training: the variables of its container, its log lines, and a model that its own
test.py loads."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import numpy
import torch
from torch import nn

LINES = r"""=== Starting PyTorch DDP-compatible training job \(MNIST\) ===
\[MAIN\] Hyperparameters -> epochs=2, batch_size=1, world_size=2, dataset_size=210
\[RANK 0\] Using device: cpu
\[RANK 0\] --- Epoch 1/2 ---
\[RANK 0\] Batch 100, Avg Loss: \d+\.\d{4}
\[RANK 0\] --- Epoch 2/2 ---
\[RANK 0\] Batch 100, Avg Loss: \d+\.\d{4}
\[RANK 0\] === DDP training complete ===
\[RANK 0\] Model saved to (\S+/model.pt)
\[RANK 0\] Starting evaluation...
=== Starting MNIST Evaluation ===
=== Test Accuracy: (\d+\.\d\d)% ===
"""


class Net(nn.Module):
    """As that test.py has it."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.fc1 = nn.Linear(36864, 128)
        self.fc2 = nn.Linear(128, 10)


class Trainer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        random = numpy.random.default_rng(1)
        files = []
        for part, rows in (("train", 240), ("test", 64)):
            y = random.integers(0, 10, rows)
            x = random.integers(0, 30, (rows, 28, 28)).astype("uint8")
            for image, label in zip(x, y):
                image[2 * label:2 * label + 4] += 200
            for name, array in ((f"x-{part}", x), (f"y-{part}", y)):
                numpy.save(cls.folder / name, array)
                files.append(cls.folder / f"{name}.npy")
        subprocess.run([os.environ["RINGTRAIN"], "dataset", "import", "npy", *files, "-o", cls.folder / "mnist.h5"],
                       check=True, capture_output=True)

    def run_trainer(self, **environment):
        clean = {name: value for name, value in os.environ.items() if name not in ("RANK", "WORLD_SIZE")}
        return subprocess.run([sys.executable, "-m", "ringtrain.mnist_trainer"], capture_output=True, text=True,
                              cwd=self.folder, timeout=240,
                              env={**clean, "DATASET_URI": str(self.folder / "mnist.h5"),
                                   "MODEL_PATH": str(self.folder / "model.pt"), **environment})

    def test_says_and_leaves_what_theirs_does(self):
        done = self.run_trainer(EPOCHS="2", BATCH_SIZE="1", WORLD_SIZE="2", DATASET_SIZE="210", DATASET_TYPE="mnist")
        self.assertEqual(done.returncode, 0, done.stderr)
        found = re.fullmatch(LINES, done.stdout)
        self.assertTrue(found, done.stdout)
        self.assertGreater(float(found[2]), 90)
        Net().load_state_dict(torch.load(found[1]))

    def test_refuses_variables_that_cannot_be(self):
        for name, value in (("EPOCHS", "0"), ("BATCH_SIZE", "many"), ("WORLD_SIZE", "-1"), ("DATASET_TYPE", "cars"),
                            ("DATASET_URI", "s3://bucket/x.zip"), ("DATASET_URI", "nothing.h5"),
                            ("MODEL_PATH", "/nowhere/model.pt")):
            with self.subTest(name):
                done = self.run_trainer(**{name: value})
                self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
                self.assertTrue(done.stderr.startswith(f"{name}={value}: "), done.stderr)


if __name__ == "__main__":
    unittest.main()
