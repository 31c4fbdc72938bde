# SPDX-License-Identifier: Apache-2.0
"""Runs the steps one after the other; each has a limit of its own, and what fails does not stop the next.

The JSON file is written anew after every step, so that a check that is cut short leaves what it has found.
"""
import json
import lzma
import pathlib
import sys
import tarfile
import tempfile
import time

from gpu_check import figures, machine, steps

NO_GPU = 77
OUT_OF_SECONDS = 405  # no step begins later than this; steps that were named with --only do
GIT_OF_TORCH = "70d99e99"  # libtorch 2.11.0, which ringtrain is built with


def names():
    return [step.__name__ for step in steps.ALL]


def chosen(only):
    wanted = [name for name in only.split(",") if name]
    unknown = set(wanted) - set(names())
    if unknown:
        raise ValueError(f"--only: no step {', '.join(sorted(unknown))}; steps are {', '.join(names())}")
    return [step for step in steps.ALL if not wanted or step.__name__ in wanted]


def take(step, check):
    """One step's entry in the JSON file."""
    begun = time.monotonic()
    entry = {"ok": True, "figures": {}}
    try:
        entry["figures"] = step(check) or {}
    except Exception as error:  # a step that fails in any way must not end the check
        entry.update(ok=False, error=f"{type(error).__name__}: {error}"[:4000])
    entry["seconds"] = round(time.monotonic() - begun, 1)
    return entry


def unpack(archive, scratch):
    """The folder of the archive: this one, if it is one."""
    here = pathlib.Path(__file__).resolve().parents[1]
    if (here / "programs").exists():
        folder = here
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(scratch)
        folder = scratch / "gpu"
    dataset = scratch / "mnist.h5"
    dataset.write_bytes(lzma.decompress((folder / "mnist.h5.xz").read_bytes()))
    return folder, dataset


def refuse_other_torch(facts):
    if not facts["git"].startswith(GIT_OF_TORCH):
        raise machine.Failed(f"torch {facts['version']} ({facts['git'][:8]}) is not the release that ringtrain is "
                             f"built with ({GIT_OF_TORCH}, torch 2.11.0): its libraries do not fit")


def check_all(arguments, card, scratch):
    report = {"card": card, "steps": {}}

    def write():
        report["verdicts"] = figures.verdicts(report["steps"])
        pathlib.Path(arguments.json).write_text(json.dumps(report, indent=1) + "\n")

    begun = time.monotonic()
    report["torch"] = json.loads(machine.torch_facts())
    refuse_other_torch(report["torch"])
    folder, dataset = unpack(arguments.archive, scratch)
    report["commit"] = (folder / "commit").read_text().strip()
    check = steps.Check(machine.Machine(folder, report["torch"]["folder"]), dataset, scratch)
    for step in chosen(arguments.only):
        name = step.__name__
        if not arguments.only and time.monotonic() - begun > OUT_OF_SECONDS:
            report["steps"][name] = {"ok": False, "error": "not begun: out of time"}
            continue
        entry = report["steps"][name] = take(step, check)
        print(f"{time.monotonic() - begun:6.1f} s  {name:12} {'ok' if entry['ok'] else 'FAILED: ' + entry['error']}",
              flush=True)
        write()
        if name == "start" and not entry["ok"]:
            break  # no program starts here
    check.end()
    write()
    for verdict in report["verdicts"]:
        print(f"{'met' if verdict['met'] else 'MISSED':6} {verdict['bar']}: {verdict['value']}, "
              f"at least {verdict['least']}")
    return 0 if all(entry["ok"] for entry in report["steps"].values()) else 1


def main(arguments):
    try:
        chosen(arguments.only)
    except ValueError as error:
        print(f"gpu-check: {error}", file=sys.stderr)
        return 2
    card = machine.card()
    if card is None:
        print("gpu-check: this machine has no NVIDIA GPU that nvidia-smi knows: nothing was checked", file=sys.stderr)
        return NO_GPU
    with tempfile.TemporaryDirectory() as scratch:
        try:
            return check_all(arguments, card, pathlib.Path(scratch))
        except (machine.Failed, OSError) as error:
            print(f"gpu-check: {error}", file=sys.stderr)
            return 1
