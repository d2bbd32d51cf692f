"""Computed numbers in prose: the roles ``{n}`` and ``{m}``.

Both evaluate Python in the chapter's own kernel, at the place where they stand, so a number on the
page is the number that the code above it made.

``{n}`loss[-1]:.4f` ``
    What an f-string would show for ``{loss[-1]:.4f}``, as text.
``{m}`\\eta = {rule.eta:g}` ``
    An f-string of TeX, as inline maths (so TeX's own braces are doubled: ``\\frac{{1}}{{2}}``).
"""

import re
from ast import literal_eval
from typing import Any

from docutils import nodes
from myst_nb.core.variables import RetrievalError, create_warning
from myst_nb.ext.eval import retrieve_eval_data
from myst_nb.ext.utils import RoleBase
from sphinx.application import Sphinx

POWER = re.compile(r"(\d)e([+-]\d+)")
ONE = re.compile(r"(?<![\d.])1$")  # 1e-5 is 10⁻⁵
MINUS = re.compile(r"(?<![\w)])-(?=[\d.])")


def as_text(value: str) -> list[nodes.Node]:
    """Set minus signs and powers of ten as in print."""
    parts, end = [], 0
    value = MINUS.sub("−", value)
    for found in POWER.finditer(value):
        mantissa = value[end : found.end(1)]
        ten = ONE.sub("10", mantissa) if ONE.search(mantissa) else f"{mantissa} × 10"
        power = str(int(found[2])).replace("-", "−")
        parts += [nodes.Text(ten), nodes.superscript("", power)]
        end = found.end()
    return [*parts, nodes.Text(value[end:])]


def as_tex(value: str) -> str:
    """Set powers of ten as in print: ``2e-5`` becomes ``2 \\times 10^{-5}``."""
    value = re.sub(r"(?<![\d.])1e([+-]\d+)", lambda one: f"10^{{{int(one[1])}}}", value)
    return POWER.sub(lambda found: rf"{found[1]} \times 10^{{{int(found[2])}}}", value)


class Computed(RoleBase):
    """A role whose text is evaluated in the kernel as (part of) an f-string."""

    template: str

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Ask the kernel, and wrap its answer in a node."""
        try:
            outputs = retrieve_eval_data(self.document, self.template.format(self.text))
            value = literal_eval(outputs[0].data["text/plain"])
        except RetrievalError as error:
            message = f"cannot compute {self.text!r} here: {error}"
            return [], [create_warning(message, self.document, self.line, "eval")]
        return [self.node(value)], []

    def node(self, value: str) -> nodes.Node:
        """Wrap the computed text."""
        raise NotImplementedError


class Number(Computed):
    """``{n}``: a computed value in running text."""

    template = "f'''{{{}}}'''"

    def node(self, value: str) -> nodes.Node:
        """Wrap the computed text."""
        return nodes.inline(value, "", *as_text(value), classes=["computed"])


class Maths(Computed):
    """``{m}``: computed values inside inline maths."""

    template = "rf'''{}'''"

    def node(self, value: str) -> nodes.Node:
        """Wrap the computed TeX."""
        return nodes.math(as_tex(value), as_tex(value), classes=["computed"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the roles."""
    app.add_role("n", Number())
    app.add_role("m", Maths())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
