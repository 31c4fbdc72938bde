# SPDX-License-Identifier: Apache-2.0
"""The rows of an uploaded dataset, for the `__getitem__` of a function file."""

import pathlib
from typing import Tuple

import numpy as np
from torch.utils.data import Dataset

from kubeml import calls
from kubeml.exceptions import DataError, DatasetNotFoundError
from kubeml.shares import Span, documents

_PARTS = {"train": ("x-train.npy", "y-train.npy"), "test": ("x-test.npy", "y-test.npy")}


class KubeDataset(Dataset):
    """The base of a function file's dataset, which adds `__getitem__` and `__len__`.

    dataset: the name that it was uploaded under. A DatasetNotFoundError where there is none.
    data, labels: arrays of the rows of one interval, raw and in the order of the upload; filled before each interval.
        labels are of one dimension.
    num_docs, num_val_docs: documents of 64 rows of the train part and of the test part.
    """

    def __init__(self, dataset: str):
        self.dataset = dataset
        self.data = self.labels = None
        call = calls.current()
        self._call = call
        self._arrays = {part: _open(call.datasets / dataset, dataset, *names) for part, names in _PARTS.items()}
        self.num_docs, self.num_val_docs = (documents(self.rows(part)) for part in ("train", "test"))

    def is_training(self) -> bool:
        """Whether the rows are those of the train part."""
        return self._call.task == "train"

    def rows(self, part: str) -> int:
        return len(self._arrays[part][0])

    def __getitem__(self, index):
        raise NotImplementedError("the dataset of a function file needs __getitem__")

    def __len__(self):
        raise NotImplementedError("the dataset of a function file needs __len__")

    def load(self, part: str, span: Span) -> None:
        """Fills data and labels with copies of these documents."""
        data, labels = self._arrays[part]
        rows = span.rows(len(data))
        self.data, self.labels = np.array(data[rows]), np.array(labels[rows]).reshape(-1)


def _open(folder: pathlib.Path, name: str, *files: str) -> Tuple[np.ndarray, np.ndarray]:
    if "/" in name or name.startswith(".") or not folder.is_dir():
        raise DatasetNotFoundError(f"the function reads the dataset '{name}', which does not exist: 'kubeml dataset"
                                   " list' shows all")
    try:
        arrays = [np.load(folder / file, mmap_mode="r", allow_pickle=False) for file in files]
    except (OSError, ValueError) as error:
        raise DataError(f"dataset '{name}': {error}") from None
    return arrays[0], arrays[1]
