"""Wait for a page that draws in animation frames."""

from __future__ import annotations

from playwright.sync_api import Page

TWO_FRAMES = "() => new Promise((d) => requestAnimationFrame(() => requestAnimationFrame(d)))"


def drawn(page: Page) -> None:
    """Wait until all that was asked for has been drawn."""
    page.evaluate(TWO_FRAMES)
