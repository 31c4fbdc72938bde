#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ringtrain run train.py`: environment, arguments, output, exit codes and the first cause.

  script_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import os
import socket
import stat

import script_case
from script_case import ScriptTest

REPORT = """
write(f"seen.{RANK}", json.dumps({"environment": dict(os.environ), "arguments": sys.argv[1:]}))
"""


class AScript(ScriptTest):
    def seen(self, ranks):
        return [json.loads((self.folder / f"seen.{rank}").read_text()) for rank in range(ranks)]

    def test_has_torchruns_environment(self):
        script, _ = self.write_script(REPORT)
        self.succeed("-n", 3, script)
        ports = set()
        for rank, seen in enumerate(self.seen(3)):
            environment = seen["environment"]
            expected = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 3, "LOCAL_WORLD_SIZE": 3, "GROUP_RANK": 0,
                        "GROUP_WORLD_SIZE": 1, "ROLE_RANK": rank, "ROLE_WORLD_SIZE": 3, "ROLE_NAME": "default",
                        "MASTER_ADDR": "127.0.0.1", "TORCHELASTIC_RESTART_COUNT": 0, "TORCHELASTIC_MAX_RESTARTS": 3,
                        "TORCHELASTIC_RUN_ID": self.run_folder().name, "RINGTRAIN_RUN": 1}
            for name, value in expected.items():
                self.assertEqual(environment[name], str(value), name)
            self.assertNotIn("TORCHELASTIC_USE_AGENT_STORE", environment)
            self.assertGreaterEqual(int(environment["OMP_NUM_THREADS"]), 1)
            ports.add(environment["MASTER_PORT"])
        self.assertEqual(len(ports), 1)

    def test_gets_the_words_behind_it_as_they_are(self):
        script, _ = self.write_script(REPORT)
        words = ["--lr", "0.1", "-n", "7", "[1,2]", "", "{}", "a b", "$HOME", "'", "ü", "run", "-m"]
        for arguments in (["-n", 1, script, *words], [script, "-n", 1, "--", *words], ["-n", 1, "--", script, *words]):
            self.succeed(*arguments)
            self.assertEqual(self.seen(1)[0]["arguments"], words)
        self.succeed(script, "--nproc-per-node", 2, "--standalone", "--", "--", "x")
        self.assertEqual(self.seen(2)[1]["arguments"], ["--", "x"])

    def test_may_be_a_module_or_a_program(self):
        self.write_script(REPORT, name="mod.py")
        self.succeed("-n", 2, "-m", "mod", "-m", "x")
        self.assertEqual(self.seen(2)[1]["arguments"], ["-m", "x"])
        program = self.folder / "program"
        program.write_text("#!/bin/sh\necho \"$RANK of $WORLD_SIZE: $*\"\n")
        program.chmod(0o755)
        for words in (["-n", 1, program], ["--nproc_per_node=1", "--no-python", program]):
            self.assertEqual(self.succeed(*words, "-n", "x").stdout, "0 of 1: -n x\n")

    def test_that_cannot_start_is_one_line(self):
        script, _ = self.write_script("")
        self.fail_with(2, "nothing.py: cannot be read: No such file", "nothing.py")
        self.fail_with(2, "no-python is missing: install Python 3", "--python", "no-python", script)
        program = self.folder / "program"
        program.write_text("#!/bin/sh\n")
        program.chmod(stat.S_IRUSR)
        self.fail_with(2, "program: is not executable: chmod", program)
        self.fail_with(2, "no-program: there is no such program", "--no-python", "no-program")
        self.fail_with(2, "--tee 4: must be 0", "--tee", 4, script)
        self.fail_with(2, "--set is for job files", "--set", "epochs=1", script)
        self.fail_with(2, "--nnodes 2: name the hosts", "--nnodes", 2, script)
        self.fail_with(2, "--nproc-per-node many: must be", "--nproc-per-node", "many", script)
        self.assertFalse((self.folder / "runs").exists())
        self.fail_with(1, "rank 0 on .*: exit code 1: .*No module named no_such_module", "-m", "no_such_module")

    def test_has_the_port_that_is_asked_for_or_is_refused(self):
        script, _ = self.write_script(REPORT)
        with socket.create_server(("", 0)) as server:
            port = server.getsockname()[1]
            self.fail_with(2, rf"rank 0 on \S+: port {port}: Address already in use: choose another --master-port",
                           "-n", 2, "--master-port", port, script)
        self.succeed("-n", 2, "--master-port", port, script)
        self.assertEqual(self.seen(2)[1]["environment"]["MASTER_PORT"], str(port))

    def test_that_raises_is_one_line_with_its_exit_code(self):
        script, line = self.write_script("""
            barrier("ready")
            if RANK == 1:
                raise ValueError("no such class")
            time.sleep(1000)
            """)
        done = self.fail_with(1, rf"train.py: rank 1 on \S+: ValueError: no such class \(train.py:{line + 4}\)$",
                              "-n", 3, script)
        self.assertIn("ValueError: no such class", self.log(1))
        self.assertIn(f"its output: {self.run_folder()}/logs/attempt-1/rank-1.log", done.stderr)
        outcome = self.outcome()
        self.assertEqual((outcome["status"], outcome["exit_code"], outcome["rank"], outcome["attempts"]),
                         ("failed", 1, 1, 1))

    def test_that_exits_ends_all_with_its_code(self):
        script, _ = self.write_script("""
            barrier("ready")
            if RANK == 1:
                print("no such flag", file=sys.stderr)
                sys.exit(3)
            time.sleep(1000)
            """)
        self.fail_with(3, r"rank 1 on \S+: exit code 3: no such flag$", "-n", 2, script)

    def test_names_no_rank_that_only_lost_another_one(self):
        script, line = self.write_script("""
            peer = connect()
            barrier("ready")
            if RANK == 0:
                peer.recv(1)
                raise ConnectionResetError("Connection closed by peer")
            peer.close()
            wait_for("now")
            raise KeyError("bad")
            """)
        # Rank 0 fails first; rank 1 is let go once its log has said so.
        launcher = self.start("-n", 2, script)
        self.processes_of(0, 1)
        while "closed by peer" not in self.log(0):
            pass
        (self.folder / "now").touch()
        stderr = launcher.communicate()[1]
        self.assertEqual(launcher.returncode, 1, stderr)
        self.assertRegex(stderr.splitlines()[-1], rf"rank 1 on \S+: KeyError: 'bad' \(train.py:{line + 9}\)$")

    def test_names_a_rank_that_ended_before_the_others(self):
        script, line = self.write_script("""
            peer = connect()
            if RANK == 1:
                sys.exit(0)
            time.sleep(0.2)
            peer.recv(1)
            raise RuntimeError("Connection closed by peer")
            """)
        self.fail_with(1, r"rank 1 on \S+ ended before the others \(exit code 0\); rank 0 on \S+: RuntimeError",
                       "-n", 2, script)

    def test_may_end_on_one_rank_before_the_others(self):
        script, _ = self.write_script("""
            if RANK == 0:
                wait_for("ended")
            else:
                write("ended", "")
            """)
        self.succeed("-n", 2, script)
        self.assertEqual(self.outcome()["status"], "finished")


