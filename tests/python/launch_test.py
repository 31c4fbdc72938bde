#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One script, unchanged, under torchrun, mpirun and multiprocessing; and what the installed package does to others."""

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


def spawned(rank, port, folder):
    sys.stdout = open(f"{folder}/{rank}", "w")
    os.environ.update(RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=port,
                      RINGTRAIN_REPLACE="gloo")
    sys.path.insert(0, str(ROOT / "examples"))
    import ddp

    ddp.main()


class Launch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gloo = run(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", SCRIPT)

    def assert_same_losses(self, lines):
        self.assertEqual([line.replace("ringtrain", "gloo") for line in lines], self.gloo)
        self.assertIn("ringtrain", lines[0])

    def test_torchrun(self):
        self.assertIn("gloo", self.gloo[0])  # an installed package replaces nothing
        self.assert_same_losses(run(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node",
                                    "2", SCRIPT, RINGTRAIN_REPLACE="gloo", WORKERS="2"))

    def test_mpirun(self):
        command = 'RANK=$OMPI_COMM_WORLD_RANK WORLD_SIZE=$OMPI_COMM_WORLD_SIZE exec "$0" "$1"'
        self.assert_same_losses(run(ROOT / "tests/integration/mpirun", "2", "sh", "-c", command, sys.executable, SCRIPT,
                                    RINGTRAIN_REPLACE="gloo", MASTER_ADDR="127.0.0.1", MASTER_PORT=free_port()))

    def test_multiprocessing(self):
        with tempfile.TemporaryDirectory() as folder:
            context = multiprocessing.get_context("spawn")
            port = free_port()
            ranks = [context.Process(target=spawned, args=(rank, port, folder)) for rank in range(2)]
            for rank in ranks:
                rank.start()
            for rank in ranks:
                rank.join(200)
                self.assertEqual(rank.exitcode, 0)
            self.assert_same_losses(pathlib.Path(folder, "0").read_text().splitlines())


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
