#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""schemathesis sends what /openapi.json allows, and what it does not, to every route (scripts/setup --api).

  openapi_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import os
import pathlib
import re
import subprocess
import sys
import urllib.error
import urllib.request

import server_case
from server_case import ServerTest

SECONDS = 100   # for all routes together


def schemathesis():
    cache = os.environ.get("RINGTRAIN_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    program = pathlib.Path(cache or pathlib.Path(home) / "ringtrain") / "api/bin/schemathesis"
    if not program.exists():
        print("skipped: schemathesis is missing: scripts/setup --api installs it")
        sys.exit(77)
    return program


class OpenApi(ServerTest):
    # Signing out would take the test's own token away; events last. The routes of k8s-distributed-training answer as
    # its control plane does, with 500 for any mistake. validateJob says with 200 that a job is wrong. Files are bytes,
    # which schemathesis cannot write; datasets_test sends them.
    LEFT_OUT = ("signOut", "getEvents", "submit_job_jobs_post", "status_jobs__job_name__get", "validateJob",
                "continueUpload", "putUpload")
    # A job file has rules across keys, and a name may be taken: what fits the schema may be refused with 409 or 422.
    # After 20 wrong tokens an address gets 429: the test below asks without one.
    NOT_CHECKED = "positive_data_acceptance,ignored_auth"

    # A request that breaks the schema may break a rule of tus or a limit before it is read.
    CONFIGURATION = """
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422", "428", "429", "5xx"]
"""

    def run_it(self, *more):
        configuration = self.folder / "schemathesis.toml"
        configuration.write_text(self.CONFIGURATION)
        words = [schemathesis(), "--config-file", configuration, "run", self.url + "/openapi.json", "--checks", "all",
                 "--exclude-checks", self.NOT_CHECKED, "--max-time", str(SECONDS),
                 "--max-examples", "20", "--seed", "1", "--generation-database", "none", *more]
        words += ["--exclude-path-regex", "^/kubeml/"]   # so do those of KubeML
        for one in self.LEFT_OUT:
            words += ["--exclude-operation-id", one]
        done = subprocess.run([str(word) for word in words], cwd=self.folder, capture_output=True, text=True,
                              timeout=10 * SECONDS)
        self.assertEqual(done.returncode, 0, done.stdout[-12000:] + done.stderr[-2000:])

    def test_with_a_token(self):
        self.run_it("-H", f"Authorization: Bearer {self.token}")
        self.assertEqual(self.ask("GET", "/readyz")[0], 200)   # it lives

    def test_without_a_token_only_open_routes_answer(self):
        for path, methods in self.get("/openapi.json")["paths"].items():
            for method, route in methods.items():
                if not route["security"]:
                    continue
                request = urllib.request.Request(self.url + re.sub(r"{.*?}", "x", path), method=method.upper())
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    urllib.request.urlopen(request)
                with refused.exception as answer:
                    self.assertEqual(answer.code, 401, f"{method} {path}")


if __name__ == "__main__":
    schemathesis()
    server_case.main()
