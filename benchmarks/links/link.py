# SPDX-License-Identifier: Apache-2.0
"""Links between hosts on one machine, shaped and then measured: what is printed of a link is what it was measured as.

    with bed.Bed(2) as hosts:
        link = shape(hosts, ["node1", "node2"], bits_per_second=1e9, milliseconds=1)
        link.bytes_per_second, link.round_trip_ms_p50
"""

import dataclasses
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "cluster" / "hosts"))
ENOUGH = 1.5  # a cable carries so many times the wanted rate by itself, or it would be what is measured


class TooSlow(Exception):
    """The machine cannot carry the wanted rate."""


@dataclasses.dataclass
class Link:
    wanted_bits_per_second: float  # 0: no limit
    wanted_milliseconds: float     # one way
    bytes_per_second: float        # one way, by TCP
    round_trip_ms_p50: float
    round_trip_ms_p99: float

    def as_record(self):
        return dataclasses.asdict(self)

    def __str__(self):
        return (f"{self.bytes_per_second * 8 / 1e9:.3g} Gbit/s, round trip {self.round_trip_ms_p50:.3g} ms "
                f"(p99 {self.round_trip_ms_p99:.3g})")


def measure(hosts, near, far, seconds=0.5):
    """(bytes a second, median round trip, its 99th percentile in ms) from one host to another."""
    folder = pathlib.Path(__file__).parent
    server = hosts.popen(far, [sys.executable, folder / "ends.py", "serve"], stdout=-1, text=True)
    try:
        port = server.stdout.readline().strip()
        done = hosts.call(near, [sys.executable, folder / "ends.py", "measure", far, port, seconds], check=True,
                          timeout=60)
    finally:
        server.kill()
        server.communicate()
    found = json.loads(done.stdout)
    return found["bytes_per_second"], found["round_trip_ms_p50"], found["round_trip_ms_p99"]


def limit(hosts, name, bytes_per_second):
    """Lets no more than so many bytes a second into a host, nor out of it; None ends it."""
    inside = ["nsenter", f"--net=/proc/{hosts.hosts[name].process}/ns/net"]
    for where, device in ((hosts.in_switch(), f"port-{name}"), (inside, "eth0")):
        subprocess.run([*where, "tc", "qdisc", "delete", "dev", device, "root"], capture_output=True)
        if bytes_per_second:
            # A burst holds segments of 64 KiB whole; what waits longer than 100 ms is dropped.
            subprocess.run([*where, "tc", "qdisc", "add", "dev", device, "root", "tbf", "rate",
                            f"{8 * bytes_per_second:.0f}bit", "burst", "256kb", "latency", "100ms"], check=True)


def shape(hosts, names, bits_per_second=0, milliseconds=0):
    """Gives every host a link of so many bits a second (0: no limit) and milliseconds one way, and returns the Link as
    measured between the first two. Raises TooSlow where the machine cannot carry it."""
    for name in names:
        limit(hosts, name, None)
        # Half of the way on the sender's cable, half on the receiver's.
        if not hosts.delay(name, milliseconds / 2, back=milliseconds / 2):
            raise TooSlow("no delay is possible here: no /dev/net/tun")
    rate, median, worst = measure(hosts, *names[:2])
    if bits_per_second:
        if 8 * rate < ENOUGH * bits_per_second:
            raise TooSlow(f"the cable alone carries {8 * rate / 1e9:.2f} Gbit/s, less than {ENOUGH} times the wanted "
                          f"{bits_per_second / 1e9:g}")
        for name in names:
            limit(hosts, name, bits_per_second / 8)
        rate, median, worst = measure(hosts, *names[:2])
    return Link(bits_per_second, milliseconds, rate, median, worst)
