#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`ringtrain serve` beside other servers of the same model: requests of one row and of 16, by JSON and as bytes.

  benchmarks/serving/compare.py RUN DATASET [--seconds N] [--rounds N] [--rows 1 16] [--json FILE]

RUN: the output folder of a job; DATASET: its dataset. Peers are those that scripts/setup --serving-peers installed.
Each server has core 0 with one thread for the model, the client (wrk, and hey for a given rate) core 1. All servers
are started first; then they take turns, round after round, and a ratio is that of one round. `share_of_others` is the
part of the processors that other processes used.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile

from contestants import CLIENT_CORE, HERE, RINGTRAIN, SERVER_CORE, ask, ours, peers

sys.path.insert(0, str(HERE.parent / "torch_backend"))
import machine  # noqa: E402

CONNECTIONS = {1: 32, 16: 8}
SHARE_OF_LOAD = 0.7


def load(url, request, connections, seconds, folder):
    """As many requests as the server answers: {requests_per_second, p50_ms, p99_ms}."""
    body = folder / "body"
    body.write_bytes(request.body)
    headers = [word for pair in request.headers.items() for word in pair]
    done = subprocess.run(
        ["taskset", "-c", CLIENT_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s",
         HERE / "request.lua", url + request.path, "--", body, *headers], capture_output=True, text=True, check=True)
    requests, duration, p50, p99, errors = map(int, re.search(r"RESULT (.*)", done.stdout)[1].split())
    if errors:
        raise RuntimeError(f"{url}: {errors} of {requests} requests failed")
    return {"requests_per_second": requests / duration * 1e6, "p50_ms": p50 / 1e3, "p99_ms": p99 / 1e3}


def at_rate(url, request, per_second, seconds, folder):
    """p99 in ms at a rate that does not wait for answers while connections are free: hey with 16 of them."""
    body = folder / "body"
    body.write_bytes(request.body)
    headers = [word for name, value in request.headers.items() for word in ("-H", f"{name}: {value}")]
    workers = max(1, min(16, int(per_second / 5)))  # hey takes a whole number of requests a second for each
    done = subprocess.run(
        ["taskset", "-c", CLIENT_CORE, "hey", "-z", f"{seconds}s", "-c", str(workers), "-q",
         str(max(1, round(per_second / workers))), "-m", "POST", "-D", body, *headers, url + request.path],
        capture_output=True, text=True, check=True)
    found = re.search(r"99% in ([0-9.]+) secs", done.stdout) or re.search(r"Slowest:\s+([0-9.]+) secs", done.stdout)
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", done.stdout)
    return {"p99_ms": float(found[1]) * 1e3, "requests_per_second": float(rate[1])}


def batch_rate(model, rows, seconds):
    """Rows a second of the model in a process without HTTP, on the server's core."""
    done = subprocess.run(["taskset", "-c", SERVER_CORE, RINGTRAIN.parent / "serving_rate", model, str(rows),
                           str(seconds)], capture_output=True, text=True, check=True,
                          env={"OMP_NUM_THREADS": "1", "PATH": "/usr/bin"})
    return float(done.stdout)


def samples_of(dataset, count):
    """Raw rows as the dataset's test part has them."""
    done = subprocess.run([RINGTRAIN, "dataset", "info", "--json", dataset], capture_output=True, text=True, check=True)
    shape = json.loads(done.stdout)["shape"]
    size = shape[0] * shape[1] * shape[2]
    data = pathlib.Path(dataset).read_bytes()[-size * (count + 64):]  # bytes of samples, whatever they show
    return shape, [data[row * size:(row + 1) * size] for row in range(count)]


def cpu_seconds(sessions):
    """Seconds of the processors that the clients used, and the servers with all that they started."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = 0
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12]) if int(fields[3]) in sessions else 0
    return children.ru_utime + children.ru_stime + ticks / os.sysconf("SC_CLK_TCK")


def start_all(contestants, all_rows, samples, stack):
    """Starts each server for each number of rows: [(contestant, form, rows, request, url)], and their
    sessions."""
    entries, sessions = [], set()
    for rows in all_rows:
        for one in contestants:
            requests = {form: make(samples[:rows]) for form, make in one.formats.items()}
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            print(f"starting {one.name} for {rows}", file=sys.stderr)
            url, session = stack.enter_context(one.serve(folder, rows, next(iter(requests.values()))))
            sessions.add(session)
            entries += [(one, form, rows, request, url) for form, request in requests.items()]
    return entries, sessions


def measure(entry, seconds, folder):
    _, _, rows, request, url = entry
    load(url, request, CONNECTIONS[rows], 1, folder)  # warm
    found = load(url, request, CONNECTIONS[rows], seconds, folder)
    found["at_70_percent"] = at_rate(url, request, SHARE_OF_LOAD * found["requests_per_second"], seconds, folder)
    found["rows_per_second"] = found["requests_per_second"] * rows
    return found


def spread(values):
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def server_record(key, results, without_http):
    """Rates and times of one server for requests of one form, beside ours of the same round."""
    name, form, rows = key
    rates = [one["rows_per_second"] for one in results[key]]
    record = {"server": name, "format": form, "rows": rows, "rows_per_second": spread(rates),
              "p99_ms": spread([one["p99_ms"] for one in results[key]]),
              "p99_ms_at_70_percent": spread([one["at_70_percent"]["p99_ms"] for one in results[key]])}
    if name == "ringtrain":
        record["of_without_http"] = spread([rate / bare for rate, bare in zip(rates, without_http[rows])])
        record["batch_ms"] = statistics.median(1e3 * rows / bare for bare in without_http[rows])
    else:
        for ours in ("json", "binary"):
            record[f"ringtrain_{ours}_over_it"] = spread(
                [one["rows_per_second"] / rate for one, rate in zip(results["ringtrain", ours, rows], rates)])
    return record


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("dataset", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, nargs="*", default=[1, 16])
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    model = arguments.run.resolve()
    shape, samples = samples_of(arguments.dataset, 16)
    results, without_http = {}, {}
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        entries, sessions = start_all([ours(model, shape), *peers(model, shape)], arguments.rows,
                                      samples, stack)
        noise, before = machine.Noise(), cpu_seconds(sessions)
        for _ in range(arguments.rounds):
            for rows in arguments.rows:
                without_http.setdefault(rows, []).append(batch_rate(model, rows, 2))
            for entry in entries:
                one, form, rows, *_ = entry
                found = measure(entry, arguments.seconds, folder)
                results.setdefault((one.name, form, rows), []).append(found)
                print(f"{one.name} {form} {rows}: {found['rows_per_second']:.0f} rows/s, p99 {found['p99_ms']:.1f} "
                      f"ms, at 70% {found['at_70_percent']['p99_ms']:.1f} ms", file=sys.stderr)
        others = noise.of_others(cpu_seconds(sessions) - before)
    record = {"machine": machine.provenance(), "model": model.name, "shape": shape, "seconds": arguments.seconds,
              "rounds": arguments.rounds, "connections": {rows: CONNECTIONS[rows] for rows in arguments.rows},
              "share_of_others": others,
              "without_http": [{"rows": rows, "rows_per_second": spread(rates)}
                               for rows, rates in without_http.items()],
              "servers": [server_record(key, results, without_http) for key in results]}
    text = json.dumps(record, indent=1) + "\n"
    if arguments.json:
        arguments.json.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
