"""Take the picture of the README from the built site: `python tools/screenshot.py`."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from provide import chromium_options
from serve import SITE, served

PAGE = "book/04_momentum.html"
PICTURE = Path(__file__).parents[1] / "book" / "_static" / "screenshot.png"
WIDTH, HEIGHT, MARGIN = 1280, 1040, 56
LARGEST = 200_000
RACE = 0
SCROLL = """(race, margin) => window.scrollTo(
  {top: scrollY + race.getBoundingClientRect().top - margin, behavior: "instant"})"""


def photograph(address: str) -> bytes:
    """Open a chapter at one of its races and return the picture as PNG."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium_options(playwright))
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(address, wait_until="networkidle")
        page.locator(".lecopt-race").nth(RACE).evaluate(SCROLL, MARGIN)
        page.wait_for_timeout(500)
        picture = page.screenshot()
        browser.close()
    return picture


def packed(png: bytes) -> bytes:
    """Return the same picture with 128 colours."""
    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    small = io.BytesIO()
    image.save(small, "PNG", optimize=True)
    return small.getvalue()


def main() -> None:
    """Write the picture."""
    with served(SITE) as site:
        picture = packed(photograph(site + PAGE))
    if len(picture) > LARGEST:
        raise SystemExit(f"the picture has {len(picture)} bytes, more than {LARGEST}")
    PICTURE.write_bytes(picture)
    print(f"{PICTURE}: {len(picture) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
