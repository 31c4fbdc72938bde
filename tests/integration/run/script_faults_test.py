#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ringtrain run train.py`: restarts, signals, hangs, and that no process is left whatever is killed.

  script_faults_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import os
import pathlib
import re
import signal

import script_case
from script_case import ScriptTest, parent_of

AUTOLOAD = pathlib.Path(__file__).resolve().parents[3] / "python" / "ringtrain" / "autoload.py"

# Ranks 0 and 1 with a connection by the store's port, and a rank that dies of it.
PEERS = """
write(f"port.{ATTEMPT}.{RANK}", os.environ["MASTER_PORT"])
peer = connect()
barrier("ready")
if ATTEMPT < int(sys.argv[1]):
    if RANK == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    peer.recv(1)
    raise ConnectionResetError("Connection closed by peer")
"""

WAITING = """
barrier("ready")
time.sleep(1000)
"""


class Restarts(ScriptTest):
    def test_follow_a_lost_rank_with_another_port(self):
        script, _ = self.write_script(PEERS)
        done = self.succeed("-n", 2, script, 2)
        self.assertEqual(done.stderr.count("ringtrain: lost: rank 1 on "), 2, done.stderr)
        self.assertIn("was ended by signal 9 (Killed)", done.stderr)
        self.assertIn("restarting (restart 1 of 3)", done.stderr)
        ports = [{self.content_of(f"port.{attempt}.{rank}") for rank in (0, 1)} for attempt in range(3)]
        for port in ports:
            self.assertEqual(len(port), 1)
        self.assertEqual(len(set.union(*ports)), 3)
        self.assertEqual(self.outcome()["attempts"], 3)

    def test_come_to_an_end(self):
        script, _ = self.write_script(PEERS)
        self.fail_with(4, r"rank 1 on \S+ was ended by signal 9 .*; 1 restart in a row made no progress$",
                       "-n", 2, "--max-restarts", 1, script, 9)
        self.assertEqual(self.outcome()["attempts"], 2)

    def test_follow_exceptions_where_they_are_asked_for(self):
        script, _ = self.write_script("raise ValueError(f'attempt {ATTEMPT}')\n")
        self.fail_with(1, "ValueError: attempt 0 ", "-n", 1, script)
        self.fail_with(1, "ValueError: attempt 2 ", "-n", 1, "--max-restarts", 2, "--run-dir", "record", script)

    def test_count_from_a_new_checkpoint(self):
        script, _ = self.write_script("""
            if ATTEMPT < 3:
                (HERE / f"{ATTEMPT}.ckpt").touch()
            if ATTEMPT < 5:
                os.kill(os.getpid(), signal.SIGKILL)
            """)
        self.fail_with(4, "1 restart in a row made no progress", "--max-restarts", 1, "--checkpoint", "*.ckpt", script)
        self.assertEqual(self.outcome()["attempts"], 4)


class Requests(ScriptTest):
    def test_to_stop_reach_the_script_once(self):
        script, _ = self.write_script("""
            def stop(number, frame):
                with open(HERE / f"saved.{RANK}", "a") as file:
                    file.write("x")
                time.sleep(1.5)
                sys.exit(0)


            signal.signal(signal.SIGTERM, stop)
            barrier("ready")
            time.sleep(1000)
            """)
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                for left in self.folder.glob("*.[01]"):
                    left.unlink()
                launcher = self.start("-n", 2, script)
                self.processes_of(0, 1)
                launcher.send_signal(number)
                stderr = launcher.communicate()[1]
                self.assertEqual(launcher.returncode, 128 + number, stderr)
                self.assertIn(f"stopped by signal {number:d}", stderr.splitlines()[-1])
                for rank in (0, 1):
                    self.assertEqual(self.content_of(f"saved.{rank}"), "x")

    def test_to_stop_end_a_script_without_a_handler(self):
        script, _ = self.write_script(WAITING)
        launcher = self.start("-n", 2, script)
        self.processes_of(0, 1)
        launcher.terminate()
        launcher.communicate()
        self.assertEqual(launcher.returncode, 128 + signal.SIGTERM)


