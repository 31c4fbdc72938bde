# SPDX-License-Identifier: Apache-2.0
"""versitygw, a real S3 server on a folder, and a proxy in front of it that does what servers and networks do."""

import contextlib
import datetime
import hashlib
import hmac
import http.client
import http.server
import os
import pathlib
import re
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
ID, SECRET, REGION = "ringtrain-tests", "not-a-secret", "eu-north-7"


def find_versitygw():
    cache = os.environ.get("RINGTRAIN_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ringtrain")
    version = re.search(r"versity/versitygw (v\S+)", (HERE / "versitygw/go.mod").read_text())[1]
    program = pathlib.Path(cache, "s3", f"versitygw-{version}", "versitygw")
    if not program.exists():
        print(f"skipped: {program} is not there: run scripts/setup --s3")
        sys.exit(77)
    return program


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(url):
    """The variables by which programs find the server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": ID, "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_CONFIG_FILE": os.devnull}


@contextlib.contextmanager
def running_server(folder, *options):
    """Runs versitygw on a folder, each folder in which is a bucket; gives its URL."""
    program, port = find_versitygw(), free_port()
    folder.mkdir(exist_ok=True)
    with open(folder.parent / "versitygw.log", "wb") as log:
        server = subprocess.Popen(
            [program, "--port", f"127.0.0.1:{port}", "--access", ID, "--secret", SECRET, "--region", REGION,
             "--keep-alive", *options, "posix", folder], stdout=log, stderr=log)
    try:
        while True:
            if server.poll() is not None:
                sys.exit(f"versitygw ended: {(folder.parent / 'versitygw.log').read_text()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
                break
            time.sleep(0.05)  # until it listens: it says so nowhere
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def signature(method, target, headers, now):
    """An independent reading of AWS's description of Signature Version 4, for S3."""
    path, _, query = target.partition("?")
    query = "&".join(sorted(query.split("&"))) if query else ""
    names = ";".join(sorted(headers))
    canonical = "\n".join([method, path, query, *(f"{name}:{headers[name]}" for name in sorted(headers)), "", names,
                           headers["x-amz-content-sha256"]])
    scope = f"{now[:8]}/{REGION}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{SECRET}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"AWS4-HMAC-SHA256 Credential={ID}/{scope}, SignedHeaders={names}, Signature={key.hex()}"


class Proxy(http.server.BaseHTTPRequestHandler):
    """Passes requests on, but for what `server.fault` says."""

    protocol_version = "HTTP/1.1"
    AHEAD = datetime.timedelta(minutes=20)

    def log_message(self, *_):
        pass

    def count(self):
        with self.server.lock:
            self.server.requests += 1
            return self.server.requests

    def refuse(self, status, code, date=None):
        body = f"<Error><Code>{code}</Code><Message>By the proxy.</Message></Error>".encode()
        self.send_response_only(status)
        if date:
            self.send_header("Date", date.strftime("%a, %d %b %Y %H:%M:%S GMT"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def set_clock(self, headers):
        """Refuses what is not signed by a clock 20 minutes ahead; signs the rest anew, by the server's."""
        now = datetime.datetime.now(datetime.timezone.utc)
        signed = datetime.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=now.tzinfo)
        if abs(signed - now - self.AHEAD) > datetime.timedelta(minutes=5):
            self.refuse(403, "RequestTimeTooSkewed", now + self.AHEAD)
            return False
        headers["x-amz-date"] = now.strftime("%Y%m%dT%H%M%SZ")
        names = re.search(r"SignedHeaders=([^,]*)", headers["authorization"])[1].split(";")
        chosen = {name: headers[name] for name in names}
        headers["authorization"] = signature(self.command, self.path, chosen, headers["x-amz-date"])
        return True

    def pass_on(self):
        number, fault = self.count(), self.server.fault
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length) if length else b""
        headers = {name.lower(): value for name, value in self.headers.items()}
        if fault == "busy" and number % 3 == 0:
            return self.refuse(503, "SlowDown")
        if fault == "broken" and number % 4 == 0:
            return self.refuse(500, "InternalError")
        if fault == "clock" and not self.set_clock(headers):
            return None
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=60)
        upstream.request(self.command, self.path, body if length else None, headers)
        answer = upstream.getresponse()
        data = answer.read()
        self.server.bytes += len(data)
        cut = fault == "cut" and number % 3 == 0
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if fault == "etag" and name.lower() == "etag" and self.command == "GET":
                value = '"another"'
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        if "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[:len(data) // 2] if cut else data)
        if cut:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        upstream.close()
        return None

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on


class ProxyServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64


@contextlib.contextmanager
def running_proxy(url, fault=""):
    """A proxy to `url`; gives its server, with `url`, `fault` (which may be changed), `requests` and `bytes`."""
    server = ProxyServer(("127.0.0.1", 0), Proxy)
    server.upstream = url.removeprefix("http://")
    server.fault, server.requests, server.bytes = fault, 0, 0
    server.lock = threading.Lock()
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
