"""Light pages: the explorer only where it is, few icons, pictures and films that load late."""

import hashlib
import html
import logging
import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from fontTools import subset
from PIL import Image
from sphinx.application import Sphinx

import lecopt

EXPLORER = Path(lecopt.__file__).parent / "explorer" / "static"
ASSETS = ("lecopt-explorer.js", "lecopt-explorer.css")
MOUNT = re.compile(r'class="[^"]*\blecopt-explorer\b')
ICON_FONT = Path("vendor/fontawesome/webfonts")
ICON_RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\([0-9a-f]+)"\}')
PICTURE = re.compile(r'<img ([^>]*?)src="[^"]*_images/([^"/]+\.png)"([^>]*?)\s*/?>')
FILM = re.compile(r'<iframe srcdoc="([^"]*)"')
PIXELS_PER_DOT = 1.5  # book/matplotlibrc draws 144 dots an inch, of which a page has 96


def add_explorer(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Load the explorer on pages that hold one: a classic script, so that file:// works too."""
    if doctree and any(MOUNT.search(raw.astext()) for raw in doctree.findall(nodes.raw)):
        app.add_js_file(ASSETS[0], loading_method="defer")
        app.add_css_file(ASSETS[1])


def size_pictures(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Give every drawn picture its size, so that it may load late and the text stays put."""
    sources = {name: Path(app.srcdir, path) for path, name in app.builder.images.items()}

    def sized(tag: re.Match[str]) -> str:
        source = sources.get(tag[2])
        if ' width="' in tag[0] or source is None or "jupyter_execute" not in source.parts:
            return tag[0]
        width, height = (round(side / PIXELS_PER_DOT) for side in Image.open(source).size)
        return f'{tag[0].rstrip("/> ")} width="{width}" height="{height}" loading="lazy">'

    if "body" in context:
        context["body"] = PICTURE.sub(sized, context["body"])


def move_films_out(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Give every film a file of its own, so that only those who scroll to it load it."""
    folder = Path(app.outdir, "_images")
    folder.mkdir(parents=True, exist_ok=True)

    def moved(tag: re.Match[str]) -> str:
        film = html.unescape(tag[1]).encode()
        name = f"film-{hashlib.sha256(film).hexdigest()[:16]}.html"
        (folder / name).write_bytes(film)
        return f'<iframe src="{context["pathto"](f"_images/{name}", resource=True)}" loading="lazy"'

    if "body" in context:
        context["body"] = FILM.sub(moved, context["body"])


def shrink_pictures(out: Path) -> None:
    """Store pictures with 256 colours where nobody can tell: a third of the size."""
    for path in sorted((out / "_images").glob("*.png")):
        full = Image.open(path).convert("RGBA")
        sheet = Image.new("RGBA", full.size, "white")
        sheet.alpha_composite(full)
        small = sheet.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        small.save(path, optimize=True)


def used_icons(out: Path) -> set[str]:
    """Collect the icon classes in the built pages and the theme's scripts."""
    sources = [*out.rglob("*.html"), *(out / "_static" / "scripts").glob("*theme.js")]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    return set(re.findall(r"\bfa-[a-z0-9-]+", text))


def cut_rules(sheet: Path, icons: set[str]) -> set[str]:
    """Drop a style sheet's rules for other icons; return the characters of those that stay."""
    kept = set()

    def keep(rule: re.Match[str]) -> str:
        if icons.isdisjoint(re.findall(r"\.(fa-[\w-]+):before", rule[1])):
            return ""
        kept.add(chr(int(rule[2], 16)))
        return rule[0]

    css = ICON_RULE.sub(keep, sheet.read_text(encoding="utf-8"))
    sheet.write_text(css, encoding="utf-8")
    return kept | {char for char in css if "\ue000" <= char <= "\uf8ff"}


def cut_font(path: Path, characters: set[str]) -> None:
    """Cut a font down to some characters."""
    options = subset.Options(flavor="woff2", drop_tables=["FFTM"], notdef_outline=True)
    font = subset.load_font(str(path), options)
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(characters))
    cutter.subset(font)
    subset.save_font(font, str(path), options)


def slim_theme(static: Path, icons: set[str]) -> None:
    """Cut Font Awesome down to the icons in use, and drop what no page asks for."""
    characters = cut_rules(static / "styles" / "pydata-sphinx-theme.css", icons)
    for font in (static / ICON_FONT).glob("*.woff2"):
        cut_font(font, characters)
    scripts = static / "scripts"
    for unused in [*static.rglob("*.map"), *static.rglob("*.ttf"), *scripts.glob("fontawesome*")]:
        unused.unlink(missing_ok=True)


def finish(app: Sphinx, error: Exception | None) -> None:
    """Make the finished site light."""
    if error is None and app.builder.format == "html":
        out = Path(app.outdir)
        for name in ASSETS:
            shutil.copyfile(EXPLORER / name, out / "_static" / name)
        shrink_pictures(out)
        slim_theme(out / "_static", used_icons(out))


def setup(app: Sphinx) -> dict[str, Any]:
    """Hook into the build."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    app.connect("html-page-context", add_explorer)
    app.connect("html-page-context", size_pictures)
    app.connect("html-page-context", move_films_out)
    app.connect("build-finished", finish, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
