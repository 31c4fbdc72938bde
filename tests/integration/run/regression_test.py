#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From a table with a number to predict to predictions in its unit.

  regression_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import hashlib
import json
import random
import shutil
import struct

import run_case
from run_case import RunTest
from use_a_model_test import npy

ROWS = 1200


class Regression(RunTest):
    def setUp(self):
        super().setUp()
        draw = random.Random(5)
        self.rows = []
        for _ in range(ROWS):
            rooms, age = draw.randrange(1, 9), draw.random() * 100
            self.rows.append((rooms, age, 200000 + 10000 * rooms - 300 * age, 1e-3 * (rooms + age / 10),
                              int(age < 50), int(rooms > 4)))
        self.table = self.folder / "houses.csv"
        self.table.write_text("rooms,age,price,fee,new,large\n" +
                              "".join(",".join(map(repr, row)) + "\n" for row in self.rows))
        self.houses = self.folder / "houses.h5"

    def make(self, *arguments):
        done = self.call(run_case.RINGTRAIN, "dataset", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def import_table(self, columns, target):
        """A dataset of some of the table's columns."""
        names = self.table.read_text().splitlines()[0].split(",")
        lines = [",".join(line.split(",")[names.index(name)] for name in columns)
                 for line in self.table.read_text().splitlines()]
        part = self.folder / "part.csv"
        part.write_text("\n".join(lines) + "\n")
        said = self.make("import", "csv", part, "--target", target, "--force", "-o", self.houses)
        self.job = self.write_job(dataset=str(self.houses), hidden=[16], epochs=20,
                                  optimizer={"learning_rate": 0.05})
        return said

    def call_json(self, *arguments):
        done = self.call(run_case.RINGTRAIN, *arguments, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def refuse(self, text, *sets):
        overrides = [word for key_value in sets for word in ("--set", key_value)]
        done = self.call(run_case.RINGTRAIN, "run", self.job, "-n", 2, *overrides)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assert_one_clear_line(done.stderr, text)

    def test_gives_errors_and_predictions_in_the_unit_of_the_target(self):
        self.assertIn("2 targets", self.import_table(("rooms", "age", "price", "fee"), "price,fee"))
        info = json.loads(self.make("info", self.houses, "--json"))
        deviations = [target["std"] for target in info["targets"]]
        self.assertEqual([target["name"] for target in info["targets"]], ["price", "fee"])
        self.assertEqual(info["classes"], [])
        self.assertIn("2 (price, fee)", self.make("info", self.houses))
        result = self.run_job(2)
        self.assertIsNone(result["test_accuracy"])
        for key in ("test_rmse", "test_mae"):
            for error, std in zip(result[key], deviations):
                self.assertLess(error, 0.1 * std)
        history = [json.loads(line) for line in (self.output / "history.jsonl").read_text().splitlines()]
        self.assertEqual(history[-1]["test_rmse"], result["test_rmse"])
        self.assertIsNone(history[-1]["test_accuracy"])

        found, = self.call_json("evaluate", self.output, self.houses)
        self.assertAlmostEqual(found["loss"] / result["test_loss"], 1, 4)
        self.assertNotIn("accuracy", found)
        for target, name, rmse, mae in zip(found["targets"], ("price", "fee"), result["test_rmse"],
                                           result["test_mae"]):
            self.assertEqual(target["target"], name)
            self.assertAlmostEqual(target["rmse"] / rmse, 1, 4)
            self.assertAlmostEqual(target["mae"] / mae, 1, 4)
        words = self.call(run_case.RINGTRAIN, "evaluate", self.output, self.houses).stdout
        self.assertRegex(words, r"120 test samples, loss .*\n +target +rmse +mae +std\n +price ")

        samples = self.folder / "samples.npy"
        samples.write_bytes(npy([3, 2], struct.pack("<6f", 2, 10, 8, 90, 5, 50), "<f4"))
        for prediction, (rooms, age) in zip(self.call_json("predict", self.output, samples),
                                            ((2, 10), (8, 90), (5, 50))):
            price, fee = prediction["targets"]
            self.assertEqual((price["target"], fee["target"]), ("price", "fee"))
            self.assertLess(abs(price["value"] - (200000 + 10000 * rooms - 300 * age)), 0.3 * deviations[0])
            self.assertLess(abs(fee["value"] - 1e-3 * (rooms + age / 10)), 0.3 * deviations[1])
        row, = self.call(run_case.RINGTRAIN, "predict", self.output, "--dataset", self.houses,
                         "--row", 3).stdout.splitlines()
        self.assertRegex(row, r" test 3 \(price \d+(\.\d+)?, fee 0\.\d+\): price \d+(\.\d+)?, fee -?\d[\d.e-]*$")
        self.assertRegex(self.make("sample", self.houses, "--rows", 2),
                         r"^(train row \d+ \(price \d[^)]*, fee [^)]*\): \d, \d+[.\d]*\n){2}$")

    def test_is_the_same_on_any_number_of_ranks_and_for_a_file_of_the_users(self):
        self.import_table(("rooms", "age", "price"), "price")
        self.run_job(1, "max_steps=1")
        shutil.copy(self.output / "model.pt", self.folder / "net.pt")
        own_file = (f"model={self.folder / 'net.pt'}", "hidden=")
        for sets in (("loss=huber",), ("loss=mse", *own_file)):
            runs = [self.run_job(ranks, "max_steps=40", *sets) for ranks in (1, 2, 3)]
            for run in runs[1:]:
                for key in ("order_hash", "steps", "samples_seen"):
                    self.assertEqual(run[key], runs[0][key])
                self.assertLessEqual(abs(run["train_loss"] / runs[0]["train_loss"] - 1), 1e-5)
                self.assertAlmostEqual(run["test_loss"] / runs[0]["test_loss"], 1, 4)
                for key in ("test_rmse", "test_mae"):
                    self.assertAlmostEqual(run[key][0] / runs[0][key][0], 1, 4)
        result = self.run_job(2, *own_file)
        self.assertLess(result["test_rmse"][0], 2500)  # of prices whose std is 25,000

    def test_is_resumed_bit_for_bit(self):
        self.import_table(("rooms", "age", "price"), "price")
        sets = ("checkpoint.resume=auto", "checkpoint.every_steps=10", "epochs=3")
        whole = self.run_job(2, *sets, f"output={self.folder / 'whole'}")
        self.run_job(2, *sets, "max_steps=45")
        resumed = self.run_job(2, *sets)
        self.assertEqual(resumed["resumed_from_step"], 45)
        for key in ("train_loss", "test_loss", "test_rmse", "test_mae", "order_hash"):
            self.assertEqual(resumed[key], whole[key])
        digests = {hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
                   for folder in (self.output, self.folder / "whole")}
        self.assertEqual(len(digests), 1)

    def test_counts_right_answers_of_several_labels_at_once(self):
        self.import_table(("rooms", "age", "new", "large"), "new,large")
        result = self.run_job(2, "loss=bce_with_logits", "optimizer.learning_rate=0.5")
        self.assertGreater(result["test_accuracy"], 0.95)
        right = result["test_accuracy"] * 240
        self.assertAlmostEqual(right, round(right), 6)
        self.assertNotIn("test_rmse", result)
        found, = self.call_json("evaluate", self.output, self.houses)
        self.assertAlmostEqual(found["accuracy"], result["test_accuracy"], 9)
        prediction, = self.call_json("predict", self.output, "--dataset", self.houses, "--row", 0)
        for target in prediction["targets"]:
            self.assertTrue(0 <= target["value"] <= 1)

    def test_what_job_and_dataset_do_not_agree_on_is_named(self):
        self.import_table(("rooms", "age", "price"), "price")
        self.refuse("loss: cross_entropy needs labels of classes, but dataset", "loss=cross_entropy")
        done = self.call(run_case.RINGTRAIN, "validate", self.job, "--set", "loss=cross_entropy")
        self.assertEqual(done.returncode, 2)
        self.assertIn("loss: cross_entropy needs labels of classes, but dataset", done.stderr)
        self.refuse("loss: bce_with_logits needs targets from 0 to 1, but price", "loss=bce_with_logits")
        self.refuse("label_smoothing: is for loss cross_entropy, not for mse", "label_smoothing=0.1")
        self.refuse("loss: must be one of", "loss=mae")
        self.refuse("loss: mse needs targets, but dataset", "loss=mse", f"dataset={self.dataset}")
        numbers, labels = self.folder / "x.npy", self.folder / "y.npy"
        numbers.write_bytes(npy([40, 3], struct.pack("<120q", *range(16777217, 16777337)), "<i8"))
        labels.write_bytes(npy([40], struct.pack("<40q", *(row % 2 for row in range(40))), "<i8"))
        tokens = self.folder / "tokens.h5"
        self.make("import", "npy", numbers, labels, numbers, labels, "-o", tokens)
        self.assertIn("no: whole numbers, as they are", self.make("info", tokens))
        self.refuse("model: mlp takes normalised floats, but dataset", f"dataset={tokens}")
        self.refuse("augment: dataset", f"dataset={tokens}", "augment.horizontal_flip=true")
        self.assertFalse(list(self.output.glob("model*")))

        self.run_job(1, "max_steps=1")
        self.import_table(("rooms", "age", "price", "fee"), "price,fee")
        net = self.output / "model.pt"
        self.refuse("returns Float [2, 1] for [2, 2, 1, 1], not floats [2, 2] for the dataset's 2 targets",
                    f"model={net}", "hidden=", f"output={self.folder / 'next'}")
        done = self.call(run_case.RINGTRAIN, "evaluate", self.output, self.houses)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (3, 1), done.stderr)
        self.assertIn("has 2 targets that are not the model's 1", done.stderr)


if __name__ == "__main__":
    run_case.main()
