# SPDX-License-Identifier: Apache-2.0
"""examples/ddp.py, unchanged, by each of the launchers; every function returns the lines that rank 0 printed.

Environment: RINGTRAIN, the program.
"""

import multiprocessing
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = str(ROOT / "examples/ddp.py")
LIMIT = 1200  # seconds: 8 Pythons that import torch on two cores, beside whatever else the machine does


def run(*command, **environment):
    done = subprocess.run([str(word) for word in command], env={**os.environ, **environment}, capture_output=True,
                          text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def by_torchrun(ranks, **environment):
    return run(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", ranks, SCRIPT,
               **environment)


def by_ringtrain_run(ranks, **environment):
    with tempfile.TemporaryDirectory() as folder:
        return run(os.environ["RINGTRAIN"], "run", "-n", ranks, "--run-dir", folder, "--python", sys.executable,
                   SCRIPT, **environment)


def by_mpirun(ranks, **environment):
    command = 'RANK=$OMPI_COMM_WORLD_RANK WORLD_SIZE=$OMPI_COMM_WORLD_SIZE exec "$0" "$1"'
    return run(ROOT / "tests/integration/mpirun", ranks, "sh", "-c", command, sys.executable, SCRIPT,
               MASTER_ADDR="127.0.0.1", MASTER_PORT=_free_port(), **environment)


def by_spawn(ranks, **environment):
    """torch.multiprocessing.spawn() in this process."""
    from torch import multiprocessing as torch_multiprocessing

    with tempfile.TemporaryDirectory() as folder:
        torch_multiprocessing.spawn(_run_rank, (ranks, _free_port(), folder, environment), nprocs=ranks)
        return _printed(folder)


def by_fork(ranks, **environment):
    """Forks of this process, which has torch already: seconds less a rank. What the others are compared with."""
    import torch  # noqa: F401

    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        processes = [context.Process(target=_run_rank, args=(rank, ranks, port, folder, environment))
                     for rank in range(ranks)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(LIMIT)
            assert process.exitcode == 0, process.exitcode
        return _printed(folder)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def _run_rank(rank, ranks, port, folder, environment):
    sys.stdout = open(f"{folder}/{rank}", "w")
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(ranks), MASTER_ADDR="127.0.0.1", MASTER_PORT=port, **environment)
    sys.path.insert(0, str(ROOT / "examples"))
    import ddp

    ddp.main()


def _printed(folder):
    return pathlib.Path(folder, "0").read_text().splitlines()
