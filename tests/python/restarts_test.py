#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Twenty restarts of twenty after kill -9 of a rank, by `ringtrain run`: a new group, store and port each time.

Ranks are killed in turn before they join the group, after it, at a random moment of training, and where the store is.
Environment: RINGTRAIN, the program.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

RESTARTS = 20

SCRIPT = """
import os, random, signal, sys, threading
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

attempt, rank = int(os.environ["TORCHELASTIC_RESTART_COUNT"]), int(os.environ["RANK"])
way = ("before the group", "after the group", "in training", "the rank of the store")[attempt % 4]
victim = attempt < int(sys.argv[1]) and rank == (0 if way == "the rank of the store" else 1)


def end():
    print("killed:", way, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


if victim and way == "before the group":
    end()
distributed.init_process_group()
if victim and way == "after the group":
    end()
if victim:
    threading.Timer(random.Random(attempt).uniform(0, 0.2), end).start()
model = DistributedDataParallel(nn.Linear(500, 500))
for step in range(10 ** 9 if attempt < int(sys.argv[1]) else 3):
    model.zero_grad()
    model(torch.ones(4, 500)).sum().backward()
print("trained in attempt", attempt, distributed.get_backend(), flush=True)
distributed.destroy_process_group()
"""


class Restarts(unittest.TestCase):
    def test_all_of_them_succeed(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "train.py").write_text(SCRIPT)
            done = subprocess.run(
                [os.environ["RINGTRAIN"], "run", "-n", "2", "--tee", "1", "--max-restarts", str(RESTARTS),
                 "--python", sys.executable, "train.py", str(RESTARTS)],
                cwd=folder, capture_output=True, text=True, timeout=1400)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("killed: "), RESTARTS, done.stdout)
        self.assertEqual(done.stderr.count("was ended by signal 9"), RESTARTS, done.stderr)
        self.assertEqual(done.stdout.count(f"trained in attempt {RESTARTS} ringtrain"), 2, done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
