#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs whose dataset, first weights and output are on a real S3 server:

  run_on_s3_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

import s3_server

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "run"))
import run_case  # noqa: E402
from run_case import RunTest  # noqa: E402

EPOCHS = 3
run_case.DEADLINE = 180  # seconds until something hangs: each request passes a proxy in Python


class RunsOnS3(RunTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bucket = cls.shared / "buckets/data"
        server = s3_server.running_server(cls.bucket.parent)
        cls.server = server.__enter__()
        cls.addClassCleanup(server.__exit__, None, None, None)
        cls.bucket.mkdir()
        # Small blocks, so that there are many.
        run_case.subprocess.run([run_case.RINGTRAIN, "dataset", "import", "idx", *cls.idx_files, "--block-rows", "8",
                                 "-o", cls.bucket / "digits.h5"], check=True, stdout=run_case.subprocess.DEVNULL)
        cls.dataset = cls.bucket / "digits.h5"

    def setUp(self):
        super().setUp()
        self.machine = tempfile.mkdtemp(dir=self.folder)
        self.use(self.server)

    def tearDown(self):
        self.wait_until_all_are_gone()
        super().tearDown()

    def use(self, url):
        """Has all programs speak to this server, on a machine whose disk is empty."""
        kept = dict(os.environ)
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(kept)))
        variables = s3_server.environment(url)
        os.environ.clear()
        scratch = tempfile.mkdtemp(dir=self.folder)
        os.environ.update(variables, RINGTRAIN_CACHE=f"{scratch}/cache", TMPDIR=str(self.folder))

    def fails(self, code, text, *sets):
        overrides = [word for key_value in sets for word in ("--set", key_value)]
        done = self.call(run_case.RINGTRAIN, "run", self.job, "-n", "2", *overrides)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(text, done.stderr.strip().splitlines()[-1])

    def assert_same(self, one, other):
        for name in ("train_loss", "test_loss", "test_accuracy", "order_hash", "steps"):
            self.assertEqual(one[name], other[name], name)


