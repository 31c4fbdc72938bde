#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/gpu-check as far as no GPU is needed: its refusals, its pack's manifest, what it reads from programs."""

import json
import os
import pathlib
import stat
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts"))
from gpu_check import figures, pack, run, steps  # noqa: E402


def check(*arguments, path=None):
    environment = dict(os.environ, **({"PATH": path} if path else {}))
    return subprocess.run([sys.executable, ROOT / "scripts/gpu-check", *arguments], capture_output=True, text=True,
                          env=environment, timeout=60)


class Run(unittest.TestCase):
    def test_ends_with_77_without_a_gpu(self):
        with tempfile.TemporaryDirectory() as folder:
            failing = pathlib.Path(folder) / "nvidia-smi"
            for script in (None, "exit 9", "exit 0"):  # no driver at all, a broken one, one without GPUs
                if script:
                    failing.write_text(f"#!/bin/sh\n{script}\n")
                    failing.chmod(failing.stat().st_mode | stat.S_IXUSR)
                done = check("run", "--json", f"{folder}/gpu.json", path=folder)
                self.assertEqual(done.returncode, 77, done.stderr)
                self.assertIn("has no NVIDIA GPU", done.stderr)

    def test_names_its_steps_where_one_is_unknown(self):
        done = check("run", "--only", "kernels,nothing")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no step nothing", done.stderr)
        self.assertIn("bandwidth", done.stderr)
        self.assertEqual([step.__name__ for step in run.chosen("ours,kernels")], ["kernels", "ours"])

    def test_keeps_what_a_step_found_out_though_it_fails(self):
        def broken(_):
            raise ValueError("no good")
        entry = run.take(broken, None)
        self.assertFalse(entry["ok"])
        self.assertEqual(entry["error"], "ValueError: no good")
        self.assertTrue(run.take(lambda _: {"rate": 1}, None)["ok"])


class Pack(unittest.TestCase):
    LDD = """\tlinux-vdso.so.1 (0x00007ffd)
\tlibtorch_cpu.so => /wheels/torch/lib/libtorch_cpu.so (0x00007f)
\tlibcudart.so.13 => not found
\tlibmpi.so.40 => /lib/x86_64-linux-gnu/libmpi.so.40 (0x00007f)
\tlibcurl.so.4 => /lib/x86_64-linux-gnu/libcurl.so.4 (0x00007f)
\tlibcublas.so.13 => /wheels/nvidia/cu13/lib/libcublas.so.13 (0x00007f)
\tlibfmt.so.9 => /lib/x86_64-linux-gnu/libfmt.so.9 (0x00007f)
\tlibstdc++.so.6 => /lib/x86_64-linux-gnu/libstdc++.so.6 (0x00007f)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f)
"""

    def test_takes_what_the_machine_does_not_have(self):
        self.assertEqual(pack.libraries(self.LDD),
                         {f"/lib/x86_64-linux-gnu/{name}" for name in ("libmpi.so.40", "libcurl.so.4", "libfmt.so.9")})

    def test_refuses_a_library_that_is_nowhere(self):
        with self.assertRaisesRegex(FileNotFoundError, "libspdlog"):
            pack.libraries(self.LDD + "\tlibspdlog.so.1.10 => not found\n")

    def test_wants_a_dataset(self):
        done = check("pack", "--no-build", "--dataset", "/nowhere/mnist.h5")
        self.assertEqual(done.returncode, 2)
        self.assertIn("ringtrain dataset import mnist", done.stderr)


class Figures(unittest.TestCase):
    def test_count_tests_and_take_a_skip_for_a_failure(self):
        colours = "\x1b[0;32m[       OK ] \x1b[mCuda.Sums (1 ms)\n\x1b[0;32m[  PASSED  ] \x1b[m1 test.\n"
        self.assertEqual(figures.passed_tests("[       OK ] Cuda.Packs (5 ms)\n" + colours), 2)
        with self.assertRaisesRegex(figures.TestsFailed, "Cuda.Packs"):
            figures.passed_tests("[  SKIPPED ] Cuda.Packs (0 ms)\n[  PASSED  ] 2 tests.\n[  SKIPPED ] 1 test, named:\n")
        with self.assertRaisesRegex(figures.TestsFailed, "Zoo/CardSteps.TrainLikeEagerSteps/mlp"):
            figures.passed_tests("[  FAILED  ] Zoo/CardSteps.TrainLikeEagerSteps/mlp, where GetParam() = mlp (1 ms)\n"
                                 "[  PASSED  ] 2 tests.\n")
        # A global set-up that skips everything leaves this.
        for nothing in ("", "[  PASSED  ] 0 tests.\n", "a.cpp:16: Skipped\nno CUDA device\n[  PASSED  ] 62 tests.\n"):
            with self.assertRaisesRegex(figures.TestsFailed, "no test ran"):
                figures.passed_tests(nothing)

    def test_rates_leave_the_first_second_out(self):
        def line(second, rate):
            return "\x1e" + json.dumps({"event": "step", "time": f"2026-11-27T10:00:{second:06.3f}Z",
                                        "samples_per_second": rate}) + "\n"
        output = "noise\n" + line(1, 5) + line(1.9, 6) + line(2, 100) + line(2.25, 300) + line(2.5, 200) + "\x1e{cut"
        self.assertEqual(figures.rate_once_warm(list(figures.events(output))), 200)
        self.assertIsNone(figures.rate_once_warm(list(figures.events(line(1, 5)))))

    def test_read_the_kernels_table(self):
        output = ("NVIDIA H100, arrays of 256 MiB\nkernel   MiB moved   GB/s   copy   ratio\n"
                  "sgd, momentum                    1280.0     2900.5     3000.1     0.97\n")
        self.assertEqual(figures.bandwidths(output),
                         {"sgd, momentum": {"rate": 2900.5, "copy_rate": 3000.1, "ratio": 0.97}})

    def test_hold_against_bars(self):
        found = figures.verdicts({
            "bandwidth": {"figures": {"pack": {"ratio": 0.9}, "lars": {"ratio": 0.5}}},
            "ours": {"figures": {"lenet tf32 captured": 400.0, "lenet tf32 eager": 100.0,
                                 "resnet18 bf16 captured": 50.0}},
            "peers": {"figures": {"lenet tf32 graph": 500.0, "resnet18 bf16 eager": 40.0,
                                  "resnet18 bf16 compiled": "out of memory"}}})
        met = {verdict["bar"]: verdict["met"] for verdict in found}
        self.assertEqual(met, {"pack: share of the copy rate": True, "lars: share of the copy rate": False,
                               "lenet: captured over eager steps": True, "lenet tf32: over PyTorch graph": False,
                               "resnet18 bf16: over PyTorch eager": True,
                               "resnet18 bf16: over PyTorch compiled": False})
        self.assertEqual(figures.verdicts({}), [])


class Jobs(unittest.TestCase):
    def test_are_files_that_the_worker_reads(self):
        with tempfile.TemporaryDirectory() as folder:
            shared = steps.Check(None, pathlib.Path("mnist.h5"), pathlib.Path(folder))
            job = json.loads(pathlib.Path(shared.job(model="resnet18", communication__wire="bf16")).read_text())
            self.assertEqual(job["model"], "resnet18")
            self.assertEqual(job["communication"], {"wire": "bf16"})
            self.assertEqual(job["optimizer"], {"learning_rate": 0.05, "momentum": 0.9})


if __name__ == "__main__":
    unittest.main()
