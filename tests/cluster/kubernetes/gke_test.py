# SPDX-License-Identifier: Apache-2.0
"""docs/guides/from/mnist-on-gke.md: volumes as in the example, and the job of the page on the claim `nfs`."""

import json
import os
import re
import shutil

import cluster
from cluster import ROOT, VOLUME, call, inside, kubectl

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


class Gke(cluster.ClusterTest):
    def test_their_volumes_are_taken_as_they_are(self):
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": NFS})
        said = kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", input=text)
        self.assertEqual(said.count("(server dry run)"), len(NFS))

    def test_the_pages_job_trains_on_the_claim_nfs(self):
        cluster.make_claim("default", "nfs")
        self.addCleanup(kubectl, "delete", "pv", "default-nfs", "--ignore-not-found", "--wait=false")
        self.addCleanup(kubectl, "delete", "pvc", "nfs", "--ignore-not-found", "--wait=false")
        self.addCleanup(shutil.rmtree, VOLUME / "runs/mnist", ignore_errors=True)
        self.addCleanup(call, cluster.HERE / "in", cluster.RINGTRAIN, "delete", "mnist")
        page = PAGE.read_text()
        job = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1]
        # Every node has all of this machine's cores.
        job += '  shared_memory: 256Mi\n  env: {OMP_NUM_THREADS: "1", OMPI_MCA_mpi_yield_when_idle: "1"}\n'
        (self.folder / "mnist.yaml").write_text(job)
        command = re.search(r"^ringtrain submit .*?\)\)$", page, re.DOTALL | re.MULTILINE)[0]
        said = inside("bash", "-c", f'PATH={cluster.RINGTRAIN.parent}:$PATH; {command} --set max_steps=60',
                      cwd=self.folder, timeout=500,
                      env=os.environ | {"WORKER_NUMBER": "3", "EPOCH": "1", "BATCH": "100"})
        self.assertIn("mnist: Succeeded", said)
        result = json.loads((VOLUME / "runs/mnist/result.json").read_text())
        self.assertEqual((result["ranks"], result["steps"]), (3, 60))
        self.assertGreater(result["test_accuracy"], 0.8)
