#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A program loads none of these libraries, neither itself nor by way of another.

  links_test.py PROGRAM LIBRARY...
"""

import pathlib
import subprocess
import sys


def libraries_of(program):
    """Names of all shared libraries that the loader would load: "libc.so.6"."""
    listed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    return sorted(pathlib.Path(line.split()[0]).name for line in listed.splitlines() if line.strip())


def main():
    program, *unwanted = sys.argv[1:]
    loaded = libraries_of(program)
    if "libc.so.6" not in loaded or not unwanted:
        sys.exit(f"{program}: ldd lists no C library, or there is nothing to look for")
    # "libpng" also stands for libpng16.so.16, "libtorch" for libtorch_cpu.so.
    found = [library for library in loaded if library.startswith(tuple(unwanted))]
    if found:
        sys.exit(f"{program} loads {', '.join(found)}: see the targets that it links")


if __name__ == "__main__":
    main()
