#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Refusals of arguments, help, `validate`, hostfiles, and the commands that a run proposes.

  command_line_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import zipfile

import run_case
from run_case import DEADLINE, RunTest

# Stands for PyTorch: reports which file was opened.
TORCH = {"__init__.py": "from . import jit\n",
         "jit.py": "def load(path):\n    open(path).close()\n    return 'opened ' + path\n"}


class Arguments(RunTest):
    def refuse(self, line, *arguments):
        done = self.call(run_case.RINGTRAIN, *arguments)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (2, "", line + "\n"))

    def test_that_are_wrong_are_named_with_what_was_meant(self):
        self.refuse("ringtrain: unknown command 'rum', did you mean 'ringtrain run'?", "rum", "job.yaml")
        self.refuse("ringtrain: unknown command 'help', did you mean 'ringtrain --help'?", "help")
        self.refuse("ringtrain: unknown command 'version', did you mean 'ringtrain --version'?", "version")
        self.refuse("ringtrain: unknown option -v, did you mean --version?", "-v")
        self.refuse("ringtrain dataset import: unknown command 'pkl': it is none of mnist, idx, cifar, csv, npy, npz, "
                    "hdf5, images, webdataset; 'ringtrain dataset import --help' describes them",
                    "dataset", "import", "pkl")
        self.refuse("ringtrain: unknown command 'job.yaml', did you mean 'ringtrain run job.yaml'?",
                    "job.yaml", "-n", "2")
        self.refuse("ringtrain dataset import: unknown command 'people.csv', did you mean "
                    "'ringtrain dataset import csv people.csv'?", "dataset", "import", "people.csv", "-o", "people.h5")
        self.refuse("ringtrain run: unknown option --hostfil, did you mean --hostfile?", "run", "--hostfil", "hosts")
        self.refuse(f"ringtrain: {self.job}:1: 'model: \"mlp\"' is YAML, as of a job file: a hostfile has a line for "
                    "each host, as in 'node1 slots=4'", "run", self.job, "--hostfile", self.job)

    def test_may_be_spelled_as_mpirun_spells_them(self):
        done = self.call(run_case.RINGTRAIN, "run", "-np", "2", self.job, "--set", "max_steps=2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 steps on 2 ranks", done.stdout)

    def help_of(self, columns, *command):
        """The help text on a terminal of this width."""
        controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        subprocess.run([run_case.RINGTRAIN, *command, "--help"], check=True, stdout=terminal, timeout=DEADLINE)
        os.close(terminal)
        text = b""
        try:
            while part := os.read(controller, 65536):
                text += part
        except OSError:  # the end of a terminal
            pass
        os.close(controller)
        return text.decode().splitlines()

    def test_have_help_as_wide_as_the_terminal(self):
        for command in ((), ("run",), ("dataset", "import"), ("dataset", "import", "images"), ("submit",)):
            for columns in (60, 100):
                with self.subTest(command, columns=columns):
                    lengths = [len(line) for line in self.help_of(columns, *command)]
                    self.assertLessEqual(max(lengths), columns)
        self.assertLess(len(self.help_of(200, "run")), len(self.help_of(60, "run")))

    def check_help(self, *command):
        """A word in plain English for the value of each option, here and in the commands below."""
        text = self.call(run_case.RINGTRAIN, *command, "--help").stdout
        with self.subTest(command):
            self.assertNotRegex(text, r"(?m)^  -.* (TEXT|INT|UINT|FLOAT)\b")
            self.assertNotIn("\n\n\n", text)
        below = False
        for line in text.splitlines():
            if re.fullmatch(r"\S.*:", line):
                below = line in ("Subcommands:", "On Kubernetes or a server:")
            elif below and (word := re.match(r"  ([a-z]\S*)", line)):
                self.check_help(*command, word[1])

    def test_name_the_value_of_every_option(self):
        self.check_help()


