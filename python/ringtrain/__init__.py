# SPDX-License-Identifier: Apache-2.0
"""A backend of torch.distributed: the ranks of one machine over shared memory.

    torch.distributed.init_process_group("ringtrain")

The package registers itself when torch is imported; `import ringtrain` does, too.
"""

from ringtrain.autoload import register

register()


def flight(group=None):
    """A line for each rank of a group: its last call, and whether that is finished."""
    import torch
    from torch import distributed

    from ringtrain import _backend

    group = group or distributed.group.WORLD
    backend = group._get_backend(torch.device("cpu"))
    return _backend.flight(getattr(backend, "wrapped_pg", backend))  # TORCH_DISTRIBUTED_DEBUG=DETAIL wraps it
