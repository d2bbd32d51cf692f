"""What students write in NumPy means the same in Python, on the tape, and on the page."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsnode import Ask, numbers, same_path
from strategies import OBJECTIVES

from lecopt import descend, first_that
from lecopt.explorer.parts import program_part, rule_part
from lecopt.tape import Tape
from lecopt.tape.recording import call
from lecopt.trace import trace_objective

# {} is an expression of one of the shapes below; a and b have shape (3,), m (2, 3), s ().
VECTOR = [
    "{v} ** 3", "(1.5 + np.abs({v})) ** -0.5", "{v} ** 2.0", "np.square({v})", "np.cbrt({v})",
    "np.hypot({v}, {v})", "np.arctan({v})", "np.arctan2({v}, {v})", "np.sinh({v})",
    "np.cosh({v})", "np.tanh({v})", "np.tan({v} / 4)", "np.arcsin(np.tanh({v}) / 2)",
    "np.arccos(np.tanh({v}) / 2)", "np.arcsinh({v})", "np.arccosh(1 + np.abs({v}))",
    "np.arctanh(np.tanh({v}) / 2)", "np.exp2({v})", "np.log10(1 + np.abs({v}))", "np.sinc({v})",
    "np.exp({v})", "np.log1p(np.abs({v}))", "np.sqrt(np.abs({v}))", "np.reciprocal(4 + {v})",
    "np.trunc({v} * 3)", "np.rint({v} * 2)", "np.round({v}, 2)", "np.floor({v})", "np.ceil({v})",
    "np.degrees({v})", "np.radians({v})", "{v} % 0.75", "{v} // 0.75", "np.mod({v}, -0.75)",
    "np.fmod({v}, 0.75)", "divmod({v}, 0.75)[0]", "{v} % (np.abs({v}) + 0.5)", "-{v}", "+{v}",
    "abs({v})", "np.fmax({v}, {v})", "np.fmin({v}, {v})", "np.logaddexp({v}, {v})",
    "np.copysign({v}, {v})", "np.maximum({v}, {s})", "np.minimum({s}, {v})",
    "np.heaviside({v}, 0.5)", "np.clip({v}, -1, 1)", "np.clip({v}, {v} - 1, {s})", "{v}.clip(0)",
    "np.clip({v}, min=0)", "np.nan_to_num({v} * np.nan)", "np.nan_to_num({v} - np.inf, neginf=-9)",
    "np.where({v} > {v}, {v}, {s})", "np.select([{v} < -1, {v} < 1], [{v}, {s}], {v})",
    "np.where(({v} > 0) & ({v} < 1), {v}, {v})", "np.where(({v} > 0) | ~({v} < 1), {v}, 0)",
    "np.where(({v} > 0) ^ ({v} > {s}), {v}, 0)", "1.0 * ((0 < {v}) * ({v} < 1))",
    "1.0 * (({v} > 0) + ({v} < 1))", "({v} > 0).astype(float)", "({v} * 3).astype(int) * {v}",
    "({v} > 0) * {v}", "np.isnan({v} * np.nan) * {v}", "np.isfinite({v} / 0.0) + {v}",
    "np.isinf({v} / 0.0) + {v}", "np.logical_not({v} > 0) * 1.0",
    "np.zeros_like({v}) + {v}", "np.ones_like({v}) * {s}", "np.full_like({v}, 2.5) * {v}",
    "np.zeros({v}.shape) - {v}", "np.zeros(len({v})) + {v}", "np.empty_like({v}) * 0 + {v}",
    "np.full_like({v}, {s})", "np.broadcast_to({s}, (3,)) * {v}",
    "np.cumsum({v})", "np.cumprod({v})", "{v}.cumsum()", "np.roll({v}, 1)", "np.roll({v}, -2)",
    "np.flip({v})", "{v}[::-1]", "np.append(np.diff({v}), {s})", "np.append({s}, {v}[1:])",
    "np.hstack([{s}, {v}[:2]])", "np.concatenate([{v}[1:], {v}[:1]])",
    "np.array([{s}, {v}[0], 2.0])", "np.array({v})", "np.asarray({v})", "np.stack([{s}, 1.0, {s}])",
    "np.array([[{s}, 1.0, {s}], {v}])[1]", "np.vstack([{v}, {v}])[1]", "{v}.copy()",
    "np.copy({v})", "{v}.reshape(3, 1)[:, 0]", "np.reshape({v}, (1, -1))[0]",
    "np.expand_dims({v}, 0)[0]", "np.squeeze({v}[None, :, None])", "np.atleast_1d({v})",
    "np.einsum('i,i->i', {v}, {v})", "{v} * np.array([True, False, True])",
    "{m} @ np.array([1.0, -1.0, 0.5]) @ {m}", "{m}.sum(axis=0)", "{m}.mean(axis=0)",
    "np.sum({m}, axis=0, keepdims=True)[0]", "{m}.max(axis=0)", "np.prod({m}, axis=0)",
    "np.std({m}, axis=0)", "np.var({m}, 0, ddof=1)", "np.linalg.norm({m}, axis=0)",
    "np.any({m} > 0.5, axis=0) * {v}", "np.all({m} < 0.5, 0) * {v}", "{m}[np.argmax({m}[:, 0])]",
    "np.argmax({m}, axis=0) * {v}", "np.argmin({m}, axis=0) * {v}", "{m}.T[:, 1]",
    "np.average({m}, axis=0)", "np.ptp({m}, axis=0)", "np.count_nonzero({m} > 0, axis=0) * 1.0",
    "{m}[-1]", "{m}[1, ::-1]", "{m}[..., 0, :]", "{v}[[2, 0, 1]]", "{v}[np.array([1, 1, 0])]",
    "{m}.ravel()[1:4]", "{m}.flatten()[::2]", "np.ravel({m})[-3:]", "np.dot({m}.T, {m})[0]",
    "({m}.T @ {m}) @ {v}", "np.inner({v}, np.eye(3))",
    "np.outer({v}, {v})[1]", "np.swapaxes({m}, 0, 1)[:, 0]", "np.moveaxis({m}, 0, -1)[:, 1]",
    "np.transpose({m})[:, 0]", "{m}.transpose()[:, 0]", "np.einsum('ij,j->i', {m}.T @ {m}, {v})",
    "np.einsum('ij,ij->j', {m}, {m})", "np.einsum('ji,jk', {m}, {m})[0]", "sum([{v}, {v}])",
    "np.exp({v} - np.max({v})) / np.sum(np.exp({v} - np.max({v})))",
]  # fmt: skip
MATRIX = [
    "np.vstack([{v}, {v}])", "np.array([{v}, {v}])", "np.stack([{v}, {v}])", "{m} * {v}",
    "np.column_stack([{v}, {v}]).T", "np.outer({v}[:2], {v})", "{v}[:2, None] * {v}",
    "np.concatenate([{m}[:1], {m}[1:]])", "np.concatenate([{m}[:, 1:], {m}[:, :1]], axis=1)",
    "np.roll({m}, 1, axis=1)", "np.flip({m}, axis=0)", "np.fliplr({m})", "np.flipud({m})",
    "np.cumsum({m}, axis=1)", "np.diff(np.vstack([{m}, {v}]), axis=0)", "{m}.reshape(3, 2).T",
    "np.reshape({m}.T, (2, 3))", "{m} - np.mean({m}, axis=1, keepdims=True)", "np.eye(2) @ {m}",
    "{m} / np.linalg.norm({m} + 3)", "np.hstack([{m}[:, :2], {m}[:, 2:]])", "np.roll({m}, 2)",
    "np.where({m} > 0, {m}, {v})", "np.append({m}[:1], {m}[:1], axis=0)", "{m}.mT.T",
]  # fmt: skip
SCALAR = [
    "np.sum({v})", "{v}.mean()", "np.prod({v})", "np.max({v})", "{v}.min()", "np.var({v})",
    "np.std({v}, ddof=1)", "np.linalg.norm({v})", "np.linalg.norm({v}, 1)",
    "np.linalg.norm({v}, np.inf)", "np.linalg.norm({m})", "np.dot({v}, {v})", "{v} @ {v}",
    "np.inner({v}, {v})", "np.vdot({m}, {m})", "np.einsum('i,i', {v}, {v})", "{v}[-1]",
    "np.einsum('ij,ij', {m}, {m})", "np.sum({m}, axis=(0, 1))", "np.max({m}, axis=(1, 0))",
    "np.mean({m}, axis=(0, 1))", "{v}[np.argmax(np.abs({v}))]", "1.0 * np.any({v} > 1)",
    "1.0 * np.all({v} > -1)", "1.0 * np.argmin({v})", "1.0 * np.argmax({m})", "{m}[1, 2]",
    "np.average({v}, weights=np.array([1, 2, 3]))", "np.ptp({v})", "np.count_nonzero({v} > 0)",
    "np.sum({v} > 0)", "np.mean({v} > 0)", "np.sum(({v} > 0) & ({v} < 1))", "{v}.dot({v})",
    "np.sum({v}, keepdims=True)[0]", "np.log(np.sum(np.exp({v})))", "round({s}, 1)", "{s} // 0.3",
]  # fmt: skip


EDGES = ["np.nan_to_num({v} / 0.0)", "np.nan_to_num(-np.abs({v}) / 0.0)"]  # the largest floats
TEMPLATES = {"v": VECTOR, "m": MATRIX, "s": SCALAR}
LEAVES = {"v": ["a", "b"], "m": ["m"], "s": ["s", "a[0]", "1.5"]}


@st.composite
def expressions(draw: st.DrawFn, kind: str, depth: int = 3) -> str:
    """Draw the text of an expression; half of what a function is given are plain inputs."""
    if depth == 0 or (depth < 3 and draw(st.booleans())):
        return draw(st.sampled_from(LEAVES[kind]))
    text = draw(st.sampled_from(TEMPLATES[kind]))
    for part in re.findall(r"\{([vms])\}", text):
        text = text.replace(f"{{{part}}}", f"({draw(expressions(part, depth - 1))})", 1)
    return text


def agree(node: Ask, text: str, values: dict[str, np.ndarray], alike: float = 0.0) -> None:
    """Compare an expression in NumPy with its program on the page."""
    tape = Tape()
    code = eval(f"lambda a, b, m, s: {text}", {"np": np})
    with np.errstate(all="ignore"):
        try:
            expected = np.asarray(code(**plain(values)), dtype=float)
            near = [np.asarray(code(**plain(values, e)), dtype=float) for e in (3e-15, -2e-15)]
        except (IndexError, TypeError, ValueError):
            return  # NumPy refuses it too
    traced, _ = call(tape, code, *(tape.input(name, v) for name, v in plain(values).items()))
    program = program_part({"nodes": tape.nodes, "out": {"value": tape.symbol(traced).index}})
    steady = all(np.allclose(n, expected, rtol=1e-11, atol=1e-12, equal_nan=True) for n in near)
    if not steady and alike:
        return  # where a change in the last bits changes much, round-off decides
    answer = node("value", program=program, inputs={k: v.tolist() for k, v in values.items()})
    assert answer["shape"] == list(expected.shape), text
    got = numbers(answer["value"]).reshape(expected.shape)
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-10, err_msg=text)


def plain(values: dict[str, np.ndarray], by: float = 0.0) -> dict[str, Any]:
    """Return the values as NumPy has them, a scalar as a number, all changed a little."""
    moved = {name: value * (1 + by) for name, value in values.items()}
    return {name: v if v.ndim else np.float64(v) for name, v in moved.items()}


def drawn_values(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {"a": (3,), "b": (3,), "m": (2, 3), "s": ()}
    return {name: np.asarray(rng.uniform(-2, 2, shape)) for name, shape in shapes.items()}


@pytest.mark.parametrize("template", [*VECTOR, *MATRIX, *SCALAR, *EDGES])
def test_each_function_means_the_same_on_the_page(node: Ask, template: str) -> None:
    text = template
    for kind, names in {"v": "abab", "m": "mm", "s": "sss"}.items():
        for name in names:
            text = text.replace(f"{{{kind}}}", name, 1)
    for seed in range(3):
        agree(node, text, drawn_values(seed))


@settings(deadline=None, max_examples=200)
@given(st.sampled_from("vms").flatmap(expressions), st.integers(0, 99))
def test_random_expressions_of_all_functions_agree(node: Ask, text: str, seed: int) -> None:
    agree(node, text, drawn_values(seed), alike=1)


# ---- rules as students write them


class Memory(NamedTuple):
    u: Any


@dataclasses.dataclass
class Own:
    """A student's rule; the functions below are its step."""

    eta: float = 0.05

    def init(self, theta: Any) -> Memory:
        return Memory(np.zeros_like(theta))


