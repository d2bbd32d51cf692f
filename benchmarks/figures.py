"""Measure the site, as the README promises it. Fails where a limit is passed.

    python benchmarks/figures.py [--quick]

The site must be built. --quick leaves the builds out, which take most of the time.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from playwright.sync_api import sync_playwright
from provide import chromium_options  # from tools/
from serve import SITE, served

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "lecopt/explorer/static/lecopt-explorer.js"
FRAME = (ROOT / "benchmarks/frame.js").read_text(encoding="utf-8")


class Figure(NamedTuple):
    """A measured value, and the most it may be (None: only shown)."""

    what: str
    value: float
    unit: str
    limit: float | None = None


def zipped(body: bytes) -> float:
    """Return the size in kB after gzip, as a web server would send it."""
    return min(len(gzip.compress(body, 6)), len(body)) / 1000


def builds() -> Iterator[Figure]:
    """Time the builds of the site that follow an installation."""
    for what, options, limit in (("all chapters run", ["--force"], None), ("unchanged", [], 20)):
        start = time.perf_counter()
        build = [sys.executable, "tools/build_site.py", *options]
        subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
        yield Figure(f"build of the site, {what}", time.perf_counter() - start, "s", limit)


def first_visit(browser: Any, address: str) -> tuple[float, float]:
    """Return what a page loads, kB gzipped, and when it first shows something, ms."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, bodies = context.new_page(), []
    page.on("requestfinished", lambda request: bodies.append(request.response().body()))
    page.goto(address, wait_until="networkidle")
    paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    shown = page.evaluate(paint)
    context.close()
    return sum(map(zipped, bodies)), shown


def slider_to_picture(browser: Any, address: str) -> list[float]:
    """Return the milliseconds from a slider's event to the new paths, laid out, for each move."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address, wait_until="networkidle")
    times = page.evaluate(FRAME)
    page.close()
    return times


def pages() -> Iterator[Figure]:
    """Weigh every page that holds an explorer, and time the largest race on it."""
    yield Figure("explorer's script", zipped(BUNDLE.read_bytes()), "kB", 100)
    with served(SITE) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium_options(playwright))
        for path in sorted((SITE / "book").glob("*.html")):
            if "lecopt-explorer.js" not in path.read_text(encoding="utf-8"):
                continue
            weight, shown = first_visit(browser, f"{site}book/{path.name}")
            yield Figure(f"{path.stem}: first visit", weight, "kB", 600)
            yield Figure(f"{path.stem}: first picture", shown, "ms")
            if times := slider_to_picture(browser, f"{site}book/{path.name}"):
                yield Figure(f"{path.stem}: slider to new paths", median(times), "ms", 16)
        browser.close()


def main(options: list[str]) -> int:
    """Print every figure as it comes, and return whether one is over its limit."""
    over = 0
    for measure in (pages,) if "--quick" in options else (builds, pages):
        for figure in measure():
            bad = figure.limit is not None and figure.value > figure.limit
            limit = "" if figure.limit is None else f"  (at most {figure.limit:g})"
            print(f"{figure.what:50} {figure.value:8.1f} {figure.unit:3}{limit}{' ✗' * bad}")
            over += bad
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
