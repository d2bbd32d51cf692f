"""Build the book into _build/html: ``python tools/build_site.py``.

Warnings are errors, and a failing cell is named with its chapter. Nothing is done when nothing has
changed; else changed chapters run, and all pages are written afresh into a new folder, which then
takes the place of the old one: no page is ever stale.
"""

import argparse
import hashlib
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from jupyter_book.sphinx import build_sphinx

HIDDEN = ("__pycache__", ".")


def digest_inputs(root: Path) -> str:
    """Digest everything that a page may depend on."""
    from lecopt_light import EXPLORER
    from lecopt_site import kernel_digest

    digest = hashlib.sha256(kernel_digest().encode())
    parts = [root / "_config.yml", root / "_toc.yml", Path(__file__)]
    for folder in (root / "book", EXPLORER):
        parts += sorted(path for path in folder.rglob("*") if path.is_file())
    for path in parts:
        if not any(part.startswith(HIDDEN) for part in path.relative_to(path.anchor).parts[-3:]):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def overrides(root: Path) -> dict[str, Any]:
    """Settings of this build, beyond those of the book."""
    return {
        "external_toc_path": str(root / "_toc.yml"),
        "latex_individualpages": False,
        "nb_execution_raise_on_error": False,  # go on, and tell of every failing chapter at once
        "nitpicky": True,
    }


def build(root: Path, build_dir: Path, out: Path, jobs: int) -> bool:
    """Run Sphinx, with the settings of Jupyter Book, and say whether all is well."""
    status = build_sphinx(
        root,
        out,
        confdir=None,
        noconfig=True,
        path_config=root / "_config.yml",
        confoverrides=overrides(root),
        doctreedir=build_dir / ".doctrees",
        force_all=True,
        warningiserror=True,
        keep_going=True,
        jobs=jobs,
        quiet=True,
    )
    return status == 0


def swap(new: Path, old: Path) -> None:
    """Put a folder in the place of another, at once for those who look."""
    away = old.with_suffix(".old")
    shutil.rmtree(away, ignore_errors=True)
    if old.exists():
        old.rename(away)
    if new.exists():
        new.rename(old)
    shutil.rmtree(away, ignore_errors=True)


def main(argv: list[str] | None = None) -> int:
    """Build, if anything changed, and say where to open the book."""
    here = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description="Build the book's site.")
    parser.add_argument("--root", type=Path, default=here, help="the folder of _config.yml")
    parser.add_argument("--jobs", type=int, default=2, help="how many chapters run at once")
    parser.add_argument("--force", action="store_true", help="run every chapter, changed or not")
    args = parser.parse_args(argv)
    root, start = args.root.resolve(), time.monotonic()
    build_dir = root / "_build"
    page, stamp = build_dir / "html" / "index.html", build_dir / "html.inputs"
    sys.path.insert(0, str(root / "book" / "_ext"))

    inputs = digest_inputs(root)
    if not args.force and page.exists() and stamp.exists() and stamp.read_text() == inputs:
        print(f"The book is up to date: {page.as_uri()}")
        return 0
    stamp.unlink(missing_ok=True)
    new = build_dir / "html.new"
    shutil.rmtree(new, ignore_errors=True)
    if args.force:
        shutil.rmtree(build_dir / ".doctrees", ignore_errors=True)
    well = build(root, build_dir, new, args.jobs)
    swap(new, build_dir / "html")
    if not well:
        print("The book was not built: see the messages above.", file=sys.stderr)
        return 1
    stamp.write_text(inputs)
    print(f"Built in {time.monotonic() - start:.0f} s. Open {page.as_uri()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
