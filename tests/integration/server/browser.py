# SPDX-License-Identifier: Apache-2.0
"""A page in Debian's Chromium without a window, driven over a pipe by the DevTools protocol."""

import base64
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DEADLINE = 60  # seconds
# Deque's rules of WCAG, as scripts/install/web fetches them.
CACHE = pathlib.Path(os.environ.get("RINGTRAIN_CACHE") or
                     pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "ringtrain")
AXE = CACHE / "web/axe-core-4.14.1/axe.min.js"


class Browser:
    def __init__(self, width=1280, height=900, dark=False):
        self.profile = tempfile.mkdtemp(prefix="ringtrain-browser.")
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()

        def take_pipes():  # the browser reads descriptor 3 and writes descriptor 4
            read, write = os.dup(to_browser), os.dup(from_browser)
            os.dup2(read, 3)
            os.dup2(write, 4)

        self.process = subprocess.Popen(
            [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
             "--hide-scrollbars", f"--user-data-dir={self.profile}", f"--window-size={width},{height}", "about:blank"],
            preexec_fn=take_pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.numbers = itertools.count(1)
        self.rest = b""
        self.complaints = []  # of the pages' scripts and of the browser about them
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = None
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.send("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce"}])

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.write_end)
        os.close(self.read_end)
        shutil.rmtree(self.profile, ignore_errors=True)

    def send(self, method, **parameters):
        message = {"id": next(self.numbers), "method": method, "params": parameters}
        if getattr(self, "session", None):
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == message["id"]:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def receive(self):
        while b"\0" not in self.rest:
            piece = os.read(self.read_end, 1 << 20)
            if not piece:
                raise RuntimeError("the browser has ended")
            self.rest += piece
        text, _, self.rest = self.rest.partition(b"\0")
        message = json.loads(text)
        if message.get("method") == "Runtime.exceptionThrown":
            details = message["params"]["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        if message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
            self.complaints.append(message["params"]["entry"]["text"])
        return message

    def open(self, address):
        self.send("Page.navigate", url=address)

    def evaluate(self, script):
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description"))
        return answer["result"].get("value")

    def click(self, selector, text):
        """Clicks on what has this text, once it is there and can be clicked."""
        self.wait_for(f"""(() => {{
            const found = [...document.querySelectorAll({json.dumps(selector)})]
              .find((element) => element.innerText === {json.dumps(text)} && !element.disabled);
            found?.click();
            return Boolean(found); }})()""")

    def accessibility_findings(self):
        """The findings of axe-core on the page, by WCAG 2.2 AA and best practices: a line for each."""
        if not AXE.exists():
            return []
        self.evaluate(AXE.read_text() + "; 0")
        found = self.evaluate("""axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa',
            'best-practice']}).then(({violations}) => violations.flatMap((one) => one.nodes.map((node) =>
            `${one.id}: ${one.help}: ${node.html} ${node.any.map((each) => each.message).join('; ')}`)))""")
        return found

    def text(self):
        return self.evaluate("document.body.innerText")

    def wait_for(self, script):
        """The value of a script once it is true."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            try:
                value = self.evaluate(script)
            except RuntimeError:  # while a page is loaded
                value = None
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"waited in vain for {script}; the page says:\n{self.text()}\n{self.complaints}")

    def wait_for_text(self, text):
        return self.wait_for(f"document.body.innerText.includes({json.dumps(text)})")

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            text = key if len(key) == 1 and kind == "keyDown" else ""
            self.send("Input.dispatchKeyEvent", type=kind, key=key, text=text)

    def screenshot(self, file=None):
        picture = base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])
        if file:
            pathlib.Path(file).write_bytes(picture)
        return picture
