"""Set the book's formulas while it is built, so that its pages need no maths script.

KaTeX runs in QuickJS, inside this process. The pages carry its HTML (for the eye) and its MathML
(for screen readers), and load its style sheet only where there is a formula.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import quickjs
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)
SOURCE = Path(__file__).parent / "katex" / "katex.min.js"
NUMBERED = re.compile(r"\\(begin|end)\{(align|gather|equation|alignat)\}")  # Sphinx numbers them
RENDER = """
function render(tex, options) {
  try { return JSON.stringify([katex.renderToString(tex, JSON.parse(options)), null]); }
  catch (error) { return JSON.stringify(["", String(error.message)]); }
}
"""


@cache
def engine() -> Any:
    """Start JavaScript and load KaTeX."""
    context = quickjs.Context()
    context.eval(SOURCE.read_text(encoding="utf-8"))
    context.eval(RENDER)
    return context.get("render")


def katex(tex: str, node: nodes.Node, macros: dict[str, str], display: bool) -> str:
    """Return the HTML of a formula; warn, at its place in the book, if KaTeX refuses it."""
    options = {"displayMode": display, "macros": macros, "strict": "error"}
    html, error = json.loads(engine()(tex, json.dumps(options)))
    if error:
        logger.warning("formula %r: %s", tex, error, location=node, type="katex")
    return str(html)


def several_lines(tex: str) -> str:
    """Do as Sphinx does for MathJax: a blank line or ``\\\\`` starts a new, aligned line."""
    parts = [part.strip() for part in tex.split("\n\n") if part.strip()]
    if len(parts) > 1:
        return r"\begin{gathered}" + r" \\ ".join(parts) + r"\end{gathered}"
    if r"\\" in tex and r"\begin" not in tex:
        wrapper = "aligned" if "&" in tex else "gathered"
        return rf"\begin{{{wrapper}}}{tex}\end{{{wrapper}}}"
    return tex.strip()


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """Write an inline formula."""
    classes = " ".join(["math", *node.get("classes", [])])
    html = katex(node.astext(), node, self.config.katex_macros, display=False)
    self.body.append(f'<span class="{classes}">{html}</span>')
    raise nodes.SkipNode


def visit_math_block(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a displayed formula, its number and its anchor."""
    tex = (
        NUMBERED.sub(r"\\\1{\2*}", node.astext())
        if node.get("nowrap")
        else several_lines(node.astext())
    )
    self.body.append(self.starttag(node, "div", CLASS="math math-block", tabindex="0"))
    self.body.append(katex(tex, node, self.config.katex_macros, display=True))
    if node["number"]:
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def add_stylesheet(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Load KaTeX's style sheet on pages that hold a formula."""
    if doctree and any(doctree.findall(lambda n: isinstance(n, (nodes.math, nodes.math_block)))):
        app.add_css_file("katex/katex.min.css")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register KaTeX as the book's way to set maths in HTML."""
    app.add_config_value("katex_macros", {}, "html")
    app.add_html_math_renderer(
        "katex", inline_renderers=(visit_math, None), block_renderers=(visit_math_block, None)
    )
    app.connect("html-page-context", add_stylesheet)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
