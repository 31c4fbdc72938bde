#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PyTorch's own tests of distributed backends over ours: by name, and in gloo's place for those that are Gloo's.

  held_out_test.py [NAME...]    all tests that do not name a GPU's library, or those whose name contains a NAME

By name, tests run that PyTorch skips for backends it does not know, too: one that passes counts, one that fails has to
pass in gloo's place where it is for Gloo. Each other failure has to be in held_out_exceptions.txt with its reason, and
at least as many tests as its first lines say have to pass.
"""

import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
EXCEPTIONS = HERE / "held_out_exceptions.txt"
MOST_EXCEPTIONS = 8
BY_NAME, IN_PLACE, FOUR = "by name", "in gloo's place", "with 4 ranks"
ENVIRONMENTS = {
    BY_NAME: {"BACKEND": "ringtrain", "WORLD_SIZE": "3"},
    IN_PLACE: {"BACKEND": "gloo", "RINGTRAIN_REPLACE": "gloo", "WORLD_SIZE": "3", "MARKS": "1"},
    FOUR: {"BACKEND": "ringtrain", "WORLD_SIZE": "4"},  # those that need as many
}


def run(way, names):
    """{name of a test: [outcome, reason]}."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "outcomes.json")
        subprocess.run([sys.executable, HERE / "held_out_ranks.py", file, *names], check=True,
                       env={**os.environ, **ENVIRONMENTS[way]})
        outcomes = json.loads(file.read_text())
    counts = collections.Counter(outcome for outcome, _ in outcomes.values())
    print(f"{way}: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.items()), flush=True)
    for name, (outcome, reason) in outcomes.items():
        if names or outcome in ("failed", "marked"):
            print(f"  {name}: {outcome} {reason}", flush=True)
    return outcomes


def exceptions():
    """({way, or "in all": least number that has to pass}, {name of a test: reason})."""
    least, reasons = {}, {}
    for line in EXCEPTIONS.read_text().splitlines():
        if number := re.fullmatch(r"(\d+) pass (.*)", line):
            least[number[2]] = int(number[1])
        elif line and not line.startswith("#"):
            name, reason = line.split(None, 1)
            reasons[name] = reason
    return least, reasons


def judge(by_way):
    """Yields what is wrong."""
    least, reasons = exceptions()
    failed = {name for outcomes in by_way.values() for name, (outcome, _) in outcomes.items() if outcome == "failed"}
    yield from (f"{name} failed and is no exception" for name in sorted(failed - set(reasons)))
    yield from (f"{name} does not fail any more: delete its line" for name in reasons if name not in failed)
    if len(reasons) > MOST_EXCEPTIONS:
        yield f"{len(reasons)} exceptions, and at most {MOST_EXCEPTIONS} may be there"
    passed = {way: {name for name, (outcome, _) in outcomes.items() if outcome == "passed"}
              for way, outcomes in by_way.items()}
    passed["either way with 3 ranks"] = passed[BY_NAME] | passed[IN_PLACE]
    for way, names in passed.items():
        print(f"{len(names)} pass {way}")
        if len(names) < least[way]:
            yield f"{len(names)} pass {way}, and at least {least[way]} have to"


def main(names):
    by_way = {way: run(way, names) for way in (BY_NAME, IN_PLACE)}
    if names:
        return 0
    need_four = [name for name, (_, reason) in by_way[IN_PLACE].items() if "exact world size of 4" in reason]
    by_way[FOUR] = run(FOUR, need_four)
    wrong = list(judge(by_way))
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
