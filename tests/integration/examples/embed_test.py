#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""examples/embed.cpp on two ranks: it learns a small dataset, and names a missing one in one line.

  embed_test.py PATH/OF/ringtrain PATH/OF/embed [unittest arguments]
"""

import pathlib
import re
import sys

INTEGRATION = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(INTEGRATION / "run"))
import run_case  # noqa: E402
from run_case import RunTest  # noqa: E402

STEPS_PER_EPOCH = -(-run_case.TRAIN_ROWS // 32)


class Embed(RunTest):
    def embed(self, dataset):
        return self.call(INTEGRATION / "mpirun", 2, run_case.WORKER, dataset, self.output)

    def test_trains_on_both_ranks_and_prints_the_accuracy_once(self):
        done = self.embed(self.dataset)
        self.assertEqual(done.returncode, 0, done.stderr)
        printed = re.fullmatch(r"2 ranks, (\d+) steps, test accuracy (\d\.\d{4})\n", done.stdout)
        self.assertTrue(printed, done.stdout)
        self.assertEqual(int(printed[1]), 3 * STEPS_PER_EPOCH)
        self.assertGreater(float(printed[2]), 0.9, done.stderr)  # a guess among four classes has 0.25

    def test_names_a_dataset_that_is_missing(self):
        done = self.embed(self.folder / "missing.h5")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("missing.h5", done.stderr)


if __name__ == "__main__":
    run_case.main()
