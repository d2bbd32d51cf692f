"""Tell whether two students' code is the same but for comments, blank lines and spaces."""

from __future__ import annotations

import io
import tokenize

from lecopt.grading.exercise import Exercise, digest
from lecopt.grading.merge import Merged

IGNORED = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.ENCODING}
SHORT = 25  # tokens: less than that is alike by chance
LONG = 100_000  # characters: more than that is not compared


def words(source: str) -> list[str]:
    """Return the words of some code; indents are words, but not how wide they are."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return source.split()
    depth = {tokenize.INDENT: "(indent)", tokenize.DEDENT: "(dedent)"}
    return [depth.get(t.type, t.string) for t in tokens if t.type not in IGNORED]


def code_digest(exercise: Exercise, merged: Merged) -> str:
    """Return a fingerprint of what a student wrote, "" if it is too little to tell anything.

    What was given, or is just as in the solution, says nothing about who wrote it.
    """
    known = [cell.source for cell in exercise.cells] + list(exercise.solutions.values())
    given = {tuple(words(source)) for source in known}
    own = [step.source for group in merged.groups for step in group.steps if step.kind == "own"]
    if sum(map(len, own)) > LONG:
        return ""
    said = [found for source in own if tuple(found := words(source)) not in given]
    total = [word for found in said for word in found]
    return digest("\n".join(total)) if len(total) >= SHORT else ""
