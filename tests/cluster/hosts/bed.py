# SPDX-License-Identifier: Apache-2.0
"""Several hosts on one machine, for tests: each is a set of namespaces (network, host name, mounts, processes) with an
sshd of its own, joined by a bridge. Needs root and iproute2.

    with Bed(2) as bed:                    # login, node1, node2
        bed.call("login", ["ssh", "node2", "hostname"])
        bed.link("node2", up=False)

Hosts see the machine's files, but have their own /dev/shm, /run and /etc/hosts. Nothing is left of them when the
program ends, however it ends: the namespaces have no names and live as long as their first process, which ends with
its stdin.
"""

import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import delay_line

NETWORK = "10.77.0"
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x4000000, 0x20000000, 0x40000000

libc = ctypes.CDLL(None, use_errno=True)


def why_not():
    """Why there can be no bed here; empty where there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", "unshare", "ssh", "ssh-keygen", "/usr/sbin/sshd"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    probe = subprocess.run(["unshare", "--net", "--uts", "--mount", "--pid", "--fork", "--mount-proc",
                            "ip", "link", "add", "probe", "type", "bridge"], capture_output=True, text=True)
    return f"no namespaces: {probe.stderr.strip()}" if probe.returncode != 0 else ""


def set_namespace(file, kind):
    if libc.setns(file, kind) != 0:
        raise OSError(ctypes.get_errno(), f"setns: {os.strerror(ctypes.get_errno())}")


def run(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


class Holder:
    """The first process of a host: it keeps the namespaces, and takes care of orphans."""

    def __init__(self, kinds, *arguments):
        self.unshare = subprocess.Popen(
            ["unshare", "--fork", "--kill-child", *kinds, sys.executable, __file__, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        if self.unshare.stdout.readline() != b"ready\n":
            raise RuntimeError(f"{' '.join(arguments)}: the namespaces could not be made")
        children = f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children"
        self.process = int(pathlib.Path(children).read_text().split()[0])

    def end(self):
        self.unshare.kill()  # and its child with it, and with that everything in the namespaces
        self.unshare.wait()
        self.unshare.stdin.close()
        self.unshare.stdout.close()


class Bed:
    """`login` and node1 to nodeN; every host reaches every other by ssh, without a word."""

    def __init__(self, nodes):
        self.names = ["login"] + [f"node{i}" for i in range(1, nodes + 1)]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ringtrain-bed."))
        self.hosts = {}
        self.sshd = {}
        self.lines = {}  # that delay what goes to a host
        try:
            self.write_configuration()
            self.switch = Holder(["--net"], "switch")
            self.on_switch("ip", "link", "add", "bridge", "type", "bridge")
            self.on_switch("ip", "link", "set", "bridge", "up")
            for name in self.names:
                self.start(name)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for line in self.lines.values():
            line.communicate()  # ends it
        for holder in [*self.hosts.values(), *([self.switch] if hasattr(self, "switch") else [])]:
            holder.end()
        self.hosts = {}
        shutil.rmtree(self.folder, ignore_errors=True)

    # Hosts

    def start(self, name):
        """Starts a host that is new, or was lost."""
        self.hosts[name] = holder = Holder(["--net", "--uts", "--mount", "--pid", "--mount-proc"],
                                           "host", name, str(self.folder))
        port = f"port-{name}"
        number = self.names.index(name) + 1
        # With the network card that it had before, or others would look for the old one for 40 s.
        self.on_switch("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0",
                       "address", f"02:00:00:00:00:{number:02x}", "netns", str(holder.process))
        self.on_switch("ip", "link", "set", port, "master", "bridge", "up")
        self.call(name, ["ip", "address", "add", f"{NETWORK}.{number}/24", "dev", "eth0"], check=True)
        self.call(name, ["ip", "link", "set", "eth0", "up"], check=True)
        self.start_sshd(name)

    def lose(self, name):
        """Ends a host as a power cut does: no process can clean up."""
        self.hosts.pop(name).end()
        # Deleted here, because the kernel does so only some time later.
        subprocess.run([*self.in_switch(), "ip", "link", "delete", f"port-{name}"], capture_output=True)

    def link(self, name, up):
        self.on_switch("ip", "link", "set", f"port-{name}", "up" if up else "down")

    def delay(self, name, milliseconds, back=0):
        """Delays every packet to the host, and `back` those from it; 0 ends it. False where no delay is possible (no
        /dev/net/tun)."""
        port = f"port-{name}"
        if line := self.lines.pop(name, None):
            line.stdin.close()
            line.wait()
            line.stdout.close()
            self.on_switch("ip", "link", "delete", f"slow-{name}")
            # Gone already with a host that was lost.
            subprocess.run([*self.in_switch(), "ip", "link", "set", port, "master", "bridge"], capture_output=True)
        if milliseconds == 0:
            return True
        near, far = f"near-{name}", f"far-{name}"
        line = subprocess.Popen([*self.in_switch(), delay_line.program(), near, far, str(milliseconds), str(back)],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if line.stdout.readline() != b"ready\n":
            line.communicate()
            return False
        self.lines[name] = line
        self.on_switch("ip", "link", "add", f"slow-{name}", "type", "bridge")
        for link, bridge in ((near, f"slow-{name}"), (far, "bridge"), (port, f"slow-{name}")):
            self.on_switch("ip", "link", "set", link, "master", bridge, "up")
        self.on_switch("ip", "link", "set", f"slow-{name}", "up")
        return True

    def start_sshd(self, name):
        self.sshd[name] = self.popen(name, ["/usr/sbin/sshd", "-D", "-e", "-f", str(self.folder / "sshd_config"),
                                            "-h", str(self.folder / f"key-{name}")], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while self.call(name, ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/22"]).returncode != 0:
            if time.monotonic() > deadline:
                raise RuntimeError(f"sshd of {name} does not start")
            time.sleep(0.02)

    def kill_sshd(self, name, sessions=True):
        """Kills the daemon, and the sessions that it has open."""
        self.sshd[name].kill()
        self.sshd[name].wait()
        if sessions:
            for process, line in self.processes(name):
                if line.startswith("sshd:"):
                    os.kill(process, signal.SIGKILL)

    def processes(self, name):
        """(process, command line) of everything on the host but its first; processes as numbered outside."""
        found = []
        space = os.stat(f"/proc/{self.hosts[name].process}/ns/pid").st_ino
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == self.hosts[name].process:
                continue
            try:
                if os.stat(f"/proc/{entry}/ns/pid").st_ino == space:
                    line = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes().decode(errors="replace")
                    found.append((int(entry), line.replace("\0", " ").strip()))
            except OSError:
                pass
        return found

    def shared_memory(self, name):
        """The files in the host's /dev/shm."""
        return os.listdir(f"/proc/{self.hosts[name].process}/root/dev/shm")

    def left_behind(self, seconds):
        """Processes besides sshd, and shared memory, on any host, that do not go within so many seconds."""
        deadline = time.monotonic() + seconds
        while True:
            left = [(name, line) for name in self.hosts for _, line in self.processes(name)
                    if line and not line.startswith("sshd:")]
            left += [(name, f"/dev/shm/{file}") for name in self.hosts for file in self.shared_memory(name)]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.05)

    # Programs on hosts

    def popen(self, name, command, **options):
        """subprocess.Popen on the host; signals reach the program itself."""
        root = f"/proc/{self.hosts[name].process}/ns"
        own = os.open("/proc/self/ns/pid", os.O_RDONLY)
        spaces = {kind: os.open(f"{root}/{file}", os.O_RDONLY) for kind, file in
                  ((CLONE_NEWPID, "pid"), (CLONE_NEWUTS, "uts"), (CLONE_NEWNET, "net"), (CLONE_NEWNS, "mnt"))}
        folder = options.pop("cwd", os.getcwd())

        def enter():
            for kind in (CLONE_NEWUTS, CLONE_NEWNET, CLONE_NEWNS):
                set_namespace(spaces[kind], kind)
            os.chdir(folder)

        try:
            set_namespace(spaces[CLONE_NEWPID], CLONE_NEWPID)  # for children only
            options.setdefault("stdin", subprocess.DEVNULL)
            return subprocess.Popen([str(word) for word in command], preexec_fn=enter, **options)
        finally:
            set_namespace(own, CLONE_NEWPID)
            for file in (own, *spaces.values()):
                os.close(file)

    def call(self, name, command, check=False, timeout=60, **options):
        """subprocess.run on the host, with its output as text."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
        process = self.popen(name, command, **options)
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        if check and process.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} on {name}: {err}")
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def in_switch(self):
        return ["nsenter", f"--net=/proc/{self.switch.process}/ns/net"]

    def on_switch(self, *command):
        run(*self.in_switch(), *command)

    # Their files, all in one folder

    def write_configuration(self):
        def key(name):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(self.folder / name))
            return (self.folder / f"{name}.pub").read_text()

        (self.folder / "authorized_keys").write_text(key("id"))
        addresses = {name: f"{NETWORK}.{i + 1}" for i, name in enumerate(self.names)}
        (self.folder / "known_hosts").write_text(
            "".join(f"{name},{addresses[name]} {key(f'key-{name}')}" for name in self.names))
        (self.folder / "hosts").write_text(
            "127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for name, address in addresses.items()))
        (self.folder / "hostfile").write_text("".join(f"{name} slots=1\n" for name in self.names[1:]))
        (self.folder / "ssh_config").write_text(
            f"IdentityFile {self.folder}/id\nIdentitiesOnly yes\nStrictHostKeyChecking yes\n"
            f"UserKnownHostsFile {self.folder}/known_hosts\nGlobalKnownHostsFile /dev/null\n")
        (self.folder / "sshd_config").write_text(
            f"AuthorizedKeysFile {self.folder}/authorized_keys\nStrictModes no\nUsePAM no\nPidFile none\n"
            "PermitRootLogin prohibit-password\nPasswordAuthentication no\nUseDNS no\nPrintMotd no\n"
            "MaxStartups 100\n")


def mount(source, target, *options):
    run("mount", *options, source, target)


def become_host(name, folder):
    run("hostname", name)
    mount("none", "/", "--make-rprivate")
    for target in ("/dev/shm", "/run"):
        mount("tmpfs", target, "-t", "tmpfs")
    os.mkdir("/run/sshd")
    mount(f"{folder}/hosts", "/etc/hosts", "--bind")
    mount(f"{folder}/ssh_config", "/etc/ssh/ssh_config", "--bind")
    run("ip", "link", "set", "lo", "up")


def stay_until_stdin_ends():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans are reaped by the kernel
    print("ready", flush=True)
    while sys.stdin.buffer.read(4096):
        pass


if __name__ == "__main__":
    if sys.argv[1] == "host":
        become_host(*sys.argv[2:])
    stay_until_stdin_ends()
