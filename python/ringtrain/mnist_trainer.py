# SPDX-License-Identifier: Apache-2.0
"""The trainer of k8s-distributed-training over our backend: its variables, its log lines, its network and its model.pt.

    EPOCHS=2 BATCH_SIZE=64 WORLD_SIZE=2 DATASET_URI=data/mnist.h5 python3 -m ringtrain.mnist_trainer

starts itself again by `ringtrain run` on WORLD_SIZE ranks. It is the command of a container in place of
`python /app/train.py`. Variables: EPOCHS (2), BATCH_SIZE of each rank (64), DATASET_SIZE (0: all rows), WORLD_SIZE (1),
DATASET_TYPE (mnist), DATASET_URI (data/mnist.h5, a file of `ringtrain dataset import`), MODEL_PATH (/model/model.pt).
docs/guides/from/k8s-distributed-training.md has the whole.
"""

import datetime
import os
import pathlib
import sys
from typing import NamedTuple

BATCHES_A_LINE = 100
_EVALUATED_ROWS = 256


class Settings(NamedTuple):
    epochs: int
    batch_size: int
    dataset_size: int
    world_size: int
    dataset: pathlib.Path
    model: pathlib.Path


def settings() -> Settings:
    """The variables of the environment. Exits with one line where one of them cannot be."""
    kind = os.environ.get("DATASET_TYPE") or "mnist"
    if kind != "mnist":
        sys.exit(f"DATASET_TYPE={kind}: must be mnist; other data trains by a job file of ringtrain")
    dataset = os.environ.get("DATASET_URI") or "data/mnist.h5"
    if "://" in dataset:
        sys.exit(f"DATASET_URI={dataset}: must be the path of a file that 'ringtrain dataset import' made")
    if not os.path.exists(dataset):
        sys.exit(f"DATASET_URI={dataset}: is not there: make it with 'ringtrain dataset import mnist -o {dataset}'")
    model = pathlib.Path(os.environ.get("MODEL_PATH", "/model/model.pt"))
    if not os.access(model.parent, os.W_OK):
        sys.exit(f"MODEL_PATH={model}: {model.parent} is no folder that can be written to: mount a volume there")
    return Settings(_number("EPOCHS", 2, 1), _number("BATCH_SIZE", 64, 1), _number("DATASET_SIZE", 0, 0),
                    _number("WORLD_SIZE", 1, 1), pathlib.Path(dataset), model)


def _number(name: str, none: int, least: int) -> int:
    text = os.environ.get(name) or str(none)
    if not text.isdecimal() or not least <= int(text) < 2 ** 31:
        sys.exit(f"{name}={text}: must be a whole number from {least} on")
    return int(text)


def train(given: Settings) -> None:
    """One rank's part, in the group that is the default."""
    import torch
    from torch import distributed, nn

    from ringtrain.data import Rows

    rank = distributed.get_rank()

    def say(text):
        if rank == 0:
            print(text, flush=True)

    say("=== Starting PyTorch DDP-compatible training job (MNIST) ===")
    say(f"[MAIN] Hyperparameters -> epochs={given.epochs}, batch_size={given.batch_size}, "
        f"world_size={distributed.get_world_size()}, dataset_size={given.dataset_size or 'full'}")
    say("[RANK 0] Using device: cpu")
    rows = Rows(given.dataset)
    count = min(given.dataset_size or len(rows), len(rows))
    torch.manual_seed(0)
    model = nn.parallel.DistributedDataParallel(network())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    sampler = torch.utils.data.DistributedSampler(range(count), shuffle=True)
    for epoch in range(given.epochs):
        say(f"[RANK 0] --- Epoch {epoch + 1}/{given.epochs} ---")
        sampler.set_epoch(epoch)
        order, total = list(sampler), 0.0
        for batch, first in enumerate(range(0, len(order), given.batch_size), 1):
            x, y = rows[order[first:first + given.batch_size]]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(normalised(x)), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
            if batch % BATCHES_A_LINE == 0:
                say(f"[RANK 0] Batch {batch}, Avg Loss: {total / BATCHES_A_LINE:.4f}")
                total = 0.0
    say("[RANK 0] === DDP training complete ===")
    if rank == 0:
        _save(model.module.state_dict(), given.model)
        say(f"[RANK 0] Model saved to {given.model}")
        say("[RANK 0] Starting evaluation...")
        evaluate(given)
    distributed.barrier()


def network():
    """The network whose state_dict that system's test.py loads."""
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
            self.fc1, self.fc2 = nn.Linear(64 * 24 * 24, 128), nn.Linear(128, 10)

        def forward(self, x):
            x = torch.relu(self.conv2(torch.relu(self.conv1(x))))
            return self.fc2(torch.relu(self.fc1(torch.flatten(x, 1))))

    return Net()


def normalised(x):
    """Rows as its transforms make them: uint8 of [rows, 1, 28, 28] to floats."""
    return (x.float() / 255 - 0.1307) / 0.3081


def evaluate(given: Settings) -> None:
    """Prints the accuracy of the file on the test rows."""
    import torch

    from ringtrain.data import Rows

    print("=== Starting MNIST Evaluation ===", flush=True)
    model = network()
    model.load_state_dict(torch.load(given.model, map_location="cpu", weights_only=True))
    rows = Rows(given.dataset, "test")
    correct = 0
    with torch.no_grad():
        for first in range(0, len(rows), _EVALUATED_ROWS):
            x, y = rows[first:first + _EVALUATED_ROWS]
            correct += (model(normalised(x)).argmax(1) == y).sum().item()
    print(f"=== Test Accuracy: {100 * correct / len(rows):.2f}% ===", flush=True)


def _save(state, path: pathlib.Path) -> None:
    import torch

    new = path.with_name(f".{path.name}.new")
    torch.save(state, new)
    os.replace(new, path)


def main() -> None:
    given = settings()
    if "RANK" not in os.environ:
        program = os.environ.get("RINGTRAIN", "ringtrain")
        os.environ["PYTHON_EXEC"] = sys.executable
        try:
            os.execvp(program, [program, "run", "-n", str(given.world_size), "--redirects", "0", "-m",
                                "ringtrain.mnist_trainer"])
        except OSError as error:
            sys.exit(f"{program}: {error.strerror}: install ringtrain's wheel, or its programs")
    from torch import distributed

    import ringtrain  # noqa: F401  registers the backend

    distributed.init_process_group("ringtrain", timeout=datetime.timedelta(hours=1))
    train(given)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
