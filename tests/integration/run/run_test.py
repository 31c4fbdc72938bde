#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole way with the real programs: IDX files, `ringtrain dataset import`, `ringtrain run`, mpirun,
ranks, and what they leave. Needs no network.

  run_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import errno
import fcntl
import gzip
import hashlib
import json
import os
import pathlib
import pty
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest
import zipfile

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


class RunTest(unittest.TestCase):
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

    def tearDown(self):
        # Every process of the run has the job file's path in its command line.
        self.assertEqual(processes_with(str(self.folder)), {}, "processes were left behind")

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

    def mpirun(self, ranks, *worker_arguments):
        root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
        return self.call("mpirun", *root, "--oversubscribe", "--bind-to", "none", "-np", ranks,
                         WORKER, self.job, *worker_arguments)


class EveryNumberOfRanks(RunTest):
    def test_gives_the_same_training_run(self):
        runs = {ranks: self.run_job(ranks, "max_steps=50") for ranks in (1, 2, 3, 4)}
        runs["mpi"] = self.run_job(2, "max_steps=50", "communication.backend=mpi")
        alone = runs[1]
        self.assertEqual(alone["steps"], 50)
        self.assertEqual(alone["samples_seen"], 50 * 32)
        for ranks, result in runs.items():
            with self.subTest(ranks=ranks):
                self.assertEqual(result["ranks"], 2 if ranks == "mpi" else ranks)
                for key in ("order_hash", "steps", "samples_seen"):
                    self.assertEqual(result[key], alone[key])
                difference = abs(result["train_loss"] - alone["train_loss"])
                self.assertLessEqual(difference, 1e-5 * alone["train_loss"])
                # Every test sample counts once: the accuracy is a whole number of them.
                right = result["test_accuracy"] * TEST_ROWS
                self.assertAlmostEqual(right, round(right), places=6)
                self.assertAlmostEqual(result["test_loss"] / alone["test_loss"], 1, places=4)

    def test_counts_a_short_last_batch_truly(self):
        result = self.run_job(3, "epochs=2", "optimizer.learning_rate=0.01")
        self.assertEqual(result["samples_seen"], 2 * TRAIN_ROWS)
        self.assertEqual(result["steps"], 2 * 52)
        self.assertGreater(result["test_accuracy"], 0.9)
        history = (self.output / "history.jsonl").read_text().splitlines()
        self.assertEqual(len(history), 2)
        for line in history:
            self.assertIsInstance(json.loads(line)["train_loss"], float)

    def test_trains_part_files_like_the_whole(self):
        whole, parts = self.folder / "whole.h5", self.folder / "parts"
        for arguments in (["import", "idx", *self.idx_files, "-o", whole, "--block-rows", 64],
                          ["split", whole, "--parts", 3, "-o", parts]):
            done = self.call(RINGTRAIN, "dataset", *arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
        results = [self.run_job(2, "epochs=1", f"dataset={dataset}") for dataset in (whole, parts)]
        for key in ("order_hash", "steps", "train_loss", "test_loss", "test_accuracy"):
            self.assertEqual(results[0][key], results[1][key], key)

    def test_gives_the_same_bytes_again(self):
        digests = set()
        for _ in range(2):
            self.run_job(2, "max_steps=20")
            weights = (self.output / "model.safetensors").read_bytes()
            digests.add(hashlib.sha256(weights).hexdigest())
        self.assertEqual(len(digests), 1)


class WaysToAverage(RunTest):
    def weights_after(self, ranks, *sets):
        shutil.rmtree(self.output, ignore_errors=True)
        result = self.run_job(ranks, *sets)
        return result, (self.output / "model.safetensors").read_bytes()

    def test_a_sharded_optimizer_changes_no_bit(self):
        for optimizer in ("sgd", "adamw", "lars"):
            with self.subTest(optimizer=optimizer):
                common = ["max_steps=30", "communication.backend=mpi", "clip_norm=0.5",
                          f"optimizer.type={optimizer}", "optimizer.learning_rate=0.01"]
                _, plain = self.weights_after(3, *common)
                _, sharded = self.weights_after(3, *common, "communication.shard_optimizer=true")
                self.assertEqual(plain, sharded)

    def test_bf16_trains_as_well(self):
        plain, _ = self.weights_after(2, "epochs=2")
        for key in ("communication.wire=bf16", "precision=bf16"):
            with self.subTest(key=key):
                result, weights = self.weights_after(2, "epochs=2", key)
                self.assertAlmostEqual(result["train_loss"] / plain["train_loss"], 1, delta=0.05)
                self.assertEqual(weights, self.weights_after(2, "epochs=2", key)[1])

    def test_local_sgd_trains_every_rank_by_itself_in_between(self):
        local = ["communication.sync_every=4", "optimizer.learning_rate=0.01", "epochs=2"]
        result, weights = self.weights_after(3, *local)
        self.assertGreater(result["test_accuracy"], 0.9)
        self.assertEqual(result["samples_seen"], 2 * TRAIN_ROWS)
        self.assertEqual(weights, self.weights_after(3, *local)[1])
        # A mean after every step is the plain way, but for what momentum makes of other batches.
        plain, _ = self.weights_after(3, *local[1:])
        self.assertEqual(result["order_hash"], plain["order_hash"])

    def test_local_sgd_goes_on_from_a_checkpoint(self):
        local = ["communication.sync_every=4", "checkpoint.every_steps=20"]
        _, whole = self.weights_after(2, *local, "epochs=2")
        self.weights_after(2, *local, "epochs=2", "max_steps=40")
        resumed = self.run_job(2, *local, "epochs=2", "checkpoint.resume=auto")
        self.assertEqual(resumed["resumed_from_step"], 40)
        self.assertEqual((self.output / "model.safetensors").read_bytes(), whole)


class WhatARunLeaves(RunTest):
    RESULT = {
        "name": str, "status": str, "ranks": int, "placement": list, "device": str, "epochs": int,
        "steps": int, "samples_seen": int, "train_loss": float, "test_loss": float,
        "test_accuracy": float, "samples_per_second": float, "seconds": dict, "order_hash": str,
        "model": str,
    }
    SECONDS = ("total", "startup", "compute", "exposed_communication", "data_wait", "evaluate",
               "checkpoint")

    def test_is_whole_and_as_documented(self):
        result = self.run_job(2, "max_steps=10")  # --json: stdout is the result and nothing else
        self.assertEqual(json.loads((self.output / "result.json").read_text()), result)
        for key, kind in self.RESULT.items():
            self.assertIsInstance(result[key], kind, key)
        self.assertEqual(result["status"], "finished")
        self.assertEqual([rank["rank"] for rank in result["placement"]], [0, 1])
        for rank in result["placement"]:
            self.assertIsInstance(rank["host"], str)
            self.assertIsInstance(rank["device"], str)
        for key in self.SECONDS:
            self.assertIsInstance(result["seconds"][key], float, key)
            self.assertGreaterEqual(result["seconds"][key], 0, key)
        self.assertEqual(len((self.output / "history.jsonl").read_text().splitlines()), 1)

        self.assertTrue(zipfile.is_zipfile(self.output / "model.pt"))
        weights = (self.output / "model.safetensors").read_bytes()
        header_size = struct.unpack("<Q", weights[:8])[0]
        header = json.loads(weights[8:8 + header_size])
        self.assertEqual(json.loads(header["__metadata__"]["ringtrain"])["shape"], [1, SIDE, SIDE])
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name[0] != "_"]
        self.assertEqual(8 + header_size + max(ends), len(weights))

    def test_says_in_words_what_happened(self):
        done = self.call(RINGTRAIN, "run", self.job, "-n", 2, "--set", "max_steps=10")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("test accuracy", done.stdout)
        self.assertIn("10 steps on 2 ranks", done.stdout)
        self.assertIn(str(self.output / "model.pt"), done.stdout)