def on_a_copy(self: Any, theta: Any, state: Any, J: Any) -> Any:
    theta = theta.copy()
    theta -= self.eta * J.grad(theta)
    return theta, state


def coordinate_by_coordinate(self: Any, theta: Any, state: Any, J: Any) -> Any:
    g, new = J.grad(theta), np.zeros_like(theta)
    for i in range(len(theta)):
        new[i] = theta[i] - self.eta * g[i]
    return new, state


def an_array_of_parts(self: Any, theta: Any, state: Any, J: Any) -> Any:
    w, b = theta
    dw, db = J.grad(np.array([w, b]))
    w, b = w - self.eta * dw, b - 2 * self.eta * db
    return np.array([w, b]), state


def changed_in_place_after_it_was_read(self: Any, theta: Any, state: Any, J: Any) -> Any:
    u = 0.9 * state.u
    before = u.copy()
    u += self.eta * J.grad(theta)
    same = u
    same *= 0.99
    return theta - u + 0.1 * before, Memory(u)


def through_a_view(self: Any, theta: Any, state: Any, J: Any) -> Any:
    u = self.eta * J.grad(theta)
    rest, turned = u[1:], u[::-1]
    rest *= 0.5
    u[0] += 0.01 * u[1]
    u[-1:] -= 0.001
    return theta - u - 0.1 * turned, state


