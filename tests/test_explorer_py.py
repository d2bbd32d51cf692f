"""The explorer's Python side: scenes, traits, errors, the mount for the site, the built bundle."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import ipywidgets
import numpy as np
import pytest
import traitlets

from lecopt import (
    Adam,
    Backtracking,
    Beale,
    ExactLineSearch,
    GradientDescent,
    Momentum,
    Nesterov,
    Neuron,
    Quadratic,
    constant,
    descend,
    exponential,
    noisy_wave,
    two_points,
)
from lecopt.explorer import (
    Explorer,
    Question,
    Wrong,
    book_questions,
    contour_quiz,
    direction_dial,
    explore,
    fading_weights,
    guess,
    moving_average,
)
from lecopt.explorer.widget import STATIC
from lecopt.explorer.words import number
from lecopt.trace import TraceError

NEURON = Neuron(*two_points())
RULES = {
    "Gradient descent": GradientDescent(eta=1.0),
    "Momentum": Momentum(eta=1.0),
    "Nesterov": Nesterov(eta=1.0),
    "Adam": Adam(eta=0.1),
}
SCENES: dict[str, Callable[[], Explorer]] = {
    "race": lambda: explore(NEURON, RULES, panels=("loss", "code", "model", "table")),
    "guess": lambda: guess(NEURON),
    "dial": lambda: direction_dial(NEURON, (-1.0, 1.0)),
    "quiz": contour_quiz,
    "weights": fading_weights,
    "average": lambda: moving_average(noisy_wave()[1]),
}
every_scene = pytest.mark.parametrize("kind", SCENES)


class Memory(NamedTuple):
    before: Any


@dataclass(frozen=True)
class HeavyBall:
    """A student's rule: no metadata, and a state that begins as theta."""

    rate: float = 0.5
    keep: float = 0.9

    def init(self, theta: Any) -> Memory:
        return Memory(theta)

    def step(
        self,
        theta: Any,
        state: Memory,
        J: Any,
    ) -> tuple[Any, Memory]:
        new = theta - self.rate * J.grad(theta) + self.keep * (theta - state.before)
        return new, Memory(theta)


@dataclass(frozen=True)
class Undecided:
    """A student's rule with a branch on a value."""

    eta: float = 0.1

    def init(self, theta: Any) -> Memory:
        return Memory(theta)

    def step(self, theta: Any, state: Memory, J: Any) -> tuple[Any, Memory]:
        g = J.grad(theta)
        if g[0] > 0:
            g = 2 * g
        return theta - self.eta * g, state


# --- scenes ---


@every_scene
def test_scenes_are_small_and_plain(kind: str) -> None:
    widget = SCENES[kind]()
    assert widget.scene["kind"] == kind
    packed = json.dumps(widget.scene, separators=(",", ":"), allow_nan=False)
    assert len(packed.encode()) <= 30_000
    assert len(widget.alt) > 60


def test_alt_text_says_who_arrives_when() -> None:
    alt = explore(NEURON, RULES).alt
    for name, step in (
        ("Gradient descent", 380),
        ("Momentum", 164),
        ("Nesterov", 100),
        ("Adam", 124),
    ):
        assert f"{name} brings the loss below 1e−5 at step {step}" in alt


def test_alt_text_says_who_diverges() -> None:
    alt = explore(Quadratic(1.0, 10.0), [GradientDescent(eta=0.5)], (1.0, 1.0)).alt
    assert re.search(r"Gradient descent diverges at step \d+", alt)


def test_a_list_of_rules_is_named_after_its_classes() -> None:
    widget = explore(NEURON, [GradientDescent(), Momentum()])
    assert [r["key"] for r in widget.scene["rules"]] == ["Gradient descent", "Momentum"]


