# SPDX-License-Identifier: Apache-2.0
"""examples/ddp.py, unchanged, by each of the launchers; every function returns the lines that rank 0 printed.

Environment: RINGTRAIN, the program.
"""

import contextlib
import multiprocessing
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = str(ROOT / "examples/ddp.py")
LIMIT = 600  # seconds: 8 Pythons that import torch on two cores, beside whatever else the machine does
TO_END = 30  # seconds that a launcher has to end its ranks


def run(*command, **environment):
    """The lines that a command printed; fails with all of its output where it fails or takes too long."""
    process = subprocess.Popen([str(word) for word in command], env={**os.environ, **environment}, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        output, errors = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.terminate()
        try:
            output, errors = process.communicate(timeout=TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            output, errors = process.communicate()
    assert process.returncode == 0, f"exit code {process.returncode}\n{output}{errors}"
    return output.splitlines()


def by_torchrun(ranks, **environment):
    return run(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", ranks, SCRIPT,
               **environment)


def by_ringtrain_run(ranks, **environment):
    with tempfile.TemporaryDirectory() as folder:
        return run(os.environ["RINGTRAIN"], "run", "-n", ranks, "--run-dir", folder, "--python", sys.executable,
                   SCRIPT, **environment)


def by_mpirun(ranks, **environment):
    command = 'RANK=$OMPI_COMM_WORLD_RANK WORLD_SIZE=$OMPI_COMM_WORLD_SIZE exec "$0" "$1"'
    with _held_port() as port:
        return run(ROOT / "tests/integration/mpirun", ranks, "sh", "-c", command, sys.executable, SCRIPT,
                   MASTER_ADDR="127.0.0.1", MASTER_PORT=port, **environment)


def by_spawn(ranks, **environment):
    """torch.multiprocessing.spawn() in this process."""
    from torch import multiprocessing as torch_multiprocessing

    with tempfile.TemporaryDirectory() as folder, _held_port() as port:
        torch_multiprocessing.spawn(_run_rank, (ranks, port, folder, environment), nprocs=ranks)
        return _printed(folder)


def by_fork(ranks, **environment):
    """Forks of this process, which has torch already: seconds less a rank. What the others are compared with."""
    import torch  # noqa: F401

    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder, _held_port() as port:
        processes = [context.Process(target=_run_rank, args=(rank, ranks, port, folder, environment))
                     for rank in range(ranks)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(LIMIT)
        codes = [process.exitcode for process in processes]
        for process in processes:
            process.kill()
        assert codes == [0] * ranks, f"exit codes {codes}, where None is a rank that did not end"
        return _printed(folder)


@contextlib.contextmanager
def _held_port():
    """A port that rank 0's store can bind and nobody else gets: seconds pass until it does (as
    launcher/script/held_port.hpp)."""
    both = socket.has_dualstack_ipv6()
    with socket.socket(socket.AF_INET6 if both else socket.AF_INET) as holder:
        if both:
            holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("", 0))
        yield str(holder.getsockname()[1])


def _run_rank(rank, ranks, port, folder, environment):
    sys.stdout = open(f"{folder}/{rank}", "w")
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(ranks), MASTER_ADDR="127.0.0.1", MASTER_PORT=port, **environment)
    sys.path.insert(0, str(ROOT / "examples"))
    import ddp

    ddp.main()


def _printed(folder):
    return pathlib.Path(folder, "0").read_text().splitlines()