class Validate(RunTest):
    def validate(self, *arguments, job=None):
        return self.call(run_case.RINGTRAIN, "validate", job or self.job, *arguments)

    def refuse(self, exit_code, *names, sets):
        done = self.validate(*[word for key_value in sets for word in ("--set", key_value)])
        self.assertEqual(done.returncode, exit_code, done.stderr)
        self.assertEqual(len(self.assert_one_clear_line(done.stderr, *names)), 1)
        self.assertEqual(done.stdout, "")

    def test_prints_the_job_and_makes_nothing(self):
        done = self.validate()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("batch_size: 32", done.stdout)
        self.assertFalse(self.output.exists())

    def test_finds_what_a_run_would_stumble_on(self):
        foreign = self.folder / "foreign.h5"
        foreign.write_bytes(b"This is no HDF5 file.\n" * 100)
        self.refuse(3, "nowhere.h5", sets=["dataset=nowhere.h5"])
        self.refuse(3, "foreign.h5", sets=[f"dataset={foreign}"])
        self.refuse(2, "model:", "none.pt", sets=["model=none.pt", "hidden="])
        self.refuse(2, "output:", "foreign.h5/out", sets=[f"output={foreign}/out"])

    def test_refuses_a_dataset_that_does_not_fit(self):
        small = self.folder / "small.h5"
        for split, rows in (("train", 20), ("test", 10)):
            run_case.write_digits(self.folder, rows, split, 1, side=8)
        files = [self.folder / f"{split}-{what}" for split in ("train", "test") for what in ("images", "labels")]
        imported = self.call(run_case.RINGTRAIN, "dataset", "import", "idx", *files, "-o", small)
        self.assertEqual(imported.returncode, 0, imported.stderr)
        fits = self.validate("--set", f"dataset={small}", "--set", "model=lenet", "--set", "hidden=")
        self.assertEqual(fits.returncode, 0, fits.stderr)
        self.refuse(2, "lenet5", "12 x 12", "8 x 8", sets=[f"dataset={small}", "model=lenet5", "hidden="])
        self.refuse(2, "workers.min", "20 training samples", sets=[f"dataset={small}", "workers.min=21"])

    def test_knows_a_torchscript_file_from_one_of_torch_save(self):
        for name, members, exit_code in (("script.pt", ("net/data.pkl", "net/code/x.py", "net/constants.pkl"), 0),
                                         ("saved.pt", ("net/data.pkl", "net/version"), 2)):
            with zipfile.ZipFile(self.folder / name, "w") as archive:
                for member in members:
                    archive.writestr(member, "x")
            with self.subTest(name):
                done = self.call("env", "RINGTRAIN_WORKER=/nowhere", run_case.RINGTRAIN, "validate", self.job,
                                 "--set", f"model={self.folder / name}", "--set", "hidden=")
                self.assertEqual(done.returncode, exit_code, done.stderr)
                self.assertEqual("was not tried: RINGTRAIN_WORKER=/nowhere is not a program" in done.stderr,
                                 exit_code == 0, done.stderr)
        self.refuse(2, "saved.pt", "torch.jit.script(model).save",
                    sets=[f"model={self.folder / 'saved.pt'}", "hidden="])

    def test_tries_an_own_model_on_samples_of_the_dataset(self):
        self.run_job(1, "max_steps=2")
        model = self.output / "model.pt"
        own = [f"model={model}", "hidden=", f"output={self.folder / 'next'}"]
        fits = self.validate(*[word for key_value in own for word in ("--set", key_value)])
        self.assertEqual((fits.returncode, fits.stderr), (0, ""))
        small = self.folder / "small.h5"
        for split in ("train", "test"):
            run_case.write_digits(self.folder, 20, split, 1, side=8)
        files = [self.folder / f"{split}-{what}" for split in ("train", "test") for what in ("images", "labels")]
        self.assertEqual(self.call(run_case.RINGTRAIN, "dataset", "import", "idx", *files, "-o", small).returncode, 0)
        self.refuse(2, f"model {model} does not take the dataset's samples", "[2, 1, 8, 8]",
                    sets=[*own, f"dataset={small}"])

    def test_names_keys_without_effect(self):
        sets = ["--set", "optimizer.type=adamw", "--set", "optimizer.momentum=0.9"]
        note = ("ringtrain: warning: --set optimizer.momentum: has no effect, as optimizer.type is adamw\n")
        done = self.validate(*sets)
        self.assertEqual((done.returncode, done.stderr), (0, note))
        self.assertNotIn("momentum", done.stdout)
        done = self.call(run_case.RINGTRAIN, "run", self.job, *sets, "--set", "max_steps=2")
        self.assertEqual((done.returncode, done.stderr.count(note)), (0, 1), done.stderr)

    def test_refuses_to_replace_the_model_that_a_job_starts_from(self):
        self.run_job(1, "max_steps=2")
        self.refuse(2, "output:", "model.pt", "the job's model", sets=[f"model={self.output / 'model.pt'}", "hidden="])
        self.refuse(2, "output:", "model.safetensors", "initialize_from",
                    sets=[f"initialize_from={self.output / 'model.safetensors'}"])

    def test_looks_at_the_job_alone_where_files_are_elsewhere(self):
        self.assertEqual(self.validate("--keys-only", "--set", "dataset=nowhere.h5").returncode, 0)
        done = self.validate("--set", "dataset=nowhere.h5", "--set", "kubernetes.image=x", "--set",
                             "kubernetes.workers=2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("not checked", done.stderr)


class Next(RunTest):
    def train(self, *arguments, path="", **environment):
        return subprocess.run(
            [str(word) for word in (run_case.RINGTRAIN, "run", *arguments)], capture_output=True, text=True,
            timeout=DEADLINE, cwd=self.folder,
            env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}", "RINGTRAIN_CACHE": "/nowhere", **environment})

    def next_lines(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line.strip() for line in done.stdout.partition("  next   ")[2].splitlines()]

    def shell(self, command, **environment):
        return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=DEADLINE,
                              cwd=self.folder, env={**os.environ, "RINGTRAIN_CACHE": "/nowhere", **environment})

    def test_commands_work_as_they_are_printed(self):
        package = self.folder / "with torch" / "torch"
        package.mkdir(parents=True)
        for name, text in TORCH.items():
            (package / name).write_text(text)
        pythons = {"PYTHONPATH": str(package.parent)}
        self.write_job("my job.yaml", max_steps=10)
        done = self.train("my job.yaml", "-n", 2, "--set", "output=it's mine", "--set", "epochs=3", **pythons)
        python, longer = self.next_lines(done)
        opened = self.shell(python, **pythons)
        self.assertEqual(opened.stdout, "opened it's mine/model.pt\n", opened.stderr)
        self.assertIn(" -n 2 ", longer)
        self.assertNotIn("epochs=3", longer)
        again = self.shell(longer)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("20 steps on 2 ranks", again.stdout)

    def test_commands_name_no_python_without_torch_and_ringtrain_as_path_has_it(self):
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "ringtrain").symlink_to(run_case.RINGTRAIN)
        for name in ("python", "python3"):
            (programs / name).write_text("#!/bin/sh\nexit 1\n")
            (programs / name).chmod(0o755)
        hosts = self.folder / "hosts"
        hosts.write_text("localhost slots=1\n")
        lines = self.next_lines(self.train(self.job, "--hostfile", "hosts", "--set", "max_steps=2", path=programs))
        self.assertEqual(lines, [f"ringtrain run {self.job} --hostfile hosts --set epochs=2 --set max_steps=4   "
                                 "# for longer"])


