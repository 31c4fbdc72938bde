#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ringtrain.Client against the server and real runs, by a Python that need not have torch.

  client_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import contextlib
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import unittest.mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/integration/server"), str(ROOT / "python")]

import ringtrain  # noqa: E402
import server_case  # noqa: E402
from cutting_door import CuttingDoor  # noqa: E402
from ringtrain import client as errors  # noqa: E402
from server_case import ServerTest, run_case  # noqa: E402


class ClientTest(ServerTest):
    def setUp(self):
        super().setUp()
        self.client = ringtrain.Client(self.url, token=self.token)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RINGTRAIN_")}
        patch = unittest.mock.patch.dict(os.environ, environment, clear=True)
        patch.start()
        self.addCleanup(patch.stop)

    def digits(self, name, **keys):
        return {"name": name, "model": "mlp", "hidden": [16], "dataset": "digits.h5", "batch_size": 32, **keys}

    def endless(self, name):
        return self.digits(name, epochs=1000000, checkpoint={"every_epochs": 5})

    def output_of(self, name):
        return self.dir / "jobs" / name / "output"

    def log_of(self, name, attempt=1):
        return (self.dir / "jobs" / name / "attempts" / str(attempt) / "train.log").read_text().splitlines()

    def door(self):
        door = CuttingDoor(int(self.url.rsplit(":", 1)[1]))
        self.addCleanup(door.close)
        return door


class AJob(ClientTest):
    def test_from_a_dict_to_its_model(self):
        checked = self.client.validate(self.digits("digits", epochs=3), ranks=2)
        self.assertEqual((checked["valid"], checked["job"]["epochs"]), (True, 3))
        job = self.client.submit(self.digits("digits", epochs=3, dataset=pathlib.Path("digits.h5")), ranks=2)
        self.assertIn(job.info["state"], ("Queued", "Starting"))
        with self.assertRaises(errors.JobNotFinished) as early:
            job.result()
        self.assertRegex(str(early.exception), "^digits is [A-Z][a-z]+: it has no result yet$")
        seen, lines = [], io.StringIO()
        job.wait(progress=seen.append)
        with contextlib.redirect_stderr(lines):
            info = job.wait(60, progress=True)
        self.assertRegex(lines.getvalue(),
                         r"^digits: Succeeded, epoch 3 of 3, loss \S+, test accuracy [01]\.\d{4}, [\d,]+ samples/s\n$")
        self.assertEqual((info["state"], seen[-1], job.state), ("Succeeded", info, "Succeeded"))
        self.assertEqual([epoch["epoch"] for epoch in job.history()], [1, 2, 3])
        self.assertEqual(job.history()[-1]["test_accuracy"], info["test_accuracy"])
        self.assertEqual(job.result(), json.loads((self.output_of("digits") / "result.json").read_text()))
        self.assertEqual(list(job.logs()), self.log_of("digits"))
        self.assertEqual([one.name for one in self.client.jobs(state="Succeeded", words="digits")], ["digits"])
        self.assertEqual(self.client.jobs(state="Failed"), [])

    def test_downloads_whole_files_or_none(self):
        job = self.client.submit(self.digits("digits", epochs=1))
        job.wait()
        model = (self.output_of("digits") / "model.safetensors").read_bytes()
        self.assertEqual(job.files()["model.safetensors"], len(model))
        door = self.door()
        job = ringtrain.Client(door.url, token=self.token).job("digits")
        door.cut("model.safetensors", after=900)  # behind the answer's head
        self.assertEqual(job.download(to=self.folder), self.folder / "model.safetensors")
        self.assertEqual((self.folder / "model.safetensors").read_bytes(), model)
        self.assertEqual(sum("model.safetensors" in line for line in door.requests), 2)
        self.assertEqual(job.download("model.pt", to=self.folder / "other.pt").read_bytes(),
                         (self.output_of("digits") / "model.pt").read_bytes())
        with self.assertRaisesRegex(errors.ServerError, "no such file"):
            job.download("none", to=self.folder)
        with self.assertRaisesRegex(FileNotFoundError, "no such folder: '.*/missing'"):
            job.download(to=f"{self.folder}/missing/")
        self.assertEqual([path.name for path in self.folder.iterdir() if "part" in path.name], [])

    def test_stops_and_resumes_and_is_deleted(self):
        job = self.client.submit(self.endless("long"), ranks=2)
        with self.assertRaisesRegex(TimeoutError, "^long is [A-Z][a-z]+ after 0.1 s$"):
            job.wait(0.1)
        self.wait_for_state("long", "Running")
        job.stop()
        with self.assertRaisesRegex(errors.JobNotFinished, "^long is Suspended: resume"):
            job.wait()
        job.resume()
        with self.assertRaisesRegex(errors.ServerError, "'long' is [A-Z][a-z]+: it runs or waits already"):
            job.resume()
        self.wait_for_state("long", "Running")
        job.delete()
        self.assertEqual(job.wait(check=False)["state"], "Deleted")
        with self.assertRaisesRegex(errors.ServerError, "^there is no such job") as gone:
            job.refresh()
        self.assertEqual(gone.exception.status, 404)

    def test_that_fails_says_why(self):
        broken = self.folder.parent / "broken.h5"
        broken.write_bytes(b"no dataset")
        job = self.client.submit(self.digits("broken", dataset="broken.h5"))
        with self.assertRaisesRegex(errors.JobNotFinished, "^broken is Failed: .*broken.h5"):
            job.wait()
        self.assertEqual(job.history(), [])


