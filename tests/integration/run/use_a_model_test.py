#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ringtrain evaluate` and `ringtrain predict` on the model of a run.

  use_a_model_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import base64
import hashlib
import json
import struct
import subprocess
import zlib

import run_case
from run_case import CLASSES, RunTest, SIDE, TEST_ROWS


def npy(shape, values, kind="|u1"):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + values


def png(width, height, grey):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    lines = b"".join(b"\0" + grey[y * width:(y + 1) * width] for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


class UseAModel(RunTest):
    def setUp(self):
        super().setUp()
        self.result = self.run_job(1, "max_steps=40")
        images = (self.dataset.parent / "test-images").read_bytes()[16:]
        self.images = [images[row * SIDE * SIDE:(row + 1) * SIDE * SIDE] for row in range(TEST_ROWS)]

    def write(self, name, content):
        (self.folder / name).write_bytes(content)
        return self.folder / name

    def predict(self, *arguments):
        """The lines of --json, as objects."""
        done = self.call(run_case.RINGTRAIN, "predict", self.output, "--json", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def refused(self, *arguments, code=3):
        done = self.call(run_case.RINGTRAIN, *arguments)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        return done.stderr

    def test_evaluation_is_that_of_the_run(self):
        done = self.call(run_case.RINGTRAIN, "evaluate", self.output, self.dataset, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        self.assertEqual(found["samples"], TEST_ROWS)
        self.assertAlmostEqual(found["accuracy"], self.result["test_accuracy"], 9)
        self.assertAlmostEqual(found["loss"], self.result["test_loss"], 5)
        self.assertEqual(sum(entry["samples"] for entry in found["classes"]), TEST_ROWS)
        self.assertEqual(sum(entry["correct"] for entry in found["classes"]), found["correct"])
        words = self.call(run_case.RINGTRAIN, "evaluate", self.output / "model.pt", self.dataset).stdout
        self.assertIn(f"{TEST_ROWS} test samples, accuracy {100 * found['accuracy']:.2f}%", words)
        self.assertIn("confusion: a line for each class", words)
        self.assertRegex(words, r"worst samples\n  row \d+: loss [\d.]+, \d taken for \d \(\d+\.\d%\)\n")
        weights = self.call(run_case.RINGTRAIN, "evaluate", self.output / "model.safetensors", self.dataset, "--json")
        self.assertEqual(json.loads(weights.stdout)["confusion"], found["confusion"])

    def test_evaluation_names_mistakes_and_the_worst_samples(self):
        done = self.call(run_case.RINGTRAIN, "evaluate", self.output, self.dataset, "--json", "--worst", 7)
        found = json.loads(done.stdout)
        confusion = found["confusion"]
        for label, entry in enumerate(found["classes"]):
            self.assertEqual(sum(confusion[label]), entry["samples"])
            self.assertEqual(sum(row[label] for row in confusion), entry["predicted"])
            self.assertEqual(confusion[label][label], entry["correct"])
        self.assertEqual(len(found["worst"]), 7)
        losses = [sample["loss"] for sample in found["worst"]]
        self.assertEqual(losses, sorted(losses, reverse=True))
        worst = found["worst"][0]
        row, = self.predict("--dataset", self.dataset, "--row", worst["row"])
        self.assertTrue(row["sample"].endswith(f"({worst['class']})"), (row, worst))
        self.assertEqual(row["classes"][0]["class"], worst["predicted"])
        self.assertAlmostEqual(row["classes"][0]["probability"], worst["probability"], 5)
        none = self.call(run_case.RINGTRAIN, "evaluate", self.output, self.dataset, "--worst", 0)
        self.assertNotIn("worst", none.stdout)

    def test_a_saved_evaluation_is_beside_the_model(self):
        done = self.call(run_case.RINGTRAIN, "evaluate", self.output, self.dataset, "--save")
        self.assertIn(f"saved to {self.output / 'evaluation.json'}", done.stdout)
        saved = json.loads((self.output / "evaluation.json").read_text())
        self.assertEqual(saved["sha256"], {name: hashlib.sha256((self.output / name).read_bytes()).hexdigest()
                                           for name in ("model.pt", "model.safetensors")})
        self.assertEqual((saved["format"], saved["split"], saved["samples"]), (1, "test", TEST_ROWS))
        rows = saved["probe"]["rows"]
        self.assertEqual(len(base64.b64decode(saved["probe"]["samples"])), rows * SIDE * SIDE)
        self.assertEqual(len(saved["probe"]["outputs"]), rows * CLASSES)

    def test_rows_arrays_and_images_are_the_same_samples(self):
        rows = self.predict("--dataset", self.dataset, "--row", *range(TEST_ROWS))
        self.assertEqual(len(rows), TEST_ROWS)
        for row in rows:
            self.assertEqual(len(row["classes"]), 3)
            self.assertGreaterEqual(row["classes"][0]["probability"], row["classes"][1]["probability"])
        file = self.write("many.npy", npy([TEST_ROWS, SIDE, SIDE], b"".join(self.images)))
        many = self.predict(file)
        # An import shuffles the rows.
        self.assertEqual(sorted(json.dumps(row["classes"]) for row in many),
                         sorted(json.dumps(row["classes"]) for row in rows))
        floats = struct.pack(f"<{SIDE * SIDE}d", *self.images[1])
        one = self.write("one.npy", npy([1, SIDE, SIDE], floats, "<f8"))
        image = self.write("image.png", png(SIDE, SIDE, self.images[1]))
        for row in self.predict(one, image):
            self.assertEqual(row["classes"], many[1]["classes"])

    def test_prints_a_line_a_sample(self):
        image = self.write("image.png", png(SIDE, SIDE, self.images[0]))
        done = self.call(run_case.RINGTRAIN, "predict", self.output, image, "--top", 1)
        self.assertRegex(done.stdout, rf"^{image}: \d \d+\.\d%\n$")

    def test_examples_of_the_help_work_as_they_are_printed(self):
        (self.folder / "runs").mkdir()
        (self.folder / "data").mkdir()
        (self.folder / "runs/mnist-lenet").symlink_to(self.output)
        (self.folder / "data/mnist.h5").symlink_to(self.dataset)
        self.write("digit.png", png(SIDE, SIDE, self.images[0]))
        for command in ("evaluate", "predict"):
            text = self.call(run_case.RINGTRAIN, command, "--help").stdout.partition("Examples:\n")[2]
            examples = [line.split() for line in text.splitlines() if line.startswith("  ringtrain ")]
            self.assertTrue(examples, command)
            for example in examples:
                done = subprocess.run([run_case.RINGTRAIN, *example[1:]], cwd=self.folder, capture_output=True,
                                      text=True, timeout=run_case.DEADLINE)
                self.assertEqual(done.returncode, 0, (example, done.stderr))

    def test_what_cannot_be_used_is_named(self):
        self.assertIn("nothing to predict", self.refused("predict", self.output, code=2))
        self.assertIn("go together", self.refused("predict", self.output, "--row", 1, code=2))
        self.assertIn("is not there: name the output folder", self.refused("predict", self.folder, "a.png"))
        weights = self.write("weights.pt", (self.output / "model.safetensors").read_bytes())
        self.assertIn("weights.pt is a safetensors file: weights without the network",
                      self.refused("evaluate", weights, self.dataset))
        self.assertIn("is an HDF5 file, as datasets are: name the run's output folder",
                      self.refused("evaluate", self.dataset, self.dataset))
        self.assertIn("there is no row 9999",
                      self.refused("predict", self.output, "--dataset", self.dataset, "--row", 9999))
        text = self.write("note.txt", b"hello")
        self.assertIn("only .jpg, .jpeg, .png and .npy", self.refused("predict", self.output, text))
        broken = self.write("broken.png", b"\x89PNG\r\n\x1a\n")
        self.assertIn(str(broken), self.refused("predict", self.output, broken))
        shape = self.write("shape.npy", npy([3, 5], bytes(15)))
        self.assertIn("has the shape [3, 5]", self.refused("predict", self.output, shape))
        scaled = self.write("scaled.npy", npy([SIDE, SIDE], struct.pack("<f", 0.5) * SIDE * SIDE, "<f4"))
        self.assertIn("whole numbers from 0 to 255", self.refused("predict", self.output, scaled))


if __name__ == "__main__":
    run_case.main()
