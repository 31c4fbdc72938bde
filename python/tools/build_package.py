# SPDX-License-Identifier: Apache-2.0
"""The build backend that pip calls: scikit-build-core, behind a check that names all that is missing in one line."""

import importlib.util
import re
import shutil
import subprocess


def missing():
    """Commands that install first what the build needs."""
    python = [name for name, module in (("torch", "torch"), ("scikit-build-core", "scikit_build_core"))
              if importlib.util.find_spec(module) is None]
    system = [package for package, programs in (("g++", ("c++", "g++", "clang++")), ("ninja-build", ("ninja", "make")))
              if not any(map(shutil.which, programs))]
    if not _has_cmake():
        system.append("cmake")
    return [command + " ".join(names) for command, names in
            (("pip install ", python), ("apt-get install ", system)) if names]


def _has_cmake():
    """True with CMake 3.25 or later."""
    if importlib.util.find_spec("cmake") is not None:  # from PyPI, always new enough
        return True
    try:
        said = subprocess.run(["cmake", "--version"], capture_output=True, text=True).stdout
    except OSError:
        return False
    version = re.search(r"version (\d+)\.(\d+)", said)
    return version is not None and (int(version[1]), int(version[2])) >= (3, 25)


def _check():
    if commands := missing():
        raise SystemExit(f"ringtrain cannot be built yet: {' and '.join(commands)}, then pip install"
                         " --no-build-isolation ./python (it is built for the torch that will use it)")


def _backend():
    _check()
    from scikit_build_core import build

    return build


def get_requires_for_build_wheel(config_settings=None):
    _check()
    return []


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    return _backend().prepare_metadata_for_build_wheel(metadata_directory, config_settings)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return _backend().build_wheel(wheel_directory, config_settings, metadata_directory)
