#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""model.pth of a run in a real torch: opened with its safe default, and loaded into modules.

  state_dict_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import io
import json
import struct
import sys
import zipfile

import run_case
from run_case import CLASSES, RunTest, SIDE

try:
    import torch
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

TYPES = {"F32": torch.float32, "I64": torch.int64}


class StateDict(RunTest):
    def safetensors(self):
        """Tensors of model.safetensors by name, read without its library."""
        content = (self.output / "model.safetensors").read_bytes()
        size = struct.unpack("<Q", content[:8])[0]
        found = {}
        for name, entry in json.loads(content[8:8 + size]).items():
            if name == "__metadata__":
                continue
            begin, end = entry["data_offsets"]
            found[name] = torch.frombuffer(bytearray(content[8 + size + begin:8 + size + end]),
                                           dtype=TYPES[entry["dtype"]]).reshape(entry["shape"])
        return found

    def assert_is_that_of_safetensors(self):
        loaded = torch.load(self.output / "model.pth")  # weights_only: torch's default since 2.6
        stored = self.safetensors()
        self.assertEqual(set(loaded), set(stored))
        for name, tensor in loaded.items():
            self.assertEqual((tensor.dtype, tensor.shape), (stored[name].dtype, stored[name].shape), name)
            self.assertTrue(torch.equal(tensor, stored[name]), name)
            self.assertTrue(tensor.is_contiguous(), name)
        return loaded

    def test_it_loads_into_a_module_that_computes_the_same(self):
        self.run_job(1, "max_steps=20")
        loaded = self.assert_is_that_of_safetensors()
        script = torch.jit.load(self.output / "model.pt").eval()
        self.assertEqual(list(loaded), [name for name, _ in script.named_parameters()])
        widths = [SIDE * SIDE, 16, CLASSES]
        layers = [torch.nn.Linear(a, b) for a, b in zip(widths, widths[1:])]
        for layer, (weight, bias) in zip(layers, zip(*[iter(loaded.values())] * 2)):
            layer.load_state_dict({"weight": weight, "bias": bias})
        x = torch.randn(5, 1, SIDE, SIDE)
        with torch.no_grad():
            own = layers[1](layers[0](x.flatten(1)).relu())
            self.assertTrue(torch.allclose(own, script(x), atol=1e-5))

    def test_counters_and_statistics_of_a_resnet_are_in_it(self):
        self.write_job(model="resnet18", hidden=[])
        self.run_job(1, "max_steps=1")
        loaded = self.assert_is_that_of_safetensors()
        self.assertEqual(loaded["bn1.num_batches_tracked"].dtype, torch.int64)
        self.assertEqual(loaded["bn1.num_batches_tracked"].shape, ())
        mapped = torch.load(self.output / "model.pth", mmap=True)
        self.assertTrue(torch.equal(mapped["fc.weight"], loaded["fc.weight"]))
        again = io.BytesIO()
        torch.save(loaded, again)
        self.assertEqual(set(torch.load(io.BytesIO(again.getvalue()))), set(loaded))

    def test_it_is_a_zip_archive_that_python_checks(self):
        self.run_job(1, "max_steps=1")
        with zipfile.ZipFile(self.output / "model.pth") as archive:
            self.assertIsNone(archive.testzip())
            self.assertEqual(archive.read("model/version"), b"3\n")


if __name__ == "__main__":
    run_case.main()
