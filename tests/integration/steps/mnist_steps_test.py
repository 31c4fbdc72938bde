#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mpijob/image/ringtrain-mnist, the steps of MNIST on GKE:  mnist_steps_test.py RINGTRAIN"""

import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import unittest
import urllib.request
import zipfile
import zlib

from steps_test import ROOT, npy

STEP = ROOT / "mpijob/image/ringtrain-mnist"
ROWS = 200


def digits(label):
    """28 x 28 pixels of which a stripe says the class."""
    return bytes(220 if row in (2 * label, 2 * label + 1) else 0 for row in range(28) for _ in range(28))


class MnistSteps(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ringtrain-mnist-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.environment = os.environ | {"PATH": f"{RINGTRAIN.parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}

    def call(self, *arguments):
        return subprocess.run([STEP, *map(str, arguments)], env=self.environment, capture_output=True, text=True,
                              cwd=self.folder, timeout=240)

    def must(self, *arguments):
        done = self.call(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def write_part(self, number):
        labels = [(row + number) % 10 for row in range(ROWS)]
        with zipfile.ZipFile(self.folder / f"{number}.npz", "w") as archive:
            archive.writestr("x.npy", npy((ROWS, 28, 28), b"".join(map(digits, labels))))
            archive.writestr("y.npy", npy(f"({ROWS},)", bytes(labels)))

    def test_parts_become_models_their_mean_and_a_page_that_recognises_digits(self):
        for number, name in ((0, "savefile"), (1, "savemodel")):
            self.write_part(number)
            self.must("--data", f"{number}.npz", "--epoch", 6, "--batch", 20, f"--{name}", f"model/{number}-model.h5")
        self.must("--dir", "model/", "--savefile", "aggregated-model.h5")
        self.must("--dir=model/", "--savefile=aggregated-model.h5")   # once more: it is replaced
        address = self.serve()
        for label in (3, 7):
            page = self.upload(address, self.png(digits(label)))
            self.assertIn(f"The prediction is {label}", page)

    def serve(self):
        """As the step does, on a port that is free."""
        model = self.folder / "mnist.pt"
        subprocess.run([RINGTRAIN, "model", "convert", self.folder / "aggregated-model.h5", model], check=True,
                       capture_output=True)
        server = subprocess.Popen([RINGTRAIN, "serve", model, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                                  text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        for line in server.stdout:
            if found := re.search(r"http://\S+", line):
                return found[0]
        self.fail("the server has ended")

    @staticmethod
    def png(pixels):
        def chunk(kind, data):
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        rows = b"".join(b"\0" + pixels[28 * row:28 * row + 28] for row in range(28))
        return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))

    @staticmethod
    def upload(address, picture):
        body = (b'--x\r\nContent-Disposition: form-data; name="file"; filename="digit.png"\r\n'
                b"Content-Type: image/png\r\n\r\n" + picture + b"\r\n--x--\r\n")
        request = urllib.request.Request(f"{address}/upload", body,
                                         {"Content-Type": "multipart/form-data; boundary=x", "X-Timeout-Ms": "60000"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def test_what_is_missing_or_wrong_is_one_line(self):
        for words, line in ((("--data", "0.npz"), "--savefile is missing"),
                            (("--data", "0.npz", "--savefile", "m.h5", "--epoch", 1, "--batch", 1),
                             "--data 0.npz: is not there"),
                            (("--dir", "model"), "--savefile is missing"),
                            (("--dir", "model", "--savefile", "m.h5"), "--dir model: holds no .h5 file"),
                            (("--modle", "x"), "unknown flag --modle"),
                            (("--model",), "--model: a value is missing")):
            with self.subTest(line):
                done = self.call(*words)
                self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
                self.assertIn(line, done.stderr)
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    RINGTRAIN = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
