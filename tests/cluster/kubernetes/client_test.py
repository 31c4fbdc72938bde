# SPDX-License-Identifier: Apache-2.0
"""ringtrain submit, jobs, status, logs, stop, suspend, resume, scale and delete against a real API server."""

import json
import shutil

import cluster
from cluster import Job, call, inside, kubectl, must, wait_for


class Submitted(Job):
    def delete(self):
        call(cluster.HERE / "in", cluster.RINGTRAIN, "delete", self.name, "--namespace", self.namespace)


class Client(cluster.ClusterTest):
    def ringtrain(self, *arguments, exit_code=0):
        done = call(cluster.HERE / "in", cluster.RINGTRAIN, *arguments)
        self.assertEqual(done.returncode, exit_code, f"ringtrain {arguments}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def submit(self, name, *lines, kubernetes=("workers: 2",), arguments=(), exit_code=0, **options):
        job = Submitted(name)
        self.jobs.append(job)
        job.said = self.ringtrain("submit", self.write_job(name, *lines, kubernetes=kubernetes, **options),
                                  *arguments, exit_code=exit_code)
        return job

    def status(self, name):
        return json.loads(self.ringtrain("status", name, "--json"))

    def wait_for_status(self, name, right):
        return wait_for(f"the status of {name}", lambda: (s := self.status(name)) and right(s) and s)

    def test_a_submitted_job_trains_and_is_shown_rank_by_rank(self):
        job = self.submit("shown", "epochs: 30")
        status = self.wait_for_status(job.name, lambda s: s["training"])
        self.assertEqual((status["state"], status["why"]), ("Running", ""))
        self.assertGreater(status["training"]["step"], 0)
        self.assertGreater(status["training"]["seconds_left"], 0)
        self.assertEqual([(rank["rank"], rank["pod"]) for rank in status["ranks"]],
                         [(0, "shown-worker-0"), (1, "shown-worker-1")])
        for rank in status["ranks"]:
            self.assertEqual(rank["node"], job.node_of(rank["pod"]))
        self.assertIn("shown", self.ringtrain("jobs"))
        self.assertIn("training", self.ringtrain("logs", job.name))
        self.assertNotIn("\x1e", self.ringtrain("logs", job.name))

        said = self.ringtrain("submit", self.folder / "shown.yaml", exit_code=4)
        self.assertIn("job shown already exists in namespace default", said)

        self.assertIn("shown stopped at step", self.ringtrain("stop", job.name))
        self.assertEqual(self.status(job.name)["state"], "Suspended")
        self.assertEqual(job.pods(), [])
        self.ringtrain("scale", job.name, "1")
        self.ringtrain("resume", job.name)
        status = self.wait_for_status(job.name, lambda s: s["training"])
        self.assertEqual([rank["pod"] for rank in status["ranks"]], ["shown-worker-0"])

        self.assertIn("shown is deleted", self.ringtrain("delete", job.name))
        kinds = "mpijobs,jobs,pods,services,configmaps,secrets,serviceaccounts"
        wait_for("all of it to go", lambda: "shown" not in kubectl("get", kinds, "-o", "name"))
        self.assertIn("MPIJob shown in namespace default not found", self.ringtrain("status", job.name, exit_code=4))

    def test_waiting_ends_with_the_model(self):
        job = self.submit("waited", "max_steps: 20", kubernetes=("workers: 1",), arguments=("--wait",))
        self.assertIn("waited: Succeeded", job.said)
        self.assertEqual(self.status(job.name)["result"]["steps"], 20)

    def test_waiting_ends_with_the_cause_of_a_failure(self):
        file = self.write_job("no-data-here", "max_steps: 2", "restarts: 0", kubernetes=("workers: 1",))
        file.write_text(file.read_text().replace("/data/mnist.h5", "/data/nothing.h5"))
        self.jobs.append(Submitted("no-data-here"))
        said = self.ringtrain("submit", file, "--wait", exit_code=4)
        self.assertRegex(said, "no-data-here: Failed: .* exit code 3: .*/data/nothing.h5: ")

    def test_why_a_job_does_not_run_is_one_line(self):
        cases = {
            "too-many-gpus": (dict(kubernetes=("workers: 1", "gpus_per_worker: 8")), "Unschedulable",
                              "Insufficient nvidia.com/gpu"),
            "claimless": (dict(kubernetes=("workers: 1",), claim="nowhere"), "ClaimNotFound",
                          "PersistentVolumeClaim nowhere not found"),
            "priceless": (dict(kubernetes=("workers: 1", "priority_class: gone")), "PriorityClass",
                          "PriorityClass gone not found"),
            "imageless": (dict(kubernetes=("workers: 1",), arguments=("--set", "kubernetes.image=localhost/nothing:1")),
                          "ImagePull", "image localhost/nothing:1"),
        }
        for name, (options, reason, line) in cases.items():
            with self.subTest(name):
                self.submit(name, "max_steps: 1", **options)
                status = self.wait_for_status(name, lambda s, r=reason: s["reason"] == r)
                self.assertIn(line, status["why"])
                self.assertEqual(status["state"], "Pending")

    def test_a_missing_right_is_named(self):
        kubectl("create", "serviceaccount", "nobody")
        self.addCleanup(kubectl, "delete", "serviceaccount", "nobody")
        token = kubectl("create", "token", "nobody").strip()
        config = self.folder / "nobody"
        text = must("cat", cluster.STATE / "kubeconfig")
        start = text.index("token: ") + len("token: ")
        config.write_text(text[:start] + token + text[text.index("}", start):])
        said = self.ringtrain("jobs", "--kubeconfig", config, exit_code=4)
        self.assertIn("system:serviceaccount:default:nobody cannot list mpijobs in namespace default", said)

    def test_a_certificate_of_somebody_else_is_refused(self):
        must("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other", "-days", "1",
             "-keyout", self.folder / "key", "-out", self.folder / "other.crt")
        text = must("cat", cluster.STATE / "kubeconfig")
        config = self.folder / "other"
        config.write_text(text.replace(str(cluster.STATE / "certs/apiserver.crt"), str(self.folder / "other.crt")))
        self.assertIn("certificate is not trusted", self.ringtrain("jobs", "--kubeconfig", config, exit_code=4))

    def test_an_unknown_namespace_is_named(self):
        file = self.write_job("nowhere", "max_steps: 1", kubernetes=("workers: 1",))
        self.assertIn("namespace gone not found", self.ringtrain("submit", file, "--namespace", "gone", exit_code=4))

    def test_a_job_from_kubectl_is_deleted_whole(self):
        job = self.start("applied", "max_steps: 1", kubernetes=("workers: 1", "suspend: true"))
        self.assertIn("applied is deleted", self.ringtrain("delete", job.name))
        kinds = "mpijobs,configmaps,serviceaccounts"
        wait_for("all of it to go", lambda: "applied" not in kubectl("get", kinds, "-o", "name"))
        shutil.rmtree(cluster.VOLUME / "runs/applied", ignore_errors=True)
        self.assertTrue(inside("kubectl", "get", "pvc", "mnist", "-o", "name"))
