# SPDX-License-Identifier: Apache-2.0
"""A job of the soak, and the faults that interrupt it."""

import os
import pathlib
import signal
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "integration" / "run"))
import bed as hosts  # noqa: E402
import run_case  # noqa: E402


class Failed(Exception):
    """A broken promise of the runtime: the soak ends with it."""


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
        command = [run_case.RINGTRAIN, "run", str(self.file), *where, "--host-timeout", "60", "--start-timeout", "60"]
        self.ready.clear()
        self.process = self.bed.popen("login", command, text=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
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
    """Each method returns what undoes its fault, or None; False where there was nothing to disturb."""

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
        return self.on_a_node(job, lambda name: self.bed.link(name, up=False),
                              lambda name: self.bed.link(name, up=True))

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

    def immutable_output(self, job):
        """No file can be made, renamed or removed. (No mount becomes read-only while a file is open for writing.)"""
        folders = [str(folder) for folder in (self.soak.disk, job.output, job.output / "checkpoints")
                   if folder.is_dir()]
        hosts.run("chattr", "+i", *folders)
        return lambda: hosts.run("chattr", "-i", *folders)

    def damaged_checkpoint(self, job):
        """Kills a rank, too, so that the checkpoint is read."""
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
                self.full_disk, self.immutable_output, self.damaged_checkpoint]