def test_a_students_rule_needs_no_metadata() -> None:
    widget = explore(NEURON, {"mine": HeavyBall()})
    (rule,) = widget.scene["rules"]
    assert rule["init"]["out"] == {"theta": 0, "state.before": 0}
    rate = rule["hyper"][0]
    assert rate["name"] == "rate" and rate["range"][0] < 0.5 < rate["range"][1]
    assert "def step(self, theta, state, J):" in rule["program"]["source"]


def test_a_number_on_a_schedule_has_no_slider() -> None:
    schedules = {"Momentum": {"eta": exponential(1.0, 0.001)}}
    widget = explore(NEURON, RULES, schedules=schedules)
    rules = {rule["key"]: rule for rule in widget.scene["rules"]}
    assert [h["name"] for h in rules["Momentum"]["hyper"]] == ["gamma"]
    (scheduled,) = rules["Momentum"]["schedules"]
    assert (scheduled["name"], scheduled["symbol"], scheduled["value"]) == ("eta", "η", 1.0)
    assert "schedules" not in rules["Adam"] and widget.hyper["Momentum"] == {"gamma": 0.9}
    path = descend(Momentum(1.0), [-2, -2], NEURON, 400, schedules=schedules["Momentum"])
    first = path.first_below(1e-5)
    assert f"Momentum brings the loss below 1e−5 at step {first}" in widget.alt and first != 164


def test_rules_that_ask_for_several_gradients_take_fewer_steps() -> None:
    J = Quadratic(1.0, 8.0)
    alt = explore(J, [ExactLineSearch()], (1.0, 1.0), budget=30, target=1e-30).alt
    path = descend(ExactLineSearch(), [1.0, 1.0], J, 10)
    assert f"still has a loss of {number(float(path.loss[10]))}" in alt


def test_what_no_slider_moves_is_not_offered() -> None:
    (rule,) = explore(NEURON, [Backtracking()]).scene["rules"]
    assert [h["name"] for h in rule["hyper"]] == ["eta", "down", "c"], "and not tries"


def test_an_untraceable_rule_names_the_line_and_the_remedy() -> None:
    with pytest.raises(TraceError, match=r"(?s)in step: if g\[0\] > 0.*np\.where"):
        explore(NEURON, {"mine": Undecided()})


@pytest.mark.parametrize("made", [Adam(), HeavyBall()], ids=["Adam", "HeavyBall"])
def test_locals_point_at_the_lines_that_set_them(made: Any) -> None:
    (rule,) = explore(NEURON, [made]).scene["rules"]
    lines = rule["program"]["source"].splitlines()
    for name, _, line in rule["program"]["locals"]:
        assert lines[line].strip().startswith(f"{name} =")


def test_quiz_questions_have_four_surfaces_with_reasons() -> None:
    scene = contour_quiz().scene
    assert len(scene["questions"]) >= 6
    for question in scene["questions"]:
        assert len(question["surfaces"]) == 4
        assert all(len(s["why"]) > 15 for s in question["surfaces"])
        programs = [json.dumps(s["loss"]) for s in question["surfaces"]]
        assert len(set(programs)) == 4
    assert len({q["right"] for q in scene["questions"]}) == 4


@pytest.mark.parametrize("question", book_questions(), ids=lambda q: q.why[:30])
def test_no_wrong_surface_has_the_map_of_the_right_one(question: Question) -> None:
    grid = np.stack(np.meshgrid(*(np.linspace(*side, 41) for side in question.window)))

    def shape(J: Any) -> np.ndarray:
        loss = J(grid)
        return (loss - loss.min()) / np.ptp(loss)

    for wrong in question.wrong:
        assert np.abs(shape(wrong.J) - shape(question.J)).max() > 0.2


# --- traits ---


