#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The REST of KubeML's controller at its own paths, by `ringtrain server connect --kubeml`, and with curl.

  rest_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import subprocess
import urllib.error
import urllib.request

from kubeml_case import KubemlTest, function_files, run_case


class Controller(KubemlTest):
    def setUp(self):
        super().setUp()
        self.door = subprocess.Popen([run_case.RINGTRAIN, "server", "connect", "--kubeml", "--listen", "127.0.0.1:0",
                                      "--dir", self.dir], stdout=subprocess.PIPE, text=True)
        self.address = self.door.stdout.readline().split()[0]

    def tearDown(self):
        self.door.terminate()
        self.door.wait(timeout=run_case.DEADLINE)
        self.door.stdout.close()
        super().tearDown()

    def call(self, method, path, body=None):
        """Status and text of any answer, without a token and with the type that a client of Go's sends."""
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.address + path, method=method, data=data,
                                         headers={"Content-Type": "application/json"} if data else {})
        try:
            with urllib.request.urlopen(request, timeout=run_case.DEADLINE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def upload(self, *parts):
        forms = [word for part in parts for word in ("-F", f"{part}=@{self.folder}/arrays/{part}.npy")]
        done = subprocess.run(["curl", "--silent", "--show-error", "--write-out", " %{http_code}", *forms,
                               f"{self.address}/dataset/digits"], capture_output=True, text=True,
                              timeout=run_case.DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        body, status = done.stdout.rsplit(" ", 1)
        return int(status), json.loads(body)

    def test_answers_as_it_does(self):
        self.assertEqual(self.call("GET", "/health"), (200, ""))
        for path in ("/dataset", "/tasks", "/history"):
            self.assertEqual(self.call("GET", path), (200, "null\n"))
        self.assertEqual(self.upload("x-train", "y-train"), (400, {"error": "the file x-test is missing"}))
        self.assertEqual(self.upload(*function_files.PARTS), (200, {"result": "Dataset created"}))
        self.assertEqual(self.upload(*function_files.PARTS),
                         (400, {"error": "the dataset 'digits' exists already"}))
        sizes = {"name": "digits", "train_set_size": 600, "test_set_size": 100}
        self.assertEqual(json.loads(self.call("GET", "/dataset/digits")[1]), sizes)
        self.assertEqual(json.loads(self.call("GET", "/dataset")[1]), [sizes])
        self.assertEqual(self.call("GET", "/dataset/none"), (404, "the dataset 'none' does not exist\n"))
        self.make_function(function_files.LATEST, "lenet")
        request = {"model_type": "example", "batch_size": 32, "epochs": 2, "dataset": "digits", "lr": 0.05,
                   "function_name": "lenet", "options": {"default_parallelism": 1, "static_parallelism": True,
                                                         "validate_every": 0, "k": -1, "goal_accuracy": 100}}
        status, task = self.call("POST", "/train", request)
        self.assertEqual(status, 200, task)
        self.assertRegex(task, "^[0-9a-f]{8}$")
        [shown] = json.loads(self.call("GET", "/tasks")[1])
        self.assertEqual(shown["request"], request)
        self.assertEqual((shown["job"]["id"], shown["job"]["state"]["parallelism"]), (task, 1))
        self.assertEqual(self.call("GET", f"/history/{task}")[0], 404)
        self.wait_for_state(f"job-{task}", "Succeeded")
        history = json.loads(self.call("GET", f"/history/{task}")[1])
        self.assertEqual((history["id"], history["task"]), (task, request))
        self.assertEqual(json.loads(self.call("GET", "/history")[1]), [history])
        data = (function_files.arrays()[2][:2].reshape(2, -1) / 255).tolist()
        status, body = self.call("POST", "/infer", {"model_id": task, "function_name": "lenet", "data": data})
        self.assertEqual((status, len(json.loads(body)["predictions"])), (200, 2))
        self.assertEqual(self.call("DELETE", "/history/00000000"), (200, ""))
        self.assertEqual(self.call("DELETE", "/history"), (200, ""))
        self.assertEqual(self.call("GET", "/history"), (200, "null\n"))
        self.assertEqual(json.loads(self.call("DELETE", "/dataset/digits")[1]), {"result": "Dataset deleted"})
        self.assertEqual(json.loads(self.call("DELETE", "/dataset/digits")[1])["error"],
                         "the dataset 'digits' does not exist")

    def test_refuses_in_one_line_of_text(self):
        self.upload(*function_files.PARTS)
        self.make_function(function_files.LATEST, "lenet")
        task = {"dataset": "digits", "function_name": "lenet"}
        for body, status, words in (
                ("{", 500, "JSON"), ("[]", 500, "must be a JSON object"),
                ({**task, "lr": 0}, 400, "lr: must be a number above 0, found 0"),
                ({**task, "batch_size": 1.5}, 400, "batch_size: must be a whole number, 1 to 1024, found 1.5"),
                ({**task, "epochs": 10 ** 30}, 400, "epochs: must be a whole number"),
                ({**task, "options": {"default_parallelism": 0}}, 400, "default_parallelism: must be"),
                ({**task, "options": {"default_parallelism": 3}}, 400, "parallelism: must be 1 to 2"),
                ({**task, "function_name": "../../x"}, 404, "the function '../../x' does not exist"),
                ({**task, "dataset": "x"}, 404, "the dataset 'x' does not exist")):
            with self.subTest(body):
                got, text = self.call("POST", "/train", body)
                self.assertEqual((got, text.count("\n")), (status, 1), text)
                self.assertIn(words, text)
        self.assertEqual(self.call("DELETE", "/tasks/none"), (500, "no task none runs\n"))
        self.assertEqual(self.call("POST", "/infer", {"model_id": "00000000", "data": []}),
                         (404, "no network 00000000 is known\n"))

    def test_an_upload_needs_a_token_before_it_is_read(self):
        def status(token, size):
            done = subprocess.run(["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}",
                                   "-H", f"Authorization: Bearer {token}", "--data-binary", "@-",
                                   f"{self.url}/kubeml/dataset/x"], input=b"x" * size, capture_output=True,
                                  timeout=run_case.DEADLINE)
            return int(done.stdout)
        self.assertEqual(status("wrong", 3 << 20), 401)
        self.assertEqual(status(self.token, 3 << 20), 400)


if __name__ == "__main__":
    run_case.main()
