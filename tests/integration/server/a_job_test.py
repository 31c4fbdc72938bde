#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A job from its form to its model, by HTTP alone.

  a_job_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import gzip
import http.cookiejar
import json
import pathlib
import re
import subprocess
import urllib.request

import server_case
from server_case import ServerTest, run_case


class AJob(ServerTest):
    def test_from_post_to_model(self):
        text = self.job_text("digits", epochs=3, model="mlp")
        checked = json.loads(self.ask("POST", "/api/v1/jobs:validate?ranks=2", text)[2])
        self.assertTrue(checked["valid"], checked)
        self.assertEqual((checked["job"]["epochs"], checked["ranks"]), (3, 2))
        made = self.submit("digits", epochs=3)
        self.assertIn(made["state"], ("Queued", "Starting"))
        job = self.wait_for_state("digits", "Succeeded")
        self.assertEqual((job["epoch"], job["epochs"], job["progress"], job["attempts"]), (3, 3, 1, 1))
        self.assertGreater(job["best_accuracy"], 0.5)

        path = "/api/v1/jobs/digits"
        series = self.get(f"{path}/series")["series"]
        self.assertEqual(len(series["test_accuracy"]["step"]), 3)
        self.assertEqual(series["test_accuracy"]["last"][-1], job["test_accuracy"])
        self.assertEqual([one["rank"] for one in self.get(f"{path}/ranks")["ranks"]], [0, 1])
        self.assertEqual(self.get(f"{path}/spec")["as_sent"], self.job_text("digits", epochs=3))
        self.assertEqual([one["what"] for one in self.get(f"{path}/timeline")["timeline"]],
                         ["asked to run", "attempt starts", "attempt finished"])
        status, headers, log = self.ask("GET", f"{path}/logs")
        self.assertEqual(status, 200)
        self.assertRegex(log.decode().splitlines()[0], r"^20\d\d-.*Z ")
        self.assertIn(b"test accuracy", log)
        self.assertEqual(int(headers["X-Next-Offset"]), len(log))
        self.assertEqual(self.ask("GET", f"{path}/logs?from={len(log)}")[2], b"")

        files = {one["path"]: one["bytes"] for one in self.get(f"{path}/files")["files"]}
        whole = (self.dir / "jobs/digits/output/model.safetensors").read_bytes()
        self.assertEqual(files["model.safetensors"], len(whole))
        self.assertEqual(self.ask("GET", f"{path}/files/model.safetensors")[2], whole)
        status, headers, part = self.ask("GET", f"{path}/files/model.safetensors", Range="bytes=8-15")
        self.assertEqual((status, headers["Content-Range"], part),
                         (206, f"bytes 8-15/{len(whole)}", whole[8:16]))

    def test_waits_for_its_turn_and_stops_and_resumes(self):
        self.submit("long", epochs=1000000, checkpoint={"every_epochs": 5})
        self.submit("next", ranks=1, epochs=1)
        self.wait_for_state("long", "Running")
        waiting = self.get("/api/v1/jobs/next")
        self.assertEqual((waiting["state"], waiting["queue_position"]), ("Queued", 1))
        self.assertIn("waits for 1 of 2 cores", waiting["why"])
        system = self.get("/api/v1/system")
        self.assertEqual((system["busy_cores"], system["waiting"][0]["job"]), (2, "next"))
        self.assertEqual(self.ask("POST", "/api/v1/jobs/long/stop")[0], 202)
        stopped = self.wait_for_state("long", "Suspended")
        self.wait_for_state("next", "Succeeded")
        self.ask("POST", "/api/v1/jobs/long/resume")
        resumed = self.wait_for(lambda: (job := self.get("/api/v1/jobs/long"))["state"] == "Running"
                                and job["step"] > stopped["step"] and job or None)
        self.assertEqual(resumed["attempts"], 2)
        self.assertIn(b"resuming from ", self.ask("GET", "/api/v1/jobs/long/logs")[2])

    def test_is_followed_by_a_browser(self):
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        page, code = self.sign_in.split("#code=")
        with browser.open(page) as answer:
            script = re.search(r'<script type="module" src="(/ui/files-[0-9a-f]+/app.js)">', answer.read().decode())[1]
            self.assertIn("script-src 'self'", answer.headers["Content-Security-Policy"])
        with browser.open(self.url + script) as answer:
            self.assertIn("text/javascript", answer.headers["Content-Type"])
            self.assertIn("immutable", answer.headers["Cache-Control"])
            plain = answer.read()
        with browser.open(urllib.request.Request(self.url + script, headers={"Accept-Encoding": "gzip"})) as answer:
            self.assertEqual(gzip.decompress(answer.read()), plain)
        with browser.open(re.sub("files-[0-9a-f]+", "files-0123456789abcdef", self.url + script)) as answer:
            self.assertEqual((answer.read(), answer.headers["Cache-Control"]), (plain, "no-cache"))
        sign_in = urllib.request.Request(f"{self.url}/api/v1/session", json.dumps({"code": code}).encode(),
                                         {"Content-Type": "application/json"})
        with browser.open(sign_in) as answer:
            cookie = answer.headers["Set-Cookie"]
        for word in ("HttpOnly", "SameSite=Strict"):
            self.assertIn(word, cookie)
        with browser.open(f"{self.url}/api/v1/events", timeout=run_case.DEADLINE) as events:
            self.submit("seen", epochs=2)
            kinds = []
            while "end" not in kinds:
                line = events.readline().decode()
                if line.startswith("event: "):
                    kinds.append(line.split()[1])
        self.assertEqual(kinds[0], "job")
        for kind in ("started", "epoch"):
            self.assertIn(kind, kinds)
        with self.assertRaises(urllib.error.HTTPError) as used:
            browser.open(sign_in)
        self.assertEqual(used.exception.code, 401)
        used.exception.close()

    def test_of_a_client_of_k8s_distributed_training(self):
        (self.shared / "data").mkdir(exist_ok=True)
        link = self.shared / "data/mnist.h5"
        if not link.exists():
            link.hardlink_to(self.shared / "digits.h5")
        body = {"job_name": "seed", "epochs": "1", "batch_size": 16, "world_size": 2, "image": "ignored"}
        status, _, answer = self.ask("POST", "/jobs", json.dumps(body), "application/json")
        self.assertEqual((status, answer), (200, b'{"message":"Job created","job_name":"seed"}'))
        done = self.wait_for(lambda: (job := self.get("/jobs/seed"))["active"] is None and job or None)
        self.assertEqual((done["succeeded"], done["failed"]), (1, None))
        self.assertRegex(json.loads(self.ask("GET", "/jobs/none")[2])["detail"], "no such job")
        self.assertEqual(self.ask("GET", "/jobs/none")[0], 500)
        self.assertEqual(self.ask("POST", "/jobs", json.dumps(body), "application/json")[0], 500)

    def test_describes_itself(self):
        status, _, body = self.ask("GET", "/openapi.json")
        described = json.loads(body)
        self.assertEqual((status, described["openapi"]), (200, "3.1.0"))
        self.assertEqual(described["paths"]["/jobs"]["post"]["operationId"], "submit_job_jobs_post")
        self.assertEqual(self.get("/api/v1/schema")["title"], "ringtrain job")
        metrics = self.ask("GET", "/metrics")[2].decode()
        self.assertIn("ringtrain_cores 2\n", metrics)
        self.assertIn('route="/openapi.json"', metrics)
        for path in ("/healthz", "/readyz"):
            self.assertEqual(self.ask("GET", path)[2], b"ok\n")
        printed = self.call(run_case.RINGTRAIN, "server", "reference").stdout
        page = pathlib.Path(__file__).resolve().parents[3] / "docs/reference/rest-api.md"
        self.assertEqual(printed, page.read_text(), "run: ringtrain server reference > docs/reference/rest-api.md")
        url = subprocess.run([run_case.RINGTRAIN, "server", "url", "--dir", self.dir], capture_output=True, text=True,
                             check=True, timeout=run_case.DEADLINE)
        self.assertIn(f"{self.url}/ui/#code=", url.stdout)
        token = subprocess.run([run_case.RINGTRAIN, "server", "token", "--dir", self.dir, "--name", "ci", "--scope",
                                "read"], capture_output=True, text=True, check=True, timeout=run_case.DEADLINE)
        self.assertEqual(self.ask("GET", "/api/v1/jobs", token=token.stdout.strip())[0], 200)
        self.assertEqual(self.ask("POST", "/api/v1/jobs", "model: mlp", token=token.stdout.strip())[0], 403)


if __name__ == "__main__":
    server_case.main()
