"""The race on a plain page: it moves under the mouse and the keys, and its numbers are Python's."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawing import drawn
from playwright.sync_api import Page, expect

from lecopt import (
    Adam,
    Backtracking,
    Beale,
    GradientDescent,
    HalveWhenWorse,
    Momentum,
    Nesterov,
    Neuron,
    Quadratic,
    descend,
    exponential,
    sutskever,
    two_points,
)
from lecopt.explorer import Explorer, explore
from lecopt.explorer.words import number

J = Neuron(*two_points())
RULES = {
    "Gradient descent": GradientDescent(eta=1.0),
    "Momentum": Momentum(eta=1.0),
    "Nesterov": Nesterov(eta=1.0),
    "Adam": Adam(eta=0.1),
}
START = [-2.0, -2.0]
Visit = Callable[..., Any]


def race(**options: Any) -> Explorer:
    return explore(J, RULES, START, panels=("loss", "code", "model", "table"), **options)


def lines(page: Page) -> list[str]:
    """Return the paths of the rules that are on, as they are drawn."""
    drawn(page)
    found = page.locator('.lecopt-track:not([style*="none"]) .lecopt-whole')
    return [str(found.nth(i).get_attribute("d")) for i in range(found.count())]


def start_shown(page: Page) -> str:
    return str(page.locator(".lecopt-handle").get_attribute("aria-label"))


def start_point(page: Page) -> list[float]:
    """Return the start as the page says it."""
    drawn(page)
    numbers = re.findall(r"= (−?[\d.]+\d)", start_shown(page))
    return [float(n.replace("−", "-")) for n in numbers]


def step_shown(page: Page) -> int:
    drawn(page)
    return int(page.locator(".lecopt-scrub").input_value())


def go_to(page: Page, step: int) -> None:
    page.locator(".lecopt-scrub").fill(str(step))
    drawn(page)


def slider(page: Page, rule: str, name: str) -> Any:
    return page.get_by_role("slider", name=f"{rule}: {name}")


# --- start, sliders, keys ---


def test_dragging_the_start_changes_every_path(visit: Visit) -> None:
    opened = visit(race())
    page = opened.page
    before = lines(page)
    box = page.locator(".lecopt-handle").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y - 60, steps=4)
    during = lines(page)
    page.mouse.up()
    assert len(before) == 4
    assert all(a != b for a, b in zip(before, during, strict=True)), "live, not on release"
    assert "w = −2.00" not in start_shown(page)
    assert opened.complaints() == []


def test_a_click_on_the_map_places_the_start(visit: Visit) -> None:
    page = visit(race()).page
    box = page.locator(".lecopt-map .lecopt-frame").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    assert start_point(page) == pytest.approx([3.0, 3.0], abs=0.05)


def test_a_tap_places_the_start_and_a_swipe_scrolls(visit: Visit) -> None:
    page = visit(race(), width=360, has_touch=True).page
    box = page.locator(".lecopt-map .lecopt-frame").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    assert start_point(page) == pytest.approx([3.0, 3.0], abs=0.1)
    for part, expected in ((".lecopt-map > svg", "manipulation"), (".lecopt-handle", "none")):
        shown = page.locator(part).evaluate("e => getComputedStyle(e).touchAction")
        assert shown == expected


def test_a_finger_drags_the_start(visit: Visit) -> None:
    page = visit(race(), width=360, has_touch=True).page
    before = lines(page)
    box = page.locator(".lecopt-handle").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finger = page.context.new_cdp_session(page)
    for kind, dx in (("touchStart", 0), ("touchMove", 20), ("touchMove", 50), ("touchEnd", None)):
        points = [] if dx is None else [{"x": x + dx, "y": y}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert all(a != b for a, b in zip(before, lines(page), strict=True))
    assert start_point(page)[1] == pytest.approx(-2.0, abs=0.05)


def test_arrow_keys_move_the_start(visit: Visit) -> None:
    page = visit(race()).page
    before = lines(page)
    page.locator(".lecopt-handle").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert lines(page) != before
    assert "w = −1.80, b = −1.80" in start_shown(page)
    page.keyboard.press("Shift+ArrowLeft")
    drawn(page)
    assert "w = −1.82" in start_shown(page)


def test_a_slider_changes_its_own_rule_alone(visit: Visit) -> None:
    page = visit(race()).page
    before = lines(page)
    control = slider(page, "Momentum", "γ (gamma)")
    control.focus()
    page.keyboard.press("ArrowLeft")
    after = lines(page)
    assert [a != b for a, b in zip(before, after, strict=True)] == [False, True, False, False]
    assert control.get_attribute("aria-valuetext").startswith("γ = 0.8")


def test_a_typed_value_is_taken_exactly_and_a_wrong_one_refused(visit: Visit) -> None:
    page = visit(race()).page
    field = page.get_by_role("textbox", name="Momentum: η (eta), exact value")
    field.fill("0.37")
    field.press("Enter")
    drawn(page)
    path = descend(Momentum(eta=0.37), np.array(START), J, steps=400)
    card = page.locator('[data-rule="Momentum"] .lecopt-status')
    expect(card).to_have_text(f"L < 1e−5 at step {path.first_below(1e-5)}")
    field.fill("-1")
    field.press("Enter")
    assert field.get_attribute("aria-invalid") == "true"
    expect(card).to_have_text(f"L < 1e−5 at step {path.first_below(1e-5)}")


def test_the_keyboard_scrubs_plays_and_pauses(visit: Visit) -> None:
    page = visit(race()).page
    assert step_shown(page) == 400
    page.locator(".lecopt-code-body").focus()
    page.keyboard.press("Home")
    assert step_shown(page) == 0
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert step_shown(page) == 1
    page.keyboard.press("End")
    assert step_shown(page) == 400
    page.keyboard.press("Space")
    page.wait_for_function(
        "() => { const { value } = document.querySelector('.lecopt-scrub');"
        " return 3 < value && value < 400; }"
    )
    page.keyboard.press("Space")
    paused = step_shown(page)
    page.wait_for_timeout(200)
    assert 3 < paused < 400 and step_shown(page) == paused


def test_keys_do_not_leak_to_the_page(visit: Visit) -> None:
    page = visit(race()).page
    page.evaluate("document.addEventListener('keydown', () => (window.leaked = true))")
    for place in (".lecopt-handle", ".lecopt-scrub", ".lecopt-code-body", ".lecopt-range"):
        page.locator(place).first.focus()
        for key in ("ArrowRight", "Home", "x"):
            page.keyboard.press(key)
    assert page.evaluate("window.leaked") is None


def test_the_step_buttons_and_the_loss_curve_move_the_step(visit: Visit) -> None:
    page = visit(race()).page
    page.get_by_role("button", name="First step").click()
    page.get_by_role("button", name="One step forward").click()
    assert step_shown(page) == 1
    box = page.locator(".lecopt-loss svg").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 60)
    assert 150 < step_shown(page) < 230


# --- numbers ---


def test_each_rule_says_when_it_is_below_the_target(visit: Visit) -> None:
    page = visit(race()).page
    for name, rule in RULES.items():
        first = descend(rule, np.array(START), J, steps=400).first_below(1e-5)
        said = page.locator(f'[data-rule="{name}"] .lecopt-status')
        expect(said).to_have_text(f"L < 1e−5 at step {first}")


@pytest.mark.parametrize("name", RULES)
def test_the_code_panel_shows_pythons_numbers(visit: Visit, name: str) -> None:
    page = visit(race()).page
    page.get_by_label("Rule whose code is shown").select_option(name)
    go_to(page, 37)
    path = descend(RULES[name], np.array(START), J, steps=38)
    expected = {"theta": path.theta[37], "loss": [path.loss[38]]}
    for field in path.states._fields:
        expected[f"state.{field}"] = np.atleast_1d(getattr(path.states, field)[37])
        expected[field] = np.atleast_1d(getattr(path.states, field)[38])
    if name != "Nesterov":
        expected["g"] = J.grad(path.theta[37])
    for row, values in expected.items():
        cells = page.locator(f'.lecopt-value-row[data-name="{row}"]').first.locator(".lecopt-value")
        shown = [float(cells.nth(i).get_attribute("data-value")) for i in range(cells.count())]
        np.testing.assert_allclose(shown, values, rtol=1e-9, err_msg=row)
    after = page.locator('.lecopt-value-row[data-name="theta"]').last.locator(".lecopt-value")
    shown = [float(after.nth(i).get_attribute("data-value")) for i in range(2)]
    np.testing.assert_allclose(shown, path.theta[38], rtol=1e-9)


def test_a_schedule_and_a_search_run_and_say_what_they_do(visit: Visit) -> None:
    rules = {"Fading": Momentum(eta=1.0), "Search": Backtracking(), "Watching": Nesterov(eta=1.0)}
    schedules: dict[str, Any] = {
        "Fading": {"eta": exponential(1.0, 0.01)},
        "Watching": {"eta": HalveWhenWorse(20.0), "gamma": sutskever(0.9, every=20)},
    }
    opened = visit(explore(J, rules, START, schedules=schedules, budget=100, code="Search"))
    page = opened.page
    assert page.get_by_role("slider", name="Fading: η").count() == 0, "it has no slider"
    assert page.get_by_role("slider", name="Fading: γ").count() == 1
    paths = {
        name: descend(rule, START, J, 100, schedules=schedules.get(name))
        for name, rule in rules.items()
    }
    for step in (0, 7, 60, 100):
        go_to(page, step)
        for name, path in paths.items():
            text = page.locator(f'[data-rule="{name}"] .lecopt-card-loss').inner_text()
            said = float(text.removeprefix("L = ").replace("−", "-"))
            assert said == pytest.approx(path.loss[step], rel=6e-3), (name, step)
        eta = page.locator('[data-rule="Fading"] .lecopt-scheduled')
        expect(eta).to_have_text(number(np.exp(-0.01 * step)))
    looks = paths["Search"].loss_evals[-1]
    search = page.locator('.lecopt-card[data-rule="Search"] .lecopt-status')
    expect(search.first).to_contain_text(f"; {looks} losses looked at in all")
    go_to(page, 99)
    shown = page.locator('[data-name="eta"] .lecopt-value').first.get_attribute("data-value")
    assert float(str(shown)) == pytest.approx(paths["Search"].states.eta[100], rel=1e-9)
    assert opened.complaints() == []


def test_the_data_table_holds_the_path(visit: Visit) -> None:
    page = visit(race()).page
    page.get_by_text("Data table").click()
    drawn(page)
    path = descend(RULES["Momentum"], np.array(START), J, steps=100)
    row = page.locator(".lecopt-table tbody tr", has=page.locator("th", has_text="100")).first
    assert row.locator("td").nth(3).inner_text() == f"{path.theta[100][0]:.3f}".replace("-", "−")


def test_the_budget_is_shown_and_can_be_set(visit: Visit) -> None:
    page = visit(race()).page
    field = page.get_by_label("Gradient evaluations for each rule")
    assert field.input_value() == "400"
    field.fill("90")
    field.press("Enter")
    drawn(page)
    assert page.locator(".lecopt-step-label").inner_text() == "90 / 90"
    expect(page.locator('[data-rule="Adam"] .lecopt-status')).to_have_text("not < 1e−5 in 90 steps")


def test_divergence_is_drawn_and_said(visit: Visit) -> None:
    rules = {"Gradient descent": GradientDescent(eta=0.5), "Momentum": Momentum(eta=0.05)}
    page = visit(explore(Quadratic(1.0, 5.0), rules, (2.5, 1.0), budget=60)).page
    said = page.locator('[data-rule="Gradient descent"] .lecopt-status')
    expect(said).to_have_text("✕ diverges at step 33")
    crosses = page.locator(".lecopt-lost")
    assert [crosses.nth(i).get_attribute("visibility") for i in (0, 1)] == ["visible", "hidden"]


def test_a_rule_can_be_switched_off(visit: Visit) -> None:
    page = visit(race()).page
    page.get_by_role("checkbox", name="Momentum").uncheck()
    drawn(page)
    shown = page.locator(".lecopt-track")
    assert [shown.nth(i).is_visible() for i in range(4)] == [True, False, True, True]
    assert page.locator(".lecopt-loss-line").count() == 3


def test_arrows_add_up_to_the_update(visit: Visit) -> None:
    page = visit(race()).page
    page.get_by_label("Rule whose code is shown").select_option("Nesterov")
    go_to(page, 40)
    page.get_by_role("checkbox", name="arrows").check()
    drawn(page)
    heads = page.locator(".lecopt-arrow-head")
    tips = [str(heads.nth(i).get_attribute("transform")).split("rotate")[0] for i in range(3)]
    assert tips[1] == tips[2] != tips[0], "memory, then gradient, ends where the update ends"
    caption = page.locator(".lecopt-arrow-caption")
    expect(caption).to_contain_text("Nesterov, step 40")
    expect(caption).to_contain_text("taken at the look-ahead")


def test_the_summary_is_spoken_when_all_is_still(visit: Visit) -> None:
    page = visit(race()).page
    go_to(page, 12)
    spoken = page.locator("p[aria-live=polite]")
    expect(spoken).to_contain_text("step 12 of 400. Gradient descent: loss 0.41", timeout=3000)


# --- sharing, motion, places ---


def test_a_shared_link_brings_the_state_back(visit: Visit) -> None:
    page = visit(race()).page
    go_to(page, 25)
    slider(page, "Adam", "η (eta)").press("ArrowRight")
    page.get_by_role("checkbox", name="Momentum").uncheck()
    page.locator(".lecopt-handle").press("ArrowRight")
    expected = lines(page)
    page.get_by_role("button", name="Copy a link").click()
    fragment = "#" + page.url.split("#")[1]
    assert len(fragment) < 500
    other = visit(race(), fragment=fragment).page
    assert lines(other) == expected
    assert step_shown(other) == 25
    assert not other.get_by_role("checkbox", name="Momentum").is_checked()
    other.evaluate("location.hash = '#lecopt.race=k:77'")
    expect(other.locator(".lecopt-step-label")).to_have_text("77 / 400")


def test_reset_brings_the_beginning_back(visit: Visit) -> None:
    page = visit(race()).page
    before = lines(page)
    page.locator(".lecopt-handle").press("ArrowRight")
    go_to(page, 3)
    page.get_by_role("button", name="Back to the beginning").click()
    assert lines(page) == before and step_shown(page) == 400


def test_where_motion_is_unwelcome_it_jumps(visit: Visit) -> None:
    page = visit(race(), reduced_motion="reduce").page
    page.get_by_label("Speed").select_option("100")
    page.evaluate(
        """() => { window.seen = new Set(); const look = () => { window.seen.add(
        document.querySelector('.lecopt-scrub').value); requestAnimationFrame(look); }; look(); }"""
    )
    page.locator(".lecopt-primary").click()
    page.wait_for_timeout(1700)
    assert 2 <= page.evaluate("window.seen.size") <= 7


def test_it_works_from_a_file_opened_by_double_click(visit: Visit, folder: Path) -> None:
    opened = visit(race(), address=folder.as_uri() + "/")
    before = lines(opened.page)
    opened.page.locator(".lecopt-handle").press("ArrowRight")
    assert lines(opened.page) != before
    assert opened.complaints() == []


def test_two_on_a_page_do_not_mix(visit: Visit) -> None:
    two = visit(race(), explore(Beale(), [Adam()], (-2.0, 2.0), name="second"))
    before = lines(two.page)
    two.page.locator(".lecopt-handle").last.press("ArrowRight")
    after = lines(two.page)
    assert before[:4] == after[:4] and before[4] != after[4]
    assert two.complaints() == []


def test_a_slider_event_is_drawn_within_a_frame(visit: Visit) -> None:
    page = visit(race(budget=200)).page
    took = page.evaluate(
        """async () => {
          const range = document.querySelector('[data-rule="Momentum"] .lecopt-range');
          const times = [];
          for (let i = 0; i < 40; i++) {
            let drawing;
            const ask = window.requestAnimationFrame;
            window.requestAnimationFrame = (draw) => { drawing = draw; return 1; };
            const began = performance.now();
            range.value = String(200 + i);
            range.dispatchEvent(new Event('input', { bubbles: true }));
            drawing(began);
            document.body.getBoundingClientRect();  // styles and layout, too
            times.push(performance.now() - began);
            window.requestAnimationFrame = ask;
            await new Promise((done) => setTimeout(done, 5));
          }
          return times;
        }"""
    )
    assert statistics.median(took) <= 16, took
