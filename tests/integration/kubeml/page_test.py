#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The commands of docs/guides/from/kubeml.md, as they stand there.

  page_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import os
import pathlib
import pickle
import re
import subprocess

from kubeml_case import TESTS, KubemlTest, function_files, run_case

PAGE = (TESTS.parent / "docs/guides/from/kubeml.md").read_text()
COMMANDS = re.findall(r"`([^`\n]+)`", PAGE) + re.findall(r"^    (.+)$", PAGE, re.MULTILINE)


class Page(KubemlTest):
    def setUp(self):
        super().setUp()
        home = self.folder / "home"   # so that the server's folder is where the page has it
        (home / ".local/share").mkdir(parents=True)
        (home / ".local/share/ringtrain").symlink_to(self.dir)
        python = pathlib.Path(os.environ["PYTHON_EXEC"]).parent
        self.env = {**os.environ, "HOME": str(home), "RINGTRAIN_SERVER": "",
                    "PATH": f"{self.folder}:{pathlib.Path(run_case.RINGTRAIN).parent}:{python}:{os.environ['PATH']}"}
        (self.folder / "network.py").write_text(function_files.LATEST.replace('"digits"', '"mnist"'))
        names = {"x-train": "train", "y-train": "y_train", "x-test": "test", "y-test": "y_test"}
        for part, name in names.items():
            (self.folder / f"{name}.npy").write_bytes((self.folder / f"arrays/{part}.npy").read_bytes())
        x = function_files.arrays()[2][:4]
        (self.folder / "data.json").write_text(json.dumps((x.reshape(4, -1) / 255).tolist()))

    def type(self, start, **words):
        """Runs the page's command that begins so, with other words in it, and returns what it prints."""
        found = [text for text in COMMANDS if text.startswith(start)]
        self.assertTrue(found, f"the page has no command {start}")
        command = found[0]
        for word, instead in words.items():
            command = command.replace(word, instead)
        done = subprocess.run(["bash", "-euc", command], cwd=self.folder, env=self.env, text=True, input="y\n",
                              capture_output=True, timeout=run_case.DEADLINE)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def test_what_users_type(self):
        self.type("kubeml function create")
        self.type("kubeml function update")
        self.assertIn("example", self.type("kubeml function list"))
        self.assertIn("Dataset created", self.type("kubeml dataset create"))
        self.assertIn("mnist", self.type("kubeml dataset list"))
        task = self.type("kubeml train").strip()
        self.assertRegex(task, "^[0-9a-f]{8}$")
        self.assertIn("train loss", self.type("kubeml logs", ID=task))   # follows it to its end
        self.wait_for(lambda: self.type("kubeml task list") == "" or None)
        self.assertEqual(json.loads(self.type("kubeml history get", ID=task))["id"], task)
        self.assertEqual(len(json.loads(self.type("kubeml infer", ID=task))["predictions"]), 4)
        self.assertIn(f"job-{task}", self.type("ringtrain jobs"))
        self.assertIn("0.weight", self.type("python3 -c \"import torch", ID=task))
        stopped = self.type("kubeml train", **{"--epochs 10": "--epochs 100000"}).strip()
        self.type("kubeml task stop", ID=stopped)
        self.wait_for(lambda: self.type("kubeml task list") == "" or None)
        self.type("kubeml dataset delete")
        self.type("kubeml function delete")

    def test_a_pickle_becomes_an_array(self):
        (self.folder / "train.pkl").write_bytes(pickle.dumps([[1, 2], [3, 4]]))
        self.type("python3 -c \"import numpy")
        self.assertEqual(function_files.np.load(self.folder / "train.npy").tolist(), [[1, 2], [3, 4]])

    def test_curl_lines(self):
        self.type("kubeml function create")
        with subprocess.Popen([run_case.RINGTRAIN, "server", "connect", "--kubeml", "--listen", "127.0.0.1:0",
                               "--dir", self.dir], stdout=subprocess.PIPE, text=True) as door:
            try:
                there = {"http://127.0.0.1:10100": door.stdout.readline().split()[0]}
                self.assertEqual(json.loads(self.type("curl -F", **there)), {"result": "Dataset created"})
                self.assertEqual(json.loads(self.type("curl http", **there))[0]["name"], "mnist")
                self.assertRegex(self.type("curl -d", **there).strip(), "^[0-9a-f]{8}$")
            finally:
                door.terminate()


if __name__ == "__main__":
    run_case.main()
