#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scripts that end in unusual ways, by `ringtrain run`: one line where something is wrong, and no hang.

Environment: RINGTRAIN, the program.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PREAMBLE = """
import atexit, os, sys
import torch
from torch import distributed

rank = int(os.environ["RANK"])


def begin():
    distributed.init_process_group()
    distributed.all_reduce(torch.ones(4))


"""


class Endings(unittest.TestCase):
    def run_script(self, body, *options):
        """The exit code, the lines that are ringtrain's own, and all output."""
        with tempfile.TemporaryDirectory() as folder:
            script = pathlib.Path(folder, "train.py")
            script.write_text(PREAMBLE + body)
            done = subprocess.run(
                [os.environ["RINGTRAIN"], "run", "-n", "2", "--tee", "1", "--python", sys.executable, *options, script],
                cwd=folder, capture_output=True, text=True, timeout=500)
        said = [line for line in done.stderr.splitlines() if line.startswith("ringtrain: ")]
        return done.returncode, said, done.stdout + done.stderr

    def assert_succeeds(self, body, words=""):
        code, said, output = self.run_script(body)
        self.assertEqual((code, said), (0, []), output)
        for rank in range(2 if words else 0):
            self.assertIn(f"[rank {rank}] {words}", output)

    def assert_fails(self, code, pattern, body, *options):
        ended, said, output = self.run_script(body, *options)
        self.assertEqual(ended, code, output)
        self.assertRegex(said[-1], pattern, output)

    def test_a_group_that_is_never_destroyed(self):
        self.assert_succeeds("begin()\n")

    def test_collectives_in_an_atexit_handler(self):
        self.assert_succeeds("""
def sum_again():
    total = torch.ones(4)
    distributed.all_reduce(total)
    print("at exit", total[0].item(), flush=True)


atexit.register(sum_again)
begin()
""", "at exit 2.0")

    def test_an_exit_in_an_atexit_handler(self):
        self.assert_succeeds("atexit.register(os._exit, 0)\nbegin()\n")
        self.assert_fails(7, r"train.py: rank \d on \S+: exit code 7", "atexit.register(os._exit, 7)\nbegin()\n")

    def test_a_script_that_ends_before_the_others(self):
        self.assert_fails(1, r"rank 1 on \S+ ended before the others \(exit code 0\)", """
begin()
if rank == 1:
    sys.exit(0)
distributed.all_reduce(torch.ones(4))
""")

    def test_a_script_that_forks(self):
        self.assert_succeeds("""
begin()
child = os.fork()
if child == 0:
    try:
        distributed.all_reduce(torch.ones(4))
    except RuntimeError as error:
        print(error, flush=True)
    sys.exit(0)
os.waitpid(child, 0)
distributed.barrier()
""", "ringtrain: this process was forked by a rank")

    def test_a_script_that_never_initialises(self):
        self.assert_succeeds('import ringtrain\nprint("no group", flush=True)\n', "no group")

    def test_a_rank_that_never_initialises(self):
        self.assert_fails(4, r"hang: .*rank 1 on \S+ is at train.py:\d+ in <module>", """
if rank == 1:
    import time
    time.sleep(1000)
begin()
""", "--silence", "8", "--hang-timeout", "10", "--max-restarts", "0")


if __name__ == "__main__":
    unittest.main(verbosity=2)
