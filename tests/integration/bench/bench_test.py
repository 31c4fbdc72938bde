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

    def test_the_first_example_of_its_help_works(self):
        example = bench("allreduce", "--help").stdout.partition("Examples:\n")[2].splitlines()[0].split()
        self.assertEqual(example[:3], ["ringtrain", "bench", "allreduce"])
        done = bench(*example[2:], "--python", "/nowhere/python")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_refuses_what_it_cannot_measure(self):
        for arguments in (["-n", "1"], ["--sizes", "5"], ["--hostfile", "/nowhere/hosts"]):
            done = bench("allreduce", *arguments)
            self.assertEqual(done.returncode, 2, done.stderr)


class Data(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ringtrain-bench-test.")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def measure(self, *arguments):
        return subprocess.run([RINGTRAIN, "bench", "data", "--mib", "1", "--sizes", "784", "--rounds", "1", "--python",
                               "/nowhere/python", *arguments], cwd=self.folder, capture_output=True, text=True,
                              timeout=120)

    def test_leaves_nothing_unasked(self):
        done = self.measure()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(list(self.folder.iterdir()), [])
        done = self.measure("--directory", "kept")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([path.name for path in (self.folder / "kept").iterdir()], ["bench-784.h5"])

    def test_replaces_no_file_that_is_not_its_own(self):
        (self.folder / "bench-784.h5").write_bytes(b"mine")
        self.assertEqual(self.measure("--directory", ".").returncode, 3)
        self.assertEqual((self.folder / "bench-784.h5").read_bytes(), b"mine")

    def test_help_names_what_is_written(self):
        for command, words in (("data", "to --directory"), ("step", "and removes it"), ("allreduce", "no files but")):
            text = " ".join(bench(command, "--help").stdout.split())
            self.assertIn(words, text)
            self.assertIn("Examples: ringtrain bench " + command, text)


if __name__ == "__main__":
    RINGTRAIN = str(pathlib.Path(sys.argv[1]).resolve())
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
