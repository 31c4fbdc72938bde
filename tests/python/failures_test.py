#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ranks that differ, end, stop or never come: one line that names them, on every rank, and no hang."""

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import time
import unittest
import unittest.mock

import ranks
import torch
from torch import distributed


def message_of(call):
    try:
        call()
    except RuntimeError as error:
        return str(error)
    raise AssertionError("the call raised no RuntimeError")


def expect(pattern, call):
    message = message_of(call)
    assert re.search(pattern, message) and "\n" not in message, message


class Failures(unittest.TestCase):
    def test_ranks_that_call_with_other_sizes_get_both(self):
        def body(rank):
            expect(r"ranks 0 and 1 made different calls: rank 0 all_reduce number 1 of 10 float32 \(sum\), "
                   r"rank 1 all_reduce number 1 of 11 float32",
                   lambda: distributed.all_reduce(torch.ones(10 + (rank == 1))))
            expect("ranks 0 and 1 made different calls", distributed.barrier)
        ranks.assert_all_passed(self, ranks.run(3, body))

    def test_ranks_that_call_other_operations_get_both(self):
        def body(rank):
            expect(r"rank 0 broadcast number 1 of 4 float32, root 0, rank 1 all_reduce",
                   lambda: distributed.all_reduce(torch.ones(4)) if rank else distributed.broadcast(torch.ones(4), 0))
        ranks.assert_all_passed(self, ranks.run(2, body))

    def test_a_rank_that_is_killed_is_named_at_once(self):
        def body(rank):
            distributed.barrier()
            if rank == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            begun = time.monotonic()
            expect("rank 1 ended and did not come to all_reduce number 2",
                   lambda: distributed.all_reduce(torch.ones(4)))
            assert time.monotonic() - begun < 30  # the group's timeout is 60 s
        ended = ranks.run(3, body)
        self.assertEqual([rank.code for rank in ended], [0, -signal.SIGKILL, 0], ended)

    def test_a_script_that_ends_early_is_named(self):
        def body(rank):
            distributed.barrier()
            if rank != 1:
                expect(r"rank 1 (left the group|ended) and did not come to all_reduce number 2",
                       lambda: distributed.all_reduce(torch.ones(4)))
        ranks.assert_all_passed(self, ranks.run(2, body))

    def test_a_rank_that_is_stopped_is_named_at_the_timeout(self):
        parent_continues = {}

        def body(rank):
            distributed.barrier()
            if rank == 1:
                os.kill(os.getpid(), signal.SIGSTOP)
            try:
                expect(r"all_reduce number 2 of 4 float32 \(sum\) Timed out after 6 s: rank 1 \(its last call: "
                       r"barrier number 1, finished\) did not come",
                       lambda: distributed.all_reduce(torch.ones(4)))
            finally:
                if rank == 0:
                    os.kill(parent_continues["pid"](), signal.SIGCONT)

        # Rank 1 writes its process id before the group is made.
        read, write = os.pipe()
        parent_continues["pid"] = lambda: int(os.read(read, 20))
        # The limit is the meeting's, too, which takes long on a busy machine.
        ended = ranks.run(2, body, timeout=6,
                          before=lambda rank: os.write(write, str(os.getpid()).encode()) if rank == 1 else None)
        self.assertEqual([rank.code for rank in ended], [0, 0], ended)

    def test_a_receive_whose_sender_ends_fails(self):
        def body(rank):
            distributed.barrier()
            if rank == 0:
                expect("rank 1 (left the group|ended): rank 0, recv from rank 1 of 16 bytes with tag 0",
                       lambda: distributed.recv(torch.ones(4), src=1))
        ranks.assert_all_passed(self, ranks.run(2, body))

    def test_a_rank_that_never_comes_is_named(self):
        def leave(rank):
            if rank == 1:
                os._exit(0)
        ended = ranks.run(2, lambda rank: None, timeout=2, before=leave)
        self.assertEqual(ended[0].code, 1)
        self.assertIn("Timed out: rank 1 did not come to the start of the group of 2 ranks", ended[0].error)

    def test_groups_need_no_room_in_dev_shm_which_may_be_full(self):
        libc = ctypes.CDLL(None, use_errno=True)

        def small(rank):
            new_mounts = 0x00020000
            if libc.unshare(new_mounts) or subprocess.run(["mount", "--make-rprivate", "/"]).returncode or \
                    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/dev/shm"]).returncode:
                os._exit(77)
            with contextlib.suppress(OSError), open("/dev/shm/full", "wb", buffering=0) as file:
                while file.write(bytes(65536)):
                    pass

        def body(rank):
            large = torch.ones(5_000_000)
            distributed.all_reduce(large)
            assert large.sum() == 10_000_000
        ended = ranks.run(2, body, before=small)
        if {rank.code for rank in ended} == {77}:
            self.skipTest("mounting needs root")
        ranks.assert_all_passed(self, ended)

    def test_ranks_on_several_machines_use_gloo_between_them_and_say_so(self):
        read, write = os.pipe()

        def apart(rank):
            os.environ["RINGTRAIN_NODE"] = f"node{rank}"
            os.dup2(write, 2)

        def body(rank):
            one = torch.ones(1)
            distributed.all_reduce(one)
            assert one.item() == 2
        ranks.assert_all_passed(self, ranks.run(2, body, before=apart))
        os.close(write)
        with os.fdopen(read) as errors:
            lines = [line for line in errors if line.startswith("ringtrain:")]
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("are on 2 nodes; this group uses shared memory in each node and Gloo between them", lines[0])

    def test_a_rank_that_ends_on_another_machine_is_an_error_on_all(self):
        def place(rank):
            os.environ["RINGTRAIN_NODE"] = f"node{rank // 2}"

        def body(rank):
            distributed.barrier()
            if rank == 3:
                os._exit(9)
            distributed.all_reduce(torch.ones(1))
        ended = ranks.run(4, body, before=place)
        self.assertEqual([rank.code for rank in ended], [1, 1, 1, 9], ended)
        self.assertIn("rank 3 ended and did not come to all_reduce", ended[2].error)
        for rank in ended[:2]:
            self.assertRegex(rank.error, "rank 0 failed: .*Connection (closed|reset) by peer")

    def test_gloo_is_replaced_only_where_asked(self):
        def body(name):
            def check(rank):
                assert distributed.get_backend() == name, distributed.get_backend()
                distributed.barrier()
                assert distributed.get_backend(distributed.new_group([0, 1], backend="gloo")) == name
                distributed.barrier()  # Gloo's ranks connect one after the other
            return check
        for environment, name in (({}, "gloo"), ({"RINGTRAIN_REPLACE": "gloo"}, "ringtrain"),
                                  ({"RINGTRAIN_RUN": "1"}, "ringtrain")):
            with self.subTest(environment):
                ranks.assert_all_passed(self, ranks.run(2, body(name), backend="gloo", environment=environment))
        ranks.assert_all_passed(self, ranks.run(2, body("ringtrain"), backend=None,
                                                environment={"RINGTRAIN_RUN": "1"}))


