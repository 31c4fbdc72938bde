#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what neither compiler nor formatter does: who includes whom, lengths, plain English, dead code, names.

  tidy.py                     a line for each finding; exit code 1 if there is one, 77 outside a git checkout
  tidy.py --map               CONTRIBUTING.md's map; --write-map puts it there
  tidy.py --arrows            arrows between the folders of each part
  tidy.py --list-exceptions   lines for exceptions.txt that would let every finding of today pass
  tidy.py --shrink            deletes the lines of exceptions.txt that are no longer needed
"""

import argparse
import pathlib
import sys

import check_dead
import check_documents
import check_form
import check_includes
import check_lengths
import check_local_names
import check_words
import exceptions
import rooms
from source_tree import Finding, Tree

CHECKS = (check_includes, check_lengths, check_words, check_dead, check_form, check_local_names,
          check_documents)


def findings_of(tree):
    return [finding for module in CHECKS for finding in module.check(tree)]


def run(tree):
    """Findings after the exceptions, with those about the exceptions themselves."""
    rules, wrong = exceptions.read(tree.text(exceptions.FILE) if tree.exists(exceptions.FILE) else "")
    left, idle = exceptions.apply(rules, findings_of(tree))
    return left + wrong + [
        Finding("exceptions", exceptions.FILE, rule.line, "no longer needed: delete the line (tidy.py --shrink)")
        for rule in idle]


def shrink(tree):
    text = tree.text(exceptions.FILE)
    rules, _ = exceptions.read(text)
    _, idle = exceptions.apply(rules, findings_of(tree))
    (tree.root / exceptions.FILE).write_text(exceptions.without(text, idle))
    print(f"tidy: {len(idle)} lines deleted, {len(rules) - len(idle)} left in {exceptions.FILE}")


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_mutually_exclusive_group()
    for mode in ("map", "write-map", "arrows", "list-exceptions", "shrink"):
        modes.add_argument(f"--{mode}", action="store_true")
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parents[2], help="the checkout to look at")
    options = parser.parse_args(arguments)
    try:
        tree = Tree(options.root)
    except (RuntimeError, FileNotFoundError) as error:
        print(f"tidy: skipped, this is no git checkout: {error}", file=sys.stderr)
        return 77
    if options.map:
        print(check_documents.house_map(tree))
    elif options.write_map:
        (tree.root / check_documents.MAP_FILE).write_text(check_documents.with_map(tree))
    elif options.arrows:
        for part, most in rooms.MOST_ARROWS.items():
            pairs = sorted(check_includes.arrows(tree)[part])
            print(f"{part}: {len(pairs)}, at most {most}", *(f"  {a} -> {b}" for a, b in pairs), sep="\n")
    elif options.list_exceptions:
        print(exceptions.listed(findings_of(tree)), end="")
    elif options.shrink:
        shrink(tree)
    else:
        found = run(tree)
        for finding in found:
            print(finding)
        print(f"tidy: {len(tree.files)} files, {len(found)} findings", file=sys.stderr)
        return 1 if found else 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
