#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs on a real Kubernetes with two nodes: by kubectl, by the chart, by kustomize, and with faults.

  kubernetes_test.py [unittest arguments]

A cluster that is up already is used, and stays. Else one is brought up and, at the end, down.
"""

import sys
import unittest

import cluster
from chart_test import Chart, Manifests, Readme  # noqa: F401
from client_test import Client  # noqa: F401
from commands_test import Commands  # noqa: F401
from faults_test import Faults  # noqa: F401
from jobs_test import Jobs  # noqa: F401


if __name__ == "__main__":
    if reason := cluster.why_not():
        print(f"skipped: {reason}")
        sys.exit(77)
    end = cluster.bring_up()
    try:
        done = unittest.main(verbosity=2, exit=False)
    finally:
        if end:
            end()
    sys.exit(0 if done.result.wasSuccessful() else 1)
