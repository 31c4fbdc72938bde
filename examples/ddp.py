#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Data-parallel training as PyTorch's tutorial of DistributedDataParallel has it; nothing in it is about ringtrain.

    torchrun --standalone --nproc-per-node 2 examples/ddp.py
    RINGTRAIN_REPLACE=gloo torchrun --standalone --nproc-per-node 2 examples/ddp.py
"""

import os

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


def main():
    distributed.init_process_group("gloo")
    rank, size = distributed.get_rank(), distributed.get_world_size()
    torch.manual_seed(0)
    inputs = torch.randn(2048, 20)
    data = TensorDataset(inputs, inputs @ torch.randn(20, 1))
    sampler = DistributedSampler(data)
    loader = DataLoader(data, batch_size=64 // size, sampler=sampler, num_workers=int(os.environ.get("WORKERS", 0)))
    model = DistributedDataParallel(nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(3):
        sampler.set_epoch(epoch)
        total = torch.zeros(1)
        for features, targets in loader:
            loss = nn.functional.mse_loss(model(features), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach()
        distributed.all_reduce(total)
        if rank == 0:
            print(f"epoch {epoch}: loss {total.item() / len(loader) / size:.6f}"
                  f" ({size} ranks, {distributed.get_backend()})", flush=True)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
