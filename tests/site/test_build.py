"""The build: numbers follow the settings, failures are named, and nothing is ever stale."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

HEADER = "---\nfile_format: mystnb\nkernelspec: {name: python3}\n---\n\n"
TOC = "format: jb-book\nroot: book/index\nchapters:\n  - file: book/chapter\n"
COMPUTED = re.compile(r'<span class="(?:math )?computed">(.*?)</span>', re.DOTALL)
CHAPTER = """# A chapter

```{code-cell}
import numpy as np
from lecopt import Neuron, two_points
eta = 0.5
loss = Neuron(*two_points())(np.array([0.5, 0.0]))
```

Then the loss is {n}`loss:.4f`, so {m}`\\eta = {eta:g}` and {n}`-eta * 1e-6:.0e`.

| computed | in a table |
|---|---|
| {n}`eta + 1:.2f` | {m}`\\frac{{1}}{{2}} \\neq {eta:g}` |
"""
MISTAKES = {
    "cannot compute 'losss:.4f'": "A number: {n}`losss:.4f`.",
    "KaTeX parse error": r"A formula: $\frac{a}{$.",
    "nowhere": "A [link](#nowhere).",
    "Momentun": "```{literalinclude} ../lecopt/optimizers.py\n:pyobject: Momentun\n```",
    "stderr": "```{code-cell}\nimport warnings\nwarnings.warn('look out')\n```",
}


class Book:
    """A small book in a folder of its own, built by the real script."""

    def __init__(self, folder: Path, root: Path) -> None:
        """Take over the project's settings and extensions."""
        self.folder, self.root = folder, root
        (folder / "book").mkdir(parents=True)
        shutil.copy(root / "_config.yml", folder)
        for name in ("_ext", "_static", "_templates"):
            shutil.copytree(root / "book" / name, folder / "book" / name)
        for name in ("references.bib", "matplotlibrc"):
            shutil.copy(root / "book" / name, folder / "book")
        (folder / "_toc.yml").write_text(TOC)
        (folder / "book" / "index.md").write_text("# A book\n\nSee [](chapter.md).\n")
        (folder / "lecopt").symlink_to(root / "lecopt")  # chapters show its code

    def write(self, text: str) -> None:
        """Write the chapter."""
        (self.folder / "book" / "chapter.md").write_text(HEADER + text, encoding="utf-8")

    def build(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Build the book and return what was said."""
        script = str(self.root / "tools" / "build_site.py")
        return subprocess.run(
            [sys.executable, script, "--root", str(self.folder), "--jobs", "1"],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def page(self) -> str:
        """Return the chapter as it was built."""
        return (self.folder / "_build/html/book/chapter.html").read_text(encoding="utf-8")

    def numbers(self) -> list[str]:
        """Return the computed numbers of the page."""
        return [unescape(re.sub(r"<[^>]+>", "", found)) for found in COMPUTED.findall(self.page())]


@pytest.fixture
def book(tmp_path: Path, root: Path) -> Book:
    """Start a small book."""
    return Book(tmp_path / "project", root)


def test_numbers_follow_the_code(book: Book) -> None:
    book.write(CHAPTER)
    built = book.build()
    assert built.returncode == 0, built.stderr
    first = book.numbers()
    assert first[0] == "0.0731" and "−5 × 10−7" in first and "1.50" in first
    assert "up to date" in book.build().stdout

    book.write(CHAPTER.replace("eta = 0.5", "eta = 0.25"))
    assert book.build().returncode == 0
    second = book.numbers()
    assert second[0] == first[0] and "1.25" in second and "1.50" not in second


def test_failing_cell_is_named(book: Book) -> None:
    book.write(CHAPTER + "\n```{code-cell}\n:tags: [remove-input]\n1 / 0\n```\n")
    for _ in range(2):  # and the second build does not forget it
        built = book.build()
        assert built.returncode == 1
        assert "book/chapter.md, cell 2" in built.stderr and "ZeroDivisionError" in built.stderr
    book.write(CHAPTER)
    assert book.build().returncode == 0


def test_every_mistake_of_a_chapter_is_named_until_it_is_gone(book: Book) -> None:
    book.write("# A chapter\n\n" + "\n\n".join(MISTAKES.values()))
    for _ in range(2):
        built = book.build()
        assert built.returncode == 1
        for complaint in MISTAKES:
            lines = [line for line in built.stderr.splitlines() if complaint in line]
            assert lines and all("chapter.md" in line for line in lines), (complaint, built.stderr)


def test_chapters_run_again_when_the_package_changes(book: Book) -> None:
    package = book.folder.parent / "changed" / "lecopt"
    shutil.copytree(book.root / "lecopt", package)
    book.write(CHAPTER)
    path = {"PYTHONPATH": str(package.parent)}
    assert book.build(**path).returncode == 0
    before = book.numbers()

    data = package / "data.py"
    data.write_text(data.read_text().replace("0.2, 0.9", "0.3, 0.9"))
    assert book.build(**path).returncode == 0
    assert book.numbers()[0] != before[0]


def test_pages_of_chapters_that_left_are_gone(book: Book) -> None:
    book.write(CHAPTER)
    assert book.build().returncode == 0
    (book.folder / "_toc.yml").write_text("format: jb-book\nroot: book/index\n")
    (book.folder / "book" / "index.md").write_text("# A book\n")
    assert book.build().returncode == 0
    assert not list(book.folder.glob("_build/html/**/chapter*"))


def test_numbers_of_a_real_chapter_follow_its_settings(book: Book, site: Path) -> None:
    source = (book.root / "book" / "04_momentum.md").read_text(encoding="utf-8")
    changed = re.sub(r"(?m)^gamma = 0\.9\b", "gamma = 0.8", source, count=1)
    assert changed != source
    alone = re.sub(r"\[([^\]]*)\]\((?!#)[^)]*\)|\{(?:ref|doc|cite[:\w]*)\}`[^`]*`", r"\1", changed)
    (book.folder / "book" / "chapter.md").write_text(alone, encoding="utf-8")
    book.build()  # links to other chapters may be missing here
    built = (site / "book" / "04_momentum.html").read_text(encoding="utf-8")
    before = [unescape(re.sub(r"<[^>]+>", "", found)) for found in COMPUTED.findall(built)]
    after = book.numbers()
    assert len(after) == len(before)
    assert sum(a != b for a, b in zip(after, before, strict=True)) >= 5
