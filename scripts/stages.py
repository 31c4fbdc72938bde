#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds and runs tests stage by stage, for scripts/test; each stage is a list of commands.

Counts come from ctest's JUnit files. CI runs everything that is fast, and of the rest a quarter in turn, by the commit:
tests with the label of that turn (turn0 to turn3), clang-tidy on a quarter of its files, in turn 3 the site.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESULTS = ROOT / "build/results"
FULL_RUN = ROOT / "tests/last-full-run.json"
CI_MINUTES = 75
CUDA_TARGETS = ("ringtrain-worker", "kernels_cuda_test", "kernels_cuda_bench", "gpu_backends_test", "gpu_card_test",
                "mig_slice_test")
IMAGE_TARGETS = ("ringtrain", "ringtrain-serve", "ringtrain-operator")  # besides, what the image for GPUs holds


class Counts(NamedTuple):
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Counts(*(mine + theirs for mine, theirs in zip(self, other)))

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


class Stage(NamedTuple):
    name: str
    commands: list
    cleanup: list = []  # command after a failure, for processes that outlive a killed ctest
    minutes: int = 0  # needed at most: with less left, CI does not begin the stage, and its summary says so


class Done(NamedTuple):
    stage: str
    minutes: float
    counts: Counts
    skipped: dict  # {reason: names of the tests that were skipped for it}
    failed: list  # names of tests
    summary: list  # ctest's own closing lines
    ok: bool


def build(preset, *arguments):
    return [["cmake", "--preset", preset, *(word for word in arguments if word.startswith("-D"))],
            ["cmake", "--build", "--preset", preset, *(word for word in arguments if not word.startswith("-D"))]]


def ctest(preset, *arguments):
    return ["ctest", "--test-dir", f"build/{preset}", "--output-on-failure", "--no-tests=error", *arguments]


def has_kubernetes():
    """True if Kubernetes' programs were built before; their build takes 10 minutes."""
    return subprocess.run(["bash", "-c", '. tests/cluster/kubernetes/names.sh && [ -e "$built/complete" ]'],
                          cwd=ROOT).returncode == 0


def stages(turn):
    """All of them; with a turn, what CI does with a commit of that quarter."""
    quarter = [] if turn is None else ["--quarter", str(turn)]
    release = [] if turn is None else ["-DCMAKE_BUILD_TYPE=Release"]  # the same code, sooner
    others = [] if turn is None else ["-LE", f"turn[^{turn}]"]
    without = "|".join(["kubernetes", *others[1:]])
    setup = [["scripts/setup", "--cluster"]] if os.geteuid() == 0 else []  # without root these tests are skipped
    packaging = [["scripts/setup", "--package"]] if turn in (None, 3) else []
    image = IMAGE_TARGETS if turn in (None, 2) else ()
    site = [Stage("site", [["scripts/setup", "--site"], ["scripts/site"]])]
    return [
        Stage("cpu", [*packaging, *build("cpu", *release), ctest("cpu", "-LE", without)]),
        Stage("lint", [["scripts/lint", *quarter]]),
        Stage("asan", [*build("asan"), ctest("asan", "-L", "unit")]),
        Stage("tsan", [*build("tsan"), ctest("tsan", "-L", "unit")]),
        Stage("fuzz", [["scripts/fuzz"]]),
        # No GPU is needed to compile and link for one: the backends run over a stand-in for CUDA and NCCL.
        Stage("cuda", [*build("cuda", *release, "-DCMAKE_CUDA_ARCHITECTURES=90", "--target", *CUDA_TARGETS, *image),
                       ctest("cuda", "-R", "gpu_backends_test|mig_slice_test|kernels_code_test|gpu_image_test",
                             *others)]),
        Stage("kubernetes", [*setup, ctest("cpu", "-L", "kubernetes", *others)],
              ["tests/cluster/kubernetes/down"], 13 if has_kubernetes() else 32),
        *(site if turn in (None, 3) else []),
    ]


def run_command(command, seconds, junit):
    """(exit code, ctest's closing lines); output is shown as it comes."""
    if command[0] == "ctest":
        command = [*command, "--output-junit", str(junit)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, errors="replace",
                               start_new_session=True)
    deadline = None if seconds is None else time.monotonic() + seconds
    signal.setitimer(signal.ITIMER_REAL, 0 if seconds is None else max(seconds, 1))
    summary = []
    try:
        for line in process.stdout:
            print(line, end="", flush=True)
            if re.match(r"\d+% tests passed, ", line):
                summary.append(line.strip())
        return process.wait(), summary
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, TimeoutError) and deadline:
            print(f"test: out of time: {' '.join(command)}", flush=True)
            return 124, summary
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def read_junit(file):
    """(counts, {reason: names of the tests that were skipped for it}, names of those that failed)."""
    counts, skipped, failed = Counts(), {}, []
    for case in xml.etree.ElementTree.parse(file).iter("testcase"):
        status = case.get("status")
        counts += Counts(status == "run", status == "fail", status not in ("run", "fail"))
        if status == "notrun":
            reason = re.search(r"^skipped: (.*)", case.findtext("system-out") or "", re.MULTILINE)
            skipped.setdefault(reason[1] if reason else "no reason given", []).append(case.get("name"))
        elif status == "fail":
            failed.append(case.get("name"))
    return counts, skipped, failed