def by_a_condition(self: Any, theta: Any, state: Any, J: Any) -> Any:
    g = J.grad(theta) + 0.0
    g[np.abs(g) > 1] = 0.5
    return theta - self.eta * np.clip(g, -0.3, 0.3), state


def the_steepest_coordinate(self: Any, theta: Any, state: Any, J: Any) -> Any:
    g = J.grad(theta)
    i = np.argmax(np.abs(g))
    u = np.zeros_like(theta)
    u[i] = g[i]
    return theta - self.eta * u, Memory(u)


def unit_length(self: Any, theta: Any, state: Any, J: Any) -> Any:
    g = J.grad(theta)
    return theta - self.eta * g / (np.linalg.norm(g) + 1e-8), state


def softened_sign(self: Any, theta: Any, state: Any, J: Any) -> Any:
    u = 0.9 * state.u + (1 - 0.9) * J.grad(theta)
    return theta - self.eta * np.arctan(5 * u) * 2 / np.pi, Memory(u)


def own_line_search(self: Any, theta: Any, state: Any, J: Any) -> Any:
    g, loss = J.grad(theta), J(theta)
    eta = first_that(lambda eta: J(theta - eta * g) < loss, 4.0, lambda eta: eta / 2, 30)
    return theta - eta * g, state


def search_with_a_term_met_again(self: Any, theta: Any, state: Any, J: Any) -> Any:
    g, loss = J.grad(theta), J(theta)
    eta = first_that(
        lambda eta: J(theta - eta * g) < loss - 0.1 * eta * np.sum(g * g),
        4.0,
        lambda eta: eta / 2,
        30,
    )
    return theta - eta * g / (1 + 0.01 * np.sum(g * g)), state