class Output(ScriptTest):
    SCRIPT = """
        print("of", RANK, flush=True)
        if RANK != 0:
            print("others", flush=True)
        print("error of", RANK, file=sys.stderr)
        if RANK == 0:
            print("-" * 40, file=sys.stderr)
        sys.stdout.write(f"end of {RANK}")
        sys.stdout.flush()
        """

    def setUp(self):
        super().setUp()
        self.script, _ = self.write_script(self.SCRIPT)

    def lines(self, text):
        return sorted(line for line in text.splitlines() if not line.startswith("ringtrain: "))

    def test_is_of_rank_0_and_what_others_say_first(self):
        done = self.succeed("-n", 3, self.script)
        said = self.lines(done.stdout)
        # One of both, whichever came first.
        self.assertEqual([line for line in said if "others" not in line],
                         ["[rank 1] end of 1", "[rank 1] of 1", "[rank 2] end of 2", "[rank 2] of 2", "end of 0",
                          "of 0"])
        self.assertEqual([line[8:] for line in said if "others" in line], [" others"])
        self.assertEqual(self.lines(done.stderr),
                         ["-" * 40, "[rank 1] error of 1", "[rank 2] error of 2", "error of 0"])
        # The two streams have no order between them.
        self.assertIn("error of 2\n", self.log(2))
        self.assertEqual(self.log(2).replace("error of 2\n", "").strip(), "of 2\nothers\nend of 2")

    def test_is_of_others_for_their_first_lines_alone(self):
        script, _ = self.write_script("""
            for i in range(50):
                print(f"{RANK}.{i}")
            """)
        said = self.succeed("-n", 2, script).stdout.splitlines()
        self.assertEqual([line for line in said if not line.startswith("[")], [f"0.{i}" for i in range(50)])
        self.assertEqual([line for line in said if line.startswith("[")], [f"[rank 1] 1.{i}" for i in range(20)])
        self.assertEqual(len(self.log(1).splitlines()), 50)

    def test_is_shown_as_asked(self):
        everything = [["of 0", "end of 0"], ["of 1", "others", "end of 1"]]
        self.assertEqual(self.lines(self.succeed("-n", 2, "--tee", 3, self.script).stdout),
                         sorted(f"[rank {rank}] {text}" for rank in (0, 1) for text in everything[rank]))
        done = self.succeed("-n", 2, "-r", "3", "-t", "1:1", self.script)
        self.assertEqual(self.lines(done.stdout), sorted(f"[rank 1] {text}" for text in everything[1]))
        self.assertEqual(self.lines(done.stderr), [])
        done = self.succeed("-n", 2, "--local-ranks-filter", "1", self.script)
        self.assertEqual(self.lines(done.stderr), ["[rank 1] error of 1"])

    def test_goes_to_the_folders_that_are_named(self):
        self.succeed("-n", 2, "--log-dir", "logs here", "--run-dir", "record", self.script)
        self.assertTrue((self.folder / "logs here" / "attempt-1" / "rank-1.log").exists())
        self.assertTrue((self.folder / "record" / "outcome.json").exists())
        self.assertFalse((self.folder / "runs").exists())
        self.folder.joinpath("file").write_text("")
        self.fail_with(2, "cannot be written: Not a directory: choose another --log-dir",
                       "--log-dir", "file/logs", "--run-dir", "record", self.script)


if __name__ == "__main__":
    script_case.main()
