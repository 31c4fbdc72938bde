#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A model goes from a job to an .h5 of Keras, from there into other jobs, and back. tests/python/keras_test.py opens
such files by Keras itself.

  keras_files_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json

import run_case
from run_case import RunTest


class KerasFiles(RunTest):
    def convert(self, *arguments):
        done = self.call(run_case.RINGTRAIN, "model", "convert", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)

    def weights(self):
        return self.output / "model.safetensors"

    def test_a_model_goes_to_keras_and_comes_back(self):
        first = self.run_job(1, "epochs=3")
        self.convert(self.weights(), self.folder / "model.h5")

        # As a model of its own: it starts where the first one ended.
        self.convert(self.folder / "model.h5", self.folder / "net.pt")
        again = self.run_job(2, f"model={self.folder}/net.pt", "hidden=[]", "epochs=1",
                             "optimizer.learning_rate=0.000001")
        self.assertAlmostEqual(again["test_loss"], first["test_loss"], places=3)
        self.convert(self.weights(), self.folder / "model.h5", "--like", self.folder / "model.h5", "--force")

        # As first weights of a model of the zoo, whose layers have other names.
        self.convert(self.folder / "model.h5", self.folder / "first.safetensors")
        third = self.run_job(1, f"initialize_from={self.folder}/first.safetensors", "epochs=1",
                             "optimizer.learning_rate=0.000001")
        self.assertAlmostEqual(third["test_loss"], first["test_loss"], places=3)

    def test_a_job_without_test_rows(self):
        images, labels = self.idx_files[:2]
        done = self.call(run_case.RINGTRAIN, "dataset", "import", "idx", images, labels, "-o", self.folder / "set.h5",
                         "--test-share", "0", "--keep-order", "--limit", "640")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = self.run_job(2, f"dataset={self.folder}/set.h5", "epochs=2")
        self.assertEqual(result["steps"], 40)
        self.assertEqual(result["status"], "finished", json.dumps(result))

    def test_a_job_names_the_command_that_converts(self):
        self.run_job(1, "max_steps=1")
        self.convert(self.weights(), self.folder / "model.h5")
        done = self.call(run_case.RINGTRAIN, "run", self.job, "-n", 1, "--set",
                         f"initialize_from={self.folder}/model.h5")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assert_one_clear_line(done.stderr, "model.h5 is a model of Keras: 'ringtrain model convert")


if __name__ == "__main__":
    run_case.main()
