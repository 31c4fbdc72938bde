# SPDX-License-Identifier: Apache-2.0
"""Everything that the check needs, in one archive: programs, the libraries they are linked with, mpirun, MNIST.

Not in it: libtorch, CUDA, cuDNN and NCCL, which come with the machine's own torch, and glibc.
"""
import lzma
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ("ringtrain-worker", "kernels_cuda_test", "kernels_cuda_bench", "gpu_card_test")
MOST_BYTES = 56_000_000
MPI = pathlib.Path("/usr/lib/x86_64-linux-gnu")
PEERS = ("card_step.py", "zoo.py")
# The machine has these: glibc, the compiler's own, and what the torch wheel brings.
OF_THE_MACHINE = re.compile(r"(ld-linux.*|libc|libm|libdl|librt|libpthread|libresolv|libutil|libstdc\+\+|libgcc_s|"
                            r"libgomp.*|libtorch.*|libc10.*|libcuda.*|libcudnn.*|libcupti|libnccl|libnv.*|libshm|"
                            r"libcu(blas|fft|file|rand|solver|sparse).*)\.so")
# Networks of clusters: plugins that need libraries of theirs, and ranks of one machine do without.
LEFT_OUT = re.compile(r"(mca_.*|libmca_common)_(ucx|ofi|openib|psm2?|usnic|verbs)\.so.*")


def libraries(ldd_output):
    """Paths of the libraries to pack, from what ldd prints of a program. Raises where one is missing."""
    found = set()
    for line in ldd_output.splitlines():
        name, _, place = line.strip().partition(" => ")
        if not place or OF_THE_MACHINE.match(pathlib.Path(name).name):
            continue
        if place.startswith("not found"):
            raise FileNotFoundError(name)
        found.add(place.split(" (")[0])
    return found


def ldd(file, search):
    environment = dict(os.environ, LD_LIBRARY_PATH=":".join(search))
    done = subprocess.run(["ldd", file], capture_output=True, text=True, env=environment)
    return done.stdout


def build():
    commands = (["cmake", "--preset", "cuda", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CUDA_ARCHITECTURES=90"],
                ["cmake", "--build", "--preset", "cuda", "--target", *PROGRAMS])
    for command in commands:
        subprocess.run(command, cwd=ROOT, check=True)


def copy_mpi(folder):
    """mpirun with its plugins, as a tree below a prefix that OPAL_PREFIX names."""
    below = folder / "lib/x86_64-linux-gnu"
    ignore = shutil.ignore_patterns("*.a", "*.la", "include", "fortran", "pkgconfig", "libmpi_*", "libompi_dbg*")
    shutil.copytree(MPI / "openmpi", below / "openmpi", symlinks=True, ignore=ignore)
    shutil.copytree(MPI / "pmix2", below / "pmix2", symlinks=True, ignore=ignore)
    for file in list((below / "openmpi/lib").rglob("*.so*")):
        if LEFT_OUT.fullmatch(file.name):
            file.unlink()
    shutil.copytree("/usr/share/openmpi", folder / "share/openmpi")
    (folder / "bin").mkdir()
    shutil.copy("/usr/bin/orterun", folder / "bin/mpirun")
    shutil.copy("/usr/bin/orted", folder / "bin/orted")


def is_program(file):
    return file.is_file() and not file.is_symlink() and file.read_bytes()[:4] == b"\x7fELF"


def fill(folder, built, dataset):
    for name in ("programs", "lib", "peers"):
        (folder / name).mkdir(parents=True)
    for name in PROGRAMS:
        subprocess.run(["strip", "-o", folder / "programs" / name, built / name], check=True)
    copy_mpi(folder / "mpi")
    needed = set()
    for file in folder.rglob("*"):
        if is_program(file):
            try:
                needed |= libraries(ldd(file, [str(MPI), str(MPI / "openmpi/lib"), str(MPI / "pmix2/lib")]))
            except FileNotFoundError as missing:
                if file.parent == folder / "programs":
                    raise
                print(f"gpu-check: {file.name} is left out: it needs {missing}")
                file.unlink()
    for path in sorted(needed):
        shutil.copy(path, folder / "lib" / pathlib.Path(path).name)
    for name in PEERS:
        shutil.copy(ROOT / "benchmarks/peers" / name, folder / "peers" / name)
    shutil.copy(ROOT / "scripts/gpu-check", folder / "gpu-check")
    shutil.copytree(ROOT / "scripts/gpu_check", folder / "gpu_check", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "mnist.h5.xz").write_bytes(lzma.compress(dataset.read_bytes(), preset=6))
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    (folder / "commit").write_text(commit.stdout)


def main(arguments):
    dataset = pathlib.Path(arguments.dataset)
    if not dataset.exists():
        print(f"gpu-check: {dataset} is missing: ringtrain dataset import mnist makes it, or name one with --dataset",
              file=sys.stderr)
        return 2
    if not arguments.no_build:
        build()
    archive = pathlib.Path(arguments.archive)
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "gpu"
        fill(folder, ROOT / "build/cuda/bin", dataset)
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(folder, "gpu")
    size = archive.stat().st_size
    print(f"{archive}: {size / 1e6:.1f} MB")
    if size > MOST_BYTES:
        print(f"gpu-check: the archive is larger than {MOST_BYTES / 1e6:.0f} MB", file=sys.stderr)
        return 1
    return 0
