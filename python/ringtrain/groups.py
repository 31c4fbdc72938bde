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
    """The backend of a group: over shared memory where all its ranks have it in common; else over shared memory in
    each node and Gloo between the nodes' first ranks."""
    check_torch()
    from ringtrain import _backend

    def join(store, rank, size, named=()):
        return _backend.join(store, rank, size, options.timeout.total_seconds(), options.group_id,
                             options.global_ranks_in_group, list(named))

    found = join(options.store, options.group_rank, options.group_size)
    return _over_nodes(options, join, *found) if isinstance(found, tuple) else found


def _over_nodes(options, join, name, nodes):
    """nodes: the node of each rank. name: new each time, so that no key is one that a dead attempt left."""
    from ringtrain import _backend

    store = torch.distributed.PrefixStore(name, options.store)

    def gloo(prefix, rank, size):
        return torch.distributed.ProcessGroupGloo(torch.distributed.PrefixStore(prefix, store), rank, size,
                                                  options.timeout)

    rank, node = options.group_rank, nodes[options.group_rank]
    here = [other for other, its_node in enumerate(nodes) if its_node == node]
    every = gloo("all", rank, options.group_size)
    count = max(nodes) + 1
    own = join(torch.distributed.PrefixStore(f"node-{node}", store), here.index(rank), len(here), here)
    # Processes that seem to be on one node may be unable to reach each other.
    together = torch.tensor(int(not isinstance(own, tuple)))
    every.allreduce([together], torch.distributed.ReduceOp.MIN).wait()
    if rank == 0:
        way = "shared memory in each node and Gloo between them" if together else "Gloo"
        print(f"ringtrain: the {options.group_size} ranks of group {options.group_id} are on {count} nodes; this group"
              f" uses {way}", file=sys.stderr, flush=True)
    if not together:
        return every
    leaders = gloo("leaders", node, count) if rank == here[0] else None
    return _backend.over_nodes(every, own, leaders, nodes, options.timeout.total_seconds(), options.group_id,
                               options.global_ranks_in_group)
