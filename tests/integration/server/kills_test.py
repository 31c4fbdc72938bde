#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the server, of a job's keeper, launcher and ranks: nothing is lost, and nothing runs twice.

  kills_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import os
import signal
import subprocess
import time
import unittest

import server_case
from server_case import ServerTest, run_case


class Kills(ServerTest):
    JOB = {"epochs": 150, "checkpoint": {"every_epochs": 1}, "evaluate_every_epochs": 50}

    def wait_for_checkpoint(self, name):
        """The job has a checkpoint and still trains."""
        output = self.dir / "jobs" / name / "output" / "checkpoints"
        self.wait_for(lambda: any(output.glob("*")) or None if output.exists() else None)

    def test_of_the_server_alone(self):
        self.submit("job", **self.JOB)
        self.wait_for_state("job", "Running")
        keeper = self.run_record("job", 1)["pid"]
        port = self.url.rsplit(":", 1)[1]
        self.stop_server(signal.SIGKILL)
        os.kill(keeper, 0)
        self.start_server(port)  # which no process of the job holds
        job = self.wait_for_state("job", "Succeeded")
        self.assertEqual(job["attempts"], 1)

    def test_of_everything_in_turn(self):
        self.submit("undisturbed", **self.JOB)
        self.wait_for_state("undisturbed", "Succeeded")
        self.submit("job", **self.JOB)
        self.wait_for_checkpoint("job")
        self.stop_server(signal.SIGKILL)
        os.kill(self.run_record("job", 1)["launcher"], signal.SIGKILL)  # while no server looks
        self.start_server()
        attempt = self.wait_for(lambda: (job := self.get("/api/v1/jobs/job"))["attempts"] > 1 and job or None)
        self.assertEqual(attempt["attempts"], 2)
        self.wait_for_state("job", "Running", "Finishing", "Succeeded")
        os.kill(self.run_record("job", 2)["pid"], signal.SIGKILL)  # its launcher gets SIGTERM then
        done = self.wait_for_state("job", "Succeeded")
        self.assertGreaterEqual(done["attempts"], 2)
        self.assertEqual(self.model("job"), self.model("undisturbed"))

    def test_of_the_index(self):
        self.submit("job", epochs=2)
        before = self.wait_for_state("job", "Succeeded")
        series = self.get("/api/v1/jobs/job/series")
        self.stop_server(signal.SIGKILL)
        index = self.dir / "index.db"
        size = index.stat().st_size
        damages = (lambda: index.unlink(), lambda: os.truncate(index, size // 3),
                   lambda: index.write_bytes(b"\xff" * size))
        for damage in damages:
            damage()
            for journal in self.dir.glob("index.db-*"):
                journal.unlink()
            self.start_server()
            self.assertEqual(self.get("/api/v1/jobs/job"), before)
            self.assertEqual(self.get("/api/v1/jobs/job/series"), series)
            self.stop_server(signal.SIGKILL)
        # A database that was cut within its first page is an empty one; this one is damaged.
        self.assertTrue((self.dir / "index.db.damaged").exists())
        self.assertIn("is rebuilt from the folders", (self.folder / "server.log").read_text())

    @unittest.skipUnless(os.geteuid() == 0, "needs root to mount a small disk")
    def test_of_a_full_disk(self):
        self.stop_server()
        disk = self.folder / "disk"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=320m", "none", disk], check=False).returncode != 0:
            self.skipTest("nothing can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=True)
        self.dir = disk / "server"
        self.start_server()
        self.submit("before", epochs=1000000)
        self.wait_for_state("before", "Running")
        with open(disk / "ballast", "wb") as ballast:
            try:
                while True:
                    os.write(ballast.fileno(), b"\0" * (1 << 20))
            except OSError:
                pass
        status, _, body = self.ask("POST", "/api/v1/jobs", self.job_text("new"))
        self.assertEqual(status, 507, body)
        self.assertEqual(self.ask("GET", "/readyz")[0], 503)
        self.assertFalse((self.dir / "jobs/new").exists())
        status, _, body = self.ask("POST", "/api/v1/jobs/before/stop")
        self.assertIn(status, (202, 507), body)
        time.sleep(2)  # ticks and saves on the full disk
        self.assertEqual(self.get("/api/v1/jobs/before")["name"], "before")
        self.stop_server(signal.SIGKILL)
        self.start_server()
        (disk / "ballast").unlink()
        self.ask("POST", "/api/v1/jobs/before/stop")
        self.wait_for_state("before", "Suspended", "Failed")
        self.submit("new", epochs=1)
        self.wait_for_state("new", "Succeeded")
        self.end_jobs()
        self.stop_server(signal.SIGTERM)
        self.dir = self.folder / "server"

    def test_of_a_second_server(self):
        done = self.call(run_case.RINGTRAIN, "server", self.dir, "--port", "0")
        self.assertEqual(done.returncode, 2)
        self.assert_one_clear_line(done.stderr, f"is served by process {self.server.pid} since", self.url)

    def test_of_runs_that_no_server_started(self):
        self.call(run_case.RINGTRAIN, "run", self.job, "--set", "max_steps=10", "--set",
                  f"output={self.dir / 'by-hand'}")
        self.stop_server(signal.SIGTERM)
        self.start_server()
        job = self.get("/api/v1/jobs/by-hand")
        self.assertEqual((job["state"], job["managed"], job["step"]), ("Succeeded", False, 10))
        self.assertEqual(self.ask("POST", "/api/v1/jobs/by-hand/stop")[0], 409)

    def test_keep_by_hand(self):
        folder = self.folder / "kept"
        done = self.call(run_case.RINGTRAIN, "keep", folder, "--", "run", self.job, "-n", "2", "--set", "epochs=2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.wait_for(lambda: (folder / "outcome.json").exists() or None)
        self.wait_until_all_are_gone_but_the_server()
        self.assertIn("test accuracy", (folder / "train.log").read_text())
        bad = self.call(run_case.RINGTRAIN, "keep", folder, "--", "validate")
        self.assertEqual(bad.returncode, 2)

    def wait_until_all_are_gone_but_the_server(self):
        self.wait_for(lambda: set(run_case.processes_with(str(self.folder))) <= {self.server.pid} or None)


if __name__ == "__main__":
    server_case.main()
