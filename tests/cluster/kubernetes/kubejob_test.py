# SPDX-License-Identifier: Apache-2.0
"""docs/guides/from/kubejob.md to the letter: a zip in a bucket of a real S3 server, two epochs on two pods, and their
files back in a bucket."""

import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import zipfile

import cluster
from cluster import HERE, ROOT, VOLUME, call, inside, kubectl
from gke_test import png

sys.path.append(str(ROOT / "tests/integration/storage"))
from s3_server import ID, REGION, SECRET, find_versitygw  # noqa: E402

PAGE = (ROOT / "docs/guides/from/kubejob.md").read_text()
SERVER = "10.244.0.1:7070"   # where pods would find it, too

# The environment of kubejob's env.list, whose names are in small letters.
ENVIRONMENT = f"""\
CUDA_VISIBLE_DEVICES=-1
trainingbucket=training
datasetsbucket=datasets
endpoint_url=http://{SERVER}
aws_access_key_id={ID}
aws_secret_access_key={SECRET}
signature_version=s3v4
region_name={REGION}
"""
# Keys of the group kubernetes for the machine of the tests.
MACHINE = "  image_pull_policy: Never\n  shared_memory: 256Mi\n"
# For a machine without AWS' client.
STAND_IN = 'aws() { cp "$3" "$BUCKETS/${4#s3://}"; }\n'


def block(start):
    """The page's block that begins so."""
    return next(text for text in re.findall(r"```(?:yaml)?\n(.*?)```", PAGE, re.DOTALL) if text.startswith(start))


def picture(bright):
    """Noise around a brightness."""
    draw = random.Random(bright)
    return png(bytes(min(255, bright + draw.randrange(40)) for _ in range(784)))


class Kubejob(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        buckets = self.folder / "buckets"
        for bucket in ("datasets", "training"):
            (buckets / bucket).mkdir(parents=True)
        with zipfile.ZipFile(buckets / "datasets/kagglecatsanddogs_3367a.zip", "w") as archive:
            for number in range(40):
                archive.writestr(f"PetImages/Cat/{number}.png", picture(number))
                archive.writestr(f"PetImages/Dog/{number}.png", picture(150 + number))
            archive.writestr("PetImages/Cat/666.jpg", b"")
        server = subprocess.Popen(
            [HERE / "in", find_versitygw(), "--port", SERVER, "--access", ID, "--secret", SECRET, "--region", REGION,
             "posix", buckets], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        cluster.wait_for("S3", lambda: call(HERE / "in", "curl", "-s", f"http://{SERVER}").returncode == 0)
        self.buckets = buckets
        self.place = VOLUME / "kubejob"   # the claim `cats`
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir()
        self.place.chmod(0o777)
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)
        (self.place / "env.list").write_text(ENVIRONMENT)
        cluster.make_claim("default", "cats", path=self.place)
        for kind, name in (("pv", "default-cats"), ("pvc", "cats")):
            self.addCleanup(kubectl, "delete", kind, name, "--ignore-not-found", "--wait=false")

    def shell(self, text):
        path = f"{cluster.RINGTRAIN.parent}:{os.environ['PATH']}"
        return inside("bash", "-euc", text, cwd=self.place, timeout=600,
                      env=os.environ | {"PATH": path, "BUCKETS": str(self.buckets)})

    def test_a_zip_in_a_bucket_becomes_their_files_in_a_bucket(self):
        self.shell(block("set -a"))
        job = block("name: cats")
        job += MACHINE + '  env: {OMP_NUM_THREADS: "1", OMPI_MCA_mpi_yield_when_idle: "1"}\n'
        (self.place / "cats.yaml").write_text(job)
        self.addCleanup(call, HERE / "in", cluster.RINGTRAIN, "delete", "cats")
        self.assertIn("cats: Succeeded", self.shell("ringtrain submit cats.yaml --wait"))
        setting = "set -a; source env.list; set +a\n"
        self.shell(setting + ("" if shutil.which("aws") else STAND_IN) + block("epoch=0"))
        training = self.buckets / "training"
        self.assertEqual(sorted(path.name for path in training.iterdir() if not path.name.startswith(".")), [
            "catdogclassification.json", "catdogclassification_save_at_1.pth", "catdogclassification_save_at_2.pth"])
        lists = json.loads((training / "catdogclassification.json").read_text())
        self.assertEqual(sorted(lists), ["accuracy", "loss", "val_accuracy", "val_loss"])
        self.assertEqual({len(values) for values in lists.values()}, {2})
        self.assert_torch_loads(training / "catdogclassification_save_at_2.pth")

    def test_no_volume_is_needed_with_data_and_results_in_the_buckets(self):
        variables = "set -a; source env.list; set +a\n"
        self.shell(variables + block("ringtrain dataset import images s3:///"))
        (self.place / "credentials").write_text(
            f"[default]\naws_access_key_id = {ID}\naws_secret_access_key = {SECRET}\n")
        kubectl("create", "secret", "generic", "s3", f"--from-file={self.place / 'credentials'}")
        self.addCleanup(kubectl, "delete", "secret", "s3")
        # The page's job, with its places in the bucket.
        keys = [line for line in block("name: cats").split("kubernetes:")[0].splitlines(True)
                if not line.startswith(("dataset:", "output:"))]
        there = block("dataset: s3:///").replace("http://minio:9000", f"http://{SERVER}")
        there = there.replace("us-east-1", REGION)
        there = there.replace("  env: {", '  env: {OMP_NUM_THREADS: "1", OMPI_MCA_mpi_yield_when_idle: "1", ')
        (self.place / "cats.yaml").write_text("".join(keys) + there + MACHINE)
        self.addCleanup(call, HERE / "in", cluster.RINGTRAIN, "delete", "cats")
        self.assertIn("cats: Succeeded", self.shell(variables + "ringtrain submit cats.yaml --wait --set epochs=1"))
        results = self.buckets / "training/runs/cats"
        for name in ("history.jsonl", "model.pt", "model.safetensors", "result.json"):
            self.assertTrue((results / name).exists(), name)
        self.assertTrue(list(results.glob("checkpoints/*/manifest.json")))

    def assert_torch_loads(self, file):
        """Looks into the archive; torch itself reads such a file in tests/integration/run/state_dict_test.py."""
        self.assertTrue(zipfile.is_zipfile(file))
        with zipfile.ZipFile(pathlib.Path(file)) as archive:
            self.assertIsNone(archive.testzip())
            self.assertIn(b"fc.weight", archive.read("model/data.pkl"))
