#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs of a server under random faults. Every job must end with the model of an undisturbed one, no acknowledged job
may be lost or made twice, and no state may be shown that the kernel contradicts for more than two seconds.

  soak.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [--seconds N] [--seed N] [--report FILE]

scripts/soak --server runs it where a small disk can be mounted.
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time
import unittest
import uuid

import server_case
from server_case import ServerTest, run_case
from soak_watch import LIVE, Watch, living_attempts

AT_A_TIME = 3          # jobs that are not at their end
RECOVERY = 600         # seconds for all jobs to end once nothing happens any more
RANKS = (1, 2)
SEEDS = (1, 2)


def end(process, how=signal.SIGKILL):
    try:
        os.kill(process, how)
        return True
    except (ProcessLookupError, PermissionError):
        return False


class Soak(ServerTest):
    seconds, seed, report = 120, 1, None
    JOB = {"epochs": 40, "checkpoint": {"every_epochs": 1}, "evaluate_every_epochs": 20, "restarts": 100}

    def setUp(self):
        run_case.DEADLINE = RECOVERY   # ranks of several jobs share the cores
        self.choose = random.Random(self.seed)
        self.counts = {}
        self.expected = {}   # name: (seed, ranks)
        self.resumed_after_full_disk = 0
        self.lock = threading.Lock()   # of the server's process
        super().setUp()
        self.stop_server(signal.SIGTERM)
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m", "none", self.disk], check=False).returncode == 0:
            self.addCleanup(subprocess.run, ["umount", "-l", self.disk], check=False)
            self.dir = self.disk / "server"
        else:
            self.disk = None
        self.start_server()

    def ask(self, *request, **headers):
        try:
            return super().ask(*request, **headers)
        except http.client.HTTPException as cut:   # the server was killed within its answer
            raise ConnectionError(str(cut)) from cut

    def file_of(self, name, seed):
        return self.job_text(name, seed=seed, **self.JOB)

    def jobs_now(self):
        """The server's list; None while it is away."""
        try:
            return [job for job in self.get("/api/v1/jobs?limit=500")["jobs"] if job["managed"]]
        except (OSError, ValueError, AssertionError):
            return None

    def unfinished(self):
        return [job for job in self.jobs_now() or [] if job["state"] != "Succeeded"]

    # Work.

    def post_until_acknowledged(self, name, seed, ranks):
        """A client that sends again whatever it got no answer to."""
        key = str(uuid.uuid4())
        while True:
            try:
                status, _, body = self.ask("POST", f"/api/v1/jobs?ranks={ranks}", self.file_of(name, seed),
                                           Idempotency_Key=key)
                if status in (200, 201):
                    self.expected[name] = (seed, ranks)
                    return
                self.assertIn(status, (503, 507), body)
            except OSError:
                pass
            self.heal()
            time.sleep(0.2)

    def add_jobs(self):
        while len(self.unfinished()) < AT_A_TIME:
            number = len(self.expected)
            self.post_until_acknowledged(f"job-{number}", self.choose.choice(SEEDS), self.choose.choice(RANKS))

    def heal(self):
        """Does an owner's work: the disk has room, and the server runs."""
        if self.disk:
            (self.disk / "ballast").unlink(missing_ok=True)
        with self.lock:
            if self.server is None or self.server.poll() is not None:
                self.stop_server()
                self.start_server()

    # Faults. Each returns whether there was something to hit.

    def living_run(self):
        running = [job["name"] for job in self.unfinished() if job["state"] in LIVE]
        for name in self.choose.sample(running, len(running)):
            for attempt in living_attempts(self.dir / "jobs" / name):
                try:
                    return name, attempt, self.run_record(name, attempt)
                except (OSError, ValueError):
                    continue
        return None

    def kill_server(self):
        with self.lock:
            self.stop_server(signal.SIGKILL)
        time.sleep(self.choose.choice((0, 0.5, 2)))
        return True

    def kill_keeper(self):
        run = self.living_run()
        return bool(run) and end(run[2]["pid"])

    def kill_launcher(self):
        run = self.living_run()
        return bool(run) and end(run[2]["launcher"])

    def kill_rank(self):
        run = self.living_run()
        if not run:
            return False
        ranks = [process for process, line in run_case.processes_with(str(self.dir / "jobs" / run[0])).items()
                 if "ringtrain-worker" in line.split(" ")[0]]
        return bool(ranks) and end(self.choose.choice(ranks))

    def kill_all_of_a_run(self):
        run = self.living_run()
        if not run:
            return False
        return any([end(process) for process in run_case.processes_with(str(self.dir / "jobs" / run[0]))])

    def kill_while_posting(self):
        sender = threading.Timer(self.choose.uniform(0, 0.02), self.kill_server)
        sender.start()
        self.post_until_acknowledged(f"job-{len(self.expected)}", 1, 1)
        sender.join()
        return True

    def fill_disk(self):
        if not self.disk:
            return False
        with open(self.disk / "ballast", "wb") as ballast:
            try:
                while True:
                    os.write(ballast.fileno(), b"\0" * (1 << 20))
            except OSError:
                pass
        time.sleep(1.5)
        if self.choose.random() < 0.5:
            self.kill_server()
        return True

    def start_second_server(self):
        done = self.call(run_case.RINGTRAIN, "server", self.dir, "--port", "0")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("is served by process", done.stderr)
        return True

    def stop_and_resume(self):
        running = [job["name"] for job in self.unfinished() if job["state"] == "Running"]
        if not running:
            return False
        name = self.choose.choice(running)
        self.ask("POST", f"/api/v1/jobs/{name}/stop")
        return True   # resume_stopped() resumes it

    def resume_stopped(self):
        """An owner resumes what was stopped, and what failed on a full disk: it said so, and there is room again."""
        for job in self.unfinished():
            was_full = job["state"] == "Failed" and "No space left on device" in job["why"]
            if job["state"] == "Suspended" or was_full:
                status, _, body = self.ask("POST", f"/api/v1/jobs/{job['name']}/resume")
                self.assertIn(status, (202, 409, 503, 507), body)
                self.resumed_after_full_disk += was_full and status == 202

    def damage_index(self, how):
        index = self.dir / "index.db"
        runs_on = self.choose.random() < 0.5
        if not runs_on:
            with self.lock:
                self.stop_server(signal.SIGKILL)
        size = index.stat().st_size if index.exists() else 0
        if size:
            how(index, size)
        return size > 0

    def delete_index(self):
        return self.damage_index(lambda index, size: index.unlink())

    def cut_index(self):
        return self.damage_index(lambda index, size: os.truncate(index, self.choose.randrange(size)))

    def flip_bits_of_index(self):
        def flip(index, size):
            with open(index, "r+b") as file:
                for _ in range(8):
                    place = self.choose.randrange(size)
                    file.seek(place)
                    byte = file.read(1)[0] ^ 1 << self.choose.randrange(8)
                    file.seek(place)
                    file.write(bytes([byte]))
        return self.damage_index(flip)

    FAULTS = (kill_server, kill_server, kill_keeper, kill_launcher, kill_rank, kill_rank, kill_all_of_a_run,
              kill_while_posting, fill_disk, start_second_server, stop_and_resume, delete_index, cut_index,
              flip_bits_of_index)

    # The soak.

    def undisturbed_models(self):
        for seed in SEEDS:
            for ranks in RANKS:
                name = f"undisturbed-{seed}-{ranks}"
                status, _, body = self.ask("POST", f"/api/v1/jobs?ranks={ranks}", self.file_of(name, seed))
                self.assertEqual(status, 201, body)
        return {(seed, ranks): self.wait_for_state(f"undisturbed-{seed}-{ranks}", "Succeeded") and
                self.model(f"undisturbed-{seed}-{ranks}") for seed in SEEDS for ranks in RANKS}

    def disturb(self):
        end_at = time.monotonic() + self.seconds
        while time.monotonic() < end_at:
            self.heal()
            self.add_jobs()
            self.resume_stopped()
            fault = self.choose.choice(self.FAULTS)
            if fault(self):
                self.counts[fault.__name__] = self.counts.get(fault.__name__, 0) + 1
                print(f"{time.monotonic() - end_at + self.seconds:6.1f} s  {fault.__name__}", flush=True)
            self.heal()
            time.sleep(self.choose.uniform(0, 2))

    def test_every_job_ends_as_undisturbed(self):
        models = self.undisturbed_models()
        watch = Watch(self.dir / "jobs", self.jobs_now)
        watch.start()
        self.disturb()
        deadline = time.monotonic() + RECOVERY
        while (left := self.unfinished()) or self.jobs_now() is None:
            self.assertLess(time.monotonic(), deadline, [(job["name"], job["state"], job["why"]) for job in left])
            self.heal()
            self.assertEqual([(job["name"], job["why"]) for job in left
                              if job["state"] == "Failed" and "No space left on device" not in job["why"]], [])
            self.resume_stopped()
            time.sleep(0.5)
        watch.stop()
        made = {job["name"]: job["attempts"] for job in self.jobs_now()
                if not job["name"].startswith("undisturbed")}
        self.assertEqual(set(made), set(self.expected), "jobs were lost, or made without a request")
        wrong = [name for name, kind in self.expected.items() if self.model(name) != models[kind]]
        self.write_report(made, watch, wrong)
        self.assertEqual(wrong, [], "other models than undisturbed")
        self.assertEqual(watch.findings, [])

    def write_report(self, made, watch, wrong):
        told = {"seconds": self.seconds, "seed": self.seed, "jobs": len(made), "attempts": sum(made.values()),
                "faults": sum(self.counts.values()), "faults_by_kind": dict(sorted(self.counts.items())),
                "other_models": wrong, "looks": watch.looks, "contradictions": watch.findings,
                "small_disk": self.disk is not None, "resumed_after_full_disk": self.resumed_after_full_disk}
        print(json.dumps(told, indent=1))
        if self.report:
            pathlib.Path(self.report).write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ringtrain")
    parser.add_argument("worker")
    parser.add_argument("--seconds", type=int, default=120, help="how long faults happen (120)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed chooses the same faults (1)")
    parser.add_argument("--report", help="write the counts to this file")
    options = parser.parse_args()
    Soak.seconds, Soak.seed, Soak.report = options.seconds, options.seed, options.report
    sys.argv = [sys.argv[0], options.ringtrain, options.worker]
    server_case.main()
