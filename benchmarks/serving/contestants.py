# SPDX-License-Identifier: Apache-2.0
"""Servers of one trained model, each on one core: how each is started, and what it is asked."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RINGTRAIN = pathlib.Path(os.environ.get("RINGTRAIN_BUILD", ROOT / "build/cpu")) / "bin/ringtrain"
sys.path.insert(0, str(ROOT / "tests/integration/storage"))
from s3_server import free_port  # noqa: E402

CACHE = pathlib.Path(os.environ.get("RINGTRAIN_CACHE") or pathlib.Path(
    os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache", "ringtrain"))
WAIT = 90  # seconds until a server must answer
SERVER_CORE, CLIENT_CORE = "0", "1"


class Request:
    """The body of a request of some rows, and its headers."""

    def __init__(self, path, body, **headers):
        self.path, self.body, self.headers = path, body, {name.replace("_", "-"): value
                                                          for name, value in headers.items()}


def rows_as_json(rows):
    return [list(row) for row in rows]


def plain(path):
    def make(rows):
        return Request(path, json.dumps({"rows": rows_as_json(rows)}).encode(), Content_Type="application/json")
    return make


def oip(path, shape):
    """As JSON, by the Open Inference Protocol."""
    def make(rows):
        data = [value for row in rows for value in row]
        tensor = {"name": "input", "datatype": "UINT8", "shape": [len(rows), *shape], "data": data}
        return Request(path, json.dumps({"inputs": [tensor]}).encode(), Content_Type="application/json")
    return make


def binary(path, shape):
    """The same with the tensor as bytes, both ways."""
    def make(rows):
        data = b"".join(rows)
        head = json.dumps({
            "inputs": [{"name": "input", "datatype": "UINT8", "shape": [len(rows), *shape],
                        "parameters": {"binary_data_size": len(data)}}],
            "parameters": {"binary_data_output": True}}).encode()
        return Request(path, head + data, Content_Type="application/octet-stream",
                       Inference_Header_Content_Length=str(len(head)))
    return make


def ask(url, request):
    made = urllib.request.Request(url + request.path, data=request.body, headers=request.headers)
    with urllib.request.urlopen(made, timeout=30) as answer:
        return answer.read()


@contextlib.contextmanager
def running(words, folder, url, request, **environment):
    """Runs a server on its core until it answers a request, and ends its group."""
    with open(folder / "server.log", "ab") as log:
        server = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, *map(str, words)], cwd=folder, stdout=log, stderr=log,
            env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", **environment}, start_new_session=True)
    try:
        deadline = time.monotonic() + WAIT
        while True:
            try:
                ask(url, request)
                break
            except (OSError, urllib.error.HTTPError) as error:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{words[0]} does not answer ({error}): "
                                       f"{(folder / 'server.log').read_text()[-2000:]}") from error
                time.sleep(0.3)
        yield server.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


class Contestant:
    """`formats`: {name: how rows become a request}. `start` gives the words of the command line and the environment."""

    def __init__(self, name, formats, start):
        self.name, self.formats, self.start = name, formats, start

    @contextlib.contextmanager
    def serve(self, folder, rows, request):
        port = free_port()
        words, environment = self.start(folder, port, rows)
        url = f"http://127.0.0.1:{port}"
        with running(words, folder, url, request, **environment) as session:
            yield url, session


def ours(model, shape):
    path = "/v2/models/model/infer"
    return Contestant("ringtrain", {"json": oip(path, shape), "binary": binary(path, shape)},
                      lambda folder, port, rows: ([RINGTRAIN, "serve", f"model={model}", "--listen",
                                                   f"127.0.0.1:{port}", "--threads", "1"], {}))


def peers(model, shape):
    """Those that are installed: a virtual environment of its name in the cache of scripts/setup."""
    here = {"PYTHONPATH": str(HERE / "peers"), "RINGTRAIN_MODEL": str(model / "model.pt")}

    def litserve(folder, port, rows):
        return ([CACHE / "litserve/bin/python", HERE / "peers/litserve_server.py", port],
                {**here, "RINGTRAIN_ROWS": str(rows)})

    def bentoml(folder, port, rows):
        return ([CACHE / "bentoml/bin/bentoml", "serve", "bentoml_service:Model", "--port", port, "--host",
                 "127.0.0.1", "--working-dir", HERE / "peers"], {**here, "BENTOML_DO_NOT_TRACK": "True"})

    def mlserver(folder, port, rows):
        (folder / "settings.json").write_text(json.dumps(
            {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port(), "parallel_workers": 0,
             "host": "127.0.0.1", "debug": False}))
        (folder / "model-settings.json").write_text(json.dumps(
            {"name": "model", "implementation": "mlserver_model.Model",
             **({"max_batch_size": 64, "max_batch_time": 0.001} if rows == 1 else {})}))
        return [CACHE / "mlserver/bin/mlserver", "start", folder], here

    def torchserve(folder, port, rows):
        store = folder / "store"
        if not store.exists():
            store.mkdir()
            subprocess.run([CACHE / "torchserve/bin/torch-model-archiver", "--model-name", "model", "--version", "1",
                            "--handler", HERE / "peers/torchserve_model.py", "--extra-files",
                            HERE / "peers/trained.py", "--export-path", store], check=True)
        batch = {"model": {"1.0": {"defaultVersion": True, "marName": "model.mar", "minWorkers": 1, "maxWorkers": 1,
                                   "batchSize": 64 if rows == 1 else 1, "maxBatchDelay": 1, "responseTimeout": 60}}}
        (folder / "ts.properties").write_text(
            f"inference_address=http://127.0.0.1:{port}\nmanagement_address=http://127.0.0.1:{free_port()}\n"
            f"metrics_address=http://127.0.0.1:{free_port()}\nmodel_store={store}\nload_models=all\n"
            f"default_workers_per_model=1\njob_queue_size=1000\ndisable_token_authorization=true\n"
            f"models={json.dumps(batch)}\n")
        tools = CACHE / "torchserve/bin"
        return ([tools / "torchserve", "--foreground", "--ncs", "--ts-config", folder / "ts.properties"],
                {**here, "PATH": f"{tools}:{os.environ['PATH']}", "LOG_LOCATION": str(folder), "TMPDIR": str(folder),
                 "METRICS_LOCATION": str(folder)})

    all_peers = [
        Contestant("LitServe", {"json": plain("/predict")}, litserve),
        Contestant("BentoML", {"json": plain("/predict")}, bentoml),
        Contestant("MLServer", {"json": oip("/v2/models/model/infer", shape)}, mlserver),
        Contestant("TorchServe", {"json": plain("/predictions/model")}, torchserve)]
    return [one for one in all_peers if (CACHE / one.name.lower() / "bin/python").exists()]
