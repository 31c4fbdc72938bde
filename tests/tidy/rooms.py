# SPDX-License-Identifier: Apache-2.0
"""The table of folders: contents, and the folders each may include. CONTRIBUTING.md's map is printed from it.

A folder may use only folders above it, so the table cannot hold a circle. A name stands for the folder and for all
below it; a file belongs to the longest folder that it lies in.
"""

from typing import NamedTuple


class Room(NamedTuple):
    folder: str
    contents: str
    uses: tuple[str, ...] = ()


ALL_ABOVE = ("all above",)

ROOMS = (
    Room("base", "errors and exit codes, command lines, logs, files, processes, text, statistics, the machine"),
    Room("net", "HTTP client and server, TLS, SHA-256, base64", ("base",)),
    Room("storage", "data by URL: files, object storage, a local cache", ("base", "net")),
    Room("kernels", "arithmetic of a step: an element functor, a host driver and a CUDA driver each", ("base",)),
    Room("collectives", "one node's ranks over shared memory; no torch, no MPI", ("base", "kernels")),
    Room("job", "the job file, its keys and schema; formats that several programs share", ("base",)),
    Room("tracking", "figures of jobs, as metrics and for experiment trackers", ("base", "net", "job")),
    Room("datasets/format", "the HDF5 layout: what a rank reads, checked strictly", ("base", "storage", "kernels")),
    Room("datasets/reading", "sample order, blocks, the reader", ("base", "storage", "kernels", "datasets/format")),
    Room("datasets/writing", "the writer, shards, export",
         ("base", "net", "storage", "kernels", "datasets/format", "datasets/reading")),
    Room("datasets/importers", "images, arrays, tables and archives from elsewhere",
         ("base", "net", "storage", "kernels", "datasets/format", "datasets/writing")),
    Room("datasets/tools", "contact sheets, rows as text",
         ("base", "storage", "kernels", "datasets/format", "datasets/reading", "datasets/writing")),
    Room("model_files", "files of trained models: safetensors; `keras/`: .h5; no torch", ("base", "datasets/writing")),
    Room("runtime/device", "memory, streams, load and pack, on a CPU or a GPU",
         ("base", "job", "kernels", "datasets/format", "datasets/reading")),
    Room("runtime/comm", "collectives over MPI and NCCL", ("base", "kernels", "collectives")),
    Room("runtime/models", "the model zoo and TorchScript files", ("base", "job", "model_files")),
    Room("runtime/tasks", "losses and metrics of a training run", ("base", "job", "datasets/format")),
    Room("runtime/observe", "progress, history, trace, stragglers", ("base", "job")),
    Room("runtime/averaging", "gradients in slabs and buckets, and how ranks average them",
         ("base", "job", "kernels", "collectives", "runtime/device", "runtime/comm", "runtime/models",
          "runtime/observe")),
    Room("runtime/optim", "optimizers on the slab, learning-rate schedules",
         ("base", "job", "kernels", "collectives", "runtime/device", "runtime/comm", "runtime/averaging")),
    Room("runtime/checkpoint", "snapshots, their files, resume, signals",
         ("base", "job", "storage", "model_files", "datasets/format", "runtime/device", "runtime/comm",
          "runtime/models", "runtime/observe", "runtime/averaging", "runtime/optim")),
    Room("runtime/train", "the training loop: start reading at `trainer.cpp`",
         ("base", "job", "storage", "datasets/format", "datasets/reading", "runtime/device", "runtime/comm",
          "runtime/models",
          "runtime/tasks", "runtime/observe", "runtime/averaging", "runtime/optim", "runtime/checkpoint")),
    Room("runtime/worker", "the program `ringtrain-worker`: one rank",
         ("base", "job", "storage", "datasets/format", "datasets/reading", "runtime/device", "runtime/comm",
          "runtime/models",
          "runtime/observe", "runtime/checkpoint", "runtime/train")),
    Room("mpijob/client", "a client of the Kubernetes API; nothing in it is about training", ("base", "net", "job")),
    Room("mpijob/objects", "a job as an MPIJob: rendered, submitted, deleted", ("base", "net", "job", "mpijob/client")),
    Room("mpijob/status", "a job's state, the reason why it does not run, its logs",
         ("base", "net", "job", "mpijob/client", "mpijob/objects")),
    Room("mpijob/operator", "the program `ringtrain-operator`: the TrainInKube controller",
         ("base", "net", "job", "model_files", "mpijob/client", "mpijob/objects", "mpijob/status")),
    Room("mpijob/image", "what runs in the pods beside the programs"),
    Room("mpijob/helm", "the chart"),
    Room("mpijob/manifests", "kustomize manifests"),
    Room("launcher/process", "child processes: trees that end whole, signals, scratch folders", ("base",)),
    Room("launcher/mpi", "mpirun and its messages, hostfiles, placement, ssh", ("base", "job", "launcher/process")),
    Room("launcher/script", "the process around a rank of a script: environment, output, how it ended",
         ("base", "job", "launcher/process")),
    Room("launcher/supervise", "attempts, recovery, gathering of hosts, hang detection",
         ("base", "job", "launcher/process", "launcher/mpi")),
    Room("launcher/terminal", "progress bars, the display of a run",
         ("base", "job", "launcher/supervise")),
    Room("server", "control plane: REST, jobs, the web UI",
         ("base", "net", "job", "storage", "tracking", "model_files", "mpijob", "launcher/process",
          "launcher/supervise")),
    Room("launcher/commands", "the program `ringtrain`: a file a sub-command",
         ("base", "net", "job", "storage", "tracking", "model_files", "datasets", "mpijob", "server",
          "launcher/process", "launcher/terminal", "launcher/mpi", "launcher/script", "launcher/supervise")),
    Room("serving", "the program `ringtrain-serve`: evaluates, applies and serves trained models",
         ("base", "net", "job", "storage", "tracking", "model_files", "datasets/format", "datasets/reading",
          "datasets/importers", "runtime/device", "runtime/models", "runtime/tasks")),
    Room("python", "the wheel: a torch.distributed backend, data, checkpoints",
         ("base", "collectives", "datasets", "job")),
    Room("examples", "job files, and the trainer used as a library", ALL_ABOVE),
    Room("benchmarks/predict", "step times predicted from measured figures: a pure function", ("base", "job")),
    Room("benchmarks", "the figures of the documentation, and the program `ringtrain-bench`", ALL_ABOVE),
    Room("tests", "what several kinds of tests share", ALL_ABOVE),
    Room("tests/unit", "GoogleTest; mirrors the tree", ALL_ABOVE),
    Room("tests/integration", "whole programs, and parts under a real `mpirun`", ALL_ABOVE),
    Room("tests/cluster", "several hosts as network namespaces; `kubernetes/`: a real Kubernetes of such hosts"),
    Room("tests/python", "scripts, and PyTorch's own tests, over the backend for torch"),
    Room("tests/simulation", "supervision and recovery under a fake clock and a fake mpirun", ALL_ABOVE),
    Room("tests/fuzz", "libFuzzer on all that reads input from outside", ALL_ABOVE),
    Room("tests/tidy", "rules of this page that a program can check"),
    Room("docs", "tutorials, guides, reference, internals, decisions, glossary"),
    Room("cmake", "compiler options, dependencies, installation"),
    Room("scripts", "setup, test, lint, fuzz, and the like"),
)

