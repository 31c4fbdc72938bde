#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PyTorch on GPUs, on the models of ringtrain's zoo, as fast as it goes: for `ringtrain bench step` and `gpu-check`.

  card_step.py DATASET --models lenet --modes eager,graph --precisions tf32

One rank a GPU: started by mpirun, or alone. Rank 0 prints a line of JSON for every combination: {"model", "mode",
"precision", "samples_per_second"} of all ranks together, or "error". Samples lie on the GPU, normalised; a step gathers
its rows there, in an order drawn there. Modes:

  eager     kernel by kernel, the fused optimizer
  graph     the whole step, optimizer included, in one CUDA graph
  compiled  torch.compile with CUDA graphs

Several ranks use DistributedDataParallel. Precisions are those of the job file; tf32 and bf16 are channels last.
"""
import argparse
import json
import os
import time

import h5py
import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional

from zoo import MODELS

WARM_STEPS = 12  # more than the 11 that DistributedDataParallel wants before a capture


class Data:
    """Normalised samples and labels on the GPU, and the order of this rank's rows."""

    def __init__(self, file, rank, ranks, batch, device):
        with h5py.File(file, "r") as dataset:
            x, y = torch.from_numpy(dataset["/train/x"][:]), torch.from_numpy(dataset["/train/y"][:]).long()
        self.shape = tuple(x.shape[1:]) if x.dim() == 4 else (1, *x.shape[1:])
        self.classes = int(y.max()) + 1
        x = x.to(device).reshape(len(x), *self.shape)
        self.x = torch.empty(x.shape, device=device)
        for begin in range(0, len(x), 8192):
            self.x[begin:begin + 8192] = (x[begin:begin + 8192].float() / 255 - 0.1307) / 0.3081
        self.y, self.rank, self.ranks, self.batch = y.to(device), rank, ranks, batch // ranks
        self.order, self.at = None, 0

    def rows(self):
        if self.order is None or self.at + self.batch > len(self.order):
            self.order, self.at = torch.randperm(len(self.x), device=self.x.device)[self.rank::self.ranks], 0
        self.at += self.batch
        return self.order[self.at - self.batch:self.at]


class Step:
    """A training step of one model in one mode and precision; called again and again."""

    def __init__(self, name, mode, precision, data, device):
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "fp32"
        torch.backends.cudnn.benchmark = True
        torch.manual_seed(1)
        self.data, self.precision = data, precision
        self.format = torch.contiguous_format if precision == "fp32" else torch.channels_last
        model = MODELS[name](data.shape, data.classes).to(device, memory_format=self.format)
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4,
                                         fused=True)
        self.net = model
        side = torch.cuda.Stream()
        with torch.cuda.stream(side):
            if data.ranks > 1:
                # torch.compile does not go with static_graph (pytorch#93672).
                self.net = nn.parallel.DistributedDataParallel(
                    model, device_ids=[device.index], gradient_as_bucket_view=True, static_graph=mode != "compiled")
            if mode == "compiled":
                self.net = torch.compile(self.net, mode="reduce-overhead")
            for _ in range(WARM_STEPS):
                self.train(data.rows())
        torch.cuda.current_stream().wait_stream(side)
        self.graph, self.static_rows = None, data.rows().clone()
        if mode == "graph":
            self.graph = torch.cuda.CUDAGraph()
            self.optimizer.zero_grad(set_to_none=True)
            with torch.cuda.graph(self.graph):
                self.train(self.static_rows)

    def train(self, rows):
        inputs = self.data.x[rows].to(memory_format=self.format)
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=self.precision == "bf16"):
            loss = functional.cross_entropy(self.net(inputs), self.data.y[rows])
        loss.backward()
        self.optimizer.step()

    def __call__(self):
        if self.graph is None:
            self.train(self.data.rows())
        else:
            self.static_rows.copy_(self.data.rows())
            self.graph.replay()


def seconds_of(step, steps, ranks):
    torch.cuda.synchronize()
    if ranks > 1:
        dist.barrier()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    torch.cuda.synchronize()
    seconds = torch.tensor([time.perf_counter() - start], dtype=torch.float64, device="cuda")
    if ranks > 1:
        dist.all_reduce(seconds, dist.ReduceOp.MAX)
    return seconds.item()


def rate_of(step, data, seconds):
    """Samples per second of all ranks; compilation, plans of convolutions and captures are over before."""
    warm = seconds_of(step, 20, data.ranks)
    warm = min(warm, seconds_of(step, 20, data.ranks))
    steps = max(20, int(seconds / (warm / 20)))
    return steps * data.batch * data.ranks / seconds_of(step, steps, data.ranks)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dataset")
    parser.add_argument("--models", default="lenet,resnet18")
    parser.add_argument("--modes", default="eager,graph,compiled")
    parser.add_argument("--precisions", default="fp32,tf32,bf16")
    parser.add_argument("--batch", type=int, default=128, help="of all ranks together")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--port", type=int, default=0, help="of this machine, with several ranks")
    arguments = parser.parse_args()
    rank, ranks = int(os.environ.get("OMPI_COMM_WORLD_RANK", 0)), int(os.environ.get("OMPI_COMM_WORLD_SIZE", 1))
    device = torch.device("cuda", int(os.environ.get("OMPI_COMM_WORLD_LOCAL_RANK", 0)))
    torch.cuda.set_device(device)
    if ranks > 1:
        dist.init_process_group("nccl", init_method=f"tcp://127.0.0.1:{arguments.port}", rank=rank, world_size=ranks,
                                device_id=device)
    data = Data(arguments.dataset, rank, ranks, arguments.batch, device)
    for model in arguments.models.split(","):
        for mode in arguments.modes.split(","):
            for precision in arguments.precisions.split(","):
                row = {"model": model, "mode": mode, "precision": precision}
                try:
                    row["samples_per_second"] = rate_of(Step(model, mode, precision, data, device), data,
                                                        arguments.seconds)
                except RuntimeError as error:
                    if ranks > 1:
                        raise  # the other ranks would wait
                    row["error"] = str(error).splitlines()[0]
                if rank == 0:
                    print(json.dumps(row), flush=True)
                torch.compiler.reset()
    if ranks > 1:
        dist.barrier()
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