class Datasets(RunsOnS3):
    def test_are_read_as_if_they_were_here_and_not_more_than_needed(self):
        expected = self.run_job(2, f"epochs={EPOCHS}", "device=cpu")
        size = self.dataset.stat().st_size
        with s3_server.running_proxy(self.server) as proxy:
            self.use(proxy.url)
            found = self.run_job(2, f"epochs={EPOCHS}", "dataset=s3://data/digits.h5")
            self.assert_same(found, expected)
            # All of it fits into the cache: nothing is fetched twice.
            self.assertLessEqual(proxy.bytes, 1.05 * size + (256 << 10))
            proxy.bytes = 0
            # A third of it fits. Each of the epochs fetches what gave way, once.
            found = self.run_job(2, f"epochs={EPOCHS}", "dataset=s3://data/digits.h5",
                                 f"dataset_cache.gib={size / 3 / 2**30}")
            self.assert_same(found, expected)
            self.assertGreater(proxy.bytes, 1.5 * size)
            self.assertLessEqual(proxy.bytes, EPOCHS * 1.05 * size + (256 << 10))

    def test_come_through_every_fault(self):
        expected = self.run_job(2, "epochs=1")
        for fault in ("busy", "broken", "cut", "clock"):
            with self.subTest(fault), s3_server.running_proxy(self.server, fault) as proxy:
                self.use(proxy.url)
                self.assert_same(self.run_job(2, "epochs=1", "dataset=s3://data/digits.h5"), expected)

    def test_that_change_or_are_damaged_end_the_job(self):
        damaged = bytearray(self.dataset.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        (self.bucket / "damaged.h5").write_bytes(damaged)
        self.fails(3, "s3://data/damaged.h5: /train/x: damaged (wrong checksum)", "dataset=s3://data/damaged.h5")
        self.fails(3, "s3://data/none.h5: there is no such object", "dataset=s3://data/none.h5")
        self.fails(3, "dataset_cache.gib: ", "dataset=s3://data/digits.h5", "dataset_cache.gib=0.00001")
        # Objects that were put into the server's folder by hand have no ETag.
        self.call(run_case.RINGTRAIN, "dataset", "import", "idx", *self.idx_files, "-o", "s3://data/pinned.h5",
                  "--force")
        with s3_server.running_proxy(self.server, "etag") as proxy:
            self.use(proxy.url)
            self.fails(3, "s3://data/pinned.h5: has changed since it was opened", "dataset=s3://data/pinned.h5")

    def test_first_weights_come_from_a_url(self):
        self.run_job(1, "epochs=1")
        shutil.copy(self.output / "model.safetensors", self.bucket / "first.safetensors")
        expected = self.run_job(1, "epochs=1", f"initialize_from={self.bucket}/first.safetensors")
        found = self.run_job(1, "epochs=1", "initialize_from=s3://data/first.safetensors")
        self.assert_same(found, expected)


class Results(RunsOnS3):
    def setUp(self):
        super().setUp()
        self.there = self.bucket / "runs/a"
        shutil.rmtree(self.there, ignore_errors=True)

    def names(self):
        return sorted(str(path.relative_to(self.there)) for path in self.there.rglob("*") if path.is_file())

    def train(self, epochs, *sets):
        return self.run_job(2, f"epochs={epochs}", "output=s3://data/runs/a", "checkpoint.resume=auto", *sets)

    def test_go_up_and_a_machine_with_an_empty_disk_resumes_from_them(self):
        expected = self.run_job(2, f"epochs={EPOCHS}")
        first = self.train(1)
        self.assertEqual(first["model"], "s3://data/runs/a/model.safetensors")
        for name in (".ringtrain", "history.jsonl", "model.pt", "model.safetensors", "result.json",
                     "checkpoints/step-00000052/manifest.json"):
            self.assertIn(name, self.names())
        self.use(self.server)
        self.assert_same(self.train(EPOCHS), expected)
        self.assertEqual((self.there / "model.safetensors").read_bytes(),
                         (self.output / "model.safetensors").read_bytes())
        epochs = [json.loads(line) for line in (self.there / "history.jsonl").read_text().splitlines()]
        self.assertEqual([line["epoch"] for line in epochs if "epoch" in line][-1], EPOCHS)
        # Two checkpoints are kept, there as here; the best may be a third.
        steps = {name.split("/")[1] for name in self.names() if name.startswith("checkpoints/")}
        self.assertIn("step-00000156", steps)
        self.assertLessEqual(len(steps), 3)
        # Complete already, on a third machine.
        self.use(self.server)
        self.assert_same(self.train(EPOCHS), expected)

    def test_come_through_every_fault(self):
        for fault in ("busy", "broken", "cut", "clock"):
            with self.subTest(fault), s3_server.running_proxy(self.server, fault) as proxy:
                shutil.rmtree(self.there, ignore_errors=True)
                self.use(proxy.url)
                self.train(1)
                self.assertIn("result.json", self.names())

    def test_a_killed_rank_loses_nothing_that_was_there(self):
        expected = self.run_job(2, "epochs=30")
        self.job = self.write_job(output="s3://data/runs/a", epochs=30,
                                  checkpoint={"resume": "auto", "every_steps": 20})
        launcher, workers = self.start()
        while not any(name.endswith("manifest.json") for name in self.names()):
            self.assertIsNone(launcher.poll(), "the run ended before a checkpoint was there")
            time.sleep(0.02)  # until the first checkpoint is there
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        launcher.kill()
        launcher.wait()
        self.wait_until_all_are_gone(30)
        self.use(self.server)
        self.assert_same(self.train(30), expected)

    def test_that_cannot_be_written_end_the_job_before_it_trains(self):
        self.fails(3, "output: ", "output=s3://no-bucket/runs/a")
        os.environ["AWS_SECRET_ACCESS_KEY"] = "wrong"
        self.fails(3, "are the keys of AWS_ACCESS_KEY_ID the right ones", "output=s3://data/runs/a")
        self.fails(2, "output: must be a folder, or s3://BUCKET/PREFIX", "output=https://host/runs")
        self.assertFalse(self.there.exists())


if __name__ == "__main__":
    s3_server.find_versitygw()
    run_case.main()
