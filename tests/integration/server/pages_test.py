#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The pages in a real browser, with real runs. Skipped where Chromium is not installed.

  pages_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import os
import pathlib
import signal
import sys
import unittest

import browser
import server_case
from server_case import ServerTest

SCREENSHOTS = os.environ.get("RINGTRAIN_SCREENSHOTS")  # a folder for pictures of each page


@unittest.skipIf(browser.CHROMIUM is None, "Chromium is not installed")
class Pages(ServerTest):
    def setUp(self):
        super().setUp()
        self.page = None

    def tearDown(self):
        if self.page:
            self.page.close()
        super().tearDown()

    def sign_in_with(self, **options):
        self.page = browser.Browser(**options)
        self.page.open(self.sign_in)
        self.page.wait_for_text("No jobs yet")
        self.assertEqual(self.page.evaluate("location.hash"), "")

    def picture(self, name):
        if SCREENSHOTS:
            self.page.screenshot(pathlib.Path(SCREENSHOTS) / f"{name}.png")

    def fill_form(self, **keys):
        """Types into fields of the form as a person does, and waits until the server has checked it."""
        for key, value in keys.items():
            self.page.evaluate(f"""(() => {{
                const field = document.getElementById('key-{key}');
                field.value = '{value}';
                field.dispatchEvent(new Event('change')); }})()""")

    def click(self, selector, text):
        self.page.evaluate(f"""[...document.querySelectorAll('{selector}')]
            .find((element) => element.innerText === '{text}').click()""")

    def test_from_the_form_to_the_end_through_the_death_of_the_server(self):
        self.sign_in_with()
        self.picture("empty")
        self.page.press("n")
        self.page.wait_for_text("Start training")
        self.page.wait_for_text("is not there")  # data/mnist.h5
        self.picture("new-refused")
        self.fill_form(name="from-the-form", model="mlp", dataset="digits.h5", epochs="100", batch_size="32")
        self.page.wait_for_text("A good job, on 2 ranks")
        yaml = self.page.evaluate("document.getElementById('yaml').value")
        self.assertIn("name: from-the-form\nmodel: mlp\ndataset: digits.h5\nepochs: 100\nbatch_size: 32\n", yaml)
        self.picture("new")
        self.click("button", "Start training")
        self.page.wait_for("location.pathname === '/ui/jobs/from-the-form'")
        self.page.wait_for_text("Running")
        self.page.wait_for("document.querySelectorAll('svg.plot polyline').length > 0")
        self.picture("job-running")
        port = self.url.rsplit(":", 1)[1]
        self.stop_server(signal.SIGKILL)
        self.page.wait_for_text("The server does not answer; jobs live on")
        self.picture("job-without-server")
        self.start_server(port)
        self.page.wait_for_text("Succeeded")
        self.page.wait_for("!document.body.innerText.includes('does not answer')")
        self.picture("job-succeeded")
        for tab, text in (("Log", "test accuracy"), ("Ranks", "shared memory over 2 ranks"),
                          ("Job file", "As understood"), ("Files", "model.safetensors"),
                          ("Timeline", "attempt finished")):
            self.click("[role=tab]", tab)
            self.page.wait_for_text(text)
            self.picture(f"job-{tab.lower().replace(' ', '-')}")
        network = ("ERR_CONNECTION", "ERR_INCOMPLETE", "ERR_EMPTY", "ERR_NETWORK")
        self.assertEqual([one for one in self.page.complaints if not any(word in one for word in network)], [])

    def test_of_every_page_in_the_dark(self):
        self.submit("long", epochs=1000000)
        self.submit("waits", epochs=1)
        self.page = browser.Browser(width=420, height=800, dark=True)
        self.page.open(self.sign_in)
        self.page.wait_for_text("waits for 2 of 2 cores")
        self.picture("jobs-narrow-dark")
        for path, text in (("/ui/machine", "core 2"), ("/ui/docs", "/api/v1/jobs:validate"),
                           ("/ui/new?from=long", "A good job"), ("/ui/jobs/none", "no such job"),
                           ("/ui/nothing", "There is no such page")):
            self.page.open(self.url + path)
            self.page.wait_for_text(text)
            self.picture("dark-" + path.split("/")[2].split("?")[0])
            wide = self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
            self.assertFalse(wide, f"{path} is wider than its window")
        self.assertEqual([one for one in self.page.complaints if "404" not in one], [])

    def test_of_a_script(self):
        self.stop_server(signal.SIGTERM)
        self.options = ["--allow-scripts"]
        self.start_server()
        (self.shared / "hello.py").write_text("print('hello from the script', flush=True)\n")
        self.sign_in_with()
        self.page.press("n")
        self.page.wait_for_text("Start training")
        self.page.evaluate("""(() => { const kind = document.getElementById('kind'); kind.value = 'script';
            kind.dispatchEvent(new Event('change')); })()""")
        self.page.wait_for_text("Start the script")
        self.fill_form(**{"script.file": "hello.py", "script.args": "a, 1", "name": "says-hello"})
        self.page.wait_for_text("A good job, on 2 ranks")
        self.picture("new-script")
        self.click("button", "Start the script")
        self.page.wait_for("location.pathname === '/ui/jobs/says-hello'")
        self.page.wait_for_text("hello from the script")
        self.page.wait_for_text("Succeeded")
        self.picture("job-script")
        for tab, text in (("Charts", "reports no steps or losses"), ("Files", "rank-0.log")):
            self.click("[role=tab]", tab)
            self.page.wait_for_text(text)
        self.assertEqual(self.page.complaints, [])

    def test_of_the_sign_in_page(self):
        self.page = browser.Browser()
        self.page.open(self.url)
        self.page.wait_for_text("ringtrain server url")
        self.picture("sign-in")
        self.page.evaluate(f"document.getElementById('token').value = '{self.token}'")
        self.page.evaluate("document.querySelector('main form').requestSubmit()")
        self.page.wait_for_text("No jobs yet")


if __name__ == "__main__":
    if browser.CHROMIUM is None:
        sys.exit(77)
    server_case.main()
