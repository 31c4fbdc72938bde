#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From a file that is dropped on a page to a model with an alias, in a real browser. Skipped where Chromium is not
installed.

  data_pages_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]
"""

import json
import sys
import unittest

import browser
import pages_case
import server_case
from datasets_test import table


@unittest.skipIf(browser.CHROMIUM is None, "Chromium is not installed")
class DataPages(pages_case.PagesTest):
    def drop(self, name, data):
        self.page.evaluate(f"""(() => {{
            const given = new DataTransfer();
            given.items.add(new File([{json.dumps(data.decode())}], {json.dumps(name)}));
            const drop = new DragEvent('drop', {{dataTransfer: given, bubbles: true}});
            document.getElementById('main').dispatchEvent(drop); }})()""")

    def type_into(self, field, text):
        self.page.wait_for(f"Boolean(document.getElementById('{field}'))")
        self.page.evaluate(f"""(() => {{
            const field = document.getElementById('{field}');
            field.value = {json.dumps(text)};
            for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind)); }})()""")

    def go(self, keys, text):
        for key in keys:
            self.page.press(key)
        self.page.wait_for_text(text)

    def test_from_a_file_to_a_model_with_an_alias(self):
        self.sign_in_with()
        self.go("go", "No models yet")
        self.look("models-empty")
        self.go("gd", "No datasets yet")
        self.look("datasets-empty")
        # A table that is refused, in the importer's words; then one that is not.
        self.drop("bad.csv", b"a,b\n1,x\n2\n")
        self.page.wait_for("document.getElementById('dataset-name')?.value === 'bad'")
        self.assertEqual(self.page.evaluate("document.getElementById('kind').value"), "csv")
        self.look("import")
        self.type_into("dataset-name", "Not A Name")
        self.page.click("button", "Import")
        self.page.wait_for_text("must be lower-case letters")
        self.look("import-refused")
        self.type_into("dataset-name", "sides")
        self.page.click("button", "Import")
        self.page.wait_for_text("bad.csv:")
        self.look("import-failed")
        self.drop("sides.csv", table())
        self.page.wait_for_text("sides.csv")
        self.page.click("button", "Import")
        self.page.wait_for("location.pathname === '/ui/datasets/sides'")
        self.page.wait_for_text("No job reads it")
        self.look("dataset")
        self.page.click("a", "Train on it")
        self.page.wait_for("document.getElementById('yaml')?.value.includes('dataset: sides')")
        self.fill_form(name="sides", model="mlp", epochs="3", batch_size="32")
        self.page.wait_for_text("A good job, on 2 ranks")
        self.page.click("button", "Start training")
        self.page.wait_for("document.querySelector('.state')?.innerText.includes('Succeeded')")
        self.go("gd", "360 training and 40 test rows")
        self.page.wait_for_text("bad.csv:")  # what failed is still said
        self.look("datasets")
        self.wait_for(lambda: self.get("/api/v1/models")["models"] or None)
        self.wait_for(lambda: self.get("/api/v1/models/sides")["versions"][0]["evaluations"] or None)
        self.go("go", "mlp")
        self.look("models")
        self.page.click("a", "sides")
        self.page.wait_for_text("Confusion matrix")
        self.page.wait_for_text("Worst samples")
        self.page.click("button", "Give")
        self.page.wait_for_text("Take production away")
        self.look("model")
        self.page.click("button", "Deploy")
        self.page.wait_for("[...document.querySelectorAll('a')].some((one) => one.href.startsWith('http://127.0.0.1:') "
                           "&& one.target === '_blank')")
        self.look("model-deployed")
        self.page.evaluate("window.confirm = () => true")
        self.go("go", "Deployments")
        self.page.click("button", "Stop")
        self.page.wait_for("!document.body.innerText.includes('Deployments')")
        self.page.click("a", "sides")
        self.page.wait_for_text("Take production away")
        self.page.click("button", "Delete")
        self.page.wait_for_text("give that alias to another version first")
        self.assert_no_complaints("422", "409")
        self.look_in_the_dark()

    def look_in_the_dark(self):
        """The same pages on a narrow window."""
        self.page.close()
        status, _, body = self.ask("POST", "/api/v1/codes")
        self.assertEqual(status, 200)
        self.page = browser.Browser(width=420, height=800, dark=True)
        self.page.open(f"{self.url}/ui/#code={json.loads(body)['code']}")
        self.page.wait_for_text("Succeeded")
        for path, text in (("datasets", "sides"), ("datasets/sides", "SHA-256"), ("import", "Options"),
                           ("models", "sides"), ("models/sides", "Confusion matrix"),
                           ("datasets/none", "no such dataset"), ("models/none", "no such model")):
            with self.subTest(path):
                self.page.open(f"{self.url}/ui/{path}")
                self.page.wait_for_text(text)
                self.look("dark-" + path.replace("/", "-"))
        self.assert_no_complaints("404")


if __name__ == "__main__":
    if browser.CHROMIUM is None:
        sys.exit(77)
    server_case.main()
