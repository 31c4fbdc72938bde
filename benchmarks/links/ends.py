# SPDX-License-Identifier: Apache-2.0
"""Both ends of a TCP connection that is timed: `serve` prints its port; `measure HOST PORT SECONDS` prints JSON."""

import json
import socket
import sys
import time

PIECE = 256 * 1024
TRIPS = 200
MOST_SECONDS_OF_TRIPS = 2


def serve():
    with socket.create_server(("", 0)) as server:
        print(server.getsockname()[1], flush=True)
        connection, _ = server.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (byte := connection.recv(1)) == b"?":
                connection.sendall(byte)
            buffer = bytearray(PIECE)
            received, start = 0, None
            while count := connection.recv_into(buffer):
                received += count
                if start is None:  # what came before the clock does not count
                    start, received = time.monotonic(), 0
            connection.sendall(json.dumps(received / (time.monotonic() - start)).encode())


def measure(host, port, seconds):
    with socket.create_connection((host, port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        trips, begin = [], time.monotonic()
        while len(trips) < TRIPS and time.monotonic() < begin + MOST_SECONDS_OF_TRIPS:
            start = time.monotonic()
            connection.sendall(b"?")
            connection.recv(1)
            trips.append(1e3 * (time.monotonic() - start))
        connection.sendall(b"!")
        piece, end = bytes(PIECE), time.monotonic() + seconds
        while time.monotonic() < end:
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
        rate = float(connection.makefile().read())
    trips.sort()
    print(json.dumps({"bytes_per_second": rate, "round_trip_ms_p50": trips[len(trips) // 2],
                      "round_trip_ms_p99": trips[int(0.99 * (len(trips) - 1))]}))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        measure(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
