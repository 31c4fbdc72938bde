#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains under random faults, and checks that every job ends with the model of an undisturbed one, bit by bit, or with a
clear exit from which the same command goes on; and that nothing is left behind. Needs root; scripts/soak calls it."""

import argparse
import collections
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "integration" / "run"))
import bed as hosts  # noqa: E402
import run_case  # noqa: E402

NODES = 2
DISK_MIB = 16


class Failed(Exception):
    """What must not happen."""


class Job:
    """One job, started again by the same command until it is finished, with faults on the way."""

    def __init__(self, soak, number, several_hosts):
        self.soak = soak
        self.bed = soak.bed
        self.several_hosts = several_hosts
        self.output = soak.disk / f"job{number}"
        self.file = soak.write_job(soak.folder / f"job{number}.yaml", self.output, several_hosts)
        self.said = ""
        self.process = None
        self.ready = threading.Event()

    def start(self):
        where = ["--hostfile", str(self.bed.folder / "hostfile")] if self.several_hosts else ["-n", "2"]
        self.ready.clear()
        self.process = self.bed.popen(
            "login", [run_case.RINGTRAIN, "run", str(self.file), *where, "--host-timeout", "60", "--start-timeout", "60"],
            text=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.reader = threading.Thread(target=self.read, args=(self.process,))
        self.reader.start()

    def read(self, process):
        for line in process.stderr:
            self.said += line
            if line.startswith("training") or "checkpoint of step" in line:
                self.ready.set()
        self.ready.set()

    def over(self):
        return self.process.poll() is not None

    def end(self, seconds=240):
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"still there after {seconds} s:\n{self.said[-3000:]}") from None
        self.reader.join()
        self.process.stderr.close()
        return code

    def workers(self):
        names = self.bed.names[1:] if self.several_hosts else ["login"]
        return [process for name in names if name in self.bed.hosts for process, line in self.bed.processes(name)
                if line.startswith(run_case.WORKER)]

    def one_of(self, program, names=("login",)):
        return [process for name in names for process, line in self.bed.processes(name)
                if line.split(" ", 1)[0].rsplit("/", 1)[-1] == program]

    def checkpoints(self):
        return sorted(self.output.glob("checkpoints/step-*"))


class Faults:
    """Each returns what undoes it, or None; False where there was nothing to disturb."""

    def __init__(self, soak):
        self.soak, self.bed, self.random = soak, soak.bed, soak.random

    def kill(self, processes, number=signal.SIGKILL):
        if not processes:
            return False
        try:
            os.kill(self.random.choice(processes), number)
        except ProcessLookupError:
            return False

    def killed_rank(self, job):
        return self.kill(job.workers())

    def paused_rank(self, job):
        return self.kill(job.workers(), signal.SIGSTOP)

    def killed_mpirun(self, job):
        return self.kill(job.one_of("mpirun"))

    def killed_launcher(self, job):
        job.process.kill()

    def signalled_launcher(self, job):
        job.process.send_signal(self.random.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP]))

    def killed_daemon_of_mpirun(self, job):
        return self.kill(job.one_of("orted", self.bed.names[1:])) if job.several_hosts else False

    def on_a_node(self, job, do, undo):
        if not job.several_hosts:
            return False
        name = self.random.choice(self.bed.names[1:])
        return False if do(name) is False else lambda: undo(name)

    def killed_sshd(self, job):
        return self.on_a_node(job, self.bed.kill_sshd, self.bed.start_sshd)

    def link_down(self, job):
        return self.on_a_node(job, lambda name: self.bed.link(name, up=False), lambda name: self.bed.link(name, up=True))

    def lost_host(self, job):
        return self.on_a_node(job, self.bed.lose, self.bed.start)

    def delay_of_200_ms(self, job):
        return self.on_a_node(job, lambda name: self.bed.delay(name, 200), lambda name: self.bed.delay(name, 0))

    def full_disk(self, job):
        filler = self.soak.disk / "filler"
        try:
            with open(filler, "wb") as file:
                while True:
                    file.write(bytes(1 << 16))
                    file.flush()
        except OSError:
            pass
        return lambda: filler.unlink(missing_ok=True)

    def read_only_output(self, job):
        hosts.run("mount", "-o", "remount,ro", str(self.soak.disk))
        return lambda: hosts.run("mount", "-o", "remount,rw", str(self.soak.disk))

    def damaged_checkpoint(self, job):
        """And a killed rank, so that it is read."""
        found = job.checkpoints()
        files = [file for file in found[-1].iterdir() if file.stat().st_size > 0] if found else []
        if not files:
            return False
        file = self.random.choice(files)
        content = bytearray(file.read_bytes())
        if self.random.random() < 0.5:
            content[self.random.randrange(len(content))] ^= 0x20
        else:
            content = content[:len(content) // 2]
        file.write_bytes(content)
        return self.kill(job.workers())

    def all(self):
        return [self.killed_rank, self.paused_rank, self.killed_mpirun, self.killed_launcher, self.signalled_launcher,
                self.killed_daemon_of_mpirun, self.killed_sshd, self.link_down, self.lost_host, self.delay_of_200_ms,
                self.full_disk, self.read_only_output, self.damaged_checkpoint]


class Soak:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ringtrain-soak."))
        self.disk = self.folder / "disk"  # of the outputs: small, and of our mount namespace alone
        self.disk.mkdir()
        hosts.run("mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(self.disk))
        self.bed = hosts.Bed(NODES)
        self.done = collections.Counter()
        self.not_available = set()
        self.exits = collections.Counter()
        self.clear_exits = []
        self.recoveries = []
        self.jobs = 0

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
        job = {"name": "soak", "model": "mlp", "hidden": [64], "dataset": str(self.folder / "digits.h5"), "batch_size": 32,
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
        half = [str(path) for path in job.output.rglob("*")
                if path.name.startswith(".") or path.suffix in (".new", ".tmp", ".partial")] if job.output.exists() else []
        return half

    def disturb(self, job):
        """One fault at a random moment; its name, or None where the job was quicker."""
        job.ready.wait(self.random.choice([0.0, 0.3, 60, 60, 60]))
        time.sleep(self.random.random() * self.options.spread)
        kinds = [fault for fault in Faults(self).all() if fault.__name__ not in self.not_available]
        while not job.over():
            fault = self.random.choice(kinds)
            undo = fault(job)
            if undo is False:
                if fault.__name__ == "delay_of_200_ms" and job.several_hosts:
                    self.not_available.add(fault.__name__)
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
        job = Job(self, self.jobs, several_hosts)
        self.jobs += 1
        planned = self.random.randint(1, 4)
        happened = []
        job.start()
        for _ in range(8 + planned):
            while planned > 0 and not job.over():
                if name := self.disturb(job):
                    happened.append(name)
                    self.done[name] += 1
                planned -= 1
                job.ready.clear()
            code = job.end()
            self.exits[code] += 1
            if code == 0:
                break
            last = job.said.strip().splitlines()[-1] if job.said.strip() else ""
            # Other signals than SIGKILL end it so before it listens to them.
            by_kill = -code in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if not by_kill and not (code in (2, 3, 4, 129, 130, 143) and last.startswith("ringtrain: ")):
                raise Failed(f"no clear exit: {code}, '{last}' after {happened}:\n{job.said[-3000:]}")
            if not by_kill:
                self.clear_exits.append((code, happened[-1] if happened else "", last))
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
            self.recoveries.append(result["recovery"])
        print(f"{sum(self.done.values()):4d} job {self.jobs} on {'two hosts' if several_hosts else 'one host '}: "
              f"{', '.join(happened) or 'nothing'}: identical", flush=True)
        shutil.rmtree(job.output)

    def run(self):
        self.write_dataset()
        expected = {several: self.undisturbed(several) for several in (False, True)}
        end = time.monotonic() + 60 * self.options.minutes
        while sum(self.done.values()) < self.options.faults and time.monotonic() < end:
            self.run_job(expected)

    def report(self, seconds, failure):
        faults = sum(self.done.values())
        lost = sorted(recovery["seconds_lost"] / recovery["restarts"] for recovery in self.recoveries)
        lines = ["# Soak: training under random faults", "",
                 f"`scripts/soak {' '.join(sys.argv[3:])}`, {time.strftime('%Y-%m-%d', time.gmtime())}: {faults} faults in "
                 f"{self.jobs} jobs, {seconds / 60:.0f} minutes, {os.cpu_count()} cores. Jobs of 2 ranks, on one host (shared "
                 f"memory) or on two (namespaces with an sshd each), checkpoints every 50 steps to a tmpfs of "
                 f"{DISK_MIB} MiB.", "",
                 f"**{'Failed: ' + failure.splitlines()[0] if failure else 'Every job ended with the model of the undisturbed job, bit by bit.'}** "
                 "After each job there was no process, no file in /dev/shm and no half-written file left on any host.", "",
                 "| fault | times |", "|---|---:|"]
        lines += [f"| {name.replace('_', ' ')} | {count} |" for name, count in sorted(self.done.items())]
        lines += [f"| {name.replace('_', ' ')} | not possible here |" for name in sorted(self.not_available)]
        lines += ["", "| how `ringtrain run` ended | times |", "|---|---:|"]
        names = {0: "0, model finished", -9: "killed by SIGKILL", -1: "SIGHUP, at once", -2: "SIGINT, at once",
                 -15: "SIGTERM, at once", 4: "4, clear line", 129: "129, SIGHUP", 130: "130, SIGINT",
                 143: "143, SIGTERM", 2: "2, clear line", 3: "3, clear line"}
        lines += [f"| {names.get(code, code)} | {count} |" for code, count in sorted(self.exits.items())]
        lines += ["", "After every end other than 0 the same command was started again, and resumed from the newest good "
                  "checkpoint."]
        if lost:
            lines += ["", f"Seconds lost by a restart without leaving `ringtrain run` (from the last step before the fault to "
                      f"the same step after it; a job's mean over its restarts), {len(lost)} jobs: median "
                      f"{lost[len(lost) // 2]:.1f}, largest {lost[-1]:.1f}. A lost or cut-off host is waited for, and a "
                      "paused rank counts as hung after 10 s."]
        fours = [last for code, _, last in self.clear_exits if code in (2, 3, 4)]
        if fours:
            lines += ["", "The clear lines:", ""] + [f"- `{line}`" for line in fours[:12]]
        return "\n".join(lines).replace(str(self.folder), "") + "\n"


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