# A file's namespace is ringtrain::FOLDER, by its top folder; the vocabulary that every program shares, and the trainer,
# which other programs embed, are in ringtrain itself. Tests lie in the namespace of what they test.
PLAIN_NAMESPACE = ("base", "job", "runtime", "examples")

# Most arrows (pairs of folders of which one includes the other) among the folders of a part.
MOST_ARROWS = {"launcher": 12, "mpijob": 5, "datasets": 10, "runtime": 26}

# Folders that may include a library's headers: a name, its headers as a pattern, the folders.
LIBRARIES = (
    ("torch", r"(torch|ATen|c10)/", ("runtime", "serving", "python", "examples", "benchmarks", "tests")),
    ("MPI", r"mpi\.h", ("runtime/comm", "benchmarks", "tests")),
    ("NCCL", r"nccl\.h", ("runtime/comm", "benchmarks", "tests")),
    ("CUDA", r"cuda_runtime.*\.h",
     ("kernels", "runtime/device", "runtime/comm", "runtime/optim", "python", "benchmarks", "tests")),
    ("CLI11", r"CLI/",
     ("base/command_line.hpp", "tests/unit/base", "launcher/commands", "runtime/worker", "serving", "mpijob/operator",
      "benchmarks")),
    ("curl", r"curl/", ("net",)),
    ("Boost", r"boost/", ("net",)),
    ("spdlog", r"spdlog/", ("base/log.cpp",)),
    ("SQLite", r"sqlite3\.h", ("server/store",)),
    ("OpenSSL", r"openssl/", ("net", "tests")),
    ("libarchive", r"archive(_entry)?\.h", ("datasets/importers", "tests")),
    ("image codecs", r"(jpeglib|png)\.h", ("datasets/importers", "datasets/tools", "serving", "benchmarks", "tests")),
    ("HDF5", r"hdf5\.h", ("datasets/writing", "datasets/importers", "datasets/tools", "model_files/keras", "benchmarks",
                           "tests")),
)

# Folders whose files pip compiles at once (RINGTRAIN_SCRIPTS_ONLY), by the library that they become.
COMPILED_AT_ONCE = (("base", "base/terminal"), ("collectives",), ("datasets/format",), ("datasets/reading",),
                    ("job", "job/keys"), ("kernels",), ("launcher/commands",), ("launcher/mpi",), ("launcher/process",),
                    ("launcher/script",), ("launcher/supervise",), ("launcher/terminal",), ("storage", "storage/cache"))
