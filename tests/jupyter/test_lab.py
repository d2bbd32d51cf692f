"""In a real JupyterLab the widget renders, follows Python, and tells Python what is done to it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

CELLS = (
    """from lecopt import Adam, Momentum, Neuron, two_points
from lecopt.explorer import explore
w = explore(Neuron(*two_points()), [Momentum(eta=1.0), Adam(eta=0.1)], step=40)
w""",
    "w.step = 12",
    "w.start = [1.0, 1.0]",
    "w.hyper = w.hyper | {'Momentum': {'eta': 0.5, 'gamma': 0.8}}",
    "print('start', w.start, 'eta', w.hyper['Adam']['eta'])",
)


@pytest.fixture(scope="module")
def lab(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Start a JupyterLab server that knows nothing of this user; return its address and token."""
    home = tmp_path_factory.mktemp("lab")
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), home / "play.ipynb")
    settings = home / "config" / "labconfig"
    settings.mkdir(parents=True)
    quiet = {"@jupyterlab/apputils-extension:announcements": True}
    (settings / "page_config.json").write_text(json.dumps({"disabledExtensions": quiet}))
    runtime, token = home / "runtime", secrets.token_hex(16)
    environment = {name: value for name, value in os.environ.items() if name != "LECOPT_SITE"} | {
        "PYTHONPATH": str(root),
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTER_PLATFORM_DIRS": "1",
    }
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": 0,
        "ServerApp.root_dir": home,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": token,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    with (home / "log.txt").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *flags], env=environment, stdout=log, stderr=log
        )
        try:
            yield address(server, runtime, home / "log.txt"), token
        finally:
            server.terminate()
            server.wait(30)


def address(server: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    """Wait until the server says where it listens."""
    for _ in range(300):
        for file in runtime.glob("jpserver-*.json"):
            told = json.loads(file.read_text())
            if told["port"]:
                return str(told["url"])
        if server.poll() is not None:
            break
        time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def notebook(chromium: Browser, lab: tuple[str, str]) -> Iterator[Page]:
    """Open the notebook, with every request to elsewhere aborted, and run its first cell."""
    url, token = lab
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.route(
        "**/*",
        lambda route: (
            route.continue_()
            if route.request.url.startswith((url, "data:", "blob:"))
            else route.abort()
        ),
    )
    page.goto(f"{url}doc/tree/play.ipynb?token={token}", timeout=120_000)
    page.locator(".jp-CodeCell").nth(len(CELLS) - 1).wait_for(timeout=120_000)
    expect(page.locator("body")).to_contain_text("Idle", timeout=120_000)
    run(page, 0)
    page.locator(".lecopt-race .lecopt-axes text").first.wait_for(timeout=60_000)
    yield page
    context.close()


def run(page: Page, cell: int) -> None:
    """Run one cell, and wait until it is done."""
    cell_at = page.locator(".jp-CodeCell").nth(cell)
    prompt = cell_at.locator(".jp-InputPrompt")
    before = prompt.inner_text()
    for _ in range(3):  # while JupyterLab restores its layout it may take the focus away
        cell_at.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        with contextlib.suppress(AssertionError):
            expect(prompt).not_to_have_text(before, timeout=10_000)
            break
    expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=60_000)


def widget(page: Page) -> Locator:
    return page.locator(".lecopt-race")


def path_of(page: Page, rule: int) -> Any:
    return widget(page).locator(".lecopt-whole").nth(rule).get_attribute("d")


def test_the_widget_renders(notebook: Page) -> None:
    assert widget(notebook).count() == 1
    assert str(path_of(notebook, 0)).startswith("M") and len(str(path_of(notebook, 0))) > 200
    assert widget(notebook).locator(".lecopt-scrub").input_value() == "40"


def test_a_trait_that_python_changes_moves_it(notebook: Page) -> None:
    run(notebook, 1)
    expect(widget(notebook).locator(".lecopt-scrub")).to_have_value("12")
    before = path_of(notebook, 0), path_of(notebook, 1)
    run(notebook, 2)
    handle = widget(notebook).locator(".lecopt-handle")
    expect(handle).to_have_attribute("aria-label", re.compile(r"w = 1\.00, b = 1\.00"))
    after = path_of(notebook, 0), path_of(notebook, 1)
    assert before[0] != after[0] and before[1] != after[1]
    run(notebook, 3)
    notebook.wait_for_timeout(300)
    assert path_of(notebook, 0) != after[0] and path_of(notebook, 1) == after[1]


def test_python_hears_what_the_reader_does(notebook: Page) -> None:
    run(notebook, 2)
    handle = widget(notebook).locator(".lecopt-handle")
    handle.press("ArrowRight")
    eta = widget(notebook).get_by_role("slider", name="Adam: η (eta)")
    eta.press("Home")
    notebook.wait_for_timeout(800)
    run(notebook, 4)
    output = notebook.locator(".jp-CodeCell").nth(4).locator(".jp-OutputArea-output")
    expect(output).to_contain_text("start [1.2, 1.0] eta 0.001")


def test_jupyterlab_does_not_take_the_keys(notebook: Page) -> None:
    scrub = widget(notebook).locator(".lecopt-scrub")
    scrub.focus()
    active = notebook.locator(".jp-Cell.jp-mod-active").count()
    notebook.keyboard.press("Home")
    notebook.keyboard.press("ArrowRight")
    notebook.keyboard.press("ArrowRight")
    notebook.keyboard.press("b")  # in command mode: a new cell below
    expect(scrub).to_have_value("2")
    assert notebook.locator(".jp-CodeCell").count() == len(CELLS)
    assert notebook.locator(".jp-Cell.jp-mod-active").count() == active


def test_it_follows_a_dark_theme(notebook: Page) -> None:
    ink = "e => getComputedStyle(e).getPropertyValue('--lec-ink')"
    light = widget(notebook).evaluate(ink)
    notebook.evaluate("document.body.dataset.jpThemeLight = 'false'")
    assert widget(notebook).evaluate(ink) != light
    notebook.evaluate("document.body.dataset.jpThemeLight = 'true'")
