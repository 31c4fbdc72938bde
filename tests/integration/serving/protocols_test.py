#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ringtrain serve`: both protocols, images, limits and hostile requests, with a real model.

  protocols_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import base64
import json
import pathlib
import signal
import socket
import struct
import sys
import threading

import serving_case
from serving_case import Connection, ServingTest
from run_case import CLASSES, SIDE

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "run"))
from use_a_model_test import png  # noqa: E402


class Protocols(ServingTest):
    def setUp(self):
        super().setUp()
        self.serve(self.model)

    def test_every_way_to_ask_gives_what_predict_gives(self):
        expected = self.predictions()
        tensor = self.post("/v2/models/digits/infer", self.infer_body(self.images))
        outputs = {output["name"]: output for output in tensor["outputs"]}
        self.assertEqual(outputs["label"]["data"], [row[0]["class"] for row in expected])
        self.assertEqual(outputs["probabilities"]["shape"], [len(self.images), CLASSES])
        for row, classes in enumerate(expected):
            shares = outputs["probabilities"]["data"][row * CLASSES:(row + 1) * CLASSES]
            self.assertAlmostEqual(max(shares), classes[0]["probability"], 5)
        instances = [list(image) for image in self.images[:3]]
        instances[1] = {"b64": base64.b64encode(png(SIDE, SIDE, self.images[1])).decode()}
        found = self.post("/v1/models/digits:predict", {"instances": instances})["predictions"]
        self.assertEqual([one["label"] for one in found], [row[0]["class"] for row in expected[:3]])
        image = self.post("/predict?top=3", png(SIDE, SIDE, self.images[2]), Content_Type="image/png")
        self.assertEqual([one["class"] for one in image["classes"]], [one["class"] for one in expected[2]])

    def test_binary_tensors_both_ways(self):
        expected = self.predictions()
        rows = b"".join(self.images)
        head = json.dumps({
            "id": "42",
            "inputs": [{"name": "input", "datatype": "UINT8", "shape": [len(self.images), SIDE, SIDE],
                        "parameters": {"binary_data_size": len(rows)}}],
            "outputs": [{"name": "probabilities", "parameters": {"binary_data": True}}, {"name": "label"}]}).encode()
        status, headers, body = self.ask("POST", "/v2/models/digits/infer", head + rows,
                                         Inference_Header_Content_Length=str(len(head)))
        self.assertEqual(status, 200, body)
        size = int(headers["Inference-Header-Content-Length"])
        answer = json.loads(body[:size])
        self.assertEqual(answer["id"], "42")
        shares = struct.unpack(f"<{len(self.images) * CLASSES}f", body[size:])
        for row, classes in enumerate(expected):
            self.assertAlmostEqual(max(shares[row * CLASSES:(row + 1) * CLASSES]), classes[0]["probability"], 5)
        self.assertEqual(answer["outputs"][1]["data"], [row[0]["class"] for row in expected])

    def test_describes_itself(self):
        found = self.get("/v2/models/digits")
        self.assertEqual(found["inputs"][0]["shape"], [-1, 1, SIDE, SIDE])
        self.assertEqual(found["parameters"]["class_names"], [str(label) for label in range(CLASSES)])
        self.assertIn("binary_tensor_data", self.get("/v2")["extensions"])
        for path in ("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready", "/v2/models/digits/ready",
                     "/v1/models", "/v1/models/digits"):
            self.get(path)

    def test_hostile_requests_get_one_clear_line_and_others_their_answers(self):
        image = list(self.images[0])
        shape = [1, 1, SIDE, SIDE]
        tensor = {"name": "input", "datatype": "UINT8", "shape": shape, "data": image}
        hostile = [({**tensor, "shape": [2 ** 40, 1, SIDE, SIDE]}, "rows, got 1099511627776"),
                   ({**tensor, "shape": [1, 3, 8, 8]}, "expected the shape"),
                   ({**tensor, "datatype": "FP64"}, "expected the datatype UINT8, got FP64"),
                   ({**tensor, "data": image[1:]}, "numbers for its shape"),
                   ({**tensor, "data": [1e300] * len(image)}, "from 0 to 255")]
        good = json.dumps(self.infer_body([self.images[0]]))
        expected = json.loads(self.ask("POST", "/v2/models/digits/infer", good.encode())[2])
        wrong = []

        def ask_again_and_again():
            connection = Connection(self.url)
            while not ended.is_set():
                status, _, body = connection.post("/v2/models/digits/infer", good)
                if status != 200 or json.loads(body) != expected:
                    wrong.append((status, body))
            connection.close()

        ended = threading.Event()
        other = threading.Thread(target=ask_again_and_again)
        other.start()
        try:
            for one, message in hostile:
                status, _, body = self.ask("POST", "/v2/models/digits/infer", {"inputs": [one]})
                self.assertEqual(status, 400, body)
                self.assertIn(message, json.loads(body)["error"])
            for body in (b"", b"{", b"[" * 100000, b"\xff\xfe", b'{"inputs":' + b"1" * 400 + b"}"):
                status, _, text = self.ask("POST", "/v2/models/digits/infer", body)
                self.assertEqual(status, 400, text)
                self.assertEqual(list(json.loads(text)), ["error"])
            large = self.cut_off(b"POST /v2/models/digits/infer HTTP/1.1\r\nHost: x\r\n"
                                 b"Content-Length: 16777217\r\n\r\n")
            self.assertIn(b" 413 ", large)
            self.assertIn(b'{"error":"the body of the request is larger than 16.0 MiB"}', large)
            self.cut_off(b"POST /v2/models/digits/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
            self.assertIn(b"400", self.cut_off(b"\x16\x03\x01 nonsense\r\n\r\n"))
            status, _, text = self.ask("POST", "/predict", b"\x89PNG\r\n\x1a\n")
            self.assertEqual(status, 400, text)
            self.assertIn("the image cannot be used", json.loads(text)["error"])
        finally:
            ended.set()
            other.join()
        self.assertEqual(wrong, [])

    def cut_off(self, request):
        """Sends bytes, ends, and returns what comes back."""
        host, port = self.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=serving_case.run_case.DEADLINE) as one:
            one.sendall(request)
            one.shutdown(socket.SHUT_WR)
            with one.makefile("rb") as answer:
                return answer.read()  # to its end: head and body may come apart

    def test_metrics_count_rows_and_answers(self):
        self.post("/v2/models/digits/infer", self.infer_body(self.images[:5]))
        _, _, text = self.ask("GET", "/metrics")
        self.assertIn(b'ringtrain_inference_rows_total{model="digits",version="1"} 5', text)
        self.assertIn(b'ringtrain_inference_requests_total{model="digits",version="1",code="200"} 1', text)

    def test_ends_with_the_requests_that_it_has_accepted(self):
        stop = threading.Timer(0, lambda: self.servers[0].send_signal(signal.SIGTERM))
        body = json.dumps(self.infer_body(self.images))
        connection = Connection(self.url)
        connection.post("/v2/models/digits/infer", body)
        stop.start()
        answered = 0
        try:
            while True:
                status, headers, text = connection.post("/v2/models/digits/infer", body)
                self.assertEqual(status, 200, text)
                answered += 1
                if headers.get("Connection") == "close":
                    break
        finally:
            connection.close()
        self.assertEqual(self.servers[0].wait(timeout=serving_case.run_case.DEADLINE), 0)
        self.assertGreater(answered, 0)


