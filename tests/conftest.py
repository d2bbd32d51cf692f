"""What every test may use, and one rule for all: no test is skipped, none is expected to fail."""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright
from provide import chromium_options
from serve import served

ROOT = Path(__file__).parents[1]


def pytest_configure() -> None:
    """Let what the tests start be interrupted, even where this run itself may not be."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(scope="session")
def site_url(site: Path) -> Iterator[str]:
    """Serve the site on a free port of localhost and return its address, ending in /."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="session")
def node() -> Iterator[Any]:
    """Start Node with the page's programs: `node("run", ...)` asks it to run them."""
    from jsnode import answering  # a copy of this file stands alone in a test

    with answering(ROOT) as ask:
        yield ask


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Start a headless Chromium and return it: `chromium.new_page()` opens a page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium_options(playwright))
        yield browser
        browser.close()
