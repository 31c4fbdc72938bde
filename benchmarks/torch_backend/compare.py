#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The backend ringtrain beside Gloo, in the same processes: 2 ranks of one thread, contestants in turn.

  compare.py [--rounds 15] [--cases WORD...] [--json FILE]

Prints medians over the rounds, and the ratio to Gloo, which is taken in each round, with the 95% interval of its median
and the goal. Needs torch and the package ringtrain. FILE keeps a run of each version of torch: beside_newest runs this
with PyPI's newest. Where other processes used more of the processors than a measurement allows, the exit code is 5:
FILE then says so, and its figures show nothing.
"""

import argparse
import json
import math
import os
import pathlib
import statistics
import sys
import tempfile
import time
import traceback

import machine
import models
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

KIB = 1024
SIZES = (4 * KIB, 64 * KIB, 256 * KIB, 1024 * KIB, 4096 * KIB, 25 * 1024 * KIB)
NOISY = 5  # exit code, as that of `ringtrain bench`
TIMED_BYTES = 50e6  # that a round sums, at 10 to 200 calls
# The least ratio to Gloo that a contestant has to reach.
GOALS = {("all_reduce 1024 KiB", "arena"): 10, ("all_reduce 25600 KiB", "arena"): 8,
         ("all_reduce 1024 KiB", "staged"): 4, ("all_reduce 25600 KiB", "staged"): 4,
         ("ddp mlp", "ringtrain"): 1.5, ("ddp lenet5", "ringtrain"): 1.3, ("ddp gpt", "ringtrain"): 1.25,
         ("ddp resnet18", "ringtrain"): 1.05}


def interval_of_median(rounds):
    """The order statistics that hold the median with 95% probability at least; all where the rounds are too few."""
    ordered, count, tail, outside = sorted(rounds), len(rounds), 0.0, 0
    while outside < count // 2:
        tail += math.comb(count, outside) / 2 ** count
        if tail > 0.025:
            break
        outside += 1
    outside = max(0, outside - 1)
    return [ordered[outside], ordered[count - 1 - outside]]


def spread(rounds):
    return {"median": statistics.median(rounds), "least": min(rounds), "greatest": max(rounds),
            "interval": interval_of_median(rounds)}


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


def all_reduces(gloo, rounds, is_wanted):
    backend = distributed.group.WORLD._get_backend(torch.device("cpu"))
    for size in SIZES:
        name = f"all_reduce {size // KIB} KiB"
        if not is_wanted(name):
            continue
        private = torch.zeros(size // 4)
        shared = backend.allocate_tensor(size // 4, dtype=torch.float32, device=torch.device("cpu")).zero_()
        contestants = {"gloo": lambda: distributed.all_reduce(private, group=gloo),
                       "staged": lambda: distributed.all_reduce(private),
                       "arena": lambda: distributed.all_reduce(shared)}
        calls = int(min(200, max(10, TIMED_BYTES // size)))
        yield name, compare(time_rounds(contestants, rounds, calls))


def stepper(case, group):
    torch.manual_seed(1)
    model = case.make()
    net = DistributedDataParallel(model, process_group=group, gradient_as_bucket_view=True, static_graph=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)

    def step():
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(net(case.inputs).flatten(0, -2), case.targets.flatten()).backward()
        optimizer.step()

    return step


def ddp_steps(gloo, rounds, is_wanted):
    # In a group of one rank DDP averages nothing, and no backend can be faster.
    alone = [distributed.new_group([rank]) for rank in range(2)][distributed.get_rank()]
    for name, case in models.cases().items():
        if is_wanted(f"ddp {name}"):
            contestants = {"gloo": stepper(case, gloo), "ringtrain": stepper(case, None),
                           "no averaging": stepper(case, alone)}
            yield f"ddp {name}", compare(time_rounds(contestants, rounds, case.steps))


def line_of(name, figures):
    words = [name]
    for contestant, figure in figures.items():
        words.append(f"{contestant} {figure['microseconds']['median']:.0f} us")
        if ratio := figure.get("times_gloo"):
            words[-1] += f" x{ratio['median']:.2f} ({ratio['interval'][0]:.2f} to {ratio['interval'][1]:.2f})"
        if goal := GOALS.get((name, contestant)):
            words[-1] += f", goal {goal}: {'met' if ratio['median'] >= goal else 'missed'}"
    return "  ".join(words)


def keep(file, run):
    """Puts a run in the place of the one with this version of torch."""
    path = pathlib.Path(file)
    runs = json.loads(path.read_text())["runs"] if path.exists() else []
    runs = [*(other for other in runs if other["torch"] != run["torch"]), run]
    path.write_text(json.dumps({"runs": runs}, indent=1) + "\n")


def run_rank(rank, folder, arguments):
    torch.set_num_threads(1)
    torch.manual_seed(rank)
    distributed.init_process_group("ringtrain", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    gloo = distributed.new_group(backend="gloo")
    results, noise, begun = {}, machine.Noise(), time.process_time()

    def is_wanted(name):
        return not arguments.cases or any(word in name for word in arguments.cases)

    for generator in (all_reduces, ddp_steps):
        for name, figures in generator(gloo, arguments.rounds, is_wanted):
            results[name] = figures
            if rank == 0:
                print(line_of(name, figures), flush=True)
    own = torch.tensor(time.process_time() - begun)
    distributed.all_reduce(own)
    others = noise.of_others(own.item())
    if rank == 0 and arguments.json:
        keep(arguments.json, {"torch": torch.__version__, "ranks": 2, "threads": 1, "rounds": arguments.rounds,
                              "measured_with": machine.provenance(), "share_of_others": others, "figures": results})
    distributed.destroy_process_group()
    if others > machine.MOST_OTHERS:
        if rank == 0:
            print(f"too noisy: other processes used {100 * others:.0f}% of the processors, and at most"
                  f" {100 * machine.MOST_OTHERS:.0f}% may be", file=sys.stderr, flush=True)
        return NOISY
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--cases", nargs="*", metavar="WORD", help='only those in whose name a word is, as "ddp mlp"')
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ranks = []
        for rank in range(2):
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    code = run_rank(rank, folder, arguments)
                except Exception:
                    traceback.print_exc()
                finally:
                    os._exit(code)
            ranks.append(child)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in ranks]
    sys.exit(max(abs(code) for code in codes))


if __name__ == "__main__":
    main()
