# SPDX-License-Identifier: Apache-2.0
"""A wire that takes its time, for kernels without sch_netem: makes two taps, `near` and `far`, and hands every frame
from far to near on so many milliseconds later; the other way at once. Ends with its stdin.

    delay_line.py NEAR FAR MILLISECONDS
"""

import collections
import fcntl
import os
import select
import struct
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000
MOST_FRAMES = 100000  # then frames are dropped, as a router does
FRAME_BYTES = 65536


def open_tap(name):
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def hand_on(tap, frame):
    try:
        os.write(tap, frame)
    except OSError:  # full, or the wire is unplugged: lost, as frames may be
        pass


def run(near, far, seconds):
    waiting = collections.deque()  # (when, frame)
    while True:
        timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        readable, _, _ = select.select([near, far, sys.stdin], [], [], timeout)
        if sys.stdin in readable:
            return
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            hand_on(near, waiting.popleft()[1])
        if near in readable:
            hand_on(far, os.read(near, FRAME_BYTES))
        if far in readable:
            frame = os.read(far, FRAME_BYTES)
            if len(waiting) < MOST_FRAMES:
                waiting.append((now + seconds, frame))


if __name__ == "__main__":
    taps = [open_tap(name) for name in sys.argv[1:3]]
    print("ready", flush=True)
    run(*taps, float(sys.argv[3]) / 1000)
