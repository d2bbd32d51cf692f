"""Chapters that are never stale: which of them run again, and what is said when one fails."""

import hashlib
import json
import logging
import os
import re
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.logging import getLogger

import lecopt

logger = getLogger(__name__)
PACKAGE = Path(lecopt.__file__).parent
CELL = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\s*\{code-cell\}[^\n]*\n"
    r"(?:---\n.*?^---\n)?(?::[^\n]*\n)*(?P<code>.*?)^(?P=fence)\s*$",
    re.MULTILINE | re.DOTALL,
)
REDIRECT = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>lecopt</title>
<meta http-equiv="refresh" content="0; url={target}"><link rel="canonical" href="{target}"></head>
<body><a href="{target}">lecopt</a></body></html>
"""


def kernel_digest() -> str:
    """Digest all that a chapter's kernel runs: the package's Python and what is installed."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + path.read_bytes())
    for name in sorted({f"{dist.name}=={dist.version}" for dist in distributions()}):
        digest.update(name.encode())
    return digest.hexdigest()


class Complaints(logging.Handler):
    """Remember which chapters were warned about: they have to be read, and so warn, again."""

    def __init__(self, app: Sphinx) -> None:
        """Start with no complaint."""
        super().__init__(logging.WARNING)
        self.app, self.chapters = app, set[str]()
        self.file = Path(app.doctreedir) / "complaints.json"

    def emit(self, record: logging.LogRecord) -> None:
        """Note the chapter of a warning; every chapter, if the warning does not say."""
        path = str(getattr(record, "location", None) or "").split(":")[0]
        chapter = self.app.project.path2doc(path) if path else None
        self.chapters |= {chapter} if chapter else self.app.project.docnames

    def before(self) -> set[str]:
        """Return the chapters that the last build complained of."""
        return set(json.loads(self.file.read_text())) if self.file.exists() else set()

    def save(self) -> None:
        """Keep the names for the next build."""
        self.file.write_text(json.dumps(sorted(self.chapters)))


def prepare(app: Sphinx) -> None:
    """Hear Sphinx's warnings, and vouch for an extension that may run in parallel."""
    app.complaints = Complaints(app)
    logging.getLogger("sphinx").addHandler(app.complaints)
    numbering = app.extensions.get("sphinx_multitoc_numbering")
    if numbering:  # it does not say so, but all it does comes after reading
        numbering.parallel_read_safe = True


def outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Run every chapter again if the package changed, else those that were warned about."""
    before, env.lecopt_digest = getattr(env, "lecopt_digest", None), kernel_digest()
    again = app.complaints.before() if env.lecopt_digest == before else env.found_docs
    return sorted(again & env.found_docs)


def failed_cells(app: Sphinx) -> None:
    """Say which cell of which chapter failed, and where it stands."""
    reports = Path(app.outdir) / "reports"
    for report in sorted(reports.rglob("*.err.log")):
        chapter = report.relative_to(reports).as_posix().removesuffix(".err.log")
        source = app.env.doc2path(chapter, False)
        lines = report.read_text(encoding="utf-8").strip().splitlines()
        number, line = find_cell(Path(app.srcdir, source).read_text(encoding="utf-8"), lines)
        logger.error("%s, cell %s (line %s) failed: %s", source, number, line, lines[-1])


def find_cell(chapter: str, report: list[str]) -> tuple[int, int]:
    """Find the cell that a traceback quotes between dashes: its number and its line."""
    dashes = [i for i, text in enumerate(report) if text == "-" * 18]
    quoted = "\n".join(report[dashes[0] + 1 : dashes[1]]).strip() if len(dashes) > 1 else ""
    for number, cell in enumerate(CELL.finditer(chapter), start=1):
        if quoted and cell["code"].strip() == quoted:
            return number, chapter.count("\n", 0, cell.start("code")) + 1
    return 0, 0


def finish(app: Sphinx, error: Exception | None) -> None:
    """Name what failed, and lead from the site's folder to its first page."""
    app.complaints.save()
    if error is None and app.builder.format == "html":
        failed_cells(app)
        target = app.builder.get_target_uri(app.config.root_doc)
        page = REDIRECT.format(target=target)
        (Path(app.outdir) / "index.html").write_text(page, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell the chapters' kernels that this is the site, and hook into the build."""
    os.environ["LECOPT_SITE"] = "1"
    # A kernel warns that it listens on this machine's own ports; in a build that says nothing new.
    NotebookClient.extra_arguments.default_args = (["--IPKernelApp.log_level=40"],)
    app.add_config_value("comments_config", {}, "")  # Jupyter Book sets it for what we leave out
    app.connect("builder-inited", prepare)
    app.connect("env-get-outdated", outdated)
    app.connect("build-finished", finish, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