class Refusals(ClientTest):
    def test_name_all_keys_and_lines(self):
        text = "name: a\nmodle: mlp\nepochs: -1\ndataset: digits.h5\n"
        file = self.folder / "wrong.yaml"
        file.write_text(text)
        for job, place in ((text, "line {}: "), (file, f"{file}:{{}}: "), (str(file), f"{file}:{{}}: ")):
            with self.assertRaises(errors.ServerError) as refused:
                self.client.submit(job)
            first, *mistakes = str(refused.exception).splitlines()
            self.assertEqual(first, "3 mistakes in the job, each with its key and line below")
            self.assertTrue(mistakes[0].startswith("  " + place.format(2) + "modle: unknown key"), mistakes)
            self.assertEqual([(one.path, one.line) for one in refused.exception.mistakes],
                             [("modle", 2), ("epochs", 3), ("model", 1)])
            self.assertIn(place.format(3) + "epochs: ", mistakes[1])
        with self.assertRaises(errors.ServerError) as refused:
            self.client.submit(self.digits("a", epochs=-1))
        self.assertRegex(str(refused.exception), r"\n  epochs: ")
        self.assertEqual(self.client.jobs(), [])

    def test_of_what_is_no_job(self):
        for job, error, words in ((self.digits("a", epochs=float("nan")), ValueError, "JSON"),
                                  (self.folder / "none.yaml", FileNotFoundError, "none.yaml"),
                                  ("x: " + "y" * (1 << 20), ValueError, "at most 1,048,576"),
                                  ({"model": object()}, TypeError, "object")):
            with self.assertRaisesRegex(error, words):
                self.client.submit(job)

    def test_of_tokens_and_addresses(self):
        with self.assertRaises(errors.ServerError) as refused:
            ringtrain.Client(self.url, token="rt_wrong").jobs()
        self.assertEqual(refused.exception.status, 401)
        with self.assertRaisesRegex(ValueError, "RINGTRAIN_TOKEN"):
            ringtrain.Client("http://192.0.2.1:8080")  # the owner's token is not sent elsewhere
        for url in ("127.0.0.1:8080", "ftp://host", "http://", "http://host:port", "http://a:b@host"):
            with self.assertRaisesRegex(ValueError, "must be an address"):
                ringtrain.Client(url, token="t")
        with self.assertRaisesRegex(ValueError, "characters"):
            ringtrain.Client(self.url, token="a\r\nHost: b")
        with self.assertRaisesRegex(errors.ServerUnreachable, "none/token: No such file.*ringtrain server"):
            ringtrain.Client(folder=self.folder / "none")
        with self.assertRaisesRegex(errors.ServerUnreachable, "http://127.0.0.1:1: no answer: Connection refused"):
            ringtrain.Client("http://127.0.0.1:1", token="t").jobs()

    def test_environment_and_folder_name_the_server(self):
        os.environ.update(RINGTRAIN_SERVER=self.url, RINGTRAIN_TOKEN=self.token)
        self.assertEqual(ringtrain.Client().jobs(), [])
        os.environ["RINGTRAIN_SERVER"] = "http://127.0.0.1:1"
        del os.environ["RINGTRAIN_TOKEN"]
        self.assertEqual(ringtrain.Client(folder=self.dir).jobs(), [])
        del os.environ["RINGTRAIN_SERVER"]
        home = self.folder / "data"
        home.mkdir()
        (home / "ringtrain").symlink_to(self.dir)
        os.environ["XDG_DATA_HOME"] = str(home)
        self.assertEqual(ringtrain.Client().jobs(), [])

    def test_needs_no_torch(self):
        script = "import ringtrain, sys; ringtrain.Client; assert 'torch' not in sys.modules; print('fine')"
        done = subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(ROOT / "python")},
                              capture_output=True, text=True, timeout=run_case.DEADLINE)
        self.assertEqual((done.stdout, done.stderr), ("fine\n", ""))


