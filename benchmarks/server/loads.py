# SPDX-License-Identifier: Apache-2.0
"""Two loads on a server: a list at a fixed rate, and viewers of the event stream."""

import contextlib
import os
import threading
import time

import clients
import many_jobs


def listing(server, seconds):
    before, begun = server.processor_seconds(), time.monotonic()
    taken, failed = clients.at_a_fixed_rate(server.address, server.token, "/api/v1/jobs?limit=50", 100, seconds)
    share = (server.processor_seconds() - before) / (time.monotonic() - begun)
    return {"milliseconds": [round(1e3 * one, 3) for one in taken], "failed": failed, "server_share_of_a_core": share}


def write_steps(living, done):
    """One event of one of four jobs each 250 ms."""
    step = 100000 + int(time.time()) % 100000 * 100
    while not done.wait(0.25):
        attempt, _ = living[step % 4]
        with open(attempt / "events.jsonl", "a") as file:
            file.write(many_jobs.step_line(step, time.time()))
        step += 1


@contextlib.contextmanager
def steps_of(living):
    done = threading.Event()
    writer = threading.Thread(target=write_steps, args=(living, done))
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join()


def viewing(server, living, count, seconds):
    """Viewers of four events a second. An event is late by the time after the first viewer that has it."""
    viewers = clients.Viewers(server.address, server.token, count)
    with steps_of(living):
        viewers.wait_until_all_watch()
        viewers.watch(1)
        viewers.seen.clear()
        before, begun, at = server.processor_seconds(), time.monotonic(), time.time()
        own = sum(os.times()[:2])
        viewers.watch(seconds)
        wall = time.monotonic() - begun
        server_share = (server.processor_seconds() - before) / wall
        own_share = (sum(os.times()[:2]) - own) / wall
        end = time.time()
    viewers.watch(1)
    viewers.close()
    first = {}
    for step, seen in viewers.seen:
        first[step] = min(seen, first.get(step, seen))
    late = [round(1e3 * (seen - first[step]), 2) for step, seen in viewers.seen]
    return {"late_milliseconds": late, "events": len(first), "delivered": len(late), "expected": len(first) * count,
            "server_share_of_a_core": server_share, "viewers_share_of_a_core": own_share, "begin": at, "end": end}
