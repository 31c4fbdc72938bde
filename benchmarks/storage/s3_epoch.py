#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reading from S3: a dataset of random images on versitygw (scripts/setup --s3) on this machine.

  benchmarks/storage/s3_epoch.py [--gib N] [--budget-mib N] [--rounds N] [--json FILE]

`verify` reads every byte through the fetcher and checks it, as ranks do; curl gets as many ranges of the same object at
once from the same server. A job of the smallest network then trains two epochs within the budget of its cache: bytes
that the server has sent (its access log) over bytes that the job needs. Last, an import of a zip of images beside its
parts. Server, client and ranks share this machine's cores, which both sides of a ratio do.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RINGTRAIN = pathlib.Path(os.environ.get("RINGTRAIN_BUILD", ROOT / "build/cpu")) / "bin/ringtrain"
for folder in ("tests/integration/storage", "tests/integration/guides", "benchmarks/torch_backend"):
    sys.path.insert(0, str(ROOT / folder))
import machine  # noqa: E402
import s3_server  # noqa: E402

SIDE, CHANNELS = 64, 3
RANGES, RANGE = 8, 8 << 20  # as the fetcher: parts on their way at once, and their size
EMPTY = hashlib.sha256(b"").hexdigest()


def must(*words, env=None):
    done = subprocess.run([str(word) for word in words], env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr[-2000:]}")
    return done.stdout


