# SPDX-License-Identifier: Apache-2.0
"""Programs of others that tests of tracking run, from the venv of scripts/setup --trackers and from Debian."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request


def venv():
    cache = os.environ.get("RINGTRAIN_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache or pathlib.Path(home) / "ringtrain") / "trackers/bin"


def skip_without(*programs):
    """Ends the test as skipped where a program is missing; returns their paths."""
    found = []
    for program in programs:
        path = shutil.which(program, path=str(venv())) or shutil.which(program)
        if path is None or (program == "python" and not (venv() / "python").exists()):
            print(f"skipped: {program} is missing: scripts/setup --trackers installs it")
            sys.exit(77)
        found.append(path)
    return found


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Service:
    """A server of others in a process group of its own, which ends with it."""

    def __init__(self, command, url, log, deadline=120, **keys):
        self.url = url
        self.log = log
        with open(log, "a") as output:
            self.process = subprocess.Popen([str(word) for word in command], stdout=output, stderr=output,
                                            stdin=subprocess.DEVNULL, start_new_session=True, **keys)
        give_up = time.monotonic() + deadline
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > give_up:
                self.stop()
                raise AssertionError(f"{command[0]} does not answer at {url}:\n{log.read_text()[-3000:]}")
            time.sleep(0.1)

    def answers(self):
        try:
            with urllib.request.urlopen(self.url, timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def stop(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
