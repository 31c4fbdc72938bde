# SPDX-License-Identifier: Apache-2.0
"""Version and dependencies of the package. A wheel for others (scripts/package) names the torch that it is for; built
in a clone, it is for the torch that is there, which pip must not replace."""

import os
import pathlib
import re

VERSION = pathlib.Path(__file__).resolve().parents[2] / "VERSION"


def dynamic_metadata(field, settings=None, project=None):
    torch = os.environ.get("RINGTRAIN_PACKAGE_TORCH")
    version = VERSION.read_text().strip()
    if field == "version":
        return f"{version}+{torch_name(torch)}" if torch else version
    # c10d has no stable ABI: a binary is good for one minor version.
    return [f"torch=={re.match(r'[0-9]+[.][0-9]+', torch)[0]}.*"] if torch else []


def torch_name(version):
    """torch2.11, or torch2.11.cu130 of 2.11.0+cu130."""
    return re.sub(r"^(\d+\.\d+)[^+]*\+?", r"torch\1.", version).rstrip(".")
