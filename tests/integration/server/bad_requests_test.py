#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Requests that must be refused: the status, and a body that names what is wrong and what is allowed.

  bad_requests_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import os
import socket
import urllib.parse

import server_case
from server_case import ServerTest, run_case


class BadRequests(ServerTest):
    def refused(self, status, *request, **options):
        """The body of a refusal in RFC 9457."""
        found, headers, body = self.ask(*request, **options)
        self.assertEqual(found, status, body)
        self.assertEqual(headers["Content-Type"], "application/problem+json")
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        problem = json.loads(body)
        self.assertEqual(problem["status"], status)
        self.assertTrue(problem["title"] and problem["detail"])
        self.assertNotIn(str(self.dir), body.decode())
        return problem

    def nothing_was_made(self):
        self.assertEqual(self.get("/api/v1/jobs")["total"], 0)
        self.assertEqual(os.listdir(self.dir / "jobs"), [])

    def test_jobs_that_are_wrong(self):
        problem = self.refused(422, "POST", "/api/v1/jobs", "name: a\nmodle: mlp\nepochs: -1\ndataset: digits.h5\n")
        self.assertEqual([(error["path"], error["line"]) for error in problem["errors"]],
                         [("modle", 2), ("epochs", 3), ("model", 1)])
        self.assertIn("model", problem["errors"][0]["message"])
        self.assertIn("the keys ", problem["errors"][0]["allowed"])
        self.assertEqual(problem["errors"][1]["allowed"], "a whole number from 1 to 1000000")
        problem = self.refused(422, "POST", "/api/v1/jobs?ranks=3", self.job_text("UPPER", dataset="/etc/passwd"))
        self.assertEqual([error["path"] for error in problem["errors"]], ["name", "ranks", "dataset"])
        self.assertEqual(problem["errors"][1]["allowed"], "a whole number, 1 to 2")
        self.assertIn(str(self.shared), problem["errors"][2]["allowed"])
        for text in ("", "[", "a: b: c", "\t", "- 1", "name: &a x\nmodel: *a\n", "!!python/object: x"):
            if text:
                self.refused(422, "POST", "/api/v1/jobs", text)
        self.refused(400, "POST", "/api/v1/jobs")
        self.nothing_was_made()

    def test_bodies_that_are_hostile(self):
        for body in ("{", '{"a": NaN}', '{"a": 1e999}', "[1]", '{"name": "a", "name": "b"}', "[" * 100000):
            self.refused(400, "POST", "/api/v1/jobs", body, content="application/json")
        self.refused(413, "POST", "/api/v1/jobs", "x" * (1 << 20) + "y")
        deep = '{"a":' * 65 + "1" + "}" * 65
        self.refused(400, "POST", "/api/v1/jobs", deep, content="application/json")
        for content in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            self.refused(415, "POST", "/api/v1/jobs", "model: mlp", content=content)
        self.nothing_was_made()

    def exchange(self, *pieces):
        """The answer to bytes that are sent as they are, until the server closes the connection."""
        host, port = self.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=run_case.DEADLINE) as connection:
            try:
                for piece in pieces:
                    connection.sendall(piece)
            except OSError:
                pass  # it closes before it has read all
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
            return answer

    def head(self, line, *lines):
        more = ("Host: 127.0.0.1", f"Authorization: Bearer {self.token}", *lines)
        return ("\r\n".join((line + " HTTP/1.1", *more)) + "\r\n\r\n").encode()

    def test_bytes_that_are_hostile(self):
        chunked = self.head("POST /api/v1/jobs", "Content-Type: application/json", "Transfer-Encoding: chunked")
        self.assertRegex(self.exchange(chunked, *[b"8000\r\n" + b" " * 32768 + b"\r\n"] * 40), b"^HTTP/1.1 413 ")
        self.assertRegex(self.exchange(chunked, b"1;", *[b"x" * 65536] * 8), b"^HTTP/1.1 413 ")
        self.assertRegex(self.exchange(self.head("GET /", "X: " + "x" * 20000)), b"^HTTP/1.1 431 ")
        bad = self.head("POST /api/v1/jobs", "Content-Type: application/json", "Content-Length: 1") + b"{"
        answer = self.exchange(bad)
        self.assertRegex(answer, b"^HTTP/1.1 400 ")
        self.assertIn(b"Connection: close", answer)
        for line in ("GET /api/v1/jobs/%ff", "GET /api/v1/jobs/a%00", "GET /api/v1/jobs/..%2f..%2fetc"):
            self.assertRegex(self.exchange(self.head(line, "Connection: close")), b"^HTTP/1.1 404 ")
        raw = self.head("POST /api/v1/jobs", "Content-Type: application/yaml", "Content-Length: 3", "Connection: close")
        self.assertRegex(self.exchange(raw + b"\xff\xfe\xfd"), b"^HTTP/1.1 400 ")
        name = self.head("DELETE /api/v1/jobs/\xff\xfe", "Connection: close").decode().encode("latin-1")
        self.assertRegex(self.exchange(name), b"^HTTP/1.1 40[04] ")
        self.nothing_was_made()

    def test_names_and_states(self):
        self.submit("job", epochs=1000000)
        taken = self.refused(409, "POST", "/api/v1/jobs", self.job_text("job"))
        self.assertEqual(taken["job"], "job")
        headers = self.ask("POST", "/api/v1/jobs", self.job_text("job"))[1]
        self.assertEqual(headers["Location"], "/api/v1/jobs/job")
        _, headers, body = self.ask("POST", "/api/v1/jobs?fresh_name=true", self.job_text("job", epochs=1))
        self.assertEqual((json.loads(body)["name"], headers["Location"]), ("job-2", "/api/v1/jobs/job-2"))
        wrong = self.refused(409, "POST", "/api/v1/jobs/job/resume")
        self.assertEqual(wrong["state"][-3:], "ing")
        self.assertEqual(wrong["possible"], ["stop", "finish", "scale", "delete"])
        for path in ("none", "none/logs", "none/files", "none/series", "none/spec"):
            self.refused(404, "GET", f"/api/v1/jobs/{path}")
        self.refused(405, "PUT", "/api/v1/jobs/job")

    def test_a_job_that_has_changed_since(self):
        self.submit("job", epochs=1000000)
        self.wait_for_state("job", "Running")
        tag = self.ask("GET", "/api/v1/jobs/job")[1]["ETag"]
        self.assertEqual(self.ask("POST", "/api/v1/jobs/job/stop", If_Match=tag)[0], 202)
        self.wait_for_state("job", "Suspended")
        for method, path in (("POST", "/resume"), ("DELETE", "")):
            stale = self.refused(412, method, "/api/v1/jobs/job" + path, If_Match=tag)
            self.assertEqual(stale["state"], "Suspended")
        self.assertEqual(self.get("/api/v1/jobs/job")["attempts"], 1)
        tag = self.ask("GET", "/api/v1/jobs/job")[1]["ETag"]
        self.assertEqual(self.ask("DELETE", "/api/v1/jobs/job", If_Match=tag)[0], 202)

    def test_the_same_key_twice(self):
        text = self.job_text("once", epochs=1)
        self.assertEqual(self.ask("POST", "/api/v1/jobs", text, Idempotency_Key="k")[0], 201)
        self.assertEqual(self.ask("POST", "/api/v1/jobs", text, Idempotency_Key="k")[0], 200)
        self.refused(422, "POST", "/api/v1/jobs", self.job_text("other"), Idempotency_Key="k")
        self.assertEqual(self.get("/api/v1/jobs")["total"], 1)

    def test_paths_that_lead_elsewhere(self):
        self.submit("job", ranks=1, epochs=1)
        self.wait_for_state("job", "Succeeded")
        output = self.dir / "jobs/job/output"
        (output / "link").symlink_to("/etc/passwd")
        (output / "folder").symlink_to("/etc")
        base = "/api/v1/jobs/job/files/"
        for path in ("..", "../job.json", "%2e%2e/job.json", "..%2fjob.json", "link", "folder/passwd", "/etc/passwd",
                     "a%00b", "checkpoints", "x" * 300, "./model.pt"):
            found = self.ask("GET", base + path)
            self.assertIn(found[0], (400, 404), path)
            self.assertNotIn(b"root:", found[2])
        self.assertEqual(self.ask("GET", base + "y" * 5000)[0], 400)
        self.assertNotIn("link", [one["path"] for one in self.get("/api/v1/jobs/job/files")["files"]])
        for name in ("..", "%2e%2e", "jobs", "trash", "a%2fb", urllib.parse.quote("' OR 1=1")):
            self.refused(404, "GET", f"/api/v1/jobs/{name}")
        self.refused(400, "GET", "/api/v1/jobs?limit=501")
        self.assertEqual(self.get("/api/v1/jobs?q=" + urllib.parse.quote("%' OR 1=1 --"))["total"], 0)

    def test_other_sites_and_wrong_tokens(self):
        problem = self.refused(403, "GET", "/api/v1/jobs", Host="evil.example")
        self.assertIn("--host", problem["detail"])
        self.assertIn("127.0.0.1", problem["allowed"])
        self.refused(403, "GET", "/healthz", Host="127.0.0.1.evil.example")
        self.submit("job", epochs=1)
        for headers in ({"Origin": "http://evil.example"}, {"Sec_Fetch_Site": "cross-site"}, {"Origin": "null"}):
            problem = self.refused(403, "DELETE", "/api/v1/jobs/job", **headers)
            self.assertIn("--host", problem["detail"])
            self.refused(403, "DELETE", "/api/v1/jobs/job", Cookie=f"ringtrain={self.token}", **headers)
            self.refused(403, "POST", "/api/v1/jobs/job/stop", **headers)
            self.refused(403, "POST", "/api/v1/session", "{}", content="application/json", **headers)
        self.get("/api/v1/jobs/job")
        for path in ("/api/v1/jobs", "/metrics", "/api/v1/events", "/api/v1/schema", "/jobs/job"):
            self.assertEqual(self.ask("GET", path, token="wrong")[0], 401)


if __name__ == "__main__":
    server_case.main()
