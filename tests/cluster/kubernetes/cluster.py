# SPDX-License-Identifier: Apache-2.0
"""The test cluster as tests see it: kubectl, jobs, what their launchers say, and what they leave in the volume."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
RINGTRAIN = ROOT / "build/cpu/bin/ringtrain"
IMAGE = "docker.io/library/ringtrain:latest"   # what Kubernetes takes ringtrain:latest for
STATE = pathlib.Path(os.environ.get("RINGTRAIN_CLUSTER", "/var/tmp/ringtrain-cluster"))
VOLUME = STATE / "volume"   # every claim of the tests is this directory, on every node
PATIENCE = 240              # seconds for anything to happen, on a machine that does much else


def call(*arguments, **options):
    options = {"text": True, "capture_output": True, "timeout": PATIENCE} | options
    return subprocess.run([str(word) for word in arguments], **options)


def must(*arguments, **options):
    done = call(*arguments, **options)
    if done.returncode != 0:
        command = " ".join(map(str, arguments))
        raise AssertionError(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def inside(*arguments, **options):
    """A command where the cluster's addresses are."""
    return must(HERE / "in", *arguments, **options)


def kubectl(*arguments, **options):
    return inside("kubectl", *arguments, **options)


def objects(kind, *arguments):
    return json.loads(kubectl("get", kind, "-o", "json", *arguments))["items"]


