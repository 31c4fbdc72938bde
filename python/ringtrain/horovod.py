# SPDX-License-Identifier: Apache-2.0
"""Horovod's interface to PyTorch, over torch.distributed: the names that Horovod's own examples use.

    import ringtrain.horovod as hvd        in place of: import horovod.torch as hvd

Or a script as it is: ringtrain run -n 4 -m ringtrain.horovod train.py --lr 0.1
docs/guides/from/horovod.md says what is different.
"""

import atexit
import os
import runpy
import sys
import types
from typing import Any, Iterable, Optional, Tuple, Union

import torch
from torch import distributed

import ringtrain  # noqa: F401  registers the backend
from ringtrain.horovod_optimizer import Adasum, Average, Compression, DistributedOptimizer, Max, Min, Product, Sum, \
    average_in_place, operation_of

__all__ = ["Adasum", "Average", "Compression", "DistributedOptimizer", "Max", "Min", "Product", "Sum", "allreduce",
           "allreduce_", "barrier", "broadcast", "broadcast_", "broadcast_object", "broadcast_optimizer_state",
           "broadcast_parameters", "init", "is_initialized", "local_rank", "local_size", "nccl_built", "rank",
           "shutdown", "size"]

_OF_MPIRUN = {"RANK": "OMPI_COMM_WORLD_RANK", "WORLD_SIZE": "OMPI_COMM_WORLD_SIZE",
              "LOCAL_RANK": "OMPI_COMM_WORLD_LOCAL_RANK", "LOCAL_WORLD_SIZE": "OMPI_COMM_WORLD_LOCAL_SIZE"}

Named = Union[Iterable[Tuple[str, torch.Tensor]], Iterable[torch.Tensor], dict]


def init() -> None:
    """Joins the other ranks, as `ringtrain run`, torchrun or mpirun have started them; alone, it is the only rank."""
    if distributed.is_initialized():
        return
    if "RANK" not in os.environ and _OF_MPIRUN["RANK"] in os.environ:
        os.environ.update({name: os.environ[theirs] for name, theirs in _OF_MPIRUN.items()})
    if "RANK" not in os.environ:
        distributed.init_process_group("ringtrain", store=distributed.HashStore(), rank=0, world_size=1)
    elif "MASTER_ADDR" in os.environ:
        distributed.init_process_group("ringtrain")
    else:
        raise RuntimeError("the ranks do not know where to meet: start the script by `ringtrain run -n 4`, or set"
                           " MASTER_ADDR and MASTER_PORT for mpirun")
    atexit.register(shutdown)


def shutdown() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()


def is_initialized() -> bool:
    return distributed.is_initialized()


def rank() -> int:
    _check_initialized()
    return distributed.get_rank()


def size() -> int:
    _check_initialized()
    return distributed.get_world_size()


def local_rank() -> int:
    """Position among the ranks of this machine."""
    _check_initialized()
    return int(os.environ.get("LOCAL_RANK", distributed.get_rank()))


def local_size() -> int:
    _check_initialized()
    return int(os.environ.get("LOCAL_WORLD_SIZE", distributed.get_world_size()))


def _check_initialized() -> None:
    if not distributed.is_initialized():
        raise ValueError("Horovod has not been initialized; use hvd.init().")


def nccl_built() -> bool:
    """Whether tensors on GPUs are averaged by NCCL."""
    return torch.cuda.is_available() and distributed.is_nccl_available()


def allreduce(tensor: torch.Tensor, average: Optional[bool] = None, name: Optional[str] = None,
              compression=Compression.none, op: Optional[str] = None, prescale_factor: float = 1.0,
              postscale_factor: float = 1.0) -> torch.Tensor:
    """The average over all ranks, or what op says, as a new tensor. Calls are matched by their order, not by name."""
    compressed, context = compression.compress(tensor.detach())
    result = compressed.clone() if prescale_factor == 1.0 else compressed * prescale_factor
    average_in_place(result, operation_of(average, op))
    result = compression.decompress(result, context)
    return result if postscale_factor == 1.0 else result * postscale_factor


def allreduce_(tensor: torch.Tensor, average: Optional[bool] = None, name: Optional[str] = None,
               op: Optional[str] = None, prescale_factor: float = 1.0, postscale_factor: float = 1.0) -> torch.Tensor:
    """The same in place."""
    result = allreduce(tensor, average, name, Compression.none, op, prescale_factor, postscale_factor)
    with torch.no_grad():
        return tensor.copy_(result)


def broadcast(tensor: torch.Tensor, root_rank: int, name: Optional[str] = None) -> torch.Tensor:
    """The tensor of the root rank, as a new one."""
    return broadcast_(tensor.detach().clone(), root_rank)


def broadcast_(tensor: torch.Tensor, root_rank: int, name: Optional[str] = None) -> torch.Tensor:
    """The same in place."""
    distributed.broadcast(tensor.detach(), root_rank)
    return tensor


def broadcast_object(obj: Any = None, root_rank: int = 0, name: Optional[str] = None) -> Any:
    objects = [obj]
    distributed.broadcast_object_list(objects, root_rank)
    return objects[0]


def broadcast_parameters(params: Named, root_rank: int) -> None:
    """Gives all ranks the root's: of model.state_dict(), model.named_parameters() or model.parameters()."""
    if isinstance(params, dict):
        params = params.items()
    for entry in params:
        broadcast_(entry[1] if isinstance(entry, tuple) else entry, root_rank)


def broadcast_optimizer_state(optimizer: torch.optim.Optimizer, root_rank: int, model=None) -> None:
    """Gives all ranks the root's state and options, such as its learning rate."""
    state = broadcast_object(optimizer.state_dict(), root_rank)
    if rank() != root_rank:
        optimizer.load_state_dict(state)


def barrier() -> None:
    distributed.barrier()


def __getattr__(name: str) -> Any:
    if name == "elastic":
        raise AttributeError("ringtrain.horovod has no elastic: `ringtrain run` starts all ranks again after a loss,"
                             " and ringtrain.checkpoint keeps the state (docs/guides/from/horovod.md)")
    raise AttributeError(f"ringtrain.horovod has no {name}: docs/guides/from/horovod.md lists what there is")


def run_script() -> None:
    """python -m ringtrain.horovod SCRIPT ARGUMENTS...: runs a script whose `import horovod.torch` finds this module."""
    if len(sys.argv) < 2:
        sys.exit("usage: python -m ringtrain.horovod SCRIPT [ARGUMENTS...]")
    import ringtrain.horovod  # not this module, which is __main__

    package = types.ModuleType("horovod")
    package.torch = ringtrain.horovod
    sys.modules.update({"horovod": package, "horovod.torch": ringtrain.horovod})
    del sys.argv[0]
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))  # as `python SCRIPT` has it
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    run_script()
