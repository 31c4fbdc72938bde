# SPDX-License-Identifier: Apache-2.0
"""Predictions by a trained function: `python -m kubeml.infer OUTPUT DATASETS < BODY`, where BODY is that of KubeML's
POST /infer. Prints {"predictions": [...]}, or {"error", "code"}, in one line; what the function prints goes to stderr.
"""

import json
import os
import pathlib
import sys
import traceback
from typing import Any, Dict

import torch

from kubeml import calls, task
from kubeml.calls import Call
from kubeml.exceptions import InvalidFormatError, KubeMLException, StorageError


class Data(list):
    """The list of a request, for infer(data); also under ["data"], as a release that passed the whole body had it."""

    def __getitem__(self, key: Any) -> Any:
        return self if key == "data" else super().__getitem__(key)


def predict(output: pathlib.Path, datasets: pathlib.Path, body: Dict[str, Any]) -> Dict[str, Any]:
    data = body.get("data")
    if not isinstance(data, list):
        raise InvalidFormatError('"data" must be a list')
    weights = output / task.WEIGHTS_FILE
    if not weights.exists():
        raise StorageError("its weights are there when the task has ended, and this one has not, or has failed")
    main = task.load_main(output / task.FUNCTION_FILE)
    call = Call("infer", datasets, str(body.get("model_id", "")), batch=max(1, len(data)), data=Data(data),
                reference=torch.load(weights, map_location="cpu", weights_only=True))
    return {"predictions": calls.run(call, main).result}


def answer(output: pathlib.Path, datasets: pathlib.Path, text: str) -> Dict[str, Any]:
    try:
        made = predict(output, datasets, json.loads(text))
        json.dumps(made)
        return made
    except KubeMLException as error:
        return error.to_dict()
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}", "code": 500}


def main() -> None:
    standard_output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the function prints is not the answer
    made = answer(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.stdin.read())
    standard_output.write(json.dumps(made) + "\n")
    standard_output.flush()


if __name__ == "__main__":
    main()
