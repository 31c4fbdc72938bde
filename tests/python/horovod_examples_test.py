#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A script for Horovod that others wrote, unchanged, by `ringtrain run -m ringtrain.horovod`.

It is Ray's version of Horovod's own MNIST example (scripts/install/examples fetches it). MNIST, and what the script has
of Ray, are stand-ins.

Environment: RINGTRAIN, the program; EXAMPLES, a folder.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(os.environ["EXAMPLES"], "horovod_pytorch_example.py")

STAND_INS = {
    "torchvision/__init__.py": "",
    "torchvision/datasets.py": """
import torch


class MNIST(torch.utils.data.TensorDataset):
    '''Images whose class is the pair of rows that is bright.'''

    def __init__(self, root, train, download, transform):
        random = torch.Generator().manual_seed(1)
        labels = torch.randint(0, 10, (1536,), generator=random)
        images = torch.randn(1536, 1, 28, 28, generator=random) * 0.3
        for image, label in zip(images, labels):
            image[0, 2 * label:2 * label + 3] += 1.5
        super().__init__(images, labels)
""",
    "torchvision/transforms.py": "Compose = ToTensor = Normalize = lambda *arguments: None\n",
    "ray/__init__.py": "def init(*arguments): pass\n",
    "ray/train/__init__.py": """
class Checkpoint:
    from_directory = staticmethod(str)


def ScalingConfig(**options):
    return options


def report(metrics, checkpoint):
    pass
""",
    "ray/train/torch.py": "",
    "ray/train/horovod.py": """
class HorovodTrainer:
    '''Each rank is a process of ours already.'''

    def __init__(self, train_loop_per_worker, train_loop_config, scaling_config):
        self.fit = lambda: train_loop_per_worker(train_loop_config)
""",
}


class TheExample(unittest.TestCase):
    def test_trains(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in STAND_INS.items():
                file = pathlib.Path(folder, "stand-ins", name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            done = subprocess.run(
                [os.environ["RINGTRAIN"], "run", "-n", "2", "--tee", "1", "--python", sys.executable,
                 "-m", "ringtrain.horovod", str(SCRIPT), "--num-epochs", "3"],
                cwd=folder, capture_output=True, text=True, timeout=250,
                env={**os.environ, "PYTHONPATH": f"{folder}/stand-ins:{os.environ['PYTHONPATH']}", "HOME": folder})
        self.assertEqual(done.returncode, 0, done.stderr)
        for rank in range(2):
            steps = re.findall(rf"\[rank {rank}\] Train Epoch: \d \[\d+/768 \(\d+%\)\]\tLoss: (\S+)", done.stdout)
            self.assertGreaterEqual(len(steps), 3, done.stdout)
            [losses] = re.findall(rf"\[rank {rank}\] \[(.*)\]$", done.stdout, re.MULTILINE)  # of each epoch
            first, _, last = map(float, losses.split(","))
            self.assertLess(last, 0.9 * first)


if __name__ == "__main__":
    if not SCRIPT.exists():
        print(f"skipped: {SCRIPT} is missing: scripts/setup fetches it, with a network")
        sys.exit(77)
    unittest.main(verbosity=2)
