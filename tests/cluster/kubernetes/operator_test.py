# SPDX-License-Identifier: Apache-2.0
"""TrainInKubes, from their users' own YAML to a trained model, and what goes wrong with them."""

import json
import re
import shutil
import subprocess
import time

import cluster
from cluster import HERE, ROOT, call, inside, kubectl, must, objects, wait_for
from train_in_kubes import (DATA, KERAS_NEXT, ROWS, keras, make_image, write_data, write_keras,
                            write_torchscript)

PAGE = (ROOT / "docs/guides/from/train-in-kubes.md").read_text()
INSTALL = ROOT / "mpijob/manifests/operator/TrainInKube.yaml"
BUILD_IMAGE = "docker.io/library/buildjob:latest"
KERAS_IMAGE = "docker.io/library/buildjob-keras:latest"

# manifests/examples/t1.yaml of Train In Kubes; the numbers are smaller.
RESOURCE = """
apiVersion: trainink8s.com/v1alpha1
kind: TrainInKube
metadata:
  name: {name}
spec:
  modelImage: {image}
  modelImagePullPolicy: "{policy}"
  epochs: {epochs}
  batchSize: {batch}
  numberOfSamples: {samples}
  preprocessedDatasetLocation: /data/PreprocessedData
  splitDatasetLocation: /data/Chunks
  modelsLocation: /data
"""


