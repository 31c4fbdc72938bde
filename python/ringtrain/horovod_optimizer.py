# SPDX-License-Identifier: Apache-2.0
"""Horovod's DistributedOptimizer: gradients are averaged in buckets while the backward pass still runs."""

import contextlib
from typing import Optional

import torch
from torch import distributed

Average, Sum, Adasum, Min, Max, Product = "Average", "Sum", "Adasum", "Min", "Max", "Product"

_OPERATIONS = {Average: distributed.ReduceOp.SUM, Sum: distributed.ReduceOp.SUM, Min: distributed.ReduceOp.MIN,
               Max: distributed.ReduceOp.MAX, Product: distributed.ReduceOp.PRODUCT}
_BUCKET_BYTES = 25 << 20  # as DDP has it


class Compression:
    """How gradients travel: a compressor has compress(tensor) -> (tensor, context), and the way back."""

    class none:
        @staticmethod
        def compress(tensor):
            return tensor, None

        @staticmethod
        def decompress(tensor, context):
            return tensor

    class fp16:
        @staticmethod
        def compress(tensor):
            return (tensor.half() if tensor.is_floating_point() else tensor), tensor.dtype

        @staticmethod
        def decompress(tensor, context):
            return tensor.to(context)


def operation_of(average: Optional[bool], op: Optional[str]) -> str:
    if average is not None:
        op = Average if average else Sum
    if op == Adasum:
        raise ValueError("ringtrain.horovod has no Adasum: use op=hvd.Average")
    return op or Average


def average_in_place(tensor: torch.Tensor, op: str) -> None:
    distributed.all_reduce(tensor, _OPERATIONS[op])
    if op == Average and tensor.is_floating_point():
        tensor.div_(distributed.get_world_size())
    elif op == Average:
        tensor.div_(distributed.get_world_size(), rounding_mode="floor")


class _Bucket:
    """Some parameters whose gradients travel together."""

    def __init__(self, parameters, dtype, compression):
        self.parameters = parameters
        self._compression = compression
        self._work = None
        self._buffer = _buffer(sum(p.numel() for p in parameters), dtype, parameters[0].device)
        self._parts = self._buffer.split([p.numel() for p in parameters])
        self._contexts = [None] * len(parameters)

    @torch.no_grad()
    def start(self, op, factor):
        for index, (parameter, part) in enumerate(zip(self.parameters, self._parts)):
            if parameter.grad is None:  # not used by this rank in this step
                parameter.grad = torch.zeros_like(parameter)
            if parameter.grad.layout != torch.strided:
                raise ValueError("ringtrain.horovod averages dense gradients: use an Embedding without sparse=True")
            compressed, self._contexts[index] = self._compression.compress(parameter.grad)
            part.copy_(compressed.reshape(-1))
        if factor != 1.0:
            self._buffer.mul_(factor)
        self._work = distributed.all_reduce(self._buffer, _OPERATIONS[op], async_op=True)

    @torch.no_grad()
    def finish(self, factor):
        self._work.wait()
        if factor != 1.0:
            self._buffer.mul_(factor)
        for parameter, part, context in zip(self.parameters, self._parts, self._contexts):
            parameter.grad.copy_(self._compression.decompress(part, context).view(parameter.grad.shape))


def _buffer(count, dtype, device):
    """In the memory that the ranks share, where their backend offers that."""
    backend = distributed.group.WORLD._get_backend(device)
    if backend.name() == "ringtrain" or type(backend).__name__ == "Backend":
        return backend.allocate_tensor(count, dtype=dtype, device=device)
    return torch.empty(count, dtype=dtype, device=device)


