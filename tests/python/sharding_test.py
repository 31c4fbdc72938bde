#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""DTensor and FSDP2 over the backend, with PyTorch's own models of its tests of them: redistribution between all
placements, tensor parallelism, both together, and checkpoints that are read on another number of ranks.

Tensor parallelism divides the 4 heads of attention, the rows of the embedding and the widths of layers, by 2 and by 4.
"""

import itertools
import tempfile
import unittest

import ranks
import torch
import torch._dynamo  # here once, rather than by the first optimizer of each rank
from torch import distributed
from torch.distributed import checkpoint
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor
from torch.testing._internal.distributed._tensor.common_dtensor import MLPStacked, ModelArgs, Transformer

ARGUMENTS = ModelArgs(n_layers=2, vocab_size=16, max_seq_len=8, dim=16, n_heads=4, dropout_p=0.0)


def transformer():
    torch.manual_seed(7)
    return Transformer(ARGUMENTS)


def tokens():
    torch.manual_seed(1)
    return torch.randint(0, ARGUMENTS.vocab_size, (4, ARGUMENTS.max_seq_len))


def train(model, steps=3):
    """The losses; every rank has the same batch, so they do not depend on how the model is divided."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, foreach=False)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        output = model(tokens())
        output = output.full_tensor() if hasattr(output, "full_tensor") else output
        loss = output.float().square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


def parallelize(model, mesh, sequence_parallel=False):
    """Each rank attends with its own heads, as plain tensors: DTensor has no rules for attention on a CPU."""
    return Transformer.parallelize(model, mesh, use_seq_parallel=sequence_parallel, local_output_for_attn=True)


class Sharding(unittest.TestCase):
    def run_ranks(self, body, sizes):
        for size in sizes:
            with self.subTest(ranks=size):
                ranks.assert_all_passed(self, ranks.run(size, body))

    def test_redistribution_between_all_placements(self):
        def body(rank):
            size = distributed.get_world_size()
            mesh = init_device_mesh("cpu", (size,))
            torch.manual_seed(3)
            whole = torch.randn(7, 5, 3)  # parts of different sizes, and on 4 ranks an empty one
            placements = (Shard(0), Shard(1), Shard(2), Replicate())
            for before, after in itertools.product(placements, repeat=2):
                tensor = distribute_tensor(whole, mesh, [before]).redistribute(placements=[after])
                assert torch.equal(tensor.full_tensor(), whole), (before, after)
            scaled = distribute_tensor(whole, mesh, [Shard(0)])
            partial = scaled.sum(0)
            assert partial.placements[0].is_partial()
            for after in (Replicate(), Shard(0), Shard(1)):
                assert torch.allclose(partial.redistribute(placements=[after]).full_tensor(), whole.sum(0), atol=1e-5)
            for reduction in ("avg", "max"):
                local = torch.full((4,), float(rank))
                own = DTensor.from_local(local, mesh, [Partial(reduction)])
                expected = (size - 1) / 2 if reduction == "avg" else size - 1
                assert own.full_tensor().tolist() == [expected] * 4, reduction
        self.run_ranks(body, (2, 3, 4))

    def test_tensor_parallelism_trains_as_one_process(self):
        alone = train(transformer())
        for sequence_parallel in (False, True):
            def body(rank, sequence_parallel=sequence_parallel):
                mesh = init_device_mesh("cpu", (distributed.get_world_size(),))
                model = parallelize(transformer(), mesh, sequence_parallel)
                losses = train(model)
                assert torch.allclose(losses, alone, rtol=1e-4), (losses, alone)
            self.run_ranks(body, (2, 4))

    def test_fsdp2_trains_as_one_process(self):
        alone = train(transformer())
        for options in ({}, {"reshard_after_forward": False},
                        {"mp_policy": MixedPrecisionPolicy(reduce_dtype=torch.float64)}):
            def body(rank, options=options):
                model = transformer()
                for layer in model.layers:
                    fully_shard(layer, **options)
                fully_shard(model, **options)
                losses = train(model)
                assert torch.allclose(losses, alone, rtol=1e-4), (losses, alone)
            self.run_ranks(body, (2, 3))

    def test_fsdp2_with_tensor_parallelism_in_two_dimensions(self):
        alone = train(transformer())

        def body(rank):
            mesh = init_device_mesh("cpu", (2, 2), mesh_dim_names=("data", "model"))
            model = parallelize(transformer(), mesh["model"])
            for layer in model.layers:
                fully_shard(layer, mesh=mesh["data"])
            fully_shard(model, mesh=mesh["data"])
            losses = train(model)
            assert torch.allclose(losses, alone, rtol=1e-4), (losses, alone)
        self.run_ranks(body, (4,))

    def test_hybrid_sharding(self):
        torch.manual_seed(5)
        inputs = torch.randn(4, 10)

        def body(rank):
            mesh = init_device_mesh("cpu", (2, 2), mesh_dim_names=("replicas", "shards"))
            torch.manual_seed(7)
            model, alone = MLPStacked("cpu"), MLPStacked("cpu")
            alone.load_state_dict(model.state_dict())
            fully_shard(model, mesh=mesh)
            for one in (model, alone):
                one(inputs).square().sum().backward()
            for ours, whole in zip(model.parameters(), alone.parameters()):
                assert torch.allclose(ours.grad.full_tensor(), whole.grad, atol=1e-5)
        self.run_ranks(body, (4,))

    def test_checkpoints_are_read_on_another_number_of_ranks(self):
        with tempfile.TemporaryDirectory() as folder:
            def body(rank, reads=False):
                model = transformer()
                expected = {name: value.clone() for name, value in model.state_dict().items()}
                if reads:
                    for parameter in model.parameters():
                        torch.nn.init.zeros_(parameter)
                fully_shard(model)
                state = model.state_dict()
                if not reads:
                    checkpoint.save(state, checkpoint_id=folder)
                    return
                checkpoint.load(state, checkpoint_id=folder)
                for name, value in state.items():
                    assert torch.equal(value.full_tensor(), expected[name]), name
            self.run_ranks(body, (3,))
            self.run_ranks(lambda rank: body(rank, reads=True), (2,))


if __name__ == "__main__":
    unittest.main(verbosity=2)
