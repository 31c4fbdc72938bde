# SPDX-License-Identifier: Apache-2.0
"""The files that git tracks, and the findings about them."""

import functools
import pathlib
import posixpath
import subprocess
from typing import NamedTuple

CPP_SUFFIXES = (".cpp", ".hpp", ".cu", ".cuh")
HEADER_SUFFIXES = (".hpp", ".cuh")


class Finding(NamedTuple):
    """`name`: the function, constant or word in question, by which an exception can single it out."""

    check: str
    path: str
    line: int
    what: str
    name: str = ""

    def __str__(self):
        return f"{self.path}:{self.line}: {self.what} [{self.check}]"


def git(root, *arguments):
    result = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(result.stderr.strip() or f"git {arguments[0]} failed")
    return result.stdout


class Tree:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        listed = git(root, "ls-files", "-z").split("\0")
        self.files = sorted({path for path in listed if path and self._is_source(path)})

    def _is_source(self, path):
        return (self.root / path).is_file() and not (self.root / path).is_symlink()

    @functools.cache
    def text(self, path):
        """Contents of a file; "" of one that is not text."""
        data = (self.root / path).read_bytes()
        return "" if b"\0" in data else data.decode(errors="replace")

    def lines(self, path):
        return self.text(path).split("\n")

    def exists(self, path):
        return (self.root / path).is_file()

    def of_kind(self, *kinds):
        return [path for path in self.files if self.kind(path) in kinds]

    @functools.cache
    def kind(self, path):
        """cpp, python, shell, cmake, yaml, markdown or other: by name, else by the first line."""
        name = posixpath.basename(path)
        suffix = posixpath.splitext(name)[1]
        if suffix in CPP_SUFFIXES:
            return "cpp"
        if name == "CMakeLists.txt" or suffix == ".cmake":
            return "cmake"
        known = {".py": "python", ".sh": "shell", ".md": "markdown", ".yaml": "yaml", ".yml": "yaml"}
        if suffix in known:
            return known[suffix]
        first = self.text(path).split("\n", 1)[0]
        if first.startswith("#!"):
            return "python" if "python" in first else "shell"
        return "other"


def unit(path):
    """Folder and stem: the files of one unit, as pack.cpp, pack.cu and pack.hpp, share it."""
    return posixpath.splitext(path)[0]


def is_test(path):
    return path.startswith("tests/")
