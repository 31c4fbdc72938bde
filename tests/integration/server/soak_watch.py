# SPDX-License-Identifier: Apache-2.0
"""Looks at the server's answers and at the kernel at the same time: a state that locks contradict is a lie."""

import fcntl
import os
import threading
import time

PATIENCE = 2.0   # seconds for which a state may be old
LIVE = {"Starting", "Running", "Restarting", "Finishing", "Suspending"}
DEAD = {"Queued", "Suspended", "Succeeded", "Failed"}


def is_locked(file):
    """Whether a run of ours holds it."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


def living_attempts(folder):
    """Attempts of a job that hold their lock."""
    attempts = folder / "attempts"
    if not attempts.is_dir():
        return []
    return [one.name for one in attempts.iterdir() if is_locked(one / "run.lock") or is_locked(one / "events.jsonl")]


class Watch(threading.Thread):
    """Compares until stop(). `ask` returns the list of jobs, or None while there is no server."""

    def __init__(self, jobs_folder, ask):
        super().__init__(daemon=True)
        self.folder, self.ask = jobs_folder, ask
        self.findings, self.looks = [], 0
        self.since = {}   # what contradicts, and since when
        self.stopping = threading.Event()

    def stop(self):
        self.stopping.set()
        self.join()

    def run(self):
        while not self.stopping.wait(0.25):
            jobs = self.ask()
            now = time.monotonic()
            if jobs is None:
                self.since.clear()   # nobody says anything
                continue
            self.looks += 1
            seen = {}
            for job in jobs:
                living = living_attempts(self.folder / job["name"])
                if len(living) > 1:
                    seen[f"{job['name']}: attempts {' and '.join(living)} run at the same time"] = 0.0
                if job["state"] in LIVE and not living:
                    seen[f"{job['name']}: is said to be {job['state']}, and nothing of it runs"] = PATIENCE
                if job["state"] in DEAD and living:
                    seen[f"{job['name']}: is said to be {job['state']}, and attempt {living[0]} runs"] = PATIENCE
            self.since = {what: self.since.get(what, now) for what in seen}
            for what, begun in self.since.items():
                if now - begun > seen[what] and what not in self.findings:
                    self.findings.append(what)
