#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PyTorch's own tests of distributed backends, as its wheel has them, over ours with 3 ranks.

  held_out_test.py [NAME...]    all tests that do not name a GPU's library, or those whose name contains a NAME

Each test runs in 3 forked ranks. One that fails has to be in held_out_exceptions.txt with its reason, and at least as
many as its first line says have to pass.
"""

import collections
import contextlib
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

RANKS = 3
LIMIT = 60  # seconds a test
EXCEPTIONS = pathlib.Path(__file__).with_name("held_out_exceptions.txt")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


os.environ.update(BACKEND=os.environ.get("BACKEND", "ringtrain"), WORLD_SIZE=str(RANKS),
                  TEMP_DIR=tempfile.mkdtemp(prefix="held-out-"), MASTER_ADDR="127.0.0.1", OMP_NUM_THREADS="1",
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


def exceptions():
    """(least number that has to pass, {name of a test: reason})."""
    first, *rest = [line for line in EXCEPTIONS.read_text().splitlines() if line and not line.startswith("#")]
    return int(first.split()[0]), dict(line.split(None, 1) for line in rest)


def main(wanted):
    names = [name for name in dir(Tests) if name.startswith("test_") and not re.search("cuda|nccl", name)]
    if wanted:
        names = [name for name in names if any(word in name for word in wanted)]
    outcomes = collections.defaultdict(list)
    for name in names:
        outcome, reason = run_test(name)
        outcomes[outcome].append(name)
        if wanted or outcome == "failed":
            print(f"{name}: {outcome} {reason}", flush=True)
    print(", ".join(f"{len(found)} {outcome}" for outcome, found in outcomes.items()), f"of {len(names)}")
    least, reasons = exceptions()
    wrong = [f"{name} failed and is no exception" for name in outcomes["failed"] if name not in reasons]
    if not wanted:
        wrong += [f"{name} does not fail any more: delete its line" for name in reasons
                  if name not in outcomes["failed"]]
        if len(outcomes["passed"]) < least:
            wrong.append(f"{len(outcomes['passed'])} passed, and at least {least} have to")
    shutil.rmtree(os.environ["TEMP_DIR"], ignore_errors=True)
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