def run_stage(stage, deadline):
    print(f"\n== {stage.name}", flush=True)
    begun = time.monotonic()
    if deadline and deadline - begun < 60 * stage.minutes:
        reason = f"{(deadline - begun) / 60:.0f} minutes are left and it may need {stage.minutes}"
        return Done(stage.name, 0, Counts(skipped=1), {reason: [stage.name]}, [], [], True)
    counts, skipped, failed, summary, ok = Counts(), {}, [], [], True
    for command in stage.commands:
        junit = RESULTS / f"{stage.name}.xml"
        junit.unlink(missing_ok=True)
        code, lines = run_command(command, deadline and deadline - time.monotonic(), junit)
        summary += lines
        if junit.exists():
            more, skipped, failed = read_junit(junit)
            counts += more
        if code != 0:
            ok = False
            break
    if not ok and stage.cleanup:
        subprocess.run(stage.cleanup, cwd=ROOT)
    if not ok and not counts.failed or not any(counts):
        counts += Counts(passed=ok, failed=not ok)  # a stage without tests of its own is one test
    return Done(stage.name, (time.monotonic() - begun) / 60, counts, skipped, failed, summary, ok)


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def write_full_run(commit, total, done):
    FULL_RUN.write_text(json.dumps({
        "commit": commit, "passed": total.passed, "failed": total.failed, "skipped": total.skipped,
        "stages": {entry.stage: {"minutes": round(entry.minutes, 1), **entry.counts._asdict()} for entry in done}},
        indent=1) + "\n")


def report(done, total, minutes, setup_minutes):
    print(f"\n== summary\n{'setup':12} {setup_minutes:5.1f} min")
    for entry in done:
        print(f"{entry.stage:12} {entry.minutes:5.1f} min   {entry.counts}{'' if entry.ok else '   FAILED'}")
    for entry in done:
        for line in entry.summary:
            print(f"{entry.stage}: {line}")
    for entry in done:
        if entry.failed:
            print(f"{entry.stage}: failed: {', '.join(entry.failed)}")
        for reason, names in entry.skipped.items():
            listed = ", ".join(names[:5]) + (", ..." if names[5:] else "")
            print(f"{entry.stage}: {len(names)} skipped, {reason}: {listed}")
    print(f"{minutes:.1f} minutes")
    print(f"tests: {total}")


def out_of_time(*_):
    raise TimeoutError


def main():
    mode = sys.argv[1] if len(sys.argv) > 1 else "--all"
    setup_seconds = float(os.environ.get("RINGTRAIN_SETUP_SECONDS", 0))
    begun = time.monotonic() - setup_seconds
    commit = git("rev-parse", "HEAD")
    turn = int(commit[:8], 16) % 4 if mode == "--ci" else None
    chosen = stages(turn)
    if mode in ("--quick", "--cluster"):
        wanted = {"--quick": "cpu", "--cluster": "kubernetes"}[mode]
        chosen = [stage for stage in chosen if stage.name == wanted]
    if mode == "--cluster":
        chosen[0].commands[:0] = build("cpu", "--target", "ringtrain", "ringtrain-worker")
    deadline = begun + 60 * CI_MINUTES if mode == "--ci" else None
    if turn is not None:
        print(f"test: commit {commit[:12]} has turn {turn} of 0 to 3 of what is not run each time")
    signal.signal(signal.SIGALRM, out_of_time)
    RESULTS.mkdir(parents=True, exist_ok=True)
    done = [run_stage(stage, deadline) for stage in chosen]
    minutes = (time.monotonic() - begun) / 60
    total = sum((entry.counts for entry in done), Counts())
    if mode == "--all":
        write_full_run(commit, total, done)
    report(done, total, minutes, setup_seconds / 60)
    if deadline and time.monotonic() > deadline:
        sys.exit(f"test: {minutes:.0f} minutes are too many: at most {CI_MINUTES}")
    sys.exit(0 if all(entry.ok for entry in done) else 1)


if __name__ == "__main__":
    main()
