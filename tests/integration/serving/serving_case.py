# SPDX-License-Identifier: Apache-2.0
"""Shared by tests of `ringtrain serve`: a model that is trained here, served, and asked over HTTP. Needs no network."""

import http.client
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "run"))
import run_case  # noqa: E402
from run_case import RunTest, SIDE, TEST_ROWS  # noqa: E402

main = run_case.main
TOKEN = "0123456789abcdef"


class ServingTest(RunTest):
    """self.model: the output folder of a run, evaluated; self.images: the test rows as bytes."""

    MODEL = {}  # keys of the job

    trained = None  # the output folder of the run that all tests of the class share

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls("setUp")  # for its helpers
        ServingTest.setUp(case)  # without what a test starts
        case.write_job(**cls.MODEL)
        case.run_job(1, "epochs=4")
        case.evaluate(case.output)
        cls.trained = case.output
        images = (cls.shared / "test-images").read_bytes()[16:]
        cls.images = [images[row * SIDE * SIDE:(row + 1) * SIDE * SIDE] for row in range(TEST_ROWS)]

    def setUp(self):
        super().setUp()
        self.servers = []
        self.model = self.folder / "digits"
        if self.trained:
            shutil.copytree(self.trained, self.model)

    def tearDown(self):
        for server in self.servers:
            self.stop(server)
        super().tearDown()

    def evaluate(self, folder):
        done = self.call(run_case.RINGTRAIN, "evaluate", folder, self.dataset, "--save", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def serve(self, *arguments):
        """Serves the models; self.url has the address."""
        (self.folder / "token").write_text(TOKEN + "\n")
        with open(self.folder / "serve.log", "a") as log:
            server = subprocess.Popen(
                [run_case.RINGTRAIN, "serve", *map(str, arguments), "--listen", "127.0.0.1:0", "--timeout-ms", "60000",
                 "--admin-token-file", str(self.folder / "token")], stdout=subprocess.PIPE, stderr=log, text=True)
        self.servers.append(server)
        for line in server.stdout:
            if line.startswith("ringtrain serve on "):
                self.url = line.split()[3]
                return server
        self.fail((self.folder / "serve.log").read_text())

    def stop(self, server, how=signal.SIGTERM):
        if server.poll() is None:
            server.send_signal(how)
        code = server.wait(timeout=run_case.DEADLINE)
        server.stdout.close()
        return code

    def ask(self, method, path, body=None, **headers):
        """Status, headers and body of an answer."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=names)
        try:
            with urllib.request.urlopen(request, timeout=run_case.DEADLINE) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def get(self, path):
        status, _, body = self.ask("GET", path)
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def post(self, path, body, **headers):
        status, _, text = self.ask("POST", path, body, **headers)
        self.assertEqual(status, 200, text)
        return json.loads(text)

    def deploy(self, name, body, expected=200):
        status, _, text = self.ask("PUT", f"/deployments/{name}", body, Authorization=f"Bearer {TOKEN}")
        self.assertEqual(status, expected, text)
        return json.loads(text)

    def deployment(self, name):
        status, _, text = self.ask("GET", f"/deployments/{name}", Authorization=f"Bearer {TOKEN}")
        self.assertEqual(status, 200, text)
        return json.loads(text)

    def infer_body(self, images, **more):
        tensor = {"name": "input", "datatype": "UINT8", "shape": [len(images), 1, SIDE, SIDE],
                  "data": [list(image) for image in images]}
        return {"inputs": [tensor], **more}

    def predictions(self):
        """Classes of each of the images, the likeliest first, by `ringtrain predict`."""
        done = self.call(run_case.RINGTRAIN, "predict", self.model, "--json", self.npy_of_images())
        return [json.loads(line)["classes"] for line in done.stdout.splitlines()]

    def npy_of_images(self):
        header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({TEST_ROWS}, {SIDE}, {SIDE}), }}"
        header += " " * (63 - (10 + len(header)) % 64) + "\n"
        file = self.folder / "images.npy"
        file.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() +
                         b"".join(self.images))
        return file


class Connection:
    """A connection that is kept over many requests."""

    def __init__(self, url):
        self.connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=run_case.DEADLINE)

    def post(self, path, body, headers=None):
        self.connection.request("POST", path, body, headers or {})
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def close(self):
        self.connection.close()
