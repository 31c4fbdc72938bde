# SPDX-License-Identifier: Apache-2.0
"""A backend of torch.distributed: the ranks of one machine over shared memory; and a client of `ringtrain server`.

    torch.distributed.init_process_group("ringtrain")
    job = ringtrain.Client().submit("job.yaml", ranks=2)

The package registers the backend when torch is imported; `import ringtrain` does, too, where torch would not.
"""

from ringtrain import autoload

if not autoload.torch_will_register():
    autoload.register()


def __getattr__(name):
    if name == "Client":  # on first use: torch imports this package, too
        from ringtrain.client import Client

        return Client
    raise AttributeError(f"module 'ringtrain' has no attribute {name!r}")


def flight(group=None):
    """A line for each rank of a group: its last call, and whether that is finished."""
    import torch
    from torch import distributed

    from ringtrain import _backend

    group = group or distributed.group.WORLD
    backend = group._get_backend(torch.device("cpu"))
    return _backend.flight(getattr(backend, "wrapped_pg", backend))  # TORCH_DISTRIBUTED_DEBUG=DETAIL wraps it
