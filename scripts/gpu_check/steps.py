# SPDX-License-Identifier: Apache-2.0
"""The steps of the check, in their order. A step returns its figures, and raises where something is wrong."""
import json
import os
import shutil
import subprocess
import sys
import threading
import time

from gpu_check import figures, machine

PEER_MODELS, PEER_MODES, PEER_PRECISIONS = "lenet,resnet18", "eager,graph,compiled", "fp32,tf32,bf16"
# Tests that a rank alone, or ranks that share nothing, have no use for.
NEVER_HERE = "*SharedSlabs*"


class Check:
    """Things that the steps share."""

    def __init__(self, of, dataset, scratch):
        self.machine, self.dataset, self.scratch = of, dataset, scratch
        self.jobs = 0
        self.compiling = None

    def peers(self, *arguments):
        return [sys.executable, str(self.machine.folder / "peers/card_step.py"), str(self.dataset), *arguments]

    def job(self, **keys):
        """A job file of lenet on MNIST, with these keys besides; two underscores stand for a dot."""
        self.jobs += 1
        output = self.scratch / f"job{self.jobs}"
        values = {"model": "lenet", "dataset": str(self.dataset), "epochs": 100000, "batch_size": 128, "device": "cuda",
                  "evaluate_every_epochs": 0, "output": str(output), "checkpoint.every_epochs": 0,
                  "optimizer.learning_rate": 0.05, "optimizer.momentum": 0.9,
                  **{key.replace("__", "."): value for key, value in keys.items()}}
        groups = {}
        for key, value in values.items():
            group, _, name = key.rpartition(".")
            (groups.setdefault(group, {}) if group else groups)[name] = value
        file = self.scratch / f"job{self.jobs}.yaml"
        file.write_text(json.dumps(groups))  # JSON is YAML
        return str(file)

    def worker(self, ranks, job, before=()):
        return self.machine.ranks(ranks, [*before, self.machine.program("ringtrain-worker"), job, "--events"])

    def train(self, ranks, limit, before=(), variables=None, **keys):
        """A run's events."""
        output = self.machine.call(self.worker(ranks, self.job(**keys), before), limit, **(variables or {}))
        return list(figures.events(output))

    def train_until(self, enough, ranks, limit, job):
        """The events of a run that is killed when enough(events) says so."""
        process = subprocess.Popen(self.worker(ranks, job), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   errors="replace", env=self.machine.environment, start_new_session=True)
        killer = threading.Timer(limit, lambda: os.killpg(process.pid, 9))
        killer.start()
        found, lines = [], []
        for line in process.stdout:
            lines.append(line)
            found += figures.events(line)
            if enough(found):
                break
        killer.cancel()
        if process.poll() is None:
            os.killpg(process.pid, 9)
        process.wait()
        if not enough(found):
            raise machine.Failed("the run ended early: " + "".join(lines)[-2000:])
        return found

    def end(self):
        if self.compiling is not None:
            self.compiling.wait(0)


def facts(check):
    return {"tools": [tool for tool in ("compute-sanitizer", "ncu", "unshare") if shutil.which(tool)],
            "cores": os.cpu_count()}


def start(check):
    """Every program finds its libraries."""
    for program in sorted((check.machine.folder / "programs").iterdir()):
        found = check.machine.call(["ldd", program], 20).splitlines()
        missing = [line.strip() for line in found if "not found" in line]
        if missing:
            raise machine.Failed(f"{program.name}: {missing}")
    return {"version": check.machine.call([check.machine.program("ringtrain-worker"), "--version"], 60).strip()}


def compiling(check):
    """torch.compile fills its cache beside the next steps."""
    check.compiling = machine.Background(check.peers("--models", PEER_MODELS, "--modes", "compiled", "--precisions",
                                                     PEER_PRECISIONS, "--seconds", "0.1"),
                                         TORCHINDUCTOR_CACHE_DIR=str(check.scratch / "inductor"), OMP_NUM_THREADS="8")


def kernels(check):
    return {"tests": figures.passed_tests(check.machine.call([check.machine.program("kernels_cuda_test")], 60))}


def sanitizer(check):
    """compute-sanitizer on the kernels' tests, where the machine has it."""
    if not shutil.which("compute-sanitizer"):
        return {"left out": "no compute-sanitizer here"}
    few = "--gtest_filter=-*MoreElementsThanAGrid*:*LeavesNoErrorBehind*"  # of which one fails on purpose
    for tool in ("memcheck", "racecheck"):
        check.machine.call(["compute-sanitizer", "--tool", tool, "--error-exitcode", "9",
                            check.machine.program("kernels_cuda_test"), few], 60)
    return {"reports": 0}


def card_tests(check, ranks, chosen, limit, before=(), **variables):
    command = [*before, check.machine.program("gpu_card_test"), f"--gtest_filter={chosen}"]
    return figures.passed_tests(check.machine.call(check.machine.ranks(ranks, command), limit, **variables))


def card(check):
    """Events of graphs, the device's memory and kernels, NCCL on one rank, sums by way of host memory on two."""
    return {"one rank": card_tests(check, 1, f"-{NEVER_HERE}:*GivesUp*:*CardStep*", 90),
            "two ranks": card_tests(check, 2, f"Card/*Staged*-{NEVER_HERE}", 60)}


def captured(check):
    """Captured steps against eager ones, a capture that fails, on one rank and on two."""
    return {"one rank": card_tests(check, 1, "*CardStep*", 90), "two ranks": card_tests(check, 2, "*CardStep*", 90)}


