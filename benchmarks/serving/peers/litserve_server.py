# SPDX-License-Identifier: Apache-2.0
"""{"rows": [[...], ...]} by LitServe; requests of one row in batches of up to 64."""

import os
import sys

import litserve
import torch
from trained import Trained

ONE_ROW = os.environ["RINGTRAIN_ROWS"] == "1"


class Api(litserve.LitAPI):
    def setup(self, device):
        self.model = Trained()

    def decode_request(self, request):
        rows = torch.tensor(request["rows"], dtype=torch.uint8)
        return rows[0] if ONE_ROW else rows

    def batch(self, inputs):
        return torch.stack(inputs)

    def predict(self, rows):
        return self.model.outputs(rows)

    def unbatch(self, output):
        return list(output)

    def encode_response(self, output):
        return {"outputs": output.tolist()}


if __name__ == "__main__":
    batches = {"max_batch_size": 64, "batch_timeout": 0.001} if ONE_ROW else {}
    litserve.LitServer(Api(**batches), accelerator="cpu", devices=1, workers_per_device=1).run(
        host="127.0.0.1", port=int(sys.argv[1]), num_api_servers=1, log_level="error", generate_client_file=False)
