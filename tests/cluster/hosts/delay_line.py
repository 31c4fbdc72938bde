# SPDX-License-Identifier: Apache-2.0
"""Finds the program of delay_line.cpp."""

import os
import pathlib
import sys


def program():
    """The newest that was built of this checkout, or $RINGTRAIN_DELAY_LINE."""
    if chosen := os.environ.get("RINGTRAIN_DELAY_LINE"):
        return chosen
    built = pathlib.Path(__file__).resolve().parents[3].glob("build/*/bin/delay_line")
    try:
        return max(built, key=lambda file: file.stat().st_mtime)
    except ValueError:
        sys.exit("delay_line: it is not built: build the target delay_line, or set RINGTRAIN_DELAY_LINE")
