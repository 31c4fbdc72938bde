#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Faults of every kind, and what becomes of a run that meets them. scripts/soak does this many times, at random.

  faults_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import hashlib
import json
import os
import signal

import case
import run_case


class FaultsTest(case.HostsTest):
    NODES = 2

    def setUp(self):
        super().setUp()
        self.job = self.write_job(epochs=6, evaluate_every_epochs=0, checkpoint={"every_steps": 20}, restarts=2)

    def pause_at_a_checkpoint(self, launcher, host):
        """Stops the last rank on the host, so that steps are left to train when the fault is noticed."""
        launcher.until("checkpoint of step")
        rank = self.workers(host)[-1]
        os.kill(rank, signal.SIGSTOP)
        return rank

    @classmethod
    def digest(cls, output):
        return hashlib.sha256((output / "model.safetensors").read_bytes()).hexdigest()

    def assert_like_undisturbed(self, launcher, restarts=1):
        """Ended well, with the model of a run that nothing happened to, on as many ranks."""
        self.assertEqual(launcher.end(), 0, launcher.said)
        got = self.digest(self.output)
        result = json.loads((self.output / "result.json").read_text())
        if restarts:
            self.assertEqual(result["recovery"]["restarts"], restarts, launcher.said)
            self.assertGreater(result["recovery"]["seconds_lost"], 0, launcher.said)
        self.output = self.folder / "undisturbed"
        self.run_undisturbed()
        self.assertEqual(got, self.digest(self.output))


class OnOneHost(FaultsTest):
    """Two ranks on `login`: no ssh is used."""

    def begin(self, *arguments):
        return self.start([run_case.RINGTRAIN, "run", str(self.job), "-n", "2", *arguments])

    def run_undisturbed(self):
        self.run_job(2, f"output={self.output}")

    def test_a_killed_rank(self):
        launcher = self.begin()
        os.kill(self.pause_at_a_checkpoint(launcher, "login"), signal.SIGKILL)
        self.assertRegex(launcher.until("lost: "), r"rank [01] on login was ended by signal 9 .*after step \d+")
        self.assert_like_undisturbed(launcher)

    def test_a_paused_rank(self):
        launcher = self.begin()
        self.pause_at_a_checkpoint(launcher, "login")
        self.assertRegex(launcher.until("lost: "), r"hang: no progress for 1\d s; rank [01] is paused")
        self.assert_like_undisturbed(launcher)

    def test_a_killed_launcher_and_a_second_one(self):
        launcher = self.begin()
        self.pause_at_a_checkpoint(launcher, "login")
        launcher.process.kill()
        launcher.end()
        self.wait_until_all_are_gone()
        self.assert_like_undisturbed(self.begin(), restarts=0)

    def test_signals_leave_what_can_be_resumed(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            launcher = self.begin()
            launcher.until("training")
            launcher.process.send_signal(number)
            self.assertEqual(launcher.end(), 128 + number, launcher.said)
            self.assertIn("the same command resumes from step", launcher.said)
        self.assert_like_undisturbed(self.begin(), restarts=0)

    def test_restarts_without_progress_come_to_an_end(self):
        self.job = self.write_job(epochs=1000000, evaluate_every_epochs=0, restarts=1,
                                  checkpoint={"every_epochs": 0, "resume": "never"})
        launcher = self.begin()
        for _ in range(2):
            launcher.until("training")
            launcher.until("epoch 1/")
            os.kill(self.workers("login")[0], signal.SIGKILL)
        self.assertEqual(launcher.end(), 4, launcher.said)
        self.assertRegex(launcher.said.splitlines()[-1],
                         r"rank \d on login was ended by signal 9 .*after step .* 1 restart.* made no progress")


class OnSeveralHosts(FaultsTest):
    def setUp(self):
        super().setUp()
        self.hosts = self.write_hostfile(node1=1, node2=1)

    def begin(self, *arguments):
        return self.start(self.command(self.hosts, "--host-timeout", "30", *arguments))

    def run_undisturbed(self):
        # A rank that has a host to itself has other threads, and so rounds otherwise.
        self.run_on(self.hosts, "--set", f"output={self.output}")

    def test_a_lost_link_that_comes_back(self):
        launcher = self.begin()
        self.pause_at_a_checkpoint(launcher, "node2")
        self.bed.link("node2", up=False)
        self.addCleanup(self.bed.link, "node2", True)
        self.assertIn("the connection to node2 was lost", launcher.until("lost: "))
        self.assertIn("waiting for node2", launcher.until("waiting for"))
        self.bed.link("node2", up=True)
        self.assert_like_undisturbed(launcher)

    def test_a_host_that_is_lost_and_another_that_comes(self):
        self.job = self.write_job(epochs=6, evaluate_every_epochs=0, checkpoint={"every_steps": 20}, restarts=2,
                                  workers={"min": 1, "max": 2})
        launcher = self.begin()
        self.pause_at_a_checkpoint(launcher, "node2")
        self.bed.lose("node2")
        launcher.until("continuing with 1 rank; node2")
        self.bed.start("node2")
        launcher.until("2 ranks can run now", "train loss")
        self.assertEqual(launcher.end(), 0, launcher.said)
        result = json.loads((self.output / "result.json").read_text())
        self.output = self.folder / "undisturbed"
        alone = self.run_job(1, f"output={self.output}")
        self.assertEqual(result["order_hash"], alone["order_hash"])
        self.assertAlmostEqual(result["train_loss"] / alone["train_loss"], 1, places=2)

    def test_a_slow_link_is_no_fault(self):
        launcher = self.begin()
        launcher.until("checkpoint of step")
        if not self.bed.delay("node2", 200):
            self.skipTest("no /dev/net/tun")
        self.addCleanup(self.bed.delay, "node2", 0)
        launcher.until("checkpoint of step")
        self.bed.delay("node2", 0)
        self.assert_like_undisturbed(launcher, restarts=0)
        self.assertNotIn("lost: ", launcher.said)

    def test_killed_ssh_connections(self):
        launcher = self.begin()
        self.pause_at_a_checkpoint(launcher, "node2")
        self.bed.kill_sshd("node2")
        launcher.until("lost: ")
        self.assertIn("no sshd listens there", launcher.until("waiting for"))
        self.bed.start_sshd("node2")
        self.assert_like_undisturbed(launcher)

    def test_a_killed_rank(self):
        launcher = self.begin()
        os.kill(self.pause_at_a_checkpoint(launcher, "node2"), signal.SIGKILL)
        self.assertIn("rank 1 on node2 was ended by signal 9", launcher.until("lost: "))
        self.assert_like_undisturbed(launcher)


if __name__ == "__main__":
    case.main()
