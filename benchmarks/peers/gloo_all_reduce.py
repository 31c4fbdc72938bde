#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PyTorch's all_reduce over Gloo, timed for `ringtrain bench allreduce` as benchmarks/all_reduce/timing.cpp does.

One rank, started by mpirun. Rank 0 prints {"rows": [{"bytes": ..., "seconds": ..., "wrong": ...}, ...]}.
"""
import argparse
import fcntl
import json
import os
import socket
import statistics
import struct
import time

WARM_UP, FEWEST, MOST = 3, 5, 20_000


def use_interface_towards(master):
    """Gloo otherwise takes the one that the host's own name stands for, which may be none that others reach."""
    if "GLOO_SOCKET_IFNAME" in os.environ:
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((master, 9))  # sends nothing
        own = probe.getsockname()[0]
        for _, name in socket.if_nameindex():
            try:
                request = fcntl.ioctl(probe, 0x8915, struct.pack("256s", name.encode()))  # SIOCGIFADDR
            except OSError:
                continue
            if socket.inet_ntoa(request[20:24]) == own:
                os.environ["GLOO_SOCKET_IFNAME"] = name


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", required=True)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--master", required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    use_interface_towards(arguments.master)
    import torch
    import torch.distributed as dist

    rank, ranks = int(os.environ["OMPI_COMM_WORLD_RANK"]), int(os.environ["OMPI_COMM_WORLD_SIZE"])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"tcp://{arguments.master}:{arguments.port}", rank=rank,
                            world_size=ranks)

    def seconds_per_call(data):
        starts, ends, begin, calls = [], [], time.perf_counter(), WARM_UP + FEWEST
        while len(starts) < calls:
            data.zero_()
            dist.barrier()
            starts.append(time.perf_counter())
            dist.all_reduce(data)
            ends.append(time.perf_counter())
            if len(starts) == WARM_UP + FEWEST:
                wanted = torch.tensor([int(calls * arguments.seconds / (ends[-1] - begin))])
                dist.broadcast(wanted, 0)
                calls = max(calls, min(wanted.item(), MOST))
        starts, ends = (torch.tensor(values[WARM_UP:], dtype=torch.float64) for values in (starts, ends))
        if ranks == int(os.environ["OMPI_COMM_WORLD_LOCAL_SIZE"]):  # one clock
            dist.all_reduce(starts, dist.ReduceOp.MAX)
            dist.all_reduce(ends, dist.ReduceOp.MAX)
        times = ends - starts
        dist.all_reduce(times, dist.ReduceOp.MIN)
        return statistics.median(times.tolist())

    rows = []
    for size in (int(text) for text in arguments.sizes.split(",")):
        values = torch.arange(size // 4, dtype=torch.int32).remainder_(1000).float()
        data = (rank + 1) * values
        dist.all_reduce(data)
        wrong = (data != ranks * (ranks + 1) // 2 * values).sum()
        dist.all_reduce(wrong)
        rows.append({"bytes": size, "seconds": seconds_per_call(data), "wrong": wrong.item()})
    if rank == 0:
        print(json.dumps({"rows": rows}))
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
