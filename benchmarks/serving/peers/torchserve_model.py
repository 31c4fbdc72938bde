# SPDX-License-Identifier: Apache-2.0
"""{"rows": [[...], ...]} by TorchServe, which gives a handler a batch of requests."""

import json

import torch
from trained import Trained


class Handler:
    def initialize(self, _):
        self.model = Trained()
        self.initialized = True

    def handle(self, requests, _):
        bodies = [request.get("body") or request.get("data") for request in requests]
        rows = [torch.tensor((json.loads(body) if isinstance(body, (bytes, bytearray, str)) else body)["rows"],
                             dtype=torch.uint8) for body in bodies]
        outputs = self.model.outputs(torch.cat(rows)).split([len(one) for one in rows])
        return [{"outputs": output.tolist()} for output in outputs]
