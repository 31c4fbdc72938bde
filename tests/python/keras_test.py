#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ringtrain model convert` against the real Keras, on torch: predictions are equal, and files go there and back.

scripts/install/requirements/keras.txt names the packages. Environment: RINGTRAIN, the program; KERAS, a folder.
"""

import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

os.environ["KERAS_BACKEND"] = "torch"
sys.path.insert(0, os.environ["KERAS"])
# pylint: disable=wrong-import-position
import h5py  # noqa: E402
import keras  # noqa: E402
import numpy  # noqa: E402
import torch  # noqa: E402
from keras import layers  # noqa: E402

TOLERANCE = 1e-5


def write_safetensors(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, array in tensors.items():
        raw = array.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def mlp():
    return [keras.Input((4, 5)), layers.Flatten(), layers.Dense(16, activation="relu"),
            layers.Dense(8, activation="tanh"), layers.Dense(3, activation="softmax")]


def lenet():
    return [keras.Input((28, 28, 1)), layers.Conv2D(32, 3, activation="relu"), layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(), layers.Dropout(0.25), layers.Flatten(), layers.Dropout(0.5),
            layers.Dense(10, activation="softmax")]


def cifar():
    """The model that Train In Kubes' example builds, with a normalisation."""
    return [keras.Input((32, 32, 3)), layers.Conv2D(32, (3, 3), activation="relu"), layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"), layers.BatchNormalization(), layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), padding="same", activation="relu"), layers.Flatten(),
            layers.BatchNormalization(), layers.Dense(64, activation="relu"), layers.Dense(10), layers.Softmax()]


class KerasTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ringtrain-keras-test.")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        keras.utils.set_random_seed(7)

    def convert(self, *arguments):
        done = subprocess.run([os.environ["RINGTRAIN"], "model", "convert", *map(str, arguments)], cwd=self.folder,
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def refuse(self, expected, *arguments, exit_code=3):
        before = sorted(self.folder.iterdir())
        done = subprocess.run([os.environ["RINGTRAIN"], "model", "convert", *map(str, arguments)], cwd=self.folder,
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, exit_code, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(expected, done.stderr)
        self.assertEqual(sorted(self.folder.iterdir()), before, "something was left behind")

    def saved(self, steps):
        model = keras.Sequential(steps)
        # Statistics of a normalisation that are not those of a new one.
        for layer in model.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.set_weights([numpy.random.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
        model.save(self.folder / "model.h5")
        x = numpy.random.default_rng(1).random((5, *model.input_shape[1:]), dtype="f4")
        return x, model.predict(x, verbose=0)

    def test_predictions_of_torchscript_are_those_of_keras(self):
        for steps in (mlp, lenet, cifar):
            with self.subTest(steps.__name__):
                x, expected = self.saved(steps())
                self.convert("model.h5", "net.pt", "--force")
                net = torch.jit.load(self.folder / "net.pt").eval()
                first = torch.from_numpy(x if x.ndim == 4 else x[..., None]).permute(0, 3, 1, 2).contiguous()
                with torch.no_grad():
                    found = torch.softmax(net(first), 1).numpy()
                self.assertLess(abs(found - expected).max(), TOLERANCE)
                net.train()
                net(first).sum().backward()
                self.assertTrue(all(p.grad is not None for p in net.parameters()))

    def test_a_file_comes_back_as_it_was(self):
        x, expected = self.saved(cifar())
        self.convert("model.h5", "w.safetensors")
        self.convert("w.safetensors", "back.h5")
        found = keras.saving.load_model(self.folder / "back.h5").predict(x, verbose=0)
        self.assertTrue((found == expected).all())
        with h5py.File(self.folder / "model.h5") as a, h5py.File(self.folder / "back.h5") as b:
            self.assertEqual(a.attrs["model_config"], b.attrs["model_config"])
            names = list(a["model_weights"].attrs["layer_names"])
            self.assertEqual(names, [name.decode() for name in b["model_weights"].attrs["layer_names"]])

    def test_weights_of_a_job_take_the_place_of_those_in_a_file(self):
        x, _ = self.saved(lenet())
        self.convert("model.h5", "net.pt")
        net = torch.jit.load(self.folder / "net.pt").eval()
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.add_(0.01)
            expected = torch.softmax(net(torch.from_numpy(x).permute(0, 3, 1, 2)), 1).numpy()
        write_safetensors(self.folder / "model.safetensors",
                          {name: value.detach().numpy() for name, value in net.state_dict().items()}, {})
        self.convert("model.safetensors", "model.h5", "--like", "model.h5", "--force")
        found = keras.saving.load_model(self.folder / "model.h5").predict(x, verbose=0)
        self.assertLess(abs(found - expected).max(), TOLERANCE)

    def zoo(self, name, shape, weights, **more):
        description = {"model": name, "hidden": [], "shape": shape, "class_names": list("0123456789"), "targets": [],
                       **more}
        random = numpy.random.default_rng(3)
        tensors = {}
        for layer, size in weights.items():
            tensors[f"{layer}.weight"] = random.normal(0, 0.1, size).astype("f4")
            tensors[f"{layer}.bias"] = random.normal(0, 0.1, size[:1]).astype("f4")
        write_safetensors(self.folder / "model.safetensors", tensors, {"ringtrain": json.dumps(description)})
        self.convert("model.safetensors", "model.h5", "--force")
        x = random.random((4, *shape), dtype="f4")
        model = keras.saving.load_model(self.folder / "model.h5")
        return torch.from_numpy(x), {n: torch.from_numpy(t) for n, t in tensors.items()}, model.predict(
            x.transpose(0, 2, 3, 1), verbose=0)

    def test_models_of_the_zoo_predict_in_keras_what_they_predict_here(self):
        function = torch.nn.functional
        x, w, found = self.zoo("mlp", [1, 6, 7], {"fc0": (12, 42), "fc1": (10, 12)}, hidden=[12])
        y = function.linear(torch.relu(function.linear(x.flatten(1), w["fc0.weight"], w["fc0.bias"])),
                            w["fc1.weight"], w["fc1.bias"])
        self.assertLess(abs(torch.softmax(y, 1).numpy() - found).max(), TOLERANCE)
        x, w, found = self.zoo("lenet5", [1, 28, 28], {"conv1": (6, 1, 5, 5), "conv2": (16, 6, 5, 5),
                                                       "fc1": (120, 400), "fc2": (84, 120), "fc3": (10, 84)})
        y = function.conv2d(x, w["conv1.weight"], w["conv1.bias"], padding=2)
        y = torch.relu(function.max_pool2d(y, 2))
        y = torch.relu(function.max_pool2d(function.conv2d(y, w["conv2.weight"], w["conv2.bias"]), 2)).flatten(1)
        for layer in ("fc1", "fc2"):
            y = torch.relu(function.linear(y, w[f"{layer}.weight"], w[f"{layer}.bias"]))
        y = function.linear(y, w["fc3.weight"], w["fc3.bias"])
        self.assertLess(abs(torch.softmax(y, 1).numpy() - found).max(), TOLERANCE)

    def test_refuses_by_name_what_cannot_be_converted(self):
        model = keras.Sequential([keras.Input((8, 4)), layers.LSTM(3, name="memory"), layers.Dense(2)])
        model.save(self.folder / "lstm.h5")
        self.refuse("lstm.h5: layer 'memory' (LSTM) cannot be converted", "lstm.h5", "net.pt")
        entry = keras.Input((4,))
        keras.Model(entry, layers.Dense(2)(entry)).save(self.folder / "functional.h5")
        self.refuse("functional.h5: is a Functional model", "functional.h5", "net.pt")
        model = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="head")])
        model.save(self.folder / "model.keras")
        (self.folder / "model.keras").rename(self.folder / "zip.h5")
        self.refuse("zip.h5: not an HDF5 file; a .keras archive", "zip.h5", "net.pt")
        model.save(self.folder / "model.h5")
        with h5py.File(self.folder / "model.h5", "a") as file:
            kernel = file["model_weights/head"]
            name = kernel.attrs["weight_names"][0]
            del kernel[name]
            kernel[name] = h5py.ExternalLink("/etc/passwd", "/x")
        self.refuse("is a link to elsewhere, which is refused", "model.h5", "net.pt")
        self.refuse("these can be converted", "model.h5", "model.onnx", exit_code=2)


if __name__ == "__main__":
    unittest.main()