class AfterKill9(ScriptTest):
    """Nothing stays, whichever process it was; children of the script included."""

    def setUp(self):
        super().setUp()
        self.script, _ = self.write_script("""
            import subprocess
            # In a session of its own, with the script's path in its command line.
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)", __file__],
                                     start_new_session=True)
            barrier("ready")
            time.sleep(1000)
            """)
        self.launcher = self.start("-n", 2, "--max-restarts", 0, self.script)
        self.ranks = self.processes_of(0, 1)

    def finish(self, pattern):
        stderr = self.launcher.communicate()[1]
        self.assertEqual(self.launcher.returncode, 4, stderr)
        self.assertRegex(stderr.splitlines()[-1], pattern)
        self.wait_until_all_are_gone(0)

    def test_of_a_rank(self):
        os.kill(self.ranks[1], signal.SIGKILL)
        self.finish(r"rank 1 on \S+ was ended by signal 9")

    def test_of_the_process_around_a_rank(self):
        os.kill(parent_of(self.ranks[1]), signal.SIGKILL)
        self.finish(r"rank 1 on \S+ was ended by signal 9")

    def test_of_mpirun(self):
        os.kill(parent_of(parent_of(self.ranks[1])), signal.SIGKILL)
        self.finish("mpirun was ended by signal 9")

    def test_of_the_launcher(self):
        self.launcher.kill()
        self.launcher.wait()
        self.wait_until_all_are_gone()
        self.assertEqual(self.outcome()["status"], "killed")


class Hangs(ScriptTest):
    # The Python package's own function; the package need not be built for it.
    REGISTER = f"""
import importlib.util
SPEC = importlib.util.spec_from_file_location("autoload", {str(AUTOLOAD)!r})
AUTOLOAD = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(AUTOLOAD)
AUTOLOAD.answer_with_stacks()
"""

    def wait_for(self, launcher, pattern):
        """Until a line is printed that matches; a rank that is slow to start may be named before."""
        lines = []
        for line in launcher.stderr:
            lines.append(line)
            if re.search(pattern, line):
                return
        self.fail(f"it ended without '{pattern}': {lines}")

    def test_are_named_with_the_line_of_each_rank(self):
        script, _ = self.write_script(self.REGISTER + """

def load_batch():
    time.sleep(1000)


barrier("ready")
load_batch()
""")
        launcher = self.start("-n", 2, "--silence", 1, "--hang-timeout", 5, "--max-restarts", 0, script)
        where = script.read_text().splitlines().index("    time.sleep(1000)") + 1
        self.wait_for(launcher, rf"hang: .*rank 0 on \S+ is at train.py:{where} in load_batch; rank 1 on \S+ is at")
        stderr = launcher.communicate()[1]
        self.assertEqual(launcher.returncode, 4, stderr)
        self.assertIn("hang: ", stderr.splitlines()[-1])

    def test_without_stacks_are_named_by_rank(self):
        script, _ = self.write_script(WAITING)
        launcher = self.start("-n", 2, "--silence", 1, script)
        self.wait_for(launcher, r"hang: .*rank 0 on \S+ is silent; rank 1 on \S+ is silent")
        launcher.kill()
        self.wait_until_all_are_gone()

    def test_of_a_paused_rank_are_named_while_others_work(self):
        script, _ = self.write_script("""
            barrier("ready")
            while True:
                pass
            """)
        launcher = self.start("-n", 2, "--silence", 1, script)
        os.kill(self.processes_of(0, 1)[1], signal.SIGSTOP)
        self.wait_for(launcher, r"hang: .*rank 1 is paused \(SIGSTOP\)")
        launcher.kill()
        self.wait_until_all_are_gone()

    def test_are_not_seen_where_a_rank_works(self):
        script, _ = self.write_script("""
            barrier("ready")
            if RANK == 1:
                time.sleep(6)
                sys.exit()
            other = pathlib.Path("/proc") / (HERE / f"ready.{ATTEMPT}.1").read_text()
            while other.exists():
                print("works")
                time.sleep(0.1)
            """)
        self.assertNotIn("hang", self.succeed("-n", 2, "--silence", 3, script).stderr)


if __name__ == "__main__":
    script_case.main()
