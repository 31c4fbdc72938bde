#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program `kubeml` on a server: what its users type, with function files as they have them.

  program_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import pathlib
import pickle
import signal

from kubeml_case import KubemlTest, function_files, run_case


class TheWholeWay(KubemlTest):
    def test_from_a_file_to_predictions(self):
        self.assertEqual(self.kubeml("dataset", "list"), "NAME TRAINSET TESTSET\n")
        self.assertEqual(self.make_dataset().splitlines(),
                         ["File x-train.npy added as x-train", "File y-train.npy added as y-train",
                          "File x-test.npy added as x-test", "File y-test.npy added as y-test", "Dataset created"])
        self.assertEqual(self.columns(self.kubeml("dataset", "list")),
                         [["NAME", "TRAINSET", "TESTSET"], ["digits", "600", "100"]])
        self.make_function(function_files.LATEST)
        [names, row] = self.columns(self.kubeml("fn", "list"))
        self.assertEqual(names, ["NAME", "ENVIRONMENT", "CONCURRENCY", "TIMEOUT", "CREATED"])
        self.assertEqual(row[:4], ["example", "torch", "2", "1000"])
        # A task ends with the epoch that reaches its goal, 100% where none is given.
        task = self.train("--epochs", "3", "--validate-every", "1", "--K", "4", "--goal-accuracy", "101")
        history = self.history(task)
        self.assertEqual((history["id"], history["task"]["options"]["k"]), (task, 4))
        self.assertEqual(history["data"]["parallelism"], [2, 2, 2])
        self.assertEqual(len(history["data"]["accuracy"]), 3)
        self.assertGreater(history["data"]["accuracy"][-1], 90)
        [names, row] = self.columns(self.kubeml("history", "list"))
        self.assertEqual(" ".join(names), "NAME MODEL DATASET EPOCHS BATCH LR PARALLELISM K STATIC ACCURACY LOSS TIME"
                         " (s)")
        self.assertEqual(row[:9], [task, "example", "digits", "3", "32", "0.05", "2", "4", "false"])
        self.assertIn("epoch 3 of 3: train loss", self.kubeml("logs", "--id", task))
        self.check_predictions(task)
        self.kubeml("history", "delete", "--id", task)
        self.assertIn("no history", self.refused("history", "get", "--id", task))
        self.assertEqual(self.kubeml("dataset", "delete", "--name", "digits"), "Dataset deleted\n")

    def check_predictions(self, task):
        x, y = (function_files.arrays()[at] for at in (2, 3))
        (self.folder / "data.json").write_text(json.dumps((x[:4].reshape(4, -1) / 255).tolist()))
        said = self.kubeml("infer", "--network", task, "--datafile", "data.json")
        self.assertEqual(json.loads(said), {"predictions": y[:4].reshape(-1).tolist()})
        (self.folder / "data.json").write_text('["a"]')
        done = self.run_kubeml("infer", "--network", task, "--datafile", "data.json")
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertEqual(json.loads(done.stdout)["code"], 500)

    def test_tasks_are_shown_and_stopped(self):
        self.make_dataset()
        self.make_function(function_files.LATEST)
        self.assertEqual(self.kubeml("task", "list", "--short"), "")
        task = self.train("--epochs", "100000", "--parallelism", "1")
        self.assertEqual(self.kubeml("task", "list", "--short"), f"{task}\n")
        self.assertEqual(self.columns(self.kubeml("task", "list"))[1],
                         [task, "example", "digits", "example", "100000", "32", "0.05"])
        history = self.dir / f"jobs/job-{task}/output/kubeml-history.json"
        self.wait_for(lambda: history.exists() or None)
        waits = self.train("--parallelism", "2")  # the server has two cores
        self.kubeml("task", "stop", "--id", waits)
        self.kubeml("task", "stop", "--id", task)
        data = self.history(task)["data"]
        self.assertIsNone(data["accuracy"])
        self.assertGreaterEqual(len(data["train_loss"]), 1)
        self.wait_for_state(f"job-{waits}", "Suspended")
        self.assertIn("no task", self.refused("task", "stop", "--id", "00000000"))
        self.assertIn("Histories deleted", self.kubeml("history", "prune", stdin="y\n"))
        self.assertEqual(len(self.kubeml("history", "list").splitlines()), 1)
        self.kubeml("task", "prune", stdin="y\n")


