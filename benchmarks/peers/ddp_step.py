#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PyTorch's DistributedDataParallel on CPUs, on the models of ringtrain's zoo, timed for `ringtrain bench step`.

One rank, started by mpirun. Rank 0 prints {"samples_per_second", "step_seconds", "usage_by_rank"}: the rate of all
ranks together after the first steps, its own time of each step, the first ones included, and what each process used
from the first step on. Modes:

  loader    as in PyTorch's examples: DataLoader, DistributedSampler, normalisation per sample
  tuned     all samples in memory and normalised before, gradient_as_bucket_view, static_graph, channels last
"""
import argparse
import json
import os
import resource
import time

import h5py
import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional

from zoo import MODELS


class Rows(torch.utils.data.Dataset):
    def __init__(self, x, y, mean, std):
        self.x, self.y, self.mean, self.std = x, y, mean, std

    def __len__(self):
        return len(self.y)

    def __getitem__(self, row):
        return (self.x[row].float() / 255 - self.mean) / self.std, self.y[row]


def batches_of_loader(rows, rank, ranks, batch):
    sampler = torch.utils.data.DistributedSampler(rows, ranks, rank, seed=1)
    loader = torch.utils.data.DataLoader(rows, batch_size=batch, sampler=sampler, drop_last=True)
    epoch = 0
    while True:
        sampler.set_epoch(epoch)
        yield from loader
        epoch += 1


def batches_of_memory(rows, rank, ranks, batch):
    x = ((rows.x.float() / 255 - rows.mean) / rows.std).contiguous()
    generator = torch.Generator().manual_seed(1)
    while True:
        order = torch.randperm(len(x), generator=generator)[rank::ranks]
        for begin in range(0, len(order) - batch + 1, batch):
            own = order[begin:begin + batch]
            yield x[own], rows.y[own]


def used():
    """This process's use of the machine so far, under the names of ringtrain's traces."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {"user_seconds": usage.ru_utime, "system_seconds": usage.ru_stime, "page_faults": usage.ru_minflt,
            "waits": usage.ru_nvcsw, "preemptions": usage.ru_nivcsw}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["loader", "tuned"])
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("dataset")
    parser.add_argument("--batch", type=int, default=128, help="of all ranks together")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    rank, ranks = int(os.environ["OMPI_COMM_WORLD_RANK"]), int(os.environ["OMPI_COMM_WORLD_SIZE"])
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.manual_seed(1)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{arguments.port}", rank=rank, world_size=ranks)
    with h5py.File(arguments.dataset, "r") as file:
        x, y = torch.from_numpy(file["/train/x"][:]), torch.from_numpy(file["/train/y"][:]).long()
    shape = tuple(x.shape[1:]) if x.dim() == 4 else (1, *x.shape[1:])
    rows = Rows(x.reshape(len(x), *shape), y, 0.1307, 0.3081)
    model = MODELS[arguments.model](shape, int(y.max()) + 1)
    tuned = arguments.mode != "loader"
    # PyTorch's optimizer is fastest so.
    optimizer_choice = ({"fused": True} if tuned else {})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4,
                                **optimizer_choice)
    net = nn.parallel.DistributedDataParallel(model, gradient_as_bucket_view=tuned, static_graph=tuned)
    batches = (batches_of_memory if tuned else batches_of_loader)(rows, rank, ranks, arguments.batch // ranks)

    def step():
        inputs, labels = next(batches)
        if tuned:
            inputs = inputs.to(memory_format=torch.channels_last)
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(net(inputs), labels).backward()
        optimizer.step()

    step_seconds = []
    before_training = used()

    def timed(steps):
        dist.barrier()
        start = before = time.perf_counter()
        for _ in range(steps):
            step()
            now = time.perf_counter()
            step_seconds.append(now - before)
            before = now
        slowest = torch.tensor([time.perf_counter() - start], dtype=torch.float64)
        dist.all_reduce(slowest, dist.ReduceOp.MAX)
        return slowest.item()

    timed(3)  # buffers, kernels' choices
    steps = max(3, int(arguments.seconds / (timed(3) / 3)))
    seconds = timed(steps)
    usage = [None] * ranks
    dist.all_gather_object(usage, {name: value - before_training[name] for name, value in used().items()})
    if rank == 0:
        rate = steps * (arguments.batch // ranks) * ranks / seconds
        print(json.dumps({"samples_per_second": rate, "step_seconds": step_seconds, "usage_by_rank": usage}))
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
