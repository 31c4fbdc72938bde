#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The server beside a real S3 server: uploads past it, imports from a bucket, and jobs whose dataset and results are in
one. Needs no network but loopback.

  buckets_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.request

import datasets_test
import server_case
from datasets_test import table
from server_case import run_case

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "storage"))
import s3_server  # noqa: E402


class Buckets(server_case.ServerTest):
    options = ["--bucket", "s3://pets/team"]
    import_of, begin = datasets_test.Datasets.import_of, datasets_test.Datasets.begin
    end_of, imported = datasets_test.Datasets.end_of, datasets_test.Datasets.imported

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.buckets = cls.shared / "buckets"
        server = s3_server.running_server(cls.buckets)
        cls.s3 = server.__enter__()
        cls.addClassCleanup(server.__exit__, None, None, None)
        for bucket in ("pets", "other"):
            (cls.buckets / bucket / "team").mkdir(parents=True)
            shutil.copy(cls.dataset, cls.buckets / bucket / "team/digits.h5")

    def setUp(self):
        kept = dict(os.environ)
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(kept)))
        variables = s3_server.environment(self.s3)
        os.environ.clear()
        os.environ.update(variables)
        super().setUp()

    def post(self, path, **body):
        status, _, answer = self.ask("POST", path, json.dumps(body), content="application/json")
        return status, json.loads(answer)

    def straight(self, method, url, body=None):
        """Asks the bucket itself, without keys."""
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method=method),
                                    timeout=run_case.DEADLINE) as answer:
            return answer.headers, answer.read().decode()

    def test_a_table_goes_past_the_server_and_becomes_a_dataset(self):
        head, _, rows = table(120000).partition(b"\n")
        data = head + b"\n" + rows * 8
        self.assertGreater(len(data), 8 << 20)
        status, begun = self.post("/api/v1/bucket-uploads", file="sides.csv", bytes=len(data))
        self.assertEqual(status, 201, begun)
        self.assertRegex(begun["url"], r"^s3://pets/team/uploads/[0-9a-f]{32}/sides.csv$")
        upload_id = re.search(r"<UploadId>(.*)</UploadId>", self.straight("POST", begun["begin"], b"")[1])[1]
        status, parts = self.post("/api/v1/bucket-uploads/parts", url=begun["url"], upload_id=upload_id,
                                  bytes=len(data))
        self.assertEqual((status, sum(part["bytes"] for part in parts["parts"])), (200, len(data)), parts)
        at, done = 0, ""
        for part in parts["parts"]:
            headers, _ = self.straight("PUT", part["url"], data[at:at + part["bytes"]])
            at += part["bytes"]
            done += f"<Part><PartNumber>{part['number']}</PartNumber><ETag>{headers['ETag']}</ETag></Part>"
        self.straight("POST", parts["finish"],
                      f"<CompleteMultipartUpload>{done}</CompleteMultipartUpload>".encode())
        made = self.imported("sides", "csv", {"file": {"url": begun["url"]}})
        self.assertEqual(made["files"], {"file": begun["url"]})
        self.assertEqual(made["train_rows"] + made["test_rows"], data.count(b"\n") - 1)
        for secret in (s3_server.SECRET, "X-Amz-Signature"):
            self.assertNotIn(secret, json.dumps(self.get("/api/v1/operations")))

    def test_the_command_sends_a_table_past_the_server(self):
        data = self.folder / "sides.csv"
        data.write_bytes(table(400))
        for server, code, words in ((self.dir, 0, "sides: 360 training and 40 test rows"),
                                    (self.dir, 2, "sides")):
            done = subprocess.run(
                [run_case.RINGTRAIN, "dataset", "upload", str(data), "--name", "sides", "--kind", "csv", "--option",
                 "label=label", "--to-bucket", "--server", str(server)], capture_output=True, text=True,
                timeout=run_case.DEADLINE, check=False, env={**os.environ, "HOME": str(self.folder)})
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(words, done.stdout + done.stderr)
        made = self.get("/api/v1/datasets/sides")
        self.assertRegex(made["files"]["file"], r"^s3://pets/team/uploads/[0-9a-f]{32}/sides.csv$")

    def test_what_lies_elsewhere_is_refused_before_it_is_asked_for(self):
        for url, words in (("s3://other/team/digits.h5", "lies outside of what this server may use: s3://pets/team/"),
                           ("s3://pets/team/../x.h5", "without '.' and '..'"),
                           ("s3://pets/teams/x.h5", "lies outside")):
            status, _, body = self.import_of("x", "ringtrain", {"file": {"url": url}})
            self.assertEqual(status, 422, body)
            self.assertIn(words, body["errors"][0]["message"])
            status, _, answer = self.ask("POST", "/api/v1/jobs", self.job_text("x", dataset=url))
            self.assertEqual((status, json.loads(answer)["errors"][0]["path"]), (422, "dataset"))
        ended = self.end_of(self.begin("x", "ringtrain", {"file": {"url": "s3://pets/team/none.h5"}}))
        self.assertEqual(ended["error"], "s3://pets/team/none.h5: there is no such object")
        # An address in a private network that a job names is for nobody to read.
        name = self.submit("inside", dataset=f"https://{self.s3.split('//')[1]}/pets/team/digits.h5")["name"]
        self.assertIn("not an address of the public internet", self.wait_for_state(name, "Failed")["why"])

    def test_keys_with_odd_characters(self):
        for key in ("a b+c=d&e?f#g%h.h5", "\u00e4\u4e2d~!$'()*,;:@.h5", "deep//er/.h5x.h5"):
            place = self.buckets / "pets/team" / key
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.dataset, place)
            if "//" in key:  # a server on a folder takes both for one
                key = key.replace("//", "/")
            made = self.imported("odd", "ringtrain", {"file": {"url": f"s3://pets/team/{key}"}})
            self.assertEqual(made["train_rows"], run_case.TRAIN_ROWS)
            self.assertEqual(self.ask("DELETE", "/api/v1/datasets/odd")[0], 204)

    def test_a_job_from_a_bucket_to_a_bucket_and_a_model_on_the_server(self):
        self.submit("pets", dataset="s3://pets/team/digits.h5", output="s3://pets/team/runs", epochs=2)
        self.wait_for_state("pets", "Succeeded")
        there = self.buckets / "pets/team/runs/pets"
        for name in ("history.jsonl", "model.pt", "model.safetensors", "result.json"):
            here = self.dir / "jobs/pets/output" / name
            self.assertEqual((there / name).read_bytes(), here.read_bytes(), name)
        self.assertTrue(list(there.glob("checkpoints/*/manifest.json")))
        self.wait_for(lambda: self.get("/api/v1/models")["models"] or None)
        # As the seed's clients ask for it.
        status, _, body = self.ask("POST", "/jobs", json.dumps(
            {"job_name": "seed", "epochs": 1, "batch_size": 8, "world_size": 2,
             "dataset_uri": "s3://pets/team/digits.h5"}), content="application/json")
        self.assertEqual(status, 200, body)
        self.wait_for_state(json.loads(body)["job_name"], "Succeeded", "Failed")


if __name__ == "__main__":
    s3_server.find_versitygw()
    server_case.main()
