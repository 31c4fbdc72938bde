#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""c10d's operations over the backend, as scripts call them: each against what its definition gives.

RANKS_NODES: a number of nodes that the ranks are to take themselves to be on.
"""

import datetime
import os
import re
import unittest

import ranks
import ringtrain
import torch
from torch import distributed

NODES = os.environ.get("RANKS_NODES")
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
OPERATIONS = {"SUM": torch.sum, "PRODUCT": torch.prod, "MIN": torch.amin, "MAX": torch.amax}


def of_rank(rank, count, dtype=torch.float32):
    return ((torch.arange(count) + rank) % 3 + 1).to(dtype)


def all_ranks(count, dtype=torch.float32):
    return torch.stack([of_rank(rank, count, dtype) for rank in range(distributed.get_world_size())])


class Operations(unittest.TestCase):
    def run_ranks(self, body):
        for size in (1, 2, 3, 4):
            with self.subTest(ranks=size):
                ranks.assert_all_passed(self, ranks.run(size, body))

    def test_all_reduce_of_every_type(self):
        def body(rank):
            for dtype in (*INTEGERS, *FLOATS):
                for name, reference in OPERATIONS.items():
                    for count in (0, 1, 1001):
                        mine = of_rank(rank, count, dtype)
                        distributed.all_reduce(mine, getattr(distributed.ReduceOp, name))
                        expected = reference(all_ranks(count, dtype), 0).to(dtype)
                        assert torch.equal(mine, expected), (dtype, name, count, mine, expected)
            for dtype in FLOATS:
                mine = of_rank(rank, 10, dtype)
                distributed.all_reduce(mine, distributed.ReduceOp.AVG)
                assert torch.allclose(mine, all_ranks(10, dtype).mean(0)), dtype
        self.run_ranks(body)

    def test_all_reduce_of_bits_booleans_complex_and_factors(self):
        def body(rank):
            both = all_ranks(10, torch.int32)
            for name, combine in (("BAND", torch.bitwise_and), ("BOR", torch.bitwise_or),
                                  ("BXOR", torch.bitwise_xor)):
                mine = of_rank(rank, 10, torch.int32)
                distributed.all_reduce(mine, getattr(distributed.ReduceOp, name))
                expected = both[0]
                for other in both[1:]:
                    expected = combine(expected, other)
                assert torch.equal(mine, expected), name
            flags = torch.tensor([True, rank == 0, False])
            distributed.all_reduce(flags, distributed.ReduceOp.MAX)
            assert flags.tolist() == [True, True, False]
            mine = torch.full((3,), complex(1, rank))
            distributed.all_reduce(mine)
            size = distributed.get_world_size()
            assert mine.tolist() == [complex(size, size * (size - 1) / 2)] * 3
            mine = torch.ones(5)
            distributed.all_reduce(mine, distributed._make_nccl_premul_sum(float(rank + 1)))
            assert mine.tolist() == [size * (size + 1) / 2] * 5
        self.run_ranks(body)

    def test_tensors_that_are_not_contiguous(self):
        def body(rank):
            mine = of_rank(rank, 24).reshape(2, 3, 2, 2).to(memory_format=torch.channels_last)
            distributed.all_reduce(mine)
            assert torch.equal(mine.flatten(), all_ranks(24).sum(0))
            column = torch.zeros(4, 3)
            column[:, 1] = of_rank(rank, 4)
            distributed.broadcast(column[:, 1], src=0)
            assert torch.equal(column[:, 1], of_rank(0, 4)) and column[:, 0].sum() == 0
        self.run_ranks(body)

    def test_gathering_and_scattering(self):
        def body(rank):
            size = distributed.get_world_size()
            everyone = all_ranks(1001)
            parts = [torch.empty(1001) for _ in range(size)]
            distributed.all_gather(parts, of_rank(rank, 1001))
            assert torch.equal(torch.stack(parts), everyone)
            whole = torch.empty(size * 1001)
            distributed.all_gather_into_tensor(whole, of_rank(rank, 1001))
            assert torch.equal(whole.view(size, -1), everyone)
            mine = torch.empty(1001)
            distributed.reduce_scatter_tensor(mine, whole, distributed.ReduceOp.AVG)
            assert torch.equal(mine, everyone[rank])
            distributed.reduce_scatter(mine, list(everyone))
            assert torch.equal(mine, everyone[rank] * size)
            parts = [torch.empty(1001) for _ in range(size)] if rank == size - 1 else None
            distributed.gather(of_rank(rank, 1001), parts, dst=size - 1)
            assert rank != size - 1 or torch.equal(torch.stack(parts), everyone)
            distributed.scatter(mine, list(everyone) if rank == 0 else None, src=0)
            assert torch.equal(mine, everyone[rank])
            distributed.reduce(mine, dst=0)
            assert torch.equal(mine, everyone.sum(0) if rank == 0 else everyone[rank])
        self.run_ranks(body)

    def test_all_to_all_with_and_without_splits(self):
        def body(rank):
            size = distributed.get_world_size()
            received = torch.empty(2 * size)
            distributed.all_to_all_single(received, torch.arange(2.0 * size) + 100 * rank)
            assert received.tolist() == [100 * r + 2 * rank + i for r in range(size) for i in range(2)]
            splits = [r + 1 for r in range(size)]
            received = torch.empty((rank + 1) * size, 3)
            sent = torch.full((sum(splits), 3), float(rank))
            distributed.all_to_all_single(received, sent, [rank + 1] * size, splits)
            assert received[:, 0].tolist() == [r for r in range(size) for _ in range(rank + 1)]
            parts = [torch.empty(r + 1) for r in range(size)]
            distributed.all_to_all(parts, [torch.full((rank + 1,), float(rank))] * size)
            assert [part.tolist() for part in parts] == [[r] * (r + 1) for r in range(size)]
        self.run_ranks(body)

    def test_sparse_tensors_are_summed(self):
        def body(rank):
            size = distributed.get_world_size()

            def of(rank):  # no entry of rank 0, and some twice
                indices, values = [[r % 3 for r in range(rank)]], torch.full((rank, 2), rank + 0.5)
                return torch.sparse_coo_tensor(indices, values, (5, 2))

            mine = of(rank)
            work = distributed.all_reduce(mine, async_op=True)
            work.wait()
            expected = sum(of(r).to_dense() for r in range(size))
            assert torch.equal(mine.to_dense(), expected) and mine.layout == torch.sparse_coo
            if NODES:
                return  # and what is wrong is said in Gloo's words
            with unittest.TestCase().assertRaisesRegex(RuntimeError, "sparse tensors are summed alone"):
                distributed.all_reduce(of(rank), distributed.ReduceOp.MAX)
            if size > 1:
                with unittest.TestCase().assertRaisesRegex(RuntimeError, "ranks 0 and 1 have different sizes"):
                    distributed.all_reduce(torch.sparse_coo_tensor(torch.zeros(1, 1), torch.ones(1), (5 + rank,)))
        self.run_ranks(body)

    def test_monitored_barriers_name_who_is_missing(self):
        def body(rank):
            half_second = datetime.timedelta(seconds=0.5)
            distributed.monitored_barrier()
            distributed.monitored_barrier(timeout=60.0)
            pair, all_ranks = distributed.new_group([0, 1]), distributed.new_group()
            for group, missing, wanted in ((pair, (1,), "Rank 1 failed"), (all_ranks, (1, 2), "Ranks 1, 2 failed")):
                if rank == 0:
                    with unittest.TestCase().assertRaisesRegex(RuntimeError, f"{wanted} to pass monitoredBarrier"):
                        distributed.monitored_barrier(group, half_second, wait_all_ranks=len(missing) > 1)
                elif rank not in missing:
                    distributed.monitored_barrier(group, half_second)  # returns: it is not in the group
                distributed.barrier()
            third = distributed.new_group()
            if rank != 1:
                words = "Rank 1 failed" if rank == 0 else "Rank 2 successfully reached monitoredBarrier, but received"
                with unittest.TestCase().assertRaisesRegex(RuntimeError, words):
                    distributed.monitored_barrier(third, half_second)
            distributed.barrier()
        ranks.assert_all_passed(self, ranks.run(3, body))

    def test_messages(self):
        def body(rank):
            size = distributed.get_world_size()
            if size == 1:
                return
            # Longer than what is taken at once, so both directions have to move at the same time.
            mine, other = torch.full((1_000_003,), float(rank)), torch.empty(1_000_003)
            operations = [distributed.P2POp(distributed.isend, mine, (rank + 1) % size),
                          distributed.P2POp(distributed.irecv, other, (rank - 1) % size)]
            for work in distributed.batch_isend_irecv(operations):
                work.wait()
            assert torch.equal(other, torch.full_like(other, (rank - 1) % size))
            if rank == 0:
                seen = set()
                for _ in range(size - 1):
                    value = torch.empty(1)
                    source = distributed.recv(value)
                    assert value.item() == source
                    seen.add(source)
                assert seen == set(range(1, size))
            else:
                distributed.send(torch.tensor([float(rank)]), 0)
            distributed.barrier()
        self.run_ranks(body)

    def test_groups_objects_and_calls_that_are_waited_for_later(self):
        def body(rank):
            size = distributed.get_world_size()
            assert distributed.get_backend() == "ringtrain"
            tensors = [torch.full((n,), 1.0) for n in (1, 100_000, 7)]
            works = [distributed.all_reduce(tensor, async_op=True) for tensor in tensors]
            distributed.barrier()
            for work, tensor in zip(works, tensors):
                work.wait()
                assert work.get_future().value()[0] is not None and tensor[0] == size
            lines = ringtrain.flight()
            own = [line for line in lines if re.fullmatch(rf"rank {rank}: .* barrier number \d+, finished", line)]
            assert len(own) == 1 and (NODES or len(lines) == size), lines
            objects = [None] * size
            distributed.all_gather_object(objects, {"rank": rank})
            assert objects == [{"rank": r} for r in range(size)]
            halves = [distributed.new_group(range(0, (size + 1) // 2)), distributed.new_group(range(size // 2, size))]
            for half in halves:
                if distributed.get_rank(half) >= 0:
                    one = torch.ones(1)
                    distributed.all_reduce(one, group=half)
                    assert one.item() == distributed.get_world_size(half)
        self.run_ranks(body)


if __name__ == "__main__":
    unittest.main(verbosity=2)
