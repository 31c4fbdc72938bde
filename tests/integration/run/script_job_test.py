#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ringtrain run job.yaml` with the key script: as `ringtrain run train.py`, from a file.

  script_job_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import subprocess

import run_case
import script_case
from script_case import ScriptTest

REPORT = """
write(f"seen.{RANK}", json.dumps({"environment": dict(os.environ), "arguments": sys.argv[1:], "in": os.getcwd()}))
print(f"rank {RANK} of {WORLD_SIZE} says hello", flush=True)
"""


class AJobFileWithAScript(ScriptTest):
    def write_job(self, text, name="job.yaml"):
        path = self.folder / name
        path.write_text(text)
        return path

    def seen(self, ranks):
        return [json.loads((self.folder / f"seen.{rank}").read_text()) for rank in range(ranks)]

    def events(self, output="runs/job"):
        lines = (self.folder / output / "events.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def test_runs_it_on_every_rank(self):
        self.write_script(REPORT)
        self.write_job("script: {file: train.py, args: [--lr, '0.1', ''], env: {MINE: x y}}\noutput: out\n")
        done = self.succeed("-n", 2, "job.yaml")
        self.assertIn("rank 0 of 2 says hello", done.stdout.splitlines())
        for rank, seen in enumerate(self.seen(2)):
            environment = seen["environment"]
            self.assertEqual(seen["arguments"], ["--lr", "0.1", ""])
            self.assertEqual((environment["RANK"], environment["WORLD_SIZE"]), (str(rank), "2"))
            self.assertEqual(environment["MINE"], "x y")
            self.assertEqual(environment["RINGTRAIN_OUTPUT"], str(self.folder / "out"))
            log = (self.folder / f"out/logs/attempt-1/rank-{rank}.log").read_text()
            self.assertEqual(log, f"rank {rank} of 2 says hello\n")
        outcome = json.loads((self.folder / "out/outcome.json").read_text())
        self.assertEqual((outcome["status"], outcome["exit_code"]), ("finished", 0))
        started, *ends = self.events("out")
        self.assertEqual((started["event"], started["world_size"], started["steps"]), ("started", 2, 0))
        self.assertEqual([place["rank"] for place in started["placement"]], [0, 1])
        self.assertEqual(sorted(end["rank"] for end in ends if end["event"] == "rank_ended"), [0, 1])

    def test_has_its_paths_counted_from_its_directory(self):
        (self.folder / "src").mkdir()
        self.write_script(REPORT, name="src/mod.py")
        self.write_job("script: {module: mod, directory: src}\n")
        self.succeed("job.yaml")
        self.assertEqual(json.loads((self.folder / "src/seen.0").read_text())["in"], str(self.folder / "src"))
        self.succeed("job.yaml", "--set", "script.module=", "--set", "script.file=mod.py")
        program = self.folder / "src/program"
        program.write_text("#!/bin/sh\necho \"$RANK: $* in $PWD\"\n")
        program.chmod(0o755)
        done = self.succeed("job.yaml", "--set", "script.module=", "--set", "script.file=./program",
                            "--set", "script.args=[a b]")
        self.assertEqual(done.stdout, f"0: a b in {self.folder}/src\n")

    def test_fails_with_the_scripts_exit_code_and_one_line(self):
        _, above = self.write_script("raise ValueError('no such class')\n")
        self.write_job("script: {file: train.py}\n")
        self.fail_with(1, rf"job: rank 0 on .*: ValueError: no such class \(train.py:{above + 1}\)", "job.yaml")
        outcome = json.loads((self.folder / "runs/job/outcome.json").read_text())
        self.assertEqual(outcome["status"], "failed")
        self.assertIn("ValueError", outcome["cause"])

    def test_starts_lost_ranks_again_and_failures_where_it_asks_for_that(self):
        self.write_script("""
            if ATTEMPT == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            """)
        self.write_job("script: {file: train.py}\nrestarts: 1\n")
        self.assertIn("restart 1 of 1", self.succeed("job.yaml").stderr)
        self.fail_with(4, "ended by signal 9", "job.yaml", "--set", "restarts=0")
        self.write_script("sys.exit(0 if ATTEMPT else 7)\n")
        self.fail_with(7, "exit code 7", "job.yaml")
        self.succeed("job.yaml", "--set", "script.restart_failures=true")

    def test_takes_checkpoints_for_progress(self):
        self.write_script("""
            write(f"{ATTEMPT}.pt", "")
            if ATTEMPT < 3:
                os.kill(os.getpid(), signal.SIGKILL)
            """)
        self.write_job("script: {file: train.py, checkpoint: '*.pt'}\nrestarts: 1\n")
        self.succeed("job.yaml")

    def test_that_is_wrong_is_one_line(self):
        self.write_script("")
        self.write_job("script: {file: train.py}\n")
        for pattern, words in (
                ("script.file: nothing.py is not there", ["--set", "script.file=nothing.py"]),
                ("script.directory: none is not there", ["--set", "script.directory=none"]),
                ("no-python is missing: install Python 3, or name one by --set script.python=PROGRAM",
                 ["--set", "script.python=no-python"]),
                ("model: cannot be had beside script", ["--set", "model=mlp"]),
                ("--json is for jobs that train a model", ["--json"]),
                ("--python is for scripts; in a job file it is the key script.python", ["--python", "python3"]),
                ("script.file: unknown key|must be text", ["--set", "script.file=[a]"])):
            self.fail_with(2, pattern, "job.yaml", *words)
        self.assertFalse((self.folder / "runs/job/logs").exists())
        done = self.call("job.yaml", "--set", "epochs=3")
        self.assertEqual(done.returncode, 0)
        self.assertIn("warning: --set epochs: has no effect beside script", done.stderr)

    def test_is_validated(self):
        self.write_script("")
        self.write_job("script: {file: train.py}\nrestarts: 2\n")
        validate = [run_case.RINGTRAIN, "validate", "job.yaml"]
        done = subprocess.run(validate, cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("restarts: 2\n", done.stdout)
        self.assertNotIn("optimizer", done.stdout)
        (self.folder / "train.py").unlink()
        done = subprocess.run(validate, cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("script.file: train.py is not there", done.stderr)


if __name__ == "__main__":
    script_case.main()
