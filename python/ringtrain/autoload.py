# SPDX-License-Identifier: Apache-2.0
"""Registers the backend. torch calls register() at the end of every `import torch` of an environment in which this
package is installed, so it imports nothing that is heavy and never throws."""

import datetime
import functools
import os
import re
import sys

NAME = "ringtrain"


def register():
    """Makes "ringtrain" known to torch.distributed. Problems are reported when a script asks for the backend."""
    for step in (_register_backend, answer_with_stacks):
        try:
            step()
        except Exception:  # whatever a torch of another time may do
            if os.environ.get("RINGTRAIN_DEBUG"):
                import traceback

                traceback.print_exc()


def torch_will_register():
    """Whether torch is not imported yet and, when it is, calls register(): then a program that needs no torch, such as
    one that submits jobs, does not wait for it."""
    if "torch" in sys.modules or os.environ.get("TORCH_DEVICE_BACKEND_AUTOLOAD") == "0":
        return False
    try:
        from importlib import metadata

        version = tuple(map(int, metadata.version("torch").split(".")[:2]))
        entries = metadata.distribution("ringtrain").entry_points
        return version >= (2, 5) and any(entry.group == "torch.backends" for entry in entries)
    except Exception:  # no torch, or this package is a folder in PYTHONPATH that nobody installed
        return False


def _register_backend():
    torch = sys.modules.get("torch")
    if torch is None:
        import torch
    from torch import distributed

    if not distributed.is_available() or NAME in distributed.Backend.backend_list:
        return
    distributed.Backend.register_backend(NAME, _create, extended_api=True, devices=["cpu"])
    _watch_new_groups(distributed.distributed_c10d)
    _admit_to_monitored_barrier(distributed)


def answer_with_stacks():
    """Under `ringtrain run`, the signal SIGRTMIN + 5 writes the stacks of this process to a file, also while it waits
    in C++: the launcher names the line of a rank that hangs (launcher/script/stacks.cpp)."""
    if path := os.environ.get("RINGTRAIN_STACKS"):
        import faulthandler
        import signal

        faulthandler.register(signal.SIGRTMIN + 5, file=open(path, "a"), all_threads=True)


def _create(options, backend_options):
    from ringtrain import groups

    return groups.create(options)


def _watch_new_groups(c10d):
    """Rewrites the names of backends wherever groups are made: all functions of torch.distributed end there."""
    original = c10d._new_process_group_helper

    @functools.wraps(original)
    def new_process_group(group_size, group_rank, ranks, backend, *arguments, **named):
        backend = chosen_backend(str(backend))
        if backend == NAME:
            # DDP then allocates its buckets in the shared memory, unless the user has decided.
            os.environ.setdefault("DDP_DISABLE_COMM_MEM", "0")
        return original(group_size, group_rank, ranks, c10d.Backend(backend), *arguments, **named)

    c10d._new_process_group_helper = new_process_group


def _admit_to_monitored_barrier(distributed):
    """torch.distributed.monitored_barrier() refuses all backends but one that is named gloo."""
    c10d = distributed.distributed_c10d
    original = c10d.monitored_barrier

    @functools.wraps(original)
    def monitored_barrier(group=None, timeout=None, wait_all_ranks=False):
        names = re.split("[:,]", "" if c10d._rank_not_in_group(group) else str(c10d.get_backend(group)))
        if NAME not in names:
            return original(group, timeout, wait_all_ranks)
        if isinstance(timeout, (int, float)):
            timeout = datetime.timedelta(seconds=timeout)
        timeouts = () if timeout is None else (timeout,)
        return (group or c10d._get_default_group()).monitored_barrier(*timeouts, wait_all_ranks=wait_all_ranks)

    c10d.monitored_barrier = distributed.monitored_barrier = monitored_barrier


def replaces_gloo():
    """True where a script's "gloo" means ringtrain: never because the package is installed."""
    return os.environ.get("RINGTRAIN_REPLACE") == "gloo" or os.environ.get("RINGTRAIN_RUN") == "1"


def chosen_backend(backend):
    """The backend for what a script asked for: "gloo", "cpu:gloo,cuda:nccl", "undefined", ..."""
    if replaces_gloo():
        if backend == "undefined":
            backend = NAME
        parts = [part.split(":") for part in backend.split(",")]
        backend = ",".join(":".join([*part[:-1], NAME if part[-1] == "gloo" else part[-1]]) for part in parts)
    if backend == NAME and _has_cuda():
        return f"cpu:{NAME},cuda:nccl"
    return backend


def _has_cuda():
    import torch

    return torch.cuda.is_available() and torch.distributed.is_nccl_available()
