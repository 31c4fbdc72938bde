# SPDX-License-Identifier: Apache-2.0
"""Clients that wait for nobody: requests at a fixed rate, and viewers of the event stream in one epoll loop."""

import http.client
import json
import math
import select
import socket
import threading
import time


def quantile(values, share):
    """The smallest value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else math.nan


def at_a_fixed_rate(address, token, path, rate, seconds, connections=8):
    """Seconds from when each request was due to its answer: a late start counts (no coordinated omission)."""
    taken, failed = [], []
    begun = time.monotonic() + 0.2
    count = int(rate * seconds)

    def client(first):
        connection = http.client.HTTPConnection(*address, timeout=30)
        for number in range(first, count, connections):
            due = begun + number / rate
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
                answer = connection.getresponse()
                body = answer.read()
                (taken if answer.status == 200 and body else failed).append(time.monotonic() - due)
            except OSError:
                failed.append(time.monotonic() - due)
                connection.close()
        connection.close()

    threads = [threading.Thread(target=client, args=(first,)) for first in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken, len(failed)


class Viewers:
    """Connections to the event stream, and when each has got which event."""

    MARK = b'"step":'

    def __init__(self, address, token, count):
        self.epoll = select.epoll()
        self.sockets, self.rest, self.seen = {}, {}, []
        head = f"GET /api/v1/events?kinds=step HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
        request = head.encode()
        for _ in range(count):
            one = socket.create_connection(address)
            one.sendall(request)
            one.setblocking(False)
            self.sockets[one.fileno()] = one
            self.rest[one.fileno()] = b""
            self.epoll.register(one.fileno(), select.EPOLLIN)
        self.waiting = set(self.sockets)   # for their first byte

    def wait_until_all_watch(self, seconds=60):
        end = time.monotonic() + seconds
        while self.waiting:
            if time.monotonic() > end:
                raise SystemExit(f"load: {len(self.waiting)} viewers got no answer in {seconds} s")
            self.watch(0.2)

    def watch(self, seconds):
        """Adds (step, time of arrival) of every event that comes within this time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for number, _ in self.epoll.poll(left):
                try:
                    data = self.sockets[number].recv(65536)
                except BlockingIOError:
                    continue
                if not data:
                    self.epoll.unregister(number)
                    continue
                now = time.time()
                self.waiting.discard(number)
                parts = (self.rest[number] + data).split(b"\n")
                self.rest[number] = parts.pop()
                for line in parts:
                    at = line.find(self.MARK)
                    if line.startswith(b"data:") and at > 0:
                        self.seen.append((json.loads(line[5:])["data"]["step"], now))

    def close(self):
        for one in self.sockets.values():
            one.close()
