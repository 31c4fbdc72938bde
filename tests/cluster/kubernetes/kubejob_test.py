# SPDX-License-Identifier: Apache-2.0
"""kubejob's story (docs/guides/from/kubejob.md): a zip of pictures in a bucket is imported, trained on by two pods,
history, checkpoints and model come back to a bucket, and the model is served and asked. By kubejob's own variables,
with a real S3 server beside the cluster.
"""

import json
import random
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib

import cluster
from cluster import IMAGE, RINGTRAIN, ROOT, Job, call, inside, kubectl, wait_for

sys.path.insert(0, str(ROOT / "tests/integration/storage"))
import s3_server  # noqa: E402

ADDRESS, PORT = "10.244.0.1", 7070   # of the control plane, which pods reach
SIDE, PICTURES = 32, 60
EPOCHS = 3


def picture(kind, seed):
    """A PNG: stripes that lie (cats) or stand (dogs), of a width, place and colour of their own, with noise."""
    draw = random.Random(f"{kind} {seed}")
    width, start = draw.randint(3, 6), draw.randint(0, 7)
    colours = [[draw.randint(0, 90) for _ in range(3)], [draw.randint(150, 255) for _ in range(3)]]
    rows = []
    for y in range(SIDE):
        row = bytearray([0])
        for x in range(SIDE):
            at = y if kind == "Cat" else x
            row += bytes(min(255, max(0, value + draw.randint(-20, 20))) for value in
                         colours[(at + start) // width % 2])
        rows.append(bytes(row))

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(b"".join(rows))) + chunk(b"IEND", b""))


class Kubejob(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.buckets = self.folder / "buckets"
        shutil.rmtree(self.buckets, ignore_errors=True)
        for bucket in ("datasets", "training"):
            (self.buckets / bucket).mkdir(parents=True)
        self.variables = {
            "endpoint_url": f"http://{ADDRESS}:{PORT}", "aws_access_key_id": s3_server.ID,
            "aws_secret_access_key": s3_server.SECRET, "region_name": s3_server.REGION, "signature_version": "s3v4",
            "datasetsbucket": "datasets", "trainingbucket": "training"}
        self.start_s3()

    def start_s3(self):
        server = subprocess.Popen(
            [str(word) for word in (cluster.HERE / "in", s3_server.find_versitygw(), "--port", f"{ADDRESS}:{PORT}",
                                    "--access", s3_server.ID, "--secret", s3_server.SECRET, "--region",
                                    s3_server.REGION, "posix", self.buckets)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        wait_for("the S3 server", lambda: call(cluster.HERE / "in", "curl", "-s", f"http://{ADDRESS}:{PORT}")
                 .returncode == 0)

    def by_cli(self, *words):
        return inside("env", *(f"{name}={value}" for name, value in self.variables.items()), RINGTRAIN, *words)

    def serve(self):
        """The Deployment of mpijob/manifests/serving, of the model in the bucket; its pod's address."""
        text = kubectl("kustomize", ROOT / "mpijob/manifests/serving")
        objects = [one for one in json.loads(kubectl("create", "--dry-run=client", "-o", "json", "-f", "-",
                                                     input=text))["items"] if one["kind"] == "Deployment"]
        deployment = objects[0]
        spec = deployment["spec"]["template"]["spec"]
        container = spec["containers"][0]
        container.update(
            image=IMAGE, imagePullPolicy="Never", resources={},
            command=["ringtrain", "serve", "cats=s3://training/runs/cats", "--listen", "0.0.0.0:8000", "--threads",
                     "1"],
            env=[{"name": name, "value": value} for name, value in self.variables.items()],
            volumeMounts=[{"name": "tmp", "mountPath": "/tmp"}])
        spec["volumes"] = [{"name": "tmp", "emptyDir": {}}]
        deployment["spec"]["replicas"] = 1
        self.addCleanup(kubectl, "delete", "deployment", "mnist-serving", "--ignore-not-found")
        kubectl("apply", "-f", "-", input=json.dumps(deployment))

        def ready():
            for pod in cluster.objects("pods", "-l", "app.kubernetes.io/name=ringtrain-serve"):
                if any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"]["conditions"]):
                    return pod["status"]["podIP"]
            return None
        return wait_for("the model's pod to be ready", ready)

    def test_cats_and_dogs_from_a_zip_in_a_bucket_to_an_answer(self):
        with zipfile.ZipFile(self.buckets / "datasets/kagglecatsanddogs.zip", "w") as archive:
            for kind in ("Cat", "Dog"):
                for number in range(PICTURES):
                    archive.writestr(f"PetImages/{kind}/{number}.png", picture(kind, number))
                archive.writestr(f"PetImages/{kind}/broken.jpg", b"no picture")
        said = self.by_cli("dataset", "import", "images", "s3:///kagglecatsanddogs.zip", "-o", "s3:///cats.h5",
                           "--broken", "skip", "--test-share", "0.2", "--seed", "1337")
        self.assertIn("skipped 2 broken images", said)
        info = json.loads(self.by_cli("dataset", "info", "--json", "s3:///cats.h5"))
        self.assertEqual((info["classes"], info["train_rows"], info["test_rows"]), (["Cat", "Dog"], 96, 24))

        job = Job("cats")
        self.jobs.append(job)
        variables = {**self.variables, "OMP_NUM_THREADS": "1", "OMPI_MCA_mpi_yield_when_idle": "1"}
        (self.folder / "cats.yaml").write_text("\n".join((
            "name: cats", "model: lenet5", "dataset: s3:///cats.h5", "output: s3:///runs/cats", f"epochs: {EPOCHS}",
            "batch_size: 8", "optimizer: {type: adamw, learning_rate: 0.001}",
            "augment: {horizontal_flip: true}", "checkpoint: {every_epochs: 1, keep: 3}",
            "kubernetes:", f"  image: {IMAGE}", "  image_pull_policy: Never", "  shared_memory: 256Mi", "  workers: 2",
            f"  env: {json.dumps(variables)}")) + "\n")
        self.assertIn("cats: Succeeded", self.by_cli("submit", self.folder / "cats.yaml", "--wait"))
        there = self.buckets / "training/runs/cats"
        history = [json.loads(line) for line in (there / "history.jsonl").read_text().splitlines()]
        self.assertEqual(len(history), EPOCHS)
        self.assertEqual(len(list(there.glob("checkpoints/*/manifest.json"))), EPOCHS)
        self.assertEqual(json.loads((there / "result.json").read_text())["ranks"], 2)
        self.assertGreater(history[-1]["test_accuracy"], 0.9)

        address = self.serve()
        for kind in ("Cat", "Dog"):
            for number in range(1000, 1005):
                (self.folder / "x.png").write_bytes(picture(kind, number))
                said = json.loads(inside("curl", "-sS", "--data-binary", f"@{self.folder / 'x.png'}", "-H",
                                         "Content-Type: image/png", f"http://{address}:8000/predict"))
                self.assertEqual(said["classes"][0]["class"], kind, said)
