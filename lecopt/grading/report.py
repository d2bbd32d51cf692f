"""The page that a student gets. All that came from the student is escaped; no script runs."""

from __future__ import annotations

from pathlib import Path

import jinja2

from lecopt.grading.store import Grade

ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("lecopt.grading", "."),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
)


def write_page(grade: Grade, title: str, path: Path) -> None:
    """Write a student's page, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    text = ENVIRONMENT.get_template("page.html").render(grade=grade, title=title)
    draft.write_text(text, encoding="utf-8", errors="replace")
    draft.replace(path)