class BadInput(KubemlTest):
    def test_is_refused_in_one_line(self):
        self.make_dataset()
        self.make_function(function_files.LATEST)
        for words, line in (
                (["train", "-f", "nobody", "-d", "nothing", "-b", "2000", "-e", "0", "--lr", "-1"],
                 r"--batch: must be 1 to 1024, found 2000; --epochs: .*; --lr: .*; --dataset: 'nothing' does not exist;"
                 " --function: 'nobody' does not exist"),
                (["train", "-f", "example", "-d", "digits", "--K", "0"], "k: must be a whole number from 1 on, or -1"),
                (["train", "-f", "example", "-d", "digits", "--parallelism", "64"], "parallelism: must be 1 to 2, the"),
                (["train", "-f", "example", "-d", "digits", "--goal-accuracy", "0"], "goal_accuracy: must be a num"),
                (["train", "-f", "example", "-d", "digits", "-e", "99999999999"], "epochs: must be a whole number"),
                (["function", "create", "--name", "example", "--code", "network.py"], "'example' exists already"),
                (["function", "create", "--name", "Mine!", "--code", "network.py"], "the name 'Mine!' must be"),
                (["function", "update", "--name", "new", "--code", "network.py"], "'new' does not exist"),
                (["infer", "-n", "00000000", "--datafile", "arrays/x-test.npy"], "must be a JSON array"),
                (["dataset", "delete", "--name", "../functions"], "does not exist"),
                (["history", "get", "--id", "../../x"], "no history"),
                (["logs", "--id", "00000000"], "no such job")):
            with self.subTest(words):
                self.assertRegex(self.refused(*words), line)
        self.assertEqual(self.kubeml("task", "list", "--short"), "")

    def test_of_datasets_leaves_nothing(self):
        arrays = self.folder / "arrays"
        (arrays / "x.pkl").write_bytes(pickle.dumps([1]))
        (arrays / "renamed.npy").write_bytes(pickle.dumps([1]))
        function_files.np.save(arrays / "objects.npy", function_files.np.array([{}, {}]), allow_pickle=True)
        function_files.np.save(arrays / "short.npy", function_files.np.zeros((7, 8, 8), "uint8"))
        (arrays / "cut.npy").write_bytes((arrays / "x-train.npy").read_bytes()[:1000])
        for file, line in (("x.pkl", r"a pickle is a program.*numpy.save"), ("renamed.npy", "x-train: is a pickle"),
                           ("objects.npy", "x-train: holds '.O', and must hold plain numbers"),
                           ("short.npy", "x-train has 7 rows and y-train has 640"), ("cut.npy", "x-train: is cut"),
                           ("none.npy", "none.npy")):
            with self.subTest(file):
                done = self.run_kubeml("dataset", "create", "--name", "bad", "--traindata", arrays / file,
                                       "--trainlabels", arrays / "y-train.npy", "--testdata", arrays / "x-test.npy",
                                       "--testlabels", arrays / "y-test.npy")
                self.assertNotEqual(done.returncode, 0)
                self.assertRegex(done.stderr, line)
                self.assertEqual(done.stderr.count("\n"), 1)
        self.assertEqual(list((self.dir / "kubeml/datasets").iterdir()), [])

    def test_functions_that_raise_or_sleep_end_with_a_reason(self):
        self.make_dataset()
        self.stop_server(signal.SIGTERM)
        self.start_server("0", "--function-timeout", "8")
        self.make_function(function_files.changed(train="raise ValueError('no such class')"), "raises")
        self.make_function(function_files.changed(train="import os, time; os.fork(); time.sleep(10000)"), "sleeps")
        task = self.train("--parallelism", "1", function="raises")
        job = self.wait_for_state(f"job-{task}", "Failed")
        self.assertRegex(job["why"], r"rank 0 on .*: ValueError: no such class \(.*function.py:\d+\)")
        self.assertIn("has not", self.refused("history", "get", "--id", task))
        task = self.train("--parallelism", "1", function="sleeps")
        job = self.wait_for_state(f"job-{task}", "Failed")
        self.assertRegex(job["why"], "hang|printed nothing")
        self.assertEqual(self.living(f"job-{task}"), [])

    @staticmethod
    def living(name):
        found = []
        for words in pathlib.Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"/{name}/output".encode() in words.read_bytes():
                    found.append(words.parent.name)
            except OSError:
                pass
        return found

    def test_nothing_runs_where_scripts_are_not_allowed(self):
        self.stop_server(signal.SIGTERM)
        self.options = []
        self.start_server()
        self.make_dataset()
        self.make_function(function_files.LATEST)
        self.assertIn("--allow-scripts", self.refused("train", "-f", "example", "-d", "digits"))
        (self.folder / "data.json").write_text("[1]")
        self.assertIn("--allow-scripts", self.refused("infer", "-n", "00000000", "--datafile", "data.json"))


if __name__ == "__main__":
    run_case.main()
