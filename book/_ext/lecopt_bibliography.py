"""References: listed as a history, oldest first, and cited in the text as (Polyak, 1964)."""

from dataclasses import dataclass, field
from typing import Any

from docutils import nodes
from pybtex.database import Entry
from pybtex.plugin import register_plugin
from pybtex.style.formatting.plain import Style
from pybtex.style.sorting import BaseSortingStyle
from sphinx.application import Sphinx
from sphinxcontrib.bibtex.plugin import register_plugin as register_reference_style
from sphinxcontrib.bibtex.style.referencing import BracketStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle


class OldestFirst(BaseSortingStyle):
    """Sort by year, then by key."""

    def sorting_key(self, entry: Entry) -> tuple[str, str]:
        """Return what to compare."""
        return entry.fields["year"], entry.key


class ByYear(Style):
    """Plain references, oldest first."""

    default_sorting_style = "oldest_first"


def brackets() -> BracketStyle:
    """Put citations between round brackets."""
    return BracketStyle(left="(", right=")")


@dataclass
class Round(AuthorYearReferenceStyle):
    """Author and year, between round brackets."""

    bracket_parenthetical: BracketStyle = field(default_factory=brackets)
    bracket_textual: BracketStyle = field(default_factory=brackets)
    bracket_author: BracketStyle = field(default_factory=brackets)
    bracket_label: BracketStyle = field(default_factory=brackets)
    bracket_year: BracketStyle = field(default_factory=brackets)


def name_list_items(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Call the entries of the list its items: screen readers know no other children of a list."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the styles ``by_year`` (of the list) and ``round`` (of citations)."""
    register_reference_style("sphinxcontrib.bibtex.style.referencing", "round", Round)
    register_plugin("pybtex.style.sorting", "oldest_first", OldestFirst)
    register_plugin("pybtex.style.formatting", "by_year", ByYear)
    app.connect("html-page-context", name_list_items)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
