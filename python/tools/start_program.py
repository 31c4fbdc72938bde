#!python
# SPDX-License-Identifier: Apache-2.0
"""Executes the program of its own name in the package ringtrain, which is not imported: that would import torch."""

import os
import sys

name = os.path.basename(sys.argv[0])
for folder in sys.path[1:]:
    program = os.path.join(folder, "ringtrain", "programs", "ringtrain" if name == "kubeml" else name)
    if os.access(program, os.X_OK):
        os.environ.setdefault("PYTHON_EXEC", sys.executable)  # `ringtrain run train.py` means this Python
        os.execv(program, [name if name == "kubeml" else program, *sys.argv[1:]])
sys.exit(f"{name}: the package ringtrain of {sys.executable} lacks this program: pip install --force-reinstall it")
