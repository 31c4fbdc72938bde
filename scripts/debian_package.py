# SPDX-License-Identifier: Apache-2.0
"""The .deb: programs in /usr/lib/ringtrain, links to them in /usr/bin, man pages, completion."""

import gzip
import os
import pathlib
import shutil
import subprocess
import tempfile

SUMMARY = "trains neural networks as one persistent MPI job"
DESCRIPTION = """\
 One launcher starts one rank per GPU or per few cores, once; the ranks average
 gradients after every minibatch and survive the loss of a worker. Also runs
 any PyTorch script in place of torchrun.
 .
 libtorch is not in Debian: ringtrain-worker and ringtrain-serve load that of
 python3's torch, or of the folder that RINGTRAIN_TORCH names."""
PROGRAMS = "usr/lib/ringtrain"


def make(root, build, out, wheels, cuda):
    """Packs what was built in `build` and returns the path of the package. `wheels`: where its libtorch lies."""
    version = (root / "VERSION").read_text().strip()
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder) / "debian/ringtrain"  # laid out as dpkg's tools expect
        (tree / "DEBIAN").mkdir(parents=True)
        _install(build, tree)
        _document(root, tree)
        control = _control(version, tree, _dependencies(tree, wheels, folder), cuda)
        (tree / "DEBIAN/control").write_text(control)
        name = control.split()[1]
        package = out / f"{name}_{version}_{_architecture()}.deb"
        _call("dpkg-deb", "--root-owner-group", "--build", tree, package)
    return package


def _call(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, text=True, stdout=subprocess.PIPE,
                          **options).stdout


def _architecture():
    return _call("dpkg", "--print-architecture").strip()


def _install(build, tree):
    _call("cmake", "--install", build, "--component", "programs", "--prefix", tree / PROGRAMS, "--strip")
    _call("cmake", "--install", build, "--component", "share", "--prefix", tree / "usr")
    (tree / "usr/bin").mkdir()
    for program in (tree / PROGRAMS).iterdir():
        if program.is_file():
            _call("strip", program)
            (tree / "usr/bin" / program.name).symlink_to(f"../lib/ringtrain/{program.name}")
    # Debian's zsh looks there.
    os.rename(tree / "usr/share/zsh/site-functions", tree / "usr/share/zsh/vendor-completions")
    for page in (tree / "usr/share/man").rglob("*.1"):
        _compress(page)


def _document(root, tree):
    folder = tree / "usr/share/doc/ringtrain"
    folder.mkdir(parents=True)
    shutil.copy(root / "LICENSE", folder / "copyright")
    shutil.copy(root / "CHANGELOG.md", folder / "changelog")
    _compress(folder / "changelog")


def _compress(file):
    # No time and no name in it: the same bytes each time.
    file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
    file.unlink()


def _dependencies(tree, wheels, folder):
    """Debian's packages with the libraries that the programs load, as dpkg-shlibdeps finds them."""
    (pathlib.Path(folder) / "debian/control").write_text("Source: ringtrain\n\nPackage: ringtrain\nArchitecture: any\n")
    programs = [path for path in (tree / PROGRAMS).rglob("*") if path.is_file()]
    private = [f"-l{path}" for path in (wheels / "torch/lib", *sorted(wheels.glob("nvidia/*/lib")))]
    said = _call("dpkg-shlibdeps", "-O", "--ignore-missing-info", *private, *(f"-e{path}" for path in programs),
                 cwd=folder)
    return next(line for line in said.splitlines() if line.startswith("shlibs:Depends=")).partition("=")[2]


def _control(version, tree, libraries, cuda):
    size = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    name = "ringtrain-cuda" if cuda else "ringtrain"
    other = "ringtrain" if cuda else "ringtrain-cuda"
    fields = {
        "Package": name, "Version": version, "Architecture": _architecture(), "Section": "science",
        "Priority": "optional", "Maintainer": "ringtrain contributors <ringtrain@localhost>",
        "Installed-Size": (size + 1023) // 1024, "Depends": f"{libraries}, openmpi-bin",
        "Recommends": "openssh-client, python3", "Conflicts": other,
        "Description": SUMMARY + (", on NVIDIA GPUs" if cuda else ""),
    }
    return "".join(f"{key}: {value}\n" for key, value in fields.items()) + DESCRIPTION + "\n"
