#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One script, unchanged, under torchrun, ringtrain run, mpirun and multiprocessing, on 1 to 8 ranks and with workers of
DataLoaders; and what the installed package does to others."""

import multiprocessing
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = str(ROOT / "examples/ddp.py")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def run(*command, **environment):
    """The script's lines; each names the loss of an epoch and the backend."""
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def by_torchrun(ranks, **environment):
    return run(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks), SCRIPT,
               **environment)


def by_ringtrain_run(ranks, **environment):
    with tempfile.TemporaryDirectory() as folder:
        return run(os.environ["RINGTRAIN"], "run", "-n", str(ranks), "--run-dir", folder, "--python", sys.executable,
                   SCRIPT, **environment)


def by_mpirun(ranks, **environment):
    command = 'RANK=$OMPI_COMM_WORLD_RANK WORLD_SIZE=$OMPI_COMM_WORLD_SIZE exec "$0" "$1"'
    return run(ROOT / "tests/integration/mpirun", str(ranks), "sh", "-c", command, sys.executable, SCRIPT,
               MASTER_ADDR="127.0.0.1", MASTER_PORT=free_port(), **environment)


def spawned(rank, ranks, port, folder, environment):
    sys.stdout = open(f"{folder}/{rank}", "w")
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(ranks), MASTER_ADDR="127.0.0.1", MASTER_PORT=port, **environment)
    sys.path.insert(0, str(ROOT / "examples"))
    import ddp

    ddp.main()


def by_spawn(ranks, **environment):
    """As torch.multiprocessing.spawn() starts ranks; this process does not import torch."""
    with tempfile.TemporaryDirectory() as folder:
        context = multiprocessing.get_context("spawn")
        port = free_port()
        processes = [context.Process(target=spawned, args=(rank, ranks, port, folder, environment))
                     for rank in range(ranks)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(200)
            assert process.exitcode == 0, process.exitcode
        return pathlib.Path(folder, "0").read_text().splitlines()


OURS = {"RINGTRAIN_REPLACE": "gloo", "WORKERS": "1"}


class Launch(unittest.TestCase):
    def assert_same_losses(self, lines, gloo):
        self.assertEqual([line.replace("ringtrain", "gloo") for line in lines], gloo)
        self.assertIn("ringtrain", lines[0])

    def test_every_launcher_trains_as_gloo_on_2_ranks(self):
        gloo = by_torchrun(2)
        self.assertIn("gloo", gloo[0])  # an installed package replaces nothing
        for launch in (by_torchrun, by_mpirun, by_spawn):
            with self.subTest(launch.__name__):
                self.assert_same_losses(launch(2, **OURS), gloo)
        with self.subTest("ringtrain run"):  # replaces it by itself
            self.assert_same_losses(by_ringtrain_run(2, WORKERS="2"), gloo)

    def test_every_launcher_trains_the_same_on_8_ranks(self):
        lines = by_ringtrain_run(8, **OURS)
        self.assertIn("(8 ranks, ringtrain)", lines[0])
        for launch in (by_torchrun, by_mpirun, by_spawn):
            with self.subTest(launch.__name__):
                self.assertEqual(launch(8, **OURS), lines)

    def test_every_number_of_ranks(self):
        for ranks in (1, 3, 4, 5, 6, 7):
            with self.subTest(ranks=ranks):
                lines = by_ringtrain_run(ranks, **OURS)
                self.assertEqual(len(lines), 3, lines)
                self.assertIn(f"({ranks} ranks, ringtrain)", lines[0])
                first, last = (float(re.search(r"loss (\S+)", line)[1]) for line in (lines[0], lines[-1]))
                self.assertLess(last, first)


class Import(unittest.TestCase):
    def test_of_the_package_leaves_torch_to_the_script_where_torch_will_register_it(self):
        script = ("import ringtrain, sys; print('torch' in sys.modules)\n"
                  "import torch; print('ringtrain' in torch.distributed.Backend.backend_list)")
        for autoload, imported in (("1", "False"), ("0", "True")):
            lines = run(sys.executable, "-c", script, TORCH_DEVICE_BACKEND_AUTOLOAD=autoload)
            self.assertEqual(lines, [imported, "True"], autoload)


class BrokenPackage(unittest.TestCase):
    def test_importing_torch_never_fails_and_using_the_backend_says_why(self):
        site = pathlib.Path(os.environ["SITE"].split(":")[0])
        with tempfile.TemporaryDirectory() as folder:
            package = pathlib.Path(folder, "ringtrain")
            package.mkdir()
            for module in ("__init__.py", "autoload.py", "groups.py"):
                (package / module).write_bytes((site / "ringtrain" / module).read_bytes())
            (package / "build_info.py").write_text('TORCH = "2.99.0"\n')
            for info in site.glob("*.dist-info"):
                pathlib.Path(folder, info.name).mkdir()
                for file in info.iterdir():
                    pathlib.Path(folder, info.name, file.name).write_bytes(file.read_bytes())
            script = ("import torch, sys; from torch import distributed as d\n"
                      "assert 'ringtrain.groups' not in sys.modules\n"
                      "try: d.init_process_group('ringtrain', init_method=f'file://{sys.argv[1]}/s', rank=0,"
                      " world_size=1)\n"
                      "except RuntimeError as e: print(e)\n")
            wheels = os.environ["SITE"].split(":", 1)[1]
            lines = run(sys.executable, "-c", script, folder, PYTHONPATH=f"{folder}:{wheels}")
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(re.match(r"ringtrain was built for torch 2\.99 and this is torch 2", lines[0]), lines)


if __name__ == "__main__":
    unittest.main(verbosity=2)
