"""The pages of a student and of the class, in a real browser: readable, and nothing runs."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe
from grading.classes import NAME, assigned, fill_store, handed_in
from rich.console import Console

from lecopt.cli.progress import Lines, told
from lecopt.grading.override import decide
from lecopt.grading.report import folder_names, write_reports
from lecopt.grading.roster import Person
from lecopt.grading.store import Store

DUE = datetime.fromisoformat("2026-11-20T23:59:00+01:00")
EVIL = "<script>document.title='run'</script><img src=x onerror=document.title='run'>"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Report on a class of twenty, one of whom is called like a script."""
    out = tmp_path_factory.mktemp("out")
    store = Store(out / "results.sqlite")
    store.keep_people([Person("eve", EVIL), Person("nobody")])
    some = [
        handed_in(f"student {n}", (n % 8, n % 7), handed_in=DUE + timedelta(hours=n * 3 - 40),
                  code="c" if n < 2 else "")
        for n in range(20)
    ]  # fmt: skip
    evil = handed_in("eve", (0, 0), handed_in=DUE, problems=[EVIL])
    fill_store(store, [*some, evil], assigned(f"{DUE.isoformat()} -10%/day"))
    store.keep_troubles([EVIL])
    decide(store, "eve", "04.1", 2, EVIL, EVIL)
    write_reports(store, out)
    store.close()
    return out


@pytest.fixture(
    scope="module", params=["class.html", f"eve/{NAME}.html", f"student 19/{NAME}.html"]
)
def address(out: Path, request: pytest.FixtureRequest) -> str:
    return (out / request.param).as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_and_fit_a_phone(chromium: Any, address: str, scheme: str) -> None:
    page = chromium.new_page(
        color_scheme=scheme, viewport={"width": 360, "height": 800}, bypass_csp=True
    )
    page.goto(address)
    found = Axe().run(page).response["violations"]
    assert [violation["id"] for violation in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()


def test_no_script_runs_and_nothing_is_loaded(chromium: Any, address: str) -> None:
    page = chromium.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    assert asked == [address]
    assert page.title() != "run"
    assert page.locator("script, img").count() == 0
    page.close()


def test_the_class_page_is_drawn_and_linked(chromium: Any, out: Path) -> None:
    page = chromium.new_page()
    page.goto((out / "class.html").as_uri())
    bars = page.locator("figure rect.bar")
    counts = [int(text) for text in page.locator("figure text:not(.axis)").all_text_contents()]
    assert bars.count() == 14
    assert sum(counts) == 21
    heights = [float(bars.nth(i).get_attribute("height") or 0) for i in range(14)]
    tallest = max(heights)
    assert sorted(counts) == sorted(round(h / tallest * max(counts)) for h in heights if h)
    links = [link.get_attribute("href") or "" for link in page.locator("a").all()]
    assert links
    assert all((out / unquote(link)).is_file() for link in links)
    page.locator("a").first.click()
    assert "of 13 points" in page.locator(".total").inner_text()
    page.close()


def test_a_log_file_gets_lines_with_the_time_left() -> None:
    log = io.StringIO()
    with told(Console(file=log)) as (begin, advance):
        begin(3)
        for _ in range(3):
            advance()
    assert log.getvalue().splitlines() == ["3 to grade", "3 of 3 graded in 0:00:00"]
    log = io.StringIO()
    lines = Lines(Console(file=log), every=0)
    lines.begin(2)
    lines.advance()
    assert log.getvalue().splitlines()[1] == "1 of 2 graded, 0:00:00 left"


def test_a_terminal_gets_a_bar_with_the_time_left() -> None:
    screen = io.StringIO()
    with told(Console(file=screen, force_terminal=True, width=80)) as (begin, advance):
        begin(4)
        advance()
    last = screen.getvalue().split("\r")[-1]
    assert "1/4" in last
    assert "time left" in last


def test_no_two_of_ten_thousand_share_a_folder() -> None:
    names = [f"{'Ana' if n % 2 else 'ana'} {n // 2}" for n in range(10_000)]
    assert len({name.casefold() for name in folder_names(names).values()}) == 10_000
