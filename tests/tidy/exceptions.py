# SPDX-License-Identifier: Apache-2.0
"""Findings that are let pass: `check path-glob[:name] # why`, one a line; a heading (#) above gives the reason of all
below it."""

import fnmatch
import re
from typing import NamedTuple

from source_tree import Finding

FILE = "tests/tidy/exceptions.txt"
LINE = re.compile(r"([\w-]+) ([^\s:]+)(?::(\S(?:.*?\S)?))?(?:\s+#\s*(.*))?$")


class Rule(NamedTuple):
    line: int
    check: str
    glob: str
    name: str

    def covers(self, finding):
        return (self.check == finding.check and fnmatch.fnmatchcase(finding.path, self.glob)
                and (not self.name or fnmatch.fnmatchcase(finding.name, self.name)))


def read(text):
    """The rules, and a finding for each line that is none."""
    rules, wrong = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.match(line.rstrip())
        if match:
            rules.append(Rule(number, match[1], match[2], match[3] or ""))
        else:
            wrong.append(Finding("exceptions", FILE, number, "unreadable: write `check path-glob[:name] # why`"))
    return rules, wrong


def apply(rules, findings):
    """The findings that no rule covers, and the rules that cover none; the second rule for a finding covers none."""
    used, left = set(), []
    for finding in findings:
        rule = next((rule for rule in rules if rule.covers(finding)), None)
        if rule:
            used.add(rule)
        else:
            left.append(finding)
    return left, [rule for rule in rules if rule not in used]


def listed(findings):
    """The text of a list that lets all of these pass: a line for each check and file below a heading."""
    lines = []
    for check in dict.fromkeys(finding.check for finding in findings):
        lines += ["", f"# {check}: older than the check"]
        lines += sorted({f"{check} {finding.path}" for finding in findings if finding.check == check})
    return "\n".join(lines) + "\n"


def without(text, rules):
    """The list without some of its rules, and without headings below which nothing is left."""
    dropped = {rule.line for rule in rules}
    kept = [line for number, line in enumerate(text.split("\n"), 1) if number not in dropped]
    result = "\n".join(kept)
    return re.sub(r"\n# [^\n]*\n+(?=\n# |\Z)", "\n", result)
