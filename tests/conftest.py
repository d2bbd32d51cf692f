"""What every test may use, and one rule for all: no test is skipped, none is expected to fail."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skipped or expected failure into a failure that says so."""
    if report.skipped or hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped or expected to fail, which is not allowed here: {why}"
        vars(report).pop("wasxfail", None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse(report)
    return report


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the top folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def site() -> Path:
    """Return the folder of the built site: `make test` builds it before the tests start."""
    folder = ROOT / "_build" / "html"
    if not (folder / "index.html").is_file():
        pytest.fail(f"no site in {folder}: run `make site` first")
    return folder


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serve files and log nothing."""

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def site_url(site: Path) -> Iterator[str]:
    """Serve the site on a free port of localhost and return its address, ending in /."""
    handler = functools.partial(QuietHandler, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Start a headless Chromium and return it: `chromium.new_page()` opens a page."""
    from playwright.sync_api import sync_playwright
    from provide import chromium_options

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium_options(playwright))
        yield browser
        browser.close()
