#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The commands of docs/guides/from/kubejob.md, as far as they need no cluster:  kubejob_test.py RINGTRAIN"""

import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest
import zipfile
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/guides/from/kubejob.md").read_text()


def png(side, grey):
    """A square of one grey, with noise."""
    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    draw = random.Random(grey)
    rows = b"".join(b"\0" + bytes(grey + draw.randrange(8) for _ in range(side)) for _ in range(side))
    head = side.to_bytes(4, "big") * 2 + bytes((8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def block(start):
    """The page's block that begins so."""
    return next(text for text in re.findall(r"```(?:yaml)?\n(.*?)```", PAGE, re.DOTALL) if text.startswith(start))


class Kubejob(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ringtrain-kubejob-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def shell(self, text):
        return subprocess.run(["bash", "-euc", text], cwd=self.folder, capture_output=True, text=True,
                              env=os.environ | {"PATH": f"{RINGTRAIN.parent}:{os.environ['PATH']}"})

    def test_the_zip_is_imported_and_what_is_broken_is_skipped(self):
        with zipfile.ZipFile(self.folder / "kagglecatsanddogs_3367a.zip", "w") as archive:
            for number in range(10):
                archive.writestr(f"PetImages/Cat/{number}.png", png(20, 40 + number))
                archive.writestr(f"PetImages/Dog/{number}.png", png(30, 140 + number))
            archive.writestr("PetImages/Dog/666.jpg", b"")
        # The bucket is in the test on Kubernetes; here the zip lies in the folder.
        command = block("set -a").split("\n", 1)[1].replace("s3://$datasetsbucket/", "")
        done = self.shell(command)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("16 training and 4 test rows of 3 x 180 x 180 u8, 2 classes", done.stdout)
        self.assertIn("skipped 1 broken image", done.stderr)
        info = json.loads(self.shell("ringtrain dataset info cats.h5 --json").stdout)
        self.assertEqual(info["classes"], ["Cat", "Dog"])

    def test_its_trials_can_be_rendered(self):
        (self.folder / "cats.yaml").write_text(block("name: cats"))
        # `render` takes what `submit` takes, and needs no cluster.
        loop = block("for rate in").replace("ringtrain submit", "ringtrain render").replace("ringtrain jobs\n", "")
        done = self.shell(loop)
        self.assertEqual(done.returncode, 0, done.stderr)
        names = re.findall(r"^kind: MPIJob\nmetadata:\n  name: (\S+)", done.stdout, re.MULTILINE)
        self.assertEqual(names, ["cats-001", "cats-01"])

    def test_keras_lists_and_a_file_for_each_epoch_come_from_checkpoints(self):
        """With a stand-in for the two commands that read weights, which the test on Kubernetes runs."""
        for epoch in (1, 2):
            (self.folder / f"runs/cats/checkpoints/step-0000000{epoch}").mkdir(parents=True)
        with (self.folder / "runs/cats/history.jsonl").open("w") as file:
            for epoch in (1, 2):
                file.write(json.dumps({"epoch": epoch, "train_loss": 1 / epoch, "test_loss": 2 / epoch,
                                       "test_accuracy": 0.5}) + "\n")
        stand_in = ('ringtrain() { if [ $1 = model ]; then touch "$4"; else echo "{\\"accuracy\\": 0.25}"; fi; }\n'
                    "aws() { echo uploaded $3; }\n")
        names = ("trainingbucket=training endpoint_url=http://x aws_access_key_id=a aws_secret_access_key=b "
                 "region_name=c\n")
        done = self.shell(stand_in + names + block("epoch=0"))
        self.assertEqual(done.returncode, 0, done.stderr)
        lists = json.loads((self.folder / "catdogclassification.json").read_text())
        self.assertEqual(lists, {"loss": [1, 0.5], "accuracy": [0.25, 0.25], "val_loss": [2, 1],
                                 "val_accuracy": [0.5, 0.5]})
        self.assertEqual(done.stdout.split("\n")[:-1], [
            "uploaded catdogclassification.json", "uploaded catdogclassification_save_at_1.pth",
            "uploaded catdogclassification_save_at_2.pth"])


if __name__ == "__main__":
    RINGTRAIN = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
