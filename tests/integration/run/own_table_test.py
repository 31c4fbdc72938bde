#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A table whose columns have scales far apart, and whose label depends on the smallest.

  own_table_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import random

import run_case
from run_case import RunTest


class OwnTable(RunTest):
    def test_learns_what_depends_on_a_small_column(self):
        draw = random.Random(3)
        ages = [draw.randrange(18, 90) for _ in range(2000)]
        table = self.folder / "people.csv"
        rows = [f"{age},{draw.randrange(10000, 200000)},{draw.randrange(60)},{'yes' if age > 50 else 'no'}\n"
                for age in ages]
        table.write_text("age,income,hours,is_old\n" + "".join(rows))
        done = self.call(run_case.RINGTRAIN, "dataset", "import", "csv", table, "-o", self.folder / "people.h5")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = self.run_job(1, f"dataset={self.folder}/people.h5", "epochs=10")
        self.assertGreater(result["test_accuracy"], 0.95)


if __name__ == "__main__":
    run_case.main()
