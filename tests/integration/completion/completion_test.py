#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ringtrain completion` in the shells that read it.

  completion_test.py PATH/OF/ringtrain [unittest arguments]
"""

import re
import shutil
import subprocess
import sys
import unittest

RINGTRAIN = None  # set by main
BASH = """
source <("$0" completion bash)
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_ringtrain
printf '%s\\n' "${COMPREPLY[@]}"
"""


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def completed(*words):
    """Words that bash offers in place of the last one."""
    return output_of("bash", "-c", BASH, RINGTRAIN, "ringtrain", *words).split()


def sub_commands(*path):
    """Names from the help text of a command."""
    text = output_of(RINGTRAIN, *path, "--help").partition("Subcommands:")[2]
    return re.findall(r"^  (\w\S*)", text, re.MULTILINE)


class Completion(unittest.TestCase):
    def test_completes_a_command(self):
        self.assertEqual(completed("da"), ["dataset"])

    def test_completes_a_command_of_a_command(self):
        self.assertEqual(completed("dataset", "import", "im"), ["images"])

    def test_offers_every_command_that_the_help_names(self):
        for path in ((), ("dataset",), ("dataset", "import")):
            with self.subTest(path):
                self.assertEqual(sorted(completed(*path, "")), sorted(sub_commands(*path)))

    def test_completes_options_of_a_command(self):
        self.assertEqual(sorted(completed("run", "--host")), ["--host-timeout", "--hostfile"])
        self.assertEqual(completed("run", "job.yaml", "--hostf"), ["--hostfile"])

    def test_leaves_files_to_the_shell(self):
        self.assertEqual(completed("run", "exam"), [])

    @unittest.skipUnless(shutil.which("zsh"), "no zsh here")
    def test_zsh_reads_its_script(self):
        script = output_of(RINGTRAIN, "completion", "zsh")
        subprocess.run(["zsh", "-n"], input=script, check=True, text=True, timeout=60)
        self.assertIn("'dataset:", script)


if __name__ == "__main__":
    RINGTRAIN = sys.argv.pop(1)
    unittest.main()
