# SPDX-License-Identifier: Apache-2.0
"""The Open Inference Protocol by MLServer, in one process."""

import numpy
import torch
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse
from trained import Trained


class Model(MLModel):
    async def load(self):
        self.model = Trained()
        return True

    async def predict(self, payload):
        rows = NumpyCodec.decode_input(payload.inputs[0]).astype(numpy.uint8)
        outputs = self.model.outputs(torch.from_numpy(rows)).numpy()
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("outputs", outputs)])
