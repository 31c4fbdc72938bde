# SPDX-License-Identifier: Apache-2.0
"""Lengths of files and functions, and the number of units in a folder."""

import collections
import posixpath

import cpp
import scripts
from source_tree import CPP_SUFFIXES, Finding, unit

MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 70
MOST_UNITS_OF_A_FOLDER = 22
FURNITURE = ("CMakeLists.txt", "README.md")


def check(tree):
    for path in tree.of_kind("cpp", "python", "shell", "cmake"):
        lines = tree.text(path).count("\n")
        if lines > MOST_LINES_OF_A_FILE:
            yield Finding("file-length", path, 1, f"{lines} lines, at most {MOST_LINES_OF_A_FILE}: split it")
    for path in tree.of_kind("cpp", "python"):
        parse = cpp.parse if tree.kind(path) == "cpp" else scripts.parse_python
        for function in parse(tree.text(path)).functions:
            lines = function.last - function.first + 1
            if lines > MOST_LINES_OF_A_FUNCTION:
                yield Finding("function-length", path, function.first,
                              f"{function.name}: {lines} lines, at most {MOST_LINES_OF_A_FUNCTION}: split it",
                              function.name)
    yield from check_folders(tree)


def check_folders(tree):
    units = collections.defaultdict(set)
    for path in tree.of_kind("cpp", "python", "shell", "cmake", "markdown"):
        if posixpath.basename(path) not in FURNITURE:
            units[posixpath.dirname(path) or "."].add(unit(path) if path.endswith(CPP_SUFFIXES) else path)
    for folder, inside in sorted(units.items()):
        # A series that is numbered is one list, however long.
        inside = {one for one in inside if not posixpath.basename(one)[:3].isdigit()}
        if len(inside) > MOST_UNITS_OF_A_FOLDER:
            yield Finding("folder", folder, 1,
                          f"{len(inside)} units, at most {MOST_UNITS_OF_A_FOLDER}: make folders of it")
