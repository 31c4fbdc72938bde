#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every page in a real browser, light and dark, wide and narrow. Skipped where Chromium is not installed.

  every_page_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import signal
import sys
import unittest

import browser
import pages_case
import server_case


@unittest.skipIf(browser.CHROMIUM is None, "Chromium is not installed")
class EveryPage(pages_case.PagesTest):
    def test_in_the_dark_on_a_narrow_window(self):
        self.submit("long", epochs=1000000)
        self.submit("waits", epochs=1)
        self.page = browser.Browser(width=420, height=800, dark=True)
        self.page.open(self.sign_in)
        self.page.wait_for_text("waits for 2 of 2 cores")
        self.look("jobs-narrow-dark")
        for path, text in (("/ui/machine", "as ringtrain doctor does"), ("/ui/docs", "/api/v1/jobs:validate"),
                           ("/ui/jobs/long", "Running"),
                           ("/ui/new?from=long", "A good job"), ("/ui/jobs/none", "no such job"),
                           ("/ui/compare", "Choose 2 to 20 jobs"), ("/ui/compare?jobs=long,waits", "epochs"),
                           ("/ui/compare?jobs=long,none", "no such job"), ("/ui/nothing", "There is no such page")):
            with self.subTest(path):
                self.page.open(self.url + path)
                self.page.wait_for_text(text)
                self.look("dark-" + path[4:].replace("/", "-").replace("?", "-"))
        self.assert_no_complaints("404")

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
        self.look("new-script")
        self.page.click("button", "Start the script")
        self.page.wait_for("location.pathname === '/ui/jobs/says-hello'")
        self.page.wait_for_text("hello from the script")
        self.page.wait_for("document.querySelector('.state')?.innerText.includes('Succeeded')")
        self.look("job-script")
        for tab, text in (("Charts", "reports no steps or losses"), ("Files", "rank-0.log")):
            self.open_tab(tab, text)
        self.assert_no_complaints()

    def test_of_the_sign_in_page(self):
        self.page = browser.Browser()
        self.page.open(self.url)
        self.page.wait_for_text("ringtrain server url")
        self.look("sign-in")
        self.page.evaluate(f"document.getElementById('token').value = '{self.token}'")
        self.page.evaluate("document.querySelector('main form').requestSubmit()")
        self.page.wait_for_text("No jobs yet")
        self.page.click("button", "Sign out")
        self.page.wait_for_text("ringtrain server url")
        self.assertTrue(self.page.evaluate("document.getElementById('sign-out').offsetParent === null"))
        # The address that signs in, opened in the tab that asks for it.
        code = json.loads(self.ask("POST", "/api/v1/codes")[2])["code"]
        self.page.open(f"{self.url}/ui/#code={code}")
        self.page.wait_for_text("No jobs yet")
        self.page.click("nav a", "Machine")
        self.page.wait_for("Boolean(document.getElementById('token-name'))")
        self.page.evaluate("document.getElementById('token-name').value = 'ci'")
        self.page.click("button", "Make a token")
        token = self.page.wait_for("document.querySelector('dialog[open] pre')?.innerText")
        self.look("token")
        # The stream of events ended with the first session, not with the server.
        self.assertNotIn("does not answer", self.page.text())
        self.assertEqual(self.ask("GET", "/api/v1/jobs", token=token)[0], 200)
        self.page.click("dialog button", "Done")
        self.page.evaluate("window.confirm = () => true")
        self.page.evaluate("document.querySelector('[aria-label=\"Delete the token ci\"]').click()")
        self.page.wait_for("!document.querySelector('[aria-label=\"Delete the token ci\"]')")
        self.assertEqual(self.ask("GET", "/api/v1/jobs", token=token)[0], 401)

    def test_of_a_page_that_is_opened_while_the_server_is_away(self):
        self.sign_in_with()
        # The first page waits for its own modules alone; the others come soon after it.
        preloaded = self.page.evaluate("[...document.querySelectorAll('link[rel=modulepreload]')]"
                                       ".map((one) => one.href.split('/').at(-1)).sort()")
        self.assertEqual(preloaded, ["api.js", "dom.js", "jobs.js"])
        self.page.wait_for("performance.getEntriesByType('resource').some((one) => one.name.endsWith('/models.js'))")
        port = self.url.rsplit(":", 1)[1]
        self.stop_server(signal.SIGKILL)
        self.page.wait_for_text("The server does not answer; jobs live on")
        self.page.click("nav a", "Models")
        self.page.wait_for_text("Try again")
        self.start_server(port)
        self.page.wait_for_text("No models yet")

    def test_of_jobs_side_by_side_by_keys_alone(self):
        for name, keys in (("one", {}), ("same", {}), ("other", {"optimizer": {"type": "sgd", "learning_rate": 0.01}})):
            self.submit(name, epochs=3, **keys)
        for name in ("one", "same", "other"):
            self.wait_for_state(name, "Succeeded")
        self.sign_in_with()
        self.page.wait_for("document.querySelectorAll('tr.row').length === 3")
        for key in "jxjxjxc":
            self.page.press(key)
        self.page.wait_for("location.pathname === '/ui/compare'")
        self.page.wait_for_text("optimizer.learning_rate")
        self.assertNotIn("batch_size", self.page.text())
        self.assertEqual(self.page.text().count("same samples in the same order"), 1)
        self.assertEqual(self.page.text().count("= the same run"), 2)
        self.page.click("label", "All keys")
        self.page.wait_for_text("batch_size")
        self.look("compare")
        self.page.open(self.url + "/ui/compare?jobs=one,same")
        self.page.wait_for_text("No key differs.")
        self.assertEqual(self.page.text().count("= the same run"), 2)
        self.look("compare-same")
        self.assert_no_complaints()

    def test_of_clone_and_scale(self):
        self.submit("long", epochs=1000000)
        self.wait_for_state("long", "Running")
        self.sign_in_with()
        self.page.open(self.url + "/ui/jobs/long")
        self.page.click("button", "Scale…")
        self.page.wait_for("document.getElementById('scale-ranks') !== null")
        self.look("scale")
        self.page.evaluate("document.getElementById('scale-ranks').value = 1")
        self.page.click("dialog button", "Scale")
        self.wait_for(lambda: self.get("/api/v1/jobs/long")["ranks"] == 1 or None)
        self.wait_for_state("long", "Running")
        self.page.click("button", "Clone")
        self.page.wait_for("location.pathname === '/ui/jobs/long-2'")
        self.page.wait_for_text("clone of long")
        self.look("clone")
        self.assert_no_complaints()

    def test_of_swagger_ui(self):
        self.sign_in_with()
        self.page.open(self.url + "/docs")
        if "/ui/docs" in (self.page.evaluate("location.pathname") or ""):
            self.skipTest("built without Swagger UI: scripts/install/web fetches it")
        self.page.wait_for_text("/api/v1/jobs/{name}/scale")
        if pages_case.SCREENSHOTS:
            self.page.screenshot(f"{pages_case.SCREENSHOTS}/swagger.png")
        self.assert_no_complaints()


if __name__ == "__main__":
    if browser.CHROMIUM is None:
        sys.exit(77)
    server_case.main()
