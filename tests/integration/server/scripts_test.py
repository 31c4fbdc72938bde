#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs that run a script: refused unless the server's owner allows them, then shown as other jobs are.

  scripts_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import signal

import server_case
from server_case import ServerTest

SCRIPT = """
import os, pathlib, sys, time
output = pathlib.Path(os.environ["RINGTRAIN_OUTPUT"])
rank = os.environ["RANK"]
print(f"rank {rank} of {os.environ['WORLD_SIZE']} in {os.getcwd()}: {sys.argv[1:]}", flush=True)
(output / f"made-by-{rank}.txt").write_text("made")
if "wait" in sys.argv:
    time.sleep(1000)
if "fail" in sys.argv:
    raise ValueError("no such class")
"""


class Scripts(ServerTest):
    options = ["--allow-scripts"]

    def setUp(self):
        super().setUp()
        (self.shared / "train.py").write_text(SCRIPT)

    def script_job(self, name, *arguments, more=""):
        return f"name: {name}\nscript:\n  file: train.py\n  args: {json.dumps(list(arguments))}\n{more}"

    def submit_script(self, name, *arguments, **keys):
        status, _, body = self.ask("POST", "/api/v1/jobs?ranks=2", self.script_job(name, *arguments, **keys))
        self.assertEqual(status, 201, body)
        return json.loads(body)

    def text(self, path):
        status, _, body = self.ask("GET", path)
        self.assertEqual(status, 200, body)
        return body.decode()

    def test_are_refused_where_nobody_allowed_them(self):
        self.stop_server(signal.SIGTERM)
        self.options = []
        self.start_server()
        status, _, body = self.ask("POST", "/api/v1/jobs", self.script_job("no"))
        self.assertEqual(status, 422, body)
        [error] = json.loads(body)["errors"]
        self.assertEqual(error["path"], "script")
        self.assertIn("--allow-scripts", error["message"])
        _, _, body = self.ask("POST", "/api/v1/jobs:validate", self.script_job("no"))
        self.assertFalse(json.loads(body)["valid"])
        self.assertFalse(self.get("/api/v1/system")["scripts"])

    def test_run_and_show_their_log_and_files(self):
        made = self.submit_script("hello", "--lr", "0.1", more="epochs: 3\n")
        self.assertEqual(made["script"], "train.py")
        self.assertEqual(made["warnings"], ["job.yaml:5: epochs: has no effect beside script"])
        self.wait_for_state("hello", "Succeeded")
        path = "/api/v1/jobs/hello"
        self.assertIn(f"rank 0 of 2 in {self.shared}: ['--lr', '0.1']", self.text(f"{path}/logs"))
        files = [one["path"] for one in self.get(f"{path}/files")["files"]]
        for file in ("made-by-0.txt", "made-by-1.txt", "logs/1/attempt-1/rank-1.log"):
            self.assertIn(file, files)
        self.assertIn("rank 1 of 2", self.text(f"{path}/files/logs/1/attempt-1/rank-1.log"))
        self.assertEqual(self.get(f"{path}/series"), {"series": {}})
        self.assertEqual([one["rank"] for one in self.get(f"{path}/ranks")["ranks"]], [0, 1])
        understood = self.get(f"{path}/spec")["understood"]
        self.assertEqual(understood["script"]["args"], ["--lr", "0.1"])
        self.assertNotIn("optimizer", understood)

    def test_stop_resume_and_fail(self):
        self.submit_script("waits", "wait")
        self.wait_for_state("waits", "Running")
        self.ask("POST", "/api/v1/jobs/waits/stop")
        self.wait_for_state("waits", "Suspended")
        self.ask("POST", "/api/v1/jobs/waits/resume")
        self.wait_for_state("waits", "Running")
        self.ask("DELETE", "/api/v1/jobs/waits")
        self.submit_script("fails", "fail")
        self.assertRegex(self.wait_for_state("fails", "Failed")["why"],
                         r"rank [01] on .*: ValueError: no such class \(train.py:10\)")

    def test_live_through_the_death_of_the_server(self):
        self.submit_script("lives", "wait")
        before = self.wait_for_state("lives", "Running")
        self.stop_server(signal.SIGKILL)
        self.start_server()
        after = self.wait_for_state("lives", "Running")
        self.assertEqual((after["attempts"], after["script"]), (before["attempts"], "train.py"))


if __name__ == "__main__":
    server_case.main()