def wait_for(what, look, patience=PATIENCE):
    """Returns what look() returns, once that is true."""
    end = time.monotonic() + patience
    while not (found := look()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {patience} s\n" + situation())
        time.sleep(0.3)
    return found


def situation():
    """For the report of a failed test."""
    texts = [call(HERE / "in", "kubectl", "get", "mpijobs,pods", "-A", "-o", "wide").stdout,
             call(HERE / "in", "kubectl", "get", "events", "-A", "--sort-by=.lastTimestamp").stdout[-2500:]]
    for pod in objects("pods", "-A", "-l", "training.kubeflow.org/job-role=launcher"):
        meta = pod["metadata"]
        log = call(HERE / "in", "kubectl", "-n", meta["namespace"], "logs", meta["name"], "--tail=25").stdout
        texts.append(f"{meta['name']}:\n{log}")
    return "\n".join(texts)


class Job:
    """One MPIJob of the default namespace, or another."""

    def __init__(self, name, namespace="default"):
        self.name = name
        self.namespace = namespace

    def kubectl(self, *arguments, **options):
        return kubectl("-n", self.namespace, *arguments, **options)

    def patch(self, spec):
        self.kubectl("patch", "mpijob", self.name, "--type=merge", "-p", json.dumps({"spec": spec}))

    def conditions(self):
        status = json.loads(self.kubectl("get", "mpijob", self.name, "-o", "json")).get("status", {})
        return {entry["type"]: entry for entry in status.get("conditions", []) if entry["status"] == "True"}

    def end(self, patience=PATIENCE):
        """Succeeded or Failed."""
        ends = {"Succeeded", "Failed"}
        return wait_for(f"the end of {self.name}", lambda: self.conditions().keys() & ends, patience).pop()

    def pods(self, role=None):
        label = f"training.kubeflow.org/job-name={self.name}"
        if role:
            label += f",training.kubeflow.org/job-role={role}"
        return objects("pods", "-n", self.namespace, "-l", label)

    def pod(self, name):
        return next((pod for pod in self.pods() if pod["metadata"]["name"] == name), None)

    def node_of(self, pod):
        return self.pod(pod)["spec"]["nodeName"]

    def launcher(self):
        """The newest launcher pod."""
        pods = sorted(self.pods("launcher"), key=lambda pod: pod["metadata"]["creationTimestamp"])
        return pods[-1]["metadata"]["name"] if pods else None

    def events(self, pod=None):
        """Events of the ranks that are in the launcher's log so far."""
        pod = pod or self.launcher()
        if not pod:
            return []
        done = call(HERE / "in", "kubectl", "-n", self.namespace, "logs", pod)
        lines = [line[1:] for line in done.stdout.split("\n") if line.startswith("\x1e")]   # splitlines() cuts at 0x1e
        return [json.loads(line) for line in lines if line.endswith("}")]

    def steps(self):
        return max((event.get("step", 0) for event in self.events()), default=0)

    def wait_for_steps(self, count=1):
        wait_for(f"step {count} of {self.name}", lambda: self.steps() >= count)

    def signal(self, pod, signal, program):
        """Sends a signal to every process of a name in a worker pod, as a fault outside of Kubernetes does."""
        script = ('for p in /proc/[0-9]*; do read -r name < $p/comm || continue; '
                  f'[ "$name" != "{program}" ] || kill -{signal} "${{p#/proc/}}"; done')
        call(HERE / "in", "kubectl", "-n", self.namespace, "exec", pod, "-c", "worker", "--", "bash", "-c", script)

    def restarts(self, pod):
        return sum(status["restartCount"] for status in self.pod(pod)["status"].get("containerStatuses", []))

    def ringtrain(self, command, *arguments, **options):
        """A command of ours about this job."""
        return inside(RINGTRAIN, command, self.name, "--namespace", self.namespace, *arguments, **options)

    def delete(self):
        self.kubectl("delete", "mpijob,configmap,serviceaccount", "-l", f"app.kubernetes.io/instance={self.name}",
                     "--ignore-not-found")

    def result(self):
        return json.loads((VOLUME / "runs" / self.name / "result.json").read_text())


class ClusterTest(unittest.TestCase):
    """A test on the cluster that is up."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="ringtrain-cluster-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def setUp(self):
        self.jobs = []
        self.addCleanup(self.delete_jobs)
        if call(HERE / "in", "kubectl", "get", "nodes").returncode != 0:
            self.fail("the cluster is not up")

    def delete_jobs(self):
        for job in self.jobs:
            job.delete()
            shutil.rmtree(VOLUME / "runs" / job.name, ignore_errors=True)
            wait_for(f"the pods of {job.name} to go", lambda j=job: not j.pods())

    def write_job(self, name, *lines, kubernetes=(), claim="mnist"):
        text = "\n".join((
            f"name: {name}", "model: lenet5", "dataset: /data/mnist.h5", f"output: /data/runs/{name}",
            "batch_size: 128", "optimizer: {learning_rate: 0.05, momentum: 0.9}",
            "schedule: {type: cosine}", *lines,
            "kubernetes:", f"  image: {IMAGE}", "  image_pull_policy: Never", "  shared_memory: 256Mi",
            # Every node has all of this machine's cores, so ranks must not each take all of them.
            '  env: {OMP_NUM_THREADS: "1", OMPI_MCA_mpi_yield_when_idle: "1"}',
            f"  volumes: [{{mount: /data, claim: {claim}}}]",
            *(f"  {line}" for line in kubernetes)))
        file = self.folder / f"{name}.yaml"
        file.write_text(text + "\n")
        return file

    def render(self, file, *arguments):
        return must(RINGTRAIN, "render", file, *arguments)

    def start(self, name, *lines, kubernetes=("workers: 2",), namespace="default", **options):
        # A job would resume from the checkpoints of a test that was interrupted.
        shutil.rmtree(VOLUME / "runs" / name, ignore_errors=True)
        job = Job(name, namespace)
        self.jobs.append(job)
        file = self.write_job(name, *lines, kubernetes=kubernetes, **options)
        job.kubectl("apply", "-f", "-", input=self.render(file))
        return job


def bring_up():
    """Brings the cluster up, unless it is, with this build's image on its nodes and MNIST in a claim."""
    if call(HERE / "in", "true").returncode != 0:
        print(must(HERE / "up", "2", timeout=3000).strip(), flush=True)
    started = time.monotonic()
    must(HERE / "image", "ringtrain", timeout=900)
    built = time.monotonic()
    must(HERE / "image", "push", IMAGE, timeout=600)
    print(f"image in {built - started:.0f} s, on the nodes in {time.monotonic() - built:.0f} s", flush=True)
    VOLUME.mkdir(exist_ok=True)
    VOLUME.chmod(0o1777)
    if not (ROOT / "data/mnist.h5").exists():
        must(RINGTRAIN, "dataset", "import", "mnist", "--parents", "-o", ROOT / "data/mnist.h5")
    shutil.copy(ROOT / "data/mnist.h5", VOLUME)
    make_claim("default", "mnist")


def make_claim(namespace, name, make=True, path=VOLUME):
    """A volume that is the same directory on every node, and a claim for it (or a volume for a claim to come)."""
    volume = f"{namespace}-{name}"
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany"], "storageClassName": "",
            "hostPath": {"path": str(path)}, "claimRef": {"namespace": namespace, "name": name}}
    wanted = [{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume}, "spec": spec}]
    if make:
        claim = {"accessModes": ["ReadWriteMany"], "storageClassName": "", "volumeName": volume,
                 "resources": {"requests": {"storage": "1Gi"}}}
        wanted.append({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                       "metadata": {"name": name, "namespace": namespace}, "spec": claim})
    kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": wanted}))


def why_not():
    """Returns why there can be no cluster here, or None."""
    if os.geteuid() != 0:
        return "it needs root"
    for program in ("containerd", "runc", "buildah", "debootstrap", "iptables"):
        if not shutil.which(program):
            return f"{program} is not installed: scripts/setup --cluster"
    if not pathlib.Path("/sys/fs/cgroup/memory").is_dir():
        return "it needs cgroup v1"
    return None
