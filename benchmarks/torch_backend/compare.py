#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The backend ringtrain beside Gloo, in the same processes: 2 ranks of one thread, contestants in turn.

  compare.py [--rounds 9] [--json FILE]

Prints medians over the rounds with the least and the greatest, and the ratio to Gloo, which is taken in each round.
Needs torch and the package ringtrain.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "peers"))
from zoo import MODELS  # noqa: E402

KIB = 1024
SIZES = (4 * KIB, 64 * KIB, 256 * KIB, 1024 * KIB, 4096 * KIB, 25 * 1024 * KIB)
TIMED_BYTES = 50e6  # that a round sums, at 10 to 200 calls
STEPS, BATCH = 8, 64


def spread(rounds):
    return {"median": statistics.median(rounds), "least": min(rounds), "greatest": max(rounds)}


def time_rounds(contestants, rounds, calls):
    """{name: seconds a call, by round}; the order changes with each round."""
    times = {name: [] for name in contestants}
    names = list(contestants)
    for index in range(rounds + 1):  # the first warms up
        for name in names[index % len(names):] + names[:index % len(names)]:
            distributed.barrier()
            begun = time.perf_counter()
            for _ in range(calls):
                contestants[name]()
            if index:
                times[name].append((time.perf_counter() - begun) / calls)
    return times


def compare(times):
    figures = {}
    for name, rounds in times.items():
        figures[name] = {"microseconds": spread([1e6 * t for t in rounds])}
        if name != "gloo":
            figures[name]["times_gloo"] = spread([g / t for g, t in zip(times["gloo"], rounds)])
    return figures


def all_reduces(gloo, rounds):
    backend = distributed.group.WORLD._get_backend(torch.device("cpu"))
    for size in SIZES:
        private = torch.zeros(size // 4)
        shared = backend.allocate_tensor(size // 4, dtype=torch.float32, device=torch.device("cpu")).zero_()
        contestants = {"gloo": lambda: distributed.all_reduce(private, group=gloo),
                       "staged": lambda: distributed.all_reduce(private),
                       "arena": lambda: distributed.all_reduce(shared)}
        calls = int(min(200, max(10, TIMED_BYTES // size)))
        yield f"all_reduce {size // KIB} KiB", compare(time_rounds(contestants, rounds, calls))


def stepper(name, group):
    torch.manual_seed(1)
    model = MODELS[name]((1, 28, 28), 10)
    net = DistributedDataParallel(model, process_group=group, gradient_as_bucket_view=True, static_graph=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
    images, labels = torch.randn(BATCH, 1, 28, 28), torch.randint(0, 10, (BATCH,))

    def step():
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()

    return step


def ddp_steps(gloo, rounds):
    for name in ("mlp", "lenet5"):
        contestants = {"gloo": stepper(name, gloo), "ringtrain": stepper(name, None)}
        yield f"ddp {name}", compare(time_rounds(contestants, rounds, STEPS))


def run_rank(rank, folder, arguments):
    torch.set_num_threads(1)
    distributed.init_process_group("ringtrain", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    gloo = distributed.new_group(backend="gloo")
    results = {}
    for generator in (all_reduces, ddp_steps):
        for name, figures in generator(gloo, arguments.rounds):
            results[name] = figures
            if rank == 0:
                print(name, "  ".join(
                    f"{contestant} {f['microseconds']['median']:.0f} us"
                    + (" x{median:.2f} ({least:.2f} to {greatest:.2f})".format(**f["times_gloo"])
                       if "times_gloo" in f else "") for contestant, f in figures.items()), flush=True)
    if rank == 0 and arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(
            {"torch": torch.__version__, "ranks": 2, "threads": 1, "rounds": arguments.rounds, "figures": results},
            indent=1) + "\n")
    distributed.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ranks = []
        for rank in range(2):
            child = os.fork()
            if child == 0:
                run_rank(rank, folder, arguments)
                os._exit(0)
            ranks.append(child)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in ranks]
    sys.exit(1 if any(codes) else 0)


if __name__ == "__main__":
    main()
