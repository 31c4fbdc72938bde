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
# Files that the list waited for; other pages' modules come later.
LOADED = """performance.getEntriesByType('resource').filter((one) => one.startTime < window.usableAt)
  .map((one) => new URL(one.name).pathname).filter((path) => path.startsWith('/ui/'))"""


def first_load(url, page):
    """KiB of the document and all that it loads before it can be used: plain, and as the server packs them."""
    plain = packed = 0
    for path in {"/ui/", *page.evaluate(LOADED)}:
        request = urllib.request.Request(url + path, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read()
            packed += len(body)
            plain += len(gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body)
    return {"kib": round(plain / 1024, 1), "kib_gzipped": round(packed / 1024, 1)}


def measure(server, compared, rounds):
    page = browser.Browser()
    try:
        page.send("Page.addScriptToEvaluateOnNewDocument", source=USABLE)
        code = server.ask("POST", "/api/v1/codes")["code"]
        page.open(f"{server.url}/ui/#code={code}")
        page.wait_for("window.usableAt")
        size = first_load(server.url, page)
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
