#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks with the real programs, on little: that they run, sum rightly and write what they found.

  bench_test.py PATH/OF/ringtrain [unittest arguments]
"""

import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

RINGTRAIN = None  # set by main
TOO_NOISY = 5  # the exit code where something else used the machine meanwhile


def bench(*arguments):
    return subprocess.run([RINGTRAIN, "bench", *arguments], capture_output=True, text=True, timeout=250)


def write_dataset(folder):
    """A dataset of 2,000 random digits of 28 x 28."""
    files = []
    for part, count in (("train", 1800), ("test", 200)):
        labels = bytes(i % 10 for i in range(count))
        for shape, values in (([count, 28, 28], os.urandom(count * 784)), ([count], labels)):
            files.append(folder / f"{part}-{len(shape)}")
            files[-1].write_bytes(struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + values)
    file = folder / "random.h5"
    subprocess.run([RINGTRAIN, "dataset", "import", "idx", *files, "-o", file], check=True, capture_output=True)
    return file


class AllReduce(unittest.TestCase):
    def test_sums_rightly_and_relates_to_memcpy(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "found.json"
            done = bench("allreduce", "-n", "3", "--sizes", "4,4K,300004", "--rounds", "2", "--seconds", "0.01",
                         "--python", "/nowhere/python", "--json", str(file))
            self.assertIn(done.returncode, (0, TOO_NOISY), done.stderr)
            self.assertIn("Gloo left out", done.stderr)
            first, *rounds, table = [json.loads(line) for line in file.read_text().splitlines()]
            self.assertEqual((first["kind"], table["kind"], table["ranks"]), ("provenance", "table", 3))
            self.assertIn(len(rounds), (2, 3, 4))
            names = {row["name"] for row in table["rows"]}
            self.assertLessEqual({"memcpy", "ringtrain", "ringtrain, MPI ring", "MPI_Allreduce"}, names)
            self.assertEqual(len(table["rows"]), 3 * len(names))
            for record in rounds:
                self.assertEqual(len(record["runs"]), 3 * len(names))
                self.assertGreaterEqual(record["noise"]["others_share"], 0)
            for row in table["rows"]:
                self.assertEqual(row["wrong"], 0, row)
                self.assertLessEqual(row["seconds"]["low"], row["seconds"]["median"])
                self.assertGreater(row["share_of_limit"]["median"], 0)
                self.assertIn(row["name"], done.stdout)

    def test_the_first_example_of_its_help_works(self):
        example = bench("allreduce", "--help").stdout.partition("Examples:\n")[2].splitlines()[0].split()
        self.assertEqual(example[:3], ["ringtrain", "bench", "allreduce"])
        done = bench(*example[2:], "--python", "/nowhere/python")
        self.assertIn(done.returncode, (0, TOO_NOISY), done.stderr)

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
        self.assertIn(done.returncode, (0, TOO_NOISY), done.stderr)
        self.assertEqual(list(self.folder.iterdir()), [])
        done = self.measure("--directory", "kept")
        self.assertIn(done.returncode, (0, TOO_NOISY), done.stderr)
        self.assertEqual([path.name for path in (self.folder / "kept").iterdir()], ["bench-784.h5"])

    def test_replaces_no_file_that_is_not_its_own(self):
        (self.folder / "bench-784.h5").write_bytes(b"mine")
        self.assertEqual(self.measure("--directory", ".").returncode, 3)
        self.assertEqual((self.folder / "bench-784.h5").read_bytes(), b"mine")

    def test_keeps_every_round_with_its_noise(self):
        done = self.measure("--json", "found.jsonl")
        self.assertIn(done.returncode, (0, TOO_NOISY), done.stderr)
        records = [json.loads(line) for line in (self.folder / "found.jsonl").read_text().splitlines()]
        self.assertEqual(records[0]["kind"], "provenance")
        self.assertEqual({record["group"] for record in records[1:-1]}, {"cached", "cold"})
        table = records[-1]
        self.assertEqual((table["kind"], table["sample_bytes"]), ("table", 784))
        ours = next(row for row in table["rows"] if row["name"] == "ringtrain, in memory")
        self.assertEqual(ours["limit"], "memcpy")
        self.assertGreater(ours["share"]["median"], 0)

    def test_help_names_what_is_written(self):
        for command, words in (("compare", "no files"), ("data", "to --directory"), ("step", "and removes it"),
                               ("allreduce", "no files but"), ("emulate", "no files but"), ("predict", "no file but")):
            text = " ".join(bench(command, "--help").stdout.split())
            self.assertIn(words, text)
            self.assertIn("Examples: ringtrain bench " + command, text)


class Predict(unittest.TestCase):
    STEP = ("predict", "--step-ms", "450", "--batch", "64", "--parameters", "25.6M")

    def test_marks_every_figure_as_predicted(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "found.json"
            done = bench(*self.STEP, "--per-host", "8", "--link", "25Gbit", "--ranks", "8,64", "--price", "2",
                         "--samples", "100M", "--json", str(file))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(done.stdout.startswith("PREDICTED, not measured"), done.stdout)
            found = json.loads(file.read_text())
            self.assertEqual([(row["class"], row["ranks"]) for row in found["rows"]],
                             [("predicted", 8), ("predicted", 64)])
            for row in found["rows"]:
                self.assertLess(row["step_ms_low"], row["step_ms"])
                self.assertLess(row["step_ms"], row["step_ms_high"])
            self.assertIn("assumed", done.stdout)
            self.assertIn("Cheapest for 100,000,000 samples", done.stdout)

    def test_takes_results_and_timelines(self):
        results = pathlib.Path(__file__).resolve().parents[3] / "benchmarks/results"
        trace = pathlib.Path(__file__).resolve().parents[2] / "unit/benchmarks/predict/ddp_gloo_trace.json"
        for source in (("--from", results / "step.jsonl", "--model", "lenet5", "--sums", results / "all_reduce.jsonl",
                        "--sums", results / "all_reduce_two_hosts.jsonl"),
                       ("--trace", trace, "--batch", "64", "--link", "1Gbit", "--latency-us", "200")):
            done = bench("predict", "--parameters", "61706", "--ranks", "1,2,4", *map(str, source))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout.count("\npredicted "), 3, done.stdout)

    def test_says_what_is_missing(self):
        for arguments, words in ((["predict"], "name one source"),
                                 (["predict", "--step-ms", "450"], "--batch"),
                                 (["predict", "--step-ms", "450", "--batch", "64"], "--parameters"),
                                 ([*self.STEP], "--link: 64 ranks are several hosts"),
                                 ([*self.STEP, "--link", "1Gbit", "--per-host", "8", "--ranks", "12"],
                                  "--ranks: 12 do not fill hosts of 8 ranks"),
                                 ([*self.STEP, "--link", "1Gbit", "--global-batch", "32"],
                                  "--global-batch: 32 samples are fewer than 64 ranks"),
                                 (["predict", "--from", "/nowhere/step.jsonl"], "/nowhere/step.jsonl")):
            done = bench(*arguments)
            self.assertIn(done.returncode, (2, 3), done.stderr)
            self.assertIn(words, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)


class Emulate(unittest.TestCase):
    """Real ranks that sleep in place of computing. On a busy machine every row is void, which is right."""

    STEP = ("emulate", "--step-ms", "4", "--batch", "8", "--parameters", "50K", "--bucket-mib", "0.0625", "--steps",
            "5", "--rounds", "1")

    def emulate(self, *arguments):
        done = bench(*self.STEP, *arguments)
        self.assertIn(done.returncode, (0, TOO_NOISY), done.stderr)
        self.assertEqual(done.returncode == TOO_NOISY, "every row is void" in done.stderr)
        return done

    def test_runs_every_way_of_averaging(self):
        for arguments in (["--per-host", "1", "--wire", "bf16"], ["--per-host", "2", "--shard-optimizer"],
                          ["--per-host", "4", "--sync-every", "2"]):
            done = self.emulate("--ranks", "4", *arguments)
            self.assertIn("EMULATED", done.stdout)
            self.assertIn("times that were declared", done.stdout)

    def test_marks_every_figure_as_emulated_and_says_why_one_is_void(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "found.jsonl"
            self.emulate("--per-host", "1", "--ranks", "2,4", "--dilate", "2", "--link", "10Gbit", "--json", str(file))
            first, *rounds, table = [json.loads(line) for line in file.read_text().splitlines()]
            self.assertEqual((first["kind"], table["kind"]), ("provenance", "table"))
            self.assertEqual([(row["class"], row["ranks"]) for row in table["rows"]],
                             [("emulated x2", 2), ("emulated x2", 4)])
            for row in table["rows"]:
                # Sleeps are never shorter than they were asked to be.
                self.assertGreaterEqual(row["step_ms"]["median"], 4)
                self.assertGreater(row["predicted_step_ms"], 4)
                self.assertIsInstance(row["void"], str)
            for record in rounds:
                self.assertEqual([run["dilation"] for run in record["runs"]], [2, 4])
                self.assertEqual(len(record["runs"][0]["step_microseconds"]), 5)

    def test_refuses_what_it_cannot_run(self):
        for arguments, words in ((["--algorithm", "nccl"], "--algorithm nccl"),
                                 (["--per-host", "8", "--ranks", "12"], "--ranks: 12 do not fill hosts")):
            done = bench(*self.STEP, *arguments)
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
            self.assertIn(words, done.stderr)


class Compare(unittest.TestCase):
    def test_a_run_is_as_fast_as_itself(self):
        file = str(pathlib.Path(__file__).resolve().parents[3] / "benchmarks/results/step.jsonl")
        done = bench("compare", file, file, "--fail-on", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("~ (p=1.000 n=4)"), 16, done.stdout)
        self.assertIn("n=4: its intervals cover less than 95%", done.stdout)

    def test_refuses_what_is_no_result(self):
        done = bench("compare", "/dev/null", "/dev/null")
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (3, 1), done.stderr)


class Step(unittest.TestCase):
    def test_keeps_every_round_with_its_steps_and_its_noise(self):
        with tempfile.TemporaryDirectory() as folder:
            data = write_dataset(pathlib.Path(folder))
            file = pathlib.Path(folder) / "found.jsonl"
            done = bench("step", "-n", "2", "--models", "mlp", "--rounds", "2", "--seconds", "0.2", "--dataset",
                         str(data), "--python", "/nowhere/python", "--json", str(file))
            self.assertIn(done.returncode, (0, TOO_NOISY), done.stderr)
            self.assertEqual(done.returncode == TOO_NOISY, "too noisy" in done.stderr)
            records = [json.loads(line) for line in file.read_text().splitlines()]
            self.assertEqual(records[0]["kind"], "provenance")
            self.assertNotIn(folder, json.dumps(records[0]))
            self.assertEqual(records[0]["libtorch"]["how"], "runtime")
            rounds = [record for record in records if record["kind"] == "round"]
            self.assertIn(len(rounds), (2, 3, 4))
            for record in rounds:
                self.assertEqual([run["name"] for run in record["runs"]], ["ringtrain", "no averaging"])
                for run in record["runs"]:
                    self.assertEqual(len(run["step_microseconds_by_rank"]), 2)
                    self.assertEqual(len(run["usage_by_rank"]), 2)
                    self.assertGreater(run["usage_by_rank"][1]["cpu_seconds"], 0)
                    self.assertGreaterEqual(min(map(len, run["step_microseconds_by_rank"])), 8)
                self.assertGreaterEqual(record["noise"]["others_share"], 0)
            table = records[-1]
            self.assertEqual((table["kind"], table["class"], table["ranks"]), ("table", "measured", 2))
            self.assertGreaterEqual(table["rounds_run"], table["rounds"])
            ratio = table["rows"][1]["ringtrain_over_it"]
            self.assertLessEqual(ratio["low"], ratio["median"])
            self.assertLessEqual(ratio["median"], ratio["high"])
            self.assertIn("no averaging", done.stdout)


class Scaling(unittest.TestCase):
    def test_splits_the_efficiency_of_a_job_into_its_causes(self):
        with tempfile.TemporaryDirectory() as folder:
            data = write_dataset(pathlib.Path(folder))
            job = pathlib.Path(folder) / "job.yaml"
            job.write_text(f"model: mlp\ndataset: {data}\nbatch_size: 64\noutput: {folder}/out\n")
            file = pathlib.Path(folder) / "found.jsonl"
            done = bench("scaling", str(job), "--ranks", "1,2,3", "--mode", "strong", "--rounds", "1", "--seconds",
                         "0.2", "--price", "2", "--json", str(file))
            self.assertIn(done.returncode, (0, TOO_NOISY), done.stderr)
            first, *rounds, table = [json.loads(line) for line in file.read_text().splitlines()]
            self.assertEqual(first["kind"], "provenance")
            self.assertIn(len(rounds), (1, 2))
            points = [(row["ranks"], row["global_batch"]) for row in table["rows"]]
            self.assertEqual(points, [(1, 64), (2, 64), (3, 64)])
            if len(os.sched_getaffinity(0)) == 2:
                self.assertEqual([row["class"] for row in table["rows"]], ["measured", "measured", "oversubscribed"])
            for row in table["rows"]:
                self.assertGreater(row["cpu_seconds_per_million"]["median"], 0)
                self.assertGreater(row["price_per_million"], 0)
                self.assertGreater(row["split_ms"]["forward"], 0)
            if len(rounds) == 1:  # medians of ratios multiply in one round alone
                factors = table["rows"][1]["factors"]
                product = 1
                for cause in ("batch", "share", "averaging"):
                    product *= factors[cause]["median"]
                self.assertAlmostEqual(product, factors["efficiency"]["median"], places=9)
            self.assertFalse((pathlib.Path(folder) / "out").exists())

    def test_refuses_what_it_cannot_measure(self):
        done = bench("scaling", "/nowhere/job.yaml")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("/nowhere/job.yaml", done.stderr)


if __name__ == "__main__":
    RINGTRAIN = str(pathlib.Path(sys.argv[1]).resolve())
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