class Cuts(ClientTest):
    def test_a_lost_answer_makes_one_job(self):
        door = self.door()
        client = ringtrain.Client(door.url, token=self.token)
        client.jobs()
        door.cut("^POST")
        door.cut("^POST", after=40)
        job = client.submit(self.digits("once", epochs=1))
        self.assertEqual(job.name, "once")
        self.assertEqual(sum(line.startswith("POST") for line in door.requests), 3)
        self.assertEqual(self.get("/api/v1/jobs")["total"], 1)
        with self.assertRaisesRegex(errors.ServerError, "the name 'once' is taken"):
            client.submit(self.digits("once", epochs=1))
        self.assertEqual(client.submit(self.digits("once", epochs=1), fresh_name=True).name, "once-2")

    def test_lost_answers_to_resume_and_delete(self):
        job = self.client.submit(self.endless("long"), ranks=2)
        self.wait_for_state("long", "Running")
        door = self.door()
        job = ringtrain.Client(door.url, token=self.token).job("long")
        for work, pattern, state in ((job.stop, "/stop", "Suspended"), (job.resume, "/resume", "Running"),
                                     (job.delete, "^DELETE", None)):
            door.cut(pattern)
            work()
            self.assertTrue(door.is_done())
            if state:
                self.wait_for_state("long", state)
        self.assertEqual(job.wait(check=False)["state"], "Deleted")

    def test_a_log_is_followed_behind_its_last_line(self):
        door = self.door()
        job = ringtrain.Client(door.url, token=self.token).submit(self.digits("digits", epochs=20), ranks=2)
        door.cut("/logs")
        door.cut("/logs", after=700)
        lines = []
        for line in job.logs(follow=True):
            lines.append(line)
            if len(lines) in (3, 9):
                door.cut("/logs", after=300)
        self.assertTrue(door.is_done())
        self.assertEqual(lines, self.log_of("digits"))
        self.assertEqual(self.client.job("digits").state, "Succeeded")
        self.assertGreater(len({re.search(r"from=(\d+)", line)[1] for line in door.requests if "/logs" in line}), 3)

    def test_waits_and_logs_outlive_the_server(self):
        job = ringtrain.Client(folder=self.dir).submit(self.endless("long"), ranks=2)
        ended, lines = [], []
        threads = [threading.Thread(target=lambda: ended.append(job.wait(check=False)), daemon=True),
                   threading.Thread(target=lambda: lines.extend(
                       ringtrain.Client(folder=self.dir).job("long").logs(follow=True)), daemon=True)]
        for thread in threads:
            thread.start()
        self.wait_for_state("long", "Running")
        self.stop_server(signal.SIGKILL)
        with self.assertRaisesRegex(TimeoutError, "^long: after 0.5 s: http://.*: no answer: Connection refused$"):
            job.wait(0.5)
        self.start_server()  # on another port
        self.assertTrue(all(thread.is_alive() for thread in threads))
        again = ringtrain.Client(folder=self.dir).job("long")
        again.stop()
        self.wait_for_state("long", "Suspended")
        for thread in threads:
            thread.join(run_case.DEADLINE)
        self.assertEqual([info["state"] for info in ended], ["Suspended"])
        self.assertEqual(lines, self.log_of("long"))


if __name__ == "__main__":
    server_case.main()
