#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains under random faults, and checks that every job ends with the model of an undisturbed one, bit by bit, or with
a clear exit from which the same command resumes; and that nothing is left behind. Needs root; scripts/soak calls it."""

import argparse
import hashlib
import json
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

import bed as hosts
import soak_report
from soak_faults import Failed, Faults, Job, run_case

NODES = 2
DISK_MIB = 16


class Soak:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ringtrain-soak."))
        self.disk = self.folder / "disk"  # for outputs: small, and in our mount namespace alone
        self.disk.mkdir()
        hosts.run("mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(self.disk))
        self.bed = hosts.Bed(NODES)
        self.tally = soak_report.Tally()

    def close(self):
        self.bed.close()
        hosts.run("umount", str(self.disk))
        shutil.rmtree(self.folder)

    def write_dataset(self):
        for part, rows in (("train", run_case.TRAIN_ROWS), ("test", run_case.TEST_ROWS)):
            run_case.write_digits(self.folder, rows, part, 1)
        files = [str(self.folder / f"{part}-{what}") for part in ("train", "test") for what in ("images", "labels")]
        hosts.run(run_case.RINGTRAIN, "dataset", "import", "idx", *files, "-o", str(self.folder / "digits.h5"))

    def write_job(self, path, output, several_hosts):
        # One name for all: it stands in the model's file, whose bytes are compared.
        job = {"name": "soak", "model": "mlp", "hidden": [64],
               "dataset": str(self.folder / "digits.h5"), "batch_size": 32,
               "epochs": 1000, "max_steps": self.options.steps_on_hosts if several_hosts else self.options.steps,
               "evaluate_every_epochs": 10, "output": str(output), "restarts": 5,
               "checkpoint": {"every_steps": 50, "keep": 2}}
        path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in job.items()))
        return path

    def digest(self, job):
        return hashlib.sha256((job.output / "model.safetensors").read_bytes()).hexdigest()

    def undisturbed(self, several_hosts):
        job = Job(self, f"-undisturbed-{several_hosts}", several_hosts)
        begun = time.monotonic()
        job.start()
        if job.end() != 0:
            raise Failed(f"the undisturbed job fails:\n{job.said}")
        digest = self.digest(job)
        shutil.rmtree(job.output)
        print(f"undisturbed {'on two hosts' if several_hosts else 'on one host'}: {time.monotonic() - begun:.1f} s",
              flush=True)
        return digest

    def check_nothing_is_left(self, job):
        # A host that was cut off ends its ranks by itself within 9 s.
        if left := self.bed.left_behind(seconds=12):
            raise Failed(f"left behind: {left}\n{job.said[-3000:]}")
        return [str(path) for path in job.output.rglob("*")
                if path.name.startswith(".") or path.suffix in (".new", ".tmp", ".partial")]

    def disturb(self, job):
        """Makes one fault at a random moment; its name, or None where the job ended before."""
        job.ready.wait(self.random.choice([0.0, 0.3, 60, 60, 60]))
        time.sleep(self.random.random() * self.options.spread)
        kinds = [fault for fault in Faults(self).all() if fault.__name__ not in self.tally.not_available]
        while not job.over():
            fault = self.random.choice(kinds)
            undo = fault(job)
            if undo is False:
                if fault.__name__ == "delay_of_200_ms" and job.several_hosts:
                    self.tally.not_available.add(fault.__name__)
                kinds.remove(fault)
                if not kinds:
                    return None
                continue
            if undo is not None:
                job.process.poll()
                time.sleep(self.random.uniform(0.5, 10 if job.several_hosts else 2))
                undo()
            return fault.__name__
        return None

    def run_job(self, expected):
        several_hosts = self.random.random() < self.options.share_of_hosts
        job = Job(self, self.tally.jobs, several_hosts)
        self.tally.jobs += 1
        planned = self.random.randint(1, 4)
        happened = []
        job.start()
        for _ in range(8 + planned):
            while planned > 0 and not job.over():
                if name := self.disturb(job):
                    happened.append(name)
                    self.tally.faults[name] += 1
                planned -= 1
                job.ready.clear()
            code = job.end()
            self.tally.exits[code] += 1
            if code == 0:
                break
            last = job.said.strip().splitlines()[-1] if job.said.strip() else ""
            # Signals other than SIGKILL kill it before its handlers are installed.
            by_kill = -code in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if not by_kill and not (code in (2, 3, 4, 129, 130, 143) and last.startswith("ringtrain: ")):
                raise Failed(f"no clear exit: {code}, '{last}' after {happened}:\n{job.said[-3000:]}")
            if not by_kill and code in (2, 3, 4):
                self.tally.clear_lines.append(last)
            self.check_nothing_is_left(job)
            job.start()
        else:
            raise Failed(f"never finished, after {happened}:\n{job.said[-3000:]}")
        half = self.check_nothing_is_left(job)
        if half:
            raise Failed(f"half written: {half} after {happened}")
        if self.digest(job) != expected[several_hosts]:
            raise Failed(f"another model than undisturbed, after {happened}:\n{job.said[-5000:]}")
        result = json.loads((job.output / "result.json").read_text())
        if "recovery" in result:
            self.tally.recoveries.append(result["recovery"])
        where = "two hosts" if several_hosts else "one host "
        print(f"{self.tally.faults.total():4d} job {self.tally.jobs} on {where}: {', '.join(happened) or 'nothing'}: "
              "identical", flush=True)
        shutil.rmtree(job.output)

    def run(self):
        self.write_dataset()
        expected = {several: self.undisturbed(several) for several in (False, True)}
        end = time.monotonic() + 60 * self.options.minutes
        while self.tally.faults.total() < self.options.faults and time.monotonic() < end:
            self.run_job(expected)

    def report(self, seconds, failure):
        command = f"scripts/soak {' '.join(sys.argv[3:])}"
        return soak_report.write(self.tally, command, DISK_MIB, seconds, failure).replace(str(self.folder), "")


def main():
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=120, help="no new job after so long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=9000, help="of a job on one host")
    parser.add_argument("--steps-on-hosts", type=int, default=600)
    parser.add_argument("--spread", type=float, default=2, help="seconds that a fault comes late at most")
    parser.add_argument("--share-of-hosts", type=float, default=0.5, help="of jobs that run on two hosts")
    parser.add_argument("--report", help="writes the report to this file")
    run_case.RINGTRAIN, run_case.WORKER = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
    options = parser.parse_args(sys.argv[3:])
    if reason := hosts.why_not():
        sys.exit(f"soak: {reason}")
    soak = Soak(options)
    begun = time.monotonic()
    failure = ""
    try:
        soak.run()
    except Failed as error:
        failure = str(error)
    finally:
        report = soak.report(time.monotonic() - begun, failure)
        soak.close()
    print(report)
    if options.report:
        pathlib.Path(options.report).write_text(report)
    if failure:
        sys.exit(f"soak: {failure}")


if __name__ == "__main__":
    main()
