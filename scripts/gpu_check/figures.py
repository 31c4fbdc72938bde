# SPDX-License-Identifier: Apache-2.0
"""Figures from what programs print, and the bars that they are held against. Nothing here runs anything."""
import datetime
import json
import re
import statistics


class TestsFailed(Exception):
    """Tests that failed, were skipped, or did not run at all."""


def passed_tests(output):
    """How many tests of a GoogleTest program passed. Raises where one failed or was skipped, or none ran."""
    output = re.sub(r"\x1b\[[0-9;]*[mK]", "", output)
    # Its own count has tests that a global set-up has kept from running.
    passed = len(re.findall(r"^\[       OK \] ", output, re.MULTILINE))
    lost = re.findall(r"^\[  (?:FAILED|SKIPPED) +\] ([\w/.]+)(?:,| \()", output, re.MULTILINE)
    if lost:
        raise TestsFailed("failed or skipped: " + ", ".join(sorted(set(lost))))
    if not passed:
        raise TestsFailed("no test ran")
    return passed


def events(output):
    """The events among a worker's lines."""
    for line in re.split(r"[\n\x1e]", output):
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:
                pass  # cut off where the worker was ended


def seconds_of(event):
    return datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()


def rate_once_warm(found):
    """Median samples per second of step events from one second after the first on; None of a run too short."""
    steps = [event for event in found if event["event"] == "step"]
    rates = [step["samples_per_second"] for step in steps if seconds_of(step) >= seconds_of(steps[0]) + 1]
    return statistics.median(rates) if rates else None


def result_of(found):
    """The result among a worker's events. Raises where there is none."""
    for event in found:
        if event["event"] == "result":
            return event
    raise ValueError("the run left no result")


def not_captured(found):
    """Whether a worker says that it does not capture its steps."""
    return any("not captured" in event.get("message", "") for event in found if event["event"] == "log")


def bandwidths(output):
    """{kernel: {"rate", "copy_rate", "ratio"}} in GB/s, from kernels_cuda_bench."""
    row = re.compile(r"^(\S.*?) +[\d.]+ +([\d.]+) +([\d.]+) +([\d.]+)$", re.MULTILINE)
    return {name: {"rate": float(rate), "copy_rate": float(copy), "ratio": float(ratio)}
            for name, rate, copy, ratio in row.findall(output)}


def bar(name, value, least):
    return {"bar": name, "value": value, "least": least, "met": value is not None and value >= least}


def quotient(over, under):
    """None where one is missing, or is an error's text."""
    both_known = all(isinstance(value, (int, float)) and value > 0 for value in (over, under))
    return round(over / under, 3) if both_known else None


def verdicts(steps):
    """The bars that figures are held against; of steps that did not run, none."""
    found = []
    kernels = steps.get("bandwidth", {}).get("figures", {})
    for name in ("pack", "sgd, momentum", "adamw", "lars"):
        if name in kernels:
            found.append(bar(f"{name}: share of the copy rate", kernels[name]["ratio"], 0.85))
    ours, peers = steps.get("ours", {}).get("figures", {}), steps.get("peers", {}).get("figures", {})
    if ours:
        found.append(bar("lenet: captured over eager steps",
                         quotient(ours.get("lenet tf32 captured"), ours.get("lenet tf32 eager")), 3))
    if ours and peers:
        for model, mode, least in (("lenet", "graph", 0.9), ("resnet18", "eager", 1.1), ("resnet18", "compiled", 0.8)):
            for precision in ("fp32", "tf32", "bf16"):
                own = ours.get(f"{model} {precision} captured")
                if own:
                    found.append(bar(f"{model} {precision}: over PyTorch {mode}",
                                     quotient(own, peers.get(f"{model} {precision} {mode}")), least))
    return found
