# SPDX-License-Identifier: Apache-2.0
"""{"rows": [[...], ...]} by BentoML, whose batches it adapts."""

import bentoml
import numpy
import torch
from trained import Trained


@bentoml.service(workers=1, metrics={"enabled": False}, logging={"access": {"enabled": False}})
class Model:
    def __init__(self):
        self.model = Trained()

    @bentoml.api(batchable=True, batch_dim=0, max_batch_size=64, max_latency_ms=1000)
    def predict(self, rows: numpy.ndarray) -> numpy.ndarray:
        return self.model.outputs(torch.from_numpy(rows)).numpy()
