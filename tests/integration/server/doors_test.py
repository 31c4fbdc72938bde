#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ways into a server: tokens and the audit, TLS, a proxy, limits; and its backup.

  doors_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import shutil
import signal
import ssl
import subprocess
import unittest
import urllib.request

import server_case
from server_case import ServerTest, run_case


class Doors(ServerTest):
    def command(self, *words):
        return self.call(run_case.RINGTRAIN, "server", *words)

    def test_tokens_and_what_was_done_with_them(self):
        status, headers, body = self.ask("POST", "/api/v1/tokens", json.dumps({"name": "ci", "scope": "submit"}),
                                         "application/json")
        made = json.loads(body)
        self.assertEqual((status, headers["Location"]), (201, f"/api/v1/tokens/{made['id']}"))
        self.assertEqual(self.ask("GET", "/api/v1/tokens", token=made["token"])[0], 403)
        self.assertEqual(self.ask("GET", "/api/v1/audit", token=made["token"])[0], 403)
        self.assertEqual(self.ask("POST", "/api/v1/jobs", self.job_text("a", epochs=1), token=made["token"])[0], 201)
        self.assertEqual(self.ask("DELETE", f"/api/v1/tokens/{made['id']}")[0], 204)
        self.assertEqual(self.ask("GET", "/api/v1/jobs", token=made["token"])[0], 401)
        self.assertNotIn(made["token"], (self.dir / "tokens.json").read_text())
        self.call(run_case.RINGTRAIN, "server", "token", "--dir", self.dir, "--name", "cli", "--scope", "read")
        changes = self.get("/api/v1/audit")["changes"]
        self.assertEqual([(one["by"], one["request"], one["status"]) for one in changes],
                         [("owner", "server token --name cli --scope read", 0),
                          ("owner", f"DELETE /api/v1/tokens/{made['id']}", 204),
                          ("ci", "POST /api/v1/jobs", 201),
                          ("owner", "POST /api/v1/tokens", 201)])
        self.assertEqual(changes[2]["made"], "/api/v1/jobs/a")
        self.assertEqual(len((self.dir / "audit.jsonl").read_text().splitlines()), 4)

    def status_with(self, cookie, method, path):
        request = urllib.request.Request(self.url + path, method=method, headers={"Cookie": cookie})
        try:
            with urllib.request.urlopen(request, timeout=run_case.DEADLINE) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def test_signing_out_ends_the_session_of_a_browser(self):
        for way in ({"code": self.sign_in.split("#code=")[1]}, {"token": self.token}):
            _, headers, _ = self.ask("POST", "/api/v1/session", json.dumps(way), "application/json")
            cookie = headers["Set-Cookie"].split(";")[0]
            self.assertNotIn(self.token, cookie)
            self.assertEqual(self.status_with(cookie, "GET", "/api/v1/jobs"), 200)
            self.assertEqual(self.status_with(cookie, "DELETE", "/api/v1/session"), 204)
            self.assertEqual(self.status_with(cookie, "GET", "/api/v1/jobs"), 401)
        self.get("/api/v1/jobs")   # the token that a session was begun with stays

    def test_a_door_has_a_port_that_is_a_number(self):
        for port in ("x", "", "65536", "-1", "80x"):
            done = self.command("connect", "--dir", self.dir, "--listen", f"127.0.0.1:{port}")
            self.assertEqual(done.returncode, 2)
            self.assert_one_clear_line(done.stderr, f"--listen 127.0.0.1:{port}", "must be a number, 0 to 65535")

    def test_other_machines_need_tls_or_a_proxy(self):
        done = self.command(self.folder / "other", "--port", 0, "--listen", "0.0.0.0")
        self.assertEqual(done.returncode, 2)
        self.assert_one_clear_line(done.stderr, "--listen 0.0.0.0", "--tls-cert", "--behind-proxy")

    def test_job_defaults_are_for_a_cluster(self):
        done = self.command(self.folder / "other", "--port", 0, "--job-defaults", "defaults.yaml")
        self.assertEqual(done.returncode, 2)
        self.assert_one_clear_line(done.stderr, "--job-defaults: ", "--kubernetes")

    @unittest.skipUnless(shutil.which("openssl"), "needs openssl to make a certificate")
    def test_tls(self):
        cert, key = self.folder / "cert.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
        self.stop_server(signal.SIGTERM)
        self.start_server("0", "--listen", "0.0.0.0", "--tls-cert", str(cert), "--tls-key", str(key))
        self.assertIn("https://127.0.0.1:", self.url)
        trust = ssl.create_default_context(cafile=cert)
        code = json.dumps({"code": self.sign_in.split("#code=")[1]}).encode()
        request = urllib.request.Request(f"{self.url}/api/v1/session", code, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=run_case.DEADLINE, context=trust) as answer:
            cookie = answer.headers["Set-Cookie"]
        self.assertRegex(cookie, "^__Host-ringtrain=.*; Secure$")
        self.assertIn("code=", self.command("url", "--dir", self.dir).stdout)
        jobs = self.call(run_case.RINGTRAIN, "jobs", "--server", self.dir)
        self.assertEqual((jobs.returncode, jobs.stdout), (0, f"no jobs on {self.url}\n"), jobs.stderr)
        self.stop_server(signal.SIGTERM)
        self.start_server()  # for what ends the jobs

    def test_behind_a_proxy(self):
        self.stop_server(signal.SIGTERM)
        self.start_server("0", "--behind-proxy", "127.0.0.1", "--host", "train.example")
        forwarded = {"X_Forwarded_For": "192.0.2.7", "X_Forwarded_Proto": "https", "X_Forwarded_Host": "train.example",
                     "Origin": "https://train.example"}
        self.assertEqual(self.ask("POST", "/api/v1/jobs", self.job_text("a", epochs=1), **forwarded)[0], 201)
        self.assertEqual(self.get("/api/v1/audit")["changes"][0]["from"], "192.0.2.7")
        self.assertEqual(self.ask("GET", "/healthz", X_Forwarded_Host="evil.example")[0], 403)

    def test_as_many_viewers_as_it_allows(self):
        self.stop_server(signal.SIGTERM)
        self.start_server("0", "--streams", "1", "--connections", "4")
        request = urllib.request.Request(f"{self.url}/api/v1/events",
                                         headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=run_case.DEADLINE) as events:
            events.readline()
            status, headers, body = self.ask("GET", "/api/v1/events")
            self.assertEqual((status, headers["Retry-After"]), (503, "1"), body)

    def test_backup(self):
        self.submit("done", epochs=1)
        before = self.wait_for_state("done", "Succeeded")
        self.submit("long", epochs=1000000, checkpoint={"every_epochs": 5})
        self.wait_for_state("long", "Running")
        copy = self.folder / "copy"
        made = self.command("backup", copy, "--dir", self.dir)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn("has 2 jobs", made.stdout)
        self.assertIn("1 job has not ended yet", made.stdout)
        original, token = (self.server, self.dir, self.url), self.token
        self.dir = copy
        self.start_server()
        self.assertEqual(self.token, token)
        self.assertEqual(self.get("/api/v1/jobs/done")["best_accuracy"], before["best_accuracy"])
        self.assertGreater(len(self.get("/api/v1/jobs/done/series")["series"]["test_accuracy"]["step"]), 0)
        stopped = self.get("/api/v1/jobs/long")
        self.assertEqual((stopped["state"], stopped["attempts"]), ("Suspended", 1))
        self.ask("POST", "/api/v1/jobs/long/stop")
        self.stop_server(signal.SIGTERM)
        self.server, self.dir, self.url = original
        running = self.get("/api/v1/jobs/long")
        self.assertEqual((running["state"], running["attempts"]), ("Running", 1))
        again = self.command("backup", copy, "--dir", self.dir)
        self.assertEqual(again.returncode, 2)
        self.assert_one_clear_line(again.stderr, "copy exists")


if __name__ == "__main__":
    server_case.main()
