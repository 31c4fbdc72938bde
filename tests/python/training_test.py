#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""DDP and FSDP2 over the backend: the same bits as on Gloo with 2 ranks, the same bits twice with 3."""

import os
import tempfile
import unittest

import ranks
import torch
import torch._dynamo  # here once, rather than by the first optimizer of each rank
from torch import distributed, nn
from torch.distributed.algorithms.ddp_comm_hooks import powerSGD_hook
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


def net():
    torch.manual_seed(7)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 300), nn.ReLU(),
                         nn.Linear(300, 10))


def samples(rank, step):
    torch.manual_seed(1000 * step + rank)
    return torch.randn(6, 1, 8, 8), torch.randint(0, 10, (6,))


def train(model, rank, steps=5, momentum=0.9):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=momentum)
    for step in range(steps):
        images, labels = samples(rank, step)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()


class Training(unittest.TestCase):
    def trained(self, size, backend, wrap, **options):
        """Parameters of every rank after training."""
        with tempfile.TemporaryDirectory() as folder:
            def body(rank):
                model = wrap(net())
                train(model, rank, **options)
                full = [p.full_tensor() if hasattr(p, "full_tensor") else p for p in model.parameters()]
                torch.save([p.detach() for p in full], f"{folder}/{rank}")
            ranks.assert_all_passed(self, ranks.run(size, body, backend=backend))
            return [torch.load(f"{folder}/{rank}") for rank in range(size)]

    def assert_same(self, one, other):
        for a, b in zip(one, other):
            self.assertTrue(all(torch.equal(x, y) for x, y in zip(a, b)))

    def test_ddp_has_the_same_bits_as_on_gloo_with_2_ranks(self):
        for options in ({}, {"gradient_as_bucket_view": True, "static_graph": True}, {"find_unused_parameters": True}):
            with self.subTest(options):
                def wrap(model, options=options):
                    return DistributedDataParallel(model, **options)
                ours = self.trained(2, "ringtrain", wrap)
                self.assert_same(ours, self.trained(2, "gloo", wrap))
                self.assert_same(ours[:1], ours[1:])

    def test_ddp_has_the_same_bits_twice_on_every_number_of_ranks(self):
        for size in (1, 3, 4):
            with self.subTest(ranks=size):
                ours = self.trained(size, "ringtrain", DistributedDataParallel)
                self.assert_same(ours, self.trained(size, "ringtrain", DistributedDataParallel))
                for other in ours[1:]:
                    self.assert_same(ours[:1], [other])

    def test_powersgd_starts_collectives_in_callbacks_and_has_the_same_bits_as_on_gloo(self):
        def wrap(model):
            model = DistributedDataParallel(model)
            model.register_comm_hook(powerSGD_hook.PowerSGDState(None, start_powerSGD_iter=2),
                                     powerSGD_hook.powerSGD_hook)
            return model
        ours = self.trained(2, "ringtrain", wrap)
        self.assert_same(ours, self.trained(2, "gloo", wrap))

    def test_fsdp2_has_the_same_bits_as_on_gloo_with_2_ranks(self):
        def wrap(model):
            for layer in model:
                if isinstance(layer, nn.Linear):
                    fully_shard(layer)
            return fully_shard(model)
        self.assert_same(self.trained(2, "ringtrain", wrap), self.trained(2, "gloo", wrap))

    def test_sparse_gradients_have_the_same_bits_as_on_gloo_with_2_ranks(self):
        class Words(nn.Module):
            def __init__(self):
                super().__init__()
                torch.manual_seed(7)
                self.embedding, self.top = nn.Embedding(50, 8, sparse=True), nn.Linear(8, 10)

            def forward(self, images):
                return self.top(self.embedding((images.flatten(1) * 1000).long() % 50).mean(1))

        def wrap(model):
            return DistributedDataParallel(Words())
        self.assert_same(self.trained(2, "ringtrain", wrap, momentum=0), self.trained(2, "gloo", wrap, momentum=0))

    def test_ddp_puts_its_buckets_into_the_shared_memory(self):
        def body(rank):
            model = DistributedDataParallel(net(), gradient_as_bucket_view=True)
            train(model, rank, steps=3)
            gradient = next(model.parameters()).grad.data_ptr()
            with open("/proc/self/maps") as maps:
                shared = [line for line in maps if "memfd:ringtrain" in line]
            inside = any(int(a, 16) <= gradient < int(b, 16) for a, b in
                         (line.split()[0].split("-") for line in shared))
            assert inside, shared
        ranks.assert_all_passed(self, ranks.run(2, body))

    def test_buckets_may_outlive_the_group(self):
        def body(rank):
            backend = distributed.group.WORLD._get_backend(torch.device("cpu"))
            tensor = backend.allocate_tensor(1000, dtype=torch.float32, device=torch.device("cpu")).fill_(rank + 1)
            distributed.all_reduce(tensor)
            distributed.destroy_process_group()
            del backend
            assert tensor.sum() == 3000
            os._exit(0)
        ranks.assert_all_passed(self, ranks.run(2, body))

    def test_data_loaders_with_workers(self):
        def body(rank):
            data = TensorDataset(*samples(0, 0))
            loader = DataLoader(data, batch_size=2, num_workers=2, sampler=DistributedSampler(data))
            model = DistributedDataParallel(net())
            for _ in range(2):
                for images, labels in loader:
                    nn.functional.cross_entropy(model(images), labels).backward()
            distributed.barrier()
        ranks.assert_all_passed(self, ranks.run(2, body))


if __name__ == "__main__":
    unittest.main(verbosity=2)
