# SPDX-License-Identifier: Apache-2.0
"""The names of KubeML's fork. Its functions read the rows of an interval in a random order, and keep the optimizer's
state from one interval to the next, each function its own."""

from kubeml import KubeDataset
from kubeml import KubeModel as _KubeModel

__all__ = ["KubeDataset", "KubeModel"]


class KubeModel(_KubeModel):
    __doc__ = _KubeModel.__doc__
    _keeps_optimizer = True
    _shuffles = True
