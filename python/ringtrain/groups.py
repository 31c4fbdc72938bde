# SPDX-License-Identifier: Apache-2.0
"""Makes one group's backend, when a script asks for it."""

import re
import sys

import torch

from ringtrain import build_info


def check_torch():
    """Raises, in one line, where this torch is not the one that the extension module was built for."""
    built, here = (re.match(r"\d+\.\d+", version)[0] for version in (build_info.TORCH, torch.__version__))
    if built != here:
        raise RuntimeError(
            f"ringtrain was built for torch {built} and this is torch {torch.__version__}: build it again by"
            " pip install --no-build-isolation --force-reinstall ./python")


def create(options):
    """The backend of a group: over shared memory where all its ranks have it in common, else plain Gloo."""
    check_torch()
    from ringtrain import _backend

    seconds = options.timeout.total_seconds()
    backend = _backend.join(options.store, options.group_rank, options.group_size, seconds, options.group_id,
                            options.global_ranks_in_group)
    if backend is not None:
        return backend
    if options.group_rank == 0:
        print(f"ringtrain: the {options.group_size} ranks of group {options.group_id} do not share one machine's"
              " memory; this group uses Gloo", file=sys.stderr, flush=True)
    return torch.distributed.ProcessGroupGloo(
        torch.distributed.PrefixStore("gloo", options.store), options.group_rank, options.group_size, options.timeout)
