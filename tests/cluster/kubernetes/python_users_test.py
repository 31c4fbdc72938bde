# SPDX-License-Identifier: Apache-2.0
"""Users whose files are Python, on ringtrain's image with Python in it: k8s-distributed-training's container in a Job
as theirs, and a function file of KubeML on a server in a pod. Both end with a model that torch loads."""

import json
import os
import re
import shutil
import sys

import cluster
from cluster import HERE, ROOT, VOLUME, call, kubectl, must, wait_for
from train_in_kubes import CACHE

PAGE = (ROOT / "docs/guides/from/k8s-distributed-training.md").read_text()
IMAGE = "docker.io/library/trainer:latest"
FOLDER = VOLUME / "trainer"

# The network of their test.py, and how it loads the file.
NEXT = """
import sys, torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        self.fc1, self.fc2 = nn.Linear(36864, 128), nn.Linear(128, 10)
model = Net()
print(model.load_state_dict(torch.load(sys.argv[1], map_location="cpu")))
"""


class Trainer(cluster.ClusterTest):
    def manifest(self):
        """A Job around the page's container; torch comes from this machine, the dataset from the claim."""
        text = re.search(r"```yaml\n(containers:.*?)```", PAGE, re.DOTALL)[1]
        text = text.replace("    volumeMounts:\n", "    imagePullPolicy: Never\n    volumeMounts:\n"
                            "      - {name: data, mountPath: /data}\n      - {name: wheels, mountPath: /wheels}\n")
        text = text.replace('value: "64"}\n', 'value: "64"}\n      - {name: DATASET_SIZE, value: "2560"}\n'
                            '      - {name: OMP_NUM_THREADS, value: "1"}\n')
        volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "mnist"}},
                   {"name": "model", "hostPath": {"path": str(FOLDER)}},
                   {"name": "wheels", "hostPath": {"path": str(CACHE / "wheels")}}]
        pod = text + f"volumes: {json.dumps(volumes)}\nrestartPolicy: Never\n"
        indented = "".join(f"      {line}\n" for line in pod.splitlines())
        return ("apiVersion: batch/v1\nkind: Job\nmetadata: {name: mnist-train-eval-1}\nspec:\n  backoffLimit: 0\n"
                f"  template:\n    spec:\n{indented}")

    def test_their_job_ends_with_their_lines_and_a_model_that_their_test_loads(self):
        must(HERE / "image", "trainer", timeout=600)
        must(HERE / "image", "push", IMAGE, timeout=600)
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir()
        FOLDER.chmod(0o777)
        self.addCleanup(shutil.rmtree, FOLDER, ignore_errors=True)
        self.addCleanup(call, HERE / "in", "kubectl", "delete", "job", "mnist-train-eval-1")
        kubectl("apply", "-f", "-", input=self.manifest())

        def ended():
            status = json.loads(kubectl("get", "job", "mnist-train-eval-1", "-o", "json")).get("status", {})
            return "succeeded" if status.get("succeeded") else "failed" if status.get("failed") else ""
        end = wait_for("the Job to end", ended)
        log = kubectl("logs", "job/mnist-train-eval-1")
        self.assertEqual(end, "succeeded", log)
        self.assertIn("[MAIN] Hyperparameters -> epochs=2, batch_size=64, world_size=2, dataset_size=2560\n", log)
        accuracy = re.search(r"^=== Test Accuracy: (\d+\.\d\d)% ===$", log, re.MULTILINE)
        self.assertGreater(float(accuracy[1]), 70)
        said = must(sys.executable, "-c", NEXT, FOLDER / "model.pt",
                    env=os.environ | {"PYTHONPATH": str(CACHE / "wheels")})
        self.assertIn("All keys matched", said)


WORK = VOLUME / "kubeml"   # /work in the pod
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "kubeml"},
       "spec": {"restartPolicy": "Never", "containers": [
           {"name": "server", "image": IMAGE, "imagePullPolicy": "Never", "workingDir": "/work",
            "command": ["ringtrain", "server", "/work/server", "--allow-scripts", "--cores", "2"],
            "env": [{"name": "RINGTRAIN_SERVER", "value": "/work/server"}, {"name": "OMP_NUM_THREADS", "value": "1"}],
            "volumeMounts": [{"name": "work", "mountPath": "/work"}, {"name": "wheels", "mountPath": "/wheels"}]}],
                "volumes": [{"name": "work", "hostPath": {"path": str(WORK)}},
                            {"name": "wheels", "hostPath": {"path": str(CACHE / "wheels")}}]}}
# The function file, arrays and the first rows as a list, as tests/python/functions makes them.
FILES = """
import json, pathlib, sys
import function_files
folder = pathlib.Path(sys.argv[1])
function_files.write_dataset(folder / "arrays")
(folder / "network.py").write_text(function_files.LATEST)
x, y = (function_files.arrays()[at] for at in (2, 3))
(folder / "data.json").write_text(json.dumps((x[:4].reshape(4, -1) / 255).tolist()))
print(json.dumps(y[:4].reshape(-1).tolist()))
"""


class Kubeml(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        must(HERE / "image", "trainer", timeout=600)
        must(HERE / "image", "push", IMAGE, timeout=600)
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir()
        WORK.chmod(0o777)
        self.addCleanup(shutil.rmtree, WORK, ignore_errors=True)
        path = f"{ROOT / 'tests/python/functions'}:{CACHE / 'wheels'}"
        self.labels = json.loads(must(sys.executable, "-c", FILES, WORK, env=os.environ | {"PYTHONPATH": path}))
        self.addCleanup(call, HERE / "in", "kubectl", "delete", "pod", "kubeml", "--grace-period=1")
        kubectl("apply", "-f", "-", input=json.dumps(POD))
        kubectl("wait", "--for=condition=Ready", "pod/kubeml", "--timeout=120s")

    def kubeml(self, *words):
        return kubectl("exec", "kubeml", "--", "kubeml", *words)

    def test_a_function_file_becomes_predictions_and_weights(self):
        wait_for("the server", lambda: call(HERE / "in", "kubectl", "exec", "kubeml", "--", "kubeml", "dataset",
                                            "list").returncode == 0)
        self.kubeml("function", "create", "--name", "example", "--code", "network.py")
        self.kubeml("dataset", "create", "--name", "digits", "--traindata", "arrays/x-train.npy",
                    "--trainlabels", "arrays/y-train.npy", "--testdata", "arrays/x-test.npy", "--testlabels",
                    "arrays/y-test.npy")
        task = self.kubeml("train", "--function", "example", "--dataset", "digits", "--epochs", "3", "--batch", "32",
                           "--lr", "0.05", "--parallelism", "2", "--K", "4", "--goal-accuracy", "101").strip()
        self.assertRegex(task, "^[0-9a-f]{8}$")
        wait_for("the task to end", lambda: self.kubeml("task", "list", "--short") == "")
        history = json.loads(self.kubeml("history", "get", "--id", task))
        self.assertEqual(history["data"]["parallelism"], [2, 2, 2])
        self.assertGreater(history["data"]["accuracy"][-1], 90)
        said = self.kubeml("infer", "--network", task, "--datafile", "data.json")
        self.assertEqual(json.loads(said), {"predictions": self.labels})
        weights = WORK / f"server/jobs/job-{task}/output/model.pth"
        keys = must(sys.executable, "-c", "import sys, torch; print(list(torch.load(sys.argv[1])))", weights,
                    env=os.environ | {"PYTHONPATH": str(CACHE / "wheels")})
        self.assertIn("'0.weight'", keys)
