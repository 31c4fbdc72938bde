#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Workers that mpirun starts, without `ringtrain run`.

  plain_mpirun_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json

import run_case
from run_case import RunTest


class PlainMpirun(RunTest):
    def test_trains(self):
        done = self.mpirun(2, "--set", "max_steps=10")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads((self.output / "result.json").read_text())
        self.assertEqual((result["ranks"], result["steps"]), (2, 10))

    def test_refuses_another_number_of_ranks_than_expected(self):
        done = self.mpirun(2, "--expect-ranks", 3)
        self.assertEqual(done.returncode, 4)
        self.assertEqual(done.stderr.count("3 ranks were asked for, 2 started"), 1, done.stderr)

    def test_refuses_other_hosts_than_expected(self):
        done = self.mpirun(2, "--expect-hosts", "node7,node8")
        self.assertEqual(done.returncode, 4)
        self.assertEqual(done.stderr.count("hosts node7, node8 were asked for"), 1, done.stderr)


if __name__ == "__main__":
    run_case.main()