class TrainInKubes(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        shutil.rmtree(DATA, ignore_errors=True)
        self.addCleanup(shutil.rmtree, DATA, ignore_errors=True)
        write_data()
        make_image(BUILD_IMAGE, self.folder, "model.pt", write_torchscript)

    def install(self, patience=600):
        """Applies the one YAML, with the node's directory and the machine of the tests in its defaults."""
        text = INSTALL.read_text()
        text = text.replace("{mount: /data, host_path: /data}", f"{{mount: /data, host_path: {DATA}}}")
        text = text.replace("image: ringtrain:latest\n      volumes", "image: ringtrain:latest\n"
                            "      image_pull_policy: Never\n      shared_memory: 256Mi\n"
                            '      env: {OMP_NUM_THREADS: "1", OMPI_MCA_mpi_yield_when_idle: "1"}\n      volumes')
        text = text.replace("defaults.yaml]", f"defaults.yaml, --patience, '{patience}']")
        self.addCleanup(self.uninstall, text)
        kubectl("apply", "-f", "-", input=text)
        wait_for("the resource to be served", lambda: call(HERE / "in", "kubectl", "get", "tik").returncode == 0)

    def uninstall(self, text):
        if call(HERE / "in", "kubectl", "delete", "tik", "--all", "--timeout=60s").returncode != 0:
            # Without an operator nobody takes its finalizer away.
            for name in call(HERE / "in", "kubectl", "get", "tik", "-o", "name").stdout.split():
                call(HERE / "in", "kubectl", "patch", name, "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
        call(HERE / "in", "kubectl", "delete", "-f", "-", "--ignore-not-found", input=text)
        call(HERE / "in", "kubectl", "delete", "lease", "ringtrain-operator", "--ignore-not-found")

    def apply(self, name="example", image="buildjob:latest", policy="Never", epochs=2, batch=60, samples=ROWS,
              annotation=None):
        text = RESOURCE.format(name=name, image=image, policy=policy, epochs=epochs, batch=batch, samples=samples)
        if annotation:
            text = text.replace("spec:", f"  annotations:\n    trainink8s.com/job: '{annotation}'\nspec:", 1)
        kubectl("apply", "-f", "-", input=text)

    def resource(self, name="example"):
        return json.loads(kubectl("get", "tik", name, "-o", "json"))

    def status(self, name="example"):
        return self.resource(name).get("status", {})

    def wait_for_phase(self, phase, name="example"):
        def look():
            status = self.status(name)
            if status.get("phase") == "Failed" != phase:
                raise AssertionError(f"{name}: {status}")
            return status.get("phase") == phase and status
        return wait_for(f"{name} to be {phase}", look)

    def assert_nothing_left(self, name):
        """The garbage collector needs a moment for what belongs to the MPIJob."""
        kinds = "mpijobs,jobs,pods,services,configmaps,secrets,serviceaccounts"
        wait_for(f"all of {name} to go", lambda: not [
            word for word in kubectl("get", kinds, "-o", "name").split() if word.split("/")[1].startswith(name)])

    def test_their_yaml_becomes_a_trained_model(self):
        self.install()
        self.apply(epochs=12)
        status = self.wait_for_phase("Succeeded")
        kubectl("wait", "--for=condition=Complete", "tik/example", "--timeout=5s")
        self.assertEqual([one["type"] for one in status["conditions"]],
                         ["ModelBuilt", "DataSplit", "Trained", "Complete"])
        self.assertEqual((status["why"], status["epoch"]), ("", 12))
        self.assertGreater(status["testAccuracy"], 0.5)
        for file in ("model.pt", "model.safetensors", "example/result.json", "Chunks/example.h5"):
            self.assertTrue((DATA / file).exists(), file)
        self.assertEqual((DATA / "model.pt").read_bytes(), (DATA / "example/model.pt").read_bytes())
        result = json.loads((DATA / "example/result.json").read_text())
        self.assertEqual((result["ranks"], result["epochs"]), (6, 12))

        # One Job for all minibatches, where there were 7 for each of 60.
        jobs = {item["metadata"]["name"] for item in objects("jobs")}
        self.assertEqual(jobs, {"examplebuildmodel", "examplesplitdata", "example-launcher", "exampleupdatemodel"})
        parameters = json.loads(kubectl("get", "configmap", "example", "-o", "json"))["data"]
        self.assertEqual((parameters["epochs"], parameters["batchSize"]), ("12", "60"))
        self.assertRegex(kubectl("get", "tik"), r"NAME +PHASE +EPOCH +EPOCHS +LOSS +SAMPLES/S +LEFT +AGE +WHY")
        events = kubectl("get", "events", "--field-selector=involvedObject.kind=TrainInKube")
        self.assertIn("Succeeded", events)
        self.assertIn("example: Succeeded", inside(cluster.RINGTRAIN, "status", "example"))
        self.assertIn("1,620", inside(cluster.RINGTRAIN, "dataset", "info", DATA / "Chunks/example.h5"))
        refused = call(HERE / "in", "kubectl", "patch", "tik", "example", "--type=merge", "-p",
                       '{"spec": {"epochs": 9}}')
        self.assertIn("a TrainInKube does not change once it is made", refused.stderr)

        kubectl("delete", "tik", "example")
        self.assert_nothing_left("example")
        self.assertTrue((DATA / "model.pt").exists())

    def test_a_model_of_keras_comes_back_as_one_that_load_model_opens(self):
        make_image(KERAS_IMAGE, self.folder, "model.h5", write_keras)
        self.install()
        self.apply(image="buildjob-keras:latest", epochs=8,
                   annotation="optimizer: {type: adamw, learning_rate: 0.001}")
        status = self.wait_for_phase("Succeeded")
        self.assertGreater(status["testAccuracy"], 0.5)
        self.assertGreater(float(keras(KERAS_NEXT, DATA / "model.h5", DATA / "PreprocessedData")), 0.5)
        kubectl("delete", "tik", "example")
        self.assert_nothing_left("example")

    def test_one_sed_puts_it_into_another_namespace(self):
        kubectl("create", "namespace", "team")
        self.addCleanup(kubectl, "delete", "namespace", "team", "--wait=false")
        command = re.search(r"`(sed 's/namespace: default[^`]*)`", PAGE)[1].replace("\\|", "|")
        said = inside("bash", "-euo", "pipefail", "-c", f"{command} --dry-run=server -o name", cwd=ROOT)
        self.assertIn("deployment.apps/ringtrain-operator", said)
        text = inside("bash", "-euo", "pipefail", "-c", f"{command} --dry-run=client -o json", cwd=ROOT)
        spaces = {item["metadata"].get("namespace", "") for item in json.loads(text)["items"]}
        self.assertLessEqual(spaces, {"team", ""})

    def test_of_two_operators_one_works_and_the_other_takes_over(self):
        self.install()
        holder = wait_for("a leader", lambda: call(HERE / "in", "kubectl", "get", "lease", "ringtrain-operator", "-o",
                                                   "jsonpath={.spec.holderIdentity}").stdout)
        self.apply(epochs=1000)
        wait_for("training", lambda: self.status().get("step"))
        job = json.loads(kubectl("get", "mpijob", "example", "-o", "json"))["metadata"]["uid"]
        kubectl("delete", "pod", holder.rsplit("-", 1)[0], "--grace-period=0", "--force")
        wait_for("another leader", lambda: kubectl("get", "lease", "ringtrain-operator", "-o",
                                                   "jsonpath={.spec.holderIdentity}") not in ("", holder))
        step = self.status()["step"]
        wait_for("news of the training", lambda: self.status()["step"] > step)
        self.assertEqual(json.loads(kubectl("get", "mpijob", "example", "-o", "json"))["metadata"]["uid"], job)
        # While it trains: nothing is left of a resource that is deleted.
        kubectl("delete", "tik", "example")
        self.assert_nothing_left("example")

    def test_why_a_resource_does_not_train_is_one_line_and_nothing_stays(self):
        self.install(patience=5)
        self.apply("no-epochs", epochs=-1)
        self.apply("no-image", image="localhost/nothing:1")
        must(HERE / "image", "push", "localhost/debian:12")
        self.apply("no-model", image="localhost/debian:12")
        self.apply("bad-key", annotation="optimizer: {learning_rate: fast}")
        self.apply("too-many", epochs=9223372036854775807)
        lines = {"no-epochs": "spec.epochs: must be from 1 to 1000000, found -1",
                 "too-many": "spec.epochs: must be from 1 to 1000000",
                 "no-image": "image localhost/nothing:1 cannot be pulled",
                 "no-model": "the model's image has written neither model.h5 nor model.pt to /data",
                 "bad-key": "annotation trainink8s.com/job: optimizer.learning_rate"}
        for name, line in lines.items():
            with self.subTest(name):
                status = self.wait_for_phase("Failed", name)
                self.assertIn(line, status["why"])
                self.assertNotIn("\n", status["why"])
                pods = f"trainink8s.com/name={name}", "--field-selector=status.phase!=Succeeded,status.phase!=Failed"
                wait_for(f"the pods of {name} to end", lambda p=pods: not objects("pods", "-l", *p))
        kubectl("delete", "tik", "--all")
        for name in lines:
            self.assert_nothing_left(name)

    def test_an_api_server_that_is_down_for_a_minute(self):
        self.install()
        self.apply(epochs=1000)
        wait_for("training", lambda: self.status().get("step"))
        server = ["sh", "-c", 'kill -"$0" $(pgrep -f "^[^ ]*/kube-apiserver ")']
        must(HERE / "in", "-m", "master", *server, "STOP")
        try:
            time.sleep(60)
        finally:
            must(HERE / "in", "-m", "master", *server, "CONT")
        wait_for("the API server", lambda: call(HERE / "in", "kubectl", "get", "tik").returncode == 0)
        step = self.status()["step"]
        wait_for("news of the training", lambda: self.status()["step"] > step)
        self.assertEqual(len(objects("mpijobs")), 1)
        kubectl("delete", "tik", "example")
        self.assert_nothing_left("example")

    def test_a_missing_right_is_named(self):
        self.install()
        kubectl("delete", "deployment", "ringtrain-operator")
        kubectl("create", "serviceaccount", "nobody")
        self.addCleanup(kubectl, "delete", "serviceaccount", "nobody")
        config = self.folder / "config"
        admin = (cluster.STATE / "kubeconfig").read_text()
        start = admin.index("token: ") + len("token: ")

        def line_of(account):
            token = kubectl("create", "token", account).strip()
            config.write_text(admin[:start] + token + admin[admin.index("}", start):])
            program = ROOT / "build/cpu/bin/ringtrain-operator"
            operator = subprocess.Popen([HERE / "in", program, "--kubeconfig", config],
                                        stderr=subprocess.PIPE, text=True)
            self.addCleanup(operator.stderr.close)
            self.addCleanup(operator.wait)
            self.addCleanup(operator.terminate)
            return operator.stderr.readline()
        self.assertIn("system:serviceaccount:default:nobody cannot get Lease ringtrain-operator", line_of("nobody"))
        rules = json.loads(kubectl("get", "role", "ringtrain-operator", "-o", "json"))["rules"]
        rules = [rule for rule in rules if rule["apiGroups"] != ["batch"]]
        rules.append({"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["list", "watch"]})
        kubectl("patch", "role", "ringtrain-operator", "--type=merge", "-p", json.dumps({"rules": rules}))
        self.apply()
        line_of("ringtrain-operator")
        why = wait_for("the reason", lambda: self.status().get("why"))
        self.assertIn("cannot create Job examplebuildmodel in namespace default: it needs a Role", why)

    def test_the_chart_installs_it_in_a_namespace_of_its_own_with_a_claim(self):
        kubectl("create", "namespace", "lab")
        self.addCleanup(kubectl, "delete", "pv", "lab-data", "--ignore-not-found")
        self.addCleanup(kubectl, "delete", "namespace", "lab", "--ignore-not-found")
        self.addCleanup(kubectl, "delete", "crd", "traininkubes.trainink8s.com", "--ignore-not-found")
        cluster.make_claim("lab", "data", path=DATA)
        DATA.chmod(0o777)
        (DATA / "Chunks").mkdir()
        (DATA / "Chunks").chmod(0o777)
        kubernetes = {"image": cluster.IMAGE, "image_pull_policy": "Never", "shared_memory": "256Mi",
                      "slots_per_worker": 2, "env": {"OMP_NUM_THREADS": "1", "OMPI_MCA_mpi_yield_when_idle": "1"},
                      "volumes": [{"mount": "/data", "claim": "data"}]}
        inside("helm", "install", "tik", ROOT / "mpijob/helm/ringtrain", "-n", "lab", "--set",
               "operator.enabled=true,operator.imagePullPolicy=Never",
               "--set-json", f"operator.defaults={json.dumps({'kubernetes': kubernetes})}")
        text = RESOURCE.format(name="charted", image="buildjob:latest", policy="Never", epochs=1, batch=60,
                               samples=600)
        wait_for("the resource to be served", lambda: call(HERE / "in", "kubectl", "get", "tik").returncode == 0)
        kubectl("apply", "-n", "lab", "-f", "-", input=text)
        kubectl("wait", "-n", "lab", "--for=condition=Complete", "tik/charted", f"--timeout={cluster.PATIENCE}s",
                timeout=cluster.PATIENCE + 10)
        self.assertEqual(json.loads((DATA / "charted/result.json").read_text())["ranks"], 2)
        kubectl("delete", "-n", "lab", "tik", "charted")
