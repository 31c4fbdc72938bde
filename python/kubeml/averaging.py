# SPDX-License-Identifier: Apache-2.0
"""The mean of all functions' weights, over the ranks of a job."""

import zlib
from typing import Dict, List, Optional, Tuple

import torch
from torch import distributed

from kubeml.calls import State
from kubeml.exceptions import KubeMLException, MergeError


class Averager:
    """Averages states that are alike on all ranks: every entry, statistics and counters, too. The mean is the plain sum
    divided by the number of functions that take part; whole numbers are divided without a remainder, as KubeML does.

    state: the names, shapes and types. All ranks make it at the same place; a MergeError where theirs differ.
    """

    def __init__(self, state: State):
        self._layout = [(name, value.shape, value.dtype) for name, value in state.items()]
        groups: Dict[torch.dtype, List[int]] = {}
        for at, (_, _, dtype) in enumerate(self._layout):
            groups.setdefault(_summed_as(dtype), []).append(at)
        self._groups = groups
        self.is_broken = False  # a rank is lost: no average comes any more
        digests = [zlib.crc32(repr(self._layout).encode()), 0]
        seen: List[Optional[List[int]]] = [None] * distributed.get_world_size()
        distributed.all_gather_object(seen, digests)
        if any(one != digests for one in seen):
            raise MergeError("main() makes another network in each function: their weights cannot be averaged")

    def mean(self, state: Optional[State]) -> Tuple[State, int]:
        """The mean, and over how many; None: this function takes no part. All ranks call it. A KubeMLException where
        none takes part."""
        try:
            count = int(all_sum([0.0 if state is None else 1.0])[0])
            if count == 0:
                raise KubeMLException("all functions have failed")
            sums = {dtype: self._sum(state, dtype, members) for dtype, members in self._groups.items()}
        except RuntimeError:
            self.is_broken = True
            raise
        found = {}
        for dtype, members in self._groups.items():
            flat = sums[dtype]
            flat = flat / count if dtype.is_floating_point else torch.div(flat, count, rounding_mode="trunc")
            sizes = [self._layout[at][1].numel() for at in members]
            for at, part in zip(members, flat.split(sizes)):
                name, shape, wanted = self._layout[at]
                found[name] = part.reshape(shape).to(wanted).clone()
        return {name: found[name] for name, _, _ in self._layout}, count

    def _sum(self, state: Optional[State], dtype: torch.dtype, members: List[int]) -> torch.Tensor:
        if state is None:
            flat = torch.zeros(sum(self._layout[at][1].numel() for at in members), dtype=dtype)
        else:
            flat = torch.cat([state[self._layout[at][0]].reshape(-1).to(dtype) for at in members])
        distributed.all_reduce(flat)
        return flat


def all_sum(values: List[float]) -> List[float]:
    """Sums numbers over all ranks."""
    flat = torch.tensor(values, dtype=torch.float64)
    distributed.all_reduce(flat)
    return flat.tolist()


def _summed_as(dtype: torch.dtype) -> torch.dtype:
    if dtype == torch.float64:
        return dtype
    return torch.float32 if dtype.is_floating_point else torch.int64