class PlainMpirun(RunTest):
    def test_trains(self):
        done = self.mpirun(2, "--set", "max_steps=10")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads((self.output / "result.json").read_text())
        self.assertEqual((result["ranks"], result["steps"]), (2, 10))

    def test_refuses_another_number_of_ranks_than_expected(self):
        done = self.mpirun(2, "--expect-ranks", 3)
        self.assertEqual(done.returncode, 4)
        self.assertEqual(done.stderr.count("3 ranks were asked for, 2 started"), 1, done.stderr)

    def test_refuses_other_hosts_than_expected(self):
        done = self.mpirun(2, "--expect-hosts", "node7,node8")
        self.assertEqual(done.returncode, 4)
        self.assertEqual(done.stderr.count("hosts node7, node8 were asked for"), 1, done.stderr)


class BadInput(RunTest):
    def refuse(self, exit_code, *names, ranks=2, sets=(), job=None):
        overrides = [word for key_value in sets for word in ("--set", key_value)]
        done = self.call(RINGTRAIN, "run", job or self.job, "-n", ranks, *overrides)
        self.assertEqual(done.returncode, exit_code, done.stderr)
        self.assertEqual(done.stdout, "")
        lines = self.assert_one_clear_line(done.stderr, *names)
        if self.output.is_dir():
            self.assertEqual(list(self.output.glob("*.safetensors*")), [])
            self.assertEqual(list(self.output.glob("*.pt*")), [])
            self.assertEqual(list(self.output.glob("*.json*.*")), [])
        return lines

    def import_digits(self, **size):
        """A dataset of another size, for this case alone."""
        for part in ("train", "test"):
            write_digits(self.folder, name=part, seed=1, **size)
        files = [self.folder / f"{part}-{what}" for part in ("train", "test")
                 for what in ("images", "labels")]
        done = self.call(RINGTRAIN, "dataset", "import", "idx", *files, "-o",
                         self.folder / "small.h5")
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.folder / "small.h5"

    def refuse_at_once(self, *arguments, **options):
        self.assertEqual(len(self.refuse(*arguments, **options)), 1)

    def test_job_keys_are_named_with_their_line(self):
        for name, keys, names in (
                ("unknown", {"epoch": 3}, ("unknown.yaml:6: epoch:", "did you mean epochs")),
                ("type", {"epochs": "many"}, ("type.yaml:6: epochs:", "a whole number")),
                ("range", {"epochs": 0}, ("range.yaml:6: epochs:", "from 1")),
                ("model", {"seed": 1, "model": "vgg"}, ("model.yaml:1: model:", "'vgg'"))):
            with self.subTest(name):
                self.refuse_at_once(2, *names, job=self.write_job(f"{name}.yaml", **keys))
        self.refuse_at_once(2, "--set optimizer.learning_rate", sets=["optimizer.learning_rate=x"])
        self.refuse_at_once(2, "nowhere.yaml", job=self.folder / "nowhere.yaml")
        self.assertFalse(self.output.exists())

    def test_a_hostfile_is_read_strictly(self):
        hosts = self.folder / "hosts"
        hosts.write_text("node1 slots=two\n")
        done = self.call(RINGTRAIN, "run", self.job, "--hostfile", hosts)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(self.assert_one_clear_line(done.stderr, "hosts:1:", "slots")), 1)

    def test_a_dataset_that_is_not_there(self):
        self.refuse_at_once(3, "nowhere.h5", sets=["dataset=nowhere.h5"])

    def test_a_truncated_dataset(self):
        cut = self.folder / "cut.h5"
        cut.write_bytes(self.dataset.read_bytes()[:-1000])
        self.refuse(3, "cut.h5", sets=[f"dataset={cut}"])

    def test_a_flipped_bit(self):
        flipped = self.folder / "flipped.h5"
        content = bytearray(self.dataset.read_bytes())
        content[len(content) // 2] ^= 0x10  # the rows are nearly all of the file
        flipped.write_bytes(content)
        self.refuse(3, "flipped.h5", sets=[f"dataset={flipped}"])
        self.assertEqual(list(self.output.glob("result.json")), [])

    def test_what_is_no_dataset(self):
        foreign = self.folder / "foreign.h5"
        foreign.write_bytes(b"This is no HDF5 file.\n" * 100)
        self.refuse(3, "foreign.h5", sets=[f"dataset={foreign}"])

    def test_a_model_that_does_not_fit(self):
        dataset = self.import_digits(rows=40, side=4)
        self.refuse(2, "lenet5", "4", sets=["model=lenet5", "hidden=", f"dataset={dataset}"])

    def test_more_ranks_than_samples(self):
        dataset = self.import_digits(rows=3)
        self.refuse(2, "4 ranks", "3 training samples", ranks=4, sets=[f"dataset={dataset}"])

    def test_an_output_that_cannot_be_written(self):
        file = self.folder / "file"
        file.write_text("")
        self.refuse_at_once(2, f"{file}/out", sets=[f"output={file}/out"])
        self.refuse_at_once(2, "/proc/out", sets=["output=/proc/out"])

    def test_idx_files_that_lie(self):
        images = pathlib.Path(self.idx_files[0]).read_bytes()
        cases = {
            "cut": images[:-1],
            "more": idx([TRAIN_ROWS + 1, SIDE, SIDE], images[16:]),
            "many": idx([2**32 - 1] * 3, images[16:]),
            "packed": gzip.compress(idx([2**32 - 1] * 3, images[16:])),
            "text": b"label,pixel\n1,2\n",
            "nothing": b"",
        }
        for name, content in cases.items():
            with self.subTest(name):
                liar = self.folder / f"{name}-idx"
                liar.write_bytes(content)
                made = self.folder / "made.h5"
                done = self.call(RINGTRAIN, "dataset", "import", "idx", liar, *self.idx_files[1:],
                                 "-o", made)
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertEqual(len(self.assert_one_clear_line(done.stderr, liar.name)), 1)
                self.assertEqual(list(self.folder.glob("*made.h5*")), [])

    def test_gradients_that_are_not_finite(self):
        # Parameters grow by 10,000 with every step.
        self.refuse(4, "step ", "not finite", "learning rate",
                    sets=["optimizer.learning_rate=1000", "optimizer.weight_decay=10",
                          "max_skipped_steps=2"])


class AnEarlyEnd(RunTest):
    def setUp(self):
        super().setUp()
        self.job = self.write_job(epochs=1000000, evaluate_every_epochs=0, restarts=0)

    def start(self):
        """A run in training: its launcher, and its workers by process id."""
        launcher = subprocess.Popen([RINGTRAIN, "run", self.job, "-n", "2"], text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, launcher)
        give_up = threading.Timer(DEADLINE, launcher.kill)  # ends stderr, and so the loop
        give_up.start()
        self.addCleanup(give_up.cancel)
        # Epochs here are shorter than the time between two lines about steps: there are none.
        said = []
        for line in launcher.stderr:
            said.append(line)
            if "train loss" in line:
                return launcher, self.workers()
        self.fail("no epoch was trained:\n" + "".join(said))

    def end(self, launcher):
        if launcher.poll() is None:
            launcher.kill()
        launcher.stdout.close()
        launcher.stderr.close()
        launcher.wait()

    def workers(self):
        return [process for process in processes_with(str(self.job))
                if command_line_of(process).startswith(str(WORKER))]

    def one(self, program):
        """The process of this run whose command line starts with the program's path."""
        return [process for process, line in processes_with(str(self.job)).items()
                if line.split(" ", 1)[0].endswith(program)]

    def wait_until_all_are_gone(self, seconds=10):
        deadline = time.monotonic() + seconds
        while processes_with(str(self.folder)) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(processes_with(str(self.folder)), {})

    def finish(self, launcher):
        stdout, stderr = launcher.communicate(timeout=15)
        self.assertEqual(stdout, "")
        self.assertEqual(processes_with(str(self.folder)), {})  # at its end, not some time later
        self.assertFalse((self.output / "result.json").exists())
        return self.assert_one_clear_line(stderr)[-1]

    def test_by_a_signal_to_the_launcher(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                launcher, workers = self.start()
                self.assertEqual(len(workers), 2)
                launcher.send_signal(number)
                last = self.finish(launcher)
                self.assertEqual(launcher.returncode, 128 + number)
                self.assertIn(f"stopped by signal {number:d}", last)

    def test_by_the_loss_of_a_worker(self):
        launcher, workers = self.start()
        os.kill(workers[1], signal.SIGKILL)
        last = self.finish(launcher)
        self.assertEqual(launcher.returncode, 4)
        self.assertRegex(last, r"rank [01] on \S+ was ended by signal 9")

    def test_by_the_loss_of_mpirun(self):
        launcher, _ = self.start()
        os.kill(self.one("mpirun")[0], signal.SIGKILL)
        last = self.finish(launcher)
        self.assertEqual(launcher.returncode, 4)
        self.assertIn("mpirun was ended by signal 9", last)

    def test_by_the_loss_of_the_launcher(self):
        launcher, _ = self.start()
        launcher.kill()
        self.wait_until_all_are_gone()

    def test_by_a_closed_terminal(self):
        master, terminal = pty.openpty()
        with open(terminal, "r+b", buffering=0) as end:
            launcher = subprocess.Popen(
                [RINGTRAIN, "run", self.job, "-n", "2"], stdin=end, stdout=end, stderr=end,
                start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        give_up = threading.Timer(DEADLINE, launcher.kill)
        give_up.start()
        self.addCleanup(give_up.cancel)
        shown = b""
        while b"train loss" not in shown:
            try:
                chunk = os.read(master, 4096)
            except OSError as error:
                self.assertEqual(error.errno, errno.EIO)
                chunk = b""
            self.assertTrue(chunk, shown)
            shown += chunk
        os.close(master)
        self.assertEqual(launcher.wait(timeout=15), 128 + signal.SIGHUP)
        self.wait_until_all_are_gone(0)


class Seeing(RunTest):
    def test_a_trace_of_every_rank_in_one_file(self):
        for backend in ("auto", "mpi"):
            with self.subTest(backend):
                output = f"{self.output}-{backend}"
                self.run_job(2, "trace=true", "max_steps=20", f"communication.backend={backend}",
                             f"output={output}")
                trace = json.loads(pathlib.Path(output, "trace.json").read_text())
                self.check_trace(trace["traceEvents"], backend)

    def check_trace(self, events, backend):
        for rank in (0, 1):
            own = [event for event in events if event["pid"] == rank and event["ph"] == "X"]
            count = {}
            for event in own:
                count[event["name"]] = count.get(event["name"], 0) + 1
            for name in ("forward", "backward", "optimizer", "step"):
                self.assertEqual(count.get(name), 20, count)
            self.assertGreaterEqual(count.get("data wait", 0), 20, count)
            self.assertEqual(count.get("evaluation"), 1, count)
            if backend == "mpi":
                self.assertGreaterEqual(count.get("reduce", 0), 20, count)
                self.assertGreaterEqual(count.get("wait", 0), 20, count)
            for track in (0, 1):
                self.check_nesting([event for event in own if event["tid"] == track])

    def check_nesting(self, spans):
        """Any two spans of a thread lie one in the other, or apart."""
        ends = []
        for span in sorted(spans, key=lambda one: (one["ts"], -one["dur"])):
            end = span["ts"] + span["dur"]
            while ends and ends[-1] <= span["ts"] + 0.002:  # printed to a nanosecond
                ends.pop()
            if ends:
                self.assertLessEqual(end, ends[-1] + 0.002, span)
            ends.append(end)

    def test_a_stopped_rank_leaves_flight_records_behind(self):
        job = self.write_job(epochs=1000000, evaluate_every_epochs=0,
                             communication={"timeout_seconds": 2}, restarts=0, trace=True)
        root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
        ranks = subprocess.Popen(["mpirun", *root, "--oversubscribe", "--bind-to", "none", "-np", "2", WORKER, job],
                                 text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        give_up = threading.Timer(DEADLINE, ranks.kill)
        give_up.start()
        self.addCleanup(give_up.cancel)
        self.addCleanup(ranks.stderr.close)
        said = []
        for line in ranks.stderr:
            said.append(line)
            if "train loss" in line:
                break
        workers = [process for process in processes_with(str(job))
                   if command_line_of(process).startswith(str(WORKER))]
        stopped = next(process for process in workers if b"OMPI_COMM_WORLD_RANK=1\0" in
                       pathlib.Path(f"/proc/{process}/environ").read_bytes())
        os.kill(stopped, signal.SIGSTOP)
        said += ranks.stderr.readlines()
        self.assertNotEqual(ranks.wait(timeout=15), 0)
        self.assertIn("flight-0.json", "".join(said))
        record = json.loads((self.output / "flight-0.json").read_text())
        self.assertEqual(record["calls"][-1]["state"], "failed")
        trace = json.loads((self.output / "trace-0.json").read_text())
        self.check_nesting([event for event in trace["traceEvents"] if event["ph"] == "X"])


def main(module="__main__"):
    global RINGTRAIN, WORKER
    RINGTRAIN, WORKER = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
    unittest.main(module=module, argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)


if __name__ == "__main__":
    main()
