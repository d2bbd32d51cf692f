"""The contour quiz: which of four surfaces has this contour map?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lecopt.explorer.parts import Scene, Window, program_part
from lecopt.explorer.surfaces import FourWells, Mixture, Slope, Tilted, Turned
from lecopt.objectives import DoubleWell, MonkeySaddle, Plateau, Quadratic, Saddle
from lecopt.trace import trace_objective


@dataclass(frozen=True)
class Wrong:
    """A surface that does not have the map, and how one can tell."""

    J: Any
    why: str


@dataclass(frozen=True)
class Question:
    """A contour map, and four surfaces to choose from.

    Parameters
    ----------
    J
        The surface whose contour map is shown.
    why
        How one can tell that it is this one.
    wrong
        Three other surfaces, each with the reason why not.
    window
        The part of the plane that is shown, the same for all four.
    """

    J: Any
    why: str
    wrong: tuple[Wrong, Wrong, Wrong] | Sequence[Wrong]
    window: Window = ((-3.0, 3.0), (-3.0, 3.0))

    def __post_init__(self) -> None:
        if len(self.wrong) != 3:
            raise ValueError(f"a question has {len(self.wrong)} wrong surfaces; give 3")


def question_part(question: Question, number: int) -> Scene:
    """Return a question as a dict; the place of the right surface varies with its number."""
    place = (3 * number + number // 4 + 1) % 4
    shown = [(w.J, w.why) for w in question.wrong]
    shown.insert(place, (question.J, question.why))
    surfaces = [{"loss": program_part(trace_objective(J)["loss"]), "why": why} for J, why in shown]
    return {
        "window": np.asarray(question.window, dtype=float).tolist(),
        "labels": list(getattr(question.J, "labels", ("x", "y"))),
        "right": place,
        "surfaces": surfaces,
    }


def book_questions() -> list[Question]:
    """Return the questions of the chapter on contours."""
    bowl = Quadratic(1.0, 1.0)
    ravine = Quadratic(1.0, 8.0)
    wells = DoubleWell(tilt=0.0)
    return [
        Question(
            bowl,
            "Closed rings, round, closing up outwards: the slope grows with the distance. A bowl.",
            (
                Wrong(ravine, "A trough: its rings would be long and thin, not round."),
                Wrong(Plateau(), "It is flat far out: there the lines would be far apart."),
                Wrong(Slope(1.0, 0.5), "A plane: its lines would be straight, and never close."),
            ),
        ),
        Question(
            ravine,
            "Long, thin rings: steep across, where the lines crowd, and gentle along.",
            (
                Wrong(bowl, "Round: as steep along x as along y, so its rings are circles."),
                Wrong(
                    Quadratic(8.0, 1.0),
                    "The trough runs the other way: this map is steep along y, not along x.",
                ),
                Wrong(wells, "Two hollows: the map would have two sets of rings."),
            ),
        ),
        Question(
            Saddle(),
            "Four families of open curves and a cross in the middle: up two ways, down two ways.",
            (
                Wrong(bowl, "A bowl: its lines are closed rings; on this map the lines are open."),
                Wrong(
                    MonkeySaddle(),
                    "Three valleys, three ridges: the map would fall into six sectors, not four.",
                ),
                Wrong(
                    Turned(Saddle(), np.pi / 4),
                    "The same pass, turned: its valleys run along the diagonals.",
                ),
            ),
            ((-2.0, 2.0), (-2.0, 2.0)),
        ),
        Question(
            Plateau(),
            "Rings crowd at some distance and are sparse outside: a steep hole in a flat plain.",
            (
                Wrong(bowl, "A bowl gets steeper outwards; on this map the outside is flat."),
                Wrong(
                    Tilted(Plateau(), 0.25, 0.0),
                    "The plain is tilted: there would be lines across it, evenly spaced.",
                ),
                Wrong(
                    Mixture(((-1.6, 0.0, -1.0), (1.6, 0.0, -1.0))),
                    "Two holes: the map would have two sets of rings.",
                ),
            ),
            ((-4.0, 4.0), (-4.0, 4.0)),
        ),
        Question(
            wells,
            "Two sets of rings within an outer one, a figure of eight: two hollows and a pass.",
            (
                Wrong(
                    DoubleWell(tilt=0.6),
                    "One hollow is deeper: it would have more rings than the other.",
                ),
                Wrong(
                    Turned(wells, np.pi / 2),
                    "The hollows lie one above the other along y; on the map they lie along x.",
                ),
                Wrong(Quadratic(2.0, 1.0), "A single bowl: there would be a single set of rings."),
            ),
            ((-1.8, 1.8), (-1.8, 1.8)),
        ),
        Question(
            Slope(1.0, 0.5),
            "Straight, parallel lines at equal distances: the same slope everywhere, a plane.",
            (
                Wrong(
                    Slope(1.0, -0.5),
                    "A plane too, but it rises to the other side: its lines lean the other way.",
                ),
                Wrong(
                    Quadratic(1.0, 0.0),
                    "A gutter: straight lines too, but closer together towards both sides.",
                ),
                Wrong(Saddle(), "A pass: its lines bend, and cross in the middle."),
            ),
        ),
        Question(
            FourWells(),
            "Four sets of rings: four hollows, with a hill in the middle of them.",
            (
                Wrong(wells, "Two hollows only: there would be two sets of rings."),
                Wrong(bowl, "One hollow only: there would be one set of rings."),
                Wrong(
                    Mixture(((-0.8, 0.7, -1.0), (0.8, 0.7, -1.0), (0.0, -0.8, -1.0)), 0.4),
                    "Three holes in a plain: one set of rings is missing.",
                ),
            ),
            ((-1.6, 1.6), (-1.6, 1.6)),
        ),
        Question(
            MonkeySaddle(),
            "Six sectors around the middle: three valleys and three ridges in turn.",
            (
                Wrong(Saddle(), "A common pass: two valleys and two ridges make four sectors."),
                Wrong(
                    Turned(MonkeySaddle(), np.pi / 2),
                    "The same, turned by a quarter: look where the straight lines lie.",
                ),
                Wrong(Plateau(), "A hole: its lines are closed rings."),
            ),
            ((-1.5, 1.5), (-1.5, 1.5)),
        ),
    ]
