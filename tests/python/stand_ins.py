#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets `import torch` of the CUDA wheel work without CUDA's 1.8 GB of libraries, for tests that use CPU tensors alone.

  stand_ins.py TORCH FOLDER    writes a library to FOLDER for each that torch's need and that is not there

A stand-in has the symbols that torch's libraries ask for; each ends the process when it is called, and nothing calls
them where no GPU is found. FOLDER belongs into LD_LIBRARY_PATH.
"""

import pathlib
import re
import subprocess
import sys

LIBRARIES = ("libtorch_python.so", "libtorch_cuda.so", "libtorch_nvshmem.so", "libtorch_cpu.so", "libc10_cuda.so")
# Symbols without a version, by the prefix that their library gives them.
PREFIXES = (("cudnn", "libcudnn"), ("cublasLt", "libcublasLt"), ("cublas", "libcublas"), ("cufft", "libcufft"),
            ("curand", "libcurand"), ("cusparseLt", "libcusparseLt"), ("cusparse", "libcusparse"),
            ("cuFile", "libcufile"), ("nvshmem", "libnvshmem_host"), ("nccl", "libnccl"), ("cupti", "libcupti"),
            ("nvrtc", "libnvrtc"))


def readelf(option, library):
    return subprocess.run(["readelf", "--wide", option, library], check=True, capture_output=True, text=True).stdout


def missing_libraries(library):
    """Names of the libraries that this one needs and that neither its RPATH nor the system has."""
    dynamic = readelf("--dynamic", library)
    path = re.search(r"Library r(?:un)?path: \[(.*)\]", dynamic)
    folders = path[1].replace("$ORIGIN", str(library.parent)).split(":") if path else []
    known = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout
    for name in re.findall(r"Shared library: \[(.*)\]", dynamic):
        if f"\t{name} " not in known and not any((pathlib.Path(folder) / name).exists() for folder in folders):
            yield name


def undefined_symbols(library):
    """(name, version or "") of each."""
    for line in readelf("--dyn-syms", library).splitlines():
        found = re.search(r" UND (\w+)(?:@(\S+))?", line)
        if found:
            yield found[1], found[2] or ""


def libraries_of_versions(library):
    """{version: name of the library that has it}, as the linker noted it."""
    owner, versions = None, {}
    for line in readelf("--version-info", library).splitlines():
        file = re.search(r" File: (\S+)", line)
        version = re.search(r"Name: (\S+) +Flags", line)
        if file:
            owner = file[1]
        elif version and owner:
            versions[version[1]] = owner
    return versions


def collect(torch):
    """{library: {version: symbols}} of all that is missing."""
    libraries = [torch / "lib" / name for name in LIBRARIES]
    wanted = {name: {} for library in libraries for name in missing_libraries(library)}
    for library in libraries:
        owners = libraries_of_versions(library)
        for symbol, version in undefined_symbols(library):
            owner = owners.get(version)
            if not version:
                stem = next((stem for prefix, stem in PREFIXES if symbol.startswith(prefix)), None)
                owner = next((name for name in wanted if stem and name.startswith(stem + ".so")), None)
            if owner in wanted:
                wanted[owner].setdefault(version, set()).add(symbol)
    return wanted


def write_library(path, versions):
    symbols = sorted(set().union(*versions.values())) if versions else []
    source = path.with_suffix(".s")
    labels = "".join(f".globl {name}\n.type {name}, @function\n{name}:\n" for name in symbols)
    source.write_text(f".text\n{labels} call abort@PLT\n.section .note.GNU-stack,\"\",@progbits\n")
    script = path.with_suffix(".map")
    named = {version: names for version, names in versions.items() if version}
    script.write_text("".join(f"{version} {{ global: {'; '.join(sorted(names))}; }};\n"
                              for version, names in named.items()))
    flags = [f"-Wl,--version-script={script}"] if named else []
    subprocess.run(["gcc", "-shared", "-fPIC", source, "-o", path, f"-Wl,-soname,{path.name}", *flags], check=True)


def main():
    torch, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name, versions in collect(torch).items():
        write_library(folder / name, versions)


if __name__ == "__main__":
    main()
