# SPDX-License-Identifier: Apache-2.0
"""A bare Debian 12, for tests of packages: what debootstrap makes, in namespaces of its own with a disk in memory.

    with Debian(cache, {"/work": "/a/folder/of/ours"}) as debian:
        debian.call("apt-get", "install", "-y", "hello")

Needs root. debootstrap runs once, into the cache, which also keeps the packages that were downloaded; nothing else is
left when the program ends, however it ends.
"""

import fcntl
import os
import pathlib
import shutil
import subprocess
import tempfile

SUITE = "bookworm"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The mounts end with the namespace, and that with our end of the pipe. Arguments: the base, the folder of downloaded
# packages, and pairs of a place inside and a folder of ours, which is read-only there.
HOLD = r"""
set -e
base=$1 archives=$2
shift 2
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o "lowerdir=$base,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/root
cd /mnt/root
mount -t proc proc proc
mount --rbind /dev dev
mount --rbind /sys sys
mount -t tmpfs tmpfs dev/shm
mount -t tmpfs tmpfs tmp
mount --bind "$archives" var/cache/apt/archives
cp -L /etc/resolv.conf etc/resolv.conf
while [ $# -gt 0 ]; do
  mkdir -p ".$1"
  mount --bind -o ro "$2" ".$1"
  shift 2
done
echo ready
exec cat
"""


def why_not():
    """Why there can be none here; empty where there can."""
    if os.geteuid() != 0:
        return "a Debian in namespaces needs root"
    for program in ("debootstrap", "unshare", "nsenter"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    probe = subprocess.run(["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
                           capture_output=True, text=True)
    return f"no namespaces: {probe.stderr.strip()}" if probe.returncode != 0 else ""


class Debian:
    def __init__(self, cache, folders):
        archives = cache / "debian-archives"
        (archives / "partial").mkdir(parents=True, exist_ok=True)
        shutil.chown(archives / "partial", "_apt")
        pairs = [str(word) for pair in folders.items() for word in pair]
        self.unshare = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", HOLD, "sh", make_base(cache),
             archives, *pairs], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        if self.unshare.stdout.readline() != b"ready\n":
            raise RuntimeError("the namespaces of a bare Debian could not be made")
        children = f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children"
        self.process = pathlib.Path(children).read_text().split()[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.unshare.kill()  # and everything in the namespaces with it
        self.unshare.communicate()

    def call(self, *command, check=True, timeout=300, **environment):
        """subprocess.run inside, with the output as text; the environment is bare."""
        variables = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive",
                     **environment}
        done = subprocess.run(
            ["nsenter", "--target", self.process, "--mount", "--pid", "chroot", "/mnt/root", "env", "-i", "-C", "/root",
             *(f"{name}={value}" for name, value in variables.items()), *map(str, command)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
        if check and done.returncode != 0:
            words = " ".join(map(str, command))
            raise RuntimeError(f"{words}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def write(self, path, text):
        subprocess.run(["nsenter", "--target", self.process, "--mount", "tee", f"/mnt/root{path}"], input=text,
                       text=True, check=True, stdout=subprocess.DEVNULL)


def sources():
    """Lines of sources.list: Debian's own among those that this machine uses."""
    listed = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"],
                            capture_output=True, text=True).stdout
    lines = {f"deb {line} main" for line in listed.splitlines() if line.split()[-1].startswith(SUITE)}
    return sorted(lines) or [f"deb http://deb.debian.org/debian {SUITE} main"]


def make_base(cache):
    """The folder that debootstrap made, now or before."""
    base = cache / "debian-12"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "debian-12.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if base.exists():
            return base
        lines = sources()
        site = next(line.split()[1] for line in lines if line.split()[2] == SUITE)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            root = pathlib.Path(folder) / "root"
            made = subprocess.run(["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, root, site],
                                  capture_output=True, text=True)
            if made.returncode != 0:
                raise RuntimeError(f"debootstrap: {made.stdout[-2000:]}{made.stderr[-2000:]}")
            (root / "etc/apt/sources.list").write_text("\n".join(lines) + "\n")
            # So that packages stay in the cache.
            (root / "etc/apt/apt.conf.d/docker-clean").unlink(missing_ok=True)
            root.rename(base)
    return base
