#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Models are served from versitygw, a real S3 server, by the URL of a job's output.

  models_by_url_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import os
import pathlib
import shutil
import sys
from unittest import mock

import serving_case
from serving_case import ServingTest, run_case

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "storage"))
import s3_server  # noqa: E402


class ModelsByUrl(ServingTest):
    @classmethod
    def setUpClass(cls):
        s3_server.find_versitygw()
        super().setUpClass()
        cls.bucket = cls.shared / "s3/training"
        cls.url_of_s3 = cls.enterClassContext(s3_server.running_server(cls.bucket.parent))

    def setUp(self):
        super().setUp()
        self.addCleanup(shutil.rmtree, self.bucket)
        shutil.copytree(self.trained, self.bucket / "runs/cats.v2", ignore=shutil.ignore_patterns("checkpoints"))
        self.scratch = self.folder / "scratch"
        self.scratch.mkdir()
        variables = {**s3_server.environment(self.url_of_s3), "TMPDIR": str(self.scratch)}
        self.enterContext(mock.patch.dict(os.environ, variables))

    def test_a_folder_and_a_file_of_a_bucket_answer_as_the_files_do(self):
        server = self.serve("s3://training/runs/cats.v2", "weights=s3://training/runs/cats.v2/model.safetensors")
        expected = [row[0]["class"] for row in self.predictions()]
        body = self.infer_body(self.images, outputs=[{"name": "label"}])
        for name in ("cats.v2", "weights"):
            self.assertEqual(self.post(f"/v2/models/{name}/infer", body)["outputs"][0]["data"], expected)
        evaluation = self.deployment("cats.v2")["current"]
        self.assertEqual(evaluation["model"], "s3://training/runs/cats.v2")
        self.assertEqual(evaluation["evaluation"]["split"], "test")
        self.assertEqual(list(self.scratch.glob("ringtrain-serve.*")), [])
        self.assertEqual(self.stop(server), 0)

    def test_a_version_comes_from_a_bucket_and_a_bad_one_changes_nothing(self):
        self.serve(f"cats={self.model}")
        self.deploy("cats", {"model": "s3://training/runs/cats.v2"})
        self.assertEqual(self.deployment("cats")["current"]["version"], "2")
        (self.bucket / "runs/cats.v2/model.pt").write_bytes(b"PK\x03\x04")
        for place, text in (("s3://training/runs/cats.v2", "s3://training/runs/cats.v2/model.pt"),
                            ("s3://training/runs/none", "there is no model.pt"),
                            ("s3://other/runs/cats.v2", "s3://other/runs/cats.v2: "),
                            ("https://example.invalid/model", "expected the URL of a .pt or .safetensors file")):
            error = self.deploy("cats", {"model": place}, 422)["error"]
            self.assertEqual(len(error.splitlines()), 1)
            self.assertIn(text, error)
            self.assertNotIn(str(self.scratch), error)
        self.assertEqual(self.deployment("cats")["current"]["version"], "2")
        self.assertEqual(list(self.scratch.glob("ringtrain-serve.*")), [])

    def test_a_place_without_a_model_ends_the_program(self):
        done = self.call(run_case.RINGTRAIN, "serve", "s3://training/runs/none", "--listen", "127.0.0.1:0")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assert_one_clear_line(done.stderr, "s3://training/runs/none: there is no model.pt: name the output of")


if __name__ == "__main__":
    serving_case.main()
