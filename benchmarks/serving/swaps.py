#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many requests to two replicas of `ringtrain serve`, while both take two other versions and one is killed twice.

  benchmarks/serving/swaps.py RUN DATASET [--requests N] [--clients N] [--json FILE]

Each client sends a row, waits for its label and compares it; where a replica is gone it asks the other one again. One
replica gets SIGTERM, then SIGKILL, and is started again. Prints how many answers were wrong, refused or missing, and
how many requests were sent again.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from compare import samples_of
from contestants import HERE, RINGTRAIN, ask, binary, free_port

sys.path.insert(0, str(HERE.parent / "torch_backend"))
import machine  # noqa: E402

TOKEN = "a token of a benchmark"
REPORT = 200  # requests between two looks at the clock


def message(request, port):
    headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return (f"POST {request.path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}"
            f"Content-Length: {len(request.body)}\r\n\r\n").encode() + request.body


class Client:
    """A connection to one of two replicas."""

    def __init__(self, ports, first):
        self.ports, self.at, self.connection, self.again = ports, first, None, 0

    def ask(self, requests):
        """Status and body; `requests`: the message for each replica."""
        while True:
            try:
                if self.connection is None:
                    self.connection = socket.create_connection(("127.0.0.1", self.ports[self.at]), timeout=30)
                self.connection.sendall(requests[self.at])
                return self.read()
            except OSError:
                self.close()
                self.at = 1 - self.at
                self.again += 1

    def read(self):
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.connection.recv(65536)
            if not more:
                raise ConnectionError
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:"))
        while len(body) < length:
            more = self.connection.recv(65536)
            if not more:
                raise ConnectionError
            body += more
        if b"connection: close" in lines:
            self.close()
        return int(head.split()[1]), body

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


def work(number, count, ports, requests, labels, done, results):
    client = Client(ports, number % 2)
    messages = [[message(request, port) for port in ports] for request in requests]
    wrong = refused = 0
    for i in range(count):
        row = (i + number) % len(requests)
        status, body = client.ask(messages[row])
        if status != 200:
            refused += 1
        elif json.loads(body)["outputs"][0]["data"] != [labels[row]]:
            wrong += 1
        if i % REPORT == REPORT - 1:
            with done.get_lock():
                done.value += REPORT
    results.put((count, wrong, refused, client.again))


def start(model, port, token):
    server = subprocess.Popen(
        [RINGTRAIN, "serve", f"model={model}", "--listen", f"127.0.0.1:{port}", "--threads", "1",
         "--admin-token-file", token], stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    for _ in range(600):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
            return server
        time.sleep(0.1)
    raise RuntimeError("the server does not get ready")


def deploy(port, model):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/deployments/model", method="PUT", data=json.dumps({"model": str(model)}).encode(),
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def requests_of(samples, shape):
    """A request for the label of each sample alone."""
    make = binary("/v2/models/model/infer", shape)
    requests = []
    for sample in samples:
        request = make([sample])
        length = int(request.headers["Inference-Header-Content-Length"])
        head = json.loads(request.body[:length])
        head.pop("parameters")
        head["outputs"] = [{"name": "label"}]
        text = json.dumps(head).encode()
        request.headers["Inference-Header-Content-Length"] = str(len(text))
        request.body = text + request.body[length:]
        requests.append(request)
    return requests


def run(arguments, folder):
    token = folder / "token"
    token.write_text(TOKEN)
    versions = [arguments.run.resolve(), folder / "second", folder / "third"]
    for copy in versions[1:]:
        shutil.copytree(versions[0], copy, ignore=shutil.ignore_patterns("checkpoints"))
    ports = [free_port(), free_port()]
    servers = [start(versions[0], port, token) for port in ports]
    try:
        shape, samples = samples_of(arguments.dataset, 64)
        requests = requests_of(samples, shape)
        labels = [json.loads(ask(f"http://127.0.0.1:{ports[0]}", one))["outputs"][0]["data"][0] for one in requests]
        done, results = multiprocessing.Value("q", 0), multiprocessing.Queue()
        each = arguments.requests // arguments.clients
        begun = time.monotonic()
        clients = [multiprocessing.Process(target=work, args=(number, each, ports, requests, labels, done, results))
                   for number in range(arguments.clients)]
        for client in clients:
            client.start()

        def wait_for(share):
            while done.value < share * each * arguments.clients and any(one.is_alive() for one in clients):
                time.sleep(0.02)

        for share, version in ((0.2, versions[1]), (0.4, versions[2])):
            wait_for(share)
            for port in ports:
                deploy(port, version)
        for share, how in ((0.6, signal.SIGTERM), (0.8, signal.SIGKILL)):
            wait_for(share)
            servers[1].send_signal(how)
            servers[1].wait()
            servers[1] = start(versions[2], ports[1], token)
        found = [results.get() for _ in clients]
        for client in clients:
            client.join()
        seconds = time.monotonic() - begun
    finally:
        for server in servers:
            server.kill()
            server.wait()
    asked, wrong, refused, again = (sum(column) for column in zip(*found))
    return {"requests": asked, "answered_wrongly": wrong, "refused": refused, "lost": each * len(clients) - asked,
            "sent_again": again, "swaps_of_each_replica": 2, "kills": 2, "clients": len(clients), "seconds": seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("dataset", type=pathlib.Path)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        record = {"machine": machine.provenance(), **run(arguments, pathlib.Path(folder))}
    record["machine"]["command"] = "swaps.py " + " ".join(sys.argv[1:])
    text = json.dumps(record, indent=1) + "\n"
    if arguments.json:
        arguments.json.write_text(text)
    print(text)
    sys.exit(1 if record["answered_wrongly"] or record["lost"] or record["refused"] else 0)


if __name__ == "__main__":
    main()
