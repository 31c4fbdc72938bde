# SPDX-License-Identifier: Apache-2.0
"""The pages in a real browser: bytes of the first load, time until it can be used, and 20 jobs compared."""

import gzip
import pathlib
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/integration/server"))
import browser  # noqa: E402

# Notes when the list has a row, which a person can use: milliseconds from navigation.
USABLE = """(() => {
  const look = () => {
    if (document.querySelector('tr.row a')) window.usableAt = performance.now();
    else setTimeout(look, 4);
  };
  look();
})();"""
# Draws the charts again by choosing another axis; what that takes until the next frame is ready to be painted.
REDRAW = """new Promise((done) => {
  const axis = document.getElementById('axis');
  axis.value = axis.value === 'step' ? 'epoch' : 'step';
  const begun = performance.now();
  axis.dispatchEvent(new Event('change'));
  document.querySelector('.charts').getBoundingClientRect();
  done(performance.now() - begun);
})"""
LOADED = """performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname)
  .filter((path) => path.startsWith('/ui/'))"""


def first_load(url, page):
    """KiB of the document and all that it loads before it can be used, plain and as gzip -9 makes them."""
    plain = packed = 0
    for path in {"/ui/", *page.evaluate(LOADED)}:
        with urllib.request.urlopen(url + path, timeout=30) as answer:
            body = answer.read()
        plain += len(body)
        packed += len(gzip.compress(body, 9))
    return {"kib": round(plain / 1024, 1), "kib_gzipped": round(packed / 1024, 1)}


def measure(server, compared, rounds):
    page = browser.Browser()
    try:
        code = server.ask("POST", "/api/v1/codes")["code"]
        page.open(f"{server.url}/ui/#code={code}")
        page.wait_for("Boolean(document.querySelector('tr.row'))")
        size = first_load(server.url, page)
        page.send("Page.addScriptToEvaluateOnNewDocument", source=USABLE)
        usable = []
        for _ in range(rounds):
            page.open("about:blank")
            page.open(server.url + "/ui/")
            usable.append(page.wait_for("window.usableAt"))
        page.open(f"{server.url}/ui/compare?jobs={','.join(compared)}")
        page.wait_for("document.querySelectorAll('svg.plot polyline').length >= 20")
        redraw = [page.evaluate(REDRAW) for _ in range(rounds)]
        points = page.evaluate("[...document.querySelectorAll('svg.plot polyline')].reduce("
                               "(all, one) => all + one.points.length, 0)")
    finally:
        page.close()
    return {"first_load": size, "usable_ms": usable, "redraw_ms": redraw, "jobs_compared": len(compared),
            "points_drawn": points}
