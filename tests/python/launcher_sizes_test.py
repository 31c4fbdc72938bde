#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One script, unchanged, by one launcher on 1 to 8 ranks, with a worker of a DataLoader for each: the losses of other
ranks of as many, to the last digit.

  launcher_sizes_test.py torchrun|ringtrain_run|mpirun|spawn [unittest arguments]
"""

import sys
import unittest

import launchers

OURS = {"RINGTRAIN_REPLACE": "gloo", "WORKERS": "1", "WORKERS_BY": "fork"}


class EveryNumberOfRanks(unittest.TestCase):
    def test_trains_the_same(self):
        for ranks in range(1, 9):
            with self.subTest(ranks=ranks):
                lines = LAUNCH(ranks, **OURS)
                self.assertEqual(len(lines), 3, lines)
                for line in lines:
                    self.assertIn(f"({ranks} ranks, ringtrain)", line)
                self.assertEqual(lines, launchers.by_fork(ranks, **{**OURS, "WORKERS": "0"}))


if __name__ == "__main__":
    LAUNCH = getattr(launchers, f"by_{sys.argv.pop(1)}")
    unittest.main(verbosity=2)
