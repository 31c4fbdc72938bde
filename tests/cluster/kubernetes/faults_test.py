# SPDX-License-Identifier: Apache-2.0
"""Faults of pods and nodes while a job trains: each ends in recovery."""

import cluster
from cluster import HERE, call, must, wait_for


class Faults(cluster.ClusterTest):
    def start_long(self, name, *lines, workers=2, epochs=2):
        job = self.start(name, f"epochs: {epochs}", "checkpoint: {every_steps: 100}", "restarts: 5", *lines,
                         kubernetes=(f"workers: {workers}",))
        job.wait_for_steps(150)
        return job

    def assert_recovers(self, job, patience=cluster.PATIENCE):
        self.assertEqual(job.end(patience), "Succeeded", cluster.situation())
        result = job.result()
        self.assertEqual(result["epochs"], 2)
        self.assertEqual(result["samples_seen"], 2 * 60000)
        self.assertGreaterEqual(result["test_accuracy"], 0.97)

    def test_a_rank_that_is_killed(self):
        job = self.start_long("rank-killed")
        job.signal("rank-killed-worker-1", "KILL", "ringtrain-worke")
        self.assert_recovers(job)

    def test_an_sshd_that_is_killed(self):
        job = self.start_long("sshd-killed")
        job.signal("sshd-killed-worker-1", "KILL", "sshd")
        self.assert_recovers(job)

    def test_an_sshd_that_is_ended(self):
        job = self.start_long("sshd-ended")
        job.signal("sshd-ended-worker-1", "TERM", "sshd")
        wait_for("the worker to be started again", lambda: job.restarts("sshd-ended-worker-1") == 1)
        self.assert_recovers(job)

    def test_a_worker_that_is_deleted(self):
        job = self.start_long("pod-deleted")
        before = job.pod("pod-deleted-worker-1")["metadata"]["uid"]
        job.kubectl("delete", "pod", "pod-deleted-worker-1", "--grace-period=1")
        wait_for("another worker of that name",
                 lambda: (pod := job.pod("pod-deleted-worker-1")) and pod["metadata"]["uid"] != before)
        self.assert_recovers(job)

    def test_a_launcher_that_is_deleted(self):
        job = self.start_long("launcher-deleted")
        job.kubectl("delete", "pod", job.launcher(), "--grace-period=5")
        self.assert_recovers(job)
        # The second launcher's ranks resume from a checkpoint.
        self.assertGreater(min(event["step"] for event in job.events() if event["event"] == "step"), 100)

    def test_a_node_that_goes_off_and_comes_back(self):
        job = self.start_long("node-off", "workers: {min: 1, max: 2}")
        nodes = {job.node_of(pod) for pod in ("node-off-worker-0", "node-off-worker-1")}
        other = (nodes - {job.node_of(job.launcher())}).pop()
        must(HERE / "down", other)
        try:
            self.assert_recovers(job, patience=420)
        finally:
            call(HERE / "in", "kubectl", "delete", "node", other)
            must(HERE / "up", other)
            must(HERE / "image", "push", cluster.IMAGE)

    def test_more_workers_and_fewer(self):
        # More epochs than any machine trains before the last pod has come and gone.
        job = self.start_long("scaled", "workers: {min: 1, max: 3}", epochs=1000)
        for workers in (3, 1):
            job.patch({"mpiReplicaSpecs": {"Worker": {"replicas": workers}}})
            wait_for(f"{workers} ranks", lambda n=workers: [event for event in job.events()
                                                           if event["event"] == "started"][-1]["world_size"] == n)
            job.wait_for_steps(job.steps() + 20)