def timed(*words, env=None):
    """Seconds of the wall and of the processors."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    must(*words, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (time.monotonic() - begun,
            after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def npy(path, rows, *shape):
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {(rows, *shape)}, }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    row = 1
    for size in shape:
        row *= size
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)
        left = rows * row
        while left:
            some = min(left, 64 << 20)
            file.write(os.urandom(some) if shape else bytes(i % 2 for i in range(some)))
            left -= some


def make_dataset(folder, gib, to):
    rows = int(gib * (1 << 30)) // (CHANNELS * SIDE * SIDE)
    files = [folder / f"{name}.npy" for name in ("x", "y", "tx", "ty")]
    npy(files[0], rows, CHANNELS, SIDE, SIDE)
    npy(files[1], rows)
    npy(files[2], 64, CHANNELS, SIDE, SIDE)
    npy(files[3], 64)
    must(RINGTRAIN, "dataset", "import", "npy", *files, "--channels", "first", "-o", to)
    for file in files:
        file.unlink()
    return rows


def curl_ranges(url, size, folder):
    """Gets an object by ranges, RANGES of them at once; seconds."""
    target = "/" + url.split("/", 3)[3]
    host = url.split("/")[2]
    lines = ["parallel", f"parallel-max = {RANGES}", "silent", "fail"]
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    signed = s3_server.signature("GET", target, {"host": host, "x-amz-content-sha256": EMPTY, "x-amz-date": now}, now)
    for start in range(0, size, RANGE):
        lines += ["next"] if start else []
        lines += [f'url = "{url}"', f'range = "{start}-{min(start + RANGE, size) - 1}"', 'output = "/dev/null"',
                  f'header = "x-amz-date: {now}"', f'header = "x-amz-content-sha256: {EMPTY}"',
                  f'header = "authorization: {signed}"']
    config = folder / "curl"
    config.write_text("\n".join(lines) + "\n")
    return timed("curl", "-K", config)[0]


def sent_bytes(log):
    """Bytes of objects that the server has sent, by its access log."""
    total = 0
    for line in log.read_text().splitlines() if log.exists() else []:
        found = re.search(r'"GET [^"]*" (\d+) \S+ (\d+)', line)
        total += int(found[2]) if found and found[1] in ("200", "206") else 0
    return total


def epochs_of(output):
    return [json.loads(line) for line in (output / "history.jsonl").read_text().splitlines()]


def job(folder, dataset, model, env, ranks, budget_gib, *more):
    output = pathlib.Path(tempfile.mkdtemp(dir=folder))
    cache = tempfile.mkdtemp(dir=folder)
    words = {"name": "bench", "model": model, "dataset": dataset, "output": output, "batch_size": 512,
             "dataset_cache.gib": budget_gib, "dataset_cache.folder": cache, "checkpoint.every_epochs": 0,
             "evaluate_every_epochs": 0, "optimizer.learning_rate": 0.001}
    text = folder / "job.yaml"
    text.write_text(f"name: bench\nmodel: {model}\ndataset: {dataset}\n")
    sets = [word for key, value in words.items() if key not in ("name", "model", "dataset")
            for word in ("--set", f"{key}={value}")]
    must(RINGTRAIN, "run", text, "-n", ranks, *sets, *more, env=env)
    return epochs_of(output)


def images_zip(path, count):
    from kubejob_test import png
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            archive.writestr(f"{'ab'[number % 2]}/{number}.png", png(96, number % 200))


def measure(arguments, folder):
    buckets = folder / "buckets"
    log = folder / "access.log"
    record = {"gib": arguments.gib, "budget_mib": arguments.budget_mib, "ranges": RANGES, "range_mib": RANGE >> 20}
    with s3_server.running_server(buckets, "--access-log", str(log)) as url:
        (buckets / "data").mkdir()
        env = s3_server.environment(url)
        there = buckets / "data/random.h5"
        rows = make_dataset(folder, arguments.gib, there)
        size, needed = there.stat().st_size, rows * CHANNELS * SIDE * SIDE
        ours, curls, first_s3, first_here = [], [], [], []
        for _ in range(arguments.rounds):
            curls.append(curl_ranges(f"{url}/data/random.h5", size, folder))
            ours.append(timed(RINGTRAIN, "dataset", "verify", "s3://data/random.h5", env=env)[0])
        record["curl_gib_per_second"] = [size / (1 << 30) / one for one in curls]
        record["ours_gib_per_second"] = [size / (1 << 30) / one for one in ours]
        record["ours_over_curl"] = statistics.median(c / o for c, o in zip(curls, ours))
        before = sent_bytes(log)
        budget = arguments.budget_mib / 1024
        epochs = job(folder, "s3://data/random.h5", "mlp", env, 1, budget, "--set", "hidden=[1]", "--set", "epochs=2")
        record["bytes_read_over_needed_of_2_epochs"] = (sent_bytes(log) - before) / (2 * needed)
        record["epoch_seconds_of_the_smallest_network"] = [one.get("seconds") for one in epochs]
        few = ["--set", "samples=20000", "--set", "epochs=1"]
        for _ in range(arguments.rounds):
            first_s3.append(job(folder, "s3://data/random.h5", "lenet5", env, 2, budget, *few)[0]["seconds"])
            first_here.append(job(folder, there, "lenet5", env, 2, budget, *few)[0]["seconds"])
        record["lenet5_local_over_s3_in_the_first_epoch"] = statistics.median(
            here / far for here, far in zip(first_here, first_s3))
        images_zip(buckets / "data/images.zip", arguments.images)
        shape = ["--height", "64", "--width", "64", "--fit", "stretch", "--force"]
        words = [RINGTRAIN, "dataset", "import", "images"]
        download = curl_ranges(f"{url}/data/images.zip", (buckets / "data/images.zip").stat().st_size, folder)
        alone, processor = timed(*words, buckets / "data/images.zip", "-o", folder / "images.h5", *shape)
        both, _ = timed(*words, "s3://data/images.zip", "-o", folder / "images.h5", *shape, env=env)
        record["import"] = {"download_seconds": download, "import_seconds": alone, "import_cpu_seconds": processor,
                            "wall_seconds": both, "over_allowed": both / max(download, alone, processor / 2)}
    return record


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=float, default=1)
    parser.add_argument("--budget-mib", type=int, default=256)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    provenance = machine.provenance()
    provenance["command"] = "s3_epoch.py " + " ".join(sys.argv[1:])
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        record = {"machine": provenance, "rounds": arguments.rounds, **measure(arguments, pathlib.Path(folder))}
    text = json.dumps(record, indent=1) + "\n"
    if arguments.json:
        arguments.json.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
