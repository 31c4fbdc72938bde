#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Versions of a served model change under load: no request is lost, each is answered by one version.

  versions_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import shutil
import threading
import time

import serving_case
from serving_case import Connection, ServingTest, run_case

CLIENTS = 4


class Versions(ServingTest):
    def setUp(self):
        super().setUp()
        self.serve(self.model)
        self.next = self.folder / "next"
        shutil.copytree(self.trained, self.next)

    def under_load(self, change):
        """Calls change() while clients ask; returns what they were answered: status, version and label of each."""
        ended = threading.Event()
        answers, broken = [], []
        expected = [row[0]["class"] for row in self.predictions()]

        def ask(first):
            connection = Connection(self.url)
            row = first
            try:
                while not ended.is_set():
                    body = json.dumps(self.infer_body([self.images[row]], outputs=[{"name": "label"}]))
                    status, _, text = connection.post("/v2/models/digits/infer", body)
                    answer = json.loads(text)
                    right = status == 200 and answer["outputs"][0]["data"] == [expected[row]]
                    answers.append((status, answer.get("model_version"), right))
                    row = (row + CLIENTS) % len(self.images)
            except OSError as error:
                broken.append(error)
            finally:
                connection.close()

        clients = [threading.Thread(target=ask, args=(first,)) for first in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            change(answers)
        finally:
            ended.set()
            for client in clients:
                client.join()
        self.assertEqual(broken, [])
        self.assertEqual([answer for answer in answers if answer[0] != 200 or not answer[2]], [])
        return answers

    def test_two_swaps_lose_no_request(self):
        def swap_twice(answers):
            for version in (self.next, self.model):
                before = len(answers)
                self.wait_for(lambda: len(answers) > before + 50)
                self.deploy("digits", {"model": str(version)})
            before = len(answers)
            self.wait_for(lambda: len(answers) > before + 50)
        answers = self.under_load(swap_twice)
        self.assertEqual({version for _, version, _ in answers}, {"1", "2", "3"})

    def test_a_canary_is_promoted_by_its_evaluation(self):
        def promote(answers):
            self.deploy("digits", {"canary": {"model": str(self.next), "percent": 20, "after": 40}})
            self.wait_for(lambda: "last_canary" in self.deployment("digits"))
        answers = self.under_load(promote)
        found = self.deployment("digits")
        self.assertIn("version 2 was promoted: its evaluation is no worse", found["last_canary"])
        self.assertEqual(found["current"]["version"], "2")
        self.assertGreaterEqual(sum(version == "2" for _, version, _ in answers), 40)

    def test_a_canary_without_an_evaluation_or_with_a_worse_one_is_refused(self):
        file = self.next / "evaluation.json"
        saved = json.loads(file.read_text())
        file.write_text(json.dumps({**saved, "accuracy": saved["accuracy"] - 0.01}))
        error = self.deploy("digits", {"canary": {"model": str(self.next)}}, 422)["error"]
        self.assertIn("the new version is worse", error)
        file.unlink()
        error = self.deploy("digits", {"canary": {"model": str(self.next)}}, 422)["error"]
        self.assertIn("the new version has no evaluation", error)
        self.assertNotIn("canary", self.deployment("digits"))

    def test_a_hostile_version_changes_nothing(self):
        (self.next / "model.pt").write_bytes(b"PK\x03\x04")
        error = self.deploy("digits", {"model": str(self.next)}, 422)["error"]
        self.assertEqual(len(error.splitlines()), 1)
        self.assertEqual(self.deployment("digits")["current"]["version"], "1")
        self.post("/v2/models/digits/infer", self.infer_body(self.images[:1]))

    def wait_for(self, condition):
        give_up = time.monotonic() + run_case.DEADLINE
        while not condition():
            self.assertLess(time.monotonic(), give_up, "waited in vain")
            time.sleep(0.01)


if __name__ == "__main__":
    serving_case.main()
