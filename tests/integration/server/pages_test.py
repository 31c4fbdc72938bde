#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The main path through the pages in a real browser. Skipped where Chromium is not installed.

  pages_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import signal
import sys
import unittest

import browser
import pages_case
import server_case


@unittest.skipIf(browser.CHROMIUM is None, "Chromium is not installed")
class Pages(pages_case.PagesTest):
    def test_from_the_form_to_the_end_through_the_death_of_the_server(self):
        self.sign_in_with()
        self.page.wait_for_text("No jobs yet")
        self.look("empty")
        self.page.press("n")
        self.page.wait_for_text("is not there")  # data/mnist.h5
        self.look("new-refused")
        # It would train for hours: the test ends it, on a machine of any speed.
        self.fill_form(name="from-the-form", model="mlp", dataset="digits.h5", epochs="1000000", batch_size="32")
        self.page.wait_for_text("A good job, on 2 ranks")
        yaml = self.page.evaluate("document.getElementById('yaml').value")
        self.assertIn("name: from-the-form\nmodel: mlp\ndataset: digits.h5\nepochs: 1000000\nbatch_size: 32\n", yaml)
        self.look("new")
        self.page.click("button", "Start training")
        self.page.wait_for("location.pathname === '/ui/jobs/from-the-form'")
        self.page.wait_for_text("Running")
        self.page.wait_for("document.querySelectorAll('svg.plot polyline').length > 0")
        self.look("job-running")
        port = self.url.rsplit(":", 1)[1]
        self.stop_server(signal.SIGKILL)
        self.page.wait_for_text("The server does not answer; jobs live on")
        self.look("job-without-server")
        self.start_server(port)
        self.page.wait_for("!document.body.innerText.includes('does not answer')")
        self.page.evaluate("window.confirm = () => true")
        self.page.click("button", "Finish")
        self.page.wait_for("document.querySelector('.state')?.innerText.includes('Succeeded')")
        self.look("job-succeeded")
        for tab, text in (("Log", "test accuracy"), ("Ranks", "shared memory over 2 ranks"),
                          ("Job file", "As understood"), ("Files", "model.safetensors"),
                          ("Timeline", "asked to finish")):
            self.open_tab(tab, text)
            self.look(f"job-{tab.lower().replace(' ', '-')}")
        self.assert_no_complaints(*pages_case.NETWORK)


if __name__ == "__main__":
    if browser.CHROMIUM is None:
        sys.exit(77)
    server_case.main()
