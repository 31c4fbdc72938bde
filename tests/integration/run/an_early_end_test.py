#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs that are ended from outside leave no process behind.

  an_early_end_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import errno
import fcntl
import os
import pty
import signal
import subprocess
import termios
import threading

import run_case
from run_case import DEADLINE, processes_with, RunTest


class AnEarlyEnd(RunTest):
    def setUp(self):
        super().setUp()
        self.job = self.write_job(epochs=1000000, evaluate_every_epochs=0, restarts=0)

    def finish(self, launcher):
        stdout, stderr = launcher.communicate(timeout=15)
        self.assertEqual(stdout, "")
        self.assertEqual(processes_with(str(self.folder)), {})  # at its end, not some time later
        self.assertFalse((self.output / "result.json").exists())
        return self.assert_one_clear_line(stderr)[-1]

    def test_by_a_signal_to_the_launcher(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                launcher, workers = self.start()
                self.assertEqual(len(workers), 2)
                launcher.send_signal(number)
                last = self.finish(launcher)
                self.assertEqual(launcher.returncode, 128 + number)
                self.assertIn(f"stopped by signal {number:d}", last)

    def test_by_the_loss_of_a_worker(self):
        launcher, workers = self.start()
        os.kill(workers[1], signal.SIGKILL)
        last = self.finish(launcher)
        self.assertEqual(launcher.returncode, 4)
        self.assertRegex(last, r"rank [01] on \S+ was ended by signal 9")

    def test_by_the_loss_of_mpirun(self):
        launcher, _ = self.start()
        os.kill(self.one("mpirun")[0], signal.SIGKILL)
        last = self.finish(launcher)
        self.assertEqual(launcher.returncode, 4)
        self.assertIn("mpirun was ended by signal 9", last)

    def test_by_the_loss_of_the_launcher(self):
        launcher, _ = self.start()
        launcher.kill()
        self.wait_until_all_are_gone()

    def test_by_a_closed_terminal(self):
        master, terminal = pty.openpty()
        with open(terminal, "r+b", buffering=0) as end:
            launcher = subprocess.Popen(
                [run_case.RINGTRAIN, "run", self.job, "-n", "2"], stdin=end, stdout=end, stderr=end,
                start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        give_up = threading.Timer(DEADLINE, launcher.kill)
        give_up.start()
        self.addCleanup(give_up.cancel)
        shown = b""
        while b"train loss" not in shown:
            try:
                chunk = os.read(master, 4096)
            except OSError as error:
                self.assertEqual(error.errno, errno.EIO)
                chunk = b""
            self.assertTrue(chunk, shown)
            shown += chunk
        os.close(master)
        self.assertEqual(launcher.wait(timeout=15), 128 + signal.SIGHUP)
        self.wait_until_all_are_gone(0)


if __name__ == "__main__":
    run_case.main()
