#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ringtrain run` in jobs of a real Slurm, on hosts of the bed.

  slurm_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import os
import pathlib
import sys

import case
import slurm

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "integration" / "run"))
import run_case  # noqa: E402

REPORT = """
import json, os, pathlib, socket
folder = pathlib.Path(__file__).parent
(folder / ("seen." + os.environ["RANK"])).write_text(json.dumps({**os.environ, "host": socket.gethostname()}))
"""


class InSlurm(run_case.RunTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bed = case.bed.Bed(2)
        cls.addClassCleanup(cls.bed.close)
        cls.slurm = slurm.Slurm(cls.bed, cpus=4)
        cls.addClassCleanup(cls.slurm.end)

    def submit(self, *commands, options=()):
        """Submits commands for two nodes with two tasks each; self.said() has their output."""
        return self.slurm.submit(slurm.batch_file(
            self.folder / "job.sbatch",
            ["--nodes=2", "--ntasks-per-node=2", "--cpus-per-task=2", "--open-mode=append", f"--chdir={self.folder}",
             f"--output={self.folder}/said", *options], *commands))

    def said(self):
        file = self.folder / "said"
        return file.read_text() if file.exists() else ""

    def wait_for(self, what, is_true):
        try:
            self.slurm.wait(what, is_true, case.DEADLINE)
        except RuntimeError as error:
            self.fail(f"{error}\n{self.said()}")

    def finish(self, job):
        self.wait_for("the end of the job", lambda: self.slurm.state(job) not in ("PENDING", "RUNNING", "COMPLETING"))
        self.wait_until_all_are_gone()
        return self.slurm.state(job)

    def first_steps(self):
        """The step that each start in events.jsonl begins with."""
        lines = (self.output / "events.jsonl").read_text().splitlines()
        return [event["step"] for event in map(json.loads, lines) if event["event"] == "started"]

    def test_hosts_slots_and_threads_are_those_of_the_job(self):
        script = self.folder / "train.py"
        script.write_text(REPORT)
        job = self.submit(f"{run_case.RINGTRAIN} run --python {sys.executable} {script}")
        self.assertEqual(self.finish(job), "COMPLETED", self.said())
        seen = [json.loads((self.folder / f"seen.{rank}").read_text()) for rank in range(4)]
        self.assertEqual([rank["host"] for rank in seen], ["node1", "node1", "node2", "node2"])
        self.assertEqual({(rank["WORLD_SIZE"], rank["OMP_NUM_THREADS"]) for rank in seen}, {("4", "2")})

    def test_n_and_a_hostfile_win(self):
        hosts = self.folder / "hosts"
        hosts.write_text("node2 slots=1\n")
        job = self.submit(f"{run_case.RINGTRAIN} run {self.job} --json -n 3 > n.json",
                          f"{run_case.RINGTRAIN} run {self.job} --json --hostfile {hosts} > hostfile.json",
                          f"{run_case.RINGTRAIN} run {self.job} -n 5")
        self.assertEqual(self.finish(job), "FAILED", self.said())
        ranks = [json.loads((self.folder / name).read_text())["ranks"] for name in ("n.json", "hostfile.json")]
        self.assertEqual(ranks, [3, 1])
        self.assertRegex(self.said(), rf"-n 5: Slurm job {job} has 4 tasks: ask for fewer ranks")

    def test_the_signal_before_the_time_limit_saves_and_the_requeued_job_resumes(self):
        self.write_job(epochs=1000000, checkpoint={"resume": "never", "every_epochs": 1000000})
        # Slurm sends the signal when 50 of the 120 seconds are left, or up to 60 seconds before (sbatch(1)): the run
        # that resumes has 10 seconds, too.
        job = self.submit(f"exec {run_case.RINGTRAIN} run {self.job}",
                          options=["--time=2", "--signal=B:USR1@50", "--requeue"])
        line = f"putting Slurm job {job} back into the queue"
        self.wait_for("the job to be queued again", lambda: line in self.said())
        self.assertIn("stopping with a checkpoint", self.said())
        saved = max(int(file.name[5:]) for file in (self.output / "checkpoints").iterdir() if file.is_dir())
        self.wait_for("the job to resume", lambda: saved in self.first_steps())
        self.slurm.call("scancel", job, check=True)
        self.finish(job)


if __name__ == "__main__":
    if reason := case.bed.why_not() or slurm.why_not():
        print(f"skipped: {reason}")
        sys.exit(77)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    run_case.main()
