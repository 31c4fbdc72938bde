# SPDX-License-Identifier: Apache-2.0
"""Base of the tests on several hosts: the real programs, a dataset, a bed for the class, and the check that nothing is
left on any of its hosts."""

import json
import pathlib
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "integration" / "run"))
import run_case  # noqa: E402
import bed  # noqa: E402

DEADLINE = 3 * run_case.DEADLINE  # hosts start slowly on a machine that does much else


class HostsTest(run_case.RunTest):
    NODES = 3

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bed = bed.Bed(cls.NODES)
        cls.addClassCleanup(cls.bed.close)

    def tearDown(self):
        super().tearDown()
        self.assertEqual(self.bed.left_behind(seconds=2), [])

    def write_hostfile(self, **slots):
        path = self.folder / "hosts"
        path.write_text("".join(f"{name} slots={count}\n" for name, count in slots.items()))
        return path

    def command(self, hostfile, *arguments):
        return [str(word) for word in (run_case.RINGTRAIN, "run", self.job, "--hostfile", hostfile, *arguments)]

    def start(self, command, at="login"):
        launcher = Launcher(self.bed.popen(at, command, text=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL))
        self.addCleanup(launcher.give_up.cancel)
        self.addCleanup(launcher.process.kill)
        return launcher

    def workers(self, name):
        return [process for process, line in self.bed.processes(name) if line.startswith(run_case.WORKER)]

    def run_on(self, hostfile, *arguments, at="login"):
        """The result of a run from a host that must succeed."""
        done = self.bed.call(at, self.command(hostfile, "--json", *arguments), timeout=DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)


class Launcher:
    """A run under way, with what it says on stderr."""

    def __init__(self, process):
        self.process = process
        self.said = ""
        self.give_up = threading.Timer(DEADLINE, process.kill)  # ends stderr, and so the loops
        self.give_up.start()

    def until(self, *texts):
        """Reads up to a line with one of the texts, and returns it."""
        for line in self.process.stderr:
            self.said += line
            if any(text in line for text in texts):
                return line
        self.end()
        raise AssertionError(f"it ended without '{texts[0]}':\n{self.said}")

    def end(self):
        """Waits for its end; returns the exit code."""
        self.said += self.process.stderr.read()
        self.process.stderr.close()
        self.give_up.cancel()
        return self.process.wait()


def main():
    if reason := bed.why_not():
        print(f"skipped: {reason}")
        sys.exit(77)
    run_case.main()
