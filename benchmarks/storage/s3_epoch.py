#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reading from S3: a dataset of random images on versitygw (scripts/setup --s3) on this machine.

  benchmarks/storage/s3_epoch.py [--gib N] [--budget-mib N] [--rounds N] [--images N] [--json FILE]

`dataset verify` reads every byte and checks it; curl gets as many ranges of the same object at once from the same
server. Jobs of the smallest network then train within the budget of their cache, which is empty at first: the rate of
an epoch beside curl's, and bytes that the server has sent (its access log) over bytes that the epochs need. lenet5 on
two ranks trains on the same rows from S3 and from the disk. Last, an import of a zip of images beside its parts.
Server, client and ranks share this machine's cores, on both sides of a ratio.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RINGTRAIN = pathlib.Path(os.environ.get("RINGTRAIN_BUILD", ROOT / "build/cpu")) / "bin/ringtrain"
for folder in ("tests/integration/storage", "benchmarks/torch_backend"):
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
    lines = ["parallel", f"parallel-max = {RANGES}", "silent"]
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    signed = s3_server.signature("GET", target, {"host": host, "x-amz-content-sha256": EMPTY, "x-amz-date": now}, now)
    for start in range(0, size, RANGE):
        lines += ["next"] if start else []
        lines += ["fail", f'url = "{url}"', f'range = "{start}-{min(start + RANGE, size) - 1}"', 'output = "/dev/null"',
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


def png(side):
    """An image of noise."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    noise = os.urandom(side * side * 3)
    lines = b"".join(b"\0" + noise[line * side * 3:(line + 1) * side * 3] for line in range(side))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(lines, 1)) + chunk(b"IEND", b""))


def images_zip(path, count):
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            archive.writestr(f"{'ab'[number % 2]}/{number}.png", png(96))


def spread(values):
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def reading(arguments, folder, bucket, url, env, rows):
    """verify and epochs of the smallest network, beside curl."""
    size, needed = (bucket / "random.h5").stat().st_size, rows * CHANNELS * SIDE * SIDE
    gib, budget, log = 1 << 30, arguments.budget_mib / 1024, folder / "access.log"
    curls, verifies, epochs, over = [], [], [], []
    for _ in range(arguments.rounds):
        curls.append(size / gib / curl_ranges(f"{url}/data/random.h5", size, folder))
        verifies.append(size / gib / timed(RINGTRAIN, "dataset", "verify", "s3://data/random.h5", env=env)[0])
        before = sent_bytes(log)
        epoch, = job(folder, "s3://data/random.h5", "mlp", env, 1, budget, "--set", "hidden=[1]")
        over.append((sent_bytes(log) - before) / needed)
        epochs.append(needed / gib / epoch["seconds"])
        print(f"GiB/s: curl {curls[-1]:.3f}, verify {verifies[-1]:.3f}, epoch {epochs[-1]:.3f}; read over needed "
              f"{over[-1]:.4f}", file=sys.stderr)
    return {"curl_gib_per_second": spread(curls), "verify_gib_per_second": spread(verifies),
            "epoch_gib_per_second": spread(epochs),
            "verify_over_curl": spread([ours / curl for ours, curl in zip(verifies, curls)]),
            "epoch_over_curl": spread([ours / curl for ours, curl in zip(epochs, curls)]),
            "bytes_read_over_needed": spread(over)}


def first_epochs(arguments, folder, bucket, env):
    """lenet5 on 2 ranks on as many rows as are trained in a few seconds: rate from S3 over that from the disk."""
    few = ["--set", f"samples={arguments.samples}"]
    ratios = []
    for _ in range(arguments.rounds):
        far, = job(folder, "s3://data/random.h5", "lenet5", env, 2, arguments.budget_mib / 1024, *few)
        here, = job(folder, bucket / "random.h5", "lenet5", env, 2, arguments.budget_mib / 1024, *few)
        ratios.append(here["seconds"] / far["seconds"])
        print(f"lenet5: {far['seconds']:.2f} s from S3, {here['seconds']:.2f} s from the disk", file=sys.stderr)
    return spread(ratios)


def imports(arguments, folder, bucket, url, env):
    """An import of a zip by URL: its wall time over the longest of download, import and half of their CPU seconds."""
    images_zip(bucket / "images.zip", arguments.images)
    words = [RINGTRAIN, "dataset", "import", "images"]
    to = ["-o", folder / "images.h5", "--height", "64", "--width", "64", "--fit", "stretch", "--force"]
    size, over, rows = (bucket / "images.zip").stat().st_size, [], []
    for _ in range(arguments.rounds):
        download = curl_ranges(f"{url}/data/images.zip", size, folder)
        alone, processor = timed(*words, bucket / "images.zip", *to)
        both, _ = timed(*words, "s3://data/images.zip", *to, env=env)
        over.append(both / max(download, alone, processor / 2))
        rows.append({"download": download, "import": alone, "import_cpu": processor, "by_url": both})
        print(f"import: {rows[-1]}", file=sys.stderr)
    return {"images": arguments.images, "bytes": size, "seconds": rows, "wall_over_slowest_part": spread(over)}


def measure(arguments, folder):
    bucket = folder / "buckets/data"
    record = {"gib": arguments.gib, "budget_mib": arguments.budget_mib, "ranges": RANGES, "range_mib": RANGE >> 20}
    with s3_server.running_server(bucket.parent, "--access-log", str(folder / "access.log"), "--quiet") as url:
        bucket.mkdir()
        env = s3_server.environment(url)
        rows = make_dataset(folder, arguments.gib, bucket / "random.h5")
        record["reading"] = reading(arguments, folder, bucket, url, env, rows)
        record["lenet5_in_the_first_epoch_of_local"] = first_epochs(arguments, folder, bucket, env)
        record["import"] = imports(arguments, folder, bucket, url, env)
    return record


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=float, default=1)
    parser.add_argument("--budget-mib", type=int, default=256)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--samples", type=int, default=20000)
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
