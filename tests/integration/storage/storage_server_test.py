#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""storage/ against a real S3 server, and the same with each fault between them:  storage_server_test.py PROGRAM"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import s3_server

PROGRAM = sys.argv.pop(1)


class StorageOnAServer(unittest.TestCase):
    def run_tests(self, only="-OfOthers.*", fault=None):
        with tempfile.TemporaryDirectory() as folder:
            buckets = pathlib.Path(folder, "buckets")
            with s3_server.running_server(buckets) as url, s3_server.running_proxy(url, fault or "") as proxy:
                (buckets / "data").mkdir()
                environment = s3_server.environment(proxy.url if fault else url)
                done = subprocess.run([PROGRAM, f"--gtest_filter={only}"], env=environment, timeout=240,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                self.assertEqual(done.returncode, 0, done.stdout[-6000:])
                self.assertIn("[  PASSED  ]", done.stdout)
                if fault:
                    self.assertGreaterEqual(proxy.requests, 3)

    def test_all(self):
        self.run_tests("StorageServer.*:Refusals.*")

    def test_while_the_server_is_busy(self):
        self.run_tests("StorageServer.*", "busy")

    def test_while_the_server_breaks(self):
        self.run_tests("StorageServer.*", "broken")

    def test_while_connections_are_cut(self):
        self.run_tests("StorageServer.*", "cut")

    def test_with_the_clock_20_minutes_off(self):
        self.run_tests("StorageServer.*", "clock")

    def test_another_version_in_place_of_the_one_that_was_opened(self):
        self.run_tests("AnotherVersion.*", "etag")


if __name__ == "__main__":
    unittest.main()
