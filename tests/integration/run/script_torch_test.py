#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ringtrain run train.py` with torch.distributed over Gloo.

  script_torch_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import subprocess
import sys

import script_case
from script_case import ScriptTest

PREAMBLE = """
import os, signal, sys
import torch
import torch.distributed as dist

dist.init_process_group("gloo")
total = torch.full((4,), float(dist.get_rank() + 1))
dist.all_reduce(total)
"""


class ATorchScript(ScriptTest):
    def write(self, body):
        return self.write_script(body, preamble=PREAMBLE)

    def test_sums_over_its_ranks(self):
        script, _ = self.write("print(total[0].item())\ndist.destroy_process_group()\n")
        done = self.succeed("-n", 3, "--tee", 1, "--python", sys.executable, script)
        self.assertEqual(sorted(done.stdout.splitlines()), [f"[rank {rank}] 6.0" for rank in range(3)])

    def test_that_raises_is_named_and_not_the_rank_that_lost_it(self):
        script, line = self.write("""
            if dist.get_rank() == 1:
                raise ValueError("no such class")
            dist.all_reduce(total)
            """)
        self.fail_with(1, rf"rank 1 on \S+: ValueError: no such class \(train.py:{line + 3}\)$",
                       "-n", 2, "--python", sys.executable, script)

    def test_starts_again_after_a_lost_rank(self):
        script, _ = self.write("""
            if dist.get_rank() == 1 and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
                os.kill(os.getpid(), signal.SIGKILL)
            dist.all_reduce(total)
            print(total[0].item())
            """)
        done = self.succeed("-n", 2, "--python", sys.executable, script)
        self.assertIn("6.0", done.stdout)
        self.assertEqual(done.stderr.count("ringtrain: lost: rank 1 on "), 1)
        self.assertEqual(self.outcome()["attempts"], 2)


if __name__ == "__main__":
    if subprocess.run([sys.executable, "-c", "import torch.distributed"], capture_output=True).returncode != 0:
        print("skipped: this Python cannot import torch.distributed")
        sys.exit(77)
    script_case.main()
