#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs on a real Kubernetes with two nodes: by kubectl, by the chart, by kustomize, and with faults.

  kubernetes_test.py build           builds what it runs, for scripts/setup
  kubernetes_test.py up|down         brings the cluster up, with the image and MNIST on its nodes, or down
  kubernetes_test.py CLASS.METHOD    a test, on a cluster that is up

`ctest --test-dir build/cpu -L kubernetes` does all of it.
"""

import subprocess
import sys
import unittest

import cluster
from chart_test import Chart, Manifests, Readme  # noqa: F401
from client_test import Client  # noqa: F401
from commands_test import Commands  # noqa: F401
from faults_test import Faults  # noqa: F401
from gke_test import Gke  # noqa: F401
from jobs_test import Jobs  # noqa: F401
from kubejob_test import Kubejob  # noqa: F401
from operator_test import TrainInKubes  # noqa: F401
from python_users_test import Kubeml, Trainer  # noqa: F401
from scripts_test import Scripts  # noqa: F401
from server_test import Server  # noqa: F401


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    if reason := cluster.why_not():
        print(f"skipped: {reason}")
        sys.exit(77)
    what = sys.argv[1]
    if what == "build":
        sys.exit(subprocess.run([cluster.HERE / "build"]).returncode)
    elif what == "up":
        cluster.bring_up()
    elif what == "down":
        cluster.must(cluster.HERE / "down")
    else:
        unittest.main(argv=[sys.argv[0], what], verbosity=2)


if __name__ == "__main__":
    main()
