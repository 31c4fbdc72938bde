#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The design that ringtrain replaces, without Kubernetes: for every minibatch, a new process for each worker and one
that aggregates, which hand each other files; beside one ringtrain job on the same network, rows and batches.

  benchmarks/peers/processes_per_minibatch.py build/cpu/bin [--minibatches 50] [--json FILE]

A worker loads model and rows, computes its part of the gradient with NumPy and writes it; the aggregator reads all
parts, averages, updates and writes the model. Both sides have 2 workers of one thread. The seconds of an epoch of
processes are extrapolated from the median minibatch, and marked so; that of ringtrain is measured. What containers,
images and a scheduler add is not in it: train_in_kubes.py measures that.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time

WORKERS, BATCH, RATE = 2, 128, 0.05
WIDTHS = (784, 1024, 1024, 10)  # ringtrain's mlp
ROWS = 60_000


def worker(folder, rank, first):
    import numpy
    weights = [dict(numpy.load(folder / "model.npz"))[f"w{i}"] for i in range(len(WIDTHS) - 1)]
    rows = numpy.load(folder / "x.npy", mmap_mode="r")[first:first + BATCH // WORKERS]
    labels = numpy.load(folder / "y.npy", mmap_mode="r")[first:first + BATCH // WORKERS]
    layers = [rows.astype(numpy.float32) / 255]
    for weight in weights[:-1]:
        layers.append(numpy.maximum(layers[-1] @ weight, 0))
    logits = layers[-1] @ weights[-1]
    error = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    error /= error.sum(axis=1, keepdims=True)
    error[numpy.arange(len(labels)), labels] -= 1
    gradients = {}
    for i in reversed(range(len(weights))):
        gradients[f"w{i}"] = layers[i].T @ error / BATCH
        error = (error @ weights[i].T) * (layers[i] > 0)
    numpy.savez(folder / f"gradient-{rank}.npz", **gradients)


def aggregate(folder):
    import numpy
    model = dict(numpy.load(folder / "model.npz"))
    for rank in range(WORKERS):
        for name, gradient in numpy.load(folder / f"gradient-{rank}.npz").items():
            model[name] -= RATE * gradient
    numpy.savez(folder / "next.npz", **model)
    os.replace(folder / "next.npz", folder / "model.npz")


def start(*arguments):
    return subprocess.Popen([sys.executable, __file__, *map(str, arguments)],
                            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})


def finish(processes):
    for process in processes:
        if process.wait() != 0:
            sys.exit("processes_per_minibatch: a process failed")


def make_arrays(folder, images, labels):
    import numpy
    values = numpy.random.default_rng(1)
    numpy.save(folder / "x.npy", numpy.frombuffer(images, dtype=numpy.uint8).reshape(-1, WIDTHS[0]))
    numpy.save(folder / "y.npy", numpy.frombuffer(labels, dtype=numpy.uint8))
    numpy.savez(folder / "model.npz", **{
        f"w{i}": (values.standard_normal((before, after)) / before ** 0.5).astype(numpy.float32)
        for i, (before, after) in enumerate(zip(WIDTHS, WIDTHS[1:]))})


def minibatches(folder, count):
    seconds = []
    for number in range(count):
        begin = time.monotonic()
        first = number * BATCH % (ROWS - BATCH)
        finish([start("worker", folder, rank, first + rank * BATCH // WORKERS) for rank in range(WORKERS)])
        finish([start("aggregate", folder)])
        seconds.append(time.monotonic() - begin)
    return seconds


def write_dataset(programs, folder, images, labels):
    files = []
    for part, count in (("train", ROWS), ("test", 100)):
        for shape, values in (([count, 28, 28], images[:count * 784]), ([count], labels[:count])):
            files.append(folder / f"{part}-{len(shape)}")
            files[-1].write_bytes(struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + values)
    subprocess.run([programs / "ringtrain", "dataset", "import", "idx", *files, "-o", folder / "rows.h5"], check=True,
                   stdout=subprocess.DEVNULL)


def ringtrain_epoch(programs, folder, number):
    """(seconds of the command, of its training) of one epoch."""
    job = folder / "job.yaml"
    job.write_text(f"model: mlp\ndataset: {folder}/rows.h5\nbatch_size: {BATCH}\nepochs: 1\noutput: {folder}/out-{number}\n"
                   f"optimizer: {{type: sgd, learning_rate: {RATE}}}\n")
    begin = time.monotonic()
    done = subprocess.run([programs / "ringtrain", "run", job, "-n", str(WORKERS), "--json"], capture_output=True,
                          text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode != 0:
        sys.exit(f"processes_per_minibatch: ringtrain run: {done.stderr[-300:]}")
    seconds = json.loads(done.stdout)["seconds"]
    trained = seconds["compute"] + seconds["exposed_communication"] + seconds["data_wait"]
    return time.monotonic() - begin, trained


def measure(options):
    programs, values = options.programs.resolve(), random.Random(1)
    images, labels = values.randbytes(ROWS * 784), bytes(values.randrange(10) for _ in range(ROWS))
    with tempfile.TemporaryDirectory(prefix="ringtrain-processes.") as name:
        folder = pathlib.Path(name)
        make_arrays(folder, images, labels)
        write_dataset(programs, folder, images, labels)
        epochs = [ringtrain_epoch(programs, folder, number) for number in range(options.epochs)]
        seconds = minibatches(folder, options.minibatches)
    batches = -(-ROWS // BATCH)
    ordered = sorted(seconds)
    whole, trained = (statistics.median(values) for values in zip(*epochs))
    print(f"a process a worker and minibatch: {statistics.median(seconds):.3f} s a minibatch "
          f"[{ordered[0]:.3f}, {ordered[-1]:.3f}], n={len(seconds)}; an epoch, extrapolated: "
          f"{batches * statistics.median(seconds):.0f} s\nringtrain: {trained:.2f} s of training an epoch, "
          f"{whole:.2f} s the whole command, n={len(epochs)}; {batches * statistics.median(seconds) / trained:.0f} "
          "times as fast in training")
    return {"class": "measured", "batches_of_an_epoch": batches, "minibatch_seconds": seconds,
            "ringtrain_epochs": [{"command_seconds": a, "training_seconds": b} for a, b in epochs]}


def main():
    if sys.argv[1:2] == ["worker"]:
        return worker(pathlib.Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    if sys.argv[1:2] == ["aggregate"]:
        return aggregate(pathlib.Path(sys.argv[2]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=pathlib.Path, help="folder of the built programs")
    parser.add_argument("--minibatches", type=int, default=50, help="(50)")
    parser.add_argument("--epochs", type=int, default=3, help="of ringtrain (3)")
    parser.add_argument("--json", type=pathlib.Path, help="write all seconds to this file as well")
    options = parser.parse_args()
    found = measure(options)
    if options.json:
        options.json.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
