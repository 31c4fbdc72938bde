#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ringtrain.checkpoint: by itself, on real ranks, and under `ringtrain run`.

Environment: RINGTRAIN, the program.
"""

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

import ranks
import torch
from ringtrain import checkpoint
from torch import distributed

LIMIT = 150  # seconds until something hangs

PREAMBLE = """
import os, signal, sys, time
import torch
from torch import distributed
from ringtrain import checkpoint

distributed.init_process_group("ringtrain")
rank, attempt = distributed.get_rank(), int(os.environ["TORCHELASTIC_RESTART_COUNT"])
state = checkpoint.load("ckpt/last.pt") or {"step": 0, "weights": torch.zeros(3)}
step, weights = state["step"], state["weights"]
"""


class NotPlain:
    pass


class CheckpointTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ringtrain-checkpoint-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.file = self.folder / "ckpt/last.pt"


class AFile(CheckpointTest):
    def test_has_what_was_saved(self):
        state = {"step": 7, "model": {"weight": torch.randn(5, 3)}, "name": "x"}
        self.assertIsNone(checkpoint.load(self.file))
        checkpoint.save(self.file, state)
        loaded = checkpoint.load(self.file)
        self.assertTrue(torch.equal(loaded["model"]["weight"], state["model"]["weight"]))
        self.assertEqual((loaded["step"], loaded["name"]), (7, "x"))
        self.assertEqual(os.listdir(self.file.parent), ["last.pt"])

    def test_stays_when_the_next_cannot_be_written(self):
        checkpoint.save(self.file, {"step": 1})

        def body(rank):
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
            try:
                checkpoint.save(self.file, {"step": 2, "weights": torch.randn(1 << 20)})
            except OSError as error:
                assert str(error).endswith(f"checkpoint not written: File too large: '{self.file}'"), error
                os._exit(7)

        self.assertEqual(ranks.run(1, body)[0].code, 7)
        self.assertEqual(checkpoint.load(self.file), {"step": 1})
        self.assertEqual(os.listdir(self.file.parent), ["last.pt"])

    def test_in_a_folder_that_cannot_be_is_refused(self):
        (self.folder / "ckpt").write_text("")
        with self.assertRaisesRegex(OSError, f"checkpoint not written: File exists: '{self.file}'"):
            checkpoint.save(self.file, {})

    def test_with_what_torch_cannot_write_is_torchs_error(self):
        with self.assertRaises(Exception) as caught:
            checkpoint.save(self.file, {"f": lambda: 0})
        self.assertNotIsInstance(caught.exception, OSError)
        self.assertEqual(os.listdir(self.file.parent), [])

    def test_that_is_no_checkpoint_is_refused(self):
        self.file.parent.mkdir()
        for content in (b"", b"not a checkpoint", b"PK\x03\x04"):
            self.file.write_bytes(content)
            with self.assertRaisesRegex(RuntimeError, "last.pt: not a checkpoint that torch can read: remove it"):
                checkpoint.load(self.file)

    def test_with_more_than_plain_values_is_loaded_on_request_alone(self):
        checkpoint.save(self.file, NotPlain())
        with self.assertRaisesRegex(RuntimeError, r"plain values \(__main__\.NotPlain\): load\(path, weig"):
            checkpoint.load(self.file)
        self.assertIsInstance(checkpoint.load(self.file, weights_only=False), NotPlain)


class Ranks(CheckpointTest):
    def test_all_load_what_rank_0_saved(self):
        def body(rank):
            assert checkpoint.load(self.file) is None
            distributed.barrier()
            checkpoint.save(self.file, {"rank": rank})
            distributed.barrier()
            assert checkpoint.load(self.file) == {"rank": 0}
            distributed.barrier()

        for size in (1, 2, 3):
            with self.subTest(ranks=size):
                ranks.assert_all_passed(self, ranks.run(size, body))
                self.file.unlink()

    def test_that_see_other_files_are_named(self):
        def body(rank):
            file = self.folder / f"rank-{rank}.pt"
            file.write_bytes(b"0" * (100 + rank)) if rank < 2 else None
            distributed.barrier()
            checkpoint.load(file)

        ended = ranks.run(3, body, timeout=20)
        self.assertRegex(ended[1].error, r"rank-1\.pt: rank 1 on \S+ has one of 101 bytes \(checksum \w+\), rank 0 one"
                                         r" of 100 bytes \(checksum \w+\): keep it where all hosts see the same files")
        self.assertRegex(ended[2].error, r"rank-2\.pt: rank 2 on \S+ has no checkpoint there, rank 0 one of 100 bytes")

    def test_agree_on_a_request_that_one_of_them_got(self):
        def body(rank):
            steps = 0
            while not checkpoint.requested():
                steps += 1
                if rank == distributed.get_world_size() - 1 and steps == 5:
                    os.kill(os.getpid(), signal.SIGTERM)
                assert steps < 1000
            assert checkpoint.requested()
            counts = [None] * distributed.get_world_size()
            distributed.all_gather_object(counts, steps)
            assert set(counts) == {5}, counts

        for size in (1, 2, 3):
            with self.subTest(ranks=size):
                ranks.assert_all_passed(self, ranks.run(size, body))

    def test_children_of_a_rank_still_end_by_sigterm(self):
        def body(rank):
            checkpoint.requested()
            ready, writes = os.pipe()
            child = os.fork()
            if not child:
                os.write(writes, b"1")
                time.sleep(LIMIT)
                os._exit(0)
            os.read(ready, 1)  # Python's own fork() forgets a signal that comes any earlier
            os.kill(child, signal.SIGTERM)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM

        ranks.assert_all_passed(self, ranks.run(1, body))


class UnderRingtrainRun(CheckpointTest):
    def command(self, body, *options):
        script = self.folder / "train.py"
        script.write_text(PREAMBLE + textwrap.dedent(body))
        return [os.environ["RINGTRAIN"], "run", "-n", "2", *options, "--python", sys.executable, str(script)]

    def test_a_checkpoint_begins_the_count_of_restarts_again(self):
        command = self.command("""
            while step < 8:
                step, weights = step + 1, weights + step
                checkpoint.save("ckpt/last.pt", {"step": step, "weights": weights})
                distributed.barrier()
                if step % 3 == 0 and rank == 1:
                    os.kill(os.getpid(), signal.SIGKILL)
                distributed.barrier()
            if rank == 0:
                print(attempt, step, weights.tolist())
            """, "--max-restarts", "1")
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.splitlines()[-1], "2 8 [28.0, 28.0, 28.0]", done.stdout + done.stderr)
        [outcome] = self.folder.glob("runs/*/outcome.json")
        self.assertEqual(json.loads(outcome.read_text())["attempts"], 3)

    def test_a_run_that_is_stopped_saves_and_resumes(self):
        command = self.command("""
            while step < int(os.environ["STEPS"]) and not checkpoint.requested():
                step, weights = step + 1, weights + 1
                if step == 3 and rank == 0:
                    open("ready", "w").close()
                time.sleep(0.01)
            checkpoint.save("ckpt/last.pt", {"step": step, "weights": weights})
            """)
        run = subprocess.Popen(command, cwd=self.folder, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "STEPS": "1000000"})
        deadline = time.monotonic() + LIMIT
        while not (self.folder / "ready").exists():
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(run.poll())
            time.sleep(0.02)
        run.send_signal(signal.SIGTERM)
        error = run.communicate(timeout=LIMIT)[1]
        self.assertEqual(run.returncode, 128 + signal.SIGTERM, error)
        stopped = checkpoint.load(self.file)["step"]
        self.assertGreaterEqual(stopped, 3)
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True, timeout=LIMIT,
                       env={**os.environ, "STEPS": str(stopped + 5)})
        state = checkpoint.load(self.file)
        self.assertEqual((state["step"], state["weights"].tolist()), (stopped + 5, [stopped + 5.0] * 3))


if __name__ == "__main__":
    unittest.main(verbosity=2)
