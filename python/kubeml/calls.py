# SPDX-License-Identifier: Apache-2.0
"""One call of a function, as KubeML makes it over HTTP: its task, its arguments, and what comes of it.

A function file's `main()` runs anew for each call, and finds it here.
"""

import os
import pathlib
import types
from dataclasses import dataclass, field
from typing import Any, Callable, List, Mapping, Optional

State = Mapping[str, Any]  # tensors on the CPU by their names in the network


@dataclass
class Call:
    """task: init, train, val or infer. `functions` and `function`: how many there are, and which one this is."""

    task: str
    datasets: pathlib.Path
    job_id: str = ""
    functions: int = 1
    function: int = 0
    k: int = -1
    batch: int = 64
    lr: float = 0.01
    epoch: int = 0  # from 1; 0 in init
    data: Any = None  # infer: what to predict for
    reference: Optional[State] = None  # weights to begin with
    optimizer_states: dict = field(default_factory=dict)  # kept from call to call
    # train: takes the weights after an interval, and returns the average over all functions
    average: Callable[[State], State] = dict

    state: Optional[State] = None  # the weights at the end
    sizes: Mapping[str, int] = field(default_factory=dict)  # rows of the dataset's parts, train and test
    rows: int = 0  # val: that were looked at
    result: Any = None  # what start() returns to main()

    @property
    def args(self) -> types.SimpleNamespace:
        """As `self.args` of a KubeModel has it."""
        return types.SimpleNamespace(lr=self.lr, batch_size=self.batch, epoch=self.epoch, _job_id=self.job_id,
                                     _N=self.functions, _K=self.k, _task=self.task, _func_id=self.function)


_calls: List[Call] = []


def current() -> Call:
    if not _calls:
        raise RuntimeError("this is a function of KubeML: 'kubeml function create' and 'kubeml train' run it")
    return _calls[-1]


def run(call: Call, main: Callable[[], Any]) -> Call:
    """Calls main(), which ends in KubeModel.start(). Raises what it raises."""
    process = os.getpid()
    _calls.append(call)
    try:
        main()
    finally:
        _calls.pop()
        if os.getpid() != process:
            os._exit(1)  # a process that the function forked, and that returns from it as well
    if call.result is None:
        raise TypeError("main() returned without calling start() of a KubeModel, which a train task needs")
    return call
