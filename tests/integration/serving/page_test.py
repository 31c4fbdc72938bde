#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page of `ringtrain serve` in a real browser: drawing by pointer and by keyboard, images, dark and light.

  page_test.py PATH/OF/ringtrain PATH/OF/ringtrain-worker [unittest arguments]

RINGTRAIN_SCREENSHOTS names a folder for pictures of it.
"""

import os
import pathlib
import sys

import serving_case
from run_case import SIDE
from serving_case import ServingTest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "run"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "server"))
import browser  # noqa: E402
from use_a_model_test import png  # noqa: E402

SCREENSHOTS = os.environ.get("RINGTRAIN_SCREENSHOTS")
KEYS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, " ": 32, "Delete": 46, "Backspace": 8}
SHIFT = 8


class Page(ServingTest):
    def setUp(self):
        super().setUp()
        self.serve(self.model, f"weights={self.model / 'model.safetensors'}")
        self.page = None

    def tearDown(self):
        if self.page:
            self.page.close()
        super().tearDown()

    def open(self, **options):
        self.page = browser.Browser(**options)
        self.page.open(self.url + "/")
        self.page.wait_for_text("Draw for digits")

    def press(self, key, times=1, modifiers=0):
        for _ in range(times):
            for kind in ("keyDown", "keyUp"):
                self.page.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=KEYS[key],
                               modifiers=modifiers, text=" " if key == " " and kind == "keyDown" else "")

    def stroke(self, *points):
        """Draws with the mouse; points in pixels of the board."""
        box = self.page.evaluate("""(({left, top}) => [left, top])(
            document.getElementById('board').getBoundingClientRect())""")
        kinds = ["mousePressed"] + ["mouseMoved"] * (len(points) - 1)
        for kind, (x, y) in [*zip(kinds, points), ("mouseReleased", points[-1])]:
            self.page.send("Input.dispatchMouseEvent", type=kind, x=box[0] + x, y=box[1] + y, button="left",
                           buttons=1, clickCount=1)

    def wait_for_prediction(self):
        return self.page.wait_for("""!document.getElementById('table').hidden &&
            document.getElementById('best').innerText""")

    def seen(self):
        """Pixels that the model has seen, row after row."""
        return self.page.evaluate("""(() => { const seen = document.getElementById('seen');
            const {data} = seen.getContext('2d').getImageData(0, 0, seen.width, seen.height);
            return [...Array(seen.width * seen.height).keys()].map((i) => data[4 * i]); })()""")

    def look(self, name):
        if SCREENSHOTS:
            self.page.screenshot(pathlib.Path(SCREENSHOTS) / f"{name}.png")
        self.assertEqual(self.page.accessibility_findings(), [], name)
        wide = self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        self.assertFalse(wide, f"{name} is wider than its window")

    def test_a_drawing_is_centred_and_predicted(self):
        self.open()
        self.look("serve-empty")
        self.stroke((40, 40), (60, 50), (70, 90), (40, 120))
        self.assertRegex(self.wait_for_prediction(), r"^[0-3], \d+\.\d%$")
        # The images of these tests are bright on average, so a drawing is dark on white.
        pixels = [255 - pixel for pixel in self.seen()]
        mass = sum(pixels)
        for centre in (sum(p * (i % SIDE + 0.5) for i, p in enumerate(pixels)) / mass,
                       sum(p * (i // SIDE + 0.5) for i, p in enumerate(pixels)) / mass):
            self.assertAlmostEqual(centre, SIDE / 2, delta=0.6)
        self.look("serve-drawn")
        self.page.click("button", "Clear")
        self.page.wait_for("document.getElementById('table').hidden")
        self.assertEqual(self.page.complaints, [])

    def test_the_keyboard_draws_the_same(self):
        self.open(dark=True)
        self.page.evaluate("document.getElementById('board').focus()")
        self.press("ArrowUp", 8)
        self.press("ArrowDown", 16, SHIFT)
        self.wait_for_prediction()
        pixels = [255 - pixel for pixel in self.seen()]
        columns = [sum(pixels[x::SIDE]) for x in range(SIDE)]
        self.assertGreater(columns[SIDE // 2 - 1] + columns[SIDE // 2], sum(columns) * 0.6)
        self.look("serve-keyboard-dark")
        self.press("Delete")
        self.page.wait_for("document.getElementById('table').hidden")
        self.press(" ")
        self.wait_for_prediction()
        self.assertEqual(self.page.complaints, [])

    def test_an_image_is_taken_as_it_is(self):
        expected = self.predictions()
        self.open(width=420, height=900)
        image = png(SIDE, SIDE, self.images[0])
        (self.folder / "digit.png").write_bytes(image)
        root = self.page.send("DOM.getDocument")["root"]["nodeId"]
        node = self.page.send("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
        self.page.send("DOM.setFileInputFiles", nodeId=node, files=[str(self.folder / "digit.png")])
        self.assertTrue(self.wait_for_prediction().startswith(expected[0][0]["class"] + ","))
        self.assertEqual(bytes(self.seen()), self.images[0])
        self.look("serve-narrow")

    def test_another_model_can_be_chosen(self):
        self.open()
        self.page.evaluate("""(() => { const model = document.getElementById('model'); model.value = 'weights';
            model.dispatchEvent(new Event('change')); })()""")
        self.page.wait_for_text("Draw for weights")
        self.stroke((100, 100), (150, 150))
        self.wait_for_prediction()
        _, _, text = self.ask("GET", "/metrics")
        self.assertIn(b'ringtrain_inference_rows_total{model="weights"', text)


if __name__ == "__main__":
    if not browser.CHROMIUM:
        print("skipped: chromium is missing: scripts/setup installs it")
        sys.exit(77)
    serving_case.main()
