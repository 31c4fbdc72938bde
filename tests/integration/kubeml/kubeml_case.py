# SPDX-License-Identifier: Apache-2.0
"""Shared by tests of KubeML's users on a server: the program `kubeml`, and uploads. The Python that runs the test has
torch and our packages, and so the ranks have them, too."""

import json
import os
import pathlib
import re
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "python/functions"), str(TESTS / "integration/server")]
import function_files  # noqa: E402
from server_case import ServerTest, run_case  # noqa: E402

os.environ["PYTHON_EXEC"] = sys.executable
run_case.DEADLINE = max(run_case.DEADLINE, 240)


class KubemlTest(ServerTest):
    options = ["--allow-scripts"]

    def setUp(self):
        super().setUp()
        self.program = self.folder / "kubeml"
        self.program.symlink_to(run_case.RINGTRAIN)
        function_files.write_dataset(self.folder / "arrays")
        (self.folder / "network.py").write_text(function_files.LATEST)

    def run_kubeml(self, *words, stdin=None):
        return subprocess.run([self.program, *map(str, words)], input=stdin, capture_output=True, text=True,
                              cwd=self.folder, timeout=run_case.DEADLINE,
                              env={**os.environ, "RINGTRAIN_SERVER": str(self.dir)})

    def kubeml(self, *words, stdin=None):
        """Its stdout. Scripts take any byte on stderr for a failure."""
        done = self.run_kubeml(*words, stdin=stdin)
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return done.stdout

    def refused(self, *words):
        """The one line on stderr."""
        done = self.run_kubeml(*words)
        self.assertNotEqual(done.returncode, 0, words)
        self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done)
        return done.stderr

    def make_dataset(self, name="digits"):
        arrays = self.folder / "arrays"
        return self.kubeml("dataset", "create", "--name", name, "--traindata", arrays / "x-train.npy", "--trainlabels",
                           arrays / "y-train.npy", "--testdata", arrays / "x-test.npy", "--testlabels",
                           arrays / "y-test.npy")

    def make_function(self, code, name="example"):
        (self.folder / "code.py").write_text(code)
        return self.kubeml("function", "create", "--name", name, "--code", "code.py")

    def train(self, *more, function="example"):
        said = self.kubeml("train", "--function", function, "--dataset", "digits", "--batch", "32", "--lr", "0.05",
                           *more)
        self.assertRegex(said, r"^[0-9a-f]{8}\n$")
        return said.strip()

    def history(self, task):
        """The history of a task, once it has ended."""
        self.wait_for_state(f"job-{task}", "Succeeded")
        return json.loads(self.kubeml("history", "get", "--id", task))

    @staticmethod
    def columns(table):
        """Rows of a table, each as its words."""
        return [re.split(r" +", line) for line in table.splitlines()]
