#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks with the real programs, on little: that they run, sum rightly and write what they found.

  bench_test.py PATH/OF/ringtrain [unittest arguments]
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

RINGTRAIN = None  # set by main


def bench(*arguments):
    return subprocess.run([RINGTRAIN, "bench", *arguments], capture_output=True, text=True, timeout=120)


class AllReduce(unittest.TestCase):
    def test_sums_rightly_and_relates_to_memcpy(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "found.json"
            done = bench("allreduce", "-n", "3", "--sizes", "4,4K,300004", "--rounds", "2", "--seconds", "0.01",
                         "--python", "/nowhere/python", "--json", str(file))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("Gloo left out", done.stderr)
            found = json.loads(file.read_text())
            self.assertEqual(found["ranks"], 3)
            names = {row["name"] for row in found["rows"]}
            self.assertLessEqual({"memcpy", "ringtrain", "ringtrain, MPI ring", "MPI_Allreduce"}, names)
            self.assertEqual(len(found["rows"]), 3 * len(names))
            for row in found["rows"]:
                self.assertEqual(row["wrong"], 0, row)
                self.assertEqual(len(row["seconds_by_round"]), 2)
                self.assertIn(row["name"], done.stdout)

    def test_refuses_what_it_cannot_measure(self):
        for arguments in (["-n", "1"], ["--sizes", "5"], ["--hostfile", "/nowhere/hosts"]):
            done = bench("allreduce", *arguments)
            self.assertEqual(done.returncode, 2, done.stderr)


if __name__ == "__main__":
    RINGTRAIN = str(pathlib.Path(sys.argv[1]).resolve())
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
