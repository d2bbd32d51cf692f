"""Measure what the README promises: `make bench`. Fails where a limit is passed.

    python benchmarks/figures.py [--quick]

The site must be built. --quick leaves the builds out, which take most of the time.
"""

from __future__ import annotations

import functools
import gzip
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from playwright.sync_api import sync_playwright
from provide import chromium_options  # from tools/
from serve import SITE, served

from lecopt import (
    Adam,
    GradientDescent,
    Momentum,
    MomentumEMA,
    Nesterov,
    Neuron,
    descend,
    two_points,
)

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "lecopt/explorer/static/lecopt-explorer.js"
RULES = (GradientDescent(1.0), Momentum(1.0), MomentumEMA(1.0), Nesterov(1.0), Adam(0.1))
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


def fastest(action: Any, repeats: int = 5) -> float:
    """Return the shortest of several times, in seconds: the least disturbed by other programs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def runs() -> Iterator[Figure]:
    """Time `descend` on the running example: one run, and many at once."""
    J = Neuron(*two_points())
    crowd = np.random.default_rng(0).uniform(-4, 4, (2, 10_000))
    for rule in RULES:
        name = type(rule).__name__
        one = fastest(functools.partial(descend, rule, (-2.0, -2.0), J, 1000))
        yield Figure(f"{name}, a step of one run", 1e6 * one / 1000, "µs")
        many = fastest(functools.partial(descend, rule, crowd, J, 100), 3)
        yield Figure(f"{name}, a step of each of 10,000 runs", 1e9 * many / 1e6, "ns")


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
    for measure in (pages, runs) if "--quick" in options else (builds, pages, runs):
        for figure in measure():
            bad = figure.limit is not None and figure.value > figure.limit
            limit = "" if figure.limit is None else f"  (at most {figure.limit:g})"
            print(f"{figure.what:50} {figure.value:8.1f} {figure.unit:3}{limit}{' ✗' * bad}")
            over += bad
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
