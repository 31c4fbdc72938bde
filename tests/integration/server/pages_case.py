# SPDX-License-Identifier: Apache-2.0
"""Shared by tests of the pages in a real browser, with real runs."""

import os
import pathlib

import browser
from server_case import ServerTest

SCREENSHOTS = os.environ.get("RINGTRAIN_SCREENSHOTS")  # a folder for pictures of each page
NETWORK = ("ERR_CONNECTION", "ERR_INCOMPLETE", "ERR_EMPTY", "ERR_NETWORK")


class PagesTest(ServerTest):
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
        self.page.wait_for("document.querySelector('h1')?.innerText === 'Jobs'")
        self.assertEqual(self.page.evaluate("location.hash"), "")

    def look(self, name):
        """The page is as it shall be looked at: axe-core finds nothing, nothing is wider than the window."""
        if SCREENSHOTS:
            self.page.screenshot(pathlib.Path(SCREENSHOTS) / f"{name}.png")
        self.assertEqual(self.page.accessibility_findings(), [], name)
        wide = self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        self.assertFalse(wide, f"{name} is wider than its window")

    def fill_form(self, **keys):
        """Types into fields of the form as a person does."""
        for key, value in keys.items():
            self.page.wait_for(f"""(() => {{
                const field = document.getElementById('key-{key}');
                if (!field) return false;
                field.value = '{value}';
                field.dispatchEvent(new Event('change'));
                return true; }})()""")

    def open_tab(self, tab, text):
        self.page.click("[role=tab]", tab)
        self.page.wait_for_text(text)

    def assert_no_complaints(self, *allowed):
        self.assertEqual([one for one in self.page.complaints if not any(word in one for word in allowed)], [])
