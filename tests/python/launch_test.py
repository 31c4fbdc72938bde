#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One script, unchanged, by each launcher on 2 ranks, as on Gloo; and what the installed package does to others."""

import os
import pathlib
import re
import sys
import tempfile
import unittest

import launchers
from launchers import run

OURS = {"RINGTRAIN_REPLACE": "gloo", "WORKERS": "2"}


class Launch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Not by torchrun: on a busy machine a rank of torch's own Gloo may abort where its interpreter ends.
        cls.gloo = launchers.by_fork(2)

    def assert_same_losses(self, lines):
        self.assertEqual([line.replace("ringtrain", "gloo") for line in lines], self.gloo)
        self.assertIn("ringtrain", lines[0])

    def test_torchrun(self):
        self.assertIn("gloo", self.gloo[0])  # an installed package replaces nothing
        self.assert_same_losses(launchers.by_torchrun(2, **OURS))

    def test_ringtrain_run(self):
        self.assert_same_losses(launchers.by_ringtrain_run(2, WORKERS="2"))  # which replaces it by itself

    def test_mpirun(self):
        self.assert_same_losses(launchers.by_mpirun(2, **OURS))

    def test_spawn(self):
        self.assert_same_losses(launchers.by_spawn(2, **OURS))


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
