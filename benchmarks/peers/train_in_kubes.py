#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An epoch as Train In Kubes runs it, seven Kubernetes Jobs for every minibatch, and as one MPIJob, on a real cluster.

  tests/cluster/kubernetes/in benchmarks/peers/train_in_kubes.py JOB.yaml [--minibatches 20] [-o FILE.json]

For each minibatch six Jobs are made at once, and when all are complete a seventh; then all are deleted. Their
containers run `true`: no TensorFlow starts, no data is read, nothing is computed. The seconds are thus those of
Kubernetes alone, and the least that the design can take. The MPIJob of JOB.yaml trains the whole epoch. Seconds of an
epoch of Jobs are extrapolated from the minibatches that ran.

Needs kubectl and ringtrain in PATH (or --ringtrain), and the job's image on the nodes.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

SHARES = 6
LABEL = "ringtrain-benchmark"


class Api:
    """The API server by way of `kubectl proxy`: a kubectl for each call would cost more than the call."""

    def __init__(self):
        self.proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, text=True)
        self.base = "http://" + re.search(r"on ([\d.:]+)", self.proxy.stdout.readline())[1]

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            sys.exit(f"train_in_kubes: {method} {path}: {error.code} {error.read().decode(errors='replace')[:300]}")

    def close(self):
        self.proxy.terminate()
        self.proxy.wait()


def step_job(name, image, policy):
    container = {"name": "step", "image": image, "imagePullPolicy": policy, "command": ["true"]}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "labels": {LABEL: "step"}},
            "spec": {"template": {"metadata": {"labels": {LABEL: "step"}},
                                  "spec": {"restartPolicy": "Never", "containers": [container]}}}}


def jobs_path(namespace):
    return f"/apis/batch/v1/namespaces/{namespace}/jobs"


def is_complete(job):
    states = {one["type"] for one in job.get("status", {}).get("conditions", []) if one["status"] == "True"}
    if "Failed" in states:
        sys.exit(f"train_in_kubes: Job {job['metadata']['name']} has failed")
    return "Complete" in states


def run_jobs(api, namespace, names, image, policy):
    """Makes Jobs, and waits until all are complete."""
    for name in names:
        api.call("POST", jobs_path(namespace), step_job(name, image, policy))
    while True:
        listed = api.call("GET", f"{jobs_path(namespace)}?labelSelector={LABEL}")["items"]
        if sum(is_complete(job) for job in listed if job["metadata"]["name"] in names) == len(names):
            return
        time.sleep(0.05)


def delete_jobs(api, namespace):
    """Deletes all Jobs of this benchmark with their pods, and waits until the Jobs are gone."""
    query = f"?labelSelector={LABEL}&propagationPolicy=Background"
    api.call("DELETE", jobs_path(namespace) + query)
    while api.call("GET", f"{jobs_path(namespace)}?labelSelector={LABEL}")["items"]:
        time.sleep(0.05)


def run_minibatches(api, namespace, count, image, policy):
    seconds = []
    for number in range(count):
        begun = time.monotonic()
        run_jobs(api, namespace, [f"traimodel{share}" for share in range(SHARES)], image, policy)
        run_jobs(api, namespace, ["updatemodel"], image, policy)
        delete_jobs(api, namespace)
        seconds.append(round(time.monotonic() - begun, 3))
        print(f"minibatch {number + 1} of {count}: {seconds[-1]:.2f} s", flush=True)
    return seconds


def run_mpijob(api, namespace, name, manifest):
    path = f"/apis/kubeflow.org/v2beta1/namespaces/{namespace}/mpijobs/{name}"
    begun = time.monotonic()
    subprocess.run(["kubectl", "-n", namespace, "apply", "-f", "-"], input=manifest, text=True, check=True,
                   stdout=subprocess.DEVNULL)
    pods = set()
    while True:
        job = api.call("GET", path)
        states = {one["type"] for one in job.get("status", {}).get("conditions", []) if one["status"] == "True"}
        listed = api.call("GET", f"/api/v1/namespaces/{namespace}/pods"
                                 f"?labelSelector=training.kubeflow.org/job-name={name}")["items"]
        pods |= {pod["metadata"]["uid"] for pod in listed}
        if "Failed" in states:
            sys.exit(f"train_in_kubes: MPIJob {name} has failed: ringtrain status {name}")
        if "Succeeded" in states:
            return round(time.monotonic() - begun, 3), len(pods)
        time.sleep(0.1)