def accuracy(check):
    """An epoch of MNIST on the GPU, captured and eager, and its first steps on the CPU."""
    done = {graph: check.train(1, 60, epochs=1, cuda_graph=graph, precision="fp32") for graph in (True, False)}
    results = {graph: figures.result_of(found) for graph, found in done.items()}
    found = {"test_accuracy": results[True]["test_accuracy"], "train_loss": results[True]["train_loss"],
             "train_loss eager": results[False]["train_loss"]}
    if results[True]["test_accuracy"] < 0.97:
        raise machine.Failed(f"test accuracy {results[True]['test_accuracy']}")
    if abs(found["train_loss"] - found["train_loss eager"]) > 0.02 * found["train_loss eager"]:
        raise machine.Failed(f"captured and eager steps differ: {found}")
    if figures.not_captured(done[True]):
        raise machine.Failed("steps were not captured")
    losses = {}
    for device in ("cpu", "cuda"):
        result = figures.result_of(check.train(1, 60, max_steps=100, device=device, precision="fp32"))
        losses[device] = result["train_loss"]
    found["loss of 100 steps"] = losses
    if abs(losses["cuda"] - losses["cpu"]) > 0.02 * losses["cpu"]:
        raise machine.Failed(f"GPU and CPU differ: {losses}")
    return found


def host_memory(check):
    """Two ranks that share the GPU: a model that waits for ranks, and a run that is killed and resumed."""
    resnet = check.train(2, 60, model="resnet18", max_steps=20)
    if figures.not_captured(resnet):
        raise machine.Failed("a model that waits for ranks was tried to be captured")
    keys = {"checkpoint__every_steps": 10, "max_steps": 200}
    job = check.job(**keys)
    check.train_until(lambda found: any(event["event"] == "checkpoint" for event in found), 2, 60, job)
    output = check.machine.call(check.worker(2, job), 60)
    result = figures.result_of(list(figures.events(output)))
    if not result["resumed_from_step"]:
        raise machine.Failed("the run was not resumed")
    return {"resumed_from_step": result["resumed_from_step"], "train_loss": result["train_loss"]}


def nccl(check):
    """Two NCCL ranks on one GPU, each with a host name of its own, which NCCL takes for two machines."""
    before = ["unshare", "--uts", "sh", "-c", 'hostname card$OMPI_COMM_WORLD_RANK && exec "$@"', "sh"]
    variables = {"NCCL_SOCKET_IFNAME": "lo"}
    tests = card_tests(check, 2, f"Card/*Nccl*-{NEVER_HERE}:*GivesUp*", 60, before, **variables)
    alone = figures.result_of(check.train(1, 40, max_steps=60, precision="fp32"))["train_loss"]
    losses = {}
    for name, keys in {"fp32": {}, "bf16": {"communication__wire": "bf16"},
                       "sharded": {"communication__shard_optimizer": True}}.items():
        result = figures.result_of(check.train(2, 40, before, variables, max_steps=60, precision="fp32",
                                               communication__backend="nccl", **keys))
        losses[name] = result["train_loss"]
        if abs(result["train_loss"] - alone) > 0.03 * alone:
            raise machine.Failed(f"{name}: loss {result['train_loss']}, of one rank {alone}")
    return {"tests": tests, "losses": losses, "loss of one rank": alone}


def waiting(check):
    """Nothing else runs from here."""
    return {"exit code": check.compiling.wait(60)} if check.compiling else {}


def bandwidth(check):
    return figures.bandwidths(check.machine.call([check.machine.program("kernels_cuda_bench"), "256"], 60))


def rate(check, model, precision, graph, seconds):
    def enough(found):
        steps = [event for event in found if event["event"] == "step"]
        return bool(steps) and figures.seconds_of(steps[-1]) - figures.seconds_of(steps[0]) >= 1 + seconds
    job = check.job(model=model, precision=precision, cuda_graph=graph)
    return figures.rate_once_warm(check.train_until(enough, 1, 30, job))


def ours(check, runs=None, seconds=4):
    """Samples per second of one rank."""
    runs = runs or (("lenet", "tf32", True), ("lenet", "tf32", False), ("lenet", "fp32", True),
                    ("resnet18", "fp32", True), ("resnet18", "tf32", True), ("resnet18", "bf16", True),
                    ("resnet18", "tf32", False))
    return {f"{model} {precision} {'captured' if graph else 'eager'}": rate(check, model, precision, graph, seconds)
            for model, precision, graph in runs}


def peers(check):
    """PyTorch on the same models, samples on the GPU."""
    output = check.machine.call(
        check.peers("--models", PEER_MODELS, "--modes", PEER_MODES, "--precisions", PEER_PRECISIONS, "--seconds", "2"),
        120, own=False, TORCHINDUCTOR_CACHE_DIR=str(check.scratch / "inductor"))
    rows = [json.loads(line) for line in output.splitlines() if line.startswith('{"model"')]
    return {f"{row['model']} {row['precision']} {row['mode']}": row.get("samples_per_second", row.get("error"))
            for row in rows}


def again(check):
    """The spread of our own rates; bytes that kernels move, where the machine has ncu."""
    found = ours(check, (("lenet", "tf32", True), ("resnet18", "tf32", True)), 3)
    if shutil.which("ncu"):
        time.sleep(1)
        found["ncu"] = check.machine.call(
            ["ncu", "--clock-control", "none", "-k", "regex:pack_parts|update_all", "-c", "6", "--metrics",
             "dram__bytes.sum,smsp__sass_average_data_bytes_per_sector_mem_global_op_st.ratio",
             check.machine.program("kernels_cuda_bench"), "64"], 60)[-4000:]
    return found


ALL = (facts, start, compiling, kernels, sanitizer, card, captured, accuracy, host_memory, nccl, waiting, bandwidth,
       ours, peers, again)
