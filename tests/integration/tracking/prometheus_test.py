#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""/metrics of a server and of a run, scraped by a real Prometheus: every query of the dashboards and every alert rule
is answered. The rules by themselves are tested by promtool (rules_test.yaml).

  prometheus_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import pathlib
import subprocess
import sys
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1] / "run"), str(HERE.parents[1] / "server")]
import run_case  # noqa: E402
import server_case  # noqa: E402
import trackers  # noqa: E402

MONITORING = HERE.parents[3] / "mpijob/helm/ringtrain/monitoring"
# Needs NVIDIA's exporter.
OF_OTHERS = "DCGM_"


def queries(job):
    """Every query of the dashboards, with the panel that has it."""
    for file in sorted(MONITORING.glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{file.name}: {panel['title']}", target["expr"].replace("$job", job)


class Dashboards(server_case.ServerTest):
    def setUp(self):
        super().setUp()
        self.prometheus = None

    def tearDown(self):
        if self.prometheus:
            self.prometheus.stop()
        super().tearDown()

    def start_prometheus(self, run_address):
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(MONITORING / "rules.yaml")],
            "scrape_configs": [
                {"job_name": "server", "honor_labels": True,
                 "authorization": {"credentials_file": str(self.dir / "token")},
                 "static_configs": [{"targets": [self.url.removeprefix("http://")]}]},
                {"job_name": "run", "honor_labels": True, "static_configs": [{"targets": [run_address]}]}]}
        self.prometheus = trackers.Prometheus(PROMETHEUS, self.folder, config)

    def test_every_query_is_answered(self):
        # Epochs that are long enough for reports of steps.
        long = {"epochs": 1000000, "batch_size": 1, "hidden": [512], "optimizer": {"learning_rate": 1e-5}}
        self.submit("watched", ranks=1, **long)
        run = self.launch([run_case.RINGTRAIN, "run", self.write_job(name="run.yaml", **long), "-n", "1",
                           "--metrics", "127.0.0.1:0"], 4 * run_case.DEADLINE)
        address = None
        for line in run.stderr:
            if "metrics at http://" in line:
                address = line.split("http://")[1].split("/")[0]
            if "train loss" in line:
                break
        try:
            self.check_queries(address, run)
        finally:
            run.terminate()
            self.assertEqual(run.wait(timeout=run_case.DEADLINE), 143)

    def check_queries(self, address, run):
        self.assertIsNotNone(address)
        threading.Thread(target=run.stderr.read, daemon=True).start()  # else it would wait for a reader
        text = urllib.request.urlopen(f"http://{address}/metrics", timeout=run_case.DEADLINE).read()
        checked = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True)
        self.assertEqual(checked.returncode, 0, checked.stderr.decode() + text.decode())
        checked = subprocess.run([PROMTOOL, "check", "metrics"], input=self.ask("GET", "/metrics")[2],
                                 capture_output=True)
        self.assertEqual(checked.returncode, 0, checked.stderr.decode())
        self.start_prometheus(address)
        open_queries = dict((expression, panel) for panel, expression in queries("watched"))
        deadline = time.monotonic() + 2 * run_case.DEADLINE
        while open_queries and time.monotonic() < deadline:
            for expression in list(open_queries):
                if self.prometheus.query(expression) or OF_OTHERS in expression:
                    del open_queries[expression]
            time.sleep(0.5)
        self.assertEqual(open_queries, {}, "without an answer")
        self.assertEqual(len(self.prometheus.query('ringtrain_steps_total{job="run"}')), 1)
        rules = [rule for group in self.prometheus.ask("rules")["groups"] for rule in group["rules"]]
        self.assertEqual({rule["health"] for rule in rules}, {"ok"}, rules)

    def test_a_job_that_has_ended_is_shown_for_a_while(self):
        self.submit("short", ranks=1, epochs=1)
        self.wait_for_state("short", "Succeeded")
        text = self.ask("GET", "/metrics")[2].decode()
        self.assertIn('ringtrain_job_state{job="short",state="Succeeded"} 1\n', text)
        self.assertIn('ringtrain_progress_ratio{job="short"} 1\n', text)
        self.assertIn('ringtrain_jobs{state="Succeeded"} 1\n', text)
        self.assertIn("ringtrain_queue_wait_seconds_count 1\n", text)


class Rules(run_case.unittest.TestCase):
    def test_fire_when_they_should(self):
        done = subprocess.run([PROMTOOL, "test", "rules", HERE.parent / "rules_test.yaml"], capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    PROMETHEUS, PROMTOOL = trackers.skip_without("prometheus", "promtool")
    run_case.main()