def provenance():
    def out(*command):
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    version = json.loads(out("kubectl", "version", "-o", "json") or "{}")
    here = pathlib.Path(__file__).parent
    return {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "command": " ".join(sys.argv), "commit": out("git", "-C", str(here), "rev-parse", "HEAD"),
            "changed": bool(out("git", "-C", str(here), "status", "--porcelain")),
            "cpu": model[1] if model else platform.processor(), "cores": len(os.sched_getaffinity(0)),
            "load_average": round(os.getloadavg()[0], 1),
            "kubernetes": version.get("serverVersion", {}).get("gitVersion", "?"),
            "nodes": len(out("kubectl", "get", "nodes", "-o", "name").split())}


def report(record):
    jobs, mpijob = record["jobs"], record["mpijob"]
    text = (f"{jobs['minibatches']} minibatches as Jobs: median {jobs['median_seconds']:.2f} s each; an epoch of "
            f"{record['minibatches_of_an_epoch']}: {jobs['epoch_seconds_extrapolated']:,.0f} s (extrapolated), "
            f"{jobs['epoch_pods_extrapolated']:,} pods\n"
            f"the same epoch as one MPIJob, with the training: {mpijob['seconds']:.1f} s, {mpijob['pods']} pods\n"
            f"factor {record['factor']:.0f}")
    print(text)


def measure(options, api):
    rendered = subprocess.run([options.ringtrain, "render", options.job], capture_output=True, text=True)
    if rendered.returncode != 0:
        sys.exit(rendered.stderr.strip())
    image = re.search(r"^ +image: (\S+)", rendered.stdout, re.MULTILINE)[1].strip("'\"")
    name = re.search(r"kind: MPIJob\nmetadata:\n +name: (\S+)", rendered.stdout)[1].strip("'\"")
    seconds = run_minibatches(api, options.namespace, options.minibatches, image, options.pull_policy)
    trained, pods = run_mpijob(api, options.namespace, name, rendered.stdout)
    median = statistics.median(seconds)
    epoch = options.samples // options.batch
    return {"kind": "train_in_kubes", "provenance": provenance(), "minibatches_of_an_epoch": epoch,
            "jobs": {"minibatches": len(seconds), "seconds": seconds, "median_seconds": median,
                     "jobs_of_a_minibatch": SHARES + 1, "epoch_seconds_extrapolated": round(median * epoch, 1),
                     "epoch_pods_extrapolated": (SHARES + 1) * epoch},
            "mpijob": {"seconds": trained, "pods": pods},
            "factor": round(median * epoch / trained, 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", help="job file of one epoch, for Kubernetes")
    parser.add_argument("--minibatches", type=int, default=20, help="as Jobs; an epoch is extrapolated from them")
    parser.add_argument("--samples", type=int, default=60000, help="of the epoch")
    parser.add_argument("--batch", type=int, default=128, help="samples of a minibatch")
    parser.add_argument("--namespace", default="default")
    parser.add_argument("--pull-policy", default="IfNotPresent")
    parser.add_argument("--ringtrain", default="ringtrain", help="the program")
    parser.add_argument("-o", "--output", type=pathlib.Path, help="file for the figures, as JSON")
    options = parser.parse_args()
    if options.minibatches < 1:
        parser.error("--minibatches: must be at least 1")
    api = Api()
    try:
        record = measure(options, api)
    finally:
        delete_jobs(api, options.namespace)
        api.close()
    if options.output:
        options.output.write_text(json.dumps(record, indent=1) + "\n")
    report(record)


main()
