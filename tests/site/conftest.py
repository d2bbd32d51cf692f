"""The built site, current, and a browser that may visit nothing else."""

from __future__ import annotations

import fcntl
import gzip
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def site(root: Path) -> Path:
    """Build the site, which takes a moment if it is current, and return its folder."""
    (root / "_build").mkdir(exist_ok=True)
    with (root / "_build" / "lock").open("w") as lock:  # two workers must not build at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = [sys.executable, str(root / "tools" / "build_site.py")]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return root / "_build" / "html"


class Visit:
    """A page in a browser, what it loaded, and what went wrong."""

    def __init__(self, browser: Any, home: str, **options: Any) -> None:
        """Open an empty page that may load from one place only."""
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        self.page = self.context.new_page()
        self.home, self.responses, self.troubles = home, list[Any](), list[str]()
        self.page.route("**/*", self.guard)
        self.page.on("response", self.receive)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", self.listen)
        self.page.on("requestfailed", self.lose)

    def guard(self, route: Any) -> None:
        """Let a request pass, unless it goes elsewhere."""
        allowed = route.request.url.startswith((self.home, "data:", "blob:"))
        route.continue_() if allowed else route.abort()

    def lose(self, request: Any) -> None:
        """Note what could not be loaded, other than what the reader went away from."""
        if request.failure != "net::ERR_ABORTED":
            self.troubles.append(f"lost {request.url}: {request.failure}")

    def listen(self, message: Any) -> None:
        """Note what the page complains of."""
        if message.type in {"error", "warning"}:
            self.troubles.append(f"{message.type}: {message.text}")

    def receive(self, response: Any) -> None:
        """Note what came, or that it did not."""
        self.responses.append(response)
        if response.status >= 400:
            self.troubles.append(f"{response.status} {response.url}")

    def weights(self) -> dict[str, int]:
        """Return the size of all that came, gzipped as by a web server."""
        bodies = {response.url: response.body() for response in self.responses}
        return {url: min(len(gzip.compress(body, 6)), len(body)) for url, body in bodies.items()}

    def go(self, path: str, until: str = "load") -> Any:
        """Open a page of the site and wait until all of it is there."""
        self.page.goto(self.home + path, wait_until=until)
        return self.page


@pytest.fixture
def visit(chromium: Any, site_url: str) -> Iterator[Callable[..., Visit]]:
    """Return a function that opens a browser page: ``visit(home=…, color_scheme="dark")``."""
    visits = []

    def start(home: str = site_url, **options: Any) -> Visit:
        visits.append(Visit(chromium, home, **options))
        return visits[-1]

    yield start
    for one in visits:
        one.context.close()
