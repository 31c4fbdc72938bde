#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs that are finished early, scaled and cloned while they train.

  changes_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import subprocess

import server_case
from server_case import ServerTest, run_case


class Changes(ServerTest):
    def output_of(self, name, file):
        return (self.dir / "jobs" / name / "output" / file).read_bytes()

    def test_end_a_job_early_with_its_model(self):
        self.submit("long", epochs=1000000)
        self.wait_for_state("long", "Running")
        status, _, body = self.ask("POST", "/api/v1/jobs/long/finish")
        self.assertEqual(status, 202, body)
        job = self.wait_for_state("long", "Succeeded")
        self.assertLess(job["step"], job["steps"])
        result = json.loads(self.output_of("long", "result.json"))
        self.assertEqual(result["status"], "finished")
        self.assertIsNotNone(result["test_accuracy"])
        self.assertTrue(self.output_of("long", "model.safetensors"))
        self.assertFalse((self.dir / "jobs/long/output/finish").exists())
        status, _, body = self.ask("POST", "/api/v1/jobs/long/finish")
        self.assertEqual(status, 409, body)

    def test_continue_on_other_ranks_with_the_same_result(self):
        self.submit("left-alone", epochs=40, ranks=1)
        self.submit("scaled", epochs=40, ranks=1)
        self.wait_for_state("scaled", "Running")
        self.wait_for(lambda: self.get("/api/v1/jobs/scaled")["step"] > 10 or None)
        status, _, body = self.ask("PUT", "/api/v1/jobs/scaled/scale", '{"ranks": 2}', "application/json")
        self.assertEqual(status, 202, body)
        job = self.wait_for_state("scaled", "Succeeded")
        self.assertEqual((job["ranks"], job["attempts"]), (2, 2))
        self.wait_for_state("left-alone", "Succeeded")
        one, two = (json.loads(self.output_of(name, "result.json")) for name in ("left-alone", "scaled"))
        self.assertEqual(one["order_hash"], two["order_hash"])
        self.assertAlmostEqual(one["train_loss"], two["train_loss"], delta=1e-3 * one["train_loss"])
        timeline = [one["what"] for one in self.get("/api/v1/jobs/scaled/timeline")["timeline"]]
        self.assertIn("asked for 2 ranks", timeline)

    def test_give_an_elastic_job_the_core_that_is_free(self):
        # An epoch of seconds: shorter ones may end before any step is reported with its rate.
        self.submit("elastic", epochs=1000000, ranks=1, elastic="throughput", workers={"min": 1, "max": 2},
                    hidden=[4096, 4096])
        self.wait_for(lambda: self.get("/api/v1/jobs/elastic")["rates"].get("1"))
        job = self.wait_for(lambda: (job := self.get("/api/v1/jobs/elastic"))["attempts"] == 2
                            and job["state"] == "Running" and job or None)
        self.assertEqual(job["ranks"], 2)
        self.assertEqual([one["by"] for one in self.get("/api/v1/jobs/elastic/timeline")["timeline"]
                          if one["what"] == "asked for 2 ranks"], ["elastic: throughput"])
        self.wait_for(lambda: len(self.get("/api/v1/jobs/elastic/ranks")["ranks"]) == 2 or None)
        _, _, log = self.ask("GET", "/api/v1/jobs/elastic/logs?attempt=2")
        self.assertRegex(log.decode(), "2 ranks, from step [1-9]")
        self.assertEqual(self.ask("POST", "/api/v1/jobs/elastic/finish")[0], 202)
        self.wait_for_state("elastic", "Succeeded")

    def test_refuse_what_makes_no_sense(self):
        self.submit("job", epochs=1)
        for body, status in (('{"ranks": 3}', 422), ('{"ranks": 0}', 422), ('{"ranks": "2"}', 422), ("{}", 422),
                             ('{"ranks": 1, "x": 1}', 422), ("[]", 400)):
            with self.subTest(body):
                answer = self.ask("PUT", "/api/v1/jobs/job/scale", body, "application/json")
                self.assertEqual(answer[0], status, answer[2])
        for method, path in (("PUT", "scale"), ("POST", "finish"), ("POST", "clone")):
            body = '{"ranks": 1}' if path == "scale" else None
            self.assertEqual(self.ask(method, f"/api/v1/jobs/none/{path}", body, "application/json")[0], 404)

    def test_clone_a_job_once_for_a_key(self):
        self.submit("job", epochs=2)
        answers = [self.ask("POST", "/api/v1/jobs/job/clone", Idempotency_Key="k") for _ in range(2)]
        self.assertEqual([answer[0] for answer in answers], [201, 200])
        self.assertEqual(answers[0][1]["Location"], "/api/v1/jobs/job-2")
        self.wait_for_state("job", "Succeeded")
        self.wait_for_state("job-2", "Succeeded")
        one, two = (self.output_of(name, "model.safetensors") for name in ("job", "job-2"))
        self.assertEqual(one[-1000:], two[-1000:])

    def test_tell_how_long_a_job_takes(self):
        self.submit("job", epochs=2)
        self.wait_for_state("job", "Succeeded")
        _, _, body = self.ask("POST", "/api/v1/jobs:validate?ranks=2", self.job_text("next", epochs=10))
        plan = json.loads(body)["plan"]
        self.assertEqual((plan["steps"], plan["like"], plan["starts"]), (520, "job", "now"))


class WithoutAServer(run_case.RunTest):
    def test_a_run_finishes_early_and_goes_on_later(self):
        job = self.write_job(epochs=1000000)
        run = self.launch([run_case.RINGTRAIN, "run", str(job), "-n", "2"], run_case.DEADLINE)
        output = self.folder / "out"
        finish = [run_case.RINGTRAIN, "finish", str(output)]
        while subprocess.run(finish, capture_output=True).returncode != 0:
            self.assertIsNone(run.poll())
        _, said = run.communicate()
        self.assertEqual(run.returncode, 0, said)
        self.assertIn("asked to finish: training ends after step", said)
        result = json.loads((output / "result.json").read_text())
        self.assertEqual(result["status"], "finished")
        done = subprocess.run(finish, capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no run is under way there", done.stderr)


if __name__ == "__main__":
    server_case.main()