def test_unknown_keywords_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"unknown keyword stpe; accepted are scene, start"):
        Explorer({"kind": "race"}, stpe=3)
    with pytest.raises(TypeError, match="budgte"):
        explore(NEURON, RULES, budgte=3)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("trait", "value", "message"),
    [
        ("start", [1.0], r"start has 1 numbers; .* give 2 numbers"),
        ("start", [1.0, float("nan")], "give finite numbers"),
        ("hyper", {"Momentum": {"eta": -1.0}}, r"Momentum\.eta is -1; it must be at least 0"),
        ("hyper", {"Momentum": {"gamma": 1.5}}, r"at least 0 and at most 1"),
        ("hyper", {"Momentum": {"eta": float("nan")}}, "give a finite number"),
        ("hyper", {"Momentum": {"rho": 1.0}}, r"no hyper-parameter named 'Momentum\.rho'"),
        ("hyper", {"SGD": {"eta": 1.0}}, r"no rule named 'SGD' here; there are '', 'Gradient"),
        ("on", ["Momentun"], "no rule named 'Momentun'"),
        ("code", "Momentun", "no rule named 'Momentun'"),
        ("step", -1, "step"),
        ("budget", 0, "budget"),
    ],
)
def test_bad_values_are_refused(trait: str, value: Any, message: str) -> None:
    widget = explore(NEURON, RULES)
    before = getattr(widget, trait)
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(widget, trait, value)
    assert getattr(widget, trait) == before


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: explore(NEURON, RULES, (1.0,)), ValueError, r"start has shape \(1,\); expected"),
        (lambda: explore(NEURON, RULES, (1.0, np.nan)), ValueError, "must be finite"),
        (lambda: explore(NEURON, {}), ValueError, "no rules to race"),
        (lambda: explore(NEURON, [Momentum]), TypeError, r"class Momentum; make one"),
        (lambda: explore(NEURON, [3]), TypeError, r"a rule needs init\(theta\) and step"),
        (lambda: explore(NEURON, [Momentum(), Momentum()]), ValueError, "give them names"),
        (lambda: explore(NEURON, RULES, budget=0), ValueError, "budget is 0; give a whole"),
        (lambda: explore(NEURON, RULES, on=["x"]), ValueError, "on: no 'x' here"),
        (lambda: explore(NEURON, RULES, panels=["3d"]), ValueError, "panels: no '3d' here"),
        (
            lambda: explore(NEURON, RULES, schedules={"Inertia": {}}),
            ValueError,
            "schedules: no 'Inertia' here; there are 'Gradient descent'",
        ),
        (
            lambda: explore(NEURON, RULES, schedules={"Momentum": {"beta": constant(0.1)}}),
            ValueError,
            "schedules of Momentum: no 'beta' here; there are 'eta', 'gamma'",
        ),
        (
            lambda: explore(NEURON, RULES, schedules={"Momentum": {"eta": 0.1}}),
            TypeError,
            r"the schedule is 0.1; expected a function of t",
        ),
        (
            lambda: explore(
                NEURON, RULES, schedules={"Momentum": {"eta": lambda t: 1 if t else 2}}
            ),
            TraceError,
            r"(?s)a decision .* np\.where",
        ),
        (lambda: explore(NEURON, RULES, window=((1, 0), (0, 1))), ValueError, "low below high"),
        (lambda: explore(Beale(), RULES, panels=["model"]), ValueError, "no curve to draw"),
        (lambda: guess(Beale()), ValueError, "Beale has no curve"),
        (lambda: direction_dial(NEURON, eta=-1.0), ValueError, "positive, finite step length"),
        (lambda: moving_average([1.0, np.nan]), ValueError, "finite numbers"),
        (lambda: moving_average([1.0, 2.0], beta=1.0), ValueError, "below 1"),
        (lambda: fading_weights(gamma=-0.5), ValueError, "gamma"),
        (lambda: contour_quiz([]), ValueError, "no questions"),
        (lambda: Question(Beale(), "", (Wrong(Beale(), ""),)), ValueError, "give 3"),
        (
            lambda: explore(Neuron(np.ones((3, 4)), np.full(3, 0.5)), RULES),
            ValueError,
            "has 5 parameters, w1 to b; a map needs 2",
        ),
    ],
)
def test_bad_arguments_are_refused(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


def test_traits_can_be_linked_and_observed() -> None:
    one, other = explore(NEURON, RULES), explore(NEURON, RULES)
    heard: list[int] = []
    one.observe(lambda change: heard.append(change["new"]), "step")
    link = ipywidgets.link((one, "step"), (other, "step"))
    other.step = 17
    link.unlink()
    assert one.step == 17 and heard == [17]


# --- the mount for the site ---


@pytest.fixture
def site_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECOPT_SITE", "1")


@pytest.mark.usefixtures("site_build")
@every_scene
def test_the_mount_is_whole_small_and_always_the_same(kind: str) -> None:
    bundle = SCENES[kind]()._repr_mimebundle_()
    html = bundle["text/html"]
    assert html == SCENES[kind]()._repr_mimebundle_()["text/html"]
    content = re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    assert content
    unpacked = json.loads(content.group(1))
    assert unpacked["scene"]["kind"] == kind
    assert set(unpacked["state"]) == set(Explorer.ACCEPTED) - {"scene"}
    picture = re.search(r'<noscript><img src="data:image/png;base64,([^"]+)" alt="([^"]+)">', html)
    assert picture
    assert len(base64.b64decode(picture.group(1))) <= 20_000
    assert unescape(picture.group(2)) == unpacked["scene"]["alt"] == bundle["text/plain"]
    assert "--lec-tall:" in html and "http" not in html


@pytest.mark.usefixtures("site_build")
def test_a_site_page_holds_no_widget() -> None:
    widget = explore(NEURON, RULES)
    assert widget.comm is None
    assert list(widget._repr_mimebundle_()) == ["text/html", "text/plain"]


@pytest.mark.usefixtures("site_build")
def test_names_cannot_break_out_of_the_mount() -> None:
    name = "</script><b>"
    html = explore(NEURON, {name: Momentum()}).html()
    assert html.count("</script>") == 1 and "<b>" not in html.split("</script>")[1]


def test_its_text_is_the_same_each_time() -> None:
    assert repr(fading_weights()) == repr(fading_weights())
    assert repr(fading_weights()).startswith("<Explorer: Bars that shrink")


def test_elsewhere_it_is_a_widget() -> None:
    data, _ = explore(NEURON, RULES)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data


# --- the bundle ---


def test_the_committed_bundle_is_what_the_sources_build(root: Path, tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node and (root / "js/node_modules").is_dir(), "run `npm ci` in js/ first"
    subprocess.run([node, root / "js/build.mjs", tmp_path], check=True)
    built = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    committed = {file.name: file.read_bytes() for file in STATIC.iterdir()}
    assert built.keys() == committed.keys()
    different = [name for name in built if built[name] != committed[name]]
    assert not different, "run `npm run build` in js/ and commit lecopt/explorer/static"


def test_the_bundle_is_within_its_budget() -> None:
    sizes = {f.name: len(gzip.compress(f.read_bytes(), 9)) for f in STATIC.iterdir()}
    assert set(sizes) == {"widget.js", "lecopt-explorer.js", "lecopt-explorer.css"}
    assert sum(sizes.values()) <= 100_000, sizes


def test_the_bundle_calls_nobody() -> None:
    for file in STATIC.iterdir():
        addresses = set(re.findall(r"https?://[^\"'`)\s]+", file.read_text("utf-8")))
        assert all(a.startswith("http://www.w3.org/") for a in addresses), addresses


def test_every_class_is_prefixed() -> None:
    css = (STATIC / "lecopt-explorer.css").read_text("utf-8")
    selectors = re.sub(r"\{[^{}]*\}", " ", css)
    names = set(re.findall(r"\.([A-Za-z][\w-]*)", selectors))
    theirs = {"bd-content", "cell_output", "text_html", "dataframe", "domain"}
    assert {n for n in names if not n.startswith("lecopt-")} <= theirs


def test_the_lock_names_no_registry(root: Path) -> None:
    lock = json.loads((root / "js/package-lock.json").read_text("utf-8"))
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
