"""Every link, anchor and file that a page names is there, and no other host is asked."""

from __future__ import annotations

from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from grading.helpers import told

LOADING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}

LOADED_LINKS = {"stylesheet", "icon", "shortcut icon", "preload", "manifest"}


class Page(HTMLParser):
    """The links, the anchors and the loaded files of a page."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.links, self.anchors, self.loads = list[str](), set[str](), list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag names."""
        named = dict(attrs)
        self.anchors |= {value for key in ("id", "name") if (value := named.get(key))}
        loads = tag in LOADING and (tag != "link" or named.get("rel") in LOADED_LINKS)
        if loads and (address := named.get(LOADING[tag])):
            self.loads.append(address)
        if tag == "a" and (target := named.get("href")):
            self.links.append(target)


@cache
def parsed(path: Path) -> Page:
    """Parse a page once."""
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def pages(site: Path) -> list[Path]:
    """Return the pages of the site."""
    found = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    assert len(found) > 5
    return found


def test_every_link_leads_somewhere(site: Path) -> None:
    lost = []
    for path in pages(site):
        for link in parsed(path).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                lost.append((path.name, link))
                continue
            anchors = parsed(target).anchors if target.suffix == ".html" else set()
            if parts.fragment and anchors and unquote(parts.fragment) not in anchors:
                lost.append((path.name, link))
    assert lost == []


def test_pages_load_files_of_the_site_only(site: Path) -> None:
    for path in pages(site):
        for address in parsed(path).loads:
            parts = urlsplit(address)
            assert not parts.netloc, f"{path.name} asks {parts.netloc}"
            if not parts.scheme:
                assert (path.parent / unquote(parts.path)).is_file(), f"{path.name}: {address}"


def test_style_sheets_name_no_other_host(site: Path) -> None:
    for path in (site / "_static").rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        assert "url(http" not in text and "url(//" not in text, path
        assert '@import "http' not in text and "@import url" not in text, path


def test_explorer_is_loaded_only_where_it_stands(site: Path) -> None:
    for path in pages(site):
        mounted = 'class="lecopt-explorer' in path.read_text(encoding="utf-8")
        loaded = any("lecopt-explorer.js" in address for address in parsed(path).loads)
        assert loaded == mounted, path.name


def test_site_holds_no_sources_of_exercises_and_nothing_hidden(site: Path) -> None:
    names = [path.relative_to(site).as_posix() for path in site.rglob("*")]
    assert not [name for name in names if "exercises" in name or "node_modules" in name]
    assert not [name for name in names if name.startswith((".venv", "js/", "tests/"))]
    files = {str(path): path.read_bytes() for path in site.rglob("*") if path.is_file()}
    assert told(files) == []
