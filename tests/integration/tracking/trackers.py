# SPDX-License-Identifier: Apache-2.0
"""Programs of others that tests of tracking run, from the venv of scripts/setup --trackers and from Debian."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
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


class Prometheus(Service):
    """Debian's Prometheus, which scrapes as `config` says and keeps its files in `folder`."""

    def __init__(self, program, folder, config):
        (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        address = f"127.0.0.1:{free_port()}"
        self.api = f"http://{address}/api/v1"
        super().__init__([program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
                          f"--web.listen-address={address}"], f"http://{address}/-/ready", folder / "prometheus.log")

    def ask(self, path, **words):
        """The data of an answer of its API."""
        url = f"{self.api}/{path}?{urllib.parse.urlencode(words)}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            found = json.load(answer)
        if found["status"] != "success":
            raise AssertionError(f"{url}: {found}")
        return found["data"]

    def query(self, expression):
        return self.ask("query", query=expression)["result"]
