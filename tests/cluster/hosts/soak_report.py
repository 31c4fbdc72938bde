# SPDX-License-Identifier: Apache-2.0
"""Counts of the soak, and its report in Markdown."""

import collections
import dataclasses
import os
import time

ENDS = {0: "0, model finished", -9: "killed by SIGKILL", -1: "SIGHUP, at once", -2: "SIGINT, at once",
        -15: "SIGTERM, at once", 4: "4, clear line", 129: "129, SIGHUP", 130: "130, SIGINT", 143: "143, SIGTERM",
        2: "2, clear line", 3: "3, clear line"}


@dataclasses.dataclass
class Tally:
    jobs: int = 0
    faults: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    not_available: set = dataclasses.field(default_factory=set)
    exits: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    clear_lines: list = dataclasses.field(default_factory=list)
    recoveries: list = dataclasses.field(default_factory=list)  # "recovery" of every result.json that has one


def write(tally, command, disk_mib, seconds, failure):
    """Returns the report's text; failure is empty where every job ended well."""
    verdict = f"Failed: {failure.splitlines()[0]}" if failure else (
        "Every job ended with the model of the undisturbed job, bit by bit.")
    lines = ["# Soak: training under random faults", "",
             f"`{command}`, {time.strftime('%Y-%m-%d', time.gmtime())}: {tally.faults.total()} faults in {tally.jobs} "
             f"jobs, {seconds / 60:.0f} minutes, {os.cpu_count()} cores. Jobs of 2 ranks, on one host (shared memory) "
             f"or on two (namespaces with an sshd each), checkpoints every 50 steps to a tmpfs of {disk_mib} MiB.", "",
             f"**{verdict}** After each job there was no process, no file in /dev/shm and no half-written file left on "
             "any host.", "",
             "| fault | times |", "|---|---:|"]
    lines += [f"| {name.replace('_', ' ')} | {count} |" for name, count in sorted(tally.faults.items())]
    lines += [f"| {name.replace('_', ' ')} | not possible here |" for name in sorted(tally.not_available)]
    lines += ["", "| how `ringtrain run` ended | times |", "|---|---:|"]
    lines += [f"| {ENDS.get(code, code)} | {count} |" for code, count in sorted(tally.exits.items())]
    lines += ["", "After every end other than 0 the same command was started again, and resumed from the newest good "
              "checkpoint."]
    lost = sorted(recovery["seconds_lost"] / recovery["restarts"] for recovery in tally.recoveries)
    if lost:
        lines += ["", "Seconds lost by a restart without leaving `ringtrain run` (from the last step before the fault "
                  f"to the same step after it; a job's mean over its restarts), {len(lost)} jobs: median "
                  f"{lost[len(lost) // 2]:.1f}, largest {lost[-1]:.1f}. A lost or cut-off host is waited for, and a "
                  "paused rank counts as hung after 10 s."]
    if tally.clear_lines:
        lines += ["", "The clear lines:", ""] + [f"- `{line}`" for line in tally.clear_lines[:12]]
    return "\n".join(lines) + "\n"