class _Averages:
    """Additions to the class of the optimizer that is wrapped."""

    def start_averaging(self, compression, passes, op, predivide):
        self._op, self._passes = op, passes
        # Divided in two steps, so that neither the sum nor its parts leave the range of half precision.
        size = distributed.get_world_size()
        self._before = 1.0 / predivide if op == Average else 1.0
        self._after = predivide / size if op == Average else 1.0
        self._synchronizes = True
        self._is_synchronized = False
        self._buckets = _buckets_of(self.param_groups, compression) if size > 1 else []
        self._bucket_of = {p: i for i, bucket in enumerate(self._buckets) for p in bucket.parameters}
        self._begin()
        for parameter in self._bucket_of:
            parameter.register_post_accumulate_grad_hook(self._on_gradient)

    def _begin(self):
        self._passes_left = dict.fromkeys(self._bucket_of, self._passes)
        self._missing = [len(bucket.parameters) for bucket in self._buckets]
        self._started = 0  # buckets on their way: all ranks start them in the same order

    def _on_gradient(self, parameter):
        self._is_synchronized = False
        self._passes_left[parameter] -= 1
        if self._passes_left[parameter] < 0:
            raise RuntimeError(f"a gradient was computed more than {self._passes} times before step(): give"
                               " DistributedOptimizer a larger backward_passes_per_step")
        if self._passes_left[parameter] == 0:
            self._missing[self._bucket_of[parameter]] -= 1
            while self._started < len(self._buckets) and self._missing[self._started] == 0:
                self._start_next()

    def _start_next(self):
        self._buckets[self._started].start(self._op, self._before)
        self._started += 1

    def synchronize(self):
        """Waits until all gradients are averaged: for scripts that clip or unscale them before step()."""
        while self._started < len(self._buckets):
            self._start_next()
        for bucket in self._buckets:
            bucket.finish(self._after)
        self._begin()
        self._is_synchronized = True

    @contextlib.contextmanager
    def skip_synchronize(self):
        """step() inside leaves the gradients as they are."""
        self._synchronizes = False
        try:
            yield
        finally:
            self._synchronizes = True

    def set_backward_passes_per_step(self, passes):
        self._passes = passes
        self._begin()

    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if self._synchronizes and not self._is_synchronized:
            self.synchronize()
        self._is_synchronized = False
        super().step()
        return loss

    step.hooked = True  # torch's own hooks run around the wrapped optimizer's step()

    def zero_grad(self, *arguments, **named):
        if self._started:
            raise RuntimeError("optimizer.zero_grad() after loss.backward() and before optimizer.step() or"
                               " optimizer.synchronize(): the gradients are being averaged")
        super().zero_grad(*arguments, **named)


def _buckets_of(param_groups, compression):
    """Parameters in the order in which gradients come, the last ones first, up to 25 MiB at a time."""
    buckets, open_buckets, bytes_of = [], {}, {}
    parameters = [p for group in param_groups for p in group["params"] if p.requires_grad]
    for parameter in reversed(parameters):
        dtype = compression.compress(torch.zeros(1, dtype=parameter.dtype))[0].dtype
        kind = dtype, parameter.device
        nbytes = parameter.numel() * dtype.itemsize
        if kind not in open_buckets or bytes_of[kind] + nbytes > _BUCKET_BYTES:
            open_buckets[kind], bytes_of[kind] = [], 0
            buckets.append((open_buckets[kind], dtype))
        open_buckets[kind].append(parameter)
        bytes_of[kind] += nbytes
    return [_Bucket(members, dtype, compression) for members, dtype in buckets]


def DistributedOptimizer(optimizer: torch.optim.Optimizer, named_parameters=None, compression=Compression.none,
                         backward_passes_per_step: int = 1, op: str = Average,
                         gradient_predivide_factor: float = 1.0) -> torch.optim.Optimizer:
    """The optimizer, of its own class still, with step() on gradients that are averaged over all ranks.

    named_parameters is accepted, and not needed: parameters are matched by their order in the optimizer.
    """
    if gradient_predivide_factor != 1.0 and op != Average:
        raise ValueError("gradient_predivide_factor is for op=hvd.Average")
    op = operation_of(None, op)
    wrapped = object.__new__(type(type(optimizer).__name__, (_Averages, type(optimizer)), {}))
    # It shares groups and state with the optimizer; a scheduler that was made for that has replaced its step().
    wrapped.__dict__.update((name, value) for name, value in optimizer.__dict__.items() if name != "step")
    wrapped.start_averaging(compression, backward_passes_per_step, op, gradient_predivide_factor)
    return wrapped
