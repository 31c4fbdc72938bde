# SPDX-License-Identifier: Apache-2.0
"""Programs of an unpacked archive on this machine: where their libraries are, and how they are run."""
import os
import pathlib
import signal
import subprocess
import sys
import time


class Failed(Exception):
    """A program that failed, with the end of what it said."""


def both_ends(output):
    """A program's first lines, which often name the cause, and its last."""
    return output if len(output) <= 3000 else output[:1500] + "\n...\n" + output[-1500:]


class Machine:
    def __init__(self, folder, torch_folder):
        self.folder = pathlib.Path(folder)
        torch_folder = pathlib.Path(torch_folder)
        wheels = torch_folder.parent
        self.libraries = [self.folder / "lib", self.folder / "mpi/lib/x86_64-linux-gnu/openmpi/lib",
                          torch_folder / "lib", *sorted(wheels.glob("nvidia/*/lib"))]
        self.environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(str(place) for place in self.libraries),
                            "OPAL_PREFIX": str(self.folder / "mpi"),
                            "PMIX_MCA_mca_base_component_path":
                                str(self.folder / "mpi/lib/x86_64-linux-gnu/pmix2/lib/pmix"),
                            "OMP_NUM_THREADS": "4", "CUDA_MODULE_LOADING": "LAZY"}

    def program(self, name):
        return str(self.folder / "programs" / name)

    def ranks(self, count, command):
        """The command of so many ranks on this machine, in mpirun's words."""
        network = ["--mca", "btl", "self,vader,tcp", "--mca", "btl_tcp_if_include", "lo", "--mca", "oob_tcp_if_include",
                   "lo", "--mca", "btl_vader_single_copy_mechanism", "none"]
        root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
        return [str(self.folder / "mpi/bin/mpirun"), *root, "--oversubscribe", "--bind-to", "none", "--mca", "plm",
                "isolated", *network, "-np", str(count), *command]

    def call(self, command, limit, own=True, **variables):
        """Returns what a program printed; own: with the archive's libraries. Raises Failed where it fails or hangs."""
        environment = {**(self.environment if own else os.environ), **variables}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   errors="replace", env=environment, start_new_session=True)
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            raise Failed(f"took more than {limit} s: {command[0]}\n{both_ends(output)}") from None
        if process.returncode != 0:
            raise Failed(f"exit code {process.returncode}: {command[0]}\n{both_ends(output)}")
        return output


class Background:
    """A program beside the others, at the lowest priority."""

    def __init__(self, command, **variables):
        self.process = subprocess.Popen(["nice", "-n", "19", *command], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env={**os.environ, **variables},
                                        start_new_session=True)

    def wait(self, limit):
        """Its exit code; ended after the limit."""
        end = time.monotonic() + limit
        while self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.2)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()


def card():
    """The first GPU in the words of nvidia-smi; None without one."""
    fields = "name,driver_version,memory.total,memory.free,clocks.max.sm,clocks.sm,mig.mode.current"
    try:
        done = subprocess.run(["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader"], capture_output=True,
                              text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    line = done.stdout.strip().splitlines()[:1]
    if done.returncode != 0 or not line:
        return None
    return dict(zip(fields.split(","), (value.strip() for value in line[0].split(","))))


def torch_facts():
    """Version and folder of this Python's torch, and the libraries it is built with. Raises Failed without one."""
    script = ("import json, torch, pathlib; print(json.dumps({'version': torch.__version__, "
              "'git': torch.version.git_version, 'cuda': torch.version.cuda, 'cudnn': torch.backends.cudnn.version(), "
              "'nccl': torch.cuda.nccl.version(), 'folder': str(pathlib.Path(torch.__file__).parent)}))")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise Failed(f"{sys.executable} has no torch: {done.stderr.strip()[-300:]}")
    return done.stdout
