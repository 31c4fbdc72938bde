#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints a header for Doxygen: plain comments before and behind declarations become its own kind.

The first comment of a file describes the file. Indented lines after an empty one are code or a diagram; elsewhere the
characters that Doxygen gives a meaning are escaped.
"""

import pathlib
import re
import sys

COMMENT = re.compile(r"^(\s*)// ?(.*)$")
BEHIND = re.compile(r"^(.*[;,{)]|\s*\w+)\s+// (.*)$")


def escaped(text):
    return re.sub(r"(`[^`]*`)|([<>@\\#%&])", lambda found: found[1] or "\\" + found[2], text)


def documented(lines):
    """Yields the lines of a header with its comments as documentation."""
    first = True  # no code and no comment but the licence so far
    inside = False
    behind = False  # the comment began behind a declaration
    blank = code = False  # the comment's last line was empty, or code
    for line in lines:
        comment = COMMENT.match(line)
        if comment and "SPDX-License-Identifier" in line:
            yield ""
        elif comment and behind:
            yield f"{comment[1]}///< {escaped(comment[2])}"
        elif comment:
            if first and not inside:
                yield "/// @file"
            inside = True
            code = comment[2].startswith("  ") and (blank or code)
            blank = not comment[2].strip()
            yield f"{comment[1]}/// {'    ' + comment[2] if code else escaped(comment[2])}"
        else:
            first = first and not inside and not line.strip()
            inside = blank = code = False
            trailing = BEHIND.match(line)
            behind = bool(trailing) and not line.strip().startswith("#")
            yield f"{trailing[1]} ///< {escaped(trailing[2])}" if behind else line


if __name__ == "__main__":
    print("\n".join(documented(pathlib.Path(sys.argv[1]).read_text().split("\n"))))
