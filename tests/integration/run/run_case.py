# SPDX-License-Identifier: Apache-2.0
"""Shared by tests of the whole programs: IDX files, `ringtrain dataset import`, a job, and the check that no process is
left. Needs no network."""

import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

RINGTRAIN = WORKER = None  # set by main

TRAIN_ROWS = 1650  # 51.6 batches of 32: 50 whole steps, and a short last one
TEST_ROWS = 101
SIDE = 12
CLASSES = 4
DEADLINE = 60  # seconds until something hangs


def idx(dimensions, data):
    """An IDX file of unsigned bytes: http://yann.lecun.com/exdb/mnist"""
    return struct.pack(f">HBB{len(dimensions)}I", 0, 8, len(dimensions), *dimensions) + data


def write_digits(folder, rows, name, seed, side=SIDE):
    """Images whose class is the quarter that is bright, so that training has something to learn."""
    noise = random.Random(seed)
    labels = bytes(noise.randrange(CLASSES) for _ in range(rows))
    images = bytearray(noise.randbytes(rows * side * side))
    for row, label in enumerate(labels):
        top, left = side // 2 * (label // 2), side // 2 * (label % 2)
        for y in range(top, top + side // 2):
            start = (row * side + y) * side + left
            for pixel in range(start, start + side // 2):
                images[pixel] |= 0x80
    (folder / f"{name}-images").write_bytes(idx([rows, side, side], bytes(images)))
    (folder / f"{name}-labels").write_bytes(idx([rows], labels))


def command_line_of(process):
    try:
        return pathlib.Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def processes_with(text):
    """Every process that has `text` in its command line, this one aside."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            line = command_line_of(entry)
            if text in line:
                found[int(entry)] = line.replace("\0", " ")
    return found


class ProgramTest(unittest.TestCase):
    """Programs that are started in `self.folder`, which the command line of each of their processes names."""

    def tearDown(self):
        self.assertEqual(processes_with(str(self.folder)), {}, "processes were left behind")

    def launch(self, command, deadline, **keys):
        """A process with pipes, killed after the deadline and at the test's end."""
        launcher = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keys)
        self.addCleanup(self.end, launcher)
        give_up = threading.Timer(deadline, launcher.kill)  # ends every wait for it
        give_up.start()
        self.addCleanup(give_up.cancel)
        return launcher

    def end(self, launcher):
        if launcher.poll() is None:
            launcher.kill()
        launcher.stdout.close()
        launcher.stderr.close()
        launcher.wait()

    def wait_until_all_are_gone(self, seconds=10):
        deadline = time.monotonic() + seconds
        while processes_with(str(self.folder)) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(processes_with(str(self.folder)), {})


class RunTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="ringtrain-run-test."))
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        write_digits(cls.shared, TRAIN_ROWS, "train", 1)
        write_digits(cls.shared, TEST_ROWS, "test", 2)
        cls.idx_files = [str(cls.shared / f"{part}-{what}")
                         for part in ("train", "test") for what in ("images", "labels")]
        cls.dataset = cls.shared / "digits.h5"
        subprocess.run([RINGTRAIN, "dataset", "import", "idx", *cls.idx_files, "-o", cls.dataset],
                       check=True, timeout=DEADLINE, stdout=subprocess.DEVNULL)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="case.", dir=self.shared))
        self.output = self.folder / "out"
        self.job = self.write_job()

    def write_job(self, name="job.yaml", **keys):
        job = {"model": "mlp", "hidden": [16], "dataset": str(self.dataset), "batch_size": 32,
               "output": str(self.output), **keys}
        job.setdefault("checkpoint", {"resume": "never"})
        path = self.folder / name
        path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in job.items()))
        return path

    def call(self, *arguments):
        return subprocess.run([str(argument) for argument in arguments], capture_output=True,
                              text=True, timeout=DEADLINE)

    def run_job(self, ranks, *sets):
        """The result of a run that must succeed."""
        overrides = [word for key_value in sets for word in ("--set", key_value)]
        done = self.call(RINGTRAIN, "run", self.job, "-n", ranks, "--json", *overrides)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def assert_one_clear_line(self, stderr, *names):
        """The last line is ours, names the culprit, and nothing of mpirun's own stands before it."""
        lines = stderr.strip().splitlines()
        self.assertTrue(lines, "nothing on stderr")
        for name in names:
            self.assertIn(name, lines[-1])
        for noise in ("MPI_ABORT", "Primary job", "mpirun detected", "-----", "ORTE_ERROR_LOG",
                      "Traceback", "terminate called"):
            self.assertNotIn(noise, stderr)
        return lines

    def start(self):
        """A run of self.job in training: its launcher, and its workers by process id."""
        launcher = self.launch([RINGTRAIN, "run", self.job, "-n", "2"], DEADLINE)
        # Epochs here are shorter than the time between two lines about steps: there are none.
        said = []
        for line in launcher.stderr:
            said.append(line)
            if "train loss" in line:
                return launcher, self.workers()
        self.fail("no epoch was trained:\n" + "".join(said))

    def workers(self):
        return [process for process in processes_with(str(self.job))
                if command_line_of(process).startswith(str(WORKER))]

    def one(self, program):
        """The process of this run whose command line starts with the program's path."""
        return [process for process, line in processes_with(str(self.job)).items()
                if line.split(" ", 1)[0].endswith(program)]

    def mpirun(self, ranks, *worker_arguments):
        root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
        return self.call("mpirun", *root, "--oversubscribe", "--bind-to", "none", "-np", ranks,
                         WORKER, self.job, *worker_arguments)


def main(module="__main__"):
    global RINGTRAIN, WORKER
    RINGTRAIN, WORKER = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
    unittest.main(module=module, argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
