#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A trainer that others wrote, PyTorch Lightning's with its own demonstration model, as it is, by `ringtrain run`.

scripts/install/requirements/trainers.txt names the packages. Environment: RINGTRAIN, the program; TRAINERS, a folder.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PACKAGES = os.environ["TRAINERS"]

# As Lightning's documentation has it; nothing in it is about ringtrain.
SCRIPT = """
import sys

import torch
from pytorch_lightning import Trainer, callbacks, seed_everything
from pytorch_lightning.demos.boring_classes import BoringDataModule, BoringModel


class Model(BoringModel):
    def validation_step(self, batch, batch_index):
        self.log("loss", self.step(batch), sync_dist=True)


seed_everything(1)
saving = callbacks.ModelCheckpoint(dirpath=sys.argv[1], monitor="loss", save_last=True)
trainer = Trainer(accelerator="cpu", devices=2, strategy="ddp", max_epochs=3, logger=False, callbacks=[saving],
                  enable_progress_bar=False, enable_model_summary=False)
model = Model()
trainer.fit(model, datamodule=BoringDataModule())
if trainer.is_global_zero:
    print("trained over", torch.distributed.get_backend(), float(trainer.callback_metrics["loss"]), flush=True)
"""


class Lightning(unittest.TestCase):
    def trained(self, name, *launcher):
        """The last line of rank 0, and the parameters of the last checkpoint."""
        import torch

        saved = pathlib.Path(self.folder, name)
        done = subprocess.run([*launcher, self.script, str(saved)], cwd=self.folder, capture_output=True, text=True,
                              timeout=250, env={**os.environ, "PYTHONPATH": f"{os.environ['PYTHONPATH']}:{PACKAGES}",
                                                "HOME": self.folder})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        [line] = [line for line in done.stdout.splitlines() if line.startswith("trained over")]
        return line, torch.load(saved / "last.ckpt", weights_only=False)["state_dict"]

    def test_trains_as_on_gloo(self):
        with tempfile.TemporaryDirectory() as self.folder:
            self.script = str(pathlib.Path(self.folder, "train.py"))
            pathlib.Path(self.script).write_text(SCRIPT)
            torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
            line, parameters = self.trained("gloo", *torchrun)
            ours, our_parameters = self.trained(
                "ours", os.environ["RINGTRAIN"], "run", "-n", "2", "--python", sys.executable)
        self.assertEqual(ours.replace("ringtrain", "gloo"), line)
        self.assertIn("over ringtrain ", ours)
        for name, values in parameters.items():  # 2 ranks: the same bits
            self.assertTrue(values.equal(our_parameters[name]), name)


if __name__ == "__main__":
    if not pathlib.Path(PACKAGES, "pytorch_lightning").exists():
        print(f"skipped: {PACKAGES} is missing: scripts/setup fetches it, with a network")
        sys.exit(77)
    unittest.main(verbosity=2)
