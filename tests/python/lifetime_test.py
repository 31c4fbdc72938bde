#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Callbacks, other threads and forked children beside calls that run, and a group that is closed under them."""

import os
import threading
import time
import unittest

import ranks
import ringtrain
import torch
from failures_test import expect, message_of
from torch import distributed

CLOSED = "this rank has closed the group"


def backend():
    return distributed.group.WORLD._get_backend(torch.device("cpu"))


def in_thread(call):
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


class Callbacks(unittest.TestCase):
    def test_a_callback_may_wait_for_another_collective(self):
        def body(rank):
            later = [torch.ones(300_000) for _ in range(3)]
            inner = []

            def again(future):
                value = future.value()[0].clone()
                inner.append(value)
                return distributed.all_reduce(value, async_op=True).get_future().wait()

            futures = [distributed.all_reduce(tensor, async_op=True).get_future().then(again) for tensor in later]
            for future in futures:
                assert future.wait()[0][0] == 4
            distributed.barrier()
        ranks.assert_all_passed(self, ranks.run(2, body))

    def test_a_callback_of_a_message_may_send_another(self):
        def body(rank):
            if rank == 0:
                received, answer = torch.empty(3), torch.empty(3)
                works = []
                future = distributed.irecv(received, 1).get_future()
                future = future.then(lambda _: works.append(distributed.isend(received + 1, 1)))
                distributed.send(torch.zeros(1), 1)
                future.wait()
                works[0].wait()
                distributed.recv(answer, 1)
                assert answer.tolist() == [2.0] * 3
            else:
                answer = torch.empty(3)
                distributed.recv(torch.empty(1), 0)
                distributed.send(torch.ones(3), 0)
                distributed.recv(answer, 0)
                distributed.send(answer, 0)
        ranks.assert_all_passed(self, ranks.run(2, body))

    def test_a_future_is_complete_once_its_work_is(self):
        def body(rank):
            for _ in range(3000):
                work = distributed.all_reduce(torch.ones(1), async_op=True)
                work.wait()
                assert work.get_future().value()[0].item() == 2
        ranks.assert_all_passed(self, ranks.run(2, body))


class Closing(unittest.TestCase):
    def test_all_calls_that_wait_fail_when_the_rank_aborts(self):
        def body(rank):
            distributed.barrier()
            if rank == 0:
                works = [distributed.all_reduce(torch.ones(1), async_op=True) for _ in range(3)]
                works.append(distributed.irecv(torch.empty(4), 1))
                messages = []
                waiting = [in_thread(lambda work=work: messages.append(message_of(work.wait))) for work in works]
                time.sleep(0.3)
                backend().abort()
                for thread in waiting:
                    thread.join(30)
                assert messages == [CLOSED] * 4, messages
                expect(CLOSED, distributed.barrier)
                expect(CLOSED, lambda: distributed.send(torch.ones(1), 1))
                backend().abort()
            else:
                time.sleep(1)
        ranks.assert_all_passed(self, ranks.run(2, body))

    def test_a_call_on_its_callers_thread_survives_an_abort(self):
        def body(rank):
            if rank == 0:
                messages = []
                waiting = in_thread(lambda: messages.append(message_of(lambda: distributed.all_reduce(torch.ones(9)))))
                time.sleep(0.3)
                backend().abort()
                backend().shutdown()
                waiting.join(30)
                assert messages == [CLOSED], messages
            else:
                time.sleep(1)
        ranks.assert_all_passed(self, ranks.run(2, body))

    def test_a_rank_that_left_is_named_though_its_buckets_live(self):
        def body(rank):
            bucket = backend().allocate_tensor(1000, dtype=torch.float32, device=torch.device("cpu")).fill_(1)
            distributed.all_reduce(bucket)
            if rank == 1:
                distributed.destroy_process_group()
                time.sleep(5)
                os._exit(0)
            begun = time.monotonic()
            expect("rank 1 left the group and did not come to all_reduce number 2",
                   lambda: distributed.all_reduce(bucket))
            assert time.monotonic() - begun < 4
        ranks.assert_all_passed(self, ranks.run(2, body))


class ForkedChildren(unittest.TestCase):
    def run_child(self, child):
        """Ranks that fork once their threads run; each child has to end well."""
        def body(rank):
            distributed.all_reduce(torch.ones(1), async_op=True).wait()
            waiting = distributed.irecv(torch.empty(1), 1 - rank)
            process = os.fork()
            if process == 0:
                try:
                    child()
                    os._exit(0)
                finally:
                    os._exit(1)
            deadline = time.monotonic() + 30
            while not (ended := os.waitpid(process, os.WNOHANG))[0]:
                if time.monotonic() > deadline:
                    os.kill(process, 9)
                time.sleep(0.01)
            assert ended[1] == 0, ended
            distributed.isend(torch.ones(1), 1 - rank).wait()
            waiting.wait()
            distributed.barrier()
        ranks.assert_all_passed(self, ranks.run(2, body))

    def test_they_cannot_call_for_their_rank(self):
        def child():
            for call in (distributed.barrier, lambda: distributed.all_reduce(torch.ones(1)),
                         lambda: distributed.send(torch.ones(1), 1 - distributed.get_rank())):
                assert "this process was forked by a rank" in message_of(call)
            assert backend().allocate_tensor(4, dtype=torch.float32, device=torch.device("cpu")).numel() == 4
        self.run_child(child)

    def test_they_may_drop_the_group(self):
        self.run_child(distributed.destroy_process_group)


class Arguments(unittest.TestCase):
    def test_ranks_that_do_not_exist_are_refused(self):
        def body(rank):
            one, name = torch.ones(1), "7 is not one of the 2 ranks of the group"
            for call in (lambda: distributed.broadcast(one, 7), lambda: distributed.send(one, 7),
                         lambda: distributed.recv(one, 7), lambda: distributed.reduce(one, 7),
                         lambda: distributed.gather(one, None, 7), lambda: distributed.scatter(one, None, 7)):
                assert name in message_of(call)
            with self.assertRaisesRegex(ValueError, "Tag must be nonnegative"):
                distributed.send(one, 1 - rank, tag=-3)
            distributed.barrier()
        ranks.assert_all_passed(self, ranks.run(2, body))

    def test_a_call_that_fails_half_way_breaks_the_group(self):
        def body(rank):
            if rank == 1:
                same = torch.zeros(1).expand(5)  # five elements at one place cannot be written
                expect("rank 1 failed: unsupported operation", lambda: distributed.all_reduce(same))
            else:
                distributed.all_reduce(torch.ones(5))
            expect("rank 1 failed: unsupported operation", distributed.barrier)
        ranks.assert_all_passed(self, ranks.run(2, body))

    def test_tensors_of_other_devices_are_not_allocated(self):
        def body(rank):
            assert "CPU tensors" in message_of(
                lambda: backend().allocate_tensor(4, dtype=torch.float32, device=torch.device("meta")))
        ranks.assert_all_passed(self, ranks.run(1, body))

    def test_calls_are_shown_under_torchs_debugging_too(self):
        def body(rank):
            distributed.barrier()
            assert "barrier number" in ringtrain.flight()[0]

        def debug(rank):
            distributed.set_debug_level(distributed.DebugLevel.DETAIL)
        ranks.assert_all_passed(self, ranks.run(2, body, before=debug))


if __name__ == "__main__":
    unittest.main(verbosity=2)
