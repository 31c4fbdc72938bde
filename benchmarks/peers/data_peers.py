#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The ways in which PyTorch users read HDF5, timed for `ringtrain bench data`.

Reads shuffled batches of single rows, as a DataLoader does, for a number of seconds after the first batch and
prints {"samples_per_second": ...}. The file is a ringtrain dataset, so every peer sees the same bytes.
"""
import argparse
import json
import time

import h5py
import numpy
import torch


class Hdf5Rows(torch.utils.data.Dataset):
    """Opens the file in each worker: a handle does not survive a fork."""

    def __init__(self, path):
        self.path = path
        self.file = None
        with h5py.File(path, "r") as file:
            self.rows = len(file["/train/y"])

    def __len__(self):
        return self.rows

    def __getitem__(self, row):
        if self.file is None:
            self.file = h5py.File(self.path, "r")
            self.x = self.file["/train/x"]
            self.y = self.file["/train/y"]
        return self.x[row], self.y[row]


class MappedRows(torch.utils.data.Dataset):
    def __init__(self, path):
        with h5py.File(path, "r") as file:
            x, y = file["/train/x"], file["/train/y"]
            self.x = numpy.memmap(path, x.dtype, "r", x.id.get_offset(), x.shape)
            self.y = numpy.memmap(path, y.dtype, "r", y.id.get_offset(), y.shape)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, row):
        return torch.from_numpy(numpy.array(self.x[row])), int(self.y[row])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["h5py", "memmap"])
    parser.add_argument("path")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    dataset = {"h5py": Hdf5Rows, "memmap": MappedRows}[arguments.kind](arguments.path)
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=arguments.batch, shuffle=True, num_workers=arguments.workers)
    samples = 0
    start = None
    now = 0.0
    for x, _ in loader:
        now = time.perf_counter()
        if start is None:  # workers have started
            start = now
            continue
        samples += len(x)
        if now - start > arguments.seconds:
            break
    if samples == 0:
        raise SystemExit("the dataset is too small to time")
    print(json.dumps({"samples_per_second": samples / (now - start)}))


if __name__ == "__main__":
    main()