def search_of_a_point(self: Any, theta: Any, state: Any, J: Any) -> Any:
    g, loss = J.grad(theta), J(theta)
    better = first_that(lambda x: J(x) < loss, theta - 2 * g, lambda x: (x + theta) / 2, 30)
    return better, state


def slope_in_the_search(self: Any, theta: Any, state: Any, J: Any) -> Any:
    g = J.grad(theta)
    eta = first_that(
        lambda eta: np.abs(J.grad(theta - eta * g) @ g) < 0.9 * (g @ g),
        np.float64(3.0),
        lambda eta: 0.5 * eta,
        20,
    )
    return theta - eta * g, state


def asking_twice(self: Any, theta: Any, state: Any, J: Any) -> Any:
    """What is asked twice is counted twice, as in Python."""
    g = (J.grad(theta) + J.grad(theta)) / 2
    return theta - self.eta * g * J(theta) / J(theta), state


def counting(self: Any, theta: Any, state: Any, J: Any) -> Any:
    t = state.u + 1
    rate = np.where(t[0] % 10 == 0, 0.0, self.eta * 10.0 ** -(t[0] // 20))
    return theta - rate * J.grad(theta), Memory(t)


STUDENTS = [
    *(on_a_copy, coordinate_by_coordinate, an_array_of_parts, changed_in_place_after_it_was_read),
    *(through_a_view, by_a_condition, the_steepest_coordinate, unit_length, softened_sign),
    *(own_line_search, search_with_a_term_met_again, search_of_a_point),
    *(slope_in_the_search, counting),
    asking_twice,
]


@pytest.mark.parametrize("step", STUDENTS, ids=lambda step: step.__name__)
@pytest.mark.parametrize(
    "J", [OBJECTIVES["Ravine"], OBJECTIVES["Neuron"]], ids=["Ravine", "Neuron"]
)
def test_a_students_rule_walks_the_same_path(node: Ask, step: Any, J: Any) -> None:
    rule = dataclasses.dataclass(type("Student", (Own,), {"step": step}))()
    start = np.array([-2.0, 1.0])
    path = descend(rule, start, J, 60)
    answer = node(
        "run",
        objective=trace_objective(J),
        rule=rule_part("it", rule),
        start=start.tolist(),
        settings={},
        budget=int(path.grad_evals[-1]),
    )
    assert np.abs(path.theta[-1] - start).max() > 0.02, "it moves"
    same_path(answer, path)


def test_the_locals_are_those_at_the_end_of_what_was_done_in_place() -> None:
    rule = dataclasses.dataclass(type("Student", (Own,), {"step": coordinate_by_coordinate}))()
    program = rule_part("it", rule)["program"]
    (line,) = {line for name, _, line in program["locals"] if name == "new"}
    assert program["source"].splitlines()[line].strip().startswith("new[i] = ")
    (new,) = {node for name, node, _ in program["locals"] if name == "new"}
    assert new == program["out"]["theta"]
