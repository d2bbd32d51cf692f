"""All scenes on a plain page: they mount in silence, fit a phone, and compute what Python does."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from drawing import drawn
from playwright.sync_api import expect

from lecopt import Adam, GradientDescent, Momentum, Nesterov, Neuron, noisy_wave, two_points
from lecopt.explorer import (
    Explorer,
    contour_quiz,
    direction_dial,
    explore,
    fading_weights,
    guess,
    moving_average,
)

J = Neuron(*two_points())
RULES = [GradientDescent(eta=1.0), Momentum(eta=1.0), Nesterov(eta=1.0), Adam(eta=0.1)]
VALUES = noisy_wave()[1]
SCENES: dict[str, Callable[[], Explorer]] = {
    "race": lambda: explore(J, RULES, panels=("loss", "code", "model", "table")),
    "guess": lambda: guess(J),
    "dial": lambda: direction_dial(J, (-1.0, 1.0)),
    "quiz": contour_quiz,
    "weights": fading_weights,
    "average": lambda: moving_average(VALUES),
}
Visit = Callable[..., Any]


def all_scenes() -> list[Explorer]:
    return [make() for make in SCENES.values()]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_they_mount_in_silence_and_fit(visit: Visit, theme: str, width: int) -> None:
    opened = visit(*all_scenes(), theme=theme, width=width)
    assert opened.complaints() == []
    assert opened.page.locator(".lecopt-mount").count() == len(SCENES)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_they_break_no_accessibility_rule(visit: Visit, theme: str) -> None:
    page = visit(*all_scenes(), theme=theme, width=760).page
    for more in page.locator("summary").all():
        more.click()
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()


@pytest.mark.parametrize("width", [360, 704])
def test_their_place_is_kept_while_they_load(visit: Visit, width: int) -> None:
    page = visit(*all_scenes(), width=width).page
    for kind, mount in zip(SCENES, page.locator(".lecopt-mount").all(), strict=True):
        kept = float(mount.evaluate("e => parseFloat(getComputedStyle(e).minHeight)"))
        mount.evaluate("e => { e.style.minHeight = '0px'; }")
        assert kept == pytest.approx(mount.bounding_box()["height"], rel=0.06), kind


def test_without_javascript_there_are_pictures(visit: Visit) -> None:
    widgets = all_scenes()
    page = visit(*widgets, java_script_enabled=False).page
    for widget in widgets:
        image = page.get_by_role("img", name=widget.alt)
        assert image.is_visible() and image.bounding_box()["width"] > 200


def test_a_guess_is_weighed(visit: Visit) -> None:
    page = visit(guess(J)).page
    loss = page.locator(".lecopt-big")
    assert float(loss.get_attribute("data-value")) == pytest.approx(float(J(np.array([0.5, 0.0]))))
    curve = page.locator(".lecopt-model-line").get_attribute("d")
    for name, value in (("w", "1.42"), ("b", "-1.73")):
        field = page.get_by_role("textbox", name=f"{name}, exact value")
        field.fill(value)
        field.press("Enter")
    page.wait_for_timeout(800)
    expected = float(J(np.array([1.42, -1.73])))
    assert float(loss.get_attribute("data-value")) == pytest.approx(expected)
    assert page.locator(".lecopt-model-line").get_attribute("d") != curve
    expect(page.locator(".lecopt-desk")).to_contain_text(
        f"{expected:.2e}"[:3] if expected < 1e-3 else f"{expected:.3g}"
    )
    page.get_by_text("Your guesses").click()
    assert page.locator(".lecopt-guesses li").count() == 2


def test_the_dial_predicts_and_weighs(visit: Visit) -> None:
    at, eta = np.array([-1.0, 1.0]), 0.5
    page = visit(direction_dial(J, at, eta=eta, angle=60)).page
    knob = page.locator(".lecopt-knob")
    g = J.grad(at)
    for key, angle in (("", 60), ("Home", 180), ("ArrowLeft", 185)):
        if key:
            knob.press(key)
        drawn(page)
        phi = math.atan2(g[1], g[0]) + math.radians(angle)
        u = np.array([math.cos(phi), math.sin(phi)])
        shown = [
            float(r.get_attribute("data-value")) for r in page.locator(".lecopt-reading").all()
        ]
        assert shown == pytest.approx([eta * u @ g, J(at + eta * u) - J(at)], rel=1e-9)
    box = knob.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 20, box["y"] + 90, steps=3)
    page.mouse.up()
    drawn(page)
    assert "185°" not in knob.get_attribute("aria-label")


def test_the_quiz_explains_every_choice(visit: Visit) -> None:
    widget = contour_quiz()
    page = visit(widget).page
    feedback = page.locator(".lecopt-feedback")
    for question in widget.scene["questions"]:
        order = [i for i in range(4) if i != question["right"]] + [question["right"]]
        for i in order:
            page.locator(".lecopt-choice").nth(i).click()
            expect(feedback).to_contain_text(question["surfaces"][i]["why"])
            verdict = "is right" if i == question["right"] else "is not it"
            expect(feedback).to_contain_text(f"{'ABCD'[i]} {verdict}")
        page.keyboard.press("ArrowRight")
        drawn(page)
    count = len(widget.scene["questions"])
    expect(page.locator(".lecopt-bar")).to_contain_text(f"{count} of {count} right")


def test_the_quiz_can_be_done_by_keys(visit: Visit) -> None:
    widget = contour_quiz()
    page = visit(widget).page
    page.locator(".lecopt-choice").first.focus()
    for question in widget.scene["questions"][:3]:
        page.keyboard.press("abcd"[question["right"]])
        drawn(page)
        expect(page.locator(".lecopt-feedback")).to_contain_text("is right")
        page.locator(".lecopt-choice").first.focus()
        page.keyboard.press("ArrowRight")
        drawn(page)
    expect(page.locator(".lecopt-bar")).to_contain_text("3 of 8 right")


def test_weights_fade_by_gamma(visit: Visit) -> None:
    page = visit(fading_weights(0.9)).page
    shown = page.locator(".lecopt-desk [data-values]")
    weights = json.loads(shown.get_attribute("data-values"))
    np.testing.assert_allclose(weights, 0.9 ** np.arange(40), rtol=1e-12)
    before = page.locator(".lecopt-bars").get_attribute("d")
    page.get_by_role("slider", name="γ (gamma)").press("ArrowRight")
    drawn(page)
    assert page.locator(".lecopt-bars").get_attribute("d") != before
    expect(page.locator(".lecopt-desk")).to_contain_text("1/(1 − γ) = 1")


def test_the_average_is_pulled_to_its_zero_start(visit: Visit) -> None:
    page = visit(moving_average(VALUES, 0.9)).page
    line = page.locator(".lecopt-real[data-values]")
    shown = json.loads(line.get_attribute("data-values"))
    m = 0.0
    for value, average in zip(VALUES, shown, strict=True):
        m = 0.9 * m + 0.1 * float(f"{value:.4g}")
        assert average == pytest.approx(m, rel=1e-9)
    corrected = page.locator(".lecopt-model-line.lecopt-predicted")
    assert corrected.get_attribute("d")
    page.get_by_role("checkbox", name="bias corrected").uncheck()
    drawn(page)
    assert corrected.get_attribute("d") == ""
