#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The wheel and the .deb of scripts/package, installed and used in a bare Debian 12 each.

  packages_test.py [unittest arguments]

RINGTRAIN_CACHE: the cache of scripts/setup, whose torch they use; STAND_INS: a folder of libraries that this torch
needs where it is imported and that nothing calls.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import debian

ROOT = pathlib.Path(__file__).resolve().parents[3]
CACHE = pathlib.Path(os.environ["RINGTRAIN_CACHE"])
sys.path.insert(0, str(ROOT / "tests/integration/run"))
from run_case import TEST_ROWS, TRAIN_ROWS, write_digits  # noqa: E402

JOB = """\
model: mlp
hidden: [16]
dataset: /root/digits.h5
batch_size: 32
epochs: 1
output: /root/out
"""


class Package(unittest.TestCase):
    """A bare Debian with a dataset's sources in /digits, torch in /wheels and the packages in /packages."""

    @classmethod
    def setUpClass(cls):
        cls.digits = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.digits.cleanup)
        folder = pathlib.Path(cls.digits.name)
        write_digits(folder, TRAIN_ROWS, "train", 1)
        write_digits(folder, TEST_ROWS, "test", 2)
        cls.debian = debian.Debian(CACHE, {"/wheels": CACHE / "wheels", "/digits": folder, "/packages": PACKAGES.name,
                                           "/stand-ins": os.environ["STAND_INS"], "/examples": ROOT / "examples"})
        cls.addClassCleanup(cls.debian.__exit__)
        cls.debian.call("apt-get", "update", "-q")

    def train_and_use(self, program, **environment):
        """A job on two ranks, and its model, by the commands of the README."""
        files = [f"/digits/{part}-{what}" for part in ("train", "test") for what in ("images", "labels")]
        self.debian.call(program, "dataset", "import", "idx", *files, "-o", "digits.h5")
        self.debian.write("/root/job.yaml", JOB)
        self.debian.call(program, "run", "-n", "2", "job.yaml", **environment)
        said = self.debian.call(program, "evaluate", "out", "digits.h5", **environment).stdout
        self.assertIn("accuracy", said)

    def assert_refused(self, command, line, **environment):
        done = self.debian.call(*command, check=False, **environment)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertRegex(done.stderr, rf"\A{line}[^\n]*\n\Z")


class Deb(Package):
    def test_installs_with_what_it_needs_and_trains(self):
        self.debian.call("apt-get", "install", "-yq", "--no-install-recommends",
                         *(f"/packages/{file.name}" for file in pathlib.Path(PACKAGES.name).glob("*.deb")))
        version = (ROOT / "VERSION").read_text().strip()
        self.assertEqual(self.debian.call("ringtrain", "--version").stdout, f"ringtrain {version}\n")
        self.assertEqual(self.debian.call("kubeml", "--version").stdout, f"kubeml of ringtrain {version}\n")
        for program in ("ringtrain-worker", "ringtrain-serve"):
            self.assert_refused([program, "--version"], f"{program}: found no torch, .*set RINGTRAIN_TORCH")
        self.train_and_use("ringtrain", RINGTRAIN_TORCH="/wheels/torch")
        doctor = self.debian.call("ringtrain", "doctor", RINGTRAIN_TORCH="/wheels/torch").stdout
        self.assertRegex(doctor, "ok +worker +ringtrain-worker")
        for file in ("man/man1/ringtrain-run.1.gz", "bash-completion/completions/ringtrain",
                     "zsh/vendor-completions/_ringtrain", "doc/ringtrain/copyright"):
            self.debian.call("test", "-s", f"/usr/share/{file}")
        self.debian.call("ringtrain-bench", "--help")
        self.debian.call("apt-get", "remove", "-yq", "ringtrain")
        self.assertNotEqual(self.debian.call("test", "-e", "/usr/lib/ringtrain", check=False).returncode, 0)


class Wheel(Package):
    def test_installs_beside_torch_and_runs_scripts_and_jobs(self):
        self.debian.call("apt-get", "install", "-yq", "--no-install-recommends", "python3-venv", "openmpi-bin")
        self.debian.call("python3", "-m", "venv", "/venv")
        # For torch and what it imports, which pip would install.
        self.debian.call("sh", "-c", "echo /wheels > /venv/lib/python3.11/site-packages/torch.pth")
        wheel = next(pathlib.Path(PACKAGES.name).glob("*.whl")).name
        # The tests' torch is without the CUDA libraries that its wheel asks for.
        self.debian.call("/venv/bin/pip", "install", "--no-index", "--no-deps", f"/packages/{wheel}")
        importing = {"LD_LIBRARY_PATH": "/stand-ins", "OMP_NUM_THREADS": "1"}
        done = self.debian.call("/venv/bin/ringtrain", "run", "-n", "2", "/examples/ddp.py", **importing)
        self.assertIn("(2 ranks, ringtrain)", done.stdout)
        self.assertIn("kubeml of ringtrain", self.debian.call("/venv/bin/kubeml", "--version").stdout)
        self.debian.call("/venv/bin/python", "-c", "import kubeml, serverlessdl", **importing)
        self.train_and_use("/venv/bin/ringtrain")
        doctor = self.debian.call("/venv/bin/ringtrain", "doctor").stdout
        self.assertRegex(doctor, "ok +torch +torch .*; the backend fits: built for 2")
        self.assertIn("Requires: torch\n", self.debian.call("/venv/bin/pip", "show", "ringtrain").stdout)


if __name__ == "__main__":
    if reason := debian.why_not():
        print(f"skipped: {reason}")
        sys.exit(77)
    if not (CACHE / "packaging/.installed").exists():
        print("skipped: the tools of scripts/setup --package are not installed")
        sys.exit(77)
    PACKAGES = tempfile.TemporaryDirectory()
    subprocess.run([ROOT / "scripts/package", "--out", PACKAGES.name], check=True)
    unittest.main(verbosity=2)
