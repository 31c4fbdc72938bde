# SPDX-License-Identifier: Apache-2.0
"""KubeML's classes for function files, over the ranks of one job: a file that was written for KubeML runs unchanged.

    from kubeml import KubeModel, KubeDataset

A script job starts the ranks (`python -m kubeml.job`), each of which is one of KubeML's functions. Releases of KubeML
differ in the arguments of init, train, validate and infer; the signature that a file has decides (signatures.py).
"""

from kubeml.dataset import KubeDataset
from kubeml.exceptions import (DatasetNotFoundError, DataError, InvalidArgsError, InvalidFormatError, KubeMLException,
                               MergeError, StorageError)
from kubeml.network import KubeModel

__all__ = ["DataError", "DatasetNotFoundError", "InvalidArgsError", "InvalidFormatError", "KubeDataset",
           "KubeMLException", "KubeModel", "MergeError", "StorageError"]
