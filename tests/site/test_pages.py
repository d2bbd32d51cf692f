"""Every page of the built site, in a real browser that may ask no other host for anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from serve import served

TOC = yaml.safe_load((Path(__file__).parents[2] / "_toc.yml").read_text(encoding="utf-8"))
CHAPTERS = [TOC["root"], *(page["file"] for part in TOC["parts"] for page in part["chapters"])]
PAGES = [f"{chapter}.html" for chapter in CHAPTERS]
every_page = pytest.mark.parametrize("path", [*PAGES, "search.html"])
DRAWN = (
    "!document.querySelector('.lecopt-explorer') || document.querySelector('.lecopt-explorer svg')"
)


@every_page
def test_page_loads_whole_and_light(visit: Callable[..., Any], path: str) -> None:
    one = visit()
    page = one.go(path, until="networkidle")
    assert page.evaluate(DRAWN), "the explorer drew nothing"
    weights = one.weights()
    heaviest = sorted(weights.items(), key=lambda item: -item[1])[:8]
    assert sum(weights.values()) <= 600_000, heaviest
    assert one.troubles == []


@every_page
def test_page_fits_a_phone(visit: Callable[..., Any], path: str) -> None:
    page = visit(viewport={"width": 360, "height": 740}).go(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@every_page
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_accessible(visit: Callable[..., Any], path: str, scheme: str) -> None:
    page = visit(color_scheme=scheme).go(path)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    violations = Axe().run(page).response["violations"]
    bad = [
        (found["id"], [(node["target"], node["html"][:200]) for node in found["nodes"][:3]])
        for found in violations
        if found["impact"] in {"serious", "critical"}
    ]
    assert bad == []


@every_page
def test_pictures_have_a_size_and_a_description(visit: Callable[..., Any], path: str) -> None:
    page = visit().go(path)
    attributes = "i => [i.getAttribute('src'), i.alt, i.getAttribute('width')]"
    pictures = page.eval_on_selector_all("article img", f"all => all.map({attributes})")
    for source, description, width in pictures:
        assert len(description or "") > 20, f"{source} needs an alt text"
        assert "_images/" not in source or width, f"{source} has no width: the text will jump"


def test_pictures_arrive_when_they_are_needed(visit: Callable[..., Any]) -> None:
    one = visit()
    page = one.go("book/04_momentum.html")
    before = len(one.responses)
    page.eval_on_selector_all("article img", "all => all.forEach(i => i.loading = 'eager')")
    page.wait_for_function("[...document.querySelectorAll('article img')].every(i => i.complete)")
    widths = page.eval_on_selector_all("article img", "all => all.map(i => i.naturalWidth)")
    assert widths and all(widths)
    assert len(one.responses) > before
    assert one.troubles == []


def test_site_works_below_a_folder(visit: Callable[..., Any], site: Path, tmp_path: Path) -> None:
    (tmp_path / "lecopt").symlink_to(site)
    with served(tmp_path) as address:
        one = visit(home=address + "lecopt/")
        page = one.go("index.html")
        page.wait_for_url("**/book/index.html")
        for path in PAGES:
            assert one.go(path).evaluate(DRAWN), path
        assert one.troubles == []


@pytest.mark.parametrize("path", PAGES)
def test_page_opens_by_double_click(visit: Callable[..., Any], site: Path, path: str) -> None:
    one = visit(home=site.as_uri() + "/")
    page = one.go(path)
    assert page.evaluate(DRAWN), "the explorer drew nothing"
    assert one.troubles == []


def test_search_finds_momentum(visit: Callable[..., Any]) -> None:
    one = visit()
    page = one.go("book/index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("momentum")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=momentum")
    page.wait_for_selector("#search-results li a[href*='04_momentum']")
    assert one.troubles == []


def test_there_is_one_search_bar_and_every_button_shows_its_icon(visit: Callable[..., Any]) -> None:
    page = visit().go("book/04_momentum.html")
    assert page.locator(".search-button-field:visible, .search-button:visible").count() == 1
    icons = page.locator("i[class*='fa-']:visible, span[class*='fa-']:visible")
    assert icons.count() >= 3
    blank = icons.evaluate_all(
        "all => all.filter(i => getComputedStyle(i, '::before').content.length < 3)"
        ".map(i => i.className)"
    )
    assert blank == []
    assert page.evaluate("document.fonts.check('900 16px \"Font Awesome 6 Free\"', '\\uf0c9')")


def test_reader_can_switch_to_the_dark_and_back(visit: Callable[..., Any]) -> None:
    page = visit(color_scheme="light").go("book/04_momentum.html")
    colours = set()
    for _ in range(3):
        page.locator(".theme-switch-button:visible").first.click()
        colours.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(colours) == 2


def test_formulas_are_set_and_can_be_heard(visit: Callable[..., Any]) -> None:
    page = visit().go("book/04_momentum.html")
    count = page.locator(".katex").count()
    assert count > 10
    assert page.locator(".katex .katex-mathml math").count() == count
    assert page.locator(".katex-error").count() == 0
    assert page.locator(".math-block .eqno").count() > 0
    fonts = page.evaluate(
        "[...document.fonts].filter(f => f.status === 'loaded').map(f => f.family)"
    )
    assert any("KaTeX" in font for font in fonts)


@pytest.mark.parametrize("path", PAGES)
def test_no_maths_is_left_as_typed(site: Path, path: str) -> None:
    text = (site / path).read_text(encoding="utf-8")
    article = re.search(r"<article.*?</article>", text, re.DOTALL)
    assert article
    bare = re.sub(
        r"<(script|style|pre|code|annotation|noscript)\b.*?</\1>", "", article[0], flags=re.DOTALL
    )
    assert not re.search(r"\$[^$<]+\$|\{(n|m|eval|math)\}`", re.sub(r"<[^>]+>", "", bare))


def test_page_prints_without_its_frame(visit: Callable[..., Any]) -> None:
    page = visit().go("book/04_momentum.html")
    page.emulate_media(media="print")
    assert not page.locator(".bd-sidebar-primary").is_visible()
    assert not page.locator(".prev-next-footer").is_visible()
    assert "Momentum" in page.locator("h1:visible").first.inner_text()


def test_footer_names_both_licences(visit: Callable[..., Any]) -> None:
    footer = visit().go("book/index.html").locator(".bd-footer-content").inner_text()
    assert "CC BY 4.0" in footer and "BSD" in footer
