#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The job files of docs/guides/from/eks.md become what the page says:  eks_test.py RINGTRAIN"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
JOB, EFA = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/guides/from/eks.md").read_text(), re.DOTALL)


class Eks(unittest.TestCase):
    def render(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            done = subprocess.run([RINGTRAIN, "render", file.name], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_a_roles_account_needs_no_volume_and_no_key(self):
        rendered = self.render(JOB)
        self.assertEqual(set(re.findall(r"serviceAccountName: (\S+)", rendered)), {"ringtrain-s3"})
        self.assertIn("AWS_REGION", rendered)
        self.assertNotIn("kind: ServiceAccount", rendered)

    def test_efa_is_a_resource_of_the_workers(self):
        rendered = self.render(JOB + EFA.split("\n", 1)[1])
        self.assertRegex(rendered, r"vpc\.amazonaws\.com/efa['\"]?: ['\"]?1")
        self.assertIn("IPC_LOCK", rendered)


if __name__ == "__main__":
    RINGTRAIN = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
