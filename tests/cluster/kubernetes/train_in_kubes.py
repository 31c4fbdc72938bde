# SPDX-License-Identifier: Apache-2.0
"""Models, images and data as users of Train In Kubes have them."""

import json
import os
import pathlib
import random
import sys

from cluster import HERE, VOLUME, call, must

CACHE = pathlib.Path(os.environ.get("RINGTRAIN_CACHE", pathlib.Path.home() / ".cache/ringtrain"))
DATA = VOLUME / "tik"   # the directory /data of the users' node
ROWS = 1800

# The network of its examples/modelbuilding, as TorchScript, without the softmax.
MODEL = """
import sys, torch
from torch import nn
torch.manual_seed(1)
net = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
                    nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 64), nn.ReLU(), nn.Linear(64, 10))
torch.jit.script(net).save(sys.argv[1])
"""

# The script of its examples/modelbuilding.
KERAS_MODEL = """
import sys, keras
from keras import layers
keras.utils.set_random_seed(1)
model = keras.Sequential([keras.Input((32, 32, 3)), layers.Conv2D(32, (3, 3), activation="relu"),
                          layers.MaxPooling2D((2, 2)), layers.Conv2D(64, (3, 3), activation="relu"),
                          layers.MaxPooling2D((2, 2)), layers.Conv2D(64, (3, 3), activation="relu"), layers.Flatten(),
                          layers.Dense(64, activation="relu"), layers.Dense(10, activation="softmax")])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.save(sys.argv[1])
"""
# The next step of its users prints the share of rows that it gets right.
KERAS_NEXT = """
import sys, keras, numpy
model = keras.saving.load_model(sys.argv[1])
x, y = (numpy.load(f"{sys.argv[2]}/{name}_train.npy") for name in "xy")
print((model.predict(x / numpy.float32(255), verbose=0).argmax(1) == y[:, 0]).mean())
"""


def keras(script, *arguments):
    """Keras on torch, as for tests/python/keras_test.py."""
    return must(sys.executable, "-c", script, *arguments, env=os.environ | {
        "KERAS_BACKEND": "torch", "PYTHONPATH": f"{CACHE / 'keras'}:{CACHE / 'wheels'}", "OMP_NUM_THREADS": "1"})


def write_npy(path, descr, shape, data):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data)


def write_data():
    """Pictures as of CIFAR-10: each class has its own brightness in each colour, and noise."""
    folder = DATA / "PreprocessedData"
    folder.mkdir(parents=True)
    draw = random.Random(1)
    labels = bytes(i % 10 for i in range(ROWS))
    pixels = bytearray(ROWS * 32 * 32 * 3)
    for row, label in enumerate(labels):
        for color, factor in enumerate((1, 3, 7)):
            palette = bytes(20 * (label * factor % 10) + value // 8 for value in range(256))
            begin = row * 32 * 32 * 3
            pixels[begin + color:begin + 32 * 32 * 3:3] = draw.randbytes(32 * 32).translate(palette)
    write_npy(folder / "x_train.npy", "|u1", (ROWS, 32, 32, 3), pixels)
    write_npy(folder / "y_train.npy", "|u1", (ROWS, 1), labels)


def make_image(name, folder, file, write):
    """A user's image: a script that puts a model of `write` into $MODEL_STORAGE_LOCATION."""
    if call("buildah", "inspect", "--type", "image", name).returncode != 0:
        write(folder / file)
        must(HERE / "image", "base", timeout=600)
        container = must("buildah", "from", "localhost/debian:12").strip()
        must("buildah", "add", "-q", container, folder / file, f"/{file}")
        command = json.dumps(["sh", "-c", f"cp /{file} $MODEL_STORAGE_LOCATION/{file} && echo built"])
        must("buildah", "config", "--cmd", command, container)
        must("buildah", "commit", "-q", "--rm", container, name)
    must(HERE / "image", "push", name)


def write_torchscript(path):
    must(sys.executable, "-c", MODEL, path, env=os.environ | {"PYTHONPATH": str(CACHE / "wheels")})


def write_keras(path):
    keras(KERAS_MODEL, path)
