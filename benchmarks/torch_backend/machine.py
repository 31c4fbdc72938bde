# SPDX-License-Identifier: Apache-2.0
"""The machine that figures were measured on, and how much else it did meanwhile."""

import os
import pathlib
import re
import subprocess
import sys
import time

MOST_OTHERS = 0.03  # as benchmarks/commands/noise_gate.hpp has it
TICKS = os.sysconf("SC_CLK_TCK")


def provenance():
    """Processor, system, source and command."""
    root = pathlib.Path(__file__).parent
    git = subprocess.run(["git", "-C", root, "describe", "--always", "--dirty"], capture_output=True, text=True)
    processor = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "processor": processor[1] if processor else "unknown", "cores": len(os.sched_getaffinity(0)),
            "kernel": os.uname().release, "commit": git.stdout.strip() or "unknown",
            "command": " ".join(("compare.py", *sys.argv[1:]))}


class Noise:
    """Measures from its construction on."""

    def __init__(self):
        self._begun, self._busy = time.monotonic(), _busy_seconds()

    def of_others(self, own):
        """The share of the machine's processors that others used, as the hypervisor did; `own`: CPU seconds of the
        measured processes."""
        available = (time.monotonic() - self._begun) * os.cpu_count()
        return max(0.0, _busy_seconds() - self._busy - own) / available


def _busy_seconds():
    """All processors' seconds of users, system, interrupts and theft."""
    user, nice, system, _, _, *others = map(int, pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + sum(others)) / TICKS
