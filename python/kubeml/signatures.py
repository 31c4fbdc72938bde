# SPDX-License-Identifier: Apache-2.0
"""The methods of a function file, called with the arguments that they have: KubeML's releases differ.

| releases | init | train and validate | infer |
|---|---|---|---|
| 0.1.1 | init(net) | train(net), once an interval | infer(net, data) |
| 0.1.2, 0.1.3 | init(net) | train(net, dataset), once an interval | infer(net, data) |
| 0.1.4, 0.1.5 | init(net) or init() | train(x, y, i) | infer(net, data) |
| 0.1.6 and later | init() | train(batch, i) | infer(net, data) or infer(data) |
"""

import inspect
from typing import Any, Callable, List

from kubeml.exceptions import InvalidArgsError


def parameters(method: Callable) -> List[str]:
    """Names of the positional arguments of a bound method; those with defaults are left to them."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [one.name for one in inspect.signature(method).parameters.values()
            if one.kind in kinds and one.default is inspect.Parameter.empty]


def call_init(method: Callable, network: Any) -> None:
    method(*(network,)[:_count(method, (0, 1))])


def call_infer(method: Callable, network: Any, data: Any) -> Any:
    return method(data) if _count(method, (1, 2)) == 1 else method(network, data)


def is_whole(method: Callable) -> bool:
    """Whether train or validate is called once an interval, and makes its batches itself."""
    names = parameters(method)
    return len(names) == 1 or (len(names) == 2 and any(word in names[1].lower() for word in ("dataset", "loader")))


def call_whole(method: Callable, network: Any, dataset: Any) -> Any:
    return method(*(network, dataset)[:_count(method, (1, 2))])


def call_batch(method: Callable, batch: Any, index: int) -> Any:
    if _count(method, (2, 3)) == 2:
        return method(batch, index)
    x, y = batch
    return method(x, y, index)


def _count(method: Callable, allowed) -> int:
    count = len(parameters(method))
    if count not in allowed:
        raise InvalidArgsError(f"{method.__name__}() takes {count} arguments beside self, and no release of KubeML"
                               " calls it so")
    return count
