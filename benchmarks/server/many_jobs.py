# SPDX-License-Identifier: Apache-2.0
"""A server's folder with many jobs, as if they had run: all but a few have ended, the others hold their locks."""

import fcntl
import json
import time

CREATED = 1_790_000_000   # Unix seconds of the oldest job


def stamp(seconds):
    whole = int(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int(1000 * (seconds - whole)):03d}Z"


def step_line(step, seconds, **more):
    event = {"event": "step", "step": step, "steps": 4000, "epoch": 1 + step // 1000, "epochs": 4,
             "loss": 2.3 / (1 + step / 500), "samples_per_second": 20000.0, "seconds_left": (4000 - step) / 150,
             "learning_rate": 0.05, "time": stamp(seconds), "attempt": 1, **more}
    return json.dumps(event) + "\n"


def started_line(seconds):
    event = {"event": "started", "ranks": 2, "model": "lenet", "time": stamp(seconds), "attempt": 1,
             "placement": [{"rank": rank, "host": "node", "device": "cpu"} for rank in range(2)]}
    return json.dumps(event) + "\n"


def make_job(folder, number, runs, steps):
    name = f"job-{number:05d}"
    place = folder / "jobs" / name
    attempt = place / "attempts/1"
    attempt.mkdir(parents=True)
    (place / "output").mkdir()
    created = CREATED + 60 * number
    text = f"name: {name}\nmodel: lenet\ndataset: data/mnist.h5\nepochs: 4\nbatch_size: 128\n"
    (place / "job.yaml").write_text(text)
    understood = json.dumps({"name": name, "model": "lenet", "batch_size": 128, "epochs": 4, "seed": number})
    (place / "job.json").write_text(json.dumps({
        "version": 1, "name": name, "created": stamp(created), "by": "owner", "ranks": 1, "restarts": 3,
        "overrides": [], "warnings": [], "model": "lenet", "dataset": "mnist.h5", "script": "",
        "understood": understood}) + "\n")
    (place / "intent.jsonl").write_text(json.dumps(
        {"desired": "run", "first_attempt": 1, "ranks": 0, "time": stamp(created), "by": "owner"}) + "\n")
    lines = [started_line(created)] + [step_line(step, created + step / 150) for step in range(40, 40 * steps + 1, 40)]
    (attempt / "events.jsonl").write_text("".join(lines))
    if runs:
        lock = open(attempt / "run.lock", "w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        return attempt, lock
    (attempt / "outcome.json").write_text(json.dumps({
        "version": 1, "status": "finished", "exit_code": 0, "cause": "", "attempts": 1, "started": stamp(created),
        "ended": stamp(created + 300)}) + "\n")
    return attempt, None


LONG = 20   # jobs, the first ones, whose charts are full


def make_folder(folder, jobs, running, steps=20, steps_of_long=2048):
    """Returns the attempts of the jobs that run, with the locks that make them live."""
    living = []
    for number in range(jobs):
        attempt, lock = make_job(folder, number, number >= jobs - running,
                                 steps_of_long if number < LONG else steps)
        if lock:
            living.append((attempt, lock))
    return living
