#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Function files of KubeML, unread and unchanged, over the ranks of one job."""

import contextlib
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import function_files
import torch
from torch import nn

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
import ranks  # noqa: E402

import kubeml.job  # noqa: E402
from kubeml import infer, shares, task  # noqa: E402

RINGTRAIN = os.environ["RINGTRAIN"]
LIMIT = 240  # seconds


class Shares(unittest.TestCase):
    def test_are_runs_of_documents_of_64_rows(self):
        parts = [shares.share(60000, 4, function) for function in range(4)]
        self.assertEqual([tuple(one) for one in parts], [(0, 235), (235, 470), (470, 704), (704, 938)])
        self.assertEqual(parts[3].rows(60000), slice(704 * 64, 60000))

    def test_have_intervals_of_whole_documents(self):
        mnist = shares.share(60000, 2, 0)
        self.assertEqual(len(shares.intervals(mnist, 128, 8)), 30)
        self.assertEqual(shares.intervals(mnist, 100, 1)[0], shares.Span(0, 2))
        self.assertEqual(shares.intervals(mnist, 100, -1), [mnist])
        self.assertEqual(shares.intervals(shares.Span(3, 3), 64, -1), [])


class Folder:
    """A task with its function file and its dataset."""

    def __init__(self, code, ranks=2, **options):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ringtrain-kubeml-"))
        self.output = self.folder / "output"
        self.output.mkdir()
        self.ranks = ranks
        function_files.write_dataset(self.folder / "datasets/digits")
        (self.folder / "code.py").write_text(code)
        given = {"k": -1, "goal_accuracy": 100.1, "validate_every": 0, "default_parallelism": ranks}
        self.request = {"model_type": "example", "batch_size": 32, "epochs": 3, "dataset": "digits", "lr": 0.05,
                        "function_name": "net"}
        for name, value in options.items():
            (given if name in given else self.request)[name] = value
        self.request["options"] = given
        self.words = json.dumps({"id": "0a1b2c3d", "code": str(self.folder / "code.py"),
                                 "datasets": str(self.folder / "datasets"), "task": self.request})

    def history(self):
        return json.loads((self.output / "kubeml-history.json").read_text())["data"]

    def weights(self):
        return torch.load(self.output / "model.pth", weights_only=True)


