# SPDX-License-Identifier: Apache-2.0
"""Version and dependencies of the package, which depend on the torch that it is built for."""

import importlib.metadata
import os
import pathlib
import re

VERSION = pathlib.Path(__file__).resolve().parents[2] / "VERSION"


def dynamic_metadata(field, settings=None, project=None):
    torch = os.environ.get("RINGTRAIN_PACKAGE_TORCH")  # scripts/package: for a wheel that others install
    version = VERSION.read_text().strip()
    if field == "version":
        return f"{version}+{torch_name(torch)}" if torch else version
    # c10d has no stable ABI: a binary is good for one minor version.
    minor = re.match(r"\d+\.\d+", torch or importlib.metadata.version("torch"))[0]
    return [f"torch=={minor}.*"]


def torch_name(version):
    """torch2.11, or torch2.11.cu130 of 2.11.0+cu130."""
    return re.sub(r"^(\d+\.\d+)[^+]*\+?", r"torch\1.", version).rstrip(".")
