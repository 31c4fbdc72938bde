# SPDX-License-Identifier: Apache-2.0
"""Datasets of `ringtrain dataset import` in a script: the same samples in the same batches on any number of ranks.

    rows = ringtrain.data.Rows("mnist.h5")
    order = ringtrain.data.Order(rows, batch=128, seed=1)
    loader = torch.utils.data.DataLoader(rows, batch_size=None, sampler=order, num_workers=2)
    order.set_step(step)
    while step < steps:
        for images, labels in loader:
            ...
            step += 1

Without a DataLoader: for own in order: images, labels = rows[own]. docs/guides/data-in-a-script.md has the whole.
"""

import os
from typing import Iterator, Optional, Sequence, Tuple, Union

import torch
from torch import distributed
from torch.utils.data import Dataset, Sampler

from ringtrain.groups import check_torch

check_torch()

from ringtrain import _backend  # noqa: E402  only into the torch that it was built for


class Rows(Dataset):
    """The rows of a split, "train" or "test", of a dataset: a file, or a folder of shards.

    rows[7] and rows[0:100] are views of the mapped file, shared by all processes of the machine: nothing is read before
    it is needed, and nothing is copied. rows[[5, 3, 8]], also by a tensor, is a copy of these rows. Each is a pair: the
    samples (uint8, float32 or int64; [rows, channels, height, width]), and their labels (int64; [rows]) or targets
    (float32; [rows, targets]). A write to a view stays in this process.

    A damaged block, by its checksums, is a RuntimeError that names file and rows.
    """

    def __init__(self, path: Union[str, os.PathLike], split: str = "train"):
        self.path, self.split = os.path.abspath(path), split
        self._rows = _backend.Rows(self.path, split)
        facts = self._rows.facts()
        self.shape: Tuple[int, int, int] = facts["shape"]  # of a sample: channels, height, width
        self.uuid: str = facts["uuid"]  # the same for all files with these contents
        self.block_rows: int = facts["block_rows"]
        self.class_names: Sequence[str] = facts["class_names"]  # by label; empty with targets
        self.target_names: Sequence[str] = facts["target_names"]  # empty with labels
        # Over the training rows: of each channel (of uint8 samples divided by 255), and of each target.
        self.mean, self.std = torch.tensor(facts["mean"]), torch.tensor(facts["std"])
        self.target_mean, self.target_std = torch.tensor(facts["target_mean"]), torch.tensor(facts["target_std"])
        self._divisor = 255.0 if facts["is_u8"] else 1.0

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, which) -> Tuple[torch.Tensor, torch.Tensor]:
        if isinstance(which, slice):
            first, end, step = which.indices(len(self))
            if step == 1:
                return self._rows.slice(first, max(0, end - first))
            return self._rows.gather(range(first, end, step))
        if isinstance(which, torch.Tensor):
            which = which.tolist()
        if isinstance(which, int):
            row = which + len(self) if which < 0 else which
            if not 0 <= row < len(self):
                raise IndexError(f"row {which} of {len(self)}")
            x, y = self._rows.slice(row, 1)
            return x[0], y[0]
        return self._rows.gather(which)

    def normalise(self, x: torch.Tensor) -> torch.Tensor:
        """Samples as a job file's model gets them: floats, by the mean and std of their channel."""
        if x.dtype == torch.int64:
            return x
        mean, std = (figure.view(-1, 1, 1).to(x.device) for figure in (self.mean, self.std))
        return (x.to(torch.float32) / self._divisor - mean) / std

    def __reduce__(self):  # for workers that are not forked
        return type(self), (self.path, self.split)


class Order(Sampler):
    """Yields, for each global batch, the rows of this rank: a list of numbers, for Rows or any dataset of as many rows.

    The order is that of a job file with the same `seed` and `batch_size`, bit for bit. Ranks take consecutive parts of
    a global batch, which differ by one row at most. rank and world_size are those of torch.distributed.

    An epoch that was used up is followed by the next one. drop_last leaves out a last, short batch.
    """

    def __init__(self, rows: Rows, batch: int, *, seed: int = 0, shuffle: bool = True, drop_last: bool = False,
                 rank: Optional[int] = None, world_size: Optional[int] = None):
        self.rank, self.world_size = _place(rank, world_size)
        self.batch = batch  # rows of all ranks
        self._rows = len(rows)
        self._first_step = 0
        self._arguments = (len(rows), rows.block_rows, batch, seed, shuffle)
        if not 0 <= self.rank < self.world_size:
            raise ValueError(f"rank {self.rank} of {self.world_size}")
        if seed < 0:
            raise ValueError(f"seed {seed}: at least 0 is wanted, as in a job file")
        if batch < self.world_size:
            raise ValueError(f"a batch of {batch} rows has none for some of {self.world_size} ranks")
        self.steps_per_epoch = len(rows) // batch if drop_last else -(-len(rows) // batch)
        if self.steps_per_epoch == 0:
            raise ValueError(f"{rows.path}: {len(rows)} {rows.split} rows make no batch of {batch}")
        if not drop_last and 0 < len(rows) % batch < self.world_size:
            raise ValueError(f"{rows.path}: the last batch of an epoch has {len(rows) % batch} rows for"
                             f" {self.world_size} ranks: leave it out by drop_last=True, or choose another batch")

    def set_step(self, step: int) -> None:
        """Makes the next iteration begin with this step, counted over the whole training from 0, and end with that
        step's epoch: what a script resumes from is one number."""
        if step < 0:
            raise ValueError(f"step {step}: steps count from 0")
        self._first_step = step

    def set_epoch(self, epoch: int) -> None:
        """Makes the next iteration that of a whole epoch, counted from 0."""
        self.set_step(epoch * self.steps_per_epoch)

    def __iter__(self) -> Iterator[Sequence[int]]:
        epoch, first = divmod(self._first_step, self.steps_per_epoch)
        order = _backend.EpochOrder(*self._arguments, epoch)
        for step in range(first, self.steps_per_epoch):
            start = step * self.batch
            yield order.rows_of(start, min(self.batch, self._rows - start), self.rank, self.world_size)
        self.set_epoch(epoch + 1)

    def __len__(self) -> int:
        """Steps of the next iteration."""
        return self.steps_per_epoch - self._first_step % self.steps_per_epoch


def _place(rank: Optional[int], world_size: Optional[int]) -> Tuple[int, int]:
    if rank is not None and world_size is not None:
        return rank, world_size
    if distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise RuntimeError("ringtrain.data.Order needs to know its rank: call torch.distributed.init_process_group()"
                           " before, or give rank= and world_size=")
    return 0, 1