class OtherTorch(unittest.TestCase):
    def test_a_torch_that_does_not_fit_is_named_where_the_backend_is_used(self):
        from ringtrain import build_info, groups

        with unittest.mock.patch.object(build_info, "TORCH", "2.99.1"):
            with self.assertRaisesRegex(RuntimeError, r"built for torch 2\.99 and this is torch .*: build it again by"):
                groups.check_torch()

    def test_importing_torch_survives_whatever_is_wrong_with_us(self):
        from ringtrain import autoload

        with unittest.mock.patch.object(distributed.Backend, "register_backend", side_effect=ValueError("odd")), \
                unittest.mock.patch.object(distributed.Backend, "backend_list", []):
            autoload.register()

    def test_a_file_for_stacks_that_cannot_be_opened_does_not_lose_the_backend(self):
        script = "import torch; print(torch.distributed.is_backend_available('ringtrain'))"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                              env={**os.environ, "RINGTRAIN_STACKS": "/nowhere/stacks"})
        self.assertEqual(done.stdout, "True\n", done.stderr)

    def test_other_backends_pass_unchanged(self):
        from ringtrain.autoload import chosen_backend

        with unittest.mock.patch.dict(os.environ), contextlib.suppress(KeyError):
            for name in ("RINGTRAIN_REPLACE", "RINGTRAIN_RUN"):
                os.environ.pop(name, None)
            for name in ("gloo", "nccl", "cpu:gloo,cuda:nccl", "undefined", "ringtrain", "mpi"):
                self.assertEqual(chosen_backend(name), name)
            os.environ["RINGTRAIN_RUN"] = "1"
            self.assertEqual(chosen_backend("cpu:gloo,cuda:nccl"), "cpu:ringtrain,cuda:nccl")
            self.assertEqual(chosen_backend("nccl"), "nccl")
            with unittest.mock.patch("ringtrain.autoload._has_cuda", return_value=True):
                self.assertEqual(chosen_backend("gloo"), "cpu:ringtrain,cuda:nccl")


if __name__ == "__main__":
    unittest.main(verbosity=2)
