#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The files of the image for GPUs, in a bare Debian: every program finds its libraries, but for the driver's.

  gpu_image_test.py BUILD_DIRECTORY

BUILD_DIRECTORY: of the preset cuda, with the four programs that Dockerfile installs. The stages of Dockerfile that
matter here are done without buildah, which would store gigabytes of libraries twice. RINGTRAIN_CACHE: the cache of
scripts/setup. Needs root.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/integration/packages"))
import debian  # noqa: E402

BUILD = pathlib.Path(sys.argv[1])
PROGRAMS = ("ringtrain", "ringtrain-worker", "ringtrain-serve", "ringtrain-operator")
# Comes with the node's driver.
OF_THE_NODE = {"libcuda.so.1", "libnvidia-ml.so.1"}
# Plugins for networks of clusters: NVSHMEM and cuFile load them where their libraries are.
PLUGINS = re.compile(r"(nvshmem_(transport|bootstrap)_.*|libcufile_rdma)\.so.*")


class GpuImage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        installed = tempfile.TemporaryDirectory(dir=BUILD)
        cls.addClassCleanup(installed.cleanup)
        subprocess.run(["cmake", "--install", BUILD, "--prefix", installed.name, "--strip"], check=True,
                       stdout=subprocess.DEVNULL)
        cls.debian = debian.Debian(pathlib.Path(os.environ["RINGTRAIN_CACHE"]),
                                   {"/usr/local": installed.name, "/image": ROOT / "mpijob/image"})
        cls.addClassCleanup(cls.debian.__exit__)
        cls.debian.call("/image/install-packages", timeout=600)
        cls.debian.write("/etc/ld.so.conf.d/ringtrain.conf", "/usr/local/lib/ringtrain\n")
        cls.debian.call("ldconfig")

    def missing(self, files):
        """{file: names of libraries that its loader would not find}"""
        found = {}
        for line in self.debian.call("ldd", *files, check=False).stdout.splitlines():
            if line.startswith("/"):
                file = line.rstrip(":")
            elif "not found" in line:
                found.setdefault(file, set()).add(line.split()[0])
        return found

    def test_programs_start(self):
        for program in PROGRAMS:
            with self.subTest(program):
                said = self.debian.call(program, "--version").stdout
                self.assertRegex(said, r"\d+\.\d+\.\d+")

    def test_every_library_finds_its_own(self):
        listed = self.debian.call("find", "/usr/local/bin", "/usr/local/lib/ringtrain", "-type", "f").stdout.split()
        files = [file for file in listed if not PLUGINS.fullmatch(pathlib.Path(file).name)]
        self.assertTrue(any("libtorch_cuda.so" in file for file in files), files)
        for file, names in self.missing(files).items():
            self.assertLessEqual(names, OF_THE_NODE, file)


if __name__ == "__main__":
    reason = debian.why_not()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
