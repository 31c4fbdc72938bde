# SPDX-License-Identifier: Apache-2.0
"""Shared by tests of the whole server: it runs on a folder of its own, and is asked over HTTP. Needs no network."""

import json
import pathlib
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "run"))
import run_case  # noqa: E402
from run_case import RunTest  # noqa: E402

main = run_case.main


class ServerTest(RunTest):
    options = []  # of the server, beside those that all have

    def setUp(self):
        super().setUp()
        self.dir = self.folder / "server"
        self.server = None
        self.start_server()

    def tearDown(self):
        self.end_jobs()
        self.stop_server(signal.SIGTERM)
        super().tearDown()

    def start_server(self, port="0", *more):
        self.server = subprocess.Popen(
            [run_case.RINGTRAIN, "server", str(self.dir), "--port", port, "--data", str(self.shared), "--cores", "2",
             *self.options, *more],
            stdout=subprocess.PIPE, stderr=open(self.folder / "server.log", "a"), text=True)
        first = self.server.stdout.readline()
        self.assertIn("ringtrain server on http", first, (self.folder / "server.log").read_text())
        self.url = first.split()[3].rstrip(",")
        self.sign_in = self.server.stdout.readline().split()[1]
        self.token = (self.dir / "token").read_text().strip()

    def stop_server(self, how=signal.SIGKILL):
        if self.server and self.server.poll() is None:
            self.server.send_signal(how)
            self.server.wait(timeout=run_case.DEADLINE)
        if self.server:
            self.server.stdout.close()
        self.server = None

    def end_jobs(self):
        if self.server is None or self.server.poll() is not None:
            self.start_server()
        for job in self.get("/api/v1/jobs?limit=500")["jobs"]:
            if job["managed"]:
                self.ask("DELETE", f"/api/v1/jobs/{job['name']}")
        self.wait_for(lambda: not any(job["managed"] for job in self.get("/api/v1/jobs?limit=500")["jobs"]) or None)

    def ask(self, method, path, body=None, content="application/yaml", token=None, **headers):
        """Status, headers and body of any answer."""
        data = body.encode() if isinstance(body, str) else body
        request = urllib.request.Request(self.url + path, method=method, data=data or None)
        request.add_header("Authorization", f"Bearer {token or self.token}")
        if body:
            request.add_header("Content-Type", content)
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=run_case.DEADLINE) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def get(self, path):
        status, _, body = self.ask("GET", path)
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def job_text(self, name, **keys):
        job = {"name": name, "model": "mlp", "hidden": [16], "dataset": "digits.h5", "batch_size": 32, **keys}
        return "".join(f"{key}: {json.dumps(value)}\n" for key, value in job.items())

    def submit(self, name, ranks=2, **keys):
        status, _, body = self.ask("POST", f"/api/v1/jobs?ranks={ranks}", self.job_text(name, **keys))
        self.assertEqual(status, 201, body)
        return json.loads(body)

    def wait_for(self, look):
        """The first value of look() that is not None."""
        deadline = time.monotonic() + run_case.DEADLINE
        while time.monotonic() < deadline:
            found = look()
            if found is not None:
                return found
            time.sleep(0.05)
        self.fail("waited in vain:\n" + (self.folder / "server.log").read_text())

    def wait_for_state(self, name, *states):
        def look():
            job = self.get(f"/api/v1/jobs/{name}")
            self.assertFalse(job["state"] == "Failed" and "Failed" not in states, job["why"])
            return job if job["state"] in states else None
        return self.wait_for(look)

    def run_record(self, name, attempt):
        return json.loads((self.dir / "jobs" / name / "attempts" / str(attempt) / "run.json").read_text())

    def model(self, name):
        """The tensors: what describes the job (it has the job's folder) left out."""
        data = (self.dir / "jobs" / name / "output" / "model.safetensors").read_bytes()
        end = 8 + int.from_bytes(data[:8], "little")
        described = json.loads(data[8:end])
        del described["__metadata__"]
        return described, data[end:]
