#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The queries of KubeML's Grafana board, answered by a real Prometheus that scrapes a server while a task trains.

  board_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import pathlib
import sys
import time

from kubeml_case import KubemlTest, function_files, run_case

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "tracking"))
import trackers  # noqa: E402

# Queries of the board, whose variables are $jobs and $task; then names of the parameter server that it lacks.
QUERIES = ('kubeml_functions_running{type=~"$task"}', 'kubeml_job_train_loss{jobid=~"$jobs"}',
           'kubeml_job_accuracy{jobid=~"$jobs"}', 'kubeml_job_parallelism{jobid=~"$jobs"}',
           'kubeml_job_epoch_duration_seconds{jobid=~"$jobs"}', 'kubeml_job_validation_loss{jobid=~"$jobs"}',
           'kubeml_job_validation_accuracy{jobid=~"$jobs"}', 'kubeml_job_running_total{type=~"$task"}')


class Board(KubemlTest):
    def setUp(self):
        super().setUp()
        self.prometheus = None

    def tearDown(self):
        if self.prometheus:
            self.prometheus.stop()
        super().tearDown()

    def start_prometheus(self):
        config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [
            {"job_name": "kubeml", "authorization": {"credentials_file": str(self.dir / "token")},
             "static_configs": [{"targets": [self.url.removeprefix("http://")]}]}]}
        self.prometheus = trackers.Prometheus(PROMETHEUS, self.folder, config)

    def query(self, expression, task):
        filled = expression.replace("$jobs", task).replace("$task", "train|inference")
        return self.prometheus.query(filled)

    def test_every_query_is_answered(self):
        self.make_dataset()
        self.make_function(function_files.LATEST)
        task = self.train("--epochs", "100000", "--validate-every", "1", "--parallelism", "2", "--goal-accuracy", "101")
        self.start_prometheus()
        unanswered = set(QUERIES)
        deadline = time.monotonic() + run_case.DEADLINE
        while unanswered and time.monotonic() < deadline:
            unanswered -= {one for one in unanswered if self.query(one, task)}
            time.sleep(0.5)
        self.assertEqual(unanswered, set(), "without an answer")
        [[_, functions]] = [one["value"] for one in self.query('kubeml_job_parallelism{jobid=~"$jobs"}', task)]
        self.assertEqual(float(functions), 2)
        running = {one["metric"]["type"]: float(one["value"][1]) for one in self.query(QUERIES[0], task)}
        self.assertEqual(running, {"train": 1, "inference": 0})
        # The board's variables.
        self.assertIn(task, self.prometheus.ask("label/jobid/values"))
        self.kubeml("task", "stop", "--id", task)
        self.wait_for_state(f"job-{task}", "Succeeded")
        self.assertNotIn(f'jobid="{task}"', self.ask("GET", "/metrics")[2].decode())


if __name__ == "__main__":
    [PROMETHEUS] = trackers.skip_without("prometheus")
    run_case.main()
