#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ringtrain.horovod on real ranks: the results of DistributedDataParallel, and a script that imports horovod.torch.

Environment: RINGTRAIN, the program.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import textwrap
import unittest

import ranks
import ringtrain.horovod as hvd
import torch
import torch._dynamo  # here once, rather than by the first optimizer of each rank
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

SCRIPT = """
import sys
import torch
import horovod.torch as hvd
import beside

hvd.init()
torch.manual_seed(hvd.rank())
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01 * hvd.size(), momentum=0.9)
hvd.broadcast_parameters(model.state_dict(), root_rank=0)
optimizer = hvd.DistributedOptimizer(optimizer, named_parameters=model.named_parameters())
for step in range(int(sys.argv[1])):
    optimizer.zero_grad()
    model(torch.full((2, 4), float(hvd.rank() + step))).square().mean().backward()
    optimizer.step()
total = hvd.allreduce(model.weight.sum(), op=hvd.Sum).item()
assert abs(total - hvd.size() * model.weight.sum().item()) < 1e-5
if hvd.rank() == 0:
    print(hvd.size(), hvd.local_size(), hvd.local_rank(), beside.NAME)
"""


class Net(nn.Module):
    """One of its layers is used by even ranks alone."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(7)
        self.first, self.seldom, self.last = nn.Linear(6, 300), nn.Linear(300, 300), nn.Linear(300, 3)

    def forward(self, x, seldom):
        x = torch.relu(self.first(x))
        return self.last(x + self.seldom(x) if seldom else x)


def loss_of(model, rank, step, seldom=True):
    torch.manual_seed(1000 * step + rank)
    inputs, classes = torch.randn(5, 6), torch.randint(0, 3, (5,))
    return nn.functional.cross_entropy(model(inputs, seldom), classes)


def optimizer_of(model):
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def ddp_parameters(rank, steps, passes=1, seldom=True):
    model = DistributedDataParallel(Net(), find_unused_parameters=not seldom)
    optimizer = optimizer_of(model)
    for step in range(steps):
        optimizer.zero_grad()
        for part in range(passes):  # each averaged by itself: the sum is the same
            loss_of(model, rank, step * passes + part, seldom or rank % 2 == 0).backward()
        optimizer.step()
    return [p.detach() for p in model.parameters()]


class DistributedOptimizer(unittest.TestCase):
    def compare(self, size, tolerance=1e-6, passes=1, seldom=True, **options):
        """Parameters after some steps, with those of DDP."""
        def body(rank):
            wanted = ddp_parameters(rank, 4, passes, seldom)
            model = Net()
            optimizer = hvd.DistributedOptimizer(optimizer_of(model), model.named_parameters(),
                                                 backward_passes_per_step=passes, **options)
            for step in range(4):
                optimizer.zero_grad()
                for part in range(passes):
                    loss_of(model, rank, step * passes + part, seldom or rank % 2 == 0).backward()
                optimizer.step()
            for found, expected in zip(model.parameters(), wanted):
                assert torch.allclose(found, expected, rtol=tolerance, atol=tolerance), (found - expected).abs().max()

        ranks.assert_all_passed(self, ranks.run(size, body))

    def test_trains_as_ddp_does(self):
        for size in (1, 2, 3):
            with self.subTest(ranks=size):
                self.compare(size)

    def test_with_options(self):
        for options in ({"passes": 3}, {"gradient_predivide_factor": 2.0}, {"seldom": False},
                        {"compression": hvd.Compression.fp16, "tolerance": 2e-3}):
            with self.subTest(options):
                self.compare(2, **options)

    def test_averages_before_gradients_are_clipped(self):
        def body(rank):
            model = Net()
            optimizer = hvd.DistributedOptimizer(optimizer_of(model))
            loss_of(model, rank, 0).backward()
            optimizer.synchronize()
            mine = [p.grad.clone() for p in model.parameters()]
            for gradient in mine:
                others = hvd.broadcast(gradient, root_rank=0)
                assert torch.equal(others, gradient)
            nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
            before = [p.detach().clone() for p in model.parameters()]
            with optimizer.skip_synchronize():
                optimizer.step()
            for p, old in zip(model.parameters(), before):
                assert torch.allclose(p, old - 0.1 * p.grad)

        ranks.assert_all_passed(self, ranks.run(2, body))

    def test_is_of_the_class_of_the_wrapped_and_obeys_its_scheduler(self):
        def body(rank):
            model = Net()
            plain = optimizer_of(model)
            schedule = torch.optim.lr_scheduler.StepLR(plain, 1, gamma=0.5)
            optimizer = hvd.DistributedOptimizer(plain)
            assert isinstance(optimizer, torch.optim.SGD)
            for step in range(2):
                optimizer.zero_grad()
                loss_of(model, rank, step).backward()
                optimizer.step()
                schedule.step()
            weights = [hvd.allreduce(p, op=hvd.Min) - hvd.allreduce(p, op=hvd.Max) for p in model.parameters()]
            assert all((difference == 0).all() for difference in weights)
            assert optimizer.param_groups[0]["lr"] == 0.025

        ranks.assert_all_passed(self, ranks.run(2, body))

    def test_puts_its_buckets_into_the_shared_memory(self):
        def body(rank):
            optimizer = hvd.DistributedOptimizer(optimizer_of(Net()))
            address = optimizer._buckets[0]._buffer.data_ptr()
            with open("/proc/self/maps") as maps:
                spans = [line.split()[0].split("-") for line in maps if "memfd:ringtrain" in line]
            assert any(int(first, 16) <= address < int(end, 16) for first, end in spans)
            half = hvd.DistributedOptimizer(optimizer_of(Net()), compression=hvd.Compression.fp16)
            assert half._buckets[0]._buffer.dtype == torch.float16

        ranks.assert_all_passed(self, ranks.run(2, body))

    def test_works_over_gloo_too(self):
        def body(rank):
            model = Net()
            optimizer = hvd.DistributedOptimizer(optimizer_of(model))
            loss_of(model, rank, 0).backward()
            optimizer.step()
            assert torch.equal(hvd.broadcast(model.last.weight, 0), model.last.weight)

        ranks.assert_all_passed(self, ranks.run(2, body, backend="gloo"))

    def test_says_what_is_wrong(self):
        def body(rank):
            model = Net()
            optimizer = hvd.DistributedOptimizer(optimizer_of(model))
            loss_of(model, rank, 0).backward()
            try:
                optimizer.zero_grad()
            except RuntimeError as error:
                assert "the gradients are being averaged" in str(error)
            try:
                loss_of(model, rank, 1).backward()
            except RuntimeError as error:
                assert "more than 1 times before step()" in str(error), error
            else:
                raise AssertionError("no error")
            os._exit(7)

        self.assertEqual([end.code for end in ranks.run(2, body)], [7, 7])


class TheOtherNames(unittest.TestCase):
    def test_reduce_and_broadcast(self):
        def body(rank):
            size = hvd.size()
            mean = (size - 1) / 2
            tensor = torch.full((3,), float(rank))
            assert hvd.allreduce(tensor, name="x").tolist() == [mean] * 3 and tensor[0] == rank
            assert hvd.allreduce(tensor, average=False)[0] == mean * size
            assert hvd.allreduce(tensor, op=hvd.Max, postscale_factor=2.0)[0] == 2 * (size - 1)
            assert hvd.allreduce(torch.tensor(rank), op=hvd.Sum).item() == mean * size
            assert hvd.allreduce(tensor, compression=hvd.Compression.fp16).dtype == torch.float32
            assert hvd.broadcast(tensor, root_rank=size - 1)[0] == size - 1 and tensor[0] == rank
            assert hvd.allreduce_(tensor) is tensor and tensor[0] == mean
            assert hvd.broadcast_object({"rank": rank}, root_rank=size - 1) == {"rank": size - 1}

        for size in (1, 2, 3):
            with self.subTest(ranks=size):
                ranks.assert_all_passed(self, ranks.run(size, body))

    def test_give_all_ranks_one_model_and_optimizer(self):
        def body(rank):
            torch.manual_seed(rank)
            model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
            optimizer = torch.optim.Adam(model.parameters(), lr=0.1 + rank)
            if rank == 0:  # as after a checkpoint that the others have not read
                model(torch.randn(8, 4)).sum().backward()
                optimizer.step()
            hvd.broadcast_parameters(model.state_dict(), root_rank=0)
            hvd.broadcast_optimizer_state(optimizer, root_rank=0)
            hvd.broadcast_parameters(model.named_parameters(), root_rank=0)
            mine = [*model.state_dict().values(), *(s["exp_avg"] for s in optimizer.state.values())]
            assert len(mine) == 11
            assert all(torch.equal(tensor, hvd.broadcast(tensor, root_rank=0)) for tensor in mine)
            assert optimizer.param_groups[0]["lr"] == 0.1

        ranks.assert_all_passed(self, ranks.run(2, body))

    def test_that_are_missing_say_what_to_do(self):
        with self.assertRaisesRegex(AttributeError, "elastic: `ringtrain run` starts all ranks again"):
            hvd.elastic.run
        with self.assertRaisesRegex(AttributeError, "no join: docs/guides/from/horovod.md lists what there is"):
            hvd.join()
        with self.assertRaisesRegex(ValueError, "no Adasum: use op=hvd.Average"):
            hvd.DistributedOptimizer(optimizer_of(Net()), op=hvd.Adasum)
        with self.assertRaisesRegex(ValueError, "use hvd.init()"):
            hvd.rank()


class AScript(unittest.TestCase):
    def run_script(self, *command):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "train.py").write_text(textwrap.dedent(SCRIPT))
            pathlib.Path(folder, "beside.py").write_text("NAME = 'beside'\n")
            words = [*map(str, command), "-m", "ringtrain.horovod", f"{folder}/train.py", "3"]
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=150)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout.splitlines()[-1]

    def test_runs_as_it_is_by_ringtrain_run(self):
        words = [os.environ["RINGTRAIN"], "run", "-n", 2, "--python", sys.executable]
        self.assertEqual(self.run_script(*words), "2 2 0 beside")

    def test_runs_alone(self):
        self.assertEqual(self.run_script(sys.executable), "1 1 0 beside")


if __name__ == "__main__":
    unittest.main(verbosity=2)
