# SPDX-License-Identifier: Apache-2.0
"""Ranks as forked processes: torch is imported once for all tests of a file."""

import datetime
import os
import pathlib
import signal
import sys
import tempfile
import time
import traceback

import torch
from torch import distributed

LIMIT = 120  # seconds after which what hangs is killed


class Ended:
    """How a rank ended: its exit status as os.waitstatus_to_exitcode() has it, and the error that it died of."""

    def __init__(self, code, error):
        self.code, self.error = code, error

    def __repr__(self):
        return f"exit code {self.code}: {self.error}"


def run(size, body, *, backend="ringtrain", timeout=60, environment=None, before=None):
    """Runs body(rank) in as many processes, in a group of all of them; returns an Ended for each.

    before(rank) runs before the group is made.
    """
    with tempfile.TemporaryDirectory() as folder:
        children = [_fork(rank, size, body, folder, backend, timeout, environment or {}, before)
                    for rank in range(size)]
        return [Ended(_wait(child), _read(pathlib.Path(folder) / f"error-{rank}"))
                for rank, child in enumerate(children)]


def _fork(rank, size, body, folder, backend, timeout, environment, before):
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.environ.update(environment)
        torch.set_num_threads(1)
        if nodes := os.environ.get("RANKS_NODES"):  # so many, and a rank on the next of them each
            os.environ["RINGTRAIN_NODE"] = f"node{rank % int(nodes)}"
        if before:
            before(rank)
        distributed.init_process_group(backend, init_method=f"file://{folder}/store", rank=rank, world_size=size,
                                       timeout=datetime.timedelta(seconds=timeout))
        body(rank)
        distributed.destroy_process_group()
        code = 0
    except BaseException as error:
        (pathlib.Path(folder) / f"error-{rank}").write_text(f"{type(error).__name__}: {error}")
        if os.environ.get("RANKS_VERBOSE"):
            traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(child):
    deadline = time.monotonic() + LIMIT
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.005)


def _read(path):
    return path.read_text() if path.exists() else ""


def assert_all_passed(case, ended):
    case.assertEqual([rank.code for rank in ended], [0] * len(ended), ended)
