# SPDX-License-Identifier: Apache-2.0
"""`ringtrain server` in the cluster, as the chart starts it: jobs by REST, by users with their own rights."""

import json
import re
import shutil

import cluster
from cluster import Job, call, inside, kubectl, wait_for

CHART = cluster.ROOT / "mpijob/helm/ringtrain"
FOLDER = cluster.VOLUME / "server"   # of the server; in its pod below /var/lib/ringtrain

PAGE = (cluster.ROOT / "docs/guides/from/k8s-distributed-training.md").read_text()
# More of it for the tests: no registry has the image, and each node has all of this machine's cores.
MORE = """\
  image_pull_policy: Never
  shared_memory: 256Mi
  env: {OMP_NUM_THREADS: "1", OMPI_MCA_mpi_yield_when_idle: "1"}
"""


class Server(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        shutil.rmtree(FOLDER, ignore_errors=True)
        self.addCleanup(self.remove)
        defaults = self.folder / "defaults.yaml"
        defaults.write_text(re.search(r"```yaml\n(dataset:.*?)```", PAGE, re.DOTALL)[1] + MORE)
        inside("helm", "install", "rt", CHART, "--set", "networkPolicy.enabled=false",
               "--set", "server.enabled=true,server.claim=mnist",
               "--set", f"server.image={cluster.IMAGE},server.imagePullPolicy=Never",
               "--set-file", f"server.jobDefaults={defaults}")
        for user in ("alice", "bob"):
            kubectl("create", "serviceaccount", user)
        kubectl("create", "rolebinding", "alice", "--role=rt", "--serviceaccount=default:alice")
        self.tokens = {user: kubectl("create", "token", user).strip() for user in ("alice", "bob")}
        self.pod = self.wait_for_server()

    def remove(self):
        call(cluster.HERE / "in", "helm", "uninstall", "rt")
        for thing in ("rolebinding/alice", "serviceaccount/alice", "serviceaccount/bob"):
            kubectl("delete", thing, "--ignore-not-found")
        wait_for("the server to go", lambda: not self.pods())

    @staticmethod
    def pods():
        return cluster.objects("pods", "-l", "app.kubernetes.io/name=ringtrain-server")

    def wait_for_server(self, before=None):
        """The pod that answers, another one than `before`."""
        def ready():
            for pod in self.pods():
                conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", [])}
                if pod["metadata"]["uid"] != before and conditions.get("Ready") == "True":
                    return pod
            return None
        return wait_for("the server's pod to be ready", ready)

    def ask(self, method, path, body=None, user="alice", token=None):
        """Status and JSON of an answer, as a user of the cluster."""
        address = self.pod["status"]["podIP"]
        words = ["curl", "-sk", "-X", method, "-w", "\n%{http_code}",
                 "-H", f"Authorization: Bearer {token or self.tokens[user]}",
                 "--connect-to", f"rt-server:443:{address}:8443", f"https://rt-server{path}"]
        if body is not None:
            words += ["-H", "Content-Type: application/yaml", "--data-binary", "@-"]
        text, status = inside(*words, input=body).rsplit("\n", 1)
        return int(status), json.loads(text) if text.strip() else {}

    def submit(self, name, *lines, **options):
        shutil.rmtree(cluster.VOLUME / "runs" / name, ignore_errors=True)
        job = Job(name)
        self.jobs.append(job)
        status, made = self.ask("POST", "/api/v1/jobs", self.write_job(name, *lines, **options).read_text())
        self.assertEqual(status, 201, made)
        return job

    def job(self, name):
        return self.ask("GET", f"/api/v1/jobs/{name}")[1]

    def wait_for_state(self, name, *states):
        def reached():
            job = self.job(name)
            return job if job.get("state") in states else None
        return wait_for(f"{name} to be {' or '.join(states)}", reached)

    def events_in_folder(self, name, attempt=1):
        text = (FOLDER / "jobs" / name / "attempts" / str(attempt) / "events.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def test_mnist_by_rest_reaches_98_percent_and_loses_nothing_when_the_servers_pod_is_killed(self):
        job = self.submit("by-rest", "epochs: 4", kubernetes=("workers: 2",))
        wait_for("steps", lambda: self.job("by-rest").get("step", 0) > 50)
        made = json.loads(job.kubectl("get", "mpijob", "by-rest", "-o", "json"))["metadata"]
        kubectl("delete", "pod", self.pod["metadata"]["name"], "--force", "--grace-period=0")
        self.pod = self.wait_for_server(before=self.pod["metadata"]["uid"])
        ended = self.wait_for_state("by-rest", "Succeeded", "Failed")
        self.assertEqual(ended["state"], "Succeeded", ended)
        self.assertGreaterEqual(ended["test_accuracy"], 0.98)
        self.assertEqual((ended["attempts"], ended["restarts"]), (1, 0))
        now = json.loads(job.kubectl("get", "mpijob", "by-rest", "-o", "json"))["metadata"]
        self.assertEqual(now["uid"], made["uid"])
        # Every event that the launcher printed, once and in order.
        self.assertEqual(self.events_in_folder("by-rest"), job.events())
        status, ranks = self.ask("GET", "/api/v1/jobs/by-rest/ranks")
        self.assertEqual((status, len(ranks["ranks"])), (200, 2))
        self.assertLessEqual({rank["node"] for rank in ranks["ranks"]}, {"node1", "node2"})

    def test_the_body_of_k8s_distributed_training_becomes_an_mpijob(self):
        job = Job("mnist-train-eval-1")
        self.jobs.append(job)
        shutil.rmtree(cluster.VOLUME / "runs" / job.name, ignore_errors=True)
        body = {"job_name": job.name, "image": cluster.IMAGE, "epochs": 2, "dataset_size": 10000, "batch_size": 64,
                "world_size": 2}
        self.assertEqual(self.ask("POST", "/jobs", json.dumps(body)),
                         (200, {"message": "Job created", "job_name": job.name}))

        def ended():
            status = self.ask("GET", f"/jobs/{job.name}")[1]
            self.assertFalse(status["failed"], status)
            return status["succeeded"]
        wait_for("the job to succeed", ended)
        result = job.result()
        self.assertEqual((result["ranks"], result["epochs"]), (2, 2))
        self.assertGreater(result["test_accuracy"], 0.8)
        self.assertEqual({pod["spec"]["containers"][0]["image"] for pod in job.pods()}, {cluster.IMAGE})
        status, answer = self.ask("POST", "/jobs", json.dumps({"job_name": "No name"}))
        self.assertEqual(status, 500, answer)
        self.assertRegex(answer["detail"], "^name: ")

    def test_a_user_without_rights_gets_403_with_the_right_that_is_missing(self):
        file = self.write_job("forbidden", "epochs: 1", kubernetes=("workers: 1",))
        status, answer = self.ask("POST", "/api/v1/jobs", file.read_text(), user="bob")
        self.assertEqual(status, 403, answer)
        self.assertIn("system:serviceaccount:default:bob may not create mpijobs.kubeflow.org in namespace default",
                      answer["detail"])
        status, answer = self.ask("GET", "/api/v1/jobs", user="bob")
        self.assertEqual(status, 403)
        self.assertIn("may not list mpijobs.kubeflow.org", answer["detail"])
        self.assertEqual(self.ask("GET", "/api/v1/jobs", token="nobody's")[0], 401)
        self.assertEqual(self.ask("POST", "/api/v1/tokens", '{"name": "x", "scope": "admin"}')[0], 403)
        self.assertEqual(self.ask("GET", "/api/v1/jobs")[1]["jobs"], [])

    def test_why_stop_resume_scale_and_delete(self):
        self.submit("no-gpu", "epochs: 1", kubernetes=("workers: 1", "gpus_per_worker: 8"))
        wait_for("the reason", lambda: "nvidia.com/gpu" in self.job("no-gpu").get("why", ""))
        self.assertEqual(self.job("no-gpu")["state"], "Starting")
        self.assertEqual(self.ask("DELETE", "/api/v1/jobs/no-gpu")[0], 202)
        wait_for("it to go", lambda: self.ask("GET", "/api/v1/jobs/no-gpu")[0] == 404)
        self.assertNotIn("no-gpu", kubectl("get", "mpijobs,configmaps,pods", "-o", "name"))

        job = self.submit("changing", "epochs: 3", kubernetes=("workers: 1",))
        wait_for("steps", lambda: self.job("changing").get("step", 0) > 50)
        self.assertEqual(self.ask("POST", "/api/v1/jobs/changing/finish")[0], 409)
        self.assertEqual(self.ask("POST", "/api/v1/jobs/changing/stop")[0], 202)
        self.wait_for_state("changing", "Suspended")
        self.assertEqual(job.pods(), [])
        self.assertEqual(self.ask("POST", "/api/v1/jobs/changing/resume")[0], 202)
        ended = self.wait_for_state("changing", "Succeeded", "Failed")
        self.assertEqual((ended["state"], ended["attempts"]), ("Succeeded", 2), ended)
        self.assertGreaterEqual(ended["test_accuracy"], 0.97)
        # A name that is of another's MPIJob is not touched.
        other = self.start("others", "epochs: 1", kubernetes=("workers: 1", "suspend: true"))
        self.submit("others", "epochs: 1", kubernetes=("workers: 1",))
        failed = self.wait_for_state("others", "Failed")
        self.assertIn("has an MPIJob others already", failed["why"])
        self.assertEqual(self.ask("DELETE", "/api/v1/jobs/others")[0], 202)
        wait_for("it to go", lambda: self.ask("GET", "/api/v1/jobs/others")[0] == 404)
        self.assertIn("others", other.kubectl("get", "mpijobs", "-o", "name"))
