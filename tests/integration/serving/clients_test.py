#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ringtrain serve` asked by Triton's and KServe's own Python clients, from the venvs of scripts/setup --serving.

  clients_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import os
import pathlib
import subprocess
import sys

import serving_case
from run_case import CLASSES, SIDE
from serving_case import ServingTest

CACHE = os.environ.get("RINGTRAIN_CACHE")
HOME = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
VENVS = pathlib.Path(CACHE or pathlib.Path(HOME) / "ringtrain")
PYTHON, KSERVE_PYTHON = (VENVS / name / "bin/python" for name in ("serving", "kserve"))

CLIENT = """
import sys
import numpy
import tritonclient.http
from tritonclient.utils import InferenceServerException

address, file = sys.argv[1:]
images = numpy.load(file)[:, None]
client = tritonclient.http.InferenceServerClient(address)
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("digits", "1")
metadata = client.get_model_metadata("digits")
assert metadata["inputs"][0]["shape"] == [-1, *images.shape[1:]], metadata

def ask(binary, array=images):
    tensor = tritonclient.http.InferInput("input", array.shape, "UINT8")
    tensor.set_data_from_numpy(array, binary_data=binary)
    wanted = [tritonclient.http.InferRequestedOutput(name, binary_data=binary) for name in ("probabilities", "label")]
    return client.infer("digits", [tensor], outputs=wanted, request_id="7")

as_bytes, as_json = ask(True), ask(False)
assert as_bytes.get_response()["id"] == "7"
shares = as_bytes.as_numpy("probabilities")
assert shares.shape == (len(images), int(metadata["outputs"][0]["shape"][1])), shares.shape
assert numpy.allclose(shares, as_json.as_numpy("probabilities"), atol=1e-6)
assert numpy.allclose(shares.sum(1), 1, atol=1e-5)
print(*(label.decode() for label in as_bytes.as_numpy("label")))

everything = tritonclient.http.InferInput("input", images.shape, "UINT8")
everything.set_data_from_numpy(images)
assert client.infer("digits", [everything]).as_numpy("logits").shape == shares.shape
try:
    ask(True, images[:, :, 1:])
    sys.exit("a wrong shape was taken")
except InferenceServerException as error:
    assert "expected the shape" in str(error), error
"""

KSERVE_CLIENT = """
import asyncio
import sys
import numpy
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

url, file = sys.argv[1:]
images = numpy.load(file)[:, None]

async def main():
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
    assert await client.is_server_live(url) and await client.is_server_ready(url)
    assert await client.is_model_ready(url, "digits")
    logits = []
    for binary in (False, True):
        tensor = InferInput("input", list(images.shape), "UINT8")
        tensor.set_data_from_numpy(images, binary_data=binary)
        answer = await client.infer(url, InferRequest("digits", [tensor]), model_name="digits")
        logits.append({one.name: one for one in answer.outputs}["logits"].as_numpy())
    assert logits[0].shape[0] == len(images) and numpy.allclose(*logits, atol=1e-5), logits
    old = InferenceRESTClient(RESTConfig(protocol="v1", retries=0))
    found = await old.infer(url, {"instances": images.tolist()}, model_name="digits")
    print(*(one["label"] for one in found["predictions"]))

asyncio.run(main())
"""


class Clients(ServingTest):
    def test_kserves_client_takes_it_for_a_server_of_both_protocols(self):
        if not KSERVE_PYTHON.exists():
            self.skipTest("KServe's client is missing: scripts/setup --serving installs it")
        self.serve(self.model)
        done = subprocess.run([KSERVE_PYTHON, "-c", KSERVE_CLIENT, self.url, self.npy_of_images()],
                              capture_output=True, text=True, timeout=serving_case.run_case.DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.split(), [row[0]["class"] for row in self.predictions()])

    def test_tritons_client_takes_it_for_a_server_of_the_protocol(self):
        self.serve(self.model)
        done = subprocess.run([PYTHON, "-c", CLIENT, self.url.removeprefix("http://"), self.npy_of_images()],
                              capture_output=True, text=True, timeout=serving_case.run_case.DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.split(), [row[0]["class"] for row in self.predictions()])
        self.assertEqual(len(self.images[0]), SIDE * SIDE)
        self.assertEqual(len(set(done.stdout.split()) - {str(label) for label in range(CLASSES)}), 0)


if __name__ == "__main__":
    if not PYTHON.exists():
        print("skipped: Triton's client is missing: scripts/setup --serving installs it")
        sys.exit(77)
    serving_case.main()
