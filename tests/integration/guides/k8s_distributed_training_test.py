#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The commands of docs/guides/from/k8s-distributed-training.md for its control plane, as they stand there. Those of its
trainer are in tests/python/mnist_trainer_test.py and tests/cluster/kubernetes.

  k8s_distributed_training_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/integration/server"))
from server_case import ServerTest, main, run_case  # noqa: E402

PAGE = (ROOT / "docs/guides/from/k8s-distributed-training.md").read_text()
COMMANDS = re.findall(r"`([^`\n]+)`", PAGE)


class ControlPlane(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        run_case.write_digits(cls.shared, 20000, "many", 3)   # as many as the page's request takes
        files = [cls.shared / name for name in ("many-images", "many-labels", "test-images", "test-labels")]
        subprocess.run([run_case.RINGTRAIN, "dataset", "import", "idx", *files, "--parents", "-o",
                        cls.shared / "data/mnist.h5"], check=True, stdout=subprocess.DEVNULL)

    def setUp(self):
        super().setUp()
        home = self.folder / "home"   # so that the server's folder is where the page has it
        (home / ".local/share").mkdir(parents=True)
        (home / ".local/share/ringtrain").symlink_to(self.dir)
        programs = pathlib.Path(run_case.RINGTRAIN).parent
        self.env = {**os.environ, "HOME": str(home), "PATH": f"{programs}:{os.environ['PATH']}"}
        self.door = subprocess.Popen([run_case.RINGTRAIN, "server", "connect", "--listen", "127.0.0.1:0", "--dir",
                                      self.dir], stdout=subprocess.PIPE, text=True)
        self.address = self.door.stdout.readline().split()[0]

    def tearDown(self):
        self.door.terminate()
        self.door.wait(timeout=run_case.DEADLINE)
        self.door.stdout.close()
        super().tearDown()

    def type(self, start):
        """Runs the page's command that begins so, against the door of this test, and returns what it prints."""
        command = next(text for text in COMMANDS if text.startswith(start))
        command = command.replace("http://127.0.0.1:8000", self.address)
        done = subprocess.run(["bash", "-euc", command], env=self.env, text=True, capture_output=True,
                              timeout=run_case.DEADLINE)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def test_a_job_by_its_users_own_curl_lines(self):
        self.assertEqual(json.loads(self.type("curl -X POST")),
                         {"message": "Job created", "job_name": "mnist-train-eval-1"})

        def ended():
            status = json.loads(self.type("curl http://127.0.0.1:8000/jobs/"))
            return status if status["active"] is None else None
        status = self.wait_for(ended)
        self.assertEqual((status["succeeded"], status["failed"]), (1, None))
        self.assertIn("epoch 2/2: train loss", self.type("ringtrain logs"))
        for path, text in (("/docs", "<html"), ("/openapi.json", "submit_job_jobs_post")):
            done = subprocess.run(["curl", "-sL", self.address + path], capture_output=True, text=True)
            self.assertIn(text, done.stdout.lower() if path == "/docs" else done.stdout)


if __name__ == "__main__":
    main()