class Hosts(RunTest):
    def run_on(self, text):
        hosts = self.folder / "hosts"
        hosts.write_text(text)
        return self.call(run_case.RINGTRAIN, "run", self.job, "--hostfile", hosts, "--set", "max_steps=2")

    def test_names_of_one_machine_are_one_host(self):
        done = self.run_on(f"127.0.0.1\nlocalhost slots=1\n{os.uname().nodename} slots=1\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 steps on 3 ranks", done.stdout)

    def test_a_colon_is_explained_at_once(self):
        done = self.run_on("# ours\nlocalhost:2\n")
        self.assertEqual(done.returncode, 2)
        lines = self.assert_one_clear_line(done.stderr, "hosts:2: 'localhost:2': write 'localhost slots=2'")
        self.assertEqual(len(lines), 1)

    def test_more_ranks_than_cores_are_noted(self):
        one_core = {min(os.sched_getaffinity(0))}
        done = self.call("taskset", "--cpu-list", *one_core, run_case.RINGTRAIN, "run", self.job, "-n", 2,
                         "--set", "max_steps=2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count("take turns"), 1, done.stderr)
        done = self.call(run_case.RINGTRAIN, "run", self.job, "--set", "max_steps=2")
        self.assertNotIn("take turns", done.stderr)


if __name__ == "__main__":
    run_case.main()
