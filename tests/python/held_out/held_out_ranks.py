#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PyTorch's own tests of distributed backends, as its wheel has them, in forked ranks.

  held_out_ranks.py FILE [NAME...]    all tests that do not name a GPU's library, or those whose name contains a NAME

Writes {name: [outcome, reason]} to FILE, as JSON: passed, failed, skipped, or "marked": PyTorch skips the test for a
backend of this name, and it fails. Environment: BACKEND, WORLD_SIZE, and MARKS=1 to skip what PyTorch skips.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sys
import tempfile
import time
import unittest

RANKS = int(os.environ["WORLD_SIZE"])
LIMIT = 60  # seconds a test


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


os.environ.update(TEMP_DIR=tempfile.mkdtemp(prefix="held-out-"), MASTER_ADDR="127.0.0.1", OMP_NUM_THREADS="1",
                  MASTER_PORT=free_port(), PYTORCH_TEST_WITH_SLOW="0")

import torch  # noqa: E402
import torch._dynamo  # noqa: E402  here once, rather than in each rank
from torch.testing._internal import common_distributed, common_utils  # noqa: E402

for feature in ("ddp", "subgroup"):
    common_distributed.DistTestCases.backend_feature[feature].add("ringtrain")

from torch.testing._internal.distributed import distributed_test  # noqa: E402

SKIPS = {skip.exit_code: skip.message for skip in common_distributed.TEST_SKIPS.values()}
SKIPPED = 86  # the exit code of a rank whose test raised SkipTest


class Tests(distributed_test.TestDistBackend, distributed_test.DistributedTest._DistTestBase):
    __test__ = False


def run_rank(rank, name, store, log):
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    torch.set_num_threads(1)
    common_utils.set_rng_seed()
    test = Tests(name)
    test.rank, test.file_name = rank, store
    timeout = distributed_test.CUSTOM_PG_TIMEOUT.get(name, distributed_test.default_pg_timeout)
    distributed_test.dist.init_process_group(
        os.environ["BACKEND"], init_method=test.init_method, world_size=RANKS, rank=rank,
        timeout=distributed_test.timedelta(seconds=timeout))
    getattr(test, name)()
    test._barrier()
    with contextlib.suppress(Exception):
        distributed_test.dist.destroy_process_group()


def fork_rank(*arguments):
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        run_rank(*arguments)
        code = 0
    except unittest.SkipTest:
        code = SKIPPED
    except SystemExit as exit_:
        code = exit_.code or 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def mark_of(name):
    """Why PyTorch skips a test for this backend, or ""."""
    test = getattr(Tests, name)
    return test.__unittest_skip_why__ if getattr(test, "__unittest_skip__", False) else ""


def run_test(name):
    """(outcome, reason): passed, skipped or failed."""
    folder = pathlib.Path(os.environ["TEMP_DIR"])
    for sub in ("barrier", "test_dir", "init_dir"):
        shutil.rmtree(folder / sub, ignore_errors=True)
        (folder / sub).mkdir()
    store, log = folder / f"{name}.store", folder / f"{name}.log"
    children = [fork_rank(rank, name, str(store), log) for rank in range(RANKS)]
    deadline, codes = time.monotonic() + LIMIT, {}
    while len(codes) < RANKS:
        for child in set(children) - set(codes):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                codes[child] = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                os.kill(child, signal.SIGKILL)
        time.sleep(0.002)
    codes = set(codes.values())
    if codes == {0}:
        return "passed", ""
    if codes <= {*SKIPS, SKIPPED}:
        return "skipped", SKIPS.get(min(codes), "skipped by the test")
    lines = [line for line in log.read_text().splitlines() if re.match(r"\w+(\.\w+)*(Error|Exception)\b", line)]
    return "failed", lines[0] if lines else f"exit codes {sorted(codes)}"


def main(file, *wanted):
    names = [name for name in dir(Tests) if name.startswith("test_") and not re.search("cuda|nccl", name)]
    if wanted:
        names = [name for name in names if any(word in name for word in wanted)]
    outcomes = {}
    for name in names:
        mark = mark_of(name)
        if mark and os.environ.get("MARKS"):
            outcomes[name] = "skipped", mark
            continue
        outcomes[name] = run_test(name)
        if mark and outcomes[name][0] == "failed":
            outcomes[name] = "marked", f"{mark}: {outcomes[name][1]}"
    pathlib.Path(file).write_text(json.dumps(outcomes, indent=1))
    shutil.rmtree(os.environ["TEMP_DIR"], ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
