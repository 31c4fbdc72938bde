# SPDX-License-Identifier: Apache-2.0
"""A job that trains on both cores beside the server, as fast as the machine lets it; and what viewers cost it."""

import calendar
import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import time

NICE = 5   # as the server starts its jobs


class Training:
    """Ranks on every core until it is left. Its rate is that of its own reports."""

    def __init__(self, ringtrain, dataset, folder, ranks=2):
        self.output = folder / "training"
        job = folder / "training.yaml"
        job.write_text(f"model: lenet\ndataset: {dataset}\nepochs: 1000000\nbatch_size: 128\n"
                       f"output: {self.output}\nevaluate_every_epochs: 1000000\n")
        self.events = folder / "training-events.jsonl"
        self.process = subprocess.Popen([ringtrain, "run", job, "-n", str(ranks), "--events"], stdin=subprocess.DEVNULL,
                                        stdout=open(self.events, "wb"), stderr=subprocess.DEVNULL,
                                        preexec_fn=lambda: os.nice(NICE))

    def __enter__(self):
        while not self.steps():
            if self.process.poll() is not None:
                raise SystemExit("load: the job beside the server does not run")
            time.sleep(0.1)
        time.sleep(3)   # the first steps are slower
        return self

    def __exit__(self, *error):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        shutil.rmtree(self.output, ignore_errors=True)   # the next one does not resume

    def steps(self):
        """(Unix seconds, step) of every report."""
        found = []
        for line in self.events.read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                event = json.loads(line.lstrip(b"\x1e"))
                if event["event"] == "step":
                    found.append((event["time"], event["step"]))
        return found


def seconds_of(stamp):
    whole, _, rest = stamp.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + (rest or "0"))


def rate_between(training, begin, end):
    """Steps a second between the first and the last report of this time."""
    inside = [(seconds_of(at), step) for at, step in training.steps() if begin <= seconds_of(at) <= end]
    if len(inside) < 2:
        raise SystemExit("load: the job beside the server reported too rarely: give it more --seconds")
    (first, low), (last, high) = inside[0], inside[-1]
    return (high - low) / (last - first)


def burn(share):
    """Takes this share of a core, in slices of 20 ms."""
    while True:
        stop = time.process_time() + 0.02 * share
        while time.process_time() < stop:
            pass
        time.sleep(0.02 * (1 - min(share, 1)))


@contextlib.contextmanager
def burner(share):
    process = multiprocessing.Process(target=burn, args=(share,), daemon=True)
    process.start()
    yield
    process.kill()
    process.join()
