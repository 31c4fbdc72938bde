#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Models of the server that are deployed: they answer, change versions, come back after a kill and with the next
server.

  deployments_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import os
import pathlib
import signal
import urllib.error
import urllib.request

import server_case
from server_case import ServerTest, run_case
from run_case import SIDE


class Deployments(ServerTest):
    def put(self, name, expected=202, **body):
        status, _, answer = self.ask("PUT", f"/api/v1/deployments/{name}", json.dumps(body), content="application/json")
        self.assertEqual(status, expected, answer)
        return json.loads(answer)

    def wait_until_ready(self, name, version, starts=1):
        def look():
            found = self.get(f"/api/v1/deployments/{name}")
            is_there = (found["state"], found["version"], found["starts"]) == ("Ready", version, starts)
            return found if is_there else None
        return self.wait_for(look)

    def ask_model(self, deployment):
        image = (self.shared / "test-images").read_bytes()[16:16 + SIDE * SIDE]
        tensor = {"name": "input", "datatype": "UINT8", "shape": [1, 1, SIDE, SIDE], "data": list(image)}
        request = urllib.request.Request(deployment["address"] + f"v2/models/{deployment['name']}/infer", method="POST",
                                         data=json.dumps({"inputs": [tensor]}).encode())
        with urllib.request.urlopen(request, timeout=run_case.DEADLINE) as answer:
            return json.loads(answer.read())

    def child(self):
        """The process of the server that serves a model."""
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
                words = (stat.parent / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if parent == self.server.pid and b"serve" in words:
                return int(stat.parent.name)
        return None

    def test_a_model_is_deployed_changed_killed_and_stopped(self):
        self.submit("digits", epochs=1)
        self.wait_for_state("digits", "Succeeded")
        self.wait_for(lambda: self.get("/api/v1/models")["models"] or None)
        self.assertEqual(self.get("/api/v1/deployments"), {"deployments": []})
        self.put("mine", 404, model="none")
        self.put("mine", 404, model="digits", version="7")
        self.put("Not-A-Name", 422, model="digits")
        self.put("mine", 422)
        self.assertEqual(self.ask("DELETE", "/api/v1/deployments/mine")[0], 404)
        self.put("mine", model="digits")
        ready = self.wait_until_ready("mine", 1)
        self.assertEqual(self.ask_model(ready)["model_name"], "mine")
        # Another version: the same program takes it, at the same address.
        self.assertEqual(self.ask("POST", "/api/v1/jobs/digits/clone")[0], 201)
        self.wait_for_state("digits-2", "Succeeded")
        self.wait_for(lambda: self.get("/api/v1/models/digits")["versions"][0]["version"] == 2 or None)
        self.put("mine", model="digits", version="2")
        changed = self.wait_until_ready("mine", 2)
        self.assertEqual((changed["address"], self.ask_model(changed)["model_version"]), (ready["address"], "2"))
        # Killed, it comes back.
        os.kill(self.child(), signal.SIGKILL)
        back = self.wait_until_ready("mine", 2, starts=2)
        self.ask_model(back)
        # So it does with the next server, and nothing stays of the one before.
        earlier = self.child()
        self.stop_server()
        self.wait_for(lambda: not pathlib.Path(f"/proc/{earlier}/exe").exists() or None)
        self.start_server()
        again = self.wait_until_ready("mine", 2)
        self.ask_model(again)
        self.assertEqual(self.ask("DELETE", "/api/v1/deployments/mine")[0], 204)
        self.assertEqual(self.get("/api/v1/deployments"), {"deployments": []})
        with self.assertRaises(urllib.error.URLError):
            self.ask_model(again)

    def test_a_model_that_cannot_be_served_says_why(self):
        folder = self.dir / "models/broken/1"
        folder.mkdir(parents=True)
        (folder / "card.json").write_text(json.dumps({"version": 1}))
        (folder / "model.pt").write_bytes(b"PK\x03\x04")
        self.put("broken", model="broken")
        failed = self.wait_for(lambda: next((one for one in self.get("/api/v1/deployments")["deployments"]
                                             if one["state"] == "Failed" and "error" in one), None))
        self.assertIn("model.pt", failed["error"])
        self.assertEqual(len(failed["error"].splitlines()), 1)
        self.assertEqual(self.ask("DELETE", "/api/v1/deployments/broken")[0], 204)


if __name__ == "__main__":
    server_case.main()
