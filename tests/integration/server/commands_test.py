#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The commands for a cluster's jobs against a server: `ringtrain submit --server` and the like.

  commands_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import os
import signal
import subprocess
import time

import server_case
from server_case import ServerTest, run_case


class Commands(ServerTest):
    def environment(self, **more):
        own = {name: value for name, value in os.environ.items() if not name.startswith("RINGTRAIN_")}
        return {**own, "HOME": str(self.folder), "XDG_DATA_HOME": "", "KUBECONFIG": "/none", **more}

    def command(self, *words, **more):
        return subprocess.run([run_case.RINGTRAIN, *map(str, words)], capture_output=True, text=True,
                              timeout=run_case.DEADLINE, env=self.environment(**more), check=False)

    def good(self, *words, **more):
        done = self.command(*words, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def refused(self, code, words, *names, **more):
        done = self.command(*words, **more)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (code, 1), done.stderr)
        for name in names:
            self.assertIn(name, done.stderr)

    def write(self, name, **keys):
        path = self.folder / f"{name}.yaml"
        path.write_text(self.job_text(name, **keys))
        return path

    def test_a_job_from_submit_to_delete(self):
        place = {"RINGTRAIN_SERVER": str(self.dir)}
        job = self.write("one", epochs=2)
        out = self.good("submit", job, "-n", 2, "--wait", **place)
        self.assertIn(f"one is submitted to {self.url}", out)
        self.assertRegex(out.splitlines()[-1], r"^one: Succeeded, epoch 2/2, step .* best accuracy")
        self.assertRegex(self.good("jobs", **place), r"one +Succeeded +epoch 2/2, 100% +2")
        self.assertEqual(json.loads(self.good("jobs", "--json", **place))[0]["name"], "one")
        shown = self.good("status", "one", **place)
        self.assertRegex(shown, r"^one: Succeeded")
        self.assertRegex(shown, r"RANK +HOST +DEVICE")
        self.assertEqual(json.loads(self.good("status", "one", "--json", **place))["exit_code"], 0)
        whole = self.ask("GET", "/api/v1/jobs/one/logs")[2].decode()
        self.assertEqual(self.good("logs", "one", **place), whole)
        self.assertEqual(self.good("logs", "one", "-f", "--tail", 2, **place), "".join(whole.splitlines(True)[-2:]))
        line = json.loads(self.good("logs", "one", "--json", **place).splitlines()[0])
        self.assertEqual(line, {"attempt": 1, "line": whole.splitlines()[0]})
        made = json.loads(self.good("submit", self.write("two", epochs=1000000), "--json", "--set",
                                    "checkpoint.every_epochs=5", **place))
        self.assertEqual(made["name"], "two")
        self.wait_for_state("two", "Running")
        self.assertIn("two stopped at step ", self.good("stop", "two", **place))
        self.assertEqual(json.loads(self.good("resume", "two", "--json", **place))["name"], "two")
        self.wait_for_state("two", "Running")
        self.assertIn("two suspends", self.good("suspend", "two", **place))
        self.wait_for_state("two", "Suspended")
        self.assertIn("two is deleted", self.good("delete", "two", **place))
        self.assertEqual(self.ask("GET", "/api/v1/jobs/two")[0], 404)

    def test_finish_ends_a_job_with_its_model(self):
        place = {"RINGTRAIN_SERVER": str(self.dir)}
        self.good("submit", self.write("long", epochs=1000000), "--priority", 3, **place)
        self.assertEqual(self.get("/api/v1/jobs/long")["priority"], 3)
        self.wait_for_state("long", "Running")
        self.assertIn("long ends after the step that it is in", self.good("finish", "long", **place))
        self.wait_for_state("long", "Succeeded")
        self.assertTrue((self.dir / "jobs/long/output/model.safetensors").exists())
        self.refused(2, ["finish", "long"], "long: is no folder here")

    def test_words_of_refusals(self):
        place = ["--server", self.dir]
        job = self.write("one", epochs=-1, batch_size=0)
        self.refused(2, ["submit", job, *place], f"{job}:6: epochs: must be a whole number", "(1 more)")
        self.refused(2, ["status", "none", *place], "there is no such job")
        self.refused(2, ["stop", "a/../b", *place], "ringtrain: ")
        self.refused(2, ["status", "one", "--server", self.url], "no server has run there")
        self.refused(2, ["status", "one", "--server", "ftp://a"], "--server ftp://a: must be an address")
        self.refused(2, ["jobs", "--server", self.folder], "no server has run there")
        self.refused(2, ["jobs", "--namespace", "a", *place], "--server: goes without")
        self.refused(2, ["logs", "one", "--rank", "1", *place], "--rank")
        self.refused(2, ["jobs", "--server", "http://192.0.2.1:1"], "RINGTRAIN_TOKEN")
        self.refused(2, ["jobs", "--server", self.url], "the token is not known", RINGTRAIN_TOKEN="wrong")
        self.refused(4, ["jobs", "--server", "http://127.0.0.1:1"], "http://127.0.0.1:1/", RINGTRAIN_TOKEN="a")
        self.assertEqual(self.good("jobs", "--server", self.url, RINGTRAIN_TOKEN=self.token),
                         f"no jobs on {self.url}\n")

    def follower(self, *words):
        return self.launch([run_case.RINGTRAIN, *map(str, words), "--server", str(self.dir)], 3 * run_case.DEADLINE,
                           env=self.environment())

    def test_a_log_is_followed_over_a_server_that_is_killed(self):
        self.submit("job", epochs=80, checkpoint={"every_epochs": 20})
        self.wait_for_state("job", "Running")
        follower = self.follower("logs", "-f", "job")
        first = follower.stdout.readline()
        waiter = self.follower("status", "--watch", "job")
        self.assertRegex(waiter.stdout.readline(), "^job: Running")
        self.stop_server(signal.SIGKILL)
        time.sleep(1)  # requests fail meanwhile
        self.start_server()  # at another port
        out, err = follower.stdout.read(), follower.stderr.read()  # until the deadline kills it
        self.assertEqual((follower.wait(), err), (0, ""))
        self.assertEqual(first + out, self.ask("GET", "/api/v1/jobs/job/logs?limit=1000000")[2].decode())
        out, err = waiter.stdout.read(), waiter.stderr.read()
        self.assertEqual((waiter.wait(), err), (0, ""))
        self.assertRegex(out.splitlines()[-1], "^job: Succeeded")

    def test_exit_codes_are_the_jobs(self):
        data = self.shared / "broken.h5"
        data.write_bytes(b"no data")
        job = self.write("bad", dataset="broken.h5")
        done = self.command("submit", job, "--wait", "--server", self.dir)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertRegex(done.stdout.splitlines()[-1], "^bad: Failed: .*broken.h5")
        self.assertEqual(self.command("logs", "-f", "bad", "--server", self.dir).returncode, 3)
        self.assertEqual(self.command("status", "bad", "--server", self.dir).returncode, 0)
        self.submit("stopped", epochs=1000000)
        self.wait_for_state("stopped", "Running")
        follower = self.follower("logs", "-f", "stopped")
        follower.stdout.readline()
        self.ask("DELETE", "/api/v1/jobs/stopped")
        _, err = follower.communicate(timeout=3 * run_case.DEADLINE)
        self.assertNotEqual(follower.returncode, 0)
        self.assertLessEqual(len(err.splitlines()), 1)


if __name__ == "__main__":
    server_case.main()
