# SPDX-License-Identifier: Apache-2.0
"""The class that a function file derives its network from, and what one call of it does."""

import collections
import logging
import math
import sys
from numbers import Real
from typing import Any, Callable, List, Optional, Tuple

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from kubeml import calls, signatures
from kubeml.dataset import KubeDataset
from kubeml.exceptions import InvalidFormatError
from kubeml.shares import intervals, share


def _logger() -> logging.Logger:
    logger = logging.getLogger("kubeml")
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    return logger


class KubeModel:
    """A network with the code to train it. A function file writes train() and validate(), mostly configure_optimizers()
    and perhaps init() and infer(); their arguments are those of any release of KubeML (signatures.py).

    network: the module; self(x) is its forward pass. dataset: a KubeDataset. gpu: a GPU where this machine has one.
    lr, batch_size, epoch (from 1; 0 in init), task, args, device, platform, optimizer, logger: for the user's methods.
    """

    _keeps_optimizer = False  # its state, from one interval to the next
    _shuffles = False  # the rows of an interval

    def __init__(self, network: nn.Module, dataset: KubeDataset, gpu: bool = False):
        self._network, self._dataset = network, dataset
        self._call = calls.current()
        self.args = self._call.args
        self.lr, self.batch_size = self._call.lr, self._call.batch
        self.epoch, self.task = self._call.epoch, self._call.task
        self.platform = "gpu" if gpu and torch.cuda.is_available() else "cpu"
        self.device = torch.device(f"cuda:{self._call.function % torch.cuda.device_count()}"
                                   if self.platform == "gpu" else "cpu")
        self.optimizer: Optional[torch.optim.Optimizer] = None
        self.logger = _logger()

    # A function file writes these.

    def init(self):
        """Sets the first weights. Without it they are those that the network was made with."""

    def configure_optimizers(self) -> Optional[torch.optim.Optimizer]:
        """Makes the optimizer of an epoch; it reads self.lr and self.epoch."""

    def train(self, batch: Any, index: int) -> float:
        raise NotImplementedError("a function file needs train()")

    def validate(self, batch: Any, index: int) -> Tuple[float, float]:
        raise NotImplementedError("a function file needs validate()")

    def infer(self, data: List[Any]) -> Any:
        raise InvalidFormatError("this function has no infer(): it cannot predict")

    # It may use these.

    def __call__(self, *arguments, **named) -> Any:
        return self._network(*arguments, **named)

    def parameters(self, *arguments, **named):
        return self._network.parameters(*arguments, **named)

    def apply(self, change: Callable[[nn.Module], None]) -> "KubeModel":
        self._network.apply(change)
        return self

    def start(self) -> Tuple[Any, int]:
        """Does what this call of the function is for. main() returns what it returns: an answer and a status."""
        self._call.sizes = {part: self._dataset.rows(part) for part in ("train", "test")}
        work = {"init": self._init, "train": self._train, "val": self._validate, "infer": self._infer}
        self._call.result = work[self.task]()
        return self._call.result, 200

    # Hooks: a function file may override them.

    def _on_train_start(self) -> None:
        self._network.to(self.device).train()
        self.optimizer = self.configure_optimizers()

    def _on_train_end(self) -> None:
        pass

    def _on_iteration_start(self) -> None:
        """Before each interval: the average of the weights, and the state of the optimizer."""
        self._load_state()
        if self.optimizer is None:
            return
        if not self._keeps_optimizer:
            self.optimizer.state = collections.defaultdict(dict)
        elif self._call.optimizer_states:
            groups = self.optimizer.state_dict()["param_groups"]  # with this epoch's rate
            self.optimizer.load_state_dict({"state": self._call.optimizer_states["state"], "param_groups": groups})

    def _on_iteration_end(self) -> None:
        """After each interval: the weights that are averaged."""
        self._call.state = self._state()
        if self._keeps_optimizer and self.optimizer is not None:
            self._call.optimizer_states["state"] = self.optimizer.state_dict()["state"]

    def _on_validation_start(self) -> None:
        self._network.to(self.device).eval()

    def _batch_to_device(self, batch: Any) -> Any:
        if isinstance(batch, torch.Tensor):
            return batch.to(self.device)
        if isinstance(batch, (tuple, list)):
            return type(batch)(self._batch_to_device(part) for part in batch)
        return batch

    # The tasks.

    def _state(self):
        return {name: value.detach().cpu().clone() for name, value in self._network.state_dict().items()}

    def _load_state(self) -> None:
        self._network.load_state_dict(self._call.reference)

    def _batches(self):
        for index, batch in enumerate(DataLoader(self._dataset, batch_size=self.batch_size, shuffle=self._shuffles
                                                 and self.task == "train")):
            yield self._batch_to_device(batch), index

    def _init(self) -> List[str]:
        if self._call.function == 0:
            signatures.call_init(self.init, self._network)
        self._call.state = self._state()
        return list(self._call.state)

    def _train(self) -> float:
        span = share(self._dataset.rows("train"), self._call.functions, self._call.function)
        losses: List[float] = []
        self._on_train_start()
        for interval in intervals(span, self.batch_size, self._call.k):
            self._dataset.load("train", interval)
            self._on_iteration_start()
            if signatures.is_whole(self.train):
                losses.append(_loss(signatures.call_whole(self.train, self._network, self._dataset)))
            else:
                losses += [_loss(signatures.call_batch(self.train, *one)) for one in self._batches()]
            self._on_iteration_end()
            self._call.reference = self._call.average(self._call.state)
        self._on_train_end()
        return _mean(losses)

    def _validate(self) -> Tuple[float, float]:
        """Means over the batches of this function's part: accuracy in percent, loss."""
        span = share(self._dataset.rows("test"), self._call.functions, self._call.function)
        self._dataset.load("test", span)
        self._load_state()
        self._on_validation_start()
        with torch.no_grad():
            if signatures.is_whole(self.validate):
                pairs = [_pair(signatures.call_whole(self.validate, self._network, self._dataset))]
            else:
                pairs = [_pair(signatures.call_batch(self.validate, *one)) for one in self._batches()]
        self._call.rows = len(self._dataset.data)
        return _mean([one[0] for one in pairs]), _mean([one[1] for one in pairs])

    def _infer(self) -> List[Any]:
        self._load_state()
        self._on_validation_start()
        with torch.no_grad():
            made = signatures.call_infer(self.infer, self._network, self._call.data)
        if isinstance(made, torch.Tensor):
            return made.detach().cpu().tolist()
        if isinstance(made, np.ndarray):
            return made.tolist()
        if isinstance(made, list):
            return made
        raise InvalidFormatError(f"infer() returned {type(made).__name__}: a tensor, an array or a list is wanted")


def _mean(values: List[float]) -> float:
    return sum(values) / max(1, len(values))


def _number(value: Any, where: str) -> float:
    if isinstance(value, (torch.Tensor, np.ndarray, np.generic)):
        value = value.item()
    if not isinstance(value, Real):
        raise InvalidFormatError(f"{where} returned {type(value).__name__}: a number is wanted")
    if not math.isfinite(value):
        raise InvalidFormatError(f"{where} returned {value}: the network has diverged; a smaller --lr may help")
    return float(value)


def _loss(value: Any) -> float:
    return _number(value, "train()")


def _pair(value: Any) -> Tuple[float, float]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise InvalidFormatError(f"validate() returned {type(value).__name__}: accuracy and loss are wanted")
    return _number(value[0], "validate()"), _number(value[1], "validate()")
