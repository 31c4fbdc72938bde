#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ringtrain run train.py` over several hosts.

  script_hosts_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import os
import pathlib
import signal
import sys

import case

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "integration" / "run"))
import run_case  # noqa: E402
import script_case  # noqa: E402

REPORT = """
# The store of rank 0 by its address and port, from another host.
peer = connect()
barrier("ready")
write(f"seen.{RANK}", json.dumps({**os.environ, "host": socket.gethostname()}))
"""


class OnHosts(script_case.ScriptTest):
    """Base: a bed of hosts, and a script's folder that all of them see."""

    NODES = 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bed = case.bed.Bed(cls.NODES)
        cls.addClassCleanup(cls.bed.close)

    def setUp(self):
        super().setUp()
        self.hostfile = self.folder / "hosts"
        self.hostfile.write_text("node1 slots=4\nnode2 slots=4\n")

    def tearDown(self):
        super().tearDown()
        self.assertEqual(self.bed.left_behind(seconds=5), [])

    def start_on(self, *arguments):
        return case.HostsTest.start(self, self.command("--hostfile", self.hostfile, *arguments))

    def command(self, *arguments):
        return ["sh", "-c", 'cd "$0" && exec "$@"', str(self.folder), *super().command(*arguments)]


class ScriptsOnSeveralHosts(OnHosts):
    def ranks(self, name):
        return [process for process, line in self.bed.processes(name) if line.startswith(sys.executable)]

    def seen(self, rank):
        return json.loads((self.folder / f"seen.{rank}").read_text())

    def test_have_torchruns_environment(self):
        script, _ = self.write_script(REPORT)
        launcher = self.start_on("--nproc-per-node", 1, "--python", sys.executable, script)
        self.assertEqual(launcher.end(), 0, launcher.said)
        for rank in (0, 1):
            seen = self.seen(rank)
            self.assertEqual(seen["host"], f"node{rank + 1}")
            self.assertEqual([seen[name] for name in ("MASTER_ADDR", "LOCAL_RANK", "GROUP_RANK", "LOCAL_WORLD_SIZE")],
                             ["node1", "0", str(rank), "1"])
        self.assertEqual(self.seen(0)["MASTER_PORT"], self.seen(1)["MASTER_PORT"])

    def test_name_the_host_of_the_first_cause(self):
        script, line = self.write_script("""
            barrier("ready")
            if RANK == 1:
                raise ValueError("bad")
            time.sleep(1000)
            """)
        launcher = self.start_on("--nproc-per-node", 1, "--python", sys.executable, script)
        self.assertEqual(launcher.end(), 1, launcher.said)
        self.assertRegex(launcher.said.splitlines()[-1], rf"rank 1 on node2: ValueError: bad \(train.py:{line + 4}\)")

    def test_name_a_rank_that_is_stopped(self):
        script, _ = self.write_script("""
            barrier("ready")
            time.sleep(1000)
            """)
        launcher = self.start_on("--nproc-per-node", 1, "--silence", 2, "--hang-timeout", 4, "--max-restarts", 0,
                                 "--python", sys.executable, script)
        self.processes_of(0, 1)
        [rank] = self.ranks("node2")
        os.kill(rank, signal.SIGSTOP)
        self.assertIn("rank 1 on node2", launcher.until("hang: "))
        self.assertEqual(launcher.end(), 4, launcher.said)
        self.wait_until_all_are_gone()

    def test_start_again_after_a_lost_rank_and_end_with_the_launcher(self):
        script, _ = self.write_script("""
            barrier("ready")
            time.sleep(1000)
            """)
        launcher = self.start_on("--nproc-per-node", 1, "--python", sys.executable, script)
        self.processes_of(0, 1)
        [rank] = self.ranks("node2")
        os.kill(rank, signal.SIGKILL)
        launcher.until("lost: rank 1 on node2 was ended by signal 9")
        self.processes_of(0, 1, attempt=1)
        launcher.process.kill()
        launcher.end()
        self.wait_until_all_are_gone()


if __name__ == "__main__":
    if reason := case.bed.why_not():
        print(f"skipped: {reason}")
        sys.exit(77)
    run_case.main()
