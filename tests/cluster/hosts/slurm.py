# SPDX-License-Identifier: Apache-2.0
"""Debian's Slurm on the hosts of a bed: slurmctld on `login`, slurmd on the others, munged on all.

    with Bed(2) as bed:
        slurm = Slurm(bed, tasks=2)
        job = slurm.submit(script)
"""

import pathlib
import shutil
import subprocess
import time

# Jobs that are queued again wait until their credential has expired: 121 s by default.
CONFIGURATION = """\
ClusterName=bed
SlurmctldHost=login
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=/run/munge/socket,cred_expire=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0
SchedulerTimeSlice=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ReturnToService=2
MpiDefault=none
KillWait=5
NodeName={nodes} CPUs={cpus}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE
"""
PROGRAMS = ("/usr/sbin/munged", "/usr/sbin/slurmctld", "/usr/sbin/slurmd", "sbatch", "scontrol")


def why_not():
    """Why there can be no Slurm here; empty where there can."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"{missing[0]} is not installed" if missing else ""


class Slurm:
    def __init__(self, bed, cpus):
        self.bed = bed
        self.folder = bed.folder / "slurm"
        self.folder.mkdir()
        (self.folder / "state").mkdir()
        nodes = bed.names[1:]
        self.configuration = self.folder / "slurm.conf"
        self.configuration.write_text(CONFIGURATION.format(folder=self.folder, nodes=",".join(nodes), cpus=cpus))
        (self.folder / "key").write_bytes(bytes(range(128)))
        (self.folder / "key").chmod(0o600)
        self.daemons = []
        for name in bed.names:
            self.start_munged(name)
        self.start("login", "/usr/sbin/slurmctld", "-D")
        for name in nodes:
            (self.folder / f"spool-{name}").mkdir()
            self.start(name, "/usr/sbin/slurmd", "-D", "-N", name)
        self.wait("the nodes to be idle", lambda: self.call("sinfo", "-h", "-o", "%D %t").stdout ==
                  f"{len(nodes)} idle\n")

    def start_munged(self, name):
        self.bed.call(name, ["mkdir", "/run/munge"], check=True)
        self.start(name, "/usr/sbin/munged", "--foreground", "--force", f"--key-file={self.folder}/key",
                   "--socket=/run/munge/socket", "--pid-file=/run/munge/pid", f"--log-file={self.folder}/munged-{name}",
                   f"--seed-file={self.folder}/seed-{name}")
        self.wait("munged", lambda: self.bed.call(name, ["test", "-S", "/run/munge/socket"]).returncode == 0)

    def start(self, name, *command):
        self.daemons.append(self.bed.popen(
            name, ["env", f"SLURM_CONF={self.configuration}", *command], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL))

    def wait(self, what, is_true, seconds=60):
        deadline = time.monotonic() + seconds
        while not is_true():
            if time.monotonic() > deadline:
                logs = "".join(file.read_text()[-1500:] for file in sorted(self.folder.glob("*.log")))
                raise RuntimeError(f"waited {seconds} s for {what}\n{logs}")
            time.sleep(0.1)

    def call(self, *command, **options):
        return self.bed.call("login", ["env", f"SLURM_CONF={self.configuration}", *command], **options)

    def submit(self, script):
        """Submits a batch file and returns the number of its job."""
        return self.call("sbatch", "--parsable", str(script), check=True).stdout.strip()

    def state(self, job):
        """PENDING, RUNNING, COMPLETED, FAILED, ..."""
        words = self.call("scontrol", "--oneliner", "show", "job", job).stdout.split()
        return next((word.partition("=")[2] for word in words if word.startswith("JobState=")), "")

    def end(self):
        for daemon in reversed(self.daemons):
            daemon.kill()
            daemon.wait()


def batch_file(path, options, *commands):
    """Writes a file for sbatch."""
    lines = ["#!/bin/bash", *(f"#SBATCH {option}" for option in options), *commands]
    pathlib.Path(path).write_text("\n".join(lines) + "\n")
    return path
