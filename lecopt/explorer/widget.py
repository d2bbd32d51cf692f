"""The widget class: traits only. What it shows is in `scene`, what moves is in the others."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any, cast

import anywidget
import ipywidgets
import numpy as np
import traitlets

STATIC = Path(__file__).parent / "static"
TALL = {
    "guess": (475, 730),
    "dial": (520, 915),
    "quiz": (440, 795),
    "weights": (288, 590),
    "average": (410, 385),
}


def on_site() -> bool:
    """Say whether this is a build of the site, where no kernel will answer."""
    return os.environ.get("LECOPT_SITE", "") == "1"


class Explorer(anywidget.AnyWidget):
    """A picture that the reader moves; made by `explore`, `guess` and their like.

    Every trait but `scene` is synced both ways, so `ipywidgets.link` and `observe` work on it.

    Parameters
    ----------
    scene
        What is shown; made once and never changed.
    start
        The point that the reader drags, (D,) numbers.
    hyper
        Slider values: ``{rule: {name: value}}`` in a race, ``{"": {name: value}}`` elsewhere.
    on
        The rules that take part in a race.
    code
        The rule that the code panel shows.
    step
        The step shown, from 0; in a quiz, the question shown.
    playing
        Whether the steps are running by themselves.
    budget
        How many gradient evaluations each rule may spend.
    answers
        In a quiz, the candidate chosen for each question, -1 for none.

    Raises
    ------
    TypeError
        If a keyword is not one of these.
    traitlets.TraitError
        If a value does not fit: a start of another shape, NaN, a negative eta.
    """

    _esm = STATIC / "widget.js"
    _css = STATIC / "lecopt-explorer.css"

    layout = traitlets.Instance(ipywidgets.Layout, allow_none=True).tag(
        sync=True, **ipywidgets.widget_serialization
    )
    scene = traitlets.Dict().tag(sync=True)
    start = traitlets.List(traitlets.Float()).tag(sync=True)
    hyper = traitlets.Dict().tag(sync=True)
    on = traitlets.List(traitlets.Unicode()).tag(sync=True)
    code = traitlets.Unicode("").tag(sync=True)
    step = traitlets.Int(0, min=0).tag(sync=True)
    playing = traitlets.Bool(False).tag(sync=True)
    budget = traitlets.Int(1, min=1, max=100_000).tag(sync=True)
    answers = traitlets.List(traitlets.Int(min=-1, max=3)).tag(sync=True)

    ACCEPTED = ("scene", "start", "hyper", "on", "code", "step", "playing", "budget", "answers")

    def __init__(
        self, scene: Mapping[str, Any], picture: Callable[[], str] | None = None, **traits: Any
    ) -> None:
        unknown = sorted(set(traits) - set(self.ACCEPTED))
        if unknown:
            raise TypeError(
                f"Explorer() got unknown keyword {', '.join(unknown)}; "
                f"accepted are {', '.join(self.ACCEPTED)}"
            )
        self._picture = picture
        super().__init__(scene=dict(scene), **traits)

    def open(self) -> None:
        """Open the channel to the browser; a page of the site has none."""
        if not on_site():
            super().open()

    @traitlets.default("layout")
    def _no_layout_on_site(self) -> ipywidgets.Layout | None:
        return None if on_site() else ipywidgets.Layout()

    @traitlets.validate("start")
    def _check_start(self, proposal: Any) -> list[float]:
        value = [float(x) for x in proposal["value"]]
        dim = self.scene.get("dim", len(value))
        if len(value) != dim:
            raise traitlets.TraitError(
                f"start has {len(value)} numbers; this explorer moves a point of {dim}: "
                f"give {dim} numbers"
            )
        if not np.isfinite(value).all():
            raise traitlets.TraitError(f"start is {value}; give finite numbers only")
        return value

    @traitlets.validate("hyper")
    def _check_hyper(self, proposal: Any) -> dict[str, dict[str, float]]:
        sliders = sliders_of(self.scene)
        value = proposal["value"]
        for rule, settings in value.items():
            if rule not in sliders:
                raise traitlets.TraitError(unknown("rule", rule, sliders))
            for name, number in settings.items():
                check_setting(rule, name, number, sliders[rule])
        return cast(dict[str, dict[str, float]], value)

    @traitlets.validate("on")
    def _check_on(self, proposal: Any) -> list[str]:
        for rule in proposal["value"]:
            self._check_rule(rule)
        return cast(list[str], proposal["value"])

    @traitlets.validate("code")
    def _check_code(self, proposal: Any) -> str:
        if proposal["value"]:
            self._check_rule(proposal["value"])
        return cast(str, proposal["value"])

    def _check_rule(self, rule: str) -> None:
        rules = [r["key"] for r in self.scene.get("rules", ())]
        if rule not in rules:
            raise traitlets.TraitError(unknown("rule", rule, rules))

    @property
    def alt(self) -> str:
        """What is to be seen, in words."""
        return str(self.scene.get("alt", ""))

    def __repr__(self) -> str:
        return f"<Explorer: {self.alt}>"

    def html(self) -> str:
        """Return the mount for a page without a kernel: scene, first state, still picture."""
        state = {name: getattr(self, name) for name in self.ACCEPTED[1:]}
        content = {"scene": self.scene, "state": state}
        packed = json.dumps(content, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
        packed = packed.replace("</", "<\\/")
        image = self._picture() if self._picture else ""
        figure = f'<img src="{image}" alt="{escape(self.alt)}">' if image else escape(self.alt)
        kind = self.scene["kind"]
        tall, phone = race_height(self.scene, self.code) if kind == "race" else TALL[kind]
        return (
            f'<div class="lecopt-explorer lecopt-mount" data-kind="{kind}" '
            f'style="--lec-tall:{tall}px;--lec-tall-phone:{phone}px">'
            f'<script type="application/json">{packed}</script>'
            f"<noscript>{figure}</noscript></div>"
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        if on_site():
            return {"text/html": self.html(), "text/plain": self.alt}
        return super()._repr_mimebundle_(**kwargs)


def race_height(scene: Mapping[str, Any], shown: str) -> tuple[int, int]:
    """Return about how tall a race is, on a page of the book and on a phone, in pixels.

    `shown` is the rule whose code is there.
    """
    rules, panels = scene["rules"], scene["panels"]
    folded = [sum(h["name"].startswith("eps") for h in r["hyper"]) for r in rules]
    rows = [len(r["hyper"]) + len(r.get("schedules", ())) for r in rules]
    cards = sum(56 + 26 * (m - n) + 20 * (n > 0) for m, n in zip(rows, folded, strict=True))
    rule = next(r for r in rules if r["key"] == shown)
    lines, states = len(rule["program"]["source"].splitlines()), len(rule["init"]["out"]) - 1
    values = 2 + states + len(rule["program"]["locals"])
    code = (90 + 20 * (lines + states), 85 + 19 * (lines + values)) if "code" in panels else (0, 0)
    loss, model = 200 * ("loss" in panels), 210 * ("model" in panels)
    table = 32 * ("table" in panels)
    few = len(rules) <= 2
    side = max(440, cards + loss * few)
    below = max(loss * (not few), model)
    wide = 40 + side + 50 + below + code[0] + table
    return int(wide), int(90 + 360 + 90 + cards + loss + model + code[1] + table)


def sliders_of(scene: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the scene's sliders by rule and name."""
    groups = {"": scene.get("sliders", [])} | {r["key"]: r["hyper"] for r in scene.get("rules", [])}
    return {rule: {h["name"]: h for h in hyper} for rule, hyper in groups.items()}


def check_setting(rule: str, name: str, number: Any, sliders: Mapping[str, Any]) -> None:
    """Check one hyper-parameter against the limits that the scene states.

    Raises
    ------
    traitlets.TraitError
        If the name is unknown, or the number is not finite or out of its limits.
    """
    label = f"{rule}.{name}" if rule else name
    if name not in sliders:
        raise traitlets.TraitError(unknown("hyper-parameter", label, sliders))
    if not isinstance(number, int | float) or not np.isfinite(number):
        raise traitlets.TraitError(f"{label} is {number!r}; give a finite number")
    low, high = sliders[name].get("limits", (None, None))
    if (low is not None and number < low) or (high is not None and number > high):
        upper = "" if high is None else f" and at most {high:g}"
        raise traitlets.TraitError(f"{label} is {number:g}; it must be at least {low:g}{upper}")


def unknown(what: str, name: str, known: Any) -> str:
    """Word the complaint about an unknown name."""
    return f"no {what} named {name!r} here; there are {', '.join(map(repr, known)) or 'none'}"
