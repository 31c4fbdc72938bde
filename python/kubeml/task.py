# SPDX-License-Identifier: Apache-2.0
"""A train task as the server hands it to the ranks, and its history as KubeML shows it."""

import importlib.util
import json
import os
import pathlib
import sys
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional

HISTORY_FILE = "kubeml-history.json"
FUNCTION_FILE = "function.py"
WEIGHTS_FILE = "model.pth"  # a plain state_dict


@dataclass(frozen=True)
class Task:
    """job_id: 8 hexadecimal digits. code: the function file. datasets: the folder of all uploads. request: the body of
    KubeML's POST /train."""

    job_id: str
    code: pathlib.Path
    datasets: pathlib.Path
    request: Dict[str, Any]

    @classmethod
    def parse(cls, text: str) -> "Task":
        words = json.loads(text)
        return cls(words["id"], pathlib.Path(words["code"]), pathlib.Path(words["datasets"]), words["task"])

    @property
    def batch(self) -> int:
        return self.request["batch_size"]

    @property
    def epochs(self) -> int:
        return self.request["epochs"]

    @property
    def lr(self) -> float:
        return self.request["lr"]

    @property
    def k(self) -> int:
        return self.request["options"]["k"]

    @property
    def validate_every(self) -> int:
        return self.request["options"]["validate_every"]

    @property
    def goal_accuracy(self) -> float:
        return self.request["options"]["goal_accuracy"]

    def is_validated(self, epoch: int) -> bool:
        """Whether a validation follows this epoch, which is not the last one."""
        return self.validate_every > 0 and epoch % self.validate_every == 0 and epoch < self.epochs


class History:
    """Figures of a task: lists with an entry an epoch, or a validation. Seconds are counted from the beginning."""

    def __init__(self, task: Task, data: Optional[Dict[str, Optional[List[float]]]] = None):
        self._task = task
        self.data: Dict[str, Optional[List[float]]] = data or {
            "validation_loss": None, "accuracy": None, "train_loss": None, "parallelism": None, "epoch_duration": None}

    def add(self, **figures: float) -> None:
        for name, value in figures.items():
            self.data[name] = [*(self.data[name] or []), value]

    def write(self, folder: pathlib.Path) -> None:
        """Writes the file whole, or not at all."""
        text = json.dumps({"id": self._task.job_id, "task": self._task.request, "data": self.data})
        new = folder / f".{HISTORY_FILE}.new"
        new.write_text(text)
        os.replace(new, folder / HISTORY_FILE)


def load_main(file: pathlib.Path) -> Callable[[], Any]:
    """The function main() of a file; its other files are found beside it. Raises what the file raises."""
    spec = importlib.util.spec_from_file_location("function", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules["function"] = module  # for pickles of the file's own classes
    spec.loader.exec_module(module)
    main = getattr(module, "main", None)
    if not callable(main):
        raise AttributeError(f"{file.name} has no function main(), with which a function of KubeML begins")
    return main