class Forked(Folder):
    """The task by forked ranks, which have torch already; `ended` is how, `said` their output."""

    def __init__(self, *arguments, before=None, **options):
        super().__init__(*arguments, **options)

        def body(rank):
            os.environ["RINGTRAIN_OUTPUT"] = str(self.output)
            said = os.open(self.folder / f"said-{rank}", os.O_CREAT | os.O_WRONLY)
            os.dup2(said, 1), os.dup2(said, 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            kubeml.job.Job(task.Task.parse(self.words), self.output).run()
        self.ended = ranks.run(self.ranks, body)
        self.said = "".join((self.folder / f"said-{rank}").read_text() for rank in range(self.ranks))


class Launched(Folder):
    """The task by `ringtrain run`."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        job = {"name": "job-0a1b2c3d", "output": str(self.output), "restarts": 1,
               "script": {"module": "kubeml.job", "args": [self.words], "python": sys.executable}}
        (self.folder / "job.yaml").write_text(json.dumps(job))
        self.process = subprocess.Popen([RINGTRAIN, "run", "-n", str(self.ranks), self.folder / "job.yaml"],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self):
        """Its exit code; its output is in `said`."""
        out, err = self.process.communicate(timeout=LIMIT)
        self.said = out + err
        return self.process.returncode

    def wait_for(self, condition):
        deadline = time.monotonic() + LIMIT
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"waited in vain: {self.end()}: {self.said}")
            time.sleep(0.02)


def by_hand(ranks, epochs, k_documents):
    """Weights after KubeML's rule, without its classes: shares, momentum that each interval forgets, plain means."""
    x, y = function_files.arrays()[:2]
    x = torch.from_numpy(x.astype("float32") / 255).reshape(len(x), -1)
    y = torch.from_numpy(y).reshape(-1)

    def net():
        torch.manual_seed(42)
        return nn.Sequential(nn.Linear(64, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))
    first = net()
    for layer in (first[0], first[3]):
        nn.init.constant_(layer.bias, 0.01)
    state = first.state_dict()
    size = 10 // ranks
    for _ in range(epochs):
        for start in range(0, size, k_documents):
            made = []
            for rank in range(ranks):
                model = net()
                model.load_state_dict(state)
                optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
                rows = range(64 * (rank * size + start), 64 * (rank * size + min(start + k_documents, size)), 32)
                for row in rows:
                    optimizer.zero_grad()
                    nn.functional.cross_entropy(model(x[row:row + 32]), y[row:row + 32]).backward()
                    optimizer.step()
                made.append(model.state_dict())
            state = {name: sum(one[name] for one in made) // ranks if value.dtype == torch.int64
                     else sum(one[name] for one in made) / ranks for name, value in state.items()}
    return state


class Training(unittest.TestCase):
    def assert_close(self, one, other):
        self.assertEqual(list(one), list(other))
        for name in one:
            torch.testing.assert_close(one[name], other[name], rtol=1e-4, atol=1e-5)

    def succeed(self, *arguments, **options):
        job = Forked(*arguments, **options)
        self.assertEqual([one.code for one in job.ended], [0] * job.ranks, f"{job.ended}\n{job.said}")
        return job

    def test_averages_as_kubeml_does_whatever_release_the_file_is_for(self):
        expected = by_hand(2, 3, 2)
        for release, code in function_files.RELEASES.items():
            with self.subTest(release):
                job = self.succeed(code, k=4)
                self.assert_close(job.weights(), expected)

    def test_leaves_a_history_with_cumulative_times(self):
        job = self.succeed(function_files.LATEST, validate_every=2, epochs=4)
        history = job.history()
        self.assertEqual(history["parallelism"], [2, 2, 2, 2])
        self.assertEqual([len(history[name]) for name in ("train_loss", "accuracy", "validation_loss")], [4, 2, 2])
        self.assertEqual(history["epoch_duration"], sorted(history["epoch_duration"]))
        self.assertLess(history["train_loss"][-1], history["train_loss"][0])
        self.assertGreater(history["accuracy"][-1], 90)
        self.assertIn("Index 0", job.said)
        self.assertIn("epoch 4 of 4: train loss", job.said)
        self.assertFalse((job.output / "checkpoint.pt").exists())

    def test_keeps_the_optimizer_where_the_file_is_for_serverlessdl(self):
        show = "print('momentum', bool(self.optimizer.state), flush=True)"
        for code, kept in ((function_files.LATEST, False), (function_files.SERVERLESSDL, True)):
            at = code.index("x, y = batch")
            job = self.succeed(code[:at] + f"if batch_index == 0: {show}\n        " + code[at:], ranks=1, epochs=2, k=4)
            seen = [line.split()[1] for line in job.said.splitlines() if line.startswith("momentum")]
            self.assertEqual(seen, ["False"] + [str(kept)] * (len(seen) - 1))
            self.assertGreater(len(seen), 2)

    def test_stops_at_its_goal_and_when_it_is_asked(self):
        job = self.succeed(function_files.LATEST, validate_every=1, epochs=500, goal_accuracy=50)
        self.assertLess(len(job.history()["train_loss"]), 500)
        self.assertEqual(len(job.history()["accuracy"]), len(job.history()["train_loss"]))
        ask = "import os; self.epoch == 2 and open(os.environ['RINGTRAIN_OUTPUT'] + '/finish', 'w').close()"
        job = self.succeed(function_files.changed(train=ask), epochs=100000)
        self.assertFalse((job.output / "finish").exists())
        self.assertEqual(len(job.history()["train_loss"]), 2)
        self.assertIsNone(job.history()["accuracy"])  # the last validation is left out
        self.assertTrue(job.weights())

    def test_leaves_out_a_function_that_fails_and_ends_when_all_do(self):
        one = function_files.changed(train="if self.args._func_id == 1 and self.epoch == 2: raise ValueError('no such "
                                     "class')")
        job = self.succeed(one)
        self.assertRegex(job.said, r"function 1 of 2 fails in epoch 2, train: ValueError: no such class \(function.py:")
        self.assertEqual(len(job.history()["train_loss"]), 3)
        for code, words in ((function_files.changed(train="raise ValueError('no such class')"),
                             "ValueError: no such class"),
                            ("import nothing_of_this_name\n", "ModuleNotFoundError: No module named 'nothing_of"),
                            ("def helper(): pass\n", r"AttributeError: function.py has no function main\(\)"),
                            ("def main(): return 'hello'\n", r"TypeError: main\(\) returned without calling start"),
                            (function_files.changed(train="return float('nan')"), "train.. returned nan: the network"),
                            (function_files.LATEST.replace('"digits"', '"letters"'), "dataset 'letters', which does"),
                            (function_files.changed(train="import sys; sys.exit(0)"), r"called sys.exit\(0\)")):
            with self.subTest(words):
                job = Forked(code)
                self.assertEqual([one.code for one in job.ended], [1, 1])
                self.assertRegex(job.ended[1].error, words)
                self.assertFalse((job.output / "model.pth").exists())

    def test_predicts_with_the_trained_weights(self):
        job = self.succeed(function_files.LATEST, epochs=4)
        x, y = (function_files.arrays()[at] for at in (2, 3))
        data = (x[:5].reshape(5, -1) / 255).tolist()
        made = self.infer(job, {"model_id": "0a1b2c3d", "data": data})
        self.assertEqual(made, {"predictions": y[:5].reshape(-1).tolist()})
        (job.output / "function.py").write_text(function_files.changed(infer="data = data['data']"))
        self.assertEqual(self.infer(job, {"data": data}), made)
        for body, error in (({"data": 3}, {"error": '"data" must be a list', "code": 400}),
                            ({"data": ["a"]}, {"error": "ValueError: too many dimensions 'str'", "code": 500})):
            self.assertEqual(self.infer(job, body), error)

    def infer(self, job, body):
        with contextlib.redirect_stderr(io.StringIO()):
            return infer.answer(job.output, job.folder / "datasets", json.dumps(body))


def _is_rank(pid, job, rank=None):
    try:
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return (str(job.folder).encode() in words and words.startswith(sys.executable.encode())
            and (rank is None or f"\0RANK={rank}\0".encode() in environment))


class Launching(unittest.TestCase):
    def test_continues_after_the_last_epoch_when_a_rank_is_killed(self):
        slow = function_files.changed(
            train="import time, pathlib; self.epoch == 3 and not pathlib.Path('killed').exists() and "
                  "(pathlib.Path('at-three').touch(), time.sleep(1000)); batch_index == 0 and __import__('os').fork()")
        os.chdir(tempfile.mkdtemp())
        job = Launched(slow, epochs=4)
        job.wait_for(pathlib.Path("at-three").exists)
        pathlib.Path("killed").touch()
        for pid in os.listdir("/proc"):
            if pid.isdigit() and _is_rank(pid, job, 1):
                os.kill(int(pid), signal.SIGKILL)
        self.assertEqual(job.end(), 0, job.said)
        self.assertIn("continuing after epoch 2", job.said)
        self.assertEqual(len(job.history()["train_loss"]), 4)
        self.assertEqual(job.history()["epoch_duration"], sorted(job.history()["epoch_duration"]))
        # Nor does what the function has forked stay.
        self.assertEqual([pid for pid in os.listdir("/proc") if pid.isdigit() and _is_rank(pid, job)], [])

    def test_names_the_line_of_the_function_that_failed(self):
        job = Launched(function_files.changed(train="raise ValueError('no such class')"), ranks=1)
        self.assertNotEqual(job.end(), 0, job.said)
        self.assertRegex(job.said, r"rank 0 on \S+: ValueError: no such class \(.*function.py:\d+\)")


if __name__ == "__main__":
    unittest.main()
