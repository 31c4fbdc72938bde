# SPDX-License-Identifier: Apache-2.0
"""Function files in the shapes that users of KubeML have written, and a small dataset for them."""

import pathlib

import numpy as np

_HEAD = """
from typing import Any, List, Tuple
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim import SGD
from {package} import KubeDataset, KubeModel


class Digits(KubeDataset):
    def __init__(self, transform=None):
        super(Digits, self).__init__(dataset="digits")
        self.transform = transform

    def __getitem__(self, index):
        x = self.data[index]
        y = self.labels[index]
        x = torch.from_numpy(x.astype("float32") / 255).reshape(-1)
        return x, y.astype("int64")

    def __len__(self):
        return len(self.data)


def net():
    torch.manual_seed(42)
    return nn.Sequential(nn.Linear(64, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))


class KubeNet(KubeModel):
    def __init__(self, network: nn.Module, dataset: Digits):
        super().__init__(network, dataset, gpu=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return SGD(self.parameters(), lr=self.lr, momentum=0.9, weight_decay=1e-4)

    def step(self, x, y):
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self(x), y)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def look(self, x, y):
        output = self(x)
        loss = F.cross_entropy(output, y)
        pred = output.argmax(dim=1, keepdim=True)
        correct = pred.eq(y.view_as(pred)).sum().item()
        return 100. * correct / len(y), loss.item()
"""

_TAIL = """

def main():
    return KubeNet(net(), Digits()).start()
"""

_INIT = """
    def init(self{argument}):
        def init_weights(m):
            if isinstance(m, nn.Linear):
                nn.init.constant_(m.bias, 0.01)
        {target}.apply(init_weights)
"""

_LATEST = """
    def train(self, batch, batch_index) -> float:
        x, y = batch
        if batch_index % 10 == 0:
            self.logger.info(f"Index {batch_index}")
        return self.step(x, y)

    def validate(self, batch, batch_index) -> Tuple[float, float]:
        x, y = batch
        return self.look(x, y)

    def infer(self, data: List[Any]):
        return self(torch.tensor(data, dtype=torch.float32)).argmax(dim=1)
"""

_X_Y = """
    def train(self, x, y, batch_index) -> float:
        return self.step(x, y)

    def validate(self, x, y, batch_index) -> Tuple[float, float]:
        return self.look(x, y)

    def infer(self, net, data):
        return net(torch.tensor(data, dtype=torch.float32)).argmax(dim=1).numpy()
"""

_WHOLE = """
    def train(self, net, dataset) -> float:
        losses = [self.step(x, y) for x, y in torch.utils.data.DataLoader(dataset, batch_size=self.batch_size)]
        return sum(losses) / len(losses)

    def validate(self, net, dataset) -> Tuple[float, float]:
        pairs = [self.look(x, y) for x, y in torch.utils.data.DataLoader(dataset, batch_size=self.batch_size)]
        return tuple(sum(one) / len(pairs) for one in zip(*pairs))
"""

_SELF_INIT = _INIT.format(argument="", target="self")
_NET_INIT = _INIT.format(argument=", model", target="model")

# Files by the release that they are written for; README's example mixes two.
RELEASES = {
    "0.1.3": _HEAD.format(package="kubeml") + _NET_INIT + _WHOLE + _TAIL,
    "0.1.4": _HEAD.format(package="kubeml") + _NET_INIT + _X_Y + _TAIL,
    "0.1.7": _HEAD.format(package="kubeml") + _SELF_INIT + _LATEST + _TAIL,
    "README": _HEAD.format(package="kubeml") + _NET_INIT + _LATEST + _TAIL,
}
LATEST = RELEASES["0.1.7"]
SERVERLESSDL = _HEAD.format(package="serverlessdl") + _SELF_INIT + _LATEST + _TAIL


def changed(**lines: str) -> str:
    """The latest file with lines put at the beginning of its methods."""
    text = LATEST
    for method, line in lines.items():
        at = text.index("\n", text.index(f"    def {method}(self")) + 1
        text = text[:at] + f"        {line}\n" + text[at:]
    return text


def arrays(train: int = 640, test: int = 192):
    """Images of 8 x 8 in which one of four corners is bright: x-train, y-train, x-test, y-test."""
    random = np.random.default_rng(1)
    made = []
    for rows in (train, test):
        labels = random.integers(0, 4, rows)
        images = random.integers(0, 100, (rows, 8, 8)).astype("uint8")
        for image, label in zip(images, labels):
            image[4 * (label // 2):4 * (label // 2) + 4, 4 * (label % 2):4 * (label % 2) + 4] += 120
        made += [images, labels.astype("int64").reshape(-1, 1)]
    return made


PARTS = ("x-train", "y-train", "x-test", "y-test")


def write_dataset(folder: pathlib.Path, **rows: int) -> pathlib.Path:
    folder.mkdir(parents=True)
    for name, array in zip(PARTS, arrays(**rows)):
        np.save(folder / f"{name}.npy", array)
    return folder
