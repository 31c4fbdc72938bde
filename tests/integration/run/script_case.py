# SPDX-License-Identifier: Apache-2.0
"""Base of the tests of `ringtrain run train.py`: scripts that need no torch, a call, and the check that no process is
left."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time

import run_case

DEADLINE = 3 * run_case.DEADLINE  # Python starts slowly on a machine that does much else

# Prefix of every script: what a script of torch.distributed has from its environment, and a barrier on files.
PREAMBLE = """
import glob, json, os, pathlib, signal, socket, sys, time
RANK = int(os.environ["RANK"])
WORLD_SIZE = int(os.environ["WORLD_SIZE"])
ATTEMPT = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
HERE = pathlib.Path(__file__).parent


def write(name, text):
    path = HERE / name
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")  # hosts may give ranks the same number
    temporary.write_text(text)
    temporary.rename(path)


def wait_for(name):
    while not (HERE / name).exists():
        time.sleep(0.01)


def barrier(name):
    write(f"{name}.{ATTEMPT}.{RANK}", str(os.getpid()))
    for rank in range(WORLD_SIZE):
        wait_for(f"{name}.{ATTEMPT}.{rank}")


def connect():
    '''One socket between ranks 0 and 1, by the store's address and port.'''
    if RANK == 0:
        with socket.create_server(("", int(os.environ["MASTER_PORT"]))) as server:
            return server.accept()[0]
    while True:
        try:
            return socket.create_connection((os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])))
        except ConnectionRefusedError:
            time.sleep(0.01)
"""


class ScriptTest(run_case.ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="ringtrain-script-test."))
        cls.addClassCleanup(shutil.rmtree, cls.shared)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="case.", dir=self.shared))

    def write_script(self, body, name="train.py", preamble=PREAMBLE):
        """Returns the script, and the line that its body begins at, less one."""
        path = self.folder / name
        path.write_text(preamble + textwrap.dedent(body))
        return path, len(preamble.splitlines())

    def command(self, *arguments):
        return [str(word) for word in (run_case.RINGTRAIN, "run", *arguments)]

    def call(self, *arguments, **keys):
        return subprocess.run(self.command(*arguments), cwd=self.folder, capture_output=True, text=True,
                              timeout=DEADLINE, **keys)

    def succeed(self, *arguments, **keys):
        done = self.call(*arguments, **keys)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def fail_with(self, exit_code, pattern, *arguments, **keys):
        """A run that must fail: its last line is ours and matches."""
        done = self.call(*arguments, **keys)
        self.assertEqual(done.returncode, exit_code, done.stderr)
        last = done.stderr.rstrip().splitlines()[-1]
        self.assertRegex(last, "^ringtrain: ")
        self.assertRegex(last, pattern)
        for noise in ("MPI_ABORT", "Primary job", "mpirun detected", "ORTE_ERROR_LOG"):
            self.assertNotIn(noise, done.stderr)
        return done

    def run_folder(self):
        """The one folder that the runs of this test have left."""
        [folder] = (self.folder / "runs").iterdir()
        return folder

    def outcome(self):
        return json.loads((self.run_folder() / "outcome.json").read_text())

    def log(self, rank, attempt=1):
        return (self.run_folder() / "logs" / f"attempt-{attempt}" / f"rank-{rank}.log").read_text()

    def start(self, *arguments):
        return self.launch(self.command(*arguments), DEADLINE, cwd=self.folder)

    def content_of(self, name):
        """The content of a file of the script's folder, once it is there."""
        deadline = time.monotonic() + DEADLINE
        while not (self.folder / name).exists():
            self.assertLess(time.monotonic(), deadline, f"no {name}")
            time.sleep(0.01)
        return (self.folder / name).read_text()

    def processes_of(self, *ranks, name="ready", attempt=0):
        """The process numbers of ranks that have reached a barrier."""
        return [int(self.content_of(f"{name}.{attempt}.{rank}")) for rank in ranks]


def parent_of(process):
    stat = pathlib.Path(f"/proc/{process}/stat").read_text()
    return int(stat.rsplit(")", 1)[1].split()[1])


def main():
    run_case.main()


__all__ = ["PREAMBLE", "ScriptTest", "main", "os", "parent_of", "signal", "sys"]
