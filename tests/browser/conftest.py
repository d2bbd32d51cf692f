"""Pages with explorers on them, opened with nothing reachable but this machine."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from lecopt.explorer import Explorer
from lecopt.explorer.widget import STATIC

HEAD = """<!doctype html>
<html lang="en" data-theme="{theme}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>explorers</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="lecopt-explorer.css">
<script defer src="lecopt-explorer.js"></script>
<style>body {{ margin: 12px auto; max-width: 760px; padding: 0 8px;
  background: {background}; }}</style></head>
<body><main><h1 style="color: grey">A page</h1>{body}</main></body></html>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serve files and log nothing."""

    def log_message(self, *args: Any) -> None:
        pass


@dataclass
class Opened:
    """A page, and what it complained about."""

    page: Page
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def complaints(self) -> list[str]:
        return self.errors + self.foreign


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the bundle, two levels below the one that is served."""
    place = tmp_path / "some" / "where"
    place.mkdir(parents=True)
    for name in ("lecopt-explorer.js", "lecopt-explorer.css"):
        shutil.copy(STATIC / name, place)
    return place


@pytest.fixture
def base(tmp_path: Path) -> Iterator[str]:
    """Serve the folder above, and return the address of the lower one."""
    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/some/where/"
        server.shutdown()
        thread.join()


@pytest.fixture
def visit(
    chromium: Browser, folder: Path, base: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Opened]]:
    """Return a function that writes a page with explorers, and opens it."""
    monkeypatch.setenv("LECOPT_SITE", "1")
    contexts: list[Any] = []

    def go(
        *explorers: Explorer,
        theme: str = "light",
        width: int = 1280,
        fragment: str = "",
        address: str | None = None,
        **options: Any,
    ) -> Opened:
        background = "#fff" if theme == "light" else "#14181e"
        body = "".join(e.html() for e in explorers)
        page_file = folder / "page.html"
        page_file.write_text(HEAD.format(theme=theme, background=background, body=body), "utf-8")
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        opened = Opened(context.new_page())
        listen(opened, (base, folder.as_uri()))
        opened.page.goto((base if address is None else address) + "page.html" + fragment)
        if options.get("java_script_enabled", True):
            opened.page.wait_for_function(DRAWN)
        return opened

    yield go
    for context in contexts:
        context.close()


# Every map and chart has its axes, and so the first drawing is done.
DRAWN = """() => [...document.querySelectorAll('.lecopt-mount')].every((el) =>
  el.querySelector('.lecopt-axes text')) && new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"""


def listen(opened: Opened, allowed: tuple[str, ...]) -> None:
    """Note errors, and abort and note every request that leaves the page's own folder."""

    def route(given: Route) -> None:
        address = given.request.url
        if address.startswith((*allowed, "data:", "blob:")):
            given.continue_()
        else:
            opened.foreign.append(address)
            given.abort()

    opened.page.route("**/*", route)
    opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.page.on("requestfailed", lambda request: opened.errors.append(request.url))
    opened.page.on(
        "console",
        lambda m: opened.errors.append(m.text) if m.type in {"error", "warning"} else None,
    )
