#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs that are pushed to a real `mlflow server`: complete, unreachable meanwhile, and with a launcher that is killed.

  mlflow_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1] / "run"), str(HERE.parents[1] / "server")]
import run_case  # noqa: E402
import server_case  # noqa: E402
import trackers  # noqa: E402


class Tracking:
    """One `mlflow server` for all cases; each has its own experiment."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ringtrain-mlflow."))
        self.port = trackers.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.service = None

    def start(self):
        self.service = trackers.Service(
            [MLFLOW, "server", "--host", "127.0.0.1", "--port", self.port, "--workers", "1",
             "--backend-store-uri", f"sqlite:///{self.folder}/store.db", "--artifacts-destination",
             self.folder / "artifacts"],
            f"{self.url}/health", self.folder / "log", cwd=self.folder,
            env={**os.environ, "MLFLOW_TRACKING_URI": "", "DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"})

    def stop(self):
        if self.service:
            self.service.stop()
        self.service = None

    def ask(self, method, path, **body):
        request = urllib.request.Request(f"{self.url}/api/2.0/mlflow/{path}", method=method,
                                         data=json.dumps(body).encode() if body else None,
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=run_case.DEADLINE) as answer:
            return json.load(answer)

    def runs(self, experiment):
        found = self.ask("GET", f"experiments/get-by-name?experiment_name={experiment}")["experiment"]
        return self.ask("POST", "runs/search", experiment_ids=[found["experiment_id"]]).get("runs", [])

    def history(self, run, key):
        found = self.ask("GET", f"metrics/get-history?run_id={run}&metric_key={key}&max_results=1000")
        return [(int(one.get("step", 0)), one["value"]) for one in found.get("metrics", [])]

    def artifact(self, run, name):
        with urllib.request.urlopen(f"{self.url}/get-artifact?run_id={run}&path={name}", timeout=60) as answer:
            return answer.read()


class Pushed:
    """Shared by cases of a run and of a server."""

    def environment(self, experiment):
        return {**os.environ, "MLFLOW_TRACKING_URI": TRACKING.url, "MLFLOW_EXPERIMENT_NAME": experiment}

    def only_run(self, experiment):
        runs = TRACKING.runs(experiment)
        self.assertEqual(len(runs), 1, runs)
        return runs[0]

    def wait_for_status(self, experiment, status):
        deadline = time.monotonic() + run_case.DEADLINE
        while (run := self.only_run(experiment))["info"]["status"] != status:
            self.assertLess(time.monotonic(), deadline, run["info"])
            time.sleep(0.2)
        return run

    def assert_has_history(self, run, output):
        history = [json.loads(line) for line in (output / "history.jsonl").read_text().splitlines()]
        for key in ("train_loss", "test_accuracy"):
            self.assertEqual(TRACKING.history(run["info"]["run_id"], key),
                             [(epoch["step"], epoch[key]) for epoch in history], key)


class ARun(Pushed, run_case.RunTest):
    def run_pushed(self, experiment, *words):
        launcher = self.launch([run_case.RINGTRAIN, "run", self.job, "-n", "2", *words], 2 * run_case.DEADLINE,
                               env=self.environment(experiment))
        _, said = launcher.communicate()
        self.assertEqual(launcher.returncode, 0, said)
        return said

    def test_arrives_whole(self):
        self.write_job(epochs=3, checkpoint={"resume": "auto"})
        self.run_pushed("whole")
        run = self.only_run("whole")
        self.assertEqual((run["info"]["run_name"], run["info"]["status"]), ("job", "FINISHED"))
        parameters = {one["key"]: one["value"] for one in run["data"]["params"]}
        self.assertEqual((parameters["epochs"], parameters["optimizer.learning_rate"]), ("3", "0.05"))
        self.assert_has_history(run, self.output)
        self.assertEqual(TRACKING.artifact(run["info"]["run_id"], "model.safetensors"),
                         (self.output / "model.safetensors").read_bytes())
        self.run_pushed("whole", "--set", "epochs=5")
        self.assert_has_history(self.only_run("whole"), self.output)

    def test_waits_for_no_server_that_is_gone(self):
        TRACKING.stop()
        try:
            self.write_job(epochs=2)
            said = self.run_pushed("late")
            self.assertIn(f"'ringtrain track {self.output}' sends the rest", said)
        finally:
            TRACKING.start()
        tracked = self.launch([run_case.RINGTRAIN, "track", str(self.output)], run_case.DEADLINE,
                              env=self.environment("late"))
        said = tracked.communicate()
        self.assertEqual(tracked.returncode, 0, said)
        run = self.only_run("late")
        self.assertEqual(run["info"]["status"], "FINISHED")
        self.assert_has_history(run, self.output)

    def test_is_closed_where_its_launcher_is_killed(self):
        self.write_job(epochs=1000000)
        launcher = self.launch([run_case.RINGTRAIN, "run", self.job, "-n", "2"], run_case.DEADLINE,
                               env=self.environment("killed"))
        for line in launcher.stderr:
            if "train loss" in line:
                break
        launcher.kill()
        self.wait_until_all_are_gone(seconds=run_case.DEADLINE)
        self.assertEqual(self.only_run("killed")["info"]["status"], "KILLED")


class AServer(Pushed, server_case.ServerTest):
    def start_server(self, port="0"):
        os.environ.update(self.environment("served"))
        try:
            super().start_server(port)
        finally:
            for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
                del os.environ[name]

    def test_closes_runs_whose_processes_were_all_killed(self):
        self.submit("killed", epochs=1000000, restarts=0, checkpoint={"every_epochs": 0})
        state = self.dir / "jobs/killed/output/mlflow.json"
        self.wait_for(lambda: state.exists() and json.loads(state.read_text())["status"] == "RUNNING" or None)
        keeper = self.run_record("killed", 1)["pid"]
        for process, line in run_case.processes_with(str(self.dir / "jobs/killed")).items():
            if process != keeper:
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.wait_for_state("killed", "Failed")
        self.wait_for_status("served", "KILLED")


if __name__ == "__main__":
    (MLFLOW,) = trackers.skip_without("mlflow")
    TRACKING = Tracking()
    try:
        TRACKING.start()
        run_case.main()
    finally:
        TRACKING.stop()
        shutil.rmtree(TRACKING.folder)
