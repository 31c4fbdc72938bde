# SPDX-License-Identifier: Apache-2.0
"""Scripts in an image that has nothing of ringtrain: Debian and Python, and torch by a hostPath."""

import json
import os
import pathlib
import shutil

import cluster
from cluster import HERE, Job, kubectl, must

OWN = "localhost/own:test"
BARE = "localhost/debian:12"   # without Python
USERS_CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
CACHE = pathlib.Path(os.environ.get("RINGTRAIN_CACHE", USERS_CACHE / "ringtrain"))

# A program of the image: rank 1 is lost at the first attempt.
PROGRAM = ('echo "rank $RANK of $WORLD_SIZE: $FROM_IMAGE ${OPAL_PREFIX-none} in $PWD as $(id -un)"; '
           'echo "$1" > "$RINGTRAIN_OUTPUT/made-by-$RANK"; '
           '[ "$TORCHELASTIC_RESTART_COUNT" != 0 ] || [ "$RANK" != 1 ] || kill -9 $$')


class Scripts(cluster.ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        must(HERE / "image", "own", timeout=900)
        for image in (OWN, BARE):
            stamp = cluster.STATE / f"pushed-{must('buildah', 'images', '-q', image).strip()}"   # gone with the cluster
            if not stamp.exists():
                must(HERE / "image", "push", image, timeout=600)
                stamp.touch()

    def start_script(self, name, script, image=OWN, kubernetes=(), restarts=0, output=""):
        shutil.rmtree(cluster.VOLUME / "runs" / name, ignore_errors=True)
        job = Job(name)
        self.jobs.append(job)
        file = self.folder / f"{name}.yaml"
        file.write_text("\n".join((
            f"name: {name}", f"script: {json.dumps(script)}", f"restarts: {restarts}", output, "kubernetes:",
            f"  image: {image}", f"  ringtrain_image: {cluster.IMAGE}", "  image_pull_policy: Never",
            "  shared_memory: 256Mi", "  workers: 2", *(f"  {line}" for line in kubernetes))) + "\n")
        kubectl("apply", "-f", "-", input=self.render(file))
        return job

    def first_line_of_status(self, job):
        return job.ringtrain("status").splitlines()[0]

    def test_pytorchs_tutorial_trains_on_two_workers(self):
        job = self.start_script(
            "own-ddp", {"file": "ddp.py"}, kubernetes=(
                'env: {PYTHONPATH: /wheels, OMP_NUM_THREADS: "1"}',
                f"volumes: [{{mount: /wheels, host_path: {CACHE / 'wheels'}, read_only: true}}]"))
        self.assertEqual(job.end(), "Succeeded")
        log = job.kubectl("logs", job.launcher())
        self.assertRegex(log, r"epoch 2: loss [0-9.]+ \(2 ranks, gloo\)")
        started = next(event for event in job.events() if event["event"] == "started")
        self.assertEqual([place["host"].split(".")[0] for place in started["placement"]],
                         ["own-ddp-worker-0", "own-ddp-worker-1"])
        self.assertIn("own-ddp: Succeeded", self.first_line_of_status(job))
        self.assertIn("epoch 2: loss", job.ringtrain("logs"))

    def test_a_program_has_the_images_environment_and_is_started_again(self):
        job = self.start_script(
            "own-program", {"file": "sh", "args": ["-c", PROGRAM, "sh", "a b"], "env": {"MINE": "x"}}, restarts=1,
            output="output: /data/runs/own-program", kubernetes=("volumes: [{mount: /data, claim: mnist}]",))
        self.assertEqual(job.end(), "Succeeded")
        output = cluster.VOLUME / "runs/own-program"
        for rank in range(2):
            log = (output / f"logs/attempt-2/rank-{rank}.log").read_text()
            self.assertEqual(log, f"rank {rank} of 2: yes none in /app as mpiuser\n")
            self.assertEqual((output / f"made-by-{rank}").read_text(), "a b\n")

    def test_an_image_without_python_is_named_in_one_line(self):
        job = self.start_script("own-bare", {"file": "/app/ddp.py"}, image=BARE)
        self.assertEqual(job.end(), "Failed")
        self.assertIn("python3 is missing: install Python 3", self.first_line_of_status(job))

    def test_a_script_that_is_not_in_the_image_is_named_in_one_line(self):
        job = self.start_script("own-nothing", {"file": "/app/nothing.py"})
        self.assertEqual(job.end(), "Failed")
        line = self.first_line_of_status(job)
        self.assertIn("exit code 2", line)
        self.assertIn("can't open file '/app/nothing.py'", line)