class Refusals(ServingTest):
    def refused(self, *arguments):
        done = self.call(serving_case.run_case.RINGTRAIN, "serve", *arguments, "--listen", "127.0.0.1:0")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_models_that_cannot_be_trusted_are_refused_at_once(self):
        saved = json.loads((self.model / "evaluation.json").read_text())
        file = self.model / "evaluation.json"

        def refused_with(**changes):
            file.write_text(json.dumps({**saved, **changes}))
            return self.refused(self.model)
        outputs = list(saved["probe"]["outputs"])
        outputs[0] += 1
        self.assertIn("does not reproduce its own evaluation",
                      refused_with(probe={**saved["probe"], "outputs": outputs}))
        self.assertIn("its probe is not of samples", refused_with(probe={**saved["probe"], "rows": 2 ** 40}))
        self.assertIn("is of another model", refused_with(sha256={"model.pt": "0" * 64}))
        self.assertIn("is damaged", refused_with(probe=None))
        file.write_text("{")
        self.assertIn("is damaged", self.refused(self.model))
        file.unlink()
        self.assertIn("has no evaluation.json", self.refused(self.model, "--require-evaluation"))
        (self.model / "model.pt").write_bytes(b"PK\x03\x04 hostile")
        self.assertIn("is not a TorchScript file", self.refused(self.model))
        weights = (self.model / "model.safetensors").read_bytes().replace(b'\\"hidden\\":[16]', b'\\"hidden\\":[99]')
        (self.model / "model.safetensors").write_bytes(weights)
        self.assertIn("weights do not fit the network", self.refused(self.model / "model.safetensors"))

    def test_mistakes_on_the_command_line(self):
        self.assertIn("two models are called digits", self.refused(self.model, self.model))
        done = self.call(serving_case.run_case.RINGTRAIN, "serve", self.model, "--listen", "x")
        self.assertIn("--listen x: expected ADDRESS:PORT", done.stderr)
        self.assertIn("is not there", self.refused(self.folder))

    def test_weights_alone_are_served(self):
        self.serve(f"weights={self.model / 'model.safetensors'}")
        expected = self.predictions()
        found = self.post("/v2/models/weights/infer", self.infer_body(self.images, outputs=[{"name": "label"}]))
        self.assertEqual(found["outputs"][0]["data"], [row[0]["class"] for row in expected])


if __name__ == "__main__":
    serving_case.main()
