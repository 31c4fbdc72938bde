# SPDX-License-Identifier: Apache-2.0
"""Jobs by ringtrain's own commands."""

import cluster
from cluster import Job, call, inside, kubectl, wait_for


class Commands(cluster.ClusterTest):
    def test_a_job_from_submit_to_delete(self):
        file = self.write_job("by-submit", "epochs: 3", "checkpoint: {every_steps: 100}", kubernetes=("workers: 2",))
        job = Job("by-submit")
        self.jobs.append(job)
        inside(cluster.RINGTRAIN, "submit", file)
        job.wait_for_steps(150)
        self.assertIn("by-submit-worker-1", job.ringtrain("status"))
        self.assertIn("by-submit", inside(cluster.RINGTRAIN, "jobs"))
        job.ringtrain("stop")
        self.assertEqual(job.pods("worker"), [])
        job.ringtrain("resume")
        self.assertEqual(job.end(), "Succeeded")
        self.assertGreaterEqual(job.result()["test_accuracy"], 0.98)
        self.assertIn("test accuracy", job.ringtrain("logs"))
        self.assertIn("Succeeded", job.ringtrain("status"))
        job.ringtrain("delete")
        kinds = "mpijobs,jobs,pods,services,configmaps,secrets,serviceaccounts"
        wait_for("all of it to go", lambda: "by-submit" not in kubectl("get", kinds, "-o", "name"))

    def test_without_rights_there_is_one_line(self):
        kubectl("create", "serviceaccount", "nobody")
        self.addCleanup(kubectl, "delete", "serviceaccount", "nobody")
        token = kubectl("create", "token", "nobody").strip()
        admin = (cluster.STATE / "kubeconfig").read_text()
        config = self.folder / "nobody.kubeconfig"
        config.write_text(admin[:admin.index("users:")] + f"users: [{{name: admin, user: {{token: {token}}}}}]\n"
                          + admin[admin.index("contexts:"):])
        done = call(cluster.HERE / "in", cluster.RINGTRAIN, "jobs", "--kubeconfig", config)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertIn("mpijobs", done.stderr)
