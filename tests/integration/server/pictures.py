#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the pictures of docs/guides/server.md and data-on-a-server.md, with real runs in a real browser.

  pictures.py PATH/OF/ringtrain PATH/OF/ringtrain-worker FOLDER
"""

import json
import pathlib
import sys

import browser
import pages_case
import server_case
import small_png

FOLDER = pathlib.Path(sys.argv.pop(3)).resolve() if len(sys.argv) > 3 else None
WIDTH, HEIGHT = 1040, 680


class Pictures(pages_case.PagesTest):
    def open(self, address, text, dark=False):
        if self.page:
            self.page.close()
        self.page = browser.Browser(WIDTH, HEIGHT, dark)
        self.page.open(self.new_address())
        self.page.wait_for("document.querySelector('h1')?.innerText === 'Jobs'")
        self.page.open(self.url + address)
        self.page.wait_for_text(text)

    def new_address(self):
        status, _, body = self.ask("POST", "/api/v1/codes")
        self.assertEqual(status, 200, body)
        return f"{self.url}/ui/#code={json.loads(body)['code']}"

    def keep(self, name):
        (FOLDER / f"{name}.png").write_bytes(small_png.smaller(self.page.screenshot()))

    def test_take_them(self):
        fast = {"type": "sgd", "learning_rate": 0.05, "momentum": 0.9}
        self.submit("digits", epochs=12, optimizer=fast)
        self.submit("digits-slow", epochs=12, optimizer={"type": "sgd", "learning_rate": 0.01, "momentum": 0.9})
        self.submit("digits-adamw", epochs=12, optimizer={"type": "adamw", "learning_rate": 0.001})
        for name in ("digits", "digits-slow", "digits-adamw"):
            self.wait_for_state(name, "Succeeded")
        self.submit("long", epochs=1000000)
        self.submit("next", epochs=12, optimizer=fast)
        self.wait_for_state("long", "Running")
        self.wait_for(lambda: self.get("/api/v1/jobs/long/ranks")["seen"])
        self.open("/ui/", "waits for 2 of 2 cores")
        self.keep("jobs")
        self.open("/ui/new?from=digits", "A good job")
        self.keep("new-job")
        self.open("/ui/jobs/long", "Samples a second", dark=True)
        self.page.wait_for("document.querySelectorAll('svg.plot polyline').length > 3")
        self.keep("job")
        self.open("/ui/jobs/long?tab=ranks", "Last seen")
        self.keep("ranks")
        self.open("/ui/compare?jobs=digits,digits-slow,digits-adamw", "Keys that differ")
        self.keep("compare")
        self.open("/ui/machine", "core 2", dark=True)
        self.keep("machine")
        self.open("/docs", "/api/v1/jobs/{name}/scale")
        self.keep("docs")

    def test_take_those_of_data_and_models(self):
        sent = {}
        for path, role in zip(self.idx_files, ("train_images", "train_labels", "test_images", "test_labels")):
            with open(path, "rb") as file:
                _, _, body = self.ask("PUT", f"/api/v1/files/{pathlib.Path(path).name}", file.read(),
                                      content="application/octet-stream")
            sent[role] = {"upload": json.loads(body)["id"]}
        for body in ({"name": "quarters", "kind": "idx", "files": sent},
                     {"name": "copy", "kind": "ringtrain", "files": {"file": {"path": "digits.h5"}}}):
            status, _, begun = self.ask("POST", "/api/v1/datasets", json.dumps(body), content="application/json")
            self.assertEqual(status, 202, begun)
            place = f"/api/v1/operations/{json.loads(begun)['id']}"
            self.wait_for(lambda where=place: self.get(where)["state"] == "Succeeded" or None)
        for name, rate in (("quarters", 0.01), ("quarters-fast", 0.05)):
            self.submit(name, dataset="quarters", epochs=6, optimizer={"type": "sgd", "learning_rate": rate})
            self.wait_for_state(name, "Succeeded")
        self.ask("POST", "/api/v1/models", json.dumps({"job": "quarters-fast", "model": "quarters"}),
                 content="application/json")
        self.wait_for(lambda: len(self.get("/api/v1/models/quarters")["versions"]) == 2 or None)
        self.wait_for(lambda: self.get("/api/v1/models/quarters")["versions"][0]["evaluations"] or None)
        self.ask("PUT", "/api/v1/models/quarters/aliases/production", json.dumps({"version": 2}),
                 content="application/json")
        self.open("/ui/datasets", "quarters")
        self.page.wait_for("[...document.images].every((one) => one.complete)")
        self.keep("datasets")
        self.open("/ui/import", "Import a dataset", dark=True)
        self.keep("import")
        self.open("/ui/datasets/quarters", "Used by")
        self.page.wait_for("[...document.images].every((one) => one.complete)")
        self.keep("dataset")
        self.open("/ui/models/quarters", "Confusion matrix")
        self.keep("model")


if __name__ == "__main__":
    if FOLDER is None:
        sys.exit(__doc__.strip())
    server_case.main()
