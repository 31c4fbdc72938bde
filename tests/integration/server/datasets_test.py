#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Datasets of the server: uploads that are cut, doubled and reordered, imports that are refused, cancelled and killed
with the server, and a job that trains on one by its name. Needs curl, and no network but loopback.

  datasets_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import functools
import hashlib
import http.server
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import unittest
import zipfile

import server_case
from server_case import ServerTest, run_case

TUS = {"Tus_Resumable": "1.0.0"}
OCTETS = "application/offset+octet-stream"


def table(rows=400):
    """A table that is learned from: the label says which of two columns is larger."""
    lines = ["a,b,label"]
    for row in range(rows):
        a, b = (row * 37) % 101, (row * 53) % 103
        lines.append(f"{a},{b},{'left' if a > b else 'right'}")
    return ("\n".join(lines) + "\n").encode()


class Datasets(ServerTest):
    def import_of(self, name, kind, files, **options):
        status, headers, body = self.ask("POST", "/api/v1/datasets", json.dumps(
            {"name": name, "kind": kind, "files": files, "options": options}), content="application/json")
        return status, headers, json.loads(body)

    def begin(self, name, kind, files, **options):
        status, headers, operation = self.import_of(name, kind, files, **options)
        self.assertEqual(status, 202, operation)
        self.assertEqual(headers["Location"], "/api/v1/operations/" + operation["id"])
        return operation["id"]

    def end_of(self, operation):
        def look():
            found = self.get(f"/api/v1/operations/{operation}")
            return found if found["state"] in ("Succeeded", "Failed", "Cancelled") else None
        return self.wait_for(look)

    def imported(self, name, kind, files, **options):
        found = self.end_of(self.begin(name, kind, files, **options))
        self.assertEqual(found["state"], "Succeeded", found["error"])
        return self.get(f"/api/v1/datasets/{name}")

    def names(self):
        return [one["name"] for one in self.get("/api/v1/datasets")["datasets"]]

    def put(self, name, data):
        """Sends a file as `curl -T` does, and returns the upload's id."""
        (self.folder / name).write_bytes(data)
        answer = subprocess.run(
            ["curl", "-sS", "-T", self.folder / name, "-H", f"Authorization: Bearer {self.token}",
             f"{self.url}/api/v1/files/"], check=True, stdout=subprocess.PIPE, timeout=run_case.DEADLINE).stdout
        upload = json.loads(answer)
        self.assertEqual((upload["bytes"], upload["complete"], upload["file"]), (len(data), True, name), upload)
        return upload["id"]

    def create(self, length, name="dGFibGUuY3N2"):
        status, headers, body = self.ask("POST", "/api/v1/uploads", Upload_Length=str(length),
                                         Upload_Metadata=f"filename {name}", **TUS)
        self.assertEqual(status, 201, body)
        self.assertEqual(headers["Tus-Resumable"], "1.0.0")
        return headers["Location"]

    def patch(self, place, offset, data, content=OCTETS, **headers):
        status, found, _ = self.ask("PATCH", place, data, content=content, Upload_Offset=str(offset),
                                    **(headers or TUS))
        return status, found["Upload-Offset"]

    def offset(self, place):
        status, headers, _ = self.ask("HEAD", place, **TUS)
        self.assertEqual(status, 200)
        return int(headers["Upload-Offset"])

    def nothing_is_left(self):
        self.assertEqual([one for one in os.listdir(self.dir / "datasets")], [])
        for operation in os.listdir(self.dir / "operations"):
            self.assertEqual(os.listdir(self.dir / "operations" / operation), ["operation.json"])

    def test_a_table_by_curl_to_a_job_that_names_it(self):
        upload = self.put("table.csv", table())
        dataset = self.imported("sides", "csv", {"file": {"upload": upload}}, label="label")
        self.assertEqual((dataset["train_rows"], dataset["test_rows"]), (360, 40))
        self.assertEqual(dataset["classes"], ["left", "right"])
        self.assertEqual(sum(dataset["train_rows_of_class"]), 360)
        data = (self.dir / "datasets/sides/data.h5").read_bytes()
        self.assertEqual(dataset["sha256"], hashlib.sha256(data).hexdigest())
        self.assertEqual(dataset["bytes"], len(data))
        self.assertEqual(dataset["files"], {"file": "table.csv"})
        status, headers, rows = self.ask("GET", "/api/v1/datasets/sides/rows.txt")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/plain; charset=utf-8"))
        self.assertIn(b"left", rows)
        self.assertEqual(self.ask("GET", "/api/v1/datasets/sides/sheet.png")[0], 404)
        self.assertEqual(self.get("/api/v1/uploads")["uploads"], [])  # it is the dataset's now
        self.submit("long", dataset="sides", epochs=1000000)
        self.wait_for_state("long", "Running")
        self.assertEqual(self.get("/api/v1/datasets/sides")["jobs"], [{"name": "long", "state": "Running"}])
        status, _, body = self.ask("DELETE", "/api/v1/datasets/sides")
        self.assertEqual(status, 409, body)
        self.assertIn("'long' uses this dataset", json.loads(body)["detail"])
        self.ask("DELETE", "/api/v1/jobs/long")
        self.wait_for(lambda: not self.get("/api/v1/jobs")["jobs"] or None)
        self.assertEqual(self.ask("DELETE", "/api/v1/datasets/sides")[0], 204)
        self.assertEqual(self.get("/api/v1/datasets")["datasets"], [])
        self.nothing_is_left()

    def test_images_arrays_and_a_dataset_as_it_is(self):
        digits = {}
        for path, role in zip(self.idx_files, ("train_images", "train_labels", "test_images", "test_labels")):
            digits[role] = {"upload": self.put(os.path.basename(path), open(path, "rb").read())}
        dataset = self.imported("digits", "idx", digits)
        self.assertEqual((dataset["train_rows"], len(dataset["classes"])), (run_case.TRAIN_ROWS, run_case.CLASSES))
        sheet = self.ask("GET", "/api/v1/datasets/digits/sheet.png")
        self.assertEqual((sheet[0], sheet[1]["Content-Type"], sheet[2][:4]), (200, "image/png", b"\x89PNG"))
        # A zip of the sheet as two classes of one image each, and more.
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as pack:
            for name in ("cats", "dogs"):
                for number in range(5):
                    pack.writestr(f"{name}/{number}.png", sheet[2])
        images = self.imported("animals", "images", {"source": {"upload": self.put("animals.zip", archive.getvalue())}},
                               height=8, width=8, test_share=0.2)
        self.assertEqual((images["classes"], images["shape"]), (["cats", "dogs"], [3, 8, 8]))
        copy = self.imported("copy", "ringtrain", {"file": {"path": "digits.h5"}})
        self.assertEqual(copy["sha256"], hashlib.sha256(self.dataset.read_bytes()).hexdigest())
        self.assertEqual(self.names(), ["animals", "copy", "digits"])
        # Folders are the truth: the index is gone, and one folder has another name now.
        self.stop_server()
        (self.dir / "index.db").unlink()
        (self.dir / "datasets/copy").rename(self.dir / "datasets/renamed")
        self.start_server()
        self.assertEqual(self.names(), ["animals", "digits", "renamed"])

    def test_an_upload_in_pieces_through_cuts_and_kills(self):
        data = table(60000)
        place = self.create(len(data))
        self.assertEqual(self.patch(place, 0, data[:1000]), (204, "1000"))
        self.assertEqual(self.patch(place, 0, data[:1000])[0], 409)  # doubled
        self.assertEqual(self.patch(place, 2000, data[2000:3000])[0], 409)  # reordered
        self.assertEqual(self.offset(place), 1000)
        self.assertEqual(self.patch(place, 1000, b"", content="application/octet-stream")[0], 415)
        self.assertEqual(self.patch(place, 1000, b"x", Tus_Resumable="0.2.2")[0], 412)
        self.assertEqual(self.patch(place, 1000, data)[0], 413)  # more than was announced
        # A connection that is cut: what has arrived stays.
        host, port = self.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=run_case.DEADLINE) as connection:
            connection.sendall((f"PATCH {place} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {self.token}\r\n"
                                f"Tus-Resumable: 1.0.0\r\nUpload-Offset: 1000\r\nContent-Type: {OCTETS}\r\n"
                                f"Content-Length: {len(data) - 1000}\r\n\r\n").encode() + data[1000:200000])
            self.wait_for(lambda: self.offset(place) == 200000 or None)
        # The server dies in the middle of a piece.
        cut = socket.create_connection((host, int(port)), timeout=run_case.DEADLINE)
        cut.sendall((f"PATCH {place} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {self.token}\r\n"
                     f"Tus-Resumable: 1.0.0\r\nUpload-Offset: 200000\r\nContent-Type: {OCTETS}\r\n"
                     f"Content-Length: {len(data) - 200000}\r\n\r\n").encode() + data[200000:300000])
        self.wait_for(lambda: self.offset(place) == 300000 or None)
        self.stop_server(signal.SIGKILL)
        cut.close()
        self.start_server()
        self.assertEqual(self.offset(place), 300000)
        status, _, body = self.import_of("early", "csv", {"file": {"upload": place.rsplit("/", 1)[1]}})
        self.assertEqual(status, 422)
        self.assertIn("continue the upload", body["detail"])
        self.assertEqual(self.patch(place, 300000, data[300000:]), (204, str(len(data))))
        upload = place.rsplit("/", 1)[1]
        self.assertEqual((self.dir / "uploads" / upload / "data").read_bytes(), data)
        self.assertEqual(self.imported("whole", "csv", {"file": {"upload": upload}})["train_rows"], 54000)
        place = self.create(10)
        self.assertEqual(self.ask("DELETE", place, **TUS)[0], 204)
        self.assertEqual(self.ask("HEAD", place, **TUS)[0], 404)

    def test_a_put_that_is_cut_leaves_nothing(self):
        host, port = self.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=run_case.DEADLINE) as connection:
            connection.sendall((f"PUT /api/v1/files/a.csv HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer "
                                f"{self.token}\r\nContent-Length: 1000000\r\n\r\n").encode() + b"x" * 100000)
            self.wait_for(lambda: os.listdir(self.dir / "uploads") or None)
        self.wait_for(lambda: not os.listdir(self.dir / "uploads") or None)
        # A file that the disk has no room for, and one that nobody may send, is refused before a byte of it is read.
        for token, status in ((self.token, b"507"), ("wrong", b"401")):
            with socket.create_connection((host, int(port)), timeout=run_case.DEADLINE) as connection:
                connection.sendall((f"PUT /api/v1/files/a.csv HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}"
                                    f"\r\nContent-Length: {1 << 60}\r\nExpect: 100-continue\r\n\r\n").encode())
                self.assertEqual(connection.recv(65536).split()[1], status)

    def test_sources_that_are_refused(self):
        upload = self.put("bad.csv", b"a,b\n1,x\n2\n")
        for request, key, words in (
                (("x", "csv", {"file": {"upload": "0" * 32}}), "files.file", "no such upload"),
                (("x", "csv", {"file": {"path": "/etc/passwd"}}), "files.file", "lies outside"),
                (("x", "csv", {"file": {"url": "http://127.0.0.1/a.csv"}}), "files.file",
                 "--allow-source 127.0.0.1:80"),
                (("x", "csv", {"file": {"url": "file:///etc/passwd"}}), "files.file", "https"),
                (("x", "csv", {}), "files.file", "is missing"),
                (("x", "zip", {}), "kind", "images, csv, npy"),
                (("../x", "csv", {"file": {"upload": upload}}), "name", "lower-case"),
                (("x", "csv", {"file": {"upload": upload}, "more": {}}), "files.more", "not known")):
            status, _, body = self.import_of(*request)
            self.assertEqual((status, body["errors"][0]["path"]), (422, key), body)
            self.assertIn(words, body["errors"][0]["message"])
        status, _, body = self.import_of("x", "csv", {"file": {"upload": upload}}, label=7, sepparator=",")
        self.assertEqual([error["path"] for error in body["errors"]], ["options.sepparator", "options.label"])
        # In the importer's words, without the paths of this machine.
        for name, kind, data, words in (
                ("bad.csv", "csv", b"a,b\n1,x\n2\n", "bad.csv"),
                ("cut.npy", "ringtrain", b"\x89HDF\r\n\x1a\n", "cut.npy"),
                ("bomb.zip", "images", self.bomb(), "bomb.zip")):
            role = "source" if kind == "images" else "file"
            ended = self.end_of(self.begin("x", kind, {role: {"upload": self.put(name, data)}}))
            self.assertEqual(ended["state"], "Failed")
            self.assertIn(words, ended["error"])
            self.assertNotIn(str(self.dir), ended["error"])
        self.assertEqual(self.get("/api/v1/datasets")["datasets"], [])
        self.nothing_is_left()

    def bomb(self):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as pack:
            for number in range(4):
                pack.writestr(f"cats/{number}.png", b"\0" * (100 << 20))
        return archive.getvalue()

    def test_addresses(self):
        served = self.folder / "served"
        served.mkdir()
        (served / "t.csv").write_bytes(table())
        web = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(served)))
        threading.Thread(target=web.serve_forever, daemon=True).start()
        self.addCleanup(web.server_close)
        self.addCleanup(web.shutdown)
        place = f"127.0.0.1:{web.server_address[1]}"
        ended = self.end_of(self.begin("x", "csv", {"file": {"url": f"https://{place}/t.csv"}}))
        self.assertIn("not an address of the public internet", ended["error"])
        self.stop_server(signal.SIGTERM)
        self.start_server("0", "--allow-source", place)
        dataset = self.imported("x", "csv", {"file": {"url": f"http://{place}/t.csv?key=secret"}})
        self.assertEqual(dataset["files"], {"file": f"http://{place}/t.csv"})
        ended = self.end_of(self.begin("y", "csv", {"file": {"url": f"http://{place}/none.csv?key=secret"}}))
        self.assertIn("answers 404", ended["error"])
        self.assertNotIn("secret", ended["error"])
        for target in ("away", "metadata"):
            ended = self.end_of(self.begin("z", "csv", {"file": {"url": f"http://{place}/{target}"}}))
            self.assertIn("answers 302", ended["error"])
        self.assertEqual(self.names(), ["x"])

    def test_an_import_is_cancelled_and_another_survives_the_server(self):
        # Its importer waits for ever for a pipe; the next one waits behind it.
        os.mkfifo(self.folder / "never")
        source = self.folder / "never"
        first = self.begin("first", "images", {"source": {"path": str(source.relative_to(self.shared))}})
        second = self.begin("second", "csv", {"file": {"upload": self.put("t.csv", table())}})
        status, _, body = self.import_of("second", "csv", {"file": {"path": "digits.h5"}})
        self.assertEqual(status, 409, body)
        status, _, body = self.ask("DELETE", f"/api/v1/operations/{first}")
        if status == 200:  # else the importer has refused the pipe already
            self.assertEqual(json.loads(body)["state"], "Cancelled")
        self.stop_server(signal.SIGKILL)
        self.start_server()
        self.assertEqual(self.end_of(second)["state"], "Succeeded")
        self.assertEqual(self.names(), ["second"])
        status, _, _ = self.ask("DELETE", f"/api/v1/operations/{second}")
        self.assertEqual(status, 409)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    AWAY = {"/away": "http://127.0.0.1:9/t.csv", "/metadata": "http://169.254.169.254/latest/meta-data"}

    def do_GET(self):
        if self.path in self.AWAY:
            self.send_response(302)
            self.send_header("Location", self.AWAY[self.path])
            return self.end_headers()
        return super().do_GET()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    if shutil.which("curl") is None:
        raise unittest.SkipTest("curl is not installed")
    server_case.main()
