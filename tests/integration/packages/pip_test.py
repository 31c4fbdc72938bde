#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`pip install --no-build-isolation ./python` from a clone, in an environment that has torch.

  pip_test.py [unittest arguments]

RINGTRAIN_CACHE and STAND_INS: as for packages_test.py.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
CACHE = pathlib.Path(os.environ["RINGTRAIN_CACHE"])
BUILD = ROOT / "build/pip-test"  # the same each time and in the checkout, for ccache
TOOLS = CACHE / "packaging/lib" / f"python3.{sys.version_info.minor}" / "site-packages"


class Pip(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ringtrain-pip-test."))
        self.addCleanup(shutil.rmtree, self.folder)
        shutil.rmtree(BUILD, ignore_errors=True)
        self.addCleanup(shutil.rmtree, BUILD, ignore_errors=True)

    def environment_with(self, *folders):
        """Makes a virtual environment that sees the packages of these folders, too."""
        subprocess.run([sys.executable, "-m", "venv", self.folder / "venv"], check=True)
        site = next((self.folder / "venv/lib").glob("python3*/site-packages"))
        (site / "others.pth").write_text("".join(f"{folder}\n" for folder in folders))

    def pip_install(self, **environment):
        return subprocess.run(
            [self.folder / "venv/bin/python", "-m", "pip", "install", "--disable-pip-version-check", "--no-index",
             "--no-build-isolation", f"--config-settings=build-dir={BUILD}",
             "--config-settings=cmake.define.RINGTRAIN_WERROR=ON", ROOT / "python"],
            # The compiler and its flags are those of the presets, so ccache may have what they compiled.
            env={"CXX": "c++", **os.environ, **environment}, capture_output=True, text=True)

    def test_builds_the_backend_and_the_launcher(self):
        self.environment_with(CACHE / "wheels", TOOLS)
        done = self.pip_install()
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
        ringtrain = self.folder / "venv/bin/ringtrain"
        run = subprocess.run(
            [ringtrain, "run", "-n", "2", ROOT / "examples/ddp.py"], capture_output=True, text=True, cwd=self.folder,
            timeout=200, env={**os.environ, "LD_LIBRARY_PATH": os.environ["STAND_INS"], "OMP_NUM_THREADS": "1"})
        self.assertIn("(2 ranks, ringtrain)", run.stdout, run.stderr)
        doctor = subprocess.run([ringtrain, "doctor"], capture_output=True, text=True, cwd=self.folder)
        self.assertNotRegex(doctor.stdout, r"(?m)^\w+ +worker ")
        self.assertRegex(doctor.stdout, r"ok +torch +torch .*; the backend fits: built for 2", doctor.stderr)
        for arguments, words in ((["run", "job.yaml"], "job.yaml"), (["server", "jobs"], "runs scripts alone")):
            refused = subprocess.run([ringtrain, *arguments], capture_output=True, text=True, cwd=self.folder)
            self.assertNotEqual(refused.returncode, 0)
            self.assertRegex(refused.stderr, rf"\Aringtrain: [^\n]*{words}[^\n]*\n\Z")

    def assert_refused(self, done, text):
        self.assertNotEqual(done.returncode, 0)
        lines = [line for line in (done.stdout + done.stderr).splitlines() if text in line]
        self.assertEqual(len(lines), 1, done.stdout + done.stderr)

    def test_names_in_one_line_the_python_packages_and_programs_that_are_missing(self):
        self.environment_with()
        bare = self.folder / "bin"
        bare.mkdir()
        self.assert_refused(self.pip_install(PATH=str(bare)),
                            "pip install torch scikit-build-core and apt-get install g++ ninja-build cmake, then pip"
                            " install --no-build-isolation ./python")

    def test_names_in_one_line_the_libraries_that_are_missing(self):
        self.environment_with(CACHE / "wheels", TOOLS)
        hidden = {f"CMAKE_DISABLE_FIND_PACKAGE_{name}": "ON" for name in ("CLI11", "yaml-cpp", "fmt")}
        arguments = " ".join(f"-D{name}={value}" for name, value in hidden.items())
        self.assert_refused(self.pip_install(CMAKE_ARGS=arguments),
                            "apt-get install libfmt-dev libyaml-cpp-dev libcli11-dev")


if __name__ == "__main__":
    if not TOOLS.is_dir():
        print("skipped: the tools of scripts/setup --package are not installed for this Python")
        sys.exit(77)
    unittest.main(verbosity=2)
