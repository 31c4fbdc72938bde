#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reports that are POSTed to a receiver of this test: progress of a TrainJob, and the webhook at a job's end.

  reports_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import hmac
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1] / "run"), str(HERE.parents[1] / "server")]
import run_case  # noqa: E402
import server_case  # noqa: E402

SECRET = "0123456789abcdef0123"


class Receiver:
    """Records every POST: its path, headers and body."""

    def __init__(self, status=200):
        self.received = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append((self.path, dict(self.headers), body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class ATrainJob(run_case.RunTest):
    def run_in_trainjob(self, receiver):
        self.addCleanup(receiver.stop)
        token = self.folder / "token"
        token.write_text("secret\n")
        done = subprocess.run([run_case.RINGTRAIN, "run", self.write_job(epochs=2), "-n", "2"], capture_output=True,
                              text=True, timeout=run_case.DEADLINE,
                              env={**os.environ, "KUBEFLOW_TRAINER_SERVER_URL": f"{receiver.url}/status",
                                   "KUBEFLOW_TRAINER_SERVER_TOKEN": str(token)})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def test_gets_its_progress(self):
        receiver = Receiver()
        self.run_in_trainjob(receiver)
        path, headers, body = receiver.received[-1]
        self.assertEqual((path, headers["Authorization"]), ("/status", "Bearer secret"))
        status = json.loads(body)["trainerStatus"]
        self.assertEqual((status["progressPercentage"], status["estimatedRemainingSeconds"]), (100, 0))
        metrics = {metric["name"]: metric["value"] for metric in status["metrics"]}
        history = [json.loads(line) for line in (self.output / "history.jsonl").read_text().splitlines()]
        self.assertAlmostEqual(float(metrics["test_accuracy"]), history[-1]["test_accuracy"], places=5)

    def test_that_refuses_gets_nothing_more(self):
        receiver = Receiver(status=422)
        said = self.run_in_trainjob(receiver)
        self.assertEqual(len(receiver.received), 1)
        self.assertIn("refuses this job's progress: nothing more is sent", said)


class AWebhook(server_case.ServerTest):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.stop)
        super().setUp()

    def start_server(self, port="0", *more):
        secret = self.folder / "secret"
        secret.write_text(SECRET + "\n")
        super().start_server(port, *more, "--webhook", f"{self.receiver.url}/hook", "--webhook-to-private",
                             "--webhook-secret-file", str(secret))

    def test_gets_every_end_once_and_signed(self):
        self.submit("first", epochs=1)
        self.submit("second", epochs=1)
        for name in ("first", "second"):
            self.wait_for_state(name, "Succeeded")
        self.wait_for(lambda: not list((self.dir / "outbox").iterdir()) or None)
        ended = []
        for path, headers, body in self.receiver.received:
            parts = dict(part.split("=", 1) for part in headers["X-Ringtrain-Signature"].split(","))
            expected = hmac.new(SECRET.encode(), parts["t"].encode() + b"." + body, "sha256").hexdigest()
            self.assertEqual((path, parts["v1"]), ("/hook", expected))
            report = json.loads(body)
            self.assertEqual(report["event"], "job.ended")
            ended.append((report["job"]["name"], report["job"]["state"], headers["X-Ringtrain-Delivery"]))
        self.assertEqual(sorted(ended), [("first", "Succeeded", "first.1.Succeeded"),
                                         ("second", "Succeeded", "second.1.Succeeded")])

    def test_needs_a_secret(self):
        refused = self.call(run_case.RINGTRAIN, "server", self.folder / "other", "--webhook", "https://example.com")
        self.assertEqual(refused.returncode, 2)
        self.assert_one_clear_line(refused.stderr, "--webhook-secret-file is missing")


if __name__ == "__main__":
    run_case.main()
