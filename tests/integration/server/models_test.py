#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Models of the server: versions of jobs that end well, their evaluation, aliases, downloads, and the commands for
datasets and models. Needs no network.

  models_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import hashlib
import json
import os
import signal
import subprocess

import server_case
from server_case import ServerTest, run_case


class Models(ServerTest):
    def command(self, code, *words):
        done = subprocess.run([run_case.RINGTRAIN, *map(str, words), "--server", str(self.dir)], capture_output=True,
                              text=True, timeout=run_case.DEADLINE, check=False,
                              env={**os.environ, "HOME": str(self.folder), "KUBECONFIG": "/none"})
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def post(self, path, **body):
        status, _, answer = self.ask("POST", path, json.dumps(body), content="application/json")
        return status, json.loads(answer)

    def version_of(self, job, model=None):
        """The card of the version that a job has made, once it is evaluated."""
        def look():
            status, _, body = self.ask("GET", f"/api/v1/models/{model or job}")
            versions = json.loads(body)["versions"] if status == 200 else []
            return next((one for one in versions if one["job"] == job and one["evaluations"]), None)
        return self.wait_for(look)

    def test_versions_of_a_job_and_its_clone(self):
        out = self.command(0, "dataset", "upload", *self.idx_files, "--name", "digits", "--kind", "idx")
        self.assertIn(f"digits: {run_case.TRAIN_ROWS:,} training and {run_case.TEST_ROWS} test rows", out)
        self.assertIn("digits ", self.command(0, "dataset", "list"))
        self.submit("mnist", dataset="digits", epochs=4, optimizer={"type": "sgd", "learning_rate": 0.1})
        self.wait_for_state("mnist", "Succeeded")
        card = self.version_of("mnist")
        self.assertEqual((card["version"], card["network"], card["stored_dataset"]), (1, "mlp", "digits"))
        dataset = self.get("/api/v1/datasets/digits")
        job = self.get("/api/v1/jobs/mnist")
        self.assertEqual((card["dataset_uuid"], card["order_hash"]), (dataset["uuid"], job["order_hash"]))
        evaluation = card["evaluations"][0]
        self.assertEqual((evaluation["samples"], evaluation["dataset"]), (run_case.TEST_ROWS, "digits"))
        self.assertAlmostEqual(evaluation["accuracy"], job["test_accuracy"], places=6)
        self.assertEqual([sum(row) for row in evaluation["confusion"]],
                         [one["samples"] for one in evaluation["classes"]])
        self.assertEqual([row[i] for i, row in enumerate(evaluation["confusion"])],
                         [one["correct"] for one in evaluation["classes"]])
        # A clone's model is the next version; the job may go.
        self.assertEqual(self.ask("POST", "/api/v1/jobs/mnist/clone")[0], 201)
        self.wait_for_state("mnist-2", "Succeeded")
        self.assertEqual(self.version_of("mnist-2", "mnist")["version"], 2)
        self.ask("DELETE", "/api/v1/jobs/mnist")
        self.wait_for(lambda: len(self.get("/api/v1/jobs")["jobs"]) == 1 or None)
        # Aliases and downloads.
        self.assertIn("production is version 1", self.command(0, "model", "alias", "mnist", "production", 1))
        self.assertIn("production=1", self.command(0, "model", "list"))
        self.command(0, "model", "get", "mnist", "production", "-o", self.folder / "got")
        for name, about in card["files"].items():
            self.assertEqual(hashlib.sha256((self.folder / "got" / name).read_bytes()).hexdigest(), about["sha256"])
        self.assertIn("is there already", self.command(2, "model", "get", "mnist", "1", "-o", self.folder / "got"))
        self.assertIn("no such version", self.command(2, "model", "get", "mnist", "staging"))
        status, headers, part = self.ask("GET", "/api/v1/models/mnist/versions/latest/files/model.safetensors",
                                         Range="bytes=0-7")
        self.assertEqual((status, len(part)), (206, 8))
        for file in ("card.json", "../model.json", "none"):
            self.assertEqual(self.ask("GET", f"/api/v1/models/mnist/versions/1/files/{file}")[0], 404)
        self.assertEqual(self.ask("DELETE", "/api/v1/models/mnist/versions/production")[0], 409)
        self.assertEqual(self.ask("DELETE", "/api/v1/models/mnist/versions/2")[0], 204)
        # Folders are the truth, and a number is not given again.
        self.stop_server(signal.SIGKILL)
        (self.dir / "index.db").unlink()
        self.start_server()
        model = self.get("/api/v1/models/mnist")
        self.assertEqual((model["aliases"], [one["version"] for one in model["versions"]]), ({"production": 1}, [1]))
        status, operation = self.post("/api/v1/models", job="mnist-2", model="mnist")
        self.assertEqual(status, 202, operation)
        self.assertEqual(self.version_of("mnist-2", "mnist")["version"], 3)

    def test_what_is_refused(self):
        self.submit("long", epochs=1000000)
        self.assertEqual(self.post("/api/v1/models", job="long")[0], 409)
        self.assertEqual(self.post("/api/v1/models", job="none")[0], 404)
        self.assertEqual(self.post("/api/v1/models", model="x")[0], 422)
        self.assertEqual(self.ask("GET", "/api/v1/models/none")[0], 404)
        self.assertEqual(self.post("/api/v1/models/none/versions/1/evaluations", dataset="digits")[0], 404)
        self.assertEqual(self.get("/api/v1/models")["models"], [])
        self.assertEqual(os.listdir(self.dir / "models"), [])
        self.assertIn("--kind zip: must be one of images, csv",
                      self.command(2, "dataset", "upload", self.dataset, "--name", "x", "--kind", "zip"))
        self.assertIn("bad.csv", self.command(3, "dataset", "upload", self.bad_table(), "--name", "x", "--kind", "csv"))

    def bad_table(self):
        path = self.folder / "bad.csv"
        path.write_text("a,b\n1,x\n2\n")
        return path


if __name__ == "__main__":
    server_case.main()
